"""The lists that filter here, written for other programs: RPZ zones, hosts files, plain domains.

An exception belongs to its source alone: a name is left out only when every source that lists it
excepts it. What a kind cannot say is left out and counted, and the head of the file says so; the
last line tells that the file is whole. Sheets are merged as they are read: memory does not grow
with them.

An RPZ answers as the index does. Its wildcards are those of DNS (RFC 4592): `*.example.com` does
not reach below a name that the zone holds. So a zone has no entry that changes no answer, and where
an exception makes a name exist, the names between it and the entry above are written out.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TextIO, cast

from blocklists.sheets import read_keys, rule_of
from categoriser import names, taxonomy

if TYPE_CHECKING:
    from pathlib import Path

    from blocklists.compiling import Part
    from blocklists.sources import Source

Kind = Literal["rpz", "hosts", "domains"]

PARTS_MAX: Final = 400  # two files of each are open at a time
ORIGIN: Final = "rpz.lychgate"
TTL_SECONDS: Final = 300
NAME_OCTETS_MAX: Final = 253  # of text without the final dot (RFC 1035: 255 with length octets)

ONLY_BELOW: Final = "rules for what is below a name and not the name itself"
WIDENED: Final = "rules for a name alone, written as if for all below it"
EXCEPTED_BELOW: Final = "exceptions below a name that is listed"
TOO_LONG: Final = "names too long for a zone of this origin"

_SHARE_ALIKE: Final = re.compile(r"\bSA\b|share-?alike|GPL", re.IGNORECASE)
_SOA_TIMES: Final = f"3600 600 864000 {TTL_SECONDS}"  # refresh, retry, expire, negative TTL

_SAYS: Final[Mapping[Kind, str]] = {
    "rpz": "A response policy zone. CNAME . blocks, CNAME rpz-passthru. opens again what an "
    "exception of every list concerned opens. Load it before or after zones of your own as these "
    "shall win or lose.",
    "hosts": "A hosts file. It names single names: whatever is below them and not named itself "
    "stays open. Rules for what is below a name are left out.",
    "domains": "Plain domains: each stands for the name and all below it. Rules for a name alone "
    "are written as if for all below, rules for only what is below are left out, and exceptions "
    "below a listed name cannot be said: they are closed here.",
}
_NOT_HERE: Final = (
    "Only category lists are here. Starter lists, essentials, rules and exceptions of people are "
    "not: a program that reads only this file blocks more of what learning needs."
)


class ExportFault(ValueError):
    """Nothing was written; `faults` has every reason, each *where: what was given; what is
    allowed*.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many names (records, in a zone) were written, and what could not be said, by reason."""

    written: int
    left_out: Mapping[str, int]


def export(
    parts: Sequence[Part],
    kind: str,
    out: TextIO,
    *,
    at: float,
    origin: str = ORIGIN,
    categories: Collection[str] = (),
    sources: Mapping[str, Source] | None = None,
) -> ExportReport:
    """Write what these parts block as one file.

    `categories`: only these; without any, all but the locked ones, whose lists are licensed and
    name what nobody should look up. `sources`: for their attributions. `at` is POSIX seconds: the
    zone's serial. `origin`: the zone's name. Raises `ExportFault` before the first octet is
    written; `blocklists.sheets.SheetFault` and OSError while it is.
    """
    word, zone = _checked(kind, origin)
    chosen = _chosen(parts, categories)
    comment = ";" if word == "rpz" else "#"
    for line in _head(chosen, word, at, sources or {}):
        out.write(f"{comment} {line}".rstrip() + "\n")
    if word == "rpz":
        out.write(f"$TTL {TTL_SECONDS}\n$ORIGIN {zone}.\n@ NS localhost.\n")
        out.write(f"@ SOA localhost. hostmaster.localhost. {int(at) % (1 << 32)} {_SOA_TIMES}\n")
    left_out: Counter[str] = Counter()
    written = 0
    for line in _KINDS[word](_decided(_nodes(chosen)), left_out, zone):
        written += 1
        out.write(line)
    remainder = "".join(f"; {count} {reason}" for reason, count in sorted(left_out.items()))
    out.write(f"{comment} end: {written} written{remainder}\n")
    return ExportReport(written, dict(left_out))


class _Node(NamedTuple):
    """All that the parts say about one name: sets of parts as bits, by scope."""

    base: str  # the key of the name as a domain
    domain: int
    exact: int
    below: int
    domain_allowed: int
    exact_allowed: int
    below_allowed: int


class _Decided(NamedTuple):
    """What becomes of a name and of what is below it; `above`: what would without this node."""

    base: str
    above: bool
    own: bool
    below: bool
    named: bool  # by a rule of its own, not only by one above it
    below_named: bool


def _nodes(parts: Sequence[Part]) -> Iterator[_Node]:
    """Every name that a part lists or excepts, each before those below it."""
    streams = []
    for number, part in enumerate(parts):
        streams.append(_items(part.entries, 1 << number, False))
        if part.allows is not None:
            streams.append(_items(part.allows, 1 << number, True))
    for base, group in groupby(heapq.merge(*streams), lambda item: item[0].rstrip("!*")):
        sets: dict[tuple[str, bool], int] = {}
        for key, bit, allowed in group:
            place = key[len(base) :], allowed
            sets[place] = sets.get(place, 0) | bit
        yield _Node(
            base, *(sets.get((mark, a), 0) for a in (False, True) for mark in ("", "!", "*"))
        )


def _items(path: Path, bit: int, allowed: bool) -> Iterator[tuple[str, int, bool]]:
    return ((key, bit, allowed) for key in read_keys(path))


def _decided(nodes: Iterable[_Node]) -> Iterator[_Decided]:
    """The answers at each node, from its own rules and those above it."""
    # For each name above this one: its base, who lists what is below it, who excepts that.
    stack: list[tuple[str, int, int]] = [("", 0, 0)]
    for node in nodes:
        while not node.base.startswith(stack[-1][0]):
            stack.pop()
        _, listing, allowing = stack[-1]
        own_allowing = allowing | node.domain_allowed | node.exact_allowed
        below_listing = listing | node.domain | node.below
        below_allowing = allowing | node.domain_allowed | node.below_allowed
        yield _Decided(
            node.base,
            above=bool(listing & ~allowing),
            own=bool((listing | node.domain | node.exact) & ~own_allowing),
            below=bool(below_listing & ~below_allowing),
            named=bool((node.domain | node.exact) & ~own_allowing),
            below_named=bool((node.domain | node.below) & ~below_allowing),
        )
        stack.append((node.base, below_listing, below_allowing))


def _write_rpz(found: Iterable[_Decided], left_out: Counter[str], zone: str) -> Iterator[str]:
    longest = NAME_OCTETS_MAX - len(zone) - 1
    existing = [""]  # names that exist in the zone, from its top to the last one written
    for node in found:
        if node.own == node.below == node.above:
            continue
        while not node.base.startswith(existing[-1]):
            existing.pop()
        written = [(node.base, node.own, node.below)]
        if node.above:
            written[:0] = [(base, True, True) for base in _between(existing[-1], node.base)]
        for base, own, below in written:
            existing.append(base)
            name = rule_of(base)
            for owner, blocked in ((name, own), (f"*.{name}", below)):
                if not blocked and not node.above:
                    continue
                if len(owner) > longest:
                    left_out[TOO_LONG] += 1
                else:
                    yield f"{owner} CNAME {'.' if blocked else 'rpz-passthru.'}\n"


def _between(above: str, base: str) -> Iterator[str]:
    """The names strictly between two, as bases, from the shorter to the longer."""
    end = base.index(".", len(above)) + 1
    while end < len(base):
        yield base[:end]
        end = base.index(".", end) + 1


def _write_hosts(found: Iterable[_Decided], left_out: Counter[str], zone: str) -> Iterator[str]:
    for node in found:
        if node.named:
            yield f"0.0.0.0 {rule_of(node.base)}\n"
        elif node.below_named:
            left_out[ONLY_BELOW] += 1


def _write_domains(found: Iterable[_Decided], left_out: Counter[str], zone: str) -> Iterator[str]:
    for node in found:
        if node.named:
            yield f"{rule_of(node.base)}\n"
            if not node.below_named:
                left_out[WIDENED] += 1
        elif node.below_named:
            left_out[ONLY_BELOW] += 1
        if node.above and not (node.own and node.below):
            left_out[EXCEPTED_BELOW] += 1


_Writer = Callable[[Iterable[_Decided], Counter[str], str], Iterator[str]]
_KINDS: Final[Mapping[Kind, _Writer]] = {
    "rpz": _write_rpz,
    "hosts": _write_hosts,
    "domains": _write_domains,
}


def _checked(kind: str, origin: str) -> tuple[Kind, str]:
    faults = []
    zone = ""
    if kind not in _KINDS:
        faults.append(f"export: kind {kind!r}; allowed are {', '.join(_KINDS)}")
    try:
        zone = names.normal(origin)
    except names.NameFault as fault:
        faults.append(f"export: origin {fault}")
    if zone == ".":
        faults.append("export: origin '.'; a zone of its own is needed, as rpz.example.org")
    if faults:
        raise ExportFault(faults)
    return cast("Kind", kind), zone


def _chosen(parts: Sequence[Part], categories: Collection[str]) -> list[Part]:
    known = taxonomy.load()
    there = sorted({part.category for part in parts})
    faults = [
        f"export: category {category!r}; lists are there for {', '.join(there) or 'none'}"
        for category in categories
        if category not in there
    ]
    locked = {category for category in there if category in known and known[category].locked}
    wanted = set(categories) or set(there) - locked
    chosen = [part for part in parts if part.category in wanted]
    if not chosen and not faults:
        faults = ["export: no list in these categories; enabled lists with a version are needed"]
    if len(chosen) > PARTS_MAX:
        faults = [f"export: {len(chosen)} lists; allowed are {PARTS_MAX}: choose categories"]
    if faults:
        raise ExportFault(faults)
    return chosen


def _head(
    parts: Sequence[Part], kind: Kind, at: float, sources: Mapping[str, Source]
) -> Iterator[str]:
    yield f"Category lists from Lychgate, {_date(at)}"
    yield _SAYS[kind]
    yield _NOT_HERE
    yield "Made from:"
    for part in parts:
        yield _line(
            f"- {part.source_id} ({part.title}), category {part.category}, "
            f"of {_date(part.fetched_at)}, licence: {part.licence or 'not stated'}"
        )
        if source := sources.get(part.source_id):
            for word, text in (
                ("attribution", source.attribution),
                ("from", source.homepage),
                ("passing on", source.redistribution),
            ):
                if text:
                    yield _line(f"  {word}: {text}")
    alike = sorted({part.licence for part in parts if _SHARE_ALIKE.search(part.licence)})
    if alike:
        yield _line(
            "Whoever passes this file on does so under the licences above. Share-alike, so that it "
            f"may only be passed on under the same licence: {', '.join(alike)}"
        )


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(text: str) -> str:
    """One line of comment, whatever a catalogue says: a line break would be an entry."""
    space = text[: len(text) - len(text.lstrip())]
    words = " ".join(text.split())
    return space + "".join(c if c.isprintable() else "\ufffd" for c in words)
