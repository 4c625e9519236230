"""Names people ask for that no list knows, with evidence that one should: for a person to judge.

Evidence is a keyword of `starter/keywords.toml` (in the name as written, in its decoded punycode,
or in letters that look like others), a public suffix that is itself a word of a category, or an
entry of a list that may only suggest. Each piece has a weight between 0 and 1: how likely the name
then belongs to the category. A name's likelihood is that of at least one kind of evidence being
right, as if kinds were independent; of one kind only the best piece counts, because *casino* and
*slot* in one name are no two witnesses::

    likelihood = 1 - (1 - keyword) * (1 - suffix) * (1 - list)
    score      = likelihood * (1 + log10(how often asked))

The queue is ordered by the score. Nothing here blocks: this module reads, and writes no file at
all. What was asked is counted by `resolver.telemetry.asked`, whose files are read here; both know
their form, ``{"version": 1, "names": {NAME: [COUNT, FIRST_DAY, LAST_DAY]}}``, days being whole days
since 1970 in UTC.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from publicsuffixlist import PublicSuffixList

from blocklists.sheets import keys_covering, read_keys, rule_of
from blocklists.starters import Keyword
from categoriser.lookalikes import decode, fold
from categoriser.matches import Match
from categoriser.names import NameFault, from_text, normal, to_unicode
from categoriser.patterns import Pattern, PatternTable

FILES_MAX: Final = 256
FILE_OCTETS_MAX: Final = 32 << 20
VERSION: Final = 1
DAY_MAX: Final = 2_932_896  # the last day of the year 9999
SUGGESTIONS_MAX: Final = 1_000
"""The queue's length; the rest would be seen by nobody."""
FOLDED_TOKEN_MIN: Final = 4
"""Digits make a three-letter token of any hash; shorter tokens are folded only out of punycode."""

FOLDED_SHARE: Final = 0.8
"""Of a token's precision where it was found in look-alike letters. Not measured: a disguise is no
accident, but an odd spelling may be one."""
LIST_WEIGHT: Final = 0.5
"""Of an entry of a list that may only suggest. Not measured: seven in ten listed names are in one
list only, and this one is not trusted to block."""
PRECISION_BY_ENDING: Final[Mapping[tuple[str, str], float]] = {
    ("sex", "uk"): 0.2,  # 5 of 31 listed: Essex, Sussex, Middlesex
    ("vpn", "uk"): 0.1,  # all six samples were employers' portals
}
"""(token, last label) -> precision measured there, where it differs from the rest of the world."""


class Ending(NamedTuple):
    """What a public suffix says by itself."""

    category: str
    weight: float
    evidence: str


# Of 779,502 names, those under the ending and how many of them lists knew. For the adult ones that
# share is the weight. Lists know nearly nothing of .casino and .bet, because they lag; there the
# weight is a judgement: the registry sells the ending for that, and a few names are puns.
ENDINGS: Final[Mapping[str, Ending]] = {
    "xxx": Ending("adult", 0.73, "87 of 120 names listed"),
    "porn": Ending("adult", 0.81, "26 of 32 names listed"),
    "sexy": Ending("adult", 0.82, "14 of 17 names listed"),
    "sex": Ending("adult", 0.50, "13 of 26 names listed"),
    "casino": Ending("gambling", 0.90, "10 of 865 names listed: lists lag, weight by judgement"),
    "bet": Ending("gambling", 0.80, "7 of 832 names listed: lists lag, weight by judgement"),
}
"""First label of a public suffix (``bet``, ``bet.br``) -> what it says."""

ESSENTIAL: Final = "essential"
"""The category of what must stay open: no reason to block."""

Find = Callable[[str], Sequence[Match]]
"""What the lists in use say about a name in normal form."""
Spelt = Literal["plain", "decoded", "folded"]


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a name was asked for; days are whole days since 1970."""

    count: int
    first_day: int
    last_day: int


class Sheet(Protocol):
    """The entries, and the exceptions if any, of one list in one category; a `Part` is one."""

    @property
    def source_id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def entries(self) -> Path: ...
    @property
    def allows(self) -> Path | None: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to look at a name. `what` is the token, the ending, or the id of the list;
    `spelt` how a token was found; `note` where the weight comes from.
    """

    kind: Literal["keyword", "ending", "list"]
    category: str
    what: str
    weight: float
    note: str
    spelt: Spelt = "plain"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name for the review queue, under the category that its evidence speaks for most."""

    name: str
    category: str
    likelihood: float
    score: float
    seen: Seen
    evidence: tuple[Evidence, ...]

    @property
    def readable(self) -> str:
        """The name for people: punycode decoded where that is sound."""
        return to_unicode(from_text(self.name))

    def to_json(self) -> dict[str, Any]:
        """For programs; keys are only ever added."""
        return {
            "name": self.name,
            "unicode": self.readable,
            "category": self.category,
            "likelihood": round(self.likelihood, 3),
            "score": round(self.score, 3),
            "asked": self.seen.count,
            "first_day": date_of(self.seen.first_day).isoformat(),
            "last_day": date_of(self.seen.last_day).isoformat(),
            "evidence": [
                {
                    "kind": piece.kind,
                    "category": piece.category,
                    "what": piece.what,
                    "weight": piece.weight,
                    "spelt": piece.spelt,
                    "note": piece.note,
                }
                for piece in self.evidence
            ],
        }


def suggest(
    seen: Mapping[str, Seen],
    reviewer: Reviewer,
    find: Find,
    *,
    is_dismissed: Callable[[str], bool] = lambda name: False,
) -> list[Suggestion]:
    """The review queue, best first: names with evidence that are in no list and not dismissed."""
    found = (
        suggestion
        for name, how in seen.items()
        if (suggestion := reviewer.judge(name, how)) is not None
        and not is_dismissed(name)
        and not any(not match.keyword for match in find(name))
    )
    return heapq.nsmallest(SUGGESTIONS_MAX, found, key=lambda one: (-one.score, one.name))


class Reviewer:
    """Finds the evidence in names. `hints` are entries of lists that may only suggest, by name."""

    def __init__(
        self, keywords: Sequence[Keyword], hints: Mapping[str, Sequence[Match]] | None = None
    ) -> None:
        self._hints: Final = hints or {}
        self._suffixes: Final = PublicSuffixList(accept_unknown=False)
        self._plain: Final = PatternTable(
            (Pattern.parse(f"~{keyword.token}", keyword.exceptions), keyword)
            for keyword in keywords
        )
        self._folded: Final = PatternTable(
            entry for keyword in keywords for entry in _folded_patterns(keyword)
        )

    def judge(self, name: str, seen: Seen) -> Suggestion | None:
        """What there is to say for a name in normal form; None for nothing."""
        evidence = self.evidence(name)
        best = max(
            ((_likelihood(evidence, one), one) for one in _categories(evidence)), default=None
        )
        if best is None:
            return None
        likelihood, category = best
        score = likelihood * (1 + math.log10(max(1, seen.count)))
        return Suggestion(name, category, likelihood, score, seen, evidence)

    def evidence(self, name: str) -> tuple[Evidence, ...]:
        """Every reason to look at this name, the weightiest first."""
        suffix: str | None = self._suffixes.publicsuffix(name)
        if suffix is None or suffix == name:
            return ()  # nobody's site: a name of this network, or of a registry
        found = [*self._keywords(name.removesuffix(f".{suffix}"), suffix)]
        first = suffix.partition(".")[0]
        if (ending := ENDINGS.get(first)) is not None:
            found.append(
                Evidence("ending", ending.category, f".{suffix}", ending.weight, ending.evidence)
            )
        for match in self._hints.get(name, ()):
            # An allow list takes nothing away: a real one held 30,300 phishing hosts.
            weight = 0.0 if match.category == ESSENTIAL else LIST_WEIGHT
            found += [
                Evidence("list", match.category, source, weight, f"lists {match.rule}")
                for source in match.sources
            ]
        return tuple(sorted(found, key=lambda piece: -piece.weight))

    def _keywords(self, stem: str, suffix: str) -> Iterable[Evidence]:
        """Keywords in a name without its public suffix, each once, in the plainest spelling."""
        read = decode(stem)
        # Punycode's own letters spell nothing: they are looked at decoded.
        written = stem if read == stem else ".".join(map(_unless_encoded, stem.split(".")))
        found: dict[Keyword, Spelt] = dict.fromkeys(
            self._plain.find_values(_bounded(written)), "plain"
        )
        if read != stem:
            for keyword in self._plain.find_values(_bounded(read)):
                found.setdefault(keyword, "decoded")
        for reading in fold(read):
            for keyword in self._folded.find_values(_bounded(reading)):
                # A token that is there in plain letters was judged there, exceptions and all.
                long_enough = len(keyword.token) >= FOLDED_TOKEN_MIN or not read.isascii()
                if long_enough and keyword.token not in read:
                    found.setdefault(keyword, "folded")
        last = suffix.rpartition(".")[2]
        for keyword, spelt in found.items():
            precision = PRECISION_BY_ENDING.get((keyword.token, last), keyword.precision)
            weight = precision * (FOLDED_SHARE if spelt == "folded" else 1.0)
            yield Evidence(
                "keyword", keyword.category, keyword.token, weight, keyword.evidence, spelt
            )


def asked_counts(folder: Path) -> dict[str, Seen]:
    """What all processes of the resolver counted, by name in normal form; empty without a folder.

    A damaged file, and one that is not of this form, is left out; whatever else is in the folder
    too. Raises OSError when the folder or a file may not be read.
    """
    if not folder.is_dir():
        return {}
    together: dict[str, Seen] = {}
    for path in sorted(folder.glob("*.json"))[:FILES_MAX]:
        for name, seen in _counted(path):
            if (known := together.get(name)) is not None:
                seen = Seen(
                    known.count + seen.count,
                    min(known.first_day, seen.first_day),
                    max(known.last_day, seen.last_day),
                )
            together[name] = seen
    return together


def find_hints(names: Iterable[str], sheets: Iterable[Sheet]) -> dict[str, tuple[Match, ...]]:
    """Which of these names (normal form) the lists hold, in one pass over each.

    Raises `blocklists.sheets.SheetFault`, and OSError.
    """
    wanted: dict[str, list[str]] = {}
    for name in names:
        for key in keys_covering(name):
            if key.count(".") > 1:  # no list holds a top-level domain
                wanted.setdefault(key, []).append(name)
    found: dict[str, tuple[Match, ...]] = {}
    for sheet in sheets:
        excepted = {
            name
            for key in (read_keys(sheet.allows) if sheet.allows is not None else ())
            for name in wanted.get(key, ())
        }
        for key in read_keys(sheet.entries):
            for name in wanted.get(key, ()):
                if name not in excepted:
                    match = Match(sheet.category, rule_of(key), (sheet.source_id,))
                    found[name] = (*found.get(name, ()), match)
    return found


def date_of(day: int) -> date:
    """The date of a day since 1970."""
    return datetime.fromtimestamp(day * 86400, UTC).date()


def _folded_patterns(keyword: Keyword) -> Iterable[tuple[Pattern, Keyword]]:
    """The keyword as folded names spell it: ``1xbet`` is ``lxbet`` or ``ixbet`` there. One without
    digits stays: of a name with ``rn`` there is a spelling that keeps it.
    """
    has_digit = any(letter.isdecimal() for letter in keyword.token)
    for token in fold(keyword.token) if has_digit else (keyword.token,):
        exceptions = {
            spelling
            for exception in keyword.exceptions
            for spelling in (exception, *fold(exception))
            if token in spelling
        }
        yield Pattern.parse(f"~{token}", sorted(exceptions)), keyword


def _likelihood(evidence: Iterable[Evidence], category: str) -> float:
    best: dict[str, float] = {}
    for piece in evidence:
        if piece.category == category:
            best[piece.kind] = max(piece.weight, best.get(piece.kind, 0.0))
    return 1.0 - math.prod(1.0 - weight for weight in best.values())


def _categories(evidence: Iterable[Evidence]) -> list[str]:
    """Those that something speaks for, in order, so that of equals the same one comes first."""
    return sorted({piece.category for piece in evidence if piece.weight > 0})


def _bounded(text: str) -> str:
    """As `Spelling.forward` has it."""
    return f"\n.{text}.\n"


def _unless_encoded(label: str) -> str:
    return "-" if label.startswith("xn--") else label


def _counted(path: Path) -> Iterable[tuple[str, Seen]]:
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_OCTETS_MAX + 1)
    except FileNotFoundError:
        return  # A worker has just taken it over.
    try:
        document = json.loads(octets)
        if document["version"] != VERSION:
            return
        rows = [(str(name), _seen(*row)) for name, row in document["names"].items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
    for name, seen in rows:
        try:
            yield normal(name), seen
        except NameFault:
            continue


def _seen(count: int, first_day: int, last_day: int) -> Seen:
    whole = all(type(value) is int for value in (count, first_day, last_day))
    if not (whole and 0 <= count < 1 << 53 and 0 <= first_day <= last_day <= DAY_MAX):
        raise ValueError(f"{count!r}, {first_day!r}, {last_day!r}")
    return Seen(count, first_day, last_day)
