"""People and their roles in a policy document: who may decide what, and where.

What each role is permitted is a table in `policy.commands.permissions`; here people are read, and
how long an exception may last that a role grants. Reading only; see `policy.document`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, get_args

from policy.reading import Table, show
from policy.types import Grant, Person, Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)

EXCEPTION_HOURS_MAX: Final[Mapping[Role, int]] = {
    "administrator": 24 * 366,
    "partner-administrator": 24 * 31,
    "tutor": 12,  # a long day of teaching; what should last longer deserves a rule
    "safeguarding-lead": 0,
    "leadership": 0,
}
"""How long an exception may last that somebody in this role grants, where the document says
nothing."""

HOURS_MAX: Final = 24 * 366


def read_people(document: Table, venues: Collection[str]) -> dict[str, Person]:
    """Everybody the document names."""
    people: dict[str, Person] = {}
    for id, table in document.named_tables("people"):
        grants = tuple(_grant(inner, venues) for _, inner in table.tables("roles"))
        people[id] = Person(id, table.text("name"), table.text("email", ""), grants)
        table.finish()
    return people


def read_exception_hours(document: Table) -> dict[Role, int]:
    """The longest exception of each role, in hours."""
    hours = dict(EXCEPTION_HOURS_MAX)
    for word, table in document.named_tables("roles"):
        role = next((role for role in ROLES if role == word), None)
        if role is None:
            table.faults.unknown(table.path, word, "role", ROLES)
        else:
            hours[role] = table.whole("exception_hours_max", 0, HOURS_MAX, hours[role])
        table.finish()
    return hours


def _grant(table: Table, venues: Collection[str]) -> Grant:
    role = table.word("role", ROLES, "leadership", required=True)
    places = set()
    for path, venue in table.texts("venues"):
        if venue in venues:
            places.add(venue)
        else:
            table.faults.unknown(path, venue, "venue", venues)
    if table.raw.get("venues") == []:
        allowed = "allowed: at least one venue; leave venues out for all of them"
        table.faults.add(table.at("venues"), f"{show([])} names no venue", allowed)
    table.finish()
    return Grant(role, frozenset(places))
