"""Names under which others register: they must never become a block of everything below.

One real list held ``com``, ``net`` and ``tax``: with suffix meaning it blocked 59,547 of the
100,000 most visited sites. The Public Suffix List comes with the `publicsuffixlist` package;
nothing is downloaded. That package's own look-up takes 1.3 microseconds a name, more than reading
its line; so its rules are laid out here for one look-up of a name and one of its parent, 0.2
microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from publicsuffixlist import PSLFILE

from blocklists.entries import PRIVATE_SUFFIX, PUBLIC_SUFFIX, SINGLE_LABEL, Scope
from categoriser.names import normal

_ICANN_BEGINS: Final = "// ===BEGIN ICANN DOMAINS==="
_ICANN_ENDS: Final = "// ===END ICANN DOMAINS==="


class SuffixGuard:
    """Says why an entry is too wide. Takes 50 ms to build: keep one for a whole list.

    Names are in normal form (`categoriser.names.normal`).
    """

    def __init__(self) -> None:
        icann, everyone = _Rules(), _Rules()
        for rule, is_icann in _rules():
            everyone.add(rule)
            if is_icann:
                icann.add(rule)
        self._tlds = frozenset(name.rpartition(".")[2] for name in icann.suffixes)
        self._reasons = _reasons(everyone.suffixes, icann.suffixes)
        self._parents = _reasons(everyone.parents, icann.parents)
        self._exceptions = frozenset(everyone.exceptions)

    def fault(self, name: str, scope: Scope = "domain") -> str | None:
        """The reason to quarantine an entry, None if it may stand.

        An exact entry (``=blogspot.com``) blocks nobody else, so a suffix may be listed that way; a
        single label may not, whatever it was meant to be: it is usually a word that lost its ending
        (``snapchat-com``). What is below a suffix is as wide as the suffix.
        """
        parent = name.partition(".")[2]
        if not parent:
            return SINGLE_LABEL
        if name not in self._reasons and parent not in self._parents:
            return None
        if scope == "exact" or name in self._exceptions:
            return None
        return self._reasons.get(name) or self._parents[parent]

    def is_tld(self, name: str) -> bool:
        """Whether this is a real top-level domain (``com``), not a word that lost its ending."""
        return name in self._tlds

    def unknown_tld(self, name: str) -> bool:
        """Whether nobody can have registered this name (``fritz.home``): junk, or a name of some
        local network. It does no harm on a list.
        """
        return name.rpartition(".")[2] not in self._tlds


@dataclass(slots=True)
class _Rules:
    """Rules of the Public Suffix List by kind.

    `parents` are names whose every child is a suffix (``*.ck``); each is a suffix itself.
    `exceptions` are the children that are none (``!www.ck``).
    """

    suffixes: set[str] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)

    def add(self, rule: str) -> None:
        if rule.startswith("!"):
            self.exceptions.add(normal(rule[1:]))
        elif rule.startswith("*."):
            self.parents.add(normal(rule[2:]))
            self.suffixes.add(normal(rule[2:]))
        else:
            self.suffixes.add(normal(rule))


def _rules() -> Iterator[tuple[str, bool]]:
    """The rules of the list, and whether each is of its ICANN part."""
    icann = False
    with Path(PSLFILE).open(encoding="utf-8") as file:
        for line in file:
            text = line.strip()
            if text in (_ICANN_BEGINS, _ICANN_ENDS):
                icann = text == _ICANN_BEGINS
            elif text and not text.startswith("//"):
                yield text.split()[0], icann


def _reasons(everyone: set[str], icann: set[str]) -> dict[str, str]:
    return {name: PUBLIC_SUFFIX if name in icann else PRIVATE_SUFFIX for name in everyone}
