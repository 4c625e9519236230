"""The tables of the store.

An entry's `body` is JSON text with all that the document says of it; columns beside it repeat what
is searched, and what refers to other entries, so that the database itself refuses a reference to
nothing.  A change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
)

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""In SQLite only INTEGER is the row's own number, which needs no index of its own."""


def _body() -> Column[str]:
    return Column("body", Text, nullable=False)


def _position() -> Column[int]:
    """The order of entries in a document."""
    return Column("position", NUMBER, nullable=False)


def _number() -> Column[int]:
    return Column("id", NUMBER, primary_key=True, autoincrement=False)


def _profile() -> Column[str]:
    return Column("profile_id", ForeignKey("profiles.id"))


facts = Table(
    "facts",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""About the store itself: its `id`, random, made at its creation."""

revisions = Table(
    "revisions",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("revision", NUMBER, nullable=False),  # the commit that last changed this kind
    Column("stamp", Text, nullable=False),  # random: tells two histories after a backup apart
    Column("last_number", NUMBER, nullable=False),  # the last id, or position, that was given
)
"""Which kinds of entries changed when."""

profiles = Table("profiles", METADATA, Column("id", Text, primary_key=True), _position(), _body())

organisation = Table(
    "organisation",
    METADATA,
    Column("id", Text, primary_key=True),
    _position(),
    Column("default_profile_id", ForeignKey("profiles.id")),
    _body(),
)

venues = Table(
    "venues", METADATA, Column("id", Text, primary_key=True), _position(), _profile(), _body()
)

rooms = Table(
    "rooms",
    METADATA,
    Column("venue_id", ForeignKey("venues.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    _position(),
    _profile(),
    _body(),
)

devices = Table(
    "devices", METADATA, Column("id", Text, primary_key=True), _position(), _profile(), _body()
)

bundles = Table("bundles", METADATA, Column("id", Text, primary_key=True), _position(), _body())

essentials = Table(
    "essentials", METADATA, Column("id", Text, primary_key=True), _position(), _body()
)

pages = Table("pages", METADATA, Column("id", Text, primary_key=True), _position(), _body())

terms = Table("terms", METADATA, _number(), _body())

roles = Table("roles", METADATA, Column("id", Text, primary_key=True), _position(), _body())

people = Table("people", METADATA, Column("id", Text, primary_key=True), _position(), _body())

people_venues = Table(
    "people_venues",
    METADATA,
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("venue_id", ForeignKey("venues.id"), primary_key=True),
)
"""Venues that the roles of a person name."""

rules = Table(
    "rules",
    METADATA,
    _number(),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False, index=True),  # pattern, network or bundle; lower case
    _profile(),
    Column("venue_id", ForeignKey("venues.id")),
    Column("room_id", Text),
    Column("device_id", ForeignKey("devices.id")),
    Column("review", Text, index=True),  # a date: sorts as text
    _body(),
    ForeignKeyConstraint(["venue_id", "room_id"], ["rooms.venue_id", "rooms.id"]),
)

exceptions = Table(
    "exceptions",
    METADATA,
    _number(),
    Column("venue_id", ForeignKey("venues.id")),
    Column("room_id", Text),
    Column("device_id", ForeignKey("devices.id")),
    Column("approver", Text, nullable=False),
    _body(),
    ForeignKeyConstraint(["venue_id", "room_id"], ["rooms.venue_id", "rooms.id"]),
)

passes = Table(
    "passes",
    METADATA,
    _number(),
    Column("who", Text, nullable=False, index=True),  # device:D, or an address
    Column("until", Double, nullable=False),  # POSIX seconds
    _body(),
)
"""Warnings that somebody went past: a row each, taken away when it has ended."""

audit = Table(
    "audit",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),  # POSIX seconds
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("reason", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
"""What was done, by whom, and why. Triggers refuse every change of a row."""

requests = Table(
    "review_requests",
    METADATA,
    _number(),
    Column("kind", Text, nullable=False),  # "open", "close"
    Column("site", Text, nullable=False, index=True),
    Column("venue", Text, nullable=False),  # no reference: a request outlives its venue
    Column("asked_at", Double, nullable=False),  # POSIX seconds, as all below
    Column("last_asked_at", Double, nullable=False),
    Column("askers", Integer, nullable=False),
    Column("said", Text, nullable=False),  # JSON: what was said of the site when it was asked
    Column("forwarded", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("decided_at", Double, index=True),
    Column("decided_by", Text, nullable=False),
    Column("outcome", Text),  # null: it waits
    Column("answer", Text, nullable=False),
    Column("made", Text, nullable=False),
)
"""Sites that somebody asked to have reviewed, without a name or an address of who asked."""

askers = Table(
    "review_askers",
    METADATA,
    Column("digest", Text, primary_key=True),  # SHA-256 of the code that sees the answer
    Column("request_id", ForeignKey("review_requests.id"), nullable=False, index=True),
    Column("venue", Text, nullable=False),
    Column("asked_at", Double, nullable=False, index=True),
    Column("why", Text, nullable=False),
)
"""Each time that somebody asked: a code, and what they wrote."""
