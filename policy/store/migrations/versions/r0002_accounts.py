"""Accounts of the portal: passwords, sessions, one-time links, recovery codes, API tokens.

Revision 0002; after 0001.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES: Final = ("accounts", "sessions", "links", "recovery_codes", "tokens")
_OF_PERSONS: Final = ("sessions", "recovery_codes", "tokens")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "portal_accounts",
        _text("person_id"),
        _text("password", nullable=True),
        sa.Column("must_change", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        _instant("locked_until"),
        _text("totp_seed", nullable=True),
        sa.Column("totp_step", _NUMBER, nullable=False),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("person_id", name="pk_portal_accounts"),
    )
    op.create_table(
        "portal_sessions",
        *(_text(name) for name in ("digest", "person_id", "stage", "method")),
        _instant("created_at"),
        _instant("seen_at"),
        *(_text(name) for name in ("address", "browser")),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_sessions"),
    )
    op.create_table(
        "portal_links",
        _text("digest"),
        _text("person_id", nullable=True),
        _instant("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_links"),
    )
    op.create_table(
        "portal_recovery_codes",
        _text("digest"),
        _text("person_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_recovery_codes"),
    )
    op.create_table(
        "portal_tokens",
        *(_text(name) for name in ("digest", "id", "person_id", "title", "scopes")),
        _instant("created_at"),
        _instant("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_tokens"),
    )
    for name in _OF_PERSONS:
        op.create_index(f"ix_portal_{name}_person_id", f"portal_{name}", ["person_id"])


def downgrade() -> None:
    """Take every account away: afterwards a new set-up link is printed."""
    for name in _TABLES:
        op.drop_table(f"portal_{name}")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _instant(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)
