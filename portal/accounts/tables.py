"""The tables of accounts, in the store beside the policy.

They refer to people by id and not by a foreign key: an imported document replaces people, and
nobody shall need a new password for that. An account whose person is gone opens nothing. A change
here needs a migration; see `policy.store.migrations`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Integer, Table, Text

from policy.store.tables import METADATA, NUMBER

accounts: Final = Table(
    "portal_accounts",
    METADATA,
    Column("person_id", Text, primary_key=True),
    Column("password", Text),  # argon2id in its own notation; null: none yet, or another way in
    Column("must_change", Integer, nullable=False),
    Column("failures", Integer, nullable=False),  # wrong answers since the last right one
    Column("locked_until", Double, nullable=False),  # POSIX seconds; 0: not locked
    Column("totp_seed", Text),  # base32; null: no second factor
    Column("totp_step", NUMBER, nullable=False),  # the last time step that was used: never again
    Column("created_at", Double, nullable=False),
)
"""One row for each person who may sign in with a password."""

sessions: Final = Table(
    "portal_sessions",
    METADATA,
    Column("digest", Text, primary_key=True),  # SHA-256 of what the browser holds
    Column("person_id", Text, nullable=False, index=True),
    Column("stage", Text, nullable=False),  # "code": the second factor is still asked for; "in"
    Column("method", Text, nullable=False),  # how they signed in: "password", "oidc"
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("address", Text, nullable=False),
    Column("browser", Text, nullable=False),
)
"""Who is signed in where."""

links: Final = Table(
    "portal_links",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("person_id", Text),  # null: the first administrator, who is nobody yet
    Column("expires_at", Double, nullable=False),
)
"""Links that let somebody choose a password, once."""

recovery_codes: Final = Table(
    "portal_recovery_codes",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("person_id", Text, nullable=False, index=True),
)
"""Codes in place of a lost second factor; one that was used is gone."""

tokens: Final = Table(
    "portal_tokens",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("person_id", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # words with blanks between them
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("used_at", Double, nullable=False, server_default="0"),  # POSIX seconds; 0: never
)
"""What programs show the API in place of a session."""

identities: Final = Table(
    "portal_identities",
    METADATA,
    Column("digest", Text, primary_key=True),  # of the issuer and the subject it names
    Column("person_id", Text, nullable=False, index=True),
    Column("made_at", Double, nullable=False),
)
"""Who of ours a subject of the OpenID provider is."""

entries: Final = Table(
    "portal_entries",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
)
"""Links made at the machine that sign somebody in, once."""
