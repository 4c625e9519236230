"""What a check asks, and what it expects: from the taxonomy, not from the policy in force. Pure.

Names of a category that nobody may except, and that is blocked unless a profile says otherwise, are
expected to be blocked, whatever the profile says. What else happens is expected as the policy says.
Which names are asked turns with the day, so that in time all of them are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from categoriser.taxonomy import Category, Taxonomy

Expected = Literal["blocked", "open", "strict", "policy"]
"""`strict`: led to the strict host of a search engine. `policy`: whatever the policy says."""

KINDS: Final = (
    "answers",
    "category",
    "list",
    "policy",
    "own",
    "essential",
    "search",
    "canary",
    "exception",
    "page",
    "freshness",
    "log",
)
"""What results are about."""

MUST_NAMES: Final = 2
"""Of each category that must be blocked."""
LIST_NAMES: Final = 1
"""Of each category of each published list."""
ESSENTIAL_NAMES: Final = 6
OWN_ESSENTIAL_NAMES: Final = 10
OWN_NAMES_MAX: Final = 100
ENDED_NAMES_MAX: Final = 5
QUESTIONS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Question:
    """One name to ask about."""

    kind: str
    name: str
    category: str
    expected: Expected
    strict: str = ""
    """The host it must lead to."""
    hidden: bool = False
    """Whether the name is kept out of what is recorded: a list of illegal sites is nobody's
    reading."""


@dataclass(frozen=True)
class Material:
    """What questions are made of."""

    starters: Mapping[str, Sequence[str]]
    """Category -> names of the lists that ship."""
    lists: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """List and category -> some names of it."""
    essentials: Sequence[str] = ()
    """Names that the organisation wants open."""
    search: Mapping[str, str] = field(default_factory=dict)
    """Search engine's name -> strict host, one name for each engine."""
    youtube: Sequence[str] = ()
    """Names of YouTube: led to a strict host if the profile wants it."""
    canaries: Mapping[str, str] = field(default_factory=dict)
    """Name -> category."""
    blocked: Sequence[str] = ()
    """Own test names that must be blocked."""
    opened: Sequence[str] = ()
    """Own test names that must open."""
    ended: Sequence[str] = ()
    """Sites of exceptions that ended."""


def must_be_blocked(category: Category) -> bool:
    """Whether no profile is right that opens it."""
    return category.locked or (category.action == "block" and not category.exemptible)


def plan(taxonomy: Taxonomy, material: Material, day: int) -> tuple[Question, ...]:
    """What to ask on a day (whole days since 1970), `QUESTIONS_MAX` at most."""
    found: list[Question] = []
    for id, entry in taxonomy.items():
        names = material.starters.get(id, ())
        if entry.essential:
            found += _ask("essential", turned(names, day, ESSENTIAL_NAMES), id, "open")
        elif must_be_blocked(entry):
            found += _ask("category", turned(names, day, MUST_NAMES), id, "blocked")
        else:
            found += _ask("policy", turned(names, day, 1), id, "policy")
    found += _ask(
        "essential", turned(material.essentials, day, OWN_ESSENTIAL_NAMES), "essential", "open"
    )
    found += _ask("own", material.blocked[:OWN_NAMES_MAX], "", "blocked")
    found += _ask("own", material.opened[:OWN_NAMES_MAX], "", "open")
    found += (
        Question("search", name, "", "strict", strict) for name, strict in material.search.items()
    )
    found += _ask("search", turned(material.youtube, day, 1), "", "policy")
    for name, id in material.canaries.items():
        found.append(Question("canary", name, id, "blocked"))
    found += _ask("exception", material.ended[:ENDED_NAMES_MAX], "", "policy")
    for (_, id), names in material.lists.items():
        if id in taxonomy:
            entry = taxonomy[id]
            expected: Expected = "blocked" if must_be_blocked(entry) else "policy"
            for name in turned(names, day, LIST_NAMES):
                found.append(Question("list", name, id, expected, hidden=entry.locked))
    return tuple({(one.name, one.expected): one for one in reversed(found)}.values())[::-1][
        :QUESTIONS_MAX
    ]


def turned(names: Sequence[str], day: int, count: int) -> tuple[str, ...]:
    """So many names, others on each day."""
    if len(names) <= count:
        return tuple(names)
    begin = day * count % len(names)
    return tuple(names[(begin + step) % len(names)] for step in range(count))


def _ask(kind: str, names: Iterable[str], category: str, expected: Expected) -> Iterable[Question]:
    return [Question(kind, name, category, expected) for name in names]
