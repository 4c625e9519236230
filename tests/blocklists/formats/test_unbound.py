"""Unbound settings: zone types that block and that open, and data that is a sink."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.entries import (
    ADDRESS,
    NOT_A_LINE,
    NOT_A_NAME,
    NOT_A_SINK,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
)
from blocklists.formats import unbound
from tests.blocklists.formats.answers import answers, items


@pytest.mark.parametrize(
    "kind",
    "always_nxdomain always_nodata always_null always_refuse always_deny deny refuse static "
    "redirect inform_deny inform_redirect block_a".split(),
)
def test_zones_that_block(kind: str) -> None:
    assert answers("unbound", f'local-zone: "bet365.com." {kind}') == ["bet365.com"]


@pytest.mark.parametrize(
    "kind", ["transparent", "typetransparent", "always_transparent", "nodefault", "inform"]
)
def test_zones_that_open(kind: str) -> None:
    assert answers("unbound", f'local-zone: "www.bet365.com" {kind}') == ["@@www.bet365.com"]


@pytest.mark.parametrize(
    "line",
    [
        "local-zone: 'bet365.com' refuse",
        "local-zone: bet365.com. refuse",
        '\tlocal-zone:"BET365.com"   Refuse  # brand\r\n',
        'local-zone: "bet365.com" "refuse"',
        'local-data: "bet365.com A 0.0.0.0"',
        "local-data: 'bet365.com. 3600 IN AAAA ::1'",
        'local-data: "bet365.com 1h IN A 127.0.0.7"',
        "local-data: bet365.com A 0.0.0.0",
    ],
)
def test_ways_of_writing(line: str) -> None:
    assert answers("unbound", line) == ["bet365.com"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('local-zone: "bet365.com" noview', OTHER_ACTION),
        ('local-zone: "bet365.com"', NOT_A_LINE),
        ('local-zone: "bet365.com static', NOT_A_NAME),
        ('local-zone: "." refuse', NOT_A_NAME),
        ('local-zone: "" refuse', NOT_A_NAME),
        ('local-zone: "a..b" refuse', NOT_A_NAME),
        ('local-zone: "bad\ufffd.com" refuse', NOT_A_NAME),
        ('local-zone: "nul\x00.com" refuse', NOT_A_NAME),
        ('local-zone: "' + "a" * 64 + '.com" refuse', NOT_A_NAME),
        ('local-zone: "' + "a." * 126 + 'com" refuse', NOT_A_NAME),
        ('local-zone: "159.153.253.16" refuse', ADDRESS),
        ('local-zone: "*.bet365.com" refuse', PATTERN),
        ('local-data: "bet365.com A 192.0.2.1"', NOT_A_SINK),
        ('local-data: "bet365.com CNAME example.com."', OTHER_ACTION),
        ("local-data: 'bet365.com TXT \"blocked\"'", OTHER_ACTION),
        ('local-data: "bet365.com A nowhere"', NOT_A_LINE),
        ('local-data: "bet365.com"', NOT_A_LINE),
        ('local-data-ptr: "192.0.2.1 bet365.com"', OTHER_ACTION),
        ("interface: 0.0.0.0", OTHER_ACTION),
        ("domain-insecure: example.com", OTHER_ACTION),
        ("bet365.com", NOT_A_LINE),
        ("<html>", NOT_A_LINE),
    ],
)
def test_reasons(line: str, reason: str) -> None:
    assert answers("unbound", line) == [reason]


def test_longest_name_is_read() -> None:
    name = "a." * 125 + "com"
    assert answers("unbound", f'local-zone: "{name}." static') == [name]


def test_sections_comments_and_numbers() -> None:
    lines = ["# x", "server:", "  view:", "", '  local-zone: "a.com." static', "junk"]
    assert items("unbound", "\n".join(lines).encode()) == [
        Entry(5, "a.com"),
        Reject(6, "junk", NOT_A_LINE),
    ]


def test_recognises() -> None:
    assert unbound.recognise(["# t", "server:", 'local-zone: "a.com." static']) == 1
    assert unbound.recognise(["a.com", "address=/b.com/"]) == 0
    assert unbound.recognise(["# only"]) == 0


@given(lines=st.lists(st.text("localzne-dta:\"' .#\x00") | st.text(max_size=40), max_size=4))
def test_no_content_raises(lines: list[str]) -> None:
    lines += [f"{key}: {line}" for key in ("local-zone", "local-data") for line in lines]
    assert 0 <= unbound.recognise(lines) <= 1
    assert all(isinstance(item, Entry | Reject) for item in unbound.read(lines))
