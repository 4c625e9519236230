"""Believable things that happened, for tests: recorded as the recorder does it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, Final

from categoriser import taxonomy
from evidence.ingesting import Ingesting, Taken
from evidence.spool import VERSION, Batch, Detail, Tally, Traffic
from evidence.store import EvidenceStore

WEEK: Final = 7 * 86_400.0

CLOSED: Final = (
    ("www.bet365.com", "block", "gambling", "bet365.com", ("starter:gambling",)),
    ("pokerstars.co.uk", "block", "gambling", "pokerstars.co.uk", ("ut1:gambling",)),
    ("www.wonga.example.com", "block", "payday", "example.com", ("starter:payday",)),
    ("www.pornhub.com", "block", "adult", "pornhub.com", ("starter:adult", "ut1:adult")),
    ("nordvpn.com", "block", "circumvention-vpn", "nordvpn.com", ("starter:circumvention-vpn",)),
    ("dns.google", "block", "circumvention-doh", "dns.google", ("starter:circumvention-doh",)),
    ("stormfront.org", "block", "extremism-right-wing", "stormfront.org", ("starter:extremism",)),
    ("www.facebook.com", "warn", "social-media", "facebook.com", ("starter:social-media",)),
    ("www.netflix.com", "monitor", "streaming", "netflix.com", ("starter:streaming",)),
)
OPEN: Final = ("bbc.co.uk", "gov.uk", "office.com", "indeed.com", "google.com", "moodle.org")
ROOMS: Final = (("crewe", "it-suite"), ("crewe", "library"), ("derby", ""))


def detail(at: float, name: str = "www.bet365.com", **more: Any) -> Detail:
    """One blocked query; what is not given is of a learner in Crewe."""
    given: dict[str, Any] = {
        "address": "10.20.3.7",
        "hostname": "",
        "device": "",
        "venue": "crewe",
        "room": "it-suite",
        "profile": "learners",
        "qtype": 1,
        "action": "block",
        "reason": "category",
        "category": "gambling",
        "rule": "bet365.com",
        "sources": ("starter:gambling",),
        "suggestions": (),
        "transport": "udp",
    }
    return Detail(at=at, name=name, **{**given, **more})


def batch(
    id: str,
    details: Iterable[Detail] = (),
    *,
    allowed: Sequence[tuple[Traffic, int]] = (),
    at: float = 0.0,
    lost: int = 0,
) -> Batch:
    """A batch as a resolver writes it, with the tallies of its details."""
    noted = list(details)
    tallies = [
        (
            Tally(
                int(one.at // 60),
                one.venue,
                one.profile,
                one.action,
                one.reason,
                one.category,
                one.sources,
            ),
            one.queries,
        )
        for one in noted
    ]
    tallies += [
        (Tally(one.minute, one.venue, one.profile, "allow", "default", "", ()), queries)
        for one, queries in allowed
    ]
    return Batch(VERSION, id, at, noted, tallies, list(allowed), lost)


async def record(
    store: EvidenceStore, *batches: Batch, at: float, pseudonym_days: float = 7
) -> Taken:
    """Write batches, as the recorder does."""
    ingesting = Ingesting(taxonomy.load(), pseudonym_days * 86_400)
    async with store.changing() as connection:
        return await ingesting.take(connection, batches, at)


async def fill(store: EvidenceStore, until: float, *, events: int = 300, seed: int = 1) -> None:
    """A week before `until` in two venues: blocked, warned, monitored and allowed queries."""
    chance = random.Random(seed)
    details, allowed = [], []
    for number in range(events):
        at = until - WEEK + WEEK * number / events
        name, action, category, rule, sources = chance.choice(CLOSED)
        venue, room = chance.choice(ROOMS)
        address = f"10.20.{ROOMS.index((venue, room))}.{chance.randrange(1, 13)}"
        details.append(
            detail(
                at,
                name,
                address=address,
                venue=venue,
                room=room,
                action=action,
                category=category,
                rule=rule,
                sources=sources,
            )
        )
        site = chance.choice(OPEN)
        queries = chance.randrange(5, 200)
        allowed.append((Traffic(int(at // 60), venue, "learners", site), queries))
    await record(store, batch(f"fill-{seed}", details, allowed=allowed, at=until), at=until)
