"""The tables `[alerts]` and `[notices]` of `lychgate.toml`: alerts, and who is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from categoriser import taxonomy
from evidence.alerts.themes import AlertSettings, alerting
from evidence.channels import channels
from evidence.notices import (
    KINDS,
    MailSettings,
    NoticeSettings,
    Recipient,
    WebhookSettings,
)
from lychgate import kinds
from lychgate.faults import Contradiction
from lychgate.kinds import Kind
from lychgate.settings import Section
from policy.reading import show

_SEVERITY: Final = kinds.word("low", "medium", "high")
_DAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_ADDRESS: Final = re.compile(r"[^\s@<>,;\"']{1,64}@[^\s@<>,;\"']{1,253}")


def _read_address(value: object) -> str:
    if not isinstance(value, str) or (value and not _ADDRESS.fullmatch(value.strip())):
        raise ValueError(f'{show(value)} is no mail address; use NAME@HOST, or ""')
    return value.strip()


def _read_host(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if value != "" and not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", text):
        raise ValueError(f'{show(value)} is no host; use a name or an address, or ""')
    return text


def _read_url(value: object) -> str:
    text = value.strip() if isinstance(value, str) else None
    if text:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        if not sound or not text.isprintable() or " " in text:
            raise ValueError(f"{show(text)} is no address to post to; use https://HOST/PATH")
    if text is None:
        raise ValueError(f"{show(value)} is not text; use https://HOST/PATH, in quotes")
    return text


def _read_category(value: object) -> str:
    known = sorted(alerting(taxonomy.load()))
    if value not in known:
        raise ValueError(f"{show(value)} makes no alerts; use one of {', '.join(known)}")
    return str(value)


def _read_word(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,200}", value):
        raise ValueError(f"{show(value)} is not possible; use the id of a venue")
    return value


ADDRESS: Final = Kind('NAME@HOST, as in dsl@college.example; "" for none', _read_address)
HOST: Final = Kind('a name or an address; "" for none', _read_host)
URL: Final = Kind('https://HOST/PATH, http on this machine only; "" for none', _read_url)
CATEGORY: Final = Kind("a category that makes alerts (docs/safeguarding.md)", _read_category)
VENUE: Final = Kind("the id of a venue", _read_word)


class CategorySeverity(Section):
    """How much one category matters here: tables [[alerts.categories]]."""

    category: Annotated[str, CATEGORY] = Field(description="The category.", examples=["adult"])
    severity: Annotated[str, kinds.word("none", "low", "medium", "high")] = Field(
        description="How grave an alert about it is; none: it makes none.", examples=["medium"]
    )


class Alerts(Section):
    """Safeguarding alerts: what makes one, and how long it is kept."""

    categories: tuple[CategorySeverity, ...] = Field(
        default=(),
        description="Categories that matter more, or less, than Lychgate's taxonomy says.",
    )
    digest_only: tuple[Annotated[str, CATEGORY], ...] = Field(
        default=("gambling", "payday"),
        description="Categories whose alerts nobody is told of at once: they wait for the digest "
        "at the hour of each recipient.",
    )
    alert_days: Annotated[int, kinds.whole(30, 4_000)] = Field(
        default=730, description="How long a closed alert is kept. Open ones are kept."
    )
    note_days: Annotated[int, kinds.whole(1, 4_000)] = Field(
        default=365, description="How long what people wrote about it is kept after it was closed."
    )
    held_days: Annotated[int, kinds.whole(1, 400)] = Field(
        default=90, description="How long what was held back can be seen."
    )


class NoticeRecipient(Section):
    """Somebody who is told: tables [[notices.recipients]]."""

    channel: Annotated[str, kinds.word(*channels())] = Field(default="email", description="How.")
    to: Annotated[str, ADDRESS] = Field(
        default="",
        description="A mail address. A webhook needs none.",
        examples=["dsl@college.example"],
    )
    about: tuple[Annotated[str, kinds.word(*KINDS)], ...] = Field(
        default=("alert", "check"), description="Of what."
    )
    venues: tuple[Annotated[str, VENUE], ...] = Field(
        default=(), description="Of which venues, by id. Empty: of all."
    )
    severity: Annotated[str, _SEVERITY] = Field(
        default="low", description="The least grave they are told of."
    )
    when: Annotated[str, kinds.word("at once", "daily", "weekly")] = Field(
        default="at once", description="When."
    )
    hour: Annotated[int, kinds.whole(0, 23)] = Field(
        default=8, description="The hour of a digest, on the organisation's clock."
    )
    weekday: Annotated[str, kinds.word(*_DAYS)] = Field(
        default="monday", description="The day of a weekly digest."
    )

    @model_validator(mode="after")
    def _check(self) -> NoticeRecipient:
        if self.channel == "email" and not self.to:
            raise Contradiction("to", "nothing is given; a mail needs an address")
        return self


class Mail(Section):
    """The mail server that notices go by."""

    host: Annotated[str, HOST] = Field(
        default="", description="It. Empty: no mail is sent.", examples=["mail.example"]
    )
    port: Annotated[int, kinds.whole(1, 65_535)] = Field(default=587, description="Its port.")
    security: Annotated[str, kinds.word("starttls", "tls", "none")] = Field(
        default="starttls",
        description="How the way to it is encrypted; its certificate is checked.",
    )
    sender: Annotated[str, ADDRESS] = Field(
        default="",
        description="The address they come from.",
        examples=["lychgate@college.example"],
    )
    user: Annotated[str, HOST] = Field(
        default="", description="The account there, if it asks for one."
    )
    password_file: Annotated[str, kinds.PATH] = Field(
        default="",
        description="A file with the password in its first line, readable by the recorder.",
    )
    ca_file: Annotated[str, kinds.PATH] = Field(
        default="", description="Certificates to trust besides the usual ones."
    )

    @model_validator(mode="after")
    def _check(self) -> Mail:
        if self.host and not self.sender:
            raise Contradiction("sender", "nothing is given; a mail needs a sender")
        return self


class Webhook(Section):
    """Where notices are posted as JSON; see docs/safeguarding.md."""

    url: Annotated[str, URL] = Field(default="", description="The address. Empty: none.")
    secret_file: Annotated[str, kinds.PATH] = Field(
        default="", description="A file with the secret that each post is signed with."
    )
    private_networks: Annotated[bool, kinds.FLAG] = Field(
        default=False, description="Whether the address may lie in a private network."
    )


class Notices(Section):
    """Who is told of alerts and of what went wrong, and how."""

    recipients: tuple[NoticeRecipient, ...] = Field(
        default=(), description="Who is told. Nobody is told of anything that is not named here."
    )
    mail: Mail = Mail()
    webhook: Webhook = Webhook()
    keep_days: Annotated[int, kinds.whole(1, 400)] = Field(
        default=90, description="How long it can be seen what was sent."
    )

    @model_validator(mode="after")
    def _check(self) -> Notices:
        channels = {one.channel for one in self.recipients}
        if "email" in channels and not self.mail.host:
            raise Contradiction("mail.host", "nothing is given; somebody is to be told by mail")
        if "webhook" in channels and not self.webhook.url:
            raise Contradiction("webhook.url", "nothing is given; somebody is to be told there")
        return self


def alert_settings(chosen: Alerts) -> AlertSettings:
    """What alerts go by."""
    severity: dict[str, Any] = {one.category: one.severity for one in chosen.categories}
    return AlertSettings(
        severity,
        frozenset(chosen.digest_only),
        chosen.alert_days,
        chosen.note_days,
        chosen.held_days,
    )


def notice_settings(chosen: Notices, folder: Path, portal: str) -> NoticeSettings:
    """What notices go by; paths count from `folder`."""

    def path(text: str) -> Path | None:
        return folder / text if text else None

    def recipient(one: NoticeRecipient) -> Recipient:
        return Recipient(
            one.channel,
            one.to,
            frozenset(one.about),
            frozenset(one.venues),
            one.severity,
            one.when,  # type: ignore[arg-type]
            one.hour,
            _DAYS.index(one.weekday),
        )

    mail, webhook = chosen.mail, chosen.webhook
    return NoticeSettings(
        tuple(recipient(one) for one in chosen.recipients),
        MailSettings(
            mail.host,
            mail.port,
            mail.security,  # type: ignore[arg-type]
            mail.sender,
            mail.user,
            path(mail.password_file),
            path(mail.ca_file),
        )
        if mail.host
        else None,
        WebhookSettings(webhook.url, path(webhook.secret_file), webhook.private_networks)
        if webhook.url
        else None,
        portal,
        chosen.keep_days,
    )
