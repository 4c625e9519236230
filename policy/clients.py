"""Who is asking: from a packed source address to a `Client`.

A device's address comes before a room's network, that before a venue's network; among networks of
one kind the longest prefix wins.  An address nobody claimed is a client of the organisation's
default profile at the venue "unknown": it is filtered, never let through.

A device may also be known by what its DHCP lease says of it.  Where several devices claim one
address, the one for which it is written counts, then one with the hardware address or client id of
the lease, then one with its host name: a machine can call itself anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from policy.leases import NO_LEASES, Leases, plain_id
from policy.networks import NetworkTable
from policy.types import UNKNOWN_VENUE, Client, Device, Network, Organisation, Room, Venue


class ClientTable:
    """All devices, rooms and venues of one policy, by address."""

    __slots__ = ("_by_id", "_devices", "_rooms", "_unknown", "_venues")

    def __init__(
        self,
        organisation: Organisation,
        venues: Iterable[Venue],
        devices: Iterable[Device],
        leases: Leases = NO_LEASES,
    ) -> None:
        self._unknown = Client(UNKNOWN_VENUE, None, None, organisation.default_profile)
        at_venues: list[tuple[Network, Client]] = []
        in_rooms: list[tuple[Network, Client]] = []
        for venue in venues:
            here = Client(venue.id, None, None, venue.profile or organisation.default_profile)
            at_venues += [(network, here) for network in venue.networks]
            for room in venue.rooms.values():
                there = _client_in(here, room)
                in_rooms += [(network, there) for network in room.networks]
        self._venues = NetworkTable(at_venues)
        self._rooms = NetworkTable(in_rooms)
        devices = tuple(devices)
        self._by_id = {plain_id(id): device for device in devices for id in device.client_ids}
        # The last entry of an address counts.
        self._devices = NetworkTable(
            (ip_network(address), self._with_device(self._place(address), device))
            for known in (_by_hostname, _by_id, _by_address)
            for device in devices
            for address in known(device, leases)
        )

    def identify(self, packed_address: bytes) -> Client:
        """The client with this source address of 4 or 16 octets; never fails."""
        return self._devices.find(packed_address) or self._place(packed_address)

    def identify_behind(
        self, forwarder: bytes, packed_address: bytes, bits: int, client_id: str
    ) -> Client:
        """The client for whom a trusted forwarder asks; never fails.

        `forwarder` is its address.  `packed_address` is the client's, or its network's when fewer
        `bits` of it are known; empty when it is not known.  `client_id` may be empty.  A network
        counts only if all addresses that begin with these bits are in it, and an address of no
        venue means the place of the forwarder: behind it private addresses may be anybody's.
        """
        known = bits > 0 and bits == 8 * len(packed_address)
        place = self._place(packed_address) if known else self._around(packed_address, bits)
        if place is self._unknown:
            place = self._place(forwarder)
        device = self._by_id.get(plain_id(client_id)) if client_id else None
        if device is not None:
            return self._with_device(place, device)
        return (self._devices.find(packed_address) if known else None) or place

    def _around(self, packed_address: bytes, bits: int) -> Client:
        """The client of a network of which only so many bits are known."""
        return (
            self._rooms.find_around(packed_address, bits)
            or self._venues.find_around(packed_address, bits)
            or self._unknown
        )

    def _place(self, packed_address: bytes) -> Client:
        """The client of an address that is no known device's."""
        return (
            self._rooms.find(packed_address) or self._venues.find(packed_address) or self._unknown
        )

    def _with_device(self, place: Client, device: Device) -> Client:
        """A device takes the venue, the room and, without one of its own, the profile around it."""
        return Client(
            place.venue,
            place.room,
            device.id,
            device.profile or place.profile,
            device.withdrawn_until if device.withdrawn else -math.inf,
        )


def _by_address(device: Device, leases: Leases) -> Iterator[bytes]:
    """Addresses written for a device."""
    del leases
    return (address.packed for address in device.addresses)


def _by_id(device: Device, leases: Leases) -> Iterator[bytes]:
    """Addresses leased to its hardware address or client id."""
    return (address for id in device.client_ids for address in leases.with_id(id))


def _by_hostname(device: Device, leases: Leases) -> Iterator[bytes]:
    """Addresses leased to its host name."""
    return (address for name in device.hostnames for address in leases.with_hostname(name))


def _client_in(venue: Client, room: Room) -> Client:
    """A room takes its venue's profile unless it has one of its own."""
    return Client(venue.venue, room.id, None, room.profile or venue.profile)
