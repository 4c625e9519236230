"""The starter lists: curated patterns that ship with the code, and the keyword table.

They filter from the first second, with no index and no network. One file per category (its name is
the category's id) in `starter/`, one pattern a line, ``#`` for comments; `keywords.toml` holds the
keywords, which only ever suggest. What is read here is handed to the resolver by the composition
root; the resolver itself never imports this.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from categoriser.matches import Match
from categoriser.patterns import Pattern, PatternFault, StarterTable

Patterns = list[tuple[Pattern, Match]]


class StarterFault(ValueError):
    """Everything wrong with the starter lists at once, one line each: *where: what was given; what
    is allowed*.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Keyword:
    """A token that suggests a category: with what precision it did so when measured, and the
    evidence for that.
    """

    token: str
    category: str
    precision: float
    evidence: str
    exceptions: tuple[str, ...] = ()


def load_table() -> StarterTable:
    """All starter patterns and keywords, ready to search. Raises `StarterFault`."""
    return StarterTable(load_patterns())


def load_patterns() -> Patterns:
    """All starter patterns and keywords with the match each one gives. Raises `StarterFault`."""
    faults: list[str] = []
    patterns: Patterns = []
    for file in list_files():
        category = file.name.removesuffix(".txt")
        text = file.read_text(encoding="utf-8")
        patterns += read_list(text, category, f"starter/{file.name}", faults)
    if (
        not patterns and not faults
    ):  # a filter without lists would let everything through in silence
        faults.append("starter: no list found; the package ships one file per category")
    patterns += _keyword_patterns(load_keywords(), faults)
    if faults:
        raise StarterFault(faults)
    return patterns


def list_files() -> list[Traversable]:
    """The files of the starter lists, by name; without the keyword table."""
    folder = _folder()
    if not folder.is_dir():
        return []
    files = [file for file in folder.iterdir() if file.name.endswith(".txt")]
    return sorted(files, key=lambda file: file.name)


def load_keywords() -> list[Keyword]:
    """The keyword table, empty if there is none. Raises `StarterFault`."""
    file = _folder().joinpath("keywords.toml")
    return read_keywords(file.read_text(encoding="utf-8")) if file.is_file() else []


def read_list(text: str, category: str, where: str, faults: list[str]) -> Patterns:
    """The patterns of one list; each fault is added to `faults` as *where:line: ...* and its line
    left out.
    """
    source = (f"starter:{category}",)
    patterns: Patterns = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition("  #")[0].strip() if "#" in line else line.strip()
        if not entry or entry.startswith("#"):
            continue
        try:
            pattern = Pattern.parse(entry)
        except PatternFault as fault:
            faults.append(f"{where}:{number}: {fault}")
        else:
            patterns.append((pattern, Match(category, pattern.text, source)))
    return patterns


def read_keywords(text: str, where: str = "starter/keywords.toml") -> list[Keyword]:
    """The keywords of a TOML document of [[keyword]] tables. Raises `StarterFault`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise StarterFault([f"{where}: {fault}; a TOML document is needed"]) from None
    keywords, faults = [], []
    for number, entry in enumerate(document.get("keyword", []), 1):
        try:
            keywords.append(_keyword(entry))
        except (TypeError, ValueError) as fault:
            faults.append(
                f"{where}: keyword {entry.get('token', number)}: {fault}; "
                "needed are token, category, precision (0 to 1), evidence, exceptions"
            )
    if faults:
        raise StarterFault(faults)
    return keywords


def _keyword(entry: dict[str, Any]) -> Keyword:
    keyword = Keyword(**{**entry, "exceptions": tuple(entry.get("exceptions", ()))})
    if not 0 <= keyword.precision <= 1:
        raise ValueError(f"precision = {keyword.precision}")
    return keyword


def _keyword_patterns(keywords: list[Keyword], faults: list[str]) -> Patterns:
    patterns: Patterns = []
    for keyword in keywords:
        try:
            pattern = Pattern.parse(f"~{keyword.token}", keyword.exceptions)
        except PatternFault as fault:
            faults.append(f"starter/keywords.toml: {fault}")
            continue
        source = (f"starter:{keyword.category}",)
        patterns.append((pattern, Match(keyword.category, pattern.text, source, keyword=True)))
    return patterns


def _folder() -> Traversable:
    return resources.files("blocklists").joinpath("starter")
