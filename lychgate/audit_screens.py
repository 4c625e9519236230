"""What the commands about the audit log show on a terminal, by rich. Nothing is judged here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from lychgate.policy_screens import show_body, show_rows, written
from lychgate.screens import console
from policy.audit import AuditEntry, Verdict


def show_entries(entries: Sequence[AuditEntry], zone: ZoneInfo) -> None:
    """Entries in a table."""
    show_rows(
        ("number", "when", "who", "via", "what", "about", "why"),
        [
            (
                str(entry.number),
                _moment(entry.at, zone),
                entry.actor,
                entry.via,
                entry.action if entry.outcome == "done" else f"{entry.action} (REFUSED)",
                entry.subject,
                entry.reason,
            )
            for entry in entries
        ],
        "There is no such entry.",
    )


def show_entry(entry: AuditEntry, zone: ZoneInfo) -> None:
    """One entry, and what changed by it."""
    show_body(
        f"entry {entry.number}",
        {
            "when": _moment(entry.at, zone),
            "who": entry.actor,
            "via": entry.via,
            "what": entry.action,
            "about": entry.subject,
            "outcome": entry.outcome,
            "why": entry.reason,
            "digest": entry.digest,
        },
    )
    if entry.outcome == "refused":
        return
    before, after = _read(entry.before), _read(entry.after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        rows = [
            (key, written(before.get(key)), written(after.get(key)))
            for key in dict.fromkeys([*before, *after])
            if before.get(key) != after.get(key)
        ]
        show_rows(("key", "before", "after"), rows, "Nothing differs.")
        return
    for label, side in (("before", before), ("after", after)):
        if isinstance(side, Mapping):
            show_body(label, side)
        elif side is not None:
            console().print(Text(f"{label}: {json.dumps(side, indent=2, ensure_ascii=False)}"))


def show_verdict(verdict: Verdict) -> None:
    """Whether the chain is whole."""
    out = console()
    if verdict.broken is None:
        out.print(f"The chain is whole: {verdict.entries:,} entries.")
        out.print(f"Note the last digest somewhere else: {verdict.last_digest}")
    else:
        out.print(
            Text(f"BROKEN at entry {verdict.broken.number}: {verdict.broken.why}", style="bold red")
        )
        out.print(f"Entries looked at: {verdict.entries:,}; those before it are sound.")
    for note in verdict.notes:
        out.print(Text(f"note: {note}"))
    if verdict.notes_left_out:
        out.print(f"and {verdict.notes_left_out:,} more notes")


def _moment(at: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at // 1, zone):%Y-%m-%d %H:%M:%S}"


def _read(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
