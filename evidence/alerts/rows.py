"""Groups as rows of the database, and back. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from evidence.alerts.grouping import Asked, Group
from evidence.alerts.tables import ACKNOWLEDGED, NEW


@dataclass(slots=True)
class Kept:
    """A group in the database."""

    id: int
    group: Group
    state: str
    severity: str
    """Of the alert: that of the group, made graver by rules."""
    rule: str = ""
    raises: tuple[str, ...] = ()
    made_at: float | None = None
    refers_to: int | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    closed_at: float | None = None
    closed_by: str = ""
    outcome: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is an alert that nobody closed."""
        return self.state in (NEW, ACKNOWLEDGED)


def to_row(kept: Kept) -> dict[str, Any]:
    """All columns."""
    group = kept.group
    body = {
        "severity": group.severity,
        "looks": group.looks,
        "domains": {
            name: [one.category, one.queries, one.blocked] for name, one in group.domains.items()
        },
        "names": sorted(group.names),
        "samples": group.samples,
        "raises": kept.raises,
    }
    return {
        "id": kept.id,
        "pseudonym": group.pseudonym,
        "theme": group.theme,
        "venue": group.venue,
        "room": group.room,
        "severity": kept.severity,
        "state": kept.state,
        "rule": kept.rule,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "queries": group.queries,
        "blocked": group.blocked,
        "looks": group.look_count,
        "body": json.dumps(body),
        "made_at": kept.made_at,
        "refers_to": kept.refers_to,
        "acknowledged_at": kept.acknowledged_at,
        "acknowledged_by": kept.acknowledged_by,
        "closed_at": kept.closed_at,
        "closed_by": kept.closed_by,
        "outcome": kept.outcome,
        "note": kept.note,
    }


def from_row(row: Row[Any]) -> Kept:
    """The group of a row."""
    body = json.loads(row.body)
    group = Group(
        row.pseudonym,
        row.theme,
        row.venue,
        row.room,
        body["severity"],
        row.first_at,
        row.last_at,
        row.queries,
        row.blocked,
        row.looks,
        list(body["looks"]),
        {name: Asked(*asked) for name, asked in body["domains"].items()},
        set(body["names"]),
        list(body["samples"]),
    )
    return Kept(
        row.id,
        group,
        row.state,
        row.severity,
        row.rule,
        tuple(body["raises"]),
        row.made_at,
        row.refers_to,
        row.acknowledged_at,
        row.acknowledged_by,
        row.closed_at,
        row.closed_by,
        row.outcome,
        row.note,
    )
