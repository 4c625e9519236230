"""What somebody asked the block page for: whose site, by which address, and whether it is a page.

Everything here is hostile: the Host header is whatever a page, a program or a person sent. It is a
name only when the categoriser reads it as one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from categoriser.names import NameFault, normal
from portal.limiting import plain_address

METHODS: Final = ("GET", "HEAD", "POST")
NAME_CHARACTERS_MAX: Final = 253
PATH_CHARACTERS_MAX: Final = 2_000
"""Of the way back to the page that was wanted; a longer one leads to the site's first page."""
FIELDS_MAX: Final = 10

_PATH: Final = re.compile(r"/[!-~]*")
_PORT: Final = re.compile(r":[0-9]{1,5}$")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    scheme: str
    """`http` or `https`: how the site itself was asked for."""
    address: str
    """Whose; empty when nobody could say."""
    name: str
    """The host, in normal form; empty for what is no name."""
    path: str
    """As sent, with what follows a question mark."""
    plain_path: str
    """Without it."""
    query: Mapping[str, str]
    wants_page: bool
    head_octets: int
    """Of all headers."""
    origin: str

    def link(self, path: str | None = None) -> str:
        """Where the site itself is."""
        wanted = self.path if path is None else path
        good = len(wanted) <= PATH_CHARACTERS_MAX and _PATH.fullmatch(wanted)
        return f"{self.scheme}://{self.name}{wanted if good else '/'}"


def read_request(scope: Mapping[str, Any]) -> Asked:
    """What an ASGI scope says; never raises, whatever was sent."""
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    client = scope.get("client")
    path = bytes(scope.get("raw_path") or b"/").decode("latin-1")
    query = bytes(scope.get("query_string") or b"").decode("latin-1")
    hosts = _all(headers, b"host")
    return Asked(
        method=scope["method"],
        scheme="https" if scope.get("scheme") == "https" else "http",
        address=plain_address(str(client[0])) if client else "",
        name=name_of(hosts[0]) if len(hosts) == 1 else "",
        path=f"{path}?{query}" if query else path,
        plain_path=path,
        query=fields(query),
        wants_page=_wants_page(headers),
        head_octets=sum(len(name) + len(value) for name, value in headers),
        origin=next(iter(_all(headers, b"origin")), ""),
    )


def name_of(host: str) -> str:
    """The name in a Host header, in normal form; empty for an address and for what is no name."""
    text = _PORT.sub("", host.strip())
    if not text or len(text) > NAME_CHARACTERS_MAX or not text.isascii():
        return ""
    try:
        name = normal(text)
    except (NameFault, UnicodeError):
        return ""
    is_name = name != "." and "\\" not in name and not plain_address(name)
    return name if is_name else ""


def fields(text: str) -> dict[str, str]:
    """The fields of a form or of an address; nothing when there are too many."""
    try:
        found = parse_qs(text, max_num_fields=FIELDS_MAX, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a person would see the answer: a browser says so when it goes to a page.

    `Sec-Fetch-Dest` is sent to HTTPS alone, `Accept` to everybody; scripts, images and programs do
    not ask for HTML.
    """
    found = list(headers)
    destination = next(iter(_all(found, b"sec-fetch-dest")), "document")
    return destination == "document" and any(
        "text/html" in accepted.lower() for accepted in _all(found, b"accept")
    )


def _all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]
