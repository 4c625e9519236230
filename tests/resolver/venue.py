"""A small venue for all tests of the resolver: its policy, lists, a clock to set, and an upstream
that answers when it is told to.

`Desk` is the service as a listener sees it. Nothing here opens a socket or needs an event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.name
import dns.rrset

from categoriser import taxonomy
from categoriser.matches import CategoryIndex, Match
from categoriser.names import from_text
from categoriser.patterns import Pattern, StarterTable
from policy import document
from resolver.cache import Cache, CacheEntry, CacheSettings
from resolver.limits import Limits
from resolver.resolution import Ask, Told
from resolver.service import ClientRecord, Service
from resolver.snapshot import ResolutionSettings, Snapshot
from resolver.upstream.forwarder import Waiter
from resolver.wire import codes
from resolver.wire.query import Query, scan_query
from resolver.wire.reply import Reply, scan_reply

POLICY = """
[organisation]
name = "Northshire Skills"
timezone = "Europe/London"
default_profile = "learners"
[profiles.learners]
actions = { social-media = "block" }
[[profiles.learners.periods]]
name = "lunch"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "12:00"
to = "13:00"
actions = { social-media = "allow" }
[profiles.staff]
answer = "nodata"
safe_search = false
youtube = "off"
actions = { social-media = "allow" }
[venues.harbour]
networks = ["10.1.0.0/16", "fd00::/8"]
[venues.harbour.rooms.office]
networks = ["10.1.9.0/24"]
profile = "staff"
"""
LISTED = {
    "gambling": ("bets.example",),
    "social-media": ("social.example",),
}
LEARNER, STAFF = "10.1.3.5", "10.1.9.5"
TUESDAY_10 = 1772532000.0
"""2026-03-03 10:00 in London (winter time)."""
LUNCH_STARTS, LUNCH_ENDS = TUESDAY_10 + 2 * 3600, TUESDAY_10 + 3 * 3600

TAXONOMY = taxonomy.load()


def snapshot(
    more: str = "",
    *,
    policy: str = POLICY,
    listed: Mapping[str, Sequence[str]] = LISTED,
    settings: ResolutionSettings | None = None,
    routes: Mapping[str, str] | None = None,
) -> Snapshot:
    """The venue's snapshot, with `more` behind its policy."""
    entries = [
        (Pattern.parse(name), Match(category, name, (f"test:{category}",)))
        for category, names in listed.items()
        for name in names
    ]
    return Snapshot(
        document.read(f"{policy}\n{more}", TAXONOMY),
        CategoryIndex((StarterTable(entries),)),
        TAXONOMY,
        settings or ResolutionSettings(),
        {from_text(zone): name for zone, name in (routes or {}).items()},
    )


def packet(
    name: str,
    qtype: str = "A",
    *,
    number: int = 0x1234,
    edns: int | None = None,
    flags: int = codes.RD,
) -> bytes:
    """A stub's query; `edns` is the size it offers."""
    query = dns.message.make_query(name, qtype, use_edns=False if edns is None else 0)
    if edns is not None:
        query.use_edns(0, 0, edns)
    query.id = number
    query.flags = dns.flags.Flag(flags)
    return query.to_wire()


def question(name: str, qtype: str = "A", edns: int | None = None) -> Query:
    """A query as the scanner reads it."""
    return scan_query(packet(name, qtype, edns=edns))


def upstream_packet(
    name: str,
    qtype: str,
    *answers: str,
    authority: Sequence[str] = (),
    rcode: int = codes.NOERROR,
    flags: int = 0,
) -> bytes:
    """An upstream's reply; records as `owner TTL TYPE rdata`."""
    reply = dns.message.make_response(dns.message.make_query(name, qtype), recursion_available=True)
    reply.flags |= dns.flags.Flag(flags)
    for section, lines in ((reply.answer, answers), (reply.authority, authority)):
        for line in lines:
            owner, ttl, rtype, rdata = line.split(None, 3)
            owner_name = dns.name.from_text(owner)
            section.append(dns.rrset.from_text(owner_name, int(ttl), "IN", rtype, rdata))
    reply.set_rcode(rcode)  # type: ignore[arg-type]
    return reply.to_wire()


def upstream_reply(
    name: str,
    qtype: str,
    *answers: str,
    authority: Sequence[str] = (),
    rcode: int = codes.NOERROR,
    flags: int = 0,
) -> Reply:
    """The same, as the scanner reads it."""
    octets = upstream_packet(name, qtype, *answers, authority=authority, rcode=rcode, flags=flags)
    return scan_reply(octets, 12 + len(from_text(name)) + 4)


class PatientUpstream:
    """In the place of the forwarder: keeps every question until the test answers it."""

    def __init__(self, cache: Cache, desk: Desk) -> None:
        self._cache = cache
        self._desk = desk
        self.asked: list[tuple[Ask, Waiter | None]] = []
        self.mismatches = self.refused = self.in_flight = 0
        self.failures: list[object] = []

    def ask(self, ask: Ask, waiter: Waiter | None) -> None:
        self.asked.append((ask, waiter))

    def health(self) -> list[tuple[str, object]]:
        return []

    def answer(self, reply: Reply | None) -> None:
        """Answer the oldest question; with None, nobody did."""
        ask, waiter = self.asked.pop(0)
        entry: CacheEntry | None = None
        if reply is not None:
            entry = self._cache.put(ask.key, reply, "udp://192.0.2.53:53", self._desk.at)
        if waiter is not None:
            waiter(Told(entry, self._desk.at))


class Desk:
    """The service, with what it sent."""

    def __init__(
        self,
        state: Snapshot | None = None,
        limits: Limits | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        self.at = TUESDAY_10
        self.sent: list[bytes] = []
        self.cache = Cache(cache or CacheSettings())
        self.upstream = PatientUpstream(self.cache, self)
        self.service = Service(
            state or snapshot(),
            self.cache,
            self.upstream,  # type: ignore[arg-type]
            limits or Limits(),
            lambda: self.at,
        )

    def record(self, address: str = LEARNER) -> ClientRecord:
        """What is known of a client."""
        return self.service.records.get(address) or self.service.admit(address, self.at)

    def receive(self, octets: bytes, address: str = LEARNER, transport: str = "udp") -> list[bytes]:
        """Hand a packet over as a listener does that found nothing in the memo; what was sent."""
        before = len(self.sent)
        self.service.handle(octets, self.record(address), self.at, self.sent.append, transport)
        return self.sent[before:]

    def ask(
        self, name: str, qtype: str = "A", address: str = LEARNER, edns: int | None = None
    ) -> dns.message.Message:
        """Ask and get an answer at once; read by dnspython."""
        (octets,) = self.receive(packet(name, qtype, edns=edns), address)
        return dns.message.from_wire(octets)

    def fetch(self, reply: Reply, name: str, qtype: str = "A", address: str = LEARNER) -> bytes:
        """Ask what the upstream must be asked for; the answer sent."""
        assert self.receive(packet(name, qtype), address) == []
        self.upstream.answer(reply)
        return self.sent[-1]


def packed(address: str) -> bytes:
    """An address as a socket gives it."""
    return ip_address(address).packed
