"""What a change of venues and rooms means, for whom, in plain English.

An address belongs to the place with the smallest network that holds it. Where a place gives a
network up, the sentence says to whom its clients belong then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policy.commands.phrases import joined, profile_title
from policy.networks import plain_network
from policy.policy import Policy
from policy.types import Network


@dataclass(frozen=True, slots=True)
class _Place:
    """A venue or a room, as sentences need it."""

    id: str
    """`crewe` or `crewe/it-suite`."""
    title: str
    full_title: str
    """"IT suite, Ellesmere Port" for a room."""
    networks: tuple[Network, ...]
    profile: str
    """The one it amounts to."""
    inherits: bool
    """A room without a profile of its own."""


def place_effects(before: Policy, after: Policy) -> Iterator[str]:
    """Which clients belong elsewhere, or are filtered otherwise."""
    old, new = _places(before), _places(after)
    for id, place in new.items():
        known = old.get(id)
        if known is None:
            yield from _gained(place, place.networks, after) or [f"{place.full_title} is there."]
        else:
            yield from _place(known, place, before, after, new.values())
    for id, place in old.items():
        if id not in new:
            kind = "room" if "/" in id else "venue"
            yield f"{place.full_title} is no {kind} any more."
            yield from _lost(place, place.networks, after, new.values())


def _place(
    old: _Place, new: _Place, before: Policy, after: Policy, places: Iterable[_Place]
) -> Iterator[str]:
    """The differences of one place."""
    if old.title != new.title:
        yield f"{old.full_title} is called {new.title}."
    gained = [network for network in new.networks if network not in old.networks]
    yield from _gained(new, gained, after)
    lost = [network for network in old.networks if network not in new.networks]
    yield from _lost(new, lost, after, places)
    if old.profile != new.profile and not (old.inherits and new.inherits):
        now, was = profile_title(after, new.profile), profile_title(before, old.profile)
        yield f"{new.full_title}: filtered as {now} (before: {was})."


def _gained(place: _Place, networks: Iterable[Network], after: Policy) -> list[str]:
    """Clients that belong to a place from now on."""
    given = [str(network) for network in networks]
    profile = profile_title(after, place.profile)
    said = f"belong to {place.full_title}, and are filtered as {profile}."
    return [f"Clients in {joined(given)} {said}"] if given else []


def _lost(
    place: _Place, networks: Iterable[Network], after: Policy, places: Iterable[_Place]
) -> Iterator[str]:
    """To whom clients belong in networks that a place gave up."""
    heirs: dict[tuple[str, str], list[str]] = {}
    for network in networks:
        plain = plain_network(network)
        held = [(n, other) for other in places for n in map(plain_network, other.networks)]
        around = [(n.prefixlen, "/" in o.id, o) for n, o in held if _holds(n, plain)]
        heir = max(around, key=lambda found: found[:2], default=(0, False, None))[2]
        if heir is not None and heir.id == place.id:
            continue  # a wider network of its own has it still
        if heir is None:
            said = f"no venue, and are filtered as {_default(after)}"
        else:
            title = heir.full_title
            said = f"{title}, and are filtered as {profile_title(after, heir.profile)}"
        inside = any(n != plain and _holds(plain, n) for n, _ in held)
        but = " (but for smaller networks in it that a place has)" if inside else ""
        heirs.setdefault((but, said), []).append(str(network))
    for (but, said), given in heirs.items():
        yield f"Clients in {joined(given)}{but} belong to {said}."


def _places(policy: Policy) -> dict[str, _Place]:
    """Venues with their rooms, by id."""
    found = {}
    for venue in policy.venues.values():
        profile = venue.profile or policy.organisation.default_profile
        title = venue.title
        found[venue.id] = _Place(venue.id, title, title, venue.networks, profile, False)
        for room in venue.rooms.values():
            id = f"{venue.id}/{room.id}"
            found[id] = _Place(
                id,
                room.title,
                f"{room.title}, {title}",
                room.networks,
                room.profile or profile,
                room.profile is None,
            )
    return found


def _holds(outer: Network, inner: Network) -> bool:
    """Whether a network lies in another, or is the same."""
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


def _default(policy: Policy) -> str:
    return profile_title(policy, policy.organisation.default_profile)
