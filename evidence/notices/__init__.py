"""Telling people, without telling anybody anything: an outbox that mail and webhooks go out of.

Whoever has something to say calls `notify` inside a write transaction of the telemetry database,
with a kind of `KINDS`; the duty `evidence/duties/notices.py` delivers. A notice holds nothing
personal: what kind of thing, where, how grave, and the page to look at.

    async with evidence.changing() as connection:
        await notify(connection, settings, at, kind="check", severity="high", venue="crewe",
                     text="The filter check of Crewe hub failed", path="/checks")
"""

from __future__ import annotations

from evidence.notices.posting import notify
from evidence.notices.settings import (
    KINDS,
    MailSettings,
    NoticeSettings,
    Recipient,
    WebhookSettings,
)

__all__ = [
    "KINDS",
    "MailSettings",
    "NoticeSettings",
    "Recipient",
    "WebhookSettings",
    "notify",
]
