"""What every command has that decides something: who decides, why, and what comes of it.

A decision is handed to the desk of `lychgate.office`; refusals end with exit status 2, each in one
line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lychgate.commands.options import load, refuse

if TYPE_CHECKING:
    from lychgate.office import Office
    from policy.commands.command import Command, Done

Person = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="PERSON",
        help="Who decides this: a person of the store, within their roles.",
        show_default="the administrator at this machine",
    ),
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why: kept in the audit log.", show_default=False)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
]


@dataclass(frozen=True)
class Manner:
    """How a decision is to be carried out and told."""

    config: Path | None
    person: str | None = None
    dry_run: bool = False
    as_json: bool = False


def open_office(config: Path | None) -> Office:
    """The office of a configuration."""
    from lychgate.office import Office

    return Office(load(config))


def decide(command: Command, manner: Manner, office: Office | None = None) -> Done:
    """Carry a decision out and show what changes for whom."""
    from lychgate.policy_screens import show_done
    from lychgate.screens import show_faults

    with telling_faults():
        office = open_office(manner.config) if office is None else office
        done = office.perform(command, person=manner.person, at=time.time(), dry_run=manner.dry_run)
        show_faults(f"warning: {warning}" for warning in office.warnings)
    if manner.as_json:
        show_json(
            {
                "subject": done.subject,
                "before": done.before,
                "after": done.after,
                "sentences": list(done.sentences),
                "warnings": [*office.warnings, *done.warnings],
                "audit_number": done.audit_number,
                "dry_run": manner.dry_run,
            }
        )
    else:
        show_done(done, dry_run=manner.dry_run)
    return done


def show_one(noun: str, id: str | int, body: Mapping[str, Any], *, as_json: bool) -> None:
    """Show one entry, for people or for programs."""
    from lychgate.policy_screens import show_body

    if as_json:
        show_json({"id": id, **body})
    else:
        show_body(f"{noun} {id}", body)


def show_json(value: Any) -> None:
    """Write JSON for programs; keys are only ever added."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def given(**values: Any) -> dict[str, Any]:
    """A body of what was typed: what was left out, or given as nothing, is not in it."""
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def changes(**values: Any) -> dict[str, Any]:
    """Changes of what was typed: left out stays as it is, an empty text takes away (None)."""
    typed = {key: value for key, value in values.items() if value is not None}
    return {key: None if value in ("", [""]) else value for key, value in typed.items()}


def require_changes(action: str, values: Mapping[str, Any]) -> None:
    """Refuse a change of nothing."""
    if not values:
        refuse([f"{action}: nothing to change is given; `--help` shows what can be"])


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """`category=action` as typed, by category."""
    found = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            refuse([f"{option}: {text!r} is no pair; use {option} social-media=warn"])
        found[key.strip()] = value.strip()
    return found


def read_lines(option: str, file: Path | None) -> list[str]:
    """What a file has, one in a line, without blank ones and what follows a `#`."""
    if file is None:
        return []
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        refuse([f"{option}: {file}: octet {fault.start} is not UTF-8; use a text file in UTF-8"])
    except OSError as fault:
        refuse([f"{option}: {file}: {fault.strerror}; use a file that can be read"])
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def known(bodies: Mapping[str, Any], id: str, word: str, where: str = "ID") -> Any:
    """The body of something by its id; ends the command when there is none."""
    from policy.reading import Faults

    if id not in bodies:
        faults = Faults(where)
        faults.unknown("", id, word, bodies)
        refuse(faults.lines)
    return bodies[id]


@contextmanager
def telling_faults() -> Iterator[None]:
    """Whatever the office refuses, in lines on standard error."""
    from blocklists.starters import StarterFault
    from categoriser.names import NameFault
    from categoriser.taxonomy import TaxonomyFault
    from lychgate.instants import InstantFault
    from policy.commands.command import Refused
    from policy.document import PolicyFault
    from policy.store import StoreFault

    try:
        yield
    except (Refused, PolicyFault, TaxonomyFault, StarterFault) as fault:
        refuse(fault.faults)
    except (StoreFault, InstantFault, NameFault) as fault:
        refuse([str(fault)])
    except OSError as fault:
        refuse([f"{fault.filename}: {fault.strerror}; a place that can be read and written"])
