"""What happened: events, traffic, tallies, and the keys behind pseudonyms.

Revision 0001; the first.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GRAINS: Final = ("minutes", "hours", "days")
_WORDS: Final = {
    "origins": ("venue", "room", "profile", "transport"),
    "verdicts": ("action", "reason", "category", "sources"),
    "grounds": ("rule", "suggestions"),
}


def upgrade() -> None:
    """Make the tables."""
    _make("keys", _id(), sa.Column("secret", sa.LargeBinary, nullable=False), *_span())
    _make("pseudonyms", _id(), _number("key_id"), _text("pseudonym"))
    _index("pseudonyms", "key_id")
    _index("pseudonyms", "pseudonym", unique=True)
    _make(
        "identities",
        _id("pseudonym_id"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
    )
    _make("domains", _id(), _text("domain"), _unique("domains", "domain"))
    _make("names", _id(), _text("name"), _number("domain_id"), _unique("names", "name"))
    _index("names", "domain_id")
    for table, words in _WORDS.items():
        _make(table, _id(), *(_text(word) for word in words))
        op.create_index(
            f"ix_telemetry_{table}_whole", f"telemetry_{table}", list(words), unique=True
        )
    _make(
        "events",
        _id(),
        _number("name_id"),
        _number("pseudonym_id"),
        *(_small(name) for name in ("origin_id", "verdict_id", "ground_id", "qtype", "queries")),
    )
    for column in ("name_id", "pseudonym_id", "verdict_id", "origin_id"):
        op.create_index(f"ix_telemetry_events_{column}", "telemetry_events", [column, "id"])
    for grain in _GRAINS:
        _make_counts(f"traffic_{grain}", _small("venue_id"), _number("domain_id"))
        _make_counts(f"tallies_{grain}", _small("origin_id"), _small("verdict_id"))
        if grain != "minutes":
            table = f"telemetry_traffic_{grain}"
            op.create_index(f"ix_{table}_domain_id", table, ["domain_id", "at"])
    _make_counts("noted_days", _small("venue_id"), _number("domain_id"), _small("verdict_id"))
    op.create_index(
        "ix_telemetry_noted_days_domain_id", "telemetry_noted_days", ["domain_id", "at"]
    )
    op.create_table(
        "telemetry_noted_devices",
        _number("domain_id"),
        _small("at"),
        _small("venue_id"),
        _number("pseudonym_id"),
        sa.PrimaryKeyConstraint(
            "domain_id", "at", "venue_id", "pseudonym_id", name="pk_telemetry_noted_devices"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_telemetry_noted_devices_at", "telemetry_noted_devices", ["at"])
    _make_counts("noted_sums", _number("domain_id"), _small("verdict_id"))
    op.create_index(
        "ix_telemetry_noted_sums_domain_id", "telemetry_noted_sums", ["domain_id", "at"]
    )
    op.create_table(
        "telemetry_noted_spans",
        *(_number(name) for name in ("domain_id", "pseudonym_id")),
        *(_small(name) for name in ("first_at", "last_at")),
        sa.PrimaryKeyConstraint("domain_id", "pseudonym_id", name="pk_telemetry_noted_spans"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_telemetry_noted_spans_first_at", "telemetry_noted_spans", ["first_at"])
    op.create_table(
        "telemetry_ingested",
        _text("batch_id"),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name="pk_telemetry_ingested"),
    )
    op.create_table(
        "telemetry_facts",
        _text("name"),
        _text("value"),
        sa.PrimaryKeyConstraint("name", name="pk_telemetry_facts"),
    )
    _alerts()
    _notices()
    _make("outward", _id("event_id"), _text("identity"))
    _checks()


def _alerts() -> None:
    _make("alert_inbox", _id("event_id"))
    _make(
        "alerts",
        _id(),
        *(_text(name) for name in ("pseudonym", "theme", "venue", "room")),
        *(_text(name) for name in ("severity", "state", "rule")),
        *(_instant(name) for name in ("first_at", "last_at")),
        *(_small(name) for name in ("queries", "blocked", "looks")),
        _text("body"),
        _instant("made_at", nullable=True),
        sa.Column("refers_to", _NUMBER, nullable=True),
        _instant("acknowledged_at", nullable=True),
        _text("acknowledged_by"),
        _instant("closed_at", nullable=True),
        *(_text(name) for name in ("closed_by", "outcome", "note")),
    )
    op.create_index("ix_telemetry_alerts_pseudonym", "telemetry_alerts", ["pseudonym", "theme"])
    op.create_index("ix_telemetry_alerts_state", "telemetry_alerts", ["state", "last_at"])
    op.create_table(
        "telemetry_alert_suspicions",
        *(_text(name) for name in ("venue", "domain", "category", "sources")),
        _small("devices"),
        *(_instant(name) for name in ("first_at", "last_at")),
        sa.PrimaryKeyConstraint("venue", "domain", name="pk_telemetry_alert_suspicions"),
    )


def _notices() -> None:
    _make(
        "notices",
        _id(),
        _instant("at"),
        *(_text(name) for name in ("kind", "severity", "venue", "text", "path")),
        *(_text(name) for name in ("channel", "recipient", "state")),
        _instant("due_at"),
        _small("attempts"),
        _text("problem"),
        _instant("done_at", nullable=True),
    )
    op.create_index("ix_telemetry_notices_state", "telemetry_notices", ["state", "due_at"])


def _checks() -> None:
    _make(
        "check_runs",
        _id(),
        *(_instant(name) for name in ("at", "seconds")),
        *(_text(name) for name in ("venue", "profile", "who", "way", "counts", "troubles")),
        sa.Column("passed", sa.LargeBinary, nullable=False),
    )
    _index("check_runs", "at")
    op.create_index(
        "ix_telemetry_check_runs_venue", "telemetry_check_runs", ["venue", "profile", "id"]
    )
    _make("check_notes", _id(), _number("run_id"), _instant("at"), _text("who"), _text("text"))
    _index("check_notes", "run_id")
    _make(
        "check_names",
        *(_text(name) for name in ("name", "expected", "reason")),
        _instant("at"),
        _text("who"),
    )
    _make("check_announced", _id(), *_span(), *map(_text, ("venue", "address", "names")))


def downgrade() -> None:
    """Drop them: everything that was kept is lost."""
    counts = [f"{kind}_{grain}" for kind in ("traffic", "tallies") for grain in _GRAINS]
    rest = ["keys", "pseudonyms", "identities", "domains", "names", *_WORDS, "events"]
    rest += ["noted_days", "noted_devices", "noted_sums", "noted_spans", "ingested", "facts"]
    rest += ["alert_inbox", "alerts", "alert_suspicions", "notices", "outward"]
    rest += ["check_runs", "check_notes", "check_names", "check_announced"]
    for table in [*counts, *rest]:
        op.drop_table(f"telemetry_{table}")


def _make(table: str, *parts: sa.schema.SchemaItem) -> None:
    key = next(part.name for part in parts if isinstance(part, sa.Column))
    op.create_table(
        f"telemetry_{table}",
        *parts,
        sa.PrimaryKeyConstraint(str(key), name=f"pk_telemetry_{table}"),
    )


def _make_counts(table: str, *keys: sa.Column[int]) -> None:
    op.create_table(
        f"telemetry_{table}",
        _small("at"),
        *keys,
        _number("queries"),
        sa.PrimaryKeyConstraint(
            "at", *(str(key.name) for key in keys), name=f"pk_telemetry_{table}"
        ),
        sqlite_with_rowid=False,
    )


def _index(table: str, column: str, *, unique: bool = False) -> None:
    name = f"telemetry_{table}"
    op.create_index(f"ix_{name}_{column}", name, [column], unique=unique)


def _unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=f"uq_telemetry_{table}_{column}")


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, _NUMBER, nullable=False, autoincrement=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, nullable=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


def _span() -> tuple[sa.Column[float], sa.Column[float]]:
    return (
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )
