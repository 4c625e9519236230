"""Writes the parts of docs/lists.md that the code knows best.

These are the keys of `lists.toml`, the gates, the catalogue, and for each format what it really
answers to lines that occur in real lists. The file is prose, written by hand, in which each such
part stands between two marks; `make docs` fills them, and a test fails when one lags.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from blocklists import formats, gates, sources
from blocklists.entries import QUARANTINE, Entry, Reject
from blocklists.sources import Catalogue, Publisher, Source
from blocklists.suffixes import SuffixGuard

DOCUMENT: Final = Path("lists.md")
_PART: Final = re.compile(r"(<!-- written: (\w+) -->\n).*?(<!-- end -->\n)", re.S)


def write(docs: Path) -> None:
    """Fill the parts of lists.md in this folder. Raises OSError without the file, `KeyError` for a
    mark with a word that stands for nothing here.
    """
    path = docs / DOCUMENT
    path.write_text(fill(path.read_text(encoding="utf-8"), sources.load()), encoding="utf-8")


def fill(text: str, catalogue: Catalogue) -> str:
    """The text with every part written anew."""
    return _PART.sub(
        lambda part: part[1] + "\n".join(PARTS[part[2]](catalogue)).strip("\n") + "\n" + part[3],
        text,
    )


def _keys(_: Catalogue) -> Iterator[str]:
    yield "| key | may be | meaning |"
    yield "|---|---|---|"
    for key, rule in sources.SOURCE_KEYS.items():
        yield _row(f"`{key}`", rule.allowed, _KEYS[key])


def _gates(_: Catalogue) -> Iterator[str]:
    yield "| gate | stops | for example |"
    yield "|---|---|---|"
    for word in gates.GATES:
        yield _row(f"`{word}`", *_GATES[word])


def _lists(catalogue: Catalogue) -> Iterator[str]:
    yield from _overview(catalogue)
    for word in catalogue.publishers:
        yield from ("", *_publisher(word, catalogue))


def _formats(_: Catalogue) -> Iterator[str]:
    for word in formats.names():
        yield from _format(word)


PARTS: Final[Mapping[str, Callable[[Catalogue], Iterator[str]]]] = {
    "keys": _keys,
    "gates": _gates,
    "catalogue": _lists,
    "formats": _formats,
}
"""The word of a mark -> what writes the lines below it."""


def answers(word: str, lines: Iterable[str]) -> list[str]:
    """What a format and the quarantine make of each of these lines, in words."""
    guard = SuffixGuard()
    text = "\n".join(lines)
    found: dict[int, list[str]] = {}
    for item in formats.read(io.BytesIO(text.encode()), word):
        found.setdefault(item.line, []).append(_outcome(item, guard))
    count = text.count("\n") + 1
    return ["; ".join(found.get(number, ["nothing"])) for number in range(1, count + 1)]


def _outcome(item: Entry | Reject, guard: SuffixGuard) -> str:
    if isinstance(item, Reject):
        return f"no entry ({item.reason})"
    reason = guard.fault(item.name, item.scope)
    if reason is not None:
        place = "quarantine" if reason in QUARANTINE else "no entry"
        return f"{place} (`{item.name}`: {reason})"
    covers = {
        "domain": f"`{item.name}` and all below it",
        "exact": f"`{item.name}` alone",
        "below": f"what is below `{item.name}`",
    }[item.scope]
    label = f", category word `{item.label}`" if item.label else ""
    return f"exception: {covers}{label}" if item.allow else f"{covers}{label}"


def _overview(catalogue: Catalogue) -> Iterator[str]:
    yield "| list | category | trust | names | asked every | licence |"
    yield "|---|---|---|---:|---|---|"
    for source in catalogue.values():
        names = f"{source.typical_entries:,}" if source.typical_entries else ""
        cells = (f"`{source.id}`", _categories(source), source.trust, names, _interval(source))
        yield _row(*cells, source.licence)


def _publisher(word: str, catalogue: Catalogue) -> Iterator[str]:
    publisher = catalogue.publishers[word]
    yield f"### {publisher.title}"
    yield ""
    for title, text in _terms(publisher):
        yield f"* {title}: {text}"
    yield ""
    yield "| list | where | good for | bad for | left out here |"
    yield "|---|---|---|---|---|"
    for source in catalogue.values():
        if source.id.partition(":")[0] == word:
            where = (
                f"<{source.url}>{'' if source.url_checked else ' †'}" if source.url else "you say"
            )
            yield _row(
                f"`{source.id}`: {source.title}",
                where,
                source.good if source.good != publisher.good else "",
                source.bad if source.bad != publisher.bad else "",
                ", ".join(source.drop),
            )
    yield ""


def _terms(publisher: Publisher) -> Iterator[tuple[str, str]]:
    yield "home", f"<{publisher.homepage}>"
    yield "licence", publisher.licence
    for title, text in (
        ("attribution", publisher.attribution),
        ("passing it on", publisher.redistribution),
        ("new versions", publisher.cadence),
        ("good for", publisher.good),
        ("bad for", publisher.bad),
        ("left out", publisher.left_out),
    ):
        if text:
            yield title, text


def _format(word: str) -> Iterator[str]:
    """The module's own words, then what it answers."""
    module = formats.find(word)
    yield f"### `{word}`"
    yield ""
    yield re.sub(r"``([^`]+)``", r"`\1`", inspect.getdoc(module) or "")
    yield ""
    if lines := _ODD_LINES.get(word):
        yield "| line | becomes |"
        yield "|---|---|"
        for line, answer in zip(lines, answers(word, lines), strict=True):
            yield _row(f"`{line}`", answer)
        yield ""


def _categories(source: Source) -> str:
    return ", ".join(f"`{category}`" for category in dict.fromkeys(source.categories.values()))


def _interval(source: Source) -> str:
    hours = source.refresh_hours
    return f"{hours:g} h" if hours < 48 else f"{hours / 24:g} days"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


_KEYS: Final[Mapping[str, str]] = {
    "title": "For people.",
    "publisher": "Who makes it.",
    "homepage": "Where to read about it.",
    "url": "Where to fetch it.",
    "file": "Or where it lies, for lists that somebody puts there.",
    "format": "A word of [the formats](#formats); found by content when it is left out.",
    "category": "The category of every entry.",
    "categories": "Or: the list's own word = our category. Other words are counted, not used.",
    "licence": "Shown wherever the list is named.",
    "attribution": "As the licence asks for it; shown in the portal and in exports.",
    "redistribution": "May an export leave the house?",
    "refresh_hours": "How often to ask for a new version.",
    "trust": "`block`: it filters. `suggest`: its names are only shown to a person who decides.",
    "good": "What it is good for.",
    "bad": "What it is bad for.",
    "typical_entries": "How many names to expect the first time.",
    "shrink_max": "How much smaller than the last good version a new one may be.",
    "growth_max": "How much larger.",
    "reject_max": "How many of its lines may be broken.",
    "overlap_max": "How much of it other lists may have under a category that is not related.",
    "expect": "Essentials that it names by definition; they stay open.",
    "drop": "Entries that are wrong: left out, and counted.",
    "credential": "File with `Header: value` lines or `user:password`; for Lychgate alone.",
    "allow_http": "Fetch without encryption: anybody on the way can change the list.",
    "url_checked": "Was the address seen in the publisher's own material? For the catalogue.",
}

_GATES: Final[Mapping[str, tuple[str, str]]] = {
    gates.PARSES: (
        "a list in which no name can be read",
        "four lists of 1.3 million lines became the one line `0/`",
    ),
    gates.HTML: (
        "a web page in the list's place",
        "an error page or a sign-in page with status 200",
    ),
    gates.REJECTS: ("too many broken lines", "a format that changed without a word"),
    gates.SHRINK: ("a list much smaller than before", "gambling had 10 entries on one day of 2026"),
    gates.GROWTH: ("a list much larger than before", "428 job sites became 60,740"),
    gates.TLD: (
        "a bare `com`, `net`, `tax`",
        "one list would close 59,547 of the 100,000 best-known sites",
    ),
    gates.PROTECTED: (
        "an essential, or a name no sound list has (`blocklists/canaries.txt`)",
        "the Revenge Porn Helpline as adult, FRANK as drugs, NASA as piracy",
    ),
    gates.OVERLAP: (
        "a list that suddenly holds another's names",
        "half of the new job sites stood on the same publisher's phishing list",
    ),
    gates.ROLLED_BACK: (
        "the very version that a person went back from",
        "a list that its publisher has not mended yet",
    ),
}

_ODD_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "plain": (
        "bet365.com",
        "*.bet365.com",
        "=bet365.com",
        "www.guruofporn.com.",
        "sportfogadás.com",
        "s213490.florenfile.com:183",
        "casinobitco.in # sportsbook",
        "159.153.253.16",
        "=====================",
        "com",
        "collectionofbestporn",
        "gob.mx",
        "blogspot.com",
        "bet365.*",
        "1jeune1solution.gouv.fr1jeune1solution.gouv.fr",
    ),
    "hosts": (
        "0.0.0.0 bet365.com",
        "127.0.0.7 p19-sign.tiktokcdn-us.com",
        "0.0.0.0 xxxhindi.to en",
        "0.0.0.0 snapchat-com",
        "127.0.0.1 localhost",
        "192.0.2.7 bet365.com",
    ),
    "wildcards": ("*.bet365.com", "bet365.com"),
    "adblock": (
        "||bet365.com^",
        "||*.bet365.com^",
        "|bet365.com^",
        "||click.aliexpress.com^$image,script",
        "@@||blog.logrocket.com^|",
        "||casinobitco.in # sportsbook^",
        "/banner[0-9]+/",
        "bet365.com##.offer",
    ),
    "dnsmasq": (
        "address=/bet365.com/0.0.0.0",
        "server=/sportfogadás.com/",
        "server=/bet365.com/192.0.2.1",
        "cache-size=1000",
    ),
    "unbound": (
        'local-zone: "bet365.com" always_nxdomain',
        'local-zone: "bet365.com" transparent',
        'local-data: "bet365.com A 0.0.0.0"',
        'local-data: "bet365.com A 192.0.2.7"',
    ),
    "rpz": (
        "bet365.com CNAME .",
        "*.bet365.com CNAME .",
        "bet365.com CNAME rpz-passthru.",
        "32.7.2.0.192.rpz-ip CNAME .",
    ),
    "v2fly": (
        "domain:bet365.com",
        "full:bet365.com",
        "bet365.com @ads",
        "keyword:casino",
        r"regexp:(^|\.)18j[efg]\.life$",
        "include:category-porn",
    ),
    "csv": (
        "domain,category",
        "bet365.com,Gambling",
        "https://bet365.com/,Gambling",
        "https://example.com/bet/,Gambling",
    ),
}
