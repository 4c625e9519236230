"""Every string a person reads, by key: a folder for each language, a TOML file for each area.

`t("sign-in.title")` gives the text; `t("lists.entries", count=3)` fills `{count}` in. What is
filled in may be hostile: templates escape the whole. A key that is not there is a fault of ours,
and raises.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

ENGLISH: Final = "en"


def t(key: str, /, **values: object) -> str:
    """The text of a key, with `{names}` filled in."""
    text = texts()[key]
    return text.format_map(values) if values else text


def did(action: str) -> str:
    """What the audit log says somebody did; an action of another version as it is written."""
    return texts().get(f"did.{action}", action)


@cache
def texts(language: str = ENGLISH) -> Mapping[str, str]:
    """Every text of a language, by key."""
    found: dict[str, str] = {}
    folder = files("portal.words").joinpath(language)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            _gather(tomllib.loads(file.read_text(encoding="utf-8")), "", found)
    return found


def _gather(table: Mapping[str, Any], above: str, found: dict[str, str]) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _gather(value, f"{above}{key}.", found)
        elif above + key in found:
            raise ValueError(f"words: {above}{key}: it is there twice; allowed: once")
        else:
            found[above + key] = str(value)
