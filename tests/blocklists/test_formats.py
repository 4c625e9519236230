"""List formats, against odd lines that occur in real lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import formats
from blocklists.entries import ADDRESS, NOT_A_NAME, NOT_A_SINK, PATTERN, Entry, Reject
from categoriser.names import to_text


def read(word: str, *lines: str) -> list[str]:
    """What a format makes of some lines: a name, =name, or the reason of the rejection."""
    found = []
    for item in formats.find(word).read(lines):
        if isinstance(item, Entry):
            found.append("=" * item.exact + to_text(item.name))
        else:
            found.append(item.reason)
    return found


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("bet365.com", ["bet365.com"]),
        ("  Bet365.COM.\r\n", ["bet365.com"]),
        ("\ufeffbet365.com", ["bet365.com"]),
        ("*.bet365.com", ["bet365.com"]),
        (".bet365.com", ["bet365.com"]),
        ("=bet365.com", ["=bet365.com"]),
        ("bet365.com # brand", ["bet365.com"]),
        ("bet365.com\t# brand", ["bet365.com"]),
        ("# comment", []),
        ("! comment", []),
        ("", []),
        ("sportfogadás.com", ["xn--sportfogads-t7a.com"]),
        ("_x.example.com", ["_x.example.com"]),
        ("s213490.florenfile.com:183", ["s213490.florenfile.com"]),
        ("159.153.253.16", [ADDRESS]),
        ("159.153.253.16:8080", [ADDRESS]),
        ("2001:db8::1", [ADDRESS]),
        ("*.bet", [PATTERN]),
        ("bet365.*", [PATTERN]),
        ("~casino", [PATTERN]),
        ("*.a.*.com", [PATTERN]),
        ("========", [NOT_A_NAME]),
        ("bet365.com#x", [NOT_A_NAME]),
        ("http://bet365.com/", [NOT_A_NAME]),
        ("||click.aliexpress.com^$image,script", [NOT_A_NAME]),
        ("two words.com", [NOT_A_NAME]),
        ("a..b.com", [NOT_A_NAME]),
        ("bad\ufffd.com", [NOT_A_NAME]),
        ("nul\x00.com", [NOT_A_NAME]),
    ],
)
def test_plain(line: str, result: list[str]) -> None:
    assert read("plain", line) == result


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("0.0.0.0 bet365.com", ["bet365.com"]),
        ("127.0.0.1\tBet365.com.  # brand", ["bet365.com"]),
        ("127.0.0.7 p19-sign.tiktokcdn-us.com", ["p19-sign.tiktokcdn-us.com"]),
        ("::1 bet365.com", ["bet365.com"]),
        (":: a.com b.com", ["a.com", "b.com"]),
        ("0.0.0.0 xxxhindi.to en", ["xxxhindi.to", "en"]),
        ("0.0.0.0 0.0.0.0", []),
        ("127.0.0.1 localhost localhost.localdomain", []),
        ("255.255.255.255 broadcasthost", []),
        ("fe80::1%lo0 localhost", []),
        ("ff02::1 ip6-allnodes", []),
        ("192.0.2.1 bet365.com", [NOT_A_SINK]),
        ("bet365.com", [NOT_A_NAME]),
        ("0.0.0.0", []),
        ("0.0.0.0 bad name\x00", ["bad", NOT_A_NAME]),
        ("# 0.0.0.0 bet365.com", []),
    ],
)
def test_hosts(line: str, result: list[str]) -> None:
    assert read("hosts", line) == result


@pytest.mark.parametrize("word", formats.names())
def test_line_numbers_count_from_one(word: str) -> None:
    good = "0.0.0.0 a.com" if word == "hosts" else "a.com"
    items = list(formats.find(word).read(["# x", "", good, "\x00\x00"]))
    assert [item.line for item in items] == [3, 4]


@pytest.mark.parametrize("word", formats.names())
@given(lines=st.lists(st.text(max_size=80), max_size=5))
def test_no_content_raises(word: str, lines: list[str]) -> None:
    fmt = formats.find(word)
    assert 0 <= fmt.recognise(lines) <= 1
    assert all(isinstance(item, Entry | Reject) for item in fmt.read(lines))


def test_formats_are_found_by_file_name() -> None:
    assert {"plain", "hosts"} <= set(formats.names())
    with pytest.raises(formats.FormatFault, match="allowed are .*hosts.*plain"):
        formats.find("excel")


def test_detects_by_content() -> None:
    assert formats.detect(["# x", "0.0.0.0 a.com", "0.0.0.0 b.com"]) == "hosts"
    assert formats.detect(["# x", "a.com", "*.b.com", "=c.com", "junk line here"]) == "plain"
    for lines in ([], ["# only", "", "# comments"], ["<html>", "<body class='x'>"]):
        with pytest.raises(formats.FormatFault, match="there are"):
            formats.detect(lines)


def test_detects_the_real_lists(shared: Path) -> None:
    rows = (shared / "lists" / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]
    checked = 0
    for row in rows:
        name, _, _, kind = row.split("\t")[:4]
        path = shared / "lists" / name
        if kind in formats.names() and path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                lines = [line for _, line in zip(range(formats.SAMPLE_LINES), file, strict=False)]
            assert formats.detect(lines) == kind, name
            checked += 1
    assert checked > 20
