"""The gates: what a new version of a list must pass before it may filter.

Lists collapse, double overnight, turn into an error page, or receive the tail of another list. A
version that fails a gate is held, the last good one stays in use, and a named person may accept it
with a reason. Everything here is a pure judgement of figures: `blocklists.reading` and
`blocklists.overlaps` measure, `blocklists.keeping` remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from blocklists.entries import FAULTS
from blocklists.relations import SECURITY

if TYPE_CHECKING:
    from blocklists.reading import Reading
    from blocklists.sources import Source

PARSES: Final = "parses"
HTML: Final = "html"
REJECTS: Final = "rejects"
SHRINK: Final = "shrink"
GROWTH: Final = "growth"
TLD: Final = "tld"
PROTECTED: Final = "protected"
OVERLAP: Final = "overlap"
ROLLED_BACK: Final = "rolled-back"
GATES: Final = (PARSES, HTML, REJECTS, SHRINK, GROWTH, TLD, PROTECTED, OVERLAP, ROLLED_BACK)
"""Every word that `Finding.gate` may be."""

UNUSABLE: Final = frozenset({PARSES, HTML})
"""Gates that nobody can override: behind them there is no list at all."""

SLACK_ENTRIES: Final = 50
"""Entries that any list may lose or gain at once: a list of ten may double in a day."""
SLACK_LINES: Final = 5
"""Broken lines that any list may have: a banner, a slip of the pen."""
SLACK_OVERLAP: Final = 20
"""Entries that any list may share with another category: of a list of forty that is half."""
FIRST_FACTOR: Final = 4
"""At the first load a list may have a quarter of its typical entries, or four times as many."""
FIRST_SUSPECTS: Final = SECURITY | {"adult"}
"""Categories that a list must not overlap even at first: the large lists that real accidents
spilled from. The others overlap honestly (a shop that sells games), and only a jump is suspect.
"""
SHOWN_MAX: Final = 5
"""Names shown in one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One gate that was not passed. The message reads *where: what was given; what is allowed*."""

    gate: str
    message: str

    def to_json(self) -> dict[str, str]:
        return {"gate": self.gate, "message": self.message}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        return cls(str(value["gate"]), str(value["message"]))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of this source's entries in `own` other enabled sources list under `category`, an
    unrelated one.

    Shares are 0 to 1; `share_before` is that of the last good version against the same lists, None
    where there is none. `examples` are rules of this source.
    """

    own: str
    category: str
    share: float
    share_before: float | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Excused:
    """What a person accepted with the version in use, or one before it.

    Names, and the highest accepted share of broken lines. Counts and overlaps need nothing here:
    the accepted version is the last good one, from which the next is measured.
    """

    protected: frozenset[str] = frozenset()
    tlds: frozenset[str] = frozenset()
    rejects: float = 0.0

    def with_all_of(self, reading: Reading) -> Excused:
        """Also excuse whatever this accepted reading holds."""
        return Excused(
            self.protected.union(hit.name for hit in reading.protected),
            self.tlds.union(reading.tlds),
            max(self.rejects, reject_share(reading)),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "protected": sorted(self.protected),
            "tlds": sorted(self.tlds),
            "rejects": self.rejects,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Excused:
        return cls(
            frozenset(map(str, value["protected"])),
            frozenset(map(str, value["tlds"])),
            float(value["rejects"]),
        )


def judge(
    reading: Reading,
    source: Source,
    last: Reading | None,
    overlaps: Sequence[Overlap] = (),
    excused: Excused = Excused(),  # noqa: B008  # frozen
) -> tuple[Finding, ...]:
    """Every gate that this reading does not pass; empty: it may filter.

    `last` is the last good reading of the same source. Behind a gate of `UNUSABLE` the others say
    nothing that matters, so only those are given.
    """
    unusable = [*_html(reading, source), *_empty(reading, source)]
    if unusable:
        return tuple(unusable)
    return (
        *_rejects(reading, source, excused),
        *(_bounds(reading, source, last) if last else _first_bounds(reading, source)),
        *_tlds(reading, source, excused),
        *_protected(reading, source, excused),
        *_overlaps(reading, source, overlaps, first=last is None),
    )


def unreadable(source: Source, faults: Sequence[str]) -> Finding:
    """What to say of a list of which there is no reading at all."""
    return Finding(PARSES, f"{source.id}: {'; '.join(faults)}")


def given_up(source: Source) -> Finding:
    """What to say of octets that a person went back from."""
    return Finding(
        ROLLED_BACK,
        f"{source.id}: the same octets were rolled back from; a newer version, or `lychgate lists "
        "accept`, is needed",
    )


def reject_share(reading: Reading) -> float:
    """Broken lines among all lines, 0 to 1. What DNS cannot express, and names that are too wide,
    are not broken.
    """
    return reading.rejected(FAULTS) / reading.lines if reading.lines else 0.0


def _html(reading: Reading, source: Source) -> Iterator[Finding]:
    if reading.html:
        yield Finding(HTML, f"{source.id}: a web page; a list is needed")


def _empty(reading: Reading, source: Source) -> Iterator[Finding]:
    if not reading.entries_total and not reading.html:
        why = ""
        if reading.rejections:
            most = max(reading.rejections, key=lambda each: each.count)
            line, text = most.examples[0] if most.examples else (0, "")
            why = f" ({most.count:,} times {most.reason}; line {line}: {text!r})"
        yield Finding(
            PARSES,
            f"{source.id}: {reading.lines:,} lines of {reading.format} and no usable entry{why}; "
            "a list has names",
        )


def _rejects(reading: Reading, source: Source, excused: Excused) -> Iterator[Finding]:
    broken, share = reading.rejected(FAULTS), reject_share(reading)
    if broken > SLACK_LINES and share > max(source.reject_max, excused.rejects):
        reasons = sorted(
            (each for each in reading.rejections if each.reason in FAULTS),
            key=lambda each: -each.count,
        )
        line, text = reasons[0].examples[0] if reasons[0].examples else (0, "")
        yield Finding(
            REJECTS,
            f"{source.id}: {broken:,} of {reading.lines:,} lines are broken ({share:.1%}; most: "
            f"{reasons[0].reason}, as line {line}: {text!r}); at most {source.reject_max:.1%} "
            "(reject_max)",
        )


def _bounds(reading: Reading, source: Source, last: Reading) -> Iterator[Finding]:
    """Counts against the last good version: all of the list, each category of a list of several
    (one may collapse unnoticed among the others), and its exceptions, which take entries away.
    """
    mapped = set(source.categories.values())
    counts = [("entries", last.entries_total, reading.entries_total)]
    if len(mapped) > 1:
        counts += [
            (f"entries of {category}", last.entries[category], reading.entries.get(category, 0))
            for category in last.entries
            if category in mapped
        ]
    for what, before, now in counts:
        if now < before * (1 - source.shrink_max) and before - now > SLACK_ENTRIES:
            yield Finding(
                SHRINK,
                f"{source.id}: {now:,} {what} after {before:,}; at least "
                f"{before * (1 - source.shrink_max):,.0f} (shrink_max = {source.shrink_max:g})",
            )
    allows = ("exceptions", sum(last.allows.values()), sum(reading.allows.values()))
    for what, before, now in (*counts, allows):
        if now > before * (1 + source.growth_max) and now - before > SLACK_ENTRIES:
            yield Finding(
                GROWTH,
                f"{source.id}: {now:,} {what} after {before:,}; at most "
                f"{before * (1 + source.growth_max):,.0f} (growth_max = {source.growth_max:g})",
            )


def _first_bounds(reading: Reading, source: Source) -> Iterator[Finding]:
    """Counts at the first load, against what the catalogue knows."""
    if source.typical_entries is None:
        return
    now, typical = reading.entries_total, source.typical_entries
    if now * FIRST_FACTOR < typical and typical - now > SLACK_ENTRIES:
        yield Finding(
            SHRINK,
            f"{source.id}: {now:,} entries; at first at least {typical // FIRST_FACTOR:,}, a "
            f"quarter of the usual {typical:,} (typical_entries)",
        )
    if now > typical * FIRST_FACTOR and now - typical > SLACK_ENTRIES:
        yield Finding(
            GROWTH,
            f"{source.id}: {now:,} entries; at first at most {typical * FIRST_FACTOR:,}, four "
            f"times the usual {typical:,} (typical_entries)",
        )


def _tlds(reading: Reading, source: Source, excused: Excused) -> Iterator[Finding]:
    """The entry itself is never used (it is in quarantine); but a list with ``com`` in it was made
    by a machine that had gone wrong.
    """
    if bare := [tld for tld in reading.tlds if tld not in excused.tlds]:
        yield Finding(
            TLD,
            f"{source.id}: {_shown(bare)} as an entry, a whole top-level domain; a list names "
            "sites",
        )


def _protected(reading: Reading, source: Source, excused: Excused) -> Iterator[Finding]:
    fine = excused.protected.union(source.expect)
    hits = [hit for hit in reading.protected if hit.name not in fine and hit.rule not in fine]
    if hits:
        shown = [
            hit.rule if hit.rule == hit.name else f"{hit.rule} (takes {hit.name})" for hit in hits
        ]
        yield Finding(
            PROTECTED,
            f"{source.id}: {_shown(shown)}; essential and everyday sites only if the source "
            "expects them (expect), or without these entries (drop)",
        )


def _overlaps(
    reading: Reading, source: Source, overlaps: Sequence[Overlap], *, first: bool
) -> Iterator[Finding]:
    limit = source.overlap_max
    for overlap in sorted(overlaps, key=lambda each: -each.share):
        if overlap.share <= limit or (first and overlap.category not in FIRST_SUSPECTS):
            continue
        if overlap.share * reading.entries.get(overlap.own, 0) <= SLACK_OVERLAP:
            continue
        before = overlap.share_before or 0.0
        if first or overlap.share - before > limit / 2:
            was = "" if first else f", {before:.0%} before"
            such = f", such as {_shown(overlap.examples)}" if overlap.examples else ""
            yield Finding(
                OVERLAP,
                f"{source.id}: {overlap.share:.0%} of its {overlap.own} entries are "
                f"{overlap.category} by other lists{was}{such}; at most {limit:.0%} (overlap_max)",
            )


def _shown(words: Sequence[str]) -> str:
    rest = len(words) - SHOWN_MAX
    return ", ".join(words[:SHOWN_MAX]) + (f" and {rest:,} more" if rest > 0 else "")
