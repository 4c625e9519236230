"""A portal of two venues: something of everything at Crewe, and people of each role at Derby."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from categoriser import taxonomy
from evidence.alerts.taking import Taking
from evidence.alerts.themes import AlertSettings
from evidence.checks import keeping
from evidence.checks.results import Result
from policy.commands.bundles import AddBundle
from policy.commands.essentials import AddEssential
from policy.commands.exceptions import GrantException
from policy.commands.requests import ANYBODY, AskForReview
from policy.commands.rules import AddRules
from policy.store.importing import replace_document
from portal.accounts import rows
from tests.evidence.happenings import batch, detail, record
from tests.portal.settlers import decide
from tests.portal.test_alerts import NOTICES, POLICY
from tests.portal.test_checks import Checks, run_at
from tests.portal.visitors import CHEAP, PASSWORD, PEOPLE, SATURDAY, House, house

DERBY: Final = {
    "pia": "partner-administrator",
    "tod": "tutor",
    "dan": "safeguarding-lead",
    "lou": "leadership",
}
"""Who has which role at Derby, and nowhere else. Nora has none."""
SECRETS: Final = (
    "harm-of-crewe.example",
    "wish-of-crewe.example",
    "run-of-crewe.example",
    "cara@crewe.example",
    "Why Crewe withdrew access",
)
"""What happened at Crewe, who is there, and why: no business of Derby's."""
UNDONE: Final = 2
"""The rule that can be undone, and the entry of the log that added it."""

_TIMES: Final = frozenset({"portal_sessions", "portal_tokens"})
"""Tables that also say when somebody was here."""
_CREWE: Final = {
    "title": "Crewe hub",
    "networks": ["10.20.0.0/16"],
    "rooms": {"it-suite": {"title": "IT suite", "networks": ["10.20.3.0/24"]}},
}
_DOCUMENT: Final[dict[str, Any]] = {
    **POLICY,
    "profiles": {
        "learners": {"title": "Learners"},
        "spare": {
            "title": "Spare",
            "periods": [{"name": "Lunch", "days": ["mon"], "from": "12:00", "to": "13:00"}],
        },
    },
    "venues": {**POLICY["venues"], "crewe": _CREWE},
    "devices": {
        "laptop": {
            "title": "Laptop",
            "addresses": ["10.20.9.9"],
            "withdrawn": True,
            "withdrawn_reason": "Why Crewe withdrew access",
        }
    },
    "terms": [{"name": "Autumn", "from": "2026-09-01", "to": "2026-12-18"}],
    "people": {
        **PEOPLE,
        "cara": {
            "name": "Cara",
            "email": "cara@crewe.example",
            "roles": [{"role": "tutor", "venues": ["crewe"]}],
        },
        "nora": {"name": "Nora", "roles": []},
        **{
            id: {"name": id.title(), "roles": [{"role": role, "venues": ["derby"]}]}
            for id, role in DERBY.items()
        },
    },
}


def tell(folder: Path, story: Callable[[House], Awaitable[None]]) -> None:
    """Run a story in this portal."""

    async def run() -> None:
        async with house(folder, evidence=True) as made:
            await _move_in(made)
            await _decide(made)
            await _happen(made)
            await story(made)

    asyncio.run(asyncio.wait_for(run(), 300))


def kept(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that is kept, but when somebody was here and what was refused."""
    found: list[tuple[Any, ...]] = []
    for name in ("state.db", "telemetry.db"):
        with sqlite3.connect(folder / name) as connection:
            named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in sorted(named):
                all_of = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our tables
                found += [(table, *row) for row in all_of if table not in _TIMES]
    return [row for row in found if not {"refused", "account.sign-in"} & set(row)]


async def _move_in(made: House) -> None:
    async with made.services.store.writing() as writing:
        await replace_document(writing, _DOCUMENT)
        for id in ("cara", "nora", *DERBY):
            await rows.add(writing.connection, id, CHEAP.hash(PASSWORD), SATURDAY)


async def _decide(made: House) -> None:
    for name in ("one", "two", "three"):
        rule = {"action": "deny", "pattern": f"{name}.example", "scope": "venue:crewe"}
        await decide(made, AddRules([rule], "A reason."))
    for site in ("open.example", "more.example"):
        until = made.clock.at + 3600
        await decide(made, GrantException("venue:crewe", "A lesson.", until, [site]))
        asked = AskForReview("open", f"{site[:4]}.wish-of-crewe.example", "crewe")
        await made.services.desk.perform(ANYBODY, asked, at=made.clock.at)
    await decide(made, AddBundle("own", {"title": "Own", "sites": ["own.example"]}))
    await decide(made, AddEssential("needed.example", "A reason."))


async def _happen(made: House) -> None:
    evidence = made.services.evidence
    assert evidence is not None
    hate = {"category": "extremism-right-wing", "sources": ("starter:extremism-right-wing",)}
    there = {"address": "10.30.1.9", "venue": "derby", "room": ""}
    seen = [
        *(detail(SATURDAY - 600 + n * 20, "harm-of-crewe.example", **hate) for n in range(20)),
        *(detail(SATURDAY - 150 + n * 20, "derby.example", **hate, **there) for n in range(4)),
    ]
    await record(evidence, batch("alerts", seen), at=SATURDAY)
    taking = Taking(taxonomy.load(), AlertSettings(), NOTICES, "Europe/London")
    failed = Result("category", "run-of-crewe.example", "gambling", "blocked", "fail", "Open.")
    async with evidence.changing() as connection:
        await taking.take(connection, SATURDAY)
        for venue in ("crewe", "derby"):
            one = run_at(venue, SATURDAY - 86_400, *([failed] if venue == "crewe" else []))
            await keeping.keep(connection, one, NOTICES, venue, "Europe/London")
    made.app.state.services = replace(made.services, checks=Checks(made), explain=_explain)


async def _explain(name: str, client: str, at: str | None, *, place: str = "") -> Any:
    raise ValueError("nobody can say")
