"""Who is told what, when and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "alert": ("new safeguarding alert", "new safeguarding alerts"),
    "list": ("note about a list", "notes about lists"),
    "check": ("filter check that failed", "filter checks that failed"),
    "test": ("test message", "test messages"),
}
"""Kinds of notices, for one and for several. Nothing in a subject line comes from anywhere else."""

When = Literal["at once", "daily", "weekly"]
Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust besides the usual ones."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where notices are posted."""

    url: str
    secret_file: Path | None = None
    private_networks: bool = False
    """Whether it may lie in a private network."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told."""

    channel: str
    to: str
    """A mail address; empty for a webhook."""
    kinds: frozenset[str] = frozenset(KINDS)
    venues: frozenset[str] = frozenset()
    """Empty: every venue."""
    severity: str = "low"
    """The least grave they are told of."""
    when: When = "at once"
    hour: int = 8
    """Of a digest, on the organisation's clock."""
    weekday: int = 0
    """Of a weekly digest; Monday is 0."""


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """All of it."""

    recipients: tuple[Recipient, ...] = ()
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None
    portal: str = ""
    """How people call the portal, for links; empty: none are given."""
    keep_days: float = 90
