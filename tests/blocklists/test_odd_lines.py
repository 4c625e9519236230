"""Odd lines, those of real lists and those that have not occurred yet, through format and guard.

The right answers are those of the survey of real lists (9.19 million lines of 262 files): first its
table of cases, then its examples by kind, which lie beside the repository, then what it never saw.
"""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import Final

import pytest

from blocklists import formats
from blocklists.entries import (
    ADDRESS,
    FAULTS,
    NOT_A_NAME,
    NOT_FOR_DNS,
    PATTERN,
    PRIVATE_SUFFIX,
    PUBLIC_SUFFIX,
    SINGLE_LABEL,
    TOO_LONG,
    Entry,
    Reject,
)
from blocklists.formats import LINE_CHARACTERS_MAX
from blocklists.suffixes import SuffixGuard
from tests.blocklists.formats.answers import items, text_formats

GUARD: Final = SuffixGuard()
BLOCK: Final = "block"
ALLOW: Final = "allow"

LINES: Final = {
    "plain": "{}",
    "hosts": "0.0.0.0 {}",
    "adblock": "||{}^",
    "dnsmasq": "server=/{}/",
    "unbound": 'local-zone: "{}" always_null',
    "rpz": "{} CNAME .",
    "wildcards": "*.{}",
    "v2fly": "domain:{}",
    "csv": "{},gambling",
}
"""How each format writes that a name is blocked."""


def answer(item: Entry | Reject) -> str:
    """What becomes of it in the end."""
    if isinstance(item, Reject):
        return item.reason
    return GUARD.fault(item.name, item.scope) or (ALLOW if item.allow else BLOCK)


def answers_of(word: str, line: str) -> list[str]:
    """What becomes of one line."""
    return [answer(item) for item in items(word, line.encode())]


# -- The table of the survey, line by line.


@pytest.mark.parametrize(
    ("word", "line", "right"),
    [
        ("plain", "com", [SINGLE_LABEL]),
        ("plain", "net", [SINGLE_LABEL]),
        ("plain", "tax", [SINGLE_LABEL]),
        ("plain", "gob.mx", [PUBLIC_SUFFIX]),
        ("plain", "bologna.it", [PUBLIC_SUFFIX]),
        ("plain", "edu.pl", [PUBLIC_SUFFIX]),
        ("plain", "bet.br", [PUBLIC_SUFFIX]),
        ("plain", "ac.uk", [PUBLIC_SUFFIX]),
        ("plain", "blogspot.com", [PRIVATE_SUFFIX]),
        ("plain", "=blogspot.com", [BLOCK]),
        ("plain", "azureedge.net", [PRIVATE_SUFFIX]),
        ("hosts", "0.0.0.0 xxxhindi.to en", [BLOCK, SINGLE_LABEL]),
        ("hosts", "127.0.0.7 p19-sign.tiktokcdn-us.com", [BLOCK]),
        ("hosts", "0.0.0.0 snapchat-com", [SINGLE_LABEL]),
        ("hosts", "0.0.0.0 collectionofbestporn", [SINGLE_LABEL]),
        ("plain", "desixxxsex", [SINGLE_LABEL]),
        ("adblock", "||click.aliexpress.com^$image,script", [NOT_FOR_DNS]),
        ("adblock", "@@||blog.logrocket.com^|", [ALLOW]),
        ("adblock", "@@||ac.uk^", [PUBLIC_SUFFIX]),  # an exception that wide opens too much
        ("plain", "sportfogadás.com", [BLOCK]),
        ("dnsmasq", "server=/sportfogadás.com/", [BLOCK]),
        ("adblock", "||casinobitco.in # sportsbook^", [NOT_A_NAME]),
        ("hosts", "0.0.0.0 casinobitco.in # sportsbook", [BLOCK]),
        ("plain", "casinobitco.in # sportsbook", [BLOCK]),
        ("hosts", "0.0.0.0 s213490.florenfile.com:183", [BLOCK]),
        ("hosts", "0.0.0.0 www.guruofporn.com.", [BLOCK]),
        ("plain", "1jeune1solution.gouv.fr1jeune1solution.gouv.fr", [BLOCK]),
        ("plain", "=" * 101, [NOT_A_NAME]),
        ("v2fly", r"regexp:(^|\.)18j[efg]\.life$", [PATTERN]),
        ("dnsmasq", "0/", ["not a line of this format"]),
    ],
)
def test_the_table(word: str, line: str, right: list[str]) -> None:
    assert answers_of(word, line) == right


@pytest.mark.parametrize(
    ("word", "line", "entry"),
    [
        ("adblock", "@@||blog.logrocket.com^|", Entry(1, "blog.logrocket.com", "exact", True)),
        ("dnsmasq", "server=/sportfogadás.com/", Entry(1, "xn--sportfogads-t7a.com")),
        ("hosts", "0.0.0.0 s213490.florenfile.com:183", Entry(1, "s213490.florenfile.com")),
        ("hosts", "0.0.0.0 www.guruofporn.com.", Entry(1, "www.guruofporn.com")),
    ],
)
def test_what_the_table_says_of_the_name(word: str, line: str, entry: Entry) -> None:
    assert items(word, line.encode()) == [entry]


def test_valid_junk_is_told_by_its_unknown_ending() -> None:
    assert GUARD.unknown_tld("x.fr1jeune1solution")
    assert not GUARD.unknown_tld("1jeune1solution.gouv.fr")


# -- The examples by kind.

ANSWERS: Final = {
    "adblock_cosmetic": {NOT_FOR_DNS},
    "adblock_exception": {ALLOW, NOT_FOR_DNS},
    "adblock_non_host_pattern": {PATTERN, NOT_FOR_DNS},
    "adblock_options": {NOT_FOR_DNS},
    "adblock_regex": {PATTERN},
    "adblock_restrictive_option_not_dns": {NOT_FOR_DNS},
    "bad_label_chars_or_hyphen": {BLOCK, NOT_A_NAME},  # DNS carries ``w-w-i-s-.com``
    "deep_gt6_labels": {BLOCK},
    "duplicate": {BLOCK},  # sheets fold them
    "hosts_multi": {BLOCK, SINGLE_LABEL},
    "idn_unicode": {BLOCK, SINGLE_LABEL},
    "inline_comment": {BLOCK, SINGLE_LABEL},
    "ipv4_literal": {ADDRESS},
    "leading_dot": {BLOCK, SINGLE_LABEL},
    "leading_ws": set(),  # comments, all of them
    "localhost_entry": set(),
    "odd_char": {NOT_A_NAME},
    "overlong_label": {NOT_A_NAME},
    "port": {BLOCK},
    "public_suffix_icann": {PUBLIC_SUFFIX, SINGLE_LABEL},
    "public_suffix_private": {PRIVATE_SUFFIX},
    "punycode": {BLOCK},
    "rejected": {SINGLE_LABEL, NOT_A_NAME},
    "rpz_wildcard": {BLOCK},
    "single_label_or_tld": {SINGLE_LABEL},
    "trailing_dot": {BLOCK},
    "trailing_ws": {BLOCK},
    "underscore": {BLOCK},
    "unknown_tld": {BLOCK},
    "uppercase": {BLOCK},
    "v2fly_regexp": {PATTERN},
    "wildcard_prefix": {BLOCK},
}
"""What may become of the lines of each kind; nothing else, and of every line but comments
something."""

WHOLE_LINES: Final = {"hosts_multi", "leading_ws", "rpz_wildcard", "trailing_ws", "v2fly_regexp"}
"""Kinds whose examples are whole lines, as all of ``adblock_`` are; others are the name alone."""

BARE_NAMES: Final = {
    *("deep_gt6_labels", "duplicate", "punycode", "trailing_dot", "underscore", "unknown_tld"),
    "uppercase",
}
OTHERWISE: Final = {
    ("rejected", "static-.xvideos-cdn.com"): {BLOCK},  # no host name, but a name DNS carries
    ("rejected", "localhost"): set(),  # the zone's own
    ("uppercase", "LOCALHOST"): set(),
}


def test_examples_of_real_lists(shared: Path) -> None:
    rows = (shared / "lists" / "odd_lines.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wrong = []
    for row in rows:
        kind, _, _, word, text = row.split("\t", 4)
        found = [item for line in written(kind, word, text) for item in items(word, line.encode())]
        right = OTHERWISE.get((kind, text), ANSWERS[kind])
        is_silent = not found and (not right or text.lstrip("'\"\\t ").startswith("#"))
        if not is_silent and not (found and right.issuperset(map(answer, found))):
            wrong.append((kind, word, text, [answer(item) for item in found]))
        names = {item.name for item in found if isinstance(item, Entry)}
        if kind in BARE_NAMES and right and names != {text.lower().rstrip(".")}:
            wrong.append((kind, word, text, sorted(names)))
        if kind == "unknown_tld" and not all(map(GUARD.unknown_tld, names)):
            wrong.append((kind, word, text, ["not told"]))
    assert not wrong
    assert len(rows) > 500


def written(kind: str, word: str, text: str) -> list[str]:
    """An example as a line of its list; the survey quotes those that end in white space."""
    if text[0] in "'\"":
        text = ast.literal_eval(text)
    if kind in WHOLE_LINES or kind.startswith("adblock_"):
        return [text]
    return [LINES[word].format(text)]


# -- What never occurred.


@pytest.fixture(params=list(LINES))
def word(request: pytest.FixtureRequest) -> str:
    """Each format that reads lines."""
    return str(request.param)


def test_every_format_of_lines_is_tried() -> None:
    assert set(LINES) == set(text_formats())


def file_of(word: str, *names: str) -> bytes:
    """A list with four sound lines before these names and one after them."""
    sound = [f"good{number}.example.com" for number in range(5)]
    lines = [LINES[word].format(name) for name in (*sound[:4], *names, sound[4])]
    return ("\n".join(lines) + "\n").encode()


def check(word: str, octets: bytes, *odd: tuple[int, str]) -> None:
    """The sound lines are read, and of the lines from 5 on comes this: number and answer."""
    found = items(word, octets)
    assert [(item.line, answer(item)) for item in found[4:-1]] == list(odd)
    last = found[-1]
    assert isinstance(last, Entry)
    assert last.name == "good4.example.com"
    assert last.line == octets.replace(b"\r\n", b"\n").rstrip(b"\n").count(b"\n") + 1
    assert [item.line for item in found[:4]] == [1, 2, 3, 4]


def test_byte_order_mark(word: str) -> None:
    check(word, b"\xef\xbb\xbf" + file_of(word))


def test_byte_order_mark_in_the_middle_where_two_lists_were_joined(word: str) -> None:
    first, second = file_of(word).split(b"\n", 1)
    check(word, first + b"\n\xef\xbb\xbf" + second)


def test_crlf(word: str) -> None:
    check(word, file_of(word, "odd.example.com").replace(b"\n", b"\r\n"), (5, BLOCK))


def test_no_newline_at_the_end(word: str) -> None:
    check(word, file_of(word).rstrip(b"\n"))


@pytest.mark.parametrize(
    "name",
    [
        "nul\x00.example.com",
        "\x00",
        "line\u2028separator.example.com",
        "bell\x07.example.com",
        "right-to-left\u202e.example.com",
        "a" * 64 + ".example.com",
        "a." * 122 + "example.com",
        "a..example.com",
    ],
)
def test_no_name(word: str, name: str) -> None:
    """Each is told with its line, as a fault; none is taken for a name, or breaks the next line."""
    found = items(word, file_of(word, name))
    odd = found[4:-1]
    assert odd
    assert {item.line for item in odd} == {5}
    assert all(isinstance(item, Reject) and item.reason in FAULTS for item in odd)
    assert found[-1][:2] == (6, "good4.example.com")


def test_longest_name_is_taken(word: str) -> None:
    name = "a." * 120 + "b.example.com"
    assert len(name) == 253
    check(word, file_of(word, name), (5, BLOCK))


@pytest.mark.parametrize("octets", [b"caf\xe9", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80"])
def test_not_utf_8(word: str, octets: bytes) -> None:
    found = items(word, file_of(word, "ODD.example.com").replace(b"ODD", octets))
    odd = found[4:-1]
    assert {item.line for item in odd} == {5}
    assert all(isinstance(item, Reject) and item.reason in FAULTS for item in odd)


@pytest.mark.parametrize("size", [LINE_CHARACTERS_MAX + 1, 1_000_000])
def test_overlong_line(word: str, size: int) -> None:
    found = items(word, file_of(word, "a" * size))
    odd = [item for item in found if item.line == 5]
    assert [answer(item) for item in odd] == [TOO_LONG]
    assert all(isinstance(item, Reject) and len(item.text) < 200 for item in odd)
    assert [item.line for item in found if isinstance(item, Entry)] == [1, 2, 3, 4, 6]


def test_octets_that_are_no_text(word: str) -> None:
    octets = bytes(range(256)) * 64
    found = list(formats.read(io.BytesIO(octets), word))
    assert not any(isinstance(item, Entry) for item in found)
