"""What a class would see of a site: the site itself, and the supporting hosts we know of.

`services.explain` decides; here it is only asked, for every host, and put in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from policy.patterns import fixed_part
from policy.types import Bundle
from portal.services import Services

HOSTS_MAX: Final = 40
"""Supporting hosts that are looked at for one site."""

BUNDLES_MAX: Final = 5

Seen = Literal["open", "warning", "blocked"]

_SEEN: Final[Mapping[str, Seen]] = {"warned": "warning", "blocked": "blocked", "refused": "blocked"}


@dataclass(frozen=True, slots=True)
class Host:
    """One name, as a class would see it."""

    name: str
    seen: Seen
    why: str
    """One sentence."""
    reason: str
    """The step of the decision order: `category`, `rule` ..."""
    category: str | None
    categories: tuple[str, ...]
    """Every listed category."""
    sources: tuple[str, ...]
    rule: str | None
    changes: tuple[str, ...]
    """What would change it."""
    valid_until: str | None
    suggestions: tuple[tuple[str, str], ...]
    """Keyword hits: category and keyword."""


@dataclass(frozen=True, slots=True)
class Supporting:
    """A bundle that holds the site, with its other hosts."""

    bundle: Bundle
    hosts: tuple[Host, ...]

    @property
    def closed(self) -> tuple[Host, ...]:
        """The hosts that are not open."""
        return tuple(host for host in self.hosts if host.seen != "open")


@dataclass(frozen=True, slots=True)
class Checked:
    """A site, as a class would see it."""

    host: Host
    supporting: tuple[Supporting, ...]
    can_be_approved: bool
    """Whether an exception would open the site."""

    @property
    def is_whole(self) -> bool:
        """Whether the site and everything known that it needs is open."""
        every = [self.host, *(host for one in self.supporting for host in one.hosts)]
        return all(host.seen == "open" for host in every)


async def check(
    services: Services, bundles: Mapping[str, Bundle], site: str, place: str, at: str | None
) -> Checked:
    """How a site (a host in normal form) is seen at a `place` such as `room:crewe/lab`.

    `at` is local time as `services.explain` has it. Raises ValueError.
    """
    host = await look(services, site, place, at)
    supporting = []
    left = HOSTS_MAX
    for bundle in bundles_with(bundles, site):
        names = [name for pattern in bundle.sites if (name := fixed_part(pattern.text)) != site]
        hosts = [await look(services, name, place, at) for name in names[:left]]
        left -= len(hosts)
        supporting.append(Supporting(bundle, tuple(hosts)))
    return Checked(host, tuple(supporting), _can_be_approved(services, host))


async def look(services: Services, name: str, place: str, at: str | None) -> Host:
    """How one name is seen. Raises ValueError."""
    said = await services.explain(name, "", at, place=place)
    if "decision" not in said:
        raise ValueError(f"{name}: nobody can explain names here; allowed: a running resolver")
    decision: Mapping[str, Any] = said["decision"]
    return Host(
        name=name,
        seen=_SEEN.get(said["happens"], "open"),
        why=decision["note"],
        reason=decision["reason"],
        category=decision["category"],
        categories=tuple(dict.fromkeys(match["category"] for match in decision["matches"])),
        sources=tuple(decision["sources"]),
        rule=decision["rule"],
        changes=tuple(said["what_would_change_it"]),
        valid_until=decision["valid_until"],
        suggestions=tuple(
            (hit["category"], hit["rule"].removeprefix("~")) for hit in decision["suggestions"]
        ),
    )


def bundles_with(bundles: Mapping[str, Bundle], site: str) -> Sequence[Bundle]:
    """The bundles that a site belongs to, those first that are mostly about it."""
    found = [
        (number, bundle)
        for bundle in bundles.values()
        for number, pattern in enumerate(bundle.sites)
        if _covers(pattern.text, site)
    ]
    found.sort(key=lambda one: one[0])  # a bundle's own site stands first in it
    return list({bundle.id: bundle for _, bundle in found}.values())[:BUNDLES_MAX]


def _covers(pattern: str, site: str) -> bool:
    if pattern.startswith("="):
        return site == pattern[1:]
    return site == pattern or site.endswith(f".{pattern}")


def _can_be_approved(services: Services, host: Host) -> bool:
    if host.reason != "category":
        return False
    taxonomy = services.taxonomy
    blocking = [taxonomy[c] for c in host.categories if c in taxonomy]
    closing = [category for category in blocking if category.action in ("warn", "block")]
    return all(category.exemptible for category in closing)
