"""One name a line, with the odd lines of real lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.entries import ADDRESS, NOT_A_NAME, PATTERN, Entry
from blocklists.formats import plain
from categoriser.names import NameFault, normal
from tests.blocklists.formats.answers import answers


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("bet365.com", ["bet365.com"]),
        ("  Bet365.COM.\r", ["bet365.com"]),
        ("*.bet365.com", ["bet365.com"]),
        (".bet365.com", ["bet365.com"]),
        ("=bet365.com", ["=bet365.com"]),
        ("bet365.com # brand", ["bet365.com"]),
        ("bet365.com\t# brand", ["bet365.com"]),
        ("bet365.com       #brand", ["bet365.com"]),
        ("# comment", []),
        ("! comment", []),
        ("", []),
        ("   ", []),
        ("sportfogadás.com", ["xn--sportfogads-t7a.com"]),
        ("_x.example.com", ["_x.example.com"]),
        ("s213490.florenfile.com:183", ["s213490.florenfile.com"]),
        ("snapchat-com", ["snapchat-com"]),
        ("a.123", ["a.123"]),
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
        (f"{'a' * 63}.com", [f"{'a' * 63}.com"]),
        (f"{'a' * 64}.com", [NOT_A_NAME]),
        (f"{'a.' * 125}com", [f"{'a.' * 125}com"]),
        (f"{'a.' * 126}com", [NOT_A_NAME]),
        (f"{'a.' * 120}{'b' * 20}.com", [NOT_A_NAME]),
        (":" * 4000 + "x", [NOT_A_NAME]),
    ],
)
def test_plain(line: str, result: list[str]) -> None:
    assert answers("plain", line) == result


def test_a_byte_order_mark_inside_is_passed_over() -> None:
    """Lists are made by joining files."""
    assert answers("plain", "a.com", "\ufeffb.com") == ["a.com", "b.com"]


@given(st.text("aB0-_.é\u212a", max_size=300) | st.from_regex(r"\A([a-z-]{1,70}\.){1,6}com\Z"))
def test_an_entry_is_the_normal_form_of_the_line(line: str) -> None:
    """The quick way and the thorough way agree."""
    for item in plain.read([line]):
        name = line.removeprefix(".")
        if isinstance(item, Entry):
            assert item.name == normal(name)
        elif item.reason == NOT_A_NAME:
            with pytest.raises(NameFault):
                normal(name)
        else:
            assert item.reason == ADDRESS and not name.strip("0123456789.")
