"""The tables of alerts, on the metadata of `telemetry.db`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from evidence.tables import METADATA, NUMBER

PENDING: Final = "pending"
HELD: Final = "held"
NEW: Final = "new"
ACKNOWLEDGED: Final = "acknowledged"
CLOSED: Final = "closed"
ALERTS: Final = (NEW, ACKNOWLEDGED, CLOSED)
"""The states of what is an alert; a group that is none waits to be judged, or was held back."""


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _instant(name: str, *, given: bool = True) -> Column[float]:
    return Column(name, Double, nullable=not given)


inbox = Table(
    "telemetry_alert_inbox",
    METADATA,
    Column("event_id", NUMBER, primary_key=True, autoincrement=False),
)
"""Events that alerts have not looked at: put in with the event itself, taken out with what came of
it, in one transaction each. So each counts exactly once, however late it comes."""

groups = Table(
    "telemetry_alerts",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    _text("pseudonym"),
    _text("theme"),
    _text("venue"),
    _text("room"),
    _text("severity"),
    _text("state"),
    _text("rule"),  # that holds it back; empty: none
    _instant("first_at"),
    _instant("last_at"),
    Column("queries", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    _text("body"),  # JSON: times, domains, names, samples, rules that made it graver
    _instant("made_at", given=False),  # when it became an alert
    Column("refers_to", NUMBER, nullable=True),  # the closed alert before it
    _instant("acknowledged_at", given=False),
    _text("acknowledged_by"),
    _instant("closed_at", given=False),
    _text("closed_by"),
    _text("outcome"),
    _text("note"),
    Index("ix_telemetry_alerts_pseudonym", "pseudonym", "theme"),
    Index("ix_telemetry_alerts_state", "state", "last_at"),
)
"""Groups of looks: alerts, what was held back, and what waits to be judged."""

suspicions = Table(
    "telemetry_alert_suspicions",
    METADATA,
    Column("venue", Text, primary_key=True),
    Column("domain", Text, primary_key=True),
    _text("category"),
    _text("sources"),
    Column("devices", Integer, nullable=False),
    _instant("first_at"),
    _instant("last_at"),
)
"""Sites for which a whole venue asked at once: the list may be wrong."""
