"""The organisation of the demonstration: two venues, rooms, people, decisions of a day.

Everything is done by the commands that people use, with times that lie in the past where it was
done before; so the audit log, the store and the pages are those of a real installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from lychgate.office import Office
from policy.commands.command import Actor, Command
from policy.commands.desk import Desk
from policy.commands.devices import AddDevice
from policy.commands.exceptions import EndException, GrantException
from policy.commands.passes import TakePass
from policy.commands.people import AddPerson
from policy.commands.requests import AskForReview
from policy.commands.reviews import DecideRequest
from policy.commands.rooms import AddRoom
from policy.commands.rules import AddRules
from policy.commands.terms import AddTerm
from policy.commands.venues import AddVenue
from policy.requests import Said
from policy.store import Store
from policy.types import Grant
from portal.accounts import rows
from resolver.answers import KINDS

PASSWORD: Final = "three plum lanterns"
HOUR: Final = 3600.0
LONDON: Final = ZoneInfo("Europe/London")

VENUES: Final = {
    "crewe": ("Crewe hub", ("127.0.1.0/24", "127.0.0.0/24")),
    "stoke": ("Stoke learning centre", ("127.0.2.0/24",)),
}
"""Networks of loopback: the demonstration asks from their addresses, and nobody else is served.
Whoever looks at the pages sits in the IT suite.
"""
ROOMS: Final = {
    "crewe": {
        "it-suite": {"title": "IT suite", "networks": ["127.0.1.0/26", "127.0.0.1/32"]},
        "library": {"title": "Library", "networks": ["127.0.1.64/26"], "profile": "guests"},
    },
    "stoke": {"job-club": {"title": "Job club", "networks": ["127.0.2.0/26"]}},
}
PEOPLE: Final = {
    "ada": ("Ada Admin", "administrator", ()),
    "tom": ("Tom Tutor", "tutor", ("crewe",)),
    "tess": ("Tess Tutor", "tutor", ("stoke",)),
    "dora": ("Dora Safe", "safeguarding-lead", ()),
    "lea": ("Lea Leader", "leadership", ()),
}

OWNER: Final = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
_TUTOR: Final = Actor("tom", "Tom Tutor", "portal", (Grant("tutor", frozenset({"crewe"})),))
_TUTOR_TOO: Final = Actor("tess", "Tess Tutor", "portal", (Grant("tutor", frozenset({"stoke"})),))
LEAD: Final = Actor("dora", "Dora Safe", "portal", (Grant("safeguarding-lead"),))
_ANYBODY: Final = Actor("anybody", "somebody at a venue", "portal")


class Day:
    """Performs commands, each at its own time."""

    def __init__(self, store: Store, office: Office, now: float) -> None:
        self._desk: Final = Desk(store, office.taxonomy, tuple(KINDS), office.knowledge)
        self.now: Final = now

    async def at(self, hours_ago: float, actor: Actor, *commands: Command) -> None:
        """Do something so many hours before now."""
        for command in commands:
            await self._desk.perform(actor, command, at=self.now - hours_ago * HOUR)


async def settle(store: Store, office: Office, now: float) -> None:
    """Places, people, accounts, rules: done a month ago."""
    day = Day(store, office, now)
    long_ago = 30 * 24.0
    for number, (id, (title, networks)) in enumerate(VENUES.items()):
        body = {"title": title, "networks": [*networks], "profile": "learners"}
        await day.at(long_ago, OWNER, AddVenue(id, body, replaces="" if number else "here"))
        for room, room_body in ROOMS[id].items():
            await day.at(long_ago, OWNER, AddRoom(id, room, room_body))
    desk_body = {"title": "Front desk", "addresses": ["127.0.1.200"], "profile": "staff"}
    await day.at(long_ago, OWNER, AddDevice("front-desk", desk_body))
    today = datetime.fromtimestamp(now, LONDON).date()
    term = {
        "name": "This term",
        "from": (today - timedelta(days=60)).isoformat(),
        "to": (today + timedelta(days=40)).isoformat(),
    }
    await day.at(long_ago, OWNER, AddTerm(term))
    for id, (name, role, venues) in PEOPLE.items():
        grant = {"role": role, **({"venues": list(venues)} if venues else {})}
        await day.at(long_ago, OWNER, AddPerson(id, {"name": name, "roles": [grant]}))
    kept = PasswordHasher().hash(PASSWORD)
    async with store.writing() as writing:
        for id in PEOPLE:
            await rows.add(writing.connection, id, kept, now - long_ago * HOUR)
    review = (today - timedelta(days=2)).isoformat()
    later = (today + timedelta(days=200)).isoformat()
    allowed = {"action": "allow", "pattern": "cv-library-games.example", "review": review}
    denied = {"action": "deny", "pattern": "free-essay-writer.example", "review": later}
    await day.at(24 * 9, OWNER, AddRules([allowed], "a careers site that a list had by mistake"))
    await day.at(24 * 8, OWNER, AddRules([denied], "came up in a lesson at Crewe"))


async def decide(store: Store, office: Office, now: float) -> None:
    """What a day brings: approvals, requests and answers to them, warnings gone past."""
    day = Day(store, office, now)
    lab, club = "room:crewe/it-suite", "room:stoke/job-club"
    review = (datetime.fromtimestamp(now, LONDON).date() + timedelta(days=180)).isoformat()
    done: list[tuple[float, Actor, Command]] = [
        (
            26.0,
            _TUTOR,
            GrantException(lab, "CV workshop", now - 24.5 * HOUR, bundles=["facebook"]),
        ),
        (
            5.0,
            _TUTOR,
            GrantException(lab, "Employers on social media", now - HOUR, sites=["x.com"]),
        ),
        (4.0, _TUTOR, EndException(2, "the class ended early")),
        (
            0.5,
            _TUTOR_TOO,
            GrantException(club, "Groups for job seekers", now + 2 * HOUR, bundles=["facebook"]),
        ),
        (
            0.1,
            _TUTOR,
            GrantException(lab, "Interviews on video", now + 1.5 * HOUR, sites=["tiktok.com"]),
        ),
        (
            20.0,
            OWNER,
            DecideRequest(
                1, "allow", "It is a course of ours.", scope="organisation", review=review
            ),
        ),
        (19.0, OWNER, DecideRequest(2, "keep", "It sells loans, whatever it says.")),
        (
            2.0,
            OWNER,
            DecideRequest(4, "deny", "Essays for money.", scope="organisation", review=review),
        ),
        (0.7, _ANYBODY, TakePass("127.0.1.9", "www.asos.com")),
        (0.02, _ANYBODY, TakePass("127.0.2.9", "www.ebay.co.uk")),
    ]
    for hours, venue, kind, site, why, said in _ASKED:
        done.append((hours, _ANYBODY, AskForReview(kind, site, venue, why, said)))
    # In the order of their times: so stand the audit log, and the numbers above.
    for hours, actor, command in sorted(done, key=lambda one: -one[0]):
        await day.at(hours, actor, command)


def _blocked(category: str, rule: str, source: str) -> Said:
    return Said("block", category, rule, (source,), "learners")


_ASKED: Final[Sequence[tuple[float, str, Literal["open", "close"], str, str, Said]]] = (
    (22.0, "crewe", "open", "maths-games-course.example", "Our tutor gave it to us",
     _blocked("games", "maths-games-course.example", "local:games")),
    (21.0, "stoke", "open", "quick-cash-advice.example", "",
     _blocked("payday", "quick-cash-advice.example", "starter:payday")),
    (6.0, "crewe", "open", "dating-safety-charity.example", "It is a charity about abuse",
     _blocked("dating", "dating-safety-charity.example", "local:dating")),
    (5.5, "crewe", "close", "essay-factory.example", "People buy homework here", Said("allow")),
    (5.0, "crewe", "open", "dating-safety-charity.example", "",
     _blocked("dating", "dating-safety-charity.example", "local:dating")),
    (1.0, "stoke", "open", "tattoo-apprenticeships.example", "I want to apply there",
     _blocked("adult", "tattoo-apprenticeships.example", "local:adult")),
)  # fmt: skip
