"""What the commands about policy show on a terminal, by rich.

Names, titles and reasons come from people: they are put in as plain text, never as markup. Nothing
is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from lychgate.screens import console, table
from policy.commands.command import Done
from policy.comparing import Difference

DIFFERENCES_SHOWN_MAX: Final = 50
"""Entries of a comparison on a screen; `--json` has all."""

_ONE: Final[Mapping[str, str]] = {
    "organisation": "organisation",
    "profiles": "profile",
    "venues": "venue",
    "rooms": "room",
    "devices": "device",
    "bundles": "bundle",
    "essentials": "essential",
    "pages": "page",
    "terms": "term",
    "roles": "role",
    "people": "person",
    "rules": "rule",
    "exceptions": "exception",
}
"""How one entry of a kind is called."""
_WHOLE: Final = frozenset({"where", "from", "until", "when", "venue", "room", "device", "person"})
"""Columns whose cells stay in one line: people copy from them."""
_SIGNS: Final = {"+": "green", "-": "red", "~": "yellow"}


def show_done(done: Done, *, dry_run: bool) -> None:
    """What changes for whom, and what to know beside it."""
    out = console()
    for sentence in done.sentences:
        out.print(Text(sentence))
    for warning in done.warnings:
        out.print(Text(f"warning: {warning}", style="yellow"))
    if dry_run:
        out.print("A dry run: nothing was changed.", style="dim")
    elif done.audit_number is not None:
        out.print(Text(f"{done.subject}: entry {done.audit_number} of the audit log", style="dim"))


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> None:
    """A table; `nothing` says what to do when it is empty."""
    shown = table(*columns)
    for column in shown.columns:
        column.no_wrap = column.header in _WHOLE
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    if shown.row_count:
        console().print(shown)
    else:
        console().print(Text(nothing))


def show_body(title: str, body: Mapping[str, Any]) -> None:
    """One entry, key by key, in the words of policy.toml."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in body.items():
        grid.add_row(key, Text(written(value)))
    out = console()
    out.print(Text(title, style="bold"))
    out.print(grid)


def show_differences(found: Sequence[Difference]) -> None:
    """What comes (+), goes (-) and is otherwise (~)."""
    out = console()
    for one in found[:DIFFERENCES_SHOWN_MAX]:
        for sign, line in difference_lines(one):
            out.print(Text(f"{sign} {line}", style=_SIGNS[sign]))
    if len(found) > DIFFERENCES_SHOWN_MAX:
        out.print(f"and {len(found) - DIFFERENCES_SHOWN_MAX:,} more entries; --json has all")


def difference_lines(one: Difference) -> list[tuple[str, str]]:
    """A difference in lines, each with its sign."""
    name = _ONE[one.kind]
    if one.kind != "organisation" and one.id is not None:
        name = f"{name} {one.id}"
    if one.before is None or one.after is None:
        body = one.after if one.before is None else one.before
        return [
            ("+" if one.before is None else "-", f"{name}: {_summary(body or {})}".rstrip(": "))
        ]
    keys = dict.fromkeys([*one.before, *one.after])
    return [
        ("~", f"{name}: {key}: {_side(one.before, key)} -> {_side(one.after, key)}")
        for key in keys
        if one.before.get(key) != one.after.get(key)
    ]


def written(value: Any) -> str:
    """A value of a body in one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={written(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(
            f"({written(inner)})" if isinstance(inner, Mapping) else written(inner)
            for inner in value
        )
    return "" if value is None else str(value)


def _summary(body: Mapping[str, Any]) -> str:
    """A body in one line, without what is kept beside it."""
    return "; ".join(f"{key} {written(value)}" for key, value in body.items())


def _side(body: Mapping[str, Any], key: str) -> str:
    return written(body[key]) if key in body else "nothing"
