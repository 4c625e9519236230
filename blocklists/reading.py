"""One list file, read whole: sheets of what may be used, and a report of everything else.

Nothing is judged here. A list of HTML, of nothing, or of half the web gives a `Reading` that says
so, and the gates decide. Only what keeps a file from being read at all (no such format, damaged
compression) raises `ReadFault`; trouble of the machine, such as a full disk, is an OSError and says
nothing about the list.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from blocklists import formats
from blocklists.entries import NO_CATEGORY, SINGLE_LABEL, Entry, Reject
from blocklists.protection import HITS_MAX, Hit, Protected
from blocklists.sheets import (
    ALLOWS_ENDING,
    ENTRIES_ENDING,
    RUN_MAX,
    SheetBuilder,
    key_of,
    rule_of,
)
from blocklists.suffixes import SuffixGuard
from blocklists.unpacking import UnpackFault, opened

if TYPE_CHECKING:
    from blocklists.sources import Source

ENTRIES_MAX: Final = 20_000_000  # of one list: four times the largest seen
EXAMPLES_MAX: Final = 3
EXAMPLE_CHARACTERS_MAX: Final = 120
TLDS_MAX: Final = 20
LABELS_MAX: Final = 1000  # different words for categories; UT1 has 70
OTHER_LABELS: Final = "(others)"

_HTML_OCTETS: Final = 1024
_CHUNK_OCTETS: Final = 1 << 20
_DAY_SECONDS: Final = 86_400


class ReadFault(Exception):
    """The file cannot be read as a list; `faults` has every reason, each *where: what was given;
    what is allowed*.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Rejection:
    """Lines rejected for one reason; `examples` are the first of them as (line number, text)."""

    reason: str
    count: int
    examples: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in one version of one source.

    | field        | meaning                                                                     |
    |--------------|-----------------------------------------------------------------------------|
    | `octets`     | of the raw file; `sha256` is its checksum, in hexadecimal                   |
    | `lines`      | of the unpacked content                                                     |
    | `entries`    | our category -> entries in its sheet; `allows`: the same for exceptions     |
    | `rejections` | lines left out, by reason, the most frequent first                          |
    | `labels`     | the list's words for categories that are given none of ours -> lines        |
    | `dropped`    | corrections of the catalogue that were needed, sorted                       |
    | `tlds`       | bare top-level domains, the first `TLDS_MAX`: an alarm                      |
    | `protected`  | entries that would take a protected name, the first `HITS_MAX`              |
    | `html`       | it begins like a page, not a list                                           |
    """

    source: str
    format: str
    octets: int
    sha256: str
    lines: int
    entries: Mapping[str, int]
    allows: Mapping[str, int]
    rejections: tuple[Rejection, ...]
    labels: Mapping[str, int]
    dropped: tuple[str, ...]
    tlds: tuple[str, ...]
    protected: tuple[Hit, ...]
    html: bool

    @property
    def entries_total(self) -> int:
        """Entries over all categories, exceptions not counted."""
        return sum(self.entries.values())

    def rejected(self, reasons: Iterable[str]) -> int:
        """Lines rejected for any of these reasons."""
        chosen = frozenset(reasons)
        return sum(item.count for item in self.rejections if item.reason in chosen)

    def to_json(self) -> dict[str, Any]:
        """A document that `json.dumps` takes and `from_json` reads."""
        return asdict(self)

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Reading:
        """Raises ValueError if `to_json` did not write it."""
        return msgspec.convert(document, Reading)


def read_list(
    raw: Path,
    source: Source,
    out: Path,
    *,
    at: float,
    previous: Path | None,
    protected: Protected,
    octets_max: int,
) -> Reading:
    """Read the file `raw` of `source`, and write a sheet for each of its categories into `out`.

    `previous` is the folder of the version in use: entries in its sheets keep their first day.
    `octets_max` bounds the unpacked content. `at` is POSIX seconds. Raises `ReadFault`, and OSError
    for the machine; then what is in `out` is of no use.
    """
    try:
        octets, sha256 = _checksum(raw)
        with opened(raw, octets_max) as file:
            head, lines = _survey(file)
        word, html = source.format, _looks_like_html(head)
        try:
            word = word or formats.detect(head)
            with opened(raw, octets_max) as file, ExitStack() as stack:
                sorting = _Sorting(source, out, stack)
                sorting.take(formats.read(file, word), protected)
                counts = sorting.finish(int(at // _DAY_SECONDS), previous)
        except formats.FormatFault:
            if not html:
                raise
            with ExitStack() as stack:  # a page in place of a list: the gates say it better
                sorting = _Sorting(source, out, stack)
                counts = sorting.finish(int(at // _DAY_SECONDS), previous)
    except (UnpackFault, formats.FormatFault) as fault:
        raise ReadFault([f"{source.id}: {fault}"]) from None
    return Reading(
        source=source.id,
        format=word,
        octets=octets,
        sha256=sha256,
        lines=lines,
        entries=counts[ENTRIES_ENDING],
        allows=counts[ALLOWS_ENDING],
        rejections=sorting.rejections(),
        labels=dict(sorting.labels.most_common()),
        dropped=tuple(sorted(sorting.dropped)),
        tlds=tuple(sorting.tlds),
        protected=tuple(sorting.hits),
        html=html,
    )


class _Sorting:
    """Entries on their way into sheets, and what is learnt about the list meanwhile."""

    def __init__(self, source: Source, out: Path, stack: ExitStack) -> None:
        self._source = source
        self._out = out
        self._stack = stack
        self._builders: dict[tuple[str, str], SheetBuilder] = {}
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[int, str]]] = {}
        self.labels: Counter[str] = Counter()
        self.dropped: set[str] = set()
        self.tlds: dict[str, None] = {}
        self.hits: dict[Hit, None] = {}
        for category in source.categories.values():
            self._builder(category, ENTRIES_ENDING)

    def take(self, found: Iterable[Entry | Reject], protected: Protected) -> None:
        """Sort entries into sheets; hot, a few microseconds an entry."""
        guard = _guard()
        fault, covered, drop = guard.fault, protected.covered, frozenset(self._source.drop)
        adds: dict[str, Callable[[str, int], None]] = {}  # by label, to the sheet of entries
        total = pending = 0
        for item in found:
            if isinstance(item, Reject):
                self.reject(item.line, item.text, item.reason)
                continue
            line, name, scope, allow, label = item
            add = adds.get(label)
            if allow or add is None:
                category = self._category(label)
                if category is None:
                    self._skip(label)
                    continue
                add = self._builder(category, ALLOWS_ENDING if allow else ENTRIES_ENDING).add
                if not allow and len(adds) < LABELS_MAX:
                    adds[label] = add
            if name in drop:
                self.dropped.add(name)
                continue
            if reason := fault(name, scope):
                if reason == SINGLE_LABEL and guard.is_tld(name) and len(self.tlds) < TLDS_MAX:
                    self.tlds[name] = None
                self.reject(line, rule_of(key_of(name, scope)), reason)
                continue
            if not allow and (names := covered(name, scope)):
                self._hit(rule_of(key_of(name, scope)), names)
            add(key_of(name, scope), line)
            total += 1
            pending += 1
            if pending >= RUN_MAX:
                if total > ENTRIES_MAX:
                    raise ReadFault(
                        [f"{self._source.id}: more than {ENTRIES_MAX} entries; allowed are fewer"]
                    )
                pending = 0
                for builder in self._builders.values():
                    builder.spill()

    def finish(self, day: int, previous: Path | None) -> dict[str, dict[str, int]]:
        """Write the sheets; entries by ending and category."""
        counts: dict[str, dict[str, int]] = {ENTRIES_ENDING: {}, ALLOWS_ENDING: {}}
        for (category, ending), builder in self._builders.items():
            before = previous / f"{category}{ending}" if previous else None
            counts[ending][category] = builder.finish(day=day, previous=before)
        return counts

    def reject(self, line: int, text: str, reason: str) -> None:
        """Count a line; the first of each reason are kept."""
        self.counts[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append((line, text[:EXAMPLE_CHARACTERS_MAX]))

    def rejections(self) -> tuple[Rejection, ...]:
        """By reason, the most frequent first."""
        return tuple(
            Rejection(reason, count, tuple(self.examples.get(reason, ())))
            for reason, count in self.counts.most_common()
        )

    def _category(self, label: str) -> str | None:
        categories = self._source.categories
        return categories.get(label, categories.get(""))

    def _builder(self, category: str, ending: str) -> SheetBuilder:
        builder = self._builders.get((category, ending))
        if builder is None:
            builder = self._stack.enter_context(SheetBuilder(self._out / f"{category}{ending}"))
            self._builders[category, ending] = builder
        return builder

    def _skip(self, label: str) -> None:
        self.counts[NO_CATEGORY] += 1
        label = label[:EXAMPLE_CHARACTERS_MAX]
        known = label in self.labels or len(self.labels) < LABELS_MAX
        self.labels[label if known else OTHER_LABELS] += 1

    def _hit(self, rule: str, names: Iterable[str]) -> None:
        for name in names:
            if len(self.hits) < HITS_MAX:
                self.hits[Hit(rule, name)] = None


@cache
def _guard() -> SuffixGuard:
    return SuffixGuard()


def _checksum(raw: Path) -> tuple[int, str]:
    with raw.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def _survey(file: BinaryIO) -> tuple[bytes, int]:
    """The beginning, and the number of lines: read whole once, so that a bomb ends here."""
    head, lines, last = b"", 0, b"\n"
    for chunk in _chunks(file):
        if len(head) < formats.HEAD_OCTETS:
            head += chunk[: formats.HEAD_OCTETS - len(head)]
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return head, lines + (last != b"\n")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_OCTETS):
        yield chunk


def _looks_like_html(head: bytes) -> bool:
    text = head[:_HTML_OCTETS].lower()
    begins = text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!doctype html", b"<html", b"<head"))
    return begins or b"<html" in text or b"<body" in text
