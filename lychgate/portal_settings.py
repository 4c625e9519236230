"""The table `[portal]` of `lychgate.toml`: the pages for people."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from categoriser.names import from_text
from lychgate import kinds
from lychgate.faults import Contradiction
from lychgate.kinds import Kind
from lychgate.openid_settings import OpenId
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

_HOST_NAME = "a name as in portal.example, without port"


def _read_host_name(value: object) -> str:
    text = value.strip().casefold() if isinstance(value, str) else ""
    if not re.fullmatch(r"[a-z0-9._-]{1,253}", text):
        raise ValueError(f"{show(value)} is no name of a host; use {_HOST_NAME}")
    return text


HOST_NAME = Kind(_HOST_NAME, _read_host_name)


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
    host_names: tuple[Annotated[str, HOST_NAME], ...] = Field(
        default=(),
        description="Names by which browsers may call the portal besides that of public_url. "
        "Others are refused; addresses never are.",
    )
    local_accounts: Annotated[bool, kinds.FLAG] = Field(
        default=True,
        description="Whether people sign in with passwords of Lychgate. Without them, "
        "`lychgate portal-link` is the way in when the OpenID provider is down.",
    )
    openid: OpenId = OpenId()

    block_page_listen: Annotated[Bind | None, kinds.BIND_OR_NOTHING] = Field(
        default=None,
        description="Address of the page that learners see in the place of a blocked site, by "
        'plain HTTP. Sites are asked for at port 80: "0.0.0.0:80". Default: it is not served.',
    )
    block_page_name: Annotated[bytes, kinds.ZONE] = Field(
        default=from_text("blocked.lychgate.internal"),
        description="The name by which people call that page to see what was blocked lately. This "
        "resolver answers it with filter.page_ipv4 and filter.page_ipv6.",
    )
    block_page_tls_listen: Annotated[Bind | None, kinds.BIND_OR_NOTHING] = Field(
        default=None,
        description="The same page by HTTPS, for devices that trust a root of your own "
        '(`lychgate certificates create-root`): "0.0.0.0:443". Default: it is not served.',
    )

    @model_validator(mode="after")
    def _check(self) -> Portal:
        if self.session_idle_minutes > self.session_hours * 60:
            raise Contradiction(
                "session_idle_minutes",
                f"{self.session_idle_minutes} minutes are more than session_hours; use fewer",
            )
        if self.openid.issuer and not self.openid.client_id:
            raise Contradiction("openid.client_id", "nothing is given; the provider asks for it")
        if self.openid.issuer and not self.public_url:
            raise Contradiction(
                "public_url", "nothing is given; the OpenID provider sends browsers back there"
            )
        if not self.local_accounts and not self.openid.issuer:
            raise Contradiction(
                "local_accounts", "false leaves no way to sign in; set openid.issuer, or use true"
            )
        return self
