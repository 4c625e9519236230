"""Names that no list may take: the essentials of the starter lists, and the canaries.

An essential is a name that learning needs. A canary is a name so widely needed, and so clearly
nobody's gambling or malware, that a list which has it is broken or was never looked at. Neither
list can hold all names worth having: one hit is a reason to keep the last good version of a list
and ask a person, not the whole damage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Final

from blocklists import starters
from blocklists.entries import Scope
from categoriser.patterns import Pattern

HITS_MAX: Final = 2_000
"""Kept of one reading. More than there are protected names: a new one must not be lost behind those
that a person accepted."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry (`rule`, as people write it) that would take a protected name."""

    rule: str
    name: str


class Protected:
    """Protected names, found by the entries that would take them. Immutable."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Of `patterns` only domains (``bbc.co.uk``) and exact names (``=gov.uk``) are kept: below
        a wildcard there is no name to lose.
        """
        takes: dict[str, list[tuple[str, bool]]] = {}
        names = set()
        for pattern in patterns:
            if pattern.kind not in ("domain", "exact"):
                continue
            name = pattern.text.removeprefix("=")
            names.add(name)
            above = name
            while above:
                takes.setdefault(above, []).append((name, pattern.kind == "domain"))
                above = above.partition(".")[2]
        self._takes = takes
        self._names = frozenset(names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Is this very name protected?"""
        return name in self._names

    def covered(self, name: str, scope: Scope = "domain") -> tuple[str, ...]:
        """The protected names that an entry would take, sorted: equal to it or below it.

        `name` is in normal form. An entry below a protected name takes nothing here:
        ``phish.sharepoint.com`` is one bad tenant. An entry for all below ``bbc.co.uk`` takes
        ``bbc.co.uk``, whose pages are there.
        """
        found = self._takes.get(name)
        if found is None:  # nearly always
            return ()
        return tuple(
            sorted(
                {
                    taken
                    for taken, is_domain in found
                    if scope == "domain"
                    or (taken == name) is (scope == "exact")
                    or (scope == "below" and is_domain)
                }
            )
        )


def load() -> Protected:
    """The essentials and canaries that ship with Lychgate. Raises `starters.StarterFault`."""
    faults: list[str] = []
    patterns = []
    folder = resources.files("blocklists")
    for file in (folder.joinpath("starter", "essential.txt"), folder.joinpath("canaries.txt")):
        text = file.read_text(encoding="utf-8")
        patterns += starters.read_list(text, "essential", file.name, faults)
    if faults:
        raise starters.StarterFault(faults)
    return Protected(pattern for pattern, _ in patterns)
