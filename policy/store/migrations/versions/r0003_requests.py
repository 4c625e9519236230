"""What people ask for and are granted without signing in, and further ways to sign in.

Revision 0003; after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_requests()
    _make_ways_in()
    _make_passes()


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("portal_tokens") as tokens:
        tokens.drop_column("used_at")
    op.drop_table("portal_entries")
    op.drop_table("portal_identities")
    op.drop_table("passes")
    op.drop_table("review_askers")
    op.drop_table("review_requests")


def _make_passes() -> None:
    """Warnings that somebody went past."""
    op.create_table(
        "passes",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passes"),
    )
    op.create_index("ix_passes_who", "passes", ["who"])


def _make_requests() -> None:
    """Requests for review."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "review_requests",
        sa.Column("id", number, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "site", "venue")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("asked_at", "last_asked_at")),
        sa.Column("askers", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("said", "forwarded", "note")),
        sa.Column("decided_at", sa.Double, nullable=True),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("answer", "made")),
        sa.PrimaryKeyConstraint("id", name="pk_review_requests"),
    )
    op.create_table(
        "review_askers",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("request_id", number, nullable=False),
        sa.Column("venue", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["review_requests.id"], name="fk_review_askers_request_id"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_review_askers"),
    )
    op.create_index("ix_review_requests_site", "review_requests", ["site"])
    op.create_index("ix_review_requests_decided_at", "review_requests", ["decided_at"])
    op.create_index("ix_review_askers_request_id", "review_askers", ["request_id"])
    op.create_index("ix_review_askers_asked_at", "review_askers", ["asked_at"])


def _make_ways_in() -> None:
    """Who of ours a subject of a provider is, links made at the machine, tokens' last use."""
    op.create_table(
        "portal_identities",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("digest", "person_id")),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_identities"),
    )
    op.create_index("ix_portal_identities_person_id", "portal_identities", ["person_id"])
    op.create_table(
        "portal_entries",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("digest", "person_id")),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_entries"),
    )
    op.add_column(
        "portal_tokens", sa.Column("used_at", sa.Double, nullable=False, server_default="0")
    )
