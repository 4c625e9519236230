"""Venues, rooms and devices of a policy document, and the one promise about them: an address leads
to one venue, and within it to one room and one device.

Reading only; see `policy.document`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from policy.networks import plain_network
from policy.reading import Table, show
from policy.types import UNKNOWN_VENUE, Address, Device, Network, Profile, Room, Venue


@dataclass(frozen=True, slots=True)
class _Claim:
    """A network, and who says that it is theirs."""

    network: Network
    path: str
    venue: str
    room: str | None


def read_venues(document: Table, profiles: Mapping[str, Profile]) -> dict[str, Venue]:
    """All venues with their rooms; notes networks that two of them claim."""
    claims: list[_Claim] = []
    venues: dict[str, Venue] = {}
    for id, table in document.named_tables("venues"):
        if id == UNKNOWN_VENUE:
            allowed = "allowed: another id; this one is for addresses of no venue"
            table.faults.add(table.path, f'"{id}" is taken', allowed)
        rooms: dict[str, Room] = {}
        for room, inner in table.named_tables("rooms"):
            rooms[room] = Room(
                id=room,
                title=inner.text("title", room),
                networks=_networks(inner, claims, id, room),
                profile=inner.reference("profile", profiles, "profile"),
            )
            inner.finish()
        venues[id] = Venue(
            id=id,
            title=table.text("title", id),
            networks=_networks(table, claims, id, None),
            profile=table.reference("profile", profiles, "profile"),
            rooms=rooms,
        )
        table.finish()
    _refuse_overlaps(claims, document)
    return venues


def read_devices(
    document: Table, profiles: Mapping[str, Profile], zone: tzinfo
) -> dict[str, Device]:
    """All devices; notes addresses, client ids and host names that two of them claim."""
    claimed: dict[Address | str, str] = {}
    devices: dict[str, Device] = {}
    for id, table in document.named_tables("devices"):
        addresses = table.addresses("addresses")
        names = {key: table.texts(key) for key in ("client_ids", "hostnames")}
        if not any(table.raw.get(key) for key in ("addresses", *names)):
            allowed = "at least one of addresses, client_ids and hostnames is required"
            table.faults.add(table.path, "nothing to know it by", allowed)
        for key, given in names.items():
            for path, name in given:
                other = claimed.setdefault(f"{key} {name.lower()}", path)
                if other != path:
                    table.faults.add(path, f"{show(name)} is also {other}", "allowed: one device")
        for path, address in addresses:
            mapped = address.ipv4_mapped if address.version == 6 else None
            plain = mapped or address
            other = claimed.setdefault(plain, path)
            if other != path:
                allowed = "allowed: an address of one device only"
                table.faults.add(path, f"{plain} is also {other}", allowed)
        until = table.instant("withdrawn_until", zone)
        devices[id] = Device(
            id=id,
            title=table.text("title", id),
            addresses=tuple(address for _, address in addresses),
            profile=table.reference("profile", profiles, "profile"),
            withdrawn=table.flag("withdrawn", False),
            withdrawn_until=math.inf if until is None else until,
            withdrawn_reason=table.text("withdrawn_reason", ""),
            client_ids=tuple(name for _, name in names["client_ids"]),
            hostnames=tuple(name.lower() for _, name in names["hostnames"]),
        )
        table.finish()
    return devices


def _networks(
    table: Table, claims: list[_Claim], venue: str, room: str | None
) -> tuple[Network, ...]:
    """The networks of a venue or a room, each noted as a claim.

    A venue may leave them to its rooms.
    """
    networks = table.networks("networks")
    if not table.raw.get("networks") and not (room is None and table.raw.get("rooms")):
        table.faults.add(table.at("networks"), "there are none", "at least one is required")
    claims += [_Claim(plain_network(network), path, venue, room) for path, network in networks]
    return tuple(network for _, network in networks)


def _refuse_overlaps(claims: list[_Claim], document: Table) -> None:
    """Note networks of different venues that overlap, and a network that two rooms claim whole.

    Two networks are either apart or one inside the other, so in order of their first address it
    is enough to compare each with the ones it lies in: no pair-wise search through 1,000 rooms.
    """
    around: list[_Claim] = []
    for claim in sorted(claims, key=_order):
        while around and not _holds(around[-1].network, claim.network):
            around.pop()
        for outer in reversed(around):
            twice = outer.network == claim.network and None not in (outer.room, claim.room)
            if outer.venue != claim.venue or (twice and outer.room != claim.room):
                document.faults.add(
                    claim.path,
                    f"{claim.network} overlaps {outer.network} of {outer.path}",
                    "allowed: networks of one venue only; of rooms that differ",
                )
                break
        around.append(claim)


def _order(claim: _Claim) -> tuple[int, int, int]:
    network = claim.network
    return network.version, int(network.network_address), network.prefixlen


def _holds(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and int(outer.network_address) >> (outer.max_prefixlen - outer.prefixlen)
        == int(inner.network_address) >> (outer.max_prefixlen - outer.prefixlen)
    )
