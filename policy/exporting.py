"""A raw document as TOML that reads back to the same policy: what `policy.toml` is, from the store.

Written here and not by a library: 50,000 rules take tomlkit half a minute.  Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Final

from policy.entries import KEYS

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?")

_WHEN: Final = frozenset({"from", "to", "until", "review", "expires", "revoked", "withdrawn_until"})
"""Keys whose text is a date or an instant, which TOML writes without quotes."""

_INLINE: Final = frozenset({"actions"})
"""Tables that people write in one line."""

_LINE_MAX: Final = 100


def to_toml(raw: Mapping[str, Any]) -> str:
    """The text of `policy.toml` for a raw document; its known keys in their usual order."""
    known = {key: raw[key] for key in KEYS if key in raw}
    more = {key: value for key, value in raw.items() if key != "passes"}  # see STORED_KINDS
    return "\n".join(_table({**known, **more}, ())).lstrip("\n") + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table below its header; values first, or they would fall to a table in it."""
    tables = {key: value for key, value in table.items() if _has_header(key, value)}
    for key, value in table.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value, key)}"
    for key, value in tables.items():
        inner = (*path, key)
        dotted = ".".join(_key(part) for part in inner)
        if isinstance(value, Mapping):
            if not value or not all(_has_header(k, v) for k, v in value.items()):
                yield f"\n[{dotted}]"
            yield from _table(value, inner)
        else:
            for entry in value:
                yield f"\n[[{dotted}]]"
                yield from _table(entry, inner)


def _has_header(key: str, value: object) -> bool:
    if isinstance(value, Mapping):
        return key not in _INLINE
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(entry, Mapping) for entry in value)
    )


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: object, key: str = "") -> str:
    """A value in one line, or a long list with an entry in each."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if key in _WHEN and _is_when(value) else _text(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v, k)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        entries = [_value(entry) for entry in value]
        line = f"[{', '.join(entries)}]"
        if len(line) + len(key) < _LINE_MAX:
            return line
        return "\n".join(["[", *(f"    {entry}," for entry in entries), "]"])
    return repr(value)


def _is_when(text: str) -> bool:
    """Whether TOML reads this text, without quotes, as the date or instant that it says."""
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return True
        if _INSTANT.fullmatch(text):
            datetime.fromisoformat(text)
            return True
    except ValueError:
        pass
    return False


def _text(text: str) -> str:
    # What JSON escapes TOML escapes alike, but for one control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
