"""What an entry of the audit log changed, key by key: before beside after. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

ROWS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that differs; "" where there was, or is, nothing."""

    key: str
    before: str
    after: str


def differences(before: str | None, after: str | None) -> list[Difference]:
    """The differences of two texts of JSON, at most `ROWS_MAX`."""
    was, now = dict(_flat(_read(before))), dict(_flat(_read(after)))
    keys = list(dict.fromkeys((*was, *now)))
    found = [Difference(key, was.get(key, ""), now.get(key, "")) for key in keys]
    return [one for one in found if one.before != one.after][:ROWS_MAX]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for number, inner in enumerate(value, 1):
            mark = inner.get("id", number) if isinstance(inner, dict) else number
            yield from _flat(inner, f"{path}[{mark}]")
    elif value is not None:
        text = ", ".join(map(str, value)) if isinstance(value, list) else _word(value)
        yield path, text[:TEXT_CHARACTERS_MAX]


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, "") if isinstance(value, bool) else str(value)


def _read(text: str | None) -> Any:
    """What was kept as JSON; as it is where somebody made it something else."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
