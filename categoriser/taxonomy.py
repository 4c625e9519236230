"""The categories: what each one is called, what is done about it by default, and where help is.

Everything that speaks of categories (policy, pages, metrics, dashboards) derives from
`taxonomy.toml` beside this module. Here it is read, checked as a whole, and frozen; nothing is
decided.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, cast, get_args

Action = Literal["block", "warn", "monitor", "allow"]
Group = Literal["content", "contact", "conduct"]
Severity = Literal["none", "low", "medium", "high"]

EDE_BLOCKED: Final = 15  # RFC 8914 section 4.16: the operator's own policy
EDE_CENSORED: Final = 16  # RFC 8914 section 4.17: imposed from outside


class TaxonomyFault(ValueError):
    """Everything wrong with a taxonomy at once, one line each: *where: what was given; what is
    allowed*.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Help:
    """Somewhere to turn to."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Category:
    """One entry of the taxonomy; the fields are described at the top of `taxonomy.toml`."""

    id: str
    title: str
    description: str
    group: Group
    action: Action
    exemptible: bool
    locked: bool
    safeguarding: Severity
    ede: int
    help: tuple[Help, ...] = ()
    parent: str | None = None
    essential: bool = False


class Taxonomy(Mapping[str, Category]):
    """Category id -> `Category`, in the order of the file. Immutable."""

    def __init__(self, categories: Mapping[str, Category]) -> None:
        self._categories = dict(categories)

    def __getitem__(self, key: str) -> Category:
        return self._categories[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._categories)

    def __len__(self) -> int:
        return len(self._categories)

    def descendants(self, category: str) -> tuple[str, ...]:
        """The ids below this one, not itself, in the order of the file."""
        return tuple(key for key in self._categories if category in self.ancestors(key))

    def ancestors(self, category: str) -> tuple[str, ...]:
        """The ids above this one, nearest first. Raises KeyError for an unknown id."""
        above = []
        parent = self._categories[category].parent
        while parent is not None:
            above.append(parent)
            parent = self._categories[parent].parent
        return tuple(above)

    def nearest(self, word: str) -> tuple[str, ...]:
        """Ids a person who wrote `word` may have meant, for a message; never for a decision."""
        near = difflib.get_close_matches(word, self._categories, n=3, cutoff=0.5)
        if len(word) > 3:
            near += [key for key in self._categories if key in word or word in key]
        return tuple(dict.fromkeys(near))


def load() -> Taxonomy:
    """The taxonomy that ships with Lychgate. Raises `TaxonomyFault`."""
    text = resources.files("categoriser").joinpath("taxonomy.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str, where: str = "taxonomy.toml") -> Taxonomy:
    """Read and check a taxonomy document. Raises `TaxonomyFault` with every fault in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise TaxonomyFault([f"{where}: {fault}; a TOML document is needed"]) from None
    faults: list[str] = []
    entries = document.pop("category", [])
    faults += [f"{where}: {key!r}; only [[category]] tables are allowed" for key in document]
    categories: dict[str, Category] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.get("id", f"number {number}")
        at = f"{where}: category {name}"
        if name in categories:
            faults.append(f"{at}: given twice; each id is allowed once")
        found = _entry_faults(at, entry)
        faults += found
        if not found:
            categories[name] = _category(entry)
    if not faults:
        faults = _family_faults(where, categories)
    if faults:
        raise TaxonomyFault(faults)
    return Taxonomy(categories)


def _category(entry: dict[str, Any]) -> Category:
    links = tuple(Help(link["title"], link["url"]) for link in entry["help"])
    return Category(**{**entry, "help": links})


_TYPES: Final[Mapping[str, type]] = {
    "id": str,
    "title": str,
    "description": str,
    "group": str,
    "action": str,
    "exemptible": bool,
    "locked": bool,
    "safeguarding": str,
    "ede": int,
    "help": list,
    "parent": str,
    "essential": bool,
}
_OPTIONAL: Final = frozenset({"parent", "essential"})
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "group": get_args(Group),
    "action": get_args(Action),
    "safeguarding": get_args(Severity),
}


def _entry_faults(at: str, entry: dict[str, Any]) -> list[str]:
    faults = []
    for key in entry:
        if key not in _TYPES:
            near = difflib.get_close_matches(key, _TYPES, n=1) or list(_TYPES)
            faults.append(f"{at}: {key} is unknown; did you mean {', '.join(near)}?")
    for key, kind in _TYPES.items():
        if key not in entry:
            if key not in _OPTIONAL:
                faults.append(f"{at}: {key} is missing; a {kind.__name__} is needed")
        elif type(entry[key]) is not kind or entry[key] == "":
            faults.append(f"{at}: {key} = {entry[key]!r}; a {kind.__name__} is needed")
        elif key in _WORDS and entry[key] not in _WORDS[key]:
            faults.append(f"{at}: {key} = {entry[key]!r}; allowed are {', '.join(_WORDS[key])}")
    if not faults:
        faults = [f"{at}: {fault}" for fault in _contradictions(entry)]
    return faults


def _contradictions(entry: dict[str, Any]) -> Iterator[str]:
    """Combinations that would break a promise of the decision order."""
    if entry["ede"] not in (EDE_BLOCKED, EDE_CENSORED):
        yield f"ede = {entry['ede']}; allowed are 15 and 16 (RFC 8914)"
    if entry["locked"] and (entry["exemptible"] or entry["action"] != "block"):
        yield "locked; a locked category has action = block and exemptible = false"
    if entry.get("essential") and (entry["action"] != "allow" or entry["locked"]):
        yield "essential; an essential category has action = allow and locked = false"
    for link in cast("list[Any]", entry["help"]):
        if not isinstance(link, dict) or set(link) != {"title", "url"}:
            yield f"help has {link!r}; each link has a title and a url"
        elif not str(link["url"]).startswith("https://"):
            yield f"help has {link['url']!r}; allowed are https addresses"


def _family_faults(where: str, categories: Mapping[str, Category]) -> list[str]:
    faults = []
    for category in categories.values():
        seen = {category.id}
        parent = category.parent
        while parent is not None:
            if parent not in categories:
                faults.append(
                    f"{where}: category {category.id}: parent {parent!r}; allowed are the ids above"
                )
                break
            if parent in seen:
                faults.append(f"{where}: category {category.id}: is its own ancestor; not allowed")
                break
            seen.add(parent)
            parent = categories[parent].parent
    return faults
