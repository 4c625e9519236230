"""Kinds of values that settings of `lychgate.toml` have: how each is read, written and explained.

A `Kind` stands in the annotation of a setting; pydantic reads the value through it, the
documentation takes its words from it. `read` raises ValueError as *what was given; what is
allowed*. What the rooms can read themselves (addresses, names) is read by their own functions. No
file and no socket here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from categoriser.names import ROOT, from_text, to_text
from policy.reading import show
from policy.types import Network
from resolver.listeners import Bind, parse_bind
from resolver.special import ancestors
from resolver.upstream import presets
from resolver.upstream.transports import Endpoint, parse_endpoint
from resolver.wire.codes import LOCAL_USE


@dataclass(frozen=True)
class Kind:
    """One kind of value."""

    allowed: str
    """What may be written, in words."""
    read: Callable[[object], Any]
    write: Callable[[Any], object] = lambda value: value
    """The value as it would be written in TOML."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write),
        )


def whole(low: int, high: int) -> Kind:
    """A whole number between two bounds, both in."""
    allowed = f"a whole number from {low} to {high}"

    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise ValueError(f"{show(value)} is not possible; use {allowed}")

    return Kind(allowed, read)


def seconds(low: float, high: float) -> Kind:
    """A number of seconds, fractions allowed."""
    allowed = f"a number from {low:g} to {high:g}"

    def read(value: object) -> float:
        # NaN is outside any bounds.
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise ValueError(f"{show(value)} is not possible; use {allowed}")

    return Kind(allowed, read)


def word(*words: str) -> Kind:
    """One of a few words."""
    allowed = ", ".join(words)

    def read(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise ValueError(f"{show(value)} is not a word known here; use one of {allowed}")

    return Kind(f"one of {allowed}", read)


def _text(value: object, allowed: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not text; use {allowed}, in quotes")
    return value.strip()


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{show(value)} is neither true nor false; use true or false")
    return value


FLAG = Kind("true or false", _read_flag)


def _read_path(value: object) -> str:
    text = _text(value, "a path")
    if "\0" in text:
        raise ValueError(f"{show(text)} is not a path; use one without NUL")
    return text


PATH = Kind("a path; a relative one counts from the folder of this file", _read_path)

_PROXY = 'http://HOST:PORT, without a password; "" for none'
_PROXY_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}/?")


def _read_proxy(value: object) -> str:
    text = _text(value, _PROXY)
    if text and not _PROXY_URL.fullmatch(text):
        raise ValueError(f"{show(text)} is not a proxy; use {_PROXY}")
    return text


PROXY = Kind(_PROXY, _read_proxy)

_STORE = (
    "sqlite+aiosqlite:///PATH, postgresql+asyncpg://USER@HOST/DATABASE, or nothing for state.db in "
    "the state folder"
)
_STORE_URL = re.compile(r"sqlite\+aiosqlite:///[^?]+|postgresql\+asyncpg://[^/]*/.+")


def _read_store(value: object) -> str:
    text = _text(value, _STORE)
    if text and not _STORE_URL.fullmatch(text):
        # Not shown: there may be a password in it.
        raise ValueError(f"this is no address of a store; use {_STORE}")
    return text


STORE = Kind(_STORE, _read_store)

_BIND = "ADDRESS:PORT, as in 127.0.0.1:5300 or [::1]:53"


def _read_bind(value: object) -> Bind:
    text = _text(value, _BIND)
    try:
        return parse_bind(text)
    except ValueError:
        raise ValueError(f"{show(text)} is not an address to listen on; use {_BIND}") from None


def write_bind(bind: Bind) -> str:
    """`127.0.0.1:5300`, `[::1]:5300`."""
    host = f"[{bind.host}]" if ":" in bind.host else bind.host
    return f"{host}:{bind.port}"


BIND = Kind(_BIND, _read_bind, write_bind)


def _read_bind_or_nothing(value: object) -> Bind | None:
    return None if value == "" else _read_bind(value)


BIND_OR_NOTHING = Kind(
    f'{_BIND}; "" turns it off',
    _read_bind_or_nothing,
    lambda bind: "" if bind is None else write_bind(bind),
)

_OPTION_CODE = f"0 for none, or {LOCAL_USE[0]} to {LOCAL_USE[-1]} (RFC 6891: local use)"


def _read_option_code(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and (not value or value in LOCAL_USE):
        return value
    raise ValueError(f"{show(value)} is not such an option; use {_OPTION_CODE}")


OPTION_CODE = Kind(_OPTION_CODE, _read_option_code)

_ENDPOINT = (
    "an IP address, or SCHEME://ADDRESS:PORT, as in 9.9.9.9, udp://[2620:fe::fe]:53 or "
    "tls://9.9.9.9:853#dns.quad9.net"
)


def _read_endpoint(value: object) -> Endpoint:
    # The room's own words: they list the schemes there are.
    return parse_endpoint(_text(value, _ENDPOINT))


ENDPOINT = Kind(_ENDPOINT, _read_endpoint, lambda endpoint: endpoint.uri)

_PRESETS = f'one of {", ".join(presets.load())}; "" for none'


def _read_preset(value: object) -> str:
    text = _text(value, _PRESETS)
    if text and text not in presets.load():
        near = get_close_matches(text, presets.load(), n=1)
        meant = f"; did you mean {show(near[0])}?" if near else ""
        raise ValueError(f"{show(text)} is not a preset; use {_PRESETS}{meant}")
    return text


PRESET = Kind(_PRESETS, _read_preset)

_NETWORK = "CIDR, as in 10.20.0.0/16 or fd00::/8"


def _read_network(value: object) -> Network:
    text = _text(value, _NETWORK)
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{show(text)} is not a network; use {_NETWORK}") from None
    raise ValueError(f"{show(text)} has host bits set; did you mean {meant}?")


NETWORK = Kind(_NETWORK, _read_network, str)


def _address(family: type[IPv4Address] | type[IPv6Address], example: str) -> Kind:
    allowed = f'one IPv{6 if family is IPv6Address else 4} address, as in {example}; "" for none'

    def read(value: object) -> bytes | None:
        text = _text(value, allowed)
        if not text:
            return None
        try:
            address = ip_address(text)
        except ValueError:
            address = None
        if not isinstance(address, family):
            raise ValueError(f"{show(text)} is not such an address; use {allowed}")
        return address.packed

    return Kind(allowed, read, lambda packed: "" if packed is None else str(ip_address(packed)))


IPV4 = _address(IPv4Address, "192.0.2.1")
IPV6 = _address(IPv6Address, "2001:db8::1")

_ZONE = "a domain name, as in corp.example"


def _read_zone(value: object) -> bytes:
    text = _text(value, _ZONE)
    try:
        name = from_text(text)
    except ValueError as fault:
        raise ValueError(f"{fault}; use {_ZONE}") from None
    if name == ROOT or not text:
        raise ValueError(f"{show(text)} is the root; use {_ZONE}")
    return name


ZONE = Kind(_ZONE, _read_zone, to_text)

_KEPT = (from_text("localhost"), from_text("resolver.arpa"))


def _read_forwarded_zone(value: object) -> bytes:
    try:
        name = _read_zone(value)
    except ValueError as fault:
        if isinstance(value, str) and value.strip() == ".":
            raise ValueError('"." is the root; use upstream.servers for all other names') from None
        raise fault
    for kept in _KEPT:
        if kept in ancestors(name):
            raise ValueError(
                f"{show(value)} is answered here and never forwarded (RFC 6761, RFC 9462); "
                "use another zone"
            )
    return name


FORWARDED_ZONE = Kind(_ZONE, _read_forwarded_zone, to_text)
