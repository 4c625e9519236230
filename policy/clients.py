"""Who is asking: from a packed source address to a `Client`.

A device's address comes before a room's network, that before a venue's network; among networks of
one kind the longest prefix wins.  An address nobody claimed is a client of the organisation's
default profile at the venue "unknown": it is filtered, never let through.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from policy.networks import NetworkTable
from policy.types import UNKNOWN_VENUE, Client, Device, Network, Organisation, Room, Venue


class ClientTable:
    """All devices, rooms and venues of one policy, by address."""

    __slots__ = ("_devices", "_rooms", "_unknown", "_venues")

    def __init__(
        self, organisation: Organisation, venues: Iterable[Venue], devices: Iterable[Device]
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
        self._devices = NetworkTable(
            (ip_network(address), self._client_with(device, address.packed))
            for device in devices
            for address in device.addresses
        )

    def identify(self, packed_address: bytes) -> Client:
        """The client with this source address of 4 or 16 octets; never fails."""
        return self._devices.find(packed_address) or self._place(packed_address)

    def _place(self, packed_address: bytes) -> Client:
        """The client of an address that is no known device's."""
        return (
            self._rooms.find(packed_address) or self._venues.find(packed_address) or self._unknown
        )

    def _client_with(self, device: Device, packed_address: bytes) -> Client:
        """A device takes the venue, the room and, without one of its own, the profile around it."""
        place = self._place(packed_address)
        return Client(
            place.venue, place.room, device.id, device.profile or place.profile, device.withdrawn
        )


def _client_in(venue: Client, room: Room) -> Client:
    """A room takes its venue's profile unless it has one of its own."""
    return Client(venue.venue, room.id, None, room.profile or venue.profile)
