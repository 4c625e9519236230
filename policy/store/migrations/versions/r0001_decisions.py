"""What people decide, and the audit log that nobody can edit.

Revision 0001; the first.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE: Final = (
    """
    CREATE TRIGGER audit_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    """
    CREATE TRIGGER audit_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above.
    """
    CREATE TRIGGER audit_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
)

_POSTGRESQL: Final = (
    """
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
    """,
    """
    CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
)


def upgrade() -> None:
    """Make everything."""
    op.create_table("facts", _id("name"), sa.Column("value", sa.Text, nullable=False), _key("name"))
    op.create_table(
        "revisions",
        _id("kind"),
        sa.Column("revision", _NUMBER, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("last_number", _NUMBER, nullable=False),
        _key("kind"),
    )
    for table in ("profiles", "bundles", "essentials", "pages", "roles", "people"):
        op.create_table(table, _id(), _position(), _body(), _key())
    op.create_table("terms", _number("id"), _body(), _key())
    _create_places()
    _create_decisions()
    _create_audit()


def downgrade() -> None:
    """Take everything away, the audit log included."""
    for table in (
        "audit",
        "exceptions",
        "rules",
        "people_venues",
        "devices",
        "rooms",
        "venues",
        "organisation",
        "terms",
        "people",
        "roles",
        "pages",
        "essentials",
        "bundles",
        "profiles",
        "revisions",
        "facts",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")


def _create_places() -> None:
    """Who is asking; whose it is."""
    op.create_table(
        "organisation",
        _id(),
        _position(),
        sa.Column("default_profile_id", sa.Text),
        _body(),
        _key(),
        _reference("default_profile_id", "profiles.id"),
    )
    profile = _reference("profile_id", "profiles.id")
    for table in ("venues", "devices"):
        op.create_table(
            table,
            _id(),
            _position(),
            sa.Column("profile_id", sa.Text),
            _body(),
            _key(),
            _reference("profile_id", "profiles.id"),
        )
    op.create_table(
        "rooms",
        _id("venue_id"),
        _id(),
        _position(),
        sa.Column("profile_id", sa.Text),
        _body(),
        _key("venue_id", "id"),
        _reference("venue_id", "venues.id"),
        profile,
    )
    op.create_table(
        "people_venues",
        _id("person_id"),
        _id("venue_id"),
        _key("person_id", "venue_id"),
        _reference("person_id", "people.id", ondelete="CASCADE"),
        _reference("venue_id", "venues.id"),
    )


def _create_decisions() -> None:
    """Rules and exceptions."""
    op.create_table(
        "rules",
        _number("id"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("profile_id", sa.Text),
        *_scope(),
        sa.Column("review", sa.Text),
        _body(),
        _key(),
        _reference("profile_id", "profiles.id"),
    )
    op.create_index(op.f("ix_rules_target"), "rules", ["target"])
    op.create_index(op.f("ix_rules_review"), "rules", ["review"])
    op.create_table(
        "exceptions",
        _number("id"),
        *_scope(),
        sa.Column("approver", sa.Text, nullable=False),
        _body(),
        _key(),
    )


def _create_audit() -> None:
    """The audit log, closed against everything but one more line."""
    required = ("actor", "via", "action", "subject")
    later = ("reason", "outcome", "previous", "digest")
    op.create_table(
        "audit",
        _number("number"),
        sa.Column("at", sa.Double, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in required),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in later),
        _key("number"),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _id(name: str = "id") -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, _NUMBER, autoincrement=False, nullable=False)


def _position() -> sa.Column[Any]:
    return sa.Column("position", _NUMBER, nullable=False)


def _body() -> sa.Column[Any]:
    return sa.Column("body", sa.Text, nullable=False)


def _scope() -> list[sa.schema.SchemaItem]:
    """Columns of the places that a decision may be for."""
    return [
        sa.Column("venue_id", sa.Text),
        sa.Column("room_id", sa.Text),
        sa.Column("device_id", sa.Text),
        _reference("venue_id", "venues.id"),
        _reference("device_id", "devices.id"),
        sa.ForeignKeyConstraint(["venue_id", "room_id"], ["rooms.venue_id", "rooms.id"]),
    ]


def _key(*names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(names or ("id",)))


def _reference(column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], ondelete=ondelete)
