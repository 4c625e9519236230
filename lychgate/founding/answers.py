"""What people answer, read and checked. Each reader raises ValueError as *what was given; what is
allowed*. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from policy.types import Network
from resolver.upstream import presets
from resolver.upstream.transports import Endpoint, parse_endpoint

AUDIENCES_FILE: Final = Path(__file__).with_name("audiences.toml")
NETWORKS_MAX: Final = 64
NAME_MAX: Final = 100
_TERM: Final = re.compile(
    r"(.{1,60}?)\s*[=:]\s*(\d{4}-\d\d-\d\d)\s*(?:/|to|\.\.)\s*(\d{4}-\d\d-\d\d)"
)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]+\]", re.ASCII)
_ADDRESS: Final = re.compile(r"[^\s@<>,;\"']{1,64}@[^\s@<>,;\"']{1,253}")
TOLD_MAX: Final = 20


@dataclass(frozen=True)
class Audience:
    """Whom a place is for: the profile it begins with, and lists worth using at first."""

    word: str
    title: str
    profile: str
    """Who nobody knows more about gets this one."""
    changes: Mapping[str, Any]
    """What is different in that profile from the one that ships."""
    lists: tuple[str, ...]


@cache
def audiences() -> Mapping[str, Audience]:
    """Every audience by its word."""
    raw = tomllib.loads(AUDIENCES_FILE.read_text(encoding="utf-8"))
    found = {}
    for word, entry in raw.items():
        lists = tuple(entry.pop("lists"))
        found[word] = Audience(word, entry.pop("title"), entry.pop("profile"), entry, lists)
    return found


@dataclass(frozen=True)
class Upstreams:
    """Who is asked: a preset, or addresses, or both where a preset's are given to members."""

    preset: str = ""
    servers: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Term:
    """A stretch of teaching."""

    name: str
    first: date
    last: date


@dataclass(frozen=True)
class Mail:
    """Where notices are handed in."""

    host: str
    """A name or an address; without brackets."""
    port: int
    sender: str

    @property
    def security(self) -> str:
        """How the way there is encrypted: by what the port is for (RFC 8314); not at all on this
        machine, whose mail server can have no certificate for such a name.
        """
        if self.host == "localhost" or self.host.startswith("127.") or self.host == "::1":
            return "none"
        return "tls" if self.port == 465 else "starttls"


@dataclass(frozen=True)
class Answers:
    """All of it."""

    organisation: str
    venue: str
    networks: tuple[Network, ...]
    audience: Audience
    upstreams: Upstreams
    listen: tuple[str, ...]
    lists: tuple[str, ...]
    term: Term | None = None
    mail: Mail | None = None
    told: tuple[str, ...] = ()
    """Mail addresses of those who are told of alerts, and when the filter fails its check."""


def read_name(text: str) -> str:
    """A name for people. Raises ValueError."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise ValueError(f"{text[:40]!r} is not a name; use 1 to {NAME_MAX} characters")
    return name


def read_networks(text: str) -> tuple[Network, ...]:
    """`10.20.0.0/16, fd00::/64`. Raises ValueError."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if not words or len(words) > NETWORKS_MAX:
        raise ValueError(f"{text[:40]!r} is not networks; use CIDR, as in 192.168.1.0/24")
    found: list[Network] = []
    for word in words:
        try:
            # An address of the network is as good as its first one: people read it off a screen.
            network = ip_network(word, strict=False)
        except ValueError:
            raise ValueError(
                f"{word[:60]!r} is not a network; use CIDR, as in 192.168.1.0/24"
            ) from None
        if network.prefixlen == 0:
            raise ValueError(f"{word!r} is the whole internet; use the networks of the venue alone")
        found.append(network)
    return tuple(dict.fromkeys(found))


def read_audience(text: str) -> Audience:
    """`adults`, `mixed`, `staff`. Raises ValueError."""
    known = audiences()
    word = text.strip().lower()
    if word not in known:
        raise ValueError(f"{text[:40]!r} is not known; use one of {', '.join(known)}")
    return known[word]


def read_upstreams(text: str) -> Upstreams:
    """A preset, addresses, or a preset and the addresses given for it. Raises ValueError."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    known = presets.load()
    preset = words[0] if words and words[0] in known else ""
    if not words:
        raise ValueError(f"nothing is given; use one of {', '.join(known)}, or addresses")
    servers = []
    for word in words[1:] if preset else words:
        try:
            servers.append(parse_endpoint(word))
        except ValueError:
            allowed = f"one of {', '.join(known)}, or an address, as in tls://9.9.9.9#dns.quad9.net"
            raise ValueError(f"{word[:60]!r} is no resolver; use {allowed}") from None
    if preset and known[preset].given and not servers:
        raise ValueError(
            f"{preset}: {known[preset].given}; write them behind it, as in "
            f"{preset} tls://192.0.2.1:853#name.example"
        )
    if preset and servers and not known[preset].given:
        raise ValueError(f"{preset} has addresses of its own; use the word alone")
    return Upstreams(preset, tuple(servers))


def read_term(text: str) -> Term | None:
    """`Spring 2027 = 2027-01-05 to 2027-03-26`; nothing: none. Raises ValueError."""
    if not text.strip() or text.strip() == "none":
        return None
    found = _TERM.fullmatch(text.strip())
    allowed = '"Spring 2027 = 2027-01-05 to 2027-03-26", or none'
    if not found:
        raise ValueError(f"{text[:60]!r} is not a term; use {allowed}")
    try:
        first, last = date.fromisoformat(found[2]), date.fromisoformat(found[3])
    except ValueError:
        raise ValueError(f"{text[:60]!r} has a day that is none; use {allowed}") from None
    if last < first:
        raise ValueError(f"{text[:60]!r} ends before it begins; use {allowed}")
    return Term(read_name(found[1]), first, last)


def read_mail(text: str) -> Mail | None:
    """`mail.example.org:587 lychgate@example.org`; nothing: none. Raises ValueError."""
    if not text.strip() or text.strip() == "none":
        return None
    server, _, sender = text.strip().partition(" ")
    host, _, port = server.rpartition(":") if not server.endswith("]") else (server, "", "")
    if not host:
        host, port = server, "587"
    sender = sender.strip()
    fine = _HOST.fullmatch(host) and re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536
    if not fine or not _ADDRESS.fullmatch(sender):
        raise ValueError(
            f"{text[:60]!r} is no mail server; use HOST:PORT and the sender's address, as in "
            "mail.example.org:587 lychgate@example.org, or none"
        )
    return Mail(host.strip("[]"), int(port), sender)


def read_told(text: str) -> tuple[str, ...]:
    """Mail addresses; nothing: nobody. Raises ValueError."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if words in ([], ["none"]):
        return ()
    for word in words:
        if not _ADDRESS.fullmatch(word) or len(words) > TOLD_MAX:
            raise ValueError(
                f"{text[:60]!r} is no list of mail addresses; use 1 to {TOLD_MAX}, as in "
                "dsl@example.org, or none"
            )
    return tuple(dict.fromkeys(words))


def read_lists(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Lists by id. Raises ValueError."""
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if words == ["none"]:
        return ()
    for word in words:
        if word not in known:
            raise ValueError(f"{word[:60]!r} is not a list; `lychgate lists sources` shows all")
    return tuple(dict.fromkeys(words))


def slug(name: str) -> str:
    """An id from a name: `north-street-hub`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return plain or "venue"
