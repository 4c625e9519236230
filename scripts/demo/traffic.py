"""Believable traffic: a day of it written as the resolver writes it, and live queries after that.

What becomes of each query of the past is not made up: it is decided by the very snapshot that the
resolver has.
"""

from __future__ import annotations

import math
import random
import socket
from collections import Counter
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from dnslib import DNSRecord
from places import LONDON

from categoriser.names import from_text, spell
from evidence.spool import Detail, SpoolWriter, Tally, Traffic
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration
from policy.decision import decide
from resolver.snapshot import Snapshot

OPEN: Final = (
    "www.gov.uk", "teams.microsoft.com", "outlook.office.com", "www.indeed.com", "moodle.example",
    "www.bbc.co.uk", "www.google.com", "findajob.dwp.gov.uk", "www.nhs.uk", "en.wikipedia.org",
    "www.reed.co.uk", "fonts.googleapis.com", "www.youtube.com", "nationalcareers.service.gov.uk",
    "www.citizensadvice.org.uk", "cdn.jsdelivr.net", "www.totaljobs.com", "login.live.com",
)  # fmt: skip
CLOSED: Final = (
    ("www.facebook.com", 30), ("www.instagram.com", 22), ("www.tiktok.com", 26), ("x.com", 10),
    ("www.netflix.com", 9), ("www.bet365.com", 8), ("www.paddypower.com", 4), ("www.asos.com", 7),
    ("www.ebay.co.uk", 7), ("www.wonga.com", 2), ("www.pornhub.com", 3), ("nordvpn.com", 4),
    ("www.roblox.com", 8), ("store.steampowered.com", 5), ("www.tinder.com", 3), ("dns.google", 5),
    ("mask.icloud.com", 6), ("discord.com", 6), ("web.whatsapp.com", 6), ("thepiratebay.org", 2),
    ("www.whathouse-casino-bonus.example", 2), ("www.skybet.com", 3),
    ("www.maths-games-course.example", 3), ("dating-safety-charity.example", 3),
    ("tattoo-apprenticeships.example", 2), ("dragon-arcade-3.example", 4),
    ("meet-singles-7.example", 2), ("www.barclays.co.uk", 2),
)  # fmt: skip
"""Sites that a learner's profile closes or may close, and how often each is asked for."""
GRAVE: Final = "stormfront.org"
"""Of a safeguarding category: one burst a day."""
VPNS: Final = (
    "nordvpn.com",
    "protonvpn.com",
    "expressvpn.com",
    "www.torproject.org",
    "surfshark.com",
)
STATIONS: Final = (
    ("127.0.1.", 1, 20, 8),
    ("127.0.1.", 65, 75, 4),
    ("127.0.1.", 200, 200, 1),
    ("127.0.2.", 1, 14, 6),
)
"""The addresses of each room, from and to, and how busy it is: IT suite, library, front desk; job
club.
"""
MINUTES: Final = 24 * 60
_BATCH_MINUTES: Final = 15
"""In one file of the spool. A resolver writes one each second; so many would take long to read."""
_OPEN_EACH_MINUTE: Final = 40
_CLOSED_EACH_MINUTE: Final = 3.0
_CLOSED_LIVE: Final = 0.05
"""Of live queries: more would make every device an alert within minutes."""
_STRAY: Final = 0.005
"""Of live queries, before which a packet comes that is no query at all."""


class _Noted:
    """What the resolver would have noted of a stretch of time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot: Final = snapshot
        self.details: Final[list[Detail]] = []
        self.tallies: Final[Counter[Tally]] = Counter()
        self.traffic: Final[Counter[Traffic]] = Counter()

    def note(self, name: str, address: str, at: float) -> None:
        """Note one query."""
        client = self._snapshot.policy.identify(ip_address(address).packed)
        view = self._snapshot.perspective_of(client, at).view
        spelling = spell(from_text(name))
        decision = decide(view, spelling, self._snapshot.index.find(spelling))
        minute, category = int(at // 60), decision.category or ""
        self.tallies[
            Tally(
                minute, client.venue, client.profile, decision.action, decision.reason, category,
                tuple(decision.sources),
            )
        ] += 1  # fmt: skip
        suggestions = tuple(f"{match.category}:{match.rule}" for match in decision.suggestions)
        if decision.action == "allow" and not suggestions:
            domain = ".".join(name.split(".")[-3 if name.endswith(".uk") else -2 :])
            self.traffic[Traffic(minute, client.venue, client.profile, domain)] += 1
            return
        self.details.append(
            Detail(
                at, address, "", client.device or "", client.venue, client.room or "",
                client.profile, name, 1, decision.action, decision.reason, category,
                decision.rule or "", tuple(decision.sources), suggestions, "udp",
            )
        )  # fmt: skip

    def write(self, writer: SpoolWriter, at: float) -> int:
        """Write it as one batch; how many queries."""
        self.details.sort(key=lambda one: one.at)
        writer.write(at, self.details, list(self.tallies.items()), list(self.traffic.items()))
        return sum(self.tallies.values())


def write_history(configuration: Configuration, now: float, seed: int = 7) -> int:
    """Write the last day into the spool, for the recorder to find; how many queries."""
    folder = configuration.spool_directory
    assert folder is not None
    snapshot = SnapshotBuilder(configuration).build().snapshot
    writer = SpoolWriter(folder)
    chance = random.Random(seed)
    names, weights = zip(*CLOSED, strict=True)
    total, last = 0, int(now // 60)
    for first in range(last - MINUTES, last, _BATCH_MINUTES):
        noted = _Noted(snapshot)
        for minute in range(first, first + _BATCH_MINUTES):
            at = minute * 60.0
            busy = _busy(at)
            asked = [chance.choice(OPEN) for _ in range(_poisson(chance, _OPEN_EACH_MINUTE * busy))]
            closed = _poisson(chance, _CLOSED_EACH_MINUTE * busy)
            asked += chance.choices(names, weights, k=closed)
            for name in asked:
                noted.note(name, _station(chance), at + chance.random() * 59)
            for name, address in _grave(last - minute):
                noted.note(name, address, at + chance.random() * 20)
        total += noted.write(writer, (first + _BATCH_MINUTES) * 60.0)
    return total


def _grave(minutes_ago: int) -> list[tuple[str, str]]:
    """What a safeguarding lead has to see: a burst, and attempts to get round the filter."""
    if minutes_ago in (95, 94, 92):
        return [(GRAVE, "127.0.1.12")] * 4
    if 300 <= minutes_ago < 305:
        return [(VPNS[minutes_ago - 300], "127.0.2.8")]
    return []


def _station(chance: random.Random) -> str:
    """The address of one device."""
    (one,) = chance.choices(STATIONS, [busy for *_, busy in STATIONS])
    prefix, low, high, _ = one
    return f"{prefix}{chance.randint(low, high)}"


def _busy(at: float) -> float:
    """How busy a venue is: from nine to five on weekdays, a little on Saturday, hardly at night."""
    local = datetime.fromtimestamp(at, LONDON)
    hour = local.hour + local.minute / 60
    day = (1.0, 1.0, 1.0, 1.0, 0.9, 0.5, 0.25)[local.weekday()]
    return 0.05 + day * math.exp(-(((hour - 13) / 4) ** 2))


def _poisson(chance: random.Random, mean: float) -> int:
    return max(0, round(chance.gauss(mean, math.sqrt(mean))))


class Live:
    """Asks the resolver as the venues' devices do, from addresses of loopback."""

    def __init__(self, port: int, seed: int = 11) -> None:
        self._port: Final = port
        self._chance: Final = random.Random(seed)
        self.answered = 0

    def ask(self, queries: int) -> None:
        """Some queries, one after the other; each waits half a second at most."""
        names, weights = zip(*CLOSED, strict=True)
        for _ in range(queries):
            closed = self._chance.random() < _CLOSED_LIVE
            name = self._chance.choices(names, weights)[0] if closed else self._chance.choice(OPEN)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
                station.settimeout(0.5)
                try:
                    station.bind((_station(self._chance), 0))
                    if self._chance.random() < _STRAY:
                        station.sendto(b"hello", ("127.0.0.1", self._port))
                    station.sendto(DNSRecord.question(name).pack(), ("127.0.0.1", self._port))
                    station.recv(4096)
                except OSError:
                    continue
                self.answered += 1
