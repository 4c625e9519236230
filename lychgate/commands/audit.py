"""`lychgate audit ...`: who decided what, when and why, and whether that record is whole."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lychgate.commands.deciding import open_office, show_json, telling_faults
from lychgate.commands.options import FINDING, Config, Json, refuse

if TYPE_CHECKING:
    from policy.audit import AuditEntry

app = typer.Typer(
    no_args_is_help=True, help="The audit log: who decided what, when and why; append-only."
)


@app.command("list")
def list_(
    subject: Annotated[
        str | None,
        typer.Option(help="Only about this, as in venue:crewe or rule:17.", show_default="all"),
    ] = None,
    actor: Annotated[
        str | None, typer.Option(help="Only by this person.", show_default="all")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            help="Only this, as in rule.add; or rule for all of them.", show_default="all"
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only from then on: 2026-03-03, 12:00 for today.", show_default="all"),
    ] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="Only what was not permitted.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the latest.")] = 50,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show what was decided, the latest last.

    Examples: `lychgate audit list --subject room:ellesmere-port/it-suite`,
    `lychgate audit list --actor jo --since 2026-03-01`
    """
    from collections import deque

    from sqlalchemy.ext.asyncio import AsyncConnection

    from lychgate.audit_screens import show_entries
    from lychgate.instants import read_instant
    from policy.commands.journal import entries

    found: deque[AuditEntry] = deque(maxlen=limit)
    with telling_faults():
        office = open_office(config)
        zone = office.zone()
        start = None if since is None else read_instant(since, time.time(), zone, "--since")

        def is_wanted(entry: AuditEntry) -> bool:
            if start is not None and entry.at < start:
                return False
            if refused and entry.outcome != "refused":
                return False
            if action is not None and action not in (entry.action, entry.action.split(".")[0]):
                return False
            return actor is None or actor in (entry.actor, entry.actor.removeprefix("cli:"))

        async def gather(connection: AsyncConnection) -> None:
            async for entry in entries(connection, subject=subject):
                if is_wanted(entry):
                    found.append(entry)

        office.ask(gather)
    if as_json:
        show_json([_as_json(entry) for entry in found])
    else:
        show_entries(list(found), zone)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Which entry.")],
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show one entry whole: what it was about, before and after.

    Example: `lychgate audit show 17`
    """
    from sqlalchemy.ext.asyncio import AsyncConnection

    from lychgate.audit_screens import show_entry
    from policy.commands.journal import entries

    async def find(connection: AsyncConnection) -> AuditEntry | None:
        async for entry in entries(connection, after_number=number - 1):
            return entry if entry.number == number else None
        return None

    with telling_faults():
        office = open_office(config)
        entry = office.ask(find)
        zone = office.zone()
    if entry is None:
        refuse([f"NUMBER: there is no entry {number}; `lychgate audit list` shows which there are"])
    if as_json:
        show_json(_as_json(entry))
    else:
        show_entry(entry, zone)


@app.command()
def verify(
    digest: Annotated[
        str,
        typer.Option(
            help="The digest of an entry noted earlier: it must still be there.",
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Check that no entry was altered, removed or slipped in.

    Whoever can write the database can write a whole new chain: note the last digest on paper or in
    another system from time to time, and give it here later. Exit status: 1 when the chain is
    broken.

    Example: `lychgate audit verify`
    """
    from sqlalchemy.ext.asyncio import AsyncConnection

    from lychgate.audit_screens import show_verdict
    from policy.audit import Verdict
    from policy.commands.journal import verify_journal

    async def judge(connection: AsyncConnection) -> Verdict:
        return await verify_journal(connection, digest.strip().lower())

    with telling_faults():
        verdict = open_office(config).ask(judge)
    broken = verdict.broken
    if as_json:
        show_json(
            {
                "entries": verdict.entries,
                "whole": broken is None,
                "broken": None if broken is None else broken.number,
                "why": None if broken is None else broken.why,
                "last_digest": verdict.last_digest,
                "notes": list(verdict.notes),
            }
        )
    else:
        show_verdict(verdict)
    if broken is not None:
        raise typer.Exit(FINDING)


def _as_json(entry: AuditEntry) -> dict[str, Any]:
    from dataclasses import asdict

    found = asdict(entry)
    for side in ("before", "after"):
        found[side] = _read(found[side])
    return found


def _read(text: str | None) -> Any:
    """What was kept as JSON; as it is where somebody made it something else."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
