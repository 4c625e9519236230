"""Configuration of dnsmasq: ``address=/x/``, ``server=/x/`` and ``local=/x/`` block.

dnsmasq answers such names itself, with nothing or with the sink after the last slash; they mean the
name and everything below it. A server after the last slash of ``server`` or ``local`` (``#``: the
usual ones) opens the names again: an exception of this list. One line may hold several names. The
other settings of a configuration are skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Final

from blocklists.entries import (
    NOT_A_LINE,
    NOT_A_SINK,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
)
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

_QUICK: Final = re.compile(
    rf"(?:(?:server|local)=/({QUICK_NAME})/"
    rf"|address=/({QUICK_NAME})/(?:0\.0\.0\.0|127\.0\.0\.1|#|::1?)?)"
).fullmatch
_NAMES: Final = re.compile(r"(address|server|local)\s*=\s*/(.*)/([^/]*)")
_CUT: Final = re.compile(r"(?:address|server|local)\s*=\s*/[^/]")
_SETTING: Final = re.compile(r"[a-z][a-z0-9-]*\s*=.*")
_FLAGS: Final = frozenset(
    "all-servers bind-dynamic bind-interfaces bogus-priv dns-loop-detect dnssec domain-needed "
    "expand-hosts filter-A filter-AAAA filterwin2k keep-in-foreground localise-queries log-queries "
    "no-daemon no-hosts no-negcache no-poll no-resolv read-ethers rebind-localhost-ok "
    "stop-dns-rebind strict-order".split()
)
_SERVER: Final = re.compile(r"([0-9A-Fa-f.:]+)(?:%\w+)?(?:#[0-9]{1,5})?(?:@\S+)?")
_COMMENT: Final = re.compile(r"(?:\s|\A)#.*")


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that give names between slashes to one of the three settings."""
    content = [text for line in lines if (text := _content(line))]
    if not content:
        return 0.0
    return sum(bool(_NAMES.match(text)) for text in content) / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line; a line with several names gives several."""
    new = tuple.__new__  # saves a third of the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line)
        if quick and len(name := quick[quick.lastindex or 1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, ""))
        elif text := _content(line):
            yield from _read_text(number, text)


def _content(line: str) -> str:
    text = line.lstrip("\ufeff").strip()
    return _COMMENT.sub("", text).rstrip() if "#" in text else text


def _read_text(number: int, text: str) -> Iterator[Entry | Reject]:
    parts = _NAMES.fullmatch(text)
    if not parts:
        known = text in _FLAGS or (_SETTING.fullmatch(text) and not _CUT.match(text))
        yield Reject(number, text, OTHER_ACTION if known else NOT_A_LINE)
        return
    setting, names, target = parts.groups()
    reason = _address_fault(target) if setting == "address" else _server_fault(target)
    if reason:
        yield Reject(number, text, reason)
    elif not names.strip("/"):  # ``local=//``: names without a dot, a usual setting
        yield Reject(number, text, OTHER_ACTION)
    else:
        opens = setting != "address" and target != ""
        for name in filter(None, names.split("/")):
            yield _read_name(number, text, name, opens)


def _read_name(number: int, text: str, name: str, opens: bool) -> Entry | Reject:
    if name == "#" or "*" in name:  # ``#``: every name
        return Reject(number, text, PATTERN)
    item = read_name(number, text, name.removeprefix("."))
    return item._replace(allow=True) if opens and isinstance(item, Entry) else item


def _address_fault(target: str) -> str:
    """Why names that are answered with this are not blocked; "" if they are."""
    if target in ("", "#"):
        return ""
    try:
        address = ip_address(target)
    except ValueError:
        return NOT_A_LINE
    sink = address.is_loopback or address.is_unspecified or address.packed[0] == 0
    return "" if sink else NOT_A_SINK


def _server_fault(target: str) -> str:
    """Why this, after the names, is neither nothing nor a server; "" if it is one of them."""
    if target in ("", "#"):
        return ""
    parts = _SERVER.fullmatch(target)
    try:
        address = ip_address(parts[1]) if parts else None
    except ValueError:
        address = None
    if address is None:
        return NOT_A_LINE
    return OTHER_ACTION if address.is_unspecified else ""
