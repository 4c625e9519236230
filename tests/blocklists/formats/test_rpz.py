"""Response policy zones: triggers, actions, and the reading of zone files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.entries import (
    ADDRESS,
    NOT_A_LINE,
    NOT_A_NAME,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
)
from blocklists.formats import rpz
from tests.blocklists.formats.answers import answers, items

SOA = "@ IN SOA localhost. root.localhost. ( 1 3600 600 2592000 3600 )"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("bet365.com CNAME .", "=bet365.com"),
        ("*.bet365.com CNAME .", "*.bet365.com"),
        ("Bet365.COM\t300 IN\tcname *.", "=bet365.com"),
        ("bet365.com IN 5m CNAME rpz-drop.", "=bet365.com"),
        ("bet365.com CNAME walled.example.net. ; sorry", "=bet365.com"),
        ("bet365.com A 127.0.0.1", "=bet365.com"),
        ("bet365.com AAAA ::1", "=bet365.com"),
        ('bet365.com TXT "closed; (really)"', "=bet365.com"),
        ("bet365.com. CNAME .", "=bet365.com"),  # the zone's name is not known: taken at its word
        ("sportfogadás.com CNAME .", "=xn--sportfogads-t7a.com"),
        ("com CNAME .", "=com"),  # the guard's business
        ("www.bet365.com CNAME rpz-passthru.", "@@=www.bet365.com"),
        ("*.ok.com CNAME RPZ-PASSTHRU.", "@@*.ok.com"),
        ("ok.com CNAME ok.com.", "@@=ok.com"),  # the way before rpz-passthru
        ("*.ok.com CNAME *.ok.com.", "@@*.ok.com"),
    ],
)
def test_triggers_and_actions(line: str, shown: str) -> None:
    assert answers("rpz", line) == [shown]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bet365.com CNAME rpz-tcp-only.", OTHER_ACTION),
        ("bet365.com MX 10 mail.example.", OTHER_ACTION),
        ("ns.example.com.rpz-nsdname CNAME .", OTHER_ACTION),
        ("24.0.2.0.192.rpz-ip CNAME .", ADDRESS),
        ("32.1.2.0.192.rpz-client-ip CNAME .", ADDRESS),
        ("32.1.2.0.192.rpz-nsip CNAME rpz-drop.", ADDRESS),
        ("159.153.253.16 CNAME .", ADDRESS),
        ("* CNAME .", PATTERN),
        ("a.*.com CNAME .", PATTERN),
        ("@ TXT version", OTHER_ACTION),
        ("a..b CNAME .", NOT_A_NAME),
        ("bad\ufffd.com CNAME .", NOT_A_NAME),
        ("nul\x00.com CNAME .", NOT_A_NAME),
        ("a" * 64 + ".com CNAME .", NOT_A_NAME),
        ("a." * 126 + "com CNAME .", NOT_A_NAME),
        ("bet365.com", NOT_A_LINE),
        ("bet365.com CNAME", NOT_A_LINE),
        ("  CNAME .", NOT_A_LINE),  # no owner before
        ("$INCLUDE other.zone", OTHER_ACTION),
        ("$GENERATE 1-9 ads$ CNAME .", PATTERN),
        ("$ORIGIN a..b.", NOT_A_NAME),
        ("$OTHER x", NOT_A_LINE),
        ("<html>", NOT_A_LINE),
    ],
)
def test_reasons(line: str, reason: str) -> None:
    assert answers("rpz", line) == [reason]


def test_longest_name_is_read() -> None:
    name = "a." * 125 + "com"
    assert answers("rpz", f"{name} CNAME .") == [f"={name}"]


def test_what_belongs_to_the_zone_is_no_trigger() -> None:
    lines = ["$TTL 5", SOA, "@ IN NS LOCALHOST.", "  NS ns2.example.", "LOCALHOST. IN A 127.0.0.1"]
    assert answers("rpz", *lines, "; comment", "", "a.com CNAME .") == ["=a.com"]


def test_names_relative_to_the_zone_or_ending_with_it() -> None:
    lines = [
        "$ORIGIN rpz.example.org.",
        SOA,
        "a.com CNAME .",
        "*.b.com.rpz.example.org. CNAME .",
        "c.com. CNAME .",  # outside the zone: a server would leave it out
        "32.1.2.0.192.rpz-ip.rpz.example.org. CNAME .",
        "rpz.example.org. TXT data",
        "ok.com.rpz.example.org. CNAME ok.com.",
    ]
    assert answers("rpz", *lines) == [
        *("=a.com", "*.b.com", NOT_A_LINE, ADDRESS, OTHER_ACTION, "@@=ok.com"),
    ]


def test_the_soa_names_the_zone_in_a_dump_with_many_origins() -> None:
    lines = [
        "$ORIGIN .",
        "rpz.example.org 300 IN SOA ns.example.org. root.example.org. 1 2 3 4 5",
        "$ORIGIN rpz.example.org.",
        "a.com CNAME .",
        "$ORIGIN com.rpz.example.org.",
        "bet365 CNAME .",
        "*.bet365 CNAME .",
        "$ORIGIN uk",
        "x.co CNAME .",
    ]
    assert answers("rpz", *lines) == [
        *("=a.com", "=bet365.com", "*.bet365.com", "=x.co.uk.com"),
    ]


def test_an_owner_left_out_is_that_of_the_record_before() -> None:
    lines = ["a.com CNAME .", "b.com A 127.0.0.1", "  AAAA ::1", "*.c.com CNAME .", "\tTXT x"]
    assert answers("rpz", *lines) == ["=a.com", "=b.com", "=b.com", "*.c.com", "*.c.com"]


def test_records_in_parentheses_count_from_their_first_line() -> None:
    lines = ["@ SOA a. b. (", " 1 ; serial", "", " 3600", ")", "a.com CNAME (", "  . )", "b.com x"]
    assert items("rpz", "\n".join(lines).encode()) == [
        Entry(6, "a.com", "exact"),
        Reject(8, "b.com x", NOT_A_LINE),
    ]


def test_a_parenthesis_never_closed_costs_a_few_lines_and_tells_each() -> None:
    many = ["@ SOA a. b. ("] + [f"n{number}.com CNAME ." for number in range(100)]
    found = items("rpz", "\n".join(many).encode())
    assert [item.line for item in found] == list(range(1, 102))
    rejected = [item for item in found if isinstance(item, Reject)]
    assert len(rejected) == rpz.CONTINUED_LINES_MAX + 1
    assert {item.reason for item in rejected} == {NOT_A_LINE}
    assert items("rpz", b"x ( y\nz") == [
        Reject(1, "x ( y", NOT_A_LINE),
        Reject(2, "z", NOT_A_LINE),
    ]


def test_origins_cannot_grow_without_end() -> None:
    found = answers("rpz", *["$ORIGIN example"] * 100, "x CNAME .")
    assert found.count(NOT_A_NAME) == 100 - 253 // len("example.")
    assert len(found) == found.count(NOT_A_NAME) + 1


def test_recognises() -> None:
    lines = [
        "$TTL 5",
        "@ SOA a. b. (",
        " 1 2 3 4 5 )",
        "; x",
        "a.com CNAME .",
        "*.b.com 5 IN A ::1",
    ]
    assert rpz.recognise(lines) == 1
    assert rpz.recognise(["a.com", "0.0.0.0 b.com", "||c.com^"]) == 0
    assert rpz.recognise(["; only"]) == 0


@given(lines=st.lists(st.text('a.*()";$ \\\t1\x00CNAMEORIGI@') | st.text(max_size=30), max_size=5))
def test_no_content_raises(lines: list[str]) -> None:
    lines += [f"{line} CNAME ." for line in lines] + [f"$ORIGIN {line}" for line in lines[:1]]
    assert 0 <= rpz.recognise(lines) <= 1
    assert all(isinstance(item, Entry | Reject) for item in rpz.read(lines))


def test_hostile_lines_take_no_time() -> None:
    lines = ["x " + "1" * 4000 + "!", '"' * 4000, "\\" * 4000, "(" * 4000, ")" * 4000]
    assert all(isinstance(item, Reject) for item in rpz.read(lines))
