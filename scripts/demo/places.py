"""The organisation of the demonstration: two venues, rooms, people, decisions of a day.

Everything is done by the commands that people use, with times that lie in the past where it was
done before; so the audit log, the store and the pages are those of a real installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from categoriser import taxonomy
from policy.commands.command import Actor, Command, Refused
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

PASSWORD: Final = "three plum lanterns"
HOUR: Final = 3600.0
LONDON: Final = ZoneInfo("Europe/London")

VENUES: Final = {
    "crewe": ("Crewe hub", "127.0.1.0/24"),
    "stoke": ("Stoke learning centre", "127.0.2.0/24"),
}
"""Networks of loopback: the demonstration asks from their addresses, and nobody else is served."""
ROOMS: Final = {
    "crewe": {"it-suite": ("IT suite", "127.0.1.0/26"), "library": ("Library", "127.0.1.64/26")},
    "stoke": {"job-club": ("Job club", "127.0.2.0/26")},
}
PEOPLE: Final = {
    "ada": ("Ada Admin", "administrator", ()),
    "tom": ("Tom Tutor", "tutor", ("crewe",)),
    "tess": ("Tess Tutor", "tutor", ("stoke",)),
    "dora": ("Dora Safe", "safeguarding-lead", ()),
    "lea": ("Lea Leader", "leadership", ()),
}

_OWNER: Final = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
_TUTOR: Final = Actor("tom", "Tom Tutor", "portal", (Grant("tutor", frozenset({"crewe"})),))
_TUTOR_TOO: Final = Actor("tess", "Tess Tutor", "portal", (Grant("tutor", frozenset({"stoke"})),))
_ANYBODY: Final = Actor("anybody", "somebody at a venue", "portal")


class Day:
    """Performs commands, each at its own time."""

    def __init__(self, store: Store, now: float) -> None:
        self._desk: Final = Desk(store, taxonomy.load())
        self._store: Final = store
        self.now: Final = now

    async def at(self, hours_ago: float, actor: Actor, *commands: Command) -> None:
        """Do something so many hours before now."""
        for command in commands:
            await self._desk.perform(actor, command, at=self.now - hours_ago * HOUR)


async def settle(store: Store, now: float) -> None:
    """Places, people, accounts, rules: done a month ago."""
    day = Day(store, now)
    long_ago = 30 * 24.0
    for number, (id, (title, network)) in enumerate(VENUES.items()):
        body = {"title": title, "networks": [network], "profile": "learners"}
        await day.at(long_ago, _OWNER, AddVenue(id, body, replaces="" if number else "here"))
        for room, (name, inner) in ROOMS[id].items():
            room_body = {"title": name, "networks": [inner]}
            await day.at(long_ago, _OWNER, AddRoom(id, room, room_body))
    desk_body = {"title": "Front desk", "addresses": ["127.0.1.200"], "profile": "staff"}
    await day.at(long_ago, _OWNER, AddDevice("front-desk", desk_body))
    today = datetime.fromtimestamp(now, LONDON).date()
    term = {
        "name": "This term",
        "from": (today - timedelta(days=60)).isoformat(),
        "to": (today + timedelta(days=40)).isoformat(),
    }
    await day.at(long_ago, _OWNER, AddTerm(term))
    for id, (name, role, venues) in PEOPLE.items():
        grant = {"role": role, **({"venues": list(venues)} if venues else {})}
        await day.at(long_ago, _OWNER, AddPerson(id, {"name": name, "roles": [grant]}))
    kept = PasswordHasher().hash(PASSWORD)
    async with store.writing() as writing:
        for id in PEOPLE:
            await rows.add(writing.connection, id, kept, now - long_ago * HOUR)
    review = (today - timedelta(days=2)).isoformat()
    later = (today + timedelta(days=200)).isoformat()
    allowed = {"action": "allow", "pattern": "cv-library-games.example", "review": review}
    denied = {"action": "deny", "pattern": "free-essay-writer.example", "review": later}
    await day.at(24 * 9, _OWNER, AddRules([allowed], "a careers site that a list had by mistake"))
    await day.at(24 * 8, _OWNER, AddRules([denied], "came up in a lesson at Crewe"))


async def decide(store: Store, now: float) -> None:
    """What a day brings: approvals, requests, warnings gone past."""
    day = Day(store, now)
    lab, club = "room:crewe/it-suite", "room:stoke/job-club"
    await day.at(
        26.0,
        _TUTOR,
        GrantException(lab, "CV workshop", now - 24.5 * HOUR, bundles=["facebook"]),
    )
    await day.at(
        5.0, _TUTOR, GrantException(lab, "Employers on social media", now - HOUR, sites=["x.com"])
    )
    await day.at(4.0, _TUTOR, EndException(2, "the class ended early"))
    await day.at(
        0.5,
        _TUTOR_TOO,
        GrantException(
            club, "Finding work by LinkedIn groups", now + 2 * HOUR, bundles=["facebook"]
        ),
    )
    for hours, venue, kind, site, why, said in _ASKED:
        await day.at(hours, _ANYBODY, AskForReview(kind, site, venue, why, said))
    review = (datetime.fromtimestamp(now, LONDON).date() + timedelta(days=180)).isoformat()
    await day.at(
        20.0,
        _OWNER,
        DecideRequest(1, "allow", "It is a course of ours.", scope="organisation", review=review),
    )
    await day.at(19.0, _OWNER, DecideRequest(2, "keep", "It sells loans, whatever it says."))
    await day.at(
        2.0,
        _OWNER,
        DecideRequest(4, "deny", "Essays for money.", scope="organisation", review=review),
    )
    for minutes, address, site in ((40, "127.0.1.9", "asos.com"), (12, "127.0.2.9", "ebay.co.uk")):
        await _go_past(day, minutes / 60, address, site)


async def _go_past(day: Day, hours: float, address: str, site: str) -> None:
    try:
        await day.at(hours, _ANYBODY, TakePass(address, site))
    except Refused:
        return  # at this hour the timetable does not warn of it


def _blocked(category: str, rule: str, source: str) -> Said:
    return Said("block", category, rule, (source,), "learners")


_ASKED: Final[Sequence[tuple[float, str, str, str, str, Said]]] = (
    (22.0, "crewe", "open", "maths-games-course.example", "Our tutor gave it to us",
     _blocked("games", "maths-games-course.example", "ut1:games")),
    (21.0, "stoke", "open", "quick-cash-advice.example", "",
     _blocked("payday", "quick-cash-advice.example", "starter:payday")),
    (6.0, "crewe", "open", "dating-safety-charity.example", "It is a charity about abuse",
     _blocked("dating", "dating-safety-charity.example", "ut1:dating")),
    (5.5, "crewe", "close", "essay-factory.example", "People buy homework here", Said("allow")),
    (5.0, "crewe", "open", "dating-safety-charity.example", "",
     _blocked("dating", "dating-safety-charity.example", "ut1:dating")),
    (1.0, "stoke", "open", "tattoo-apprenticeships.example", "I want to apply there",
     _blocked("adult", "tattoo-apprenticeships.example", "ut1:adult")),
)  # fmt: skip
