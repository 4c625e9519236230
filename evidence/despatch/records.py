"""What is said of an event, or of a decision, to a log engine. Pure.

Names are hostile, reasons are what people typed: both go as text inside JSON, cut to a length.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from categoriser.taxonomy import Taxonomy
from evidence.outward import DECISION, QUERY, Record
from evidence.reading.events import Event
from policy.audit import AuditEntry

TEXT_CHARACTERS_MAX: Final = 1_024
WORDS_MAX: Final = 20
"""Lists and keywords that one record names."""


def of_event(event: Event, taxonomy: Taxonomy, identity: Mapping[str, str]) -> Record:
    """One query; `identity` is empty, or says who asked."""
    category = taxonomy.get(event.category)
    body: dict[str, Any] = {
        "kind": QUERY,
        "id": f"query-{event.id}",
        "time": moment(event.at),
        "name": _cut(event.name),
        "domain": _cut(event.domain),
        "qtype": event.qtype,
        "queries": event.queries,
        "venue": event.venue,
        "room": event.room,
        "profile": event.profile,
        "transport": event.transport,
        "action": event.action,
        "reason": event.reason,
        "category": event.category,
        "lists": [_cut(one) for one in event.sources[:WORDS_MAX]],
        "rule": _cut(event.rule),
        "suggestions": [_cut(one) for one in event.suggestions[:WORDS_MAX]],
        "pseudonym": event.pseudonym,
        **{name: _cut(value) for name, value in identity.items() if value},
    }
    labels = {name: str(body[name]) for name in ("action", "category", "venue", "profile", "name")}
    grave = category is not None and category.safeguarding != "none"
    return Record(QUERY, body["id"], event.at, grave, labels, body)


def of_decision(entry: AuditEntry) -> Record:
    """One entry of the audit log. What it was before and after stays there."""
    body: dict[str, Any] = {
        "kind": DECISION,
        "id": f"decision-{entry.number}",
        "time": moment(entry.at),
        "number": entry.number,
        "person": _cut(entry.actor),
        "via": entry.via,
        "action": entry.action,
        "subject": _cut(entry.subject),
        "reason": _cut(entry.reason),
        "outcome": entry.outcome,
        "digest": entry.digest,
    }
    labels = {name: str(body[name]) for name in ("action", "outcome", "person", "subject")}
    return Record(DECISION, body["id"], entry.at, entry.outcome == "refused", labels, body)


def moment(at: float) -> str:
    """An instant as RFC 3339 has it, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cut(text: str) -> str:
    return text[:TEXT_CHARACTERS_MAX]
