"""The table `[portal]` of `lychgate.toml`: the pages for people."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from lychgate import kinds
from lychgate.faults import Contradiction
from lychgate.kinds import Kind
from lychgate.settings import Section
from policy.reading import show
from policy.types import Network
from resolver.listeners import Bind

_PUBLIC = 'https://NAME or http://NAME:PORT, without a path; "" for none'


def _read_public(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not text; use {_PUBLIC}, in quotes")
    text = value.strip().removesuffix("/")
    parts = urlsplit(text)
    plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if text and (not plain or parts.path or parts.query or parts.fragment):
        raise ValueError(f"{show(text)} is not how people could call the portal; use {_PUBLIC}")
    return text


PUBLIC = Kind(_PUBLIC, _read_public)


class Portal(Section):
    """The pages for people, a process of their own: `lychgate portal`."""

    listen: Annotated[Bind, kinds.BIND] = Field(
        default=Bind("127.0.0.1", 8453),
        description="Address of the pages, by plain HTTP: a web server before it speaks HTTPS.",
    )
    public_url: Annotated[str, PUBLIC] = Field(
        default="",
        description="How people call the portal. With https:// cookies go by nothing else, and "
        "browsers are told to stay with HTTPS.",
    )
    trusted_proxies: tuple[Annotated[Network, kinds.NETWORK], ...] = Field(
        default=(),
        description="Web servers before the portal, believed when they say for whom they ask "
        "(X-Forwarded-For). Without them everybody behind one counts as one address.",
    )
    session_idle_minutes: Annotated[int, kinds.whole(5, 1440)] = Field(
        default=60, description="After so long without a click somebody has to sign in again."
    )
    session_hours: Annotated[int, kinds.whole(1, 168)] = Field(
        default=12, description="After so long everybody has to sign in again."
    )
    second_factor_required: Annotated[bool, kinds.FLAG] = Field(
        default=False,
        description="Whether whoever signs in with a password must set a second factor up.",
    )

    @model_validator(mode="after")
    def _check(self) -> Portal:
        if self.session_idle_minutes > self.session_hours * 60:
            raise Contradiction(
                "session_idle_minutes",
                f"{self.session_idle_minutes} minutes are more than session_hours; use fewer",
            )
        return self
