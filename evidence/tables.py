"""The tables of `telemetry.db`.

Rows that are many hold small numbers only: names, verdicts, grounds and origins are written once,
in tables of their own. An event's number is its time (`evidence.instants`), so that a stretch of
time is a stretch of rows and needs no index. A change here needs one of the migration; a test
compares.

Alerts, checks and the like have tables of their own on the same `METADATA`, each in a module of
its own that `MODULES` names, and a few lines in the migration.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""In SQLite only INTEGER is the row's own number, which needs no index of its own."""


def _number(name: str = "id") -> Column[int]:
    return Column(name, NUMBER, primary_key=True, autoincrement=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


keys = Table(
    "telemetry_keys",
    METADATA,
    _number(),
    Column("secret", LargeBinary, nullable=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),  # new pseudonyms are made under the next one
)
"""Secrets behind pseudonyms and sealed identities. A key that is deleted takes with it that
anybody could tell whose a pseudonym was."""

pseudonyms = Table(
    "telemetry_pseudonyms",
    METADATA,
    _number(),
    Column("key_id", NUMBER, nullable=False, index=True),
    _text("pseudonym"),  # keyed hash, hexadecimal
    Index("ix_telemetry_pseudonyms_pseudonym", "pseudonym", unique=True),
)
"""Devices, under the key of their time."""

identities = Table(
    "telemetry_identities",
    METADATA,
    _number("pseudonym_id"),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_at", Double, nullable=False),  # of the last event that calls for it
)
"""Who is behind a pseudonym, sealed under its key: only where safeguarding or repeated attempts to
get round the filter call for it."""

domains = Table(
    "telemetry_domains",
    METADATA,
    _number(),
    Column("domain", Text, nullable=False, unique=True),
)
"""Registered domains: `example.co.uk`."""

names = Table(
    "telemetry_names",
    METADATA,
    _number(),
    Column("name", Text, nullable=False, unique=True),
    Column("domain_id", NUMBER, nullable=False, index=True),
)
"""Names of events, in the escaped text form of `categoriser.names.to_text`."""

origins = Table(
    "telemetry_origins",
    METADATA,
    _number(),
    _text("venue"),
    _text("room"),
    _text("profile"),
    _text("transport"),
    Index("ix_telemetry_origins_whole", "venue", "room", "profile", "transport", unique=True),
)
"""Where a query came from, and how. Of tallies room and transport are empty."""

CHECK: Final = "check"
"""The transport of queries by which the filter is checked: no figure counts them."""

verdicts = Table(
    "telemetry_verdicts",
    METADATA,
    _number(),
    _text("action"),
    _text("reason"),
    _text("category"),  # empty: none
    _text("sources"),  # ids of lists, separated by spaces
    Index("ix_telemetry_verdicts_whole", "action", "reason", "category", "sources", unique=True),
)
"""What was decided, and which lists said so: some hundreds."""

grounds = Table(
    "telemetry_grounds",
    METADATA,
    _number(),
    _text("rule"),
    _text("suggestions"),  # keywords with their categories, `category:rule`, separated by spaces
    Index("ix_telemetry_grounds_whole", "rule", "suggestions", unique=True),
)
"""The entry that settled it, and what keywords suggest."""

events = Table(
    "telemetry_events",
    METADATA,
    _number(),  # `evidence.instants.event_id`: its time
    Column("name_id", NUMBER, nullable=False),
    Column("pseudonym_id", NUMBER, nullable=False),
    _integer("origin_id"),
    _integer("verdict_id"),
    _integer("ground_id"),
    _integer("qtype"),
    _integer("queries"),  # repeats within a moment are one event
    Index("ix_telemetry_events_name_id", "name_id", "id"),
    Index("ix_telemetry_events_pseudonym_id", "pseudonym_id", "id"),
    Index("ix_telemetry_events_verdict_id", "verdict_id", "id"),
    Index("ix_telemetry_events_origin_id", "origin_id", "id"),
)
"""Blocked, warned, monitored and suspected queries, singly."""


def _traffic(grain: str) -> Table:
    return Table(
        f"telemetry_traffic_{grain}",
        METADATA,
        Column("at", Integer, primary_key=True, autoincrement=False),  # begins, in minutes of POSIX
        Column("venue_id", Integer, primary_key=True, autoincrement=False),
        Column("domain_id", NUMBER, primary_key=True, autoincrement=False),
        Column("queries", NUMBER, nullable=False),
        *(
            []
            if grain == "minutes"
            else [Index(f"ix_telemetry_traffic_{grain}_domain_id", "domain_id", "at")]
        ),
        sqlite_with_rowid=False,
    )


def _tallies(grain: str) -> Table:
    return Table(
        f"telemetry_tallies_{grain}",
        METADATA,
        Column("at", Integer, primary_key=True, autoincrement=False),
        Column("origin_id", Integer, primary_key=True, autoincrement=False),
        Column("verdict_id", Integer, primary_key=True, autoincrement=False),
        Column("queries", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )


GRAINS: Final = ("minutes", "hours", "days")
MINUTES_OF: Final = {"minutes": 1, "hours": 60, "days": 1440}
"""Days are those of UTC."""

traffic: Final = {grain: _traffic(grain) for grain in GRAINS}
"""Allowed queries by venue and registered domain: never with a device."""

tallies: Final = {grain: _tallies(grain) for grain in GRAINS}
"""All queries by venue, profile and verdict."""

noted_days = Table(
    "telemetry_noted_days",
    METADATA,
    Column("at", Integer, primary_key=True, autoincrement=False),  # begins, in minutes of POSIX
    Column("venue_id", Integer, primary_key=True, autoincrement=False),
    Column("domain_id", NUMBER, primary_key=True, autoincrement=False),
    Column("verdict_id", Integer, primary_key=True, autoincrement=False),
    Column("queries", NUMBER, nullable=False),
    Index("ix_telemetry_noted_days_domain_id", "domain_id", "at"),
    sqlite_with_rowid=False,
)
"""Queries of events by day, venue, registered domain and verdict: outlives the events."""

noted_devices = Table(
    "telemetry_noted_devices",
    METADATA,
    Column("domain_id", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Integer, primary_key=True, autoincrement=False),  # a day, as above
    Column("venue_id", Integer, primary_key=True, autoincrement=False),
    Column("pseudonym_id", NUMBER, primary_key=True, autoincrement=False),
    Index("ix_telemetry_noted_devices_at", "at"),
    sqlite_with_rowid=False,
)
"""Which devices, so that different ones can be counted; goes with the events."""

noted_sums = Table(
    "telemetry_noted_sums",
    METADATA,
    Column("at", Integer, primary_key=True, autoincrement=False),  # a day, as above
    Column("domain_id", NUMBER, primary_key=True, autoincrement=False),
    Column("verdict_id", Integer, primary_key=True, autoincrement=False),
    Column("queries", NUMBER, nullable=False),
    Index("ix_telemetry_noted_sums_domain_id", "domain_id", "at"),
    sqlite_with_rowid=False,
)
"""`noted_days` of all venues together: what is asked of everybody reads a tenth of the rows."""

noted_spans = Table(
    "telemetry_noted_spans",
    METADATA,
    Column("domain_id", NUMBER, primary_key=True, autoincrement=False),
    Column("pseudonym_id", NUMBER, primary_key=True, autoincrement=False),
    Column("first_at", Integer, nullable=False),  # a day, as above
    Column("last_at", Integer, nullable=False),
    Index("ix_telemetry_noted_spans_first_at", "first_at"),
    sqlite_with_rowid=False,
)
"""The first and the last day in `noted_devices` of each device and registered domain, whatever the
venue: a pseudonym lasts a week, and most stretches that are asked for are longer."""

ingested = Table(
    "telemetry_ingested",
    METADATA,
    Column("batch_id", Text, primary_key=True),
    Column("at", Double, nullable=False),
)
"""Batches of the spool that are in: each exactly once."""

facts = Table(
    "telemetry_facts",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""About the database itself, and what duties of the recorder remember."""

MODULES: Final = (
    "tables",
    "alerts.tables",
    "notices.tables",
    "despatch.tables",
    "checks.tables",
)
"""Modules of this room that hold tables of `METADATA`: add yours."""
