"""Resolvers that people choose by a word, as data: `presets.toml`, one table one preset.

Knows what each operator says of itself in public; asks nobody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from resolver.upstream.transports import Endpoint, parse_endpoint

FILE: Final = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One of them."""

    word: str
    title: str
    operator: str
    sees: str
    """What the operator learns of those who ask."""
    filters: str
    """What it does to answers."""
    suits: str
    """For whom it is a good choice."""
    validates: bool
    """Whether it checks DNSSEC for us."""
    look_again: date
    """When somebody should check that all this still holds."""
    servers: tuple[Endpoint, ...] = ()
    ipv6: tuple[Endpoint, ...] = ()
    """More servers, for machines with a way to IPv6."""
    given: str = ""
    """Who gives its addresses; then they are to be written into upstream.servers."""
    own: bool = False
    """It is whatever this machine is set to use."""
    url: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether questions to it are encrypted by default."""
        return bool(self.servers) and all(server.scheme == "tls" for server in self.servers)


@cache
def load() -> Mapping[str, Preset]:
    """Every preset by its word."""
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = {}
    for word, entry in raw.items():
        for key in ("servers", "ipv6"):
            entry[key] = tuple(parse_endpoint(uri) for uri in entry.get(key, ()))
        found[word] = Preset(word=word, **entry)
    return found
