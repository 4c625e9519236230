"""Ways out of the house, to a log engine of the organisation's own: a file each, found by folder.

A module `evidence/outward/<word>.py` has::

    TRANSPORTS: Final = ("tcp",)  # the ways it knows; "" for a path

    async def send(records: Sequence[Record], settings: OutwardSettings) -> None:
        ...  # all of them, or raises OutwardFault: then all are sent again later

`word+transport://...` in `outward.to` names it. Whoever receives may see a record twice, never half
of one: its `id` tells. Light: the settings are read through this module.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from json import dumps
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

SECONDS_MAX: Final = 10.0
"""One batch of records may take so long."""
PROBLEM_CHARACTERS_MAX: Final = 300
DECISION: Final = "decision"
QUERY: Final = "query"
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


class OutwardFault(Exception):
    """Records could not be handed over."""

    def __init__(self, problem: str) -> None:
        plain = "".join(c if c.isprintable() else " " for c in problem)
        super().__init__(plain[:PROBLEM_CHARACTERS_MAX])


@dataclass(frozen=True, slots=True)
class Destination:
    """Where records go."""

    word: str
    """The module in this folder."""
    transport: str
    """`unix`, `udp`, `tcp`, `tls`; empty: a file."""
    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"{self.word}+unix:{self.path}" if self.transport else f"{self.word}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.word}+{self.transport}://{host}:{self.port}"

    def placed(self, folder: Path) -> Destination:
        """The same, with a relative path counted from a folder."""
        return replace(self, path=str(folder / self.path)) if self.path else self


@dataclass(frozen=True, slots=True)
class OutwardSettings:
    """What goes where."""

    to: Destination
    events: bool = True
    decisions: bool = True
    identities: bool = False
    """Whether device, host name and address go with an event."""
    ca_file: Path | None = None
    """Certificates to trust instead of the usual ones."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened."""

    kind: str
    """`QUERY` or `DECISION`."""
    id: str
    at: float
    grave: bool
    """Whether a person should look at it."""
    labels: Mapping[str, str]
    """The few words to sort by."""
    body: Mapping[str, Any]
    """Everything."""

    def line(self) -> str:
        """As JSON on one line: printable ASCII only, whatever text is in it."""
        written = dumps(self.body, separators=(",", ":"), allow_nan=False)
        return written.replace("\x7f", "\\u007f")


class Way(Protocol):
    """A module of this folder."""

    TRANSPORTS: Sequence[str]
    send: Callable[[Sequence[Record], OutwardSettings], Awaitable[None]]


@cache
def ways() -> Mapping[str, Way]:
    """Every module in this folder, by its word."""
    names = sorted(module.name for module in iter_modules(__path__))
    return {name: cast(Way, import_module(f"{__name__}.{name}")) for name in names}


def allowed() -> str:
    """What may be written, in words: with what is in the folder."""
    forms = {"": "{}:/PATH", "unix": "{}+unix:/PATH"}
    found = [
        forms.get(transport, "{}+" + transport + "://HOST:PORT").format(word)
        for word, way in ways().items()
        for transport in way.TRANSPORTS
    ]
    return ", ".join(found)


def parse_destination(text: str) -> Destination:
    """Read a destination. Raises ValueError: what was given; what is allowed."""
    refused = ValueError(f"{dumps(text[:100])} is nowhere to send to; use {allowed()}")
    scheme, colon, rest = text.partition(":")
    word, _, transport = scheme.partition("+")
    way = ways().get(word)
    if not colon or way is None or transport not in way.TRANSPORTS:
        raise refused
    if transport in ("", "unix"):
        path = rest.removeprefix("//")
        if not path or not path.isprintable() or (transport and len(path.encode()) > 100):
            raise refused
        return Destination(word, transport, path=path)
    try:
        parts = urlsplit(f"any:{rest}")
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        raise refused from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if extra or not port or not _HOST.fullmatch(host):
        raise refused
    return Destination(word, transport, host=host, port=port)
