"""dnsmasq settings: which of them block, and which open again."""

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
from blocklists.formats import dnsmasq
from tests.blocklists.formats.answers import answers, items


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("server=/bet365.com/", ["bet365.com"]),
        ("local=/bet365.com/", ["bet365.com"]),
        ("address=/bet365.com/", ["bet365.com"]),
        ("address=/bet365.com/#", ["bet365.com"]),
        ("address=/bet365.com/0.0.0.0", ["bet365.com"]),
        ("address=/bet365.com/::", ["bet365.com"]),
        ("address=/bet365.com/127.0.0.7", ["bet365.com"]),
        ("  Address = /x.com/".lower(), ["x.com"]),
        ("server=/gwrtdp-tn690BFAdt.TCLclouds.com/\r\n", ["gwrtdp-tn690bfadt.tclclouds.com"]),
        ("server=/sportfogadás.com/", ["xn--sportfogads-t7a.com"]),
        ("server=/.bet365.com/", ["bet365.com"]),
        ("server=/bet365.com./ # brand", ["bet365.com"]),
        ("address=/a.com/b.com/0.0.0.0", ["a.com", "b.com"]),
        ("local=/a.com//b.com/", ["a.com", "b.com"]),
        ("server=/com/", ["com"]),  # the guard's business
        ("server=/www.bet365.com/#", ["@@www.bet365.com"]),
        ("server=/a.com/b.com/192.0.2.53#5353", ["@@a.com", "@@b.com"]),
        ("server=/a.com/2001:db8::53", ["@@a.com"]),
        ("server=/a.com/127.0.0.1#5335", ["@@a.com"]),
        ("server=/a.com/192.0.2.53@eth0", ["@@a.com"]),
        ("local=/a.com/192.0.2.53", ["@@a.com"]),
    ],
)
def test_names(line: str, shown: list[str]) -> None:
    assert answers("dnsmasq", line) == shown


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0/", NOT_A_LINE),  # the whole of four real lists in June 2021
        ("address=/bet365.com/192.0.2.1", NOT_A_SINK),
        ("address=/bet365.com/2001:db8::1", NOT_A_SINK),
        ("address=/bet365.com/NXDOMAIN", NOT_A_LINE),
        ("address=/bet365.com", NOT_A_LINE),
        ("server=/bet365.com/dns.example", NOT_A_LINE),
        ("server=/bet365.com/999.1.1.1", NOT_A_LINE),
        ("server=/bet365.com/0.0.0.0", OTHER_ACTION),
        ("server=/159.153.253.16/", ADDRESS),
        ("address=/#/0.0.0.0", PATTERN),
        ("server=/*.bet365.com/", PATTERN),
        ("server=/a..b/", NOT_A_NAME),
        ("server=/bad\ufffd.com/", NOT_A_NAME),
        ("server=/nul\x00.com/", NOT_A_NAME),
        ("server=/" + "a" * 64 + ".com/", NOT_A_NAME),
        ("server=/" + "a." * 126 + "com/", NOT_A_NAME),
        ("local=//", OTHER_ACTION),
        ("server=192.0.2.53", OTHER_ACTION),
        ("domain-needed", OTHER_ACTION),
        ("cache-size=1000", OTHER_ACTION),
        ("ipset=/bet365.com/blocked", OTHER_ACTION),
        ("cname=a.com,b.com", OTHER_ACTION),
        ("bet365.com", NOT_A_LINE),
        ("<html>", NOT_A_LINE),
    ],
)
def test_reasons(line: str, reason: str) -> None:
    assert answers("dnsmasq", line) == [reason]


def test_longest_name_is_read() -> None:
    name = "a." * 125 + "com"
    assert answers("dnsmasq", f"server=/{name}/") == [name]


def test_comments_and_numbers() -> None:
    assert items("dnsmasq", b"# x\n\n # y\nserver=/a.com/\n0/") == [
        Entry(4, "a.com"),
        Reject(5, "0/", NOT_A_LINE),
    ]


def test_recognises() -> None:
    assert dnsmasq.recognise(["# t", "server=/a.com/", "address=/b.com/#"]) == 1
    assert dnsmasq.recognise(["a.com", "0/", "||x.com^"]) == 0
    assert dnsmasq.recognise(["# only"]) == 0


@given(lines=st.lists(st.text("server=ad/#.:1@ %\x00") | st.text(max_size=40), max_size=4))
def test_no_content_raises(lines: list[str]) -> None:
    lines += [f"server=/{line}" for line in lines]
    assert 0 <= dnsmasq.recognise(lines) <= 1
    assert all(isinstance(item, Entry | Reject) for item in dnsmasq.read(lines))


def test_hostile_lines_take_no_time() -> None:
    lines = ["a-" * 2000, "server=/x/1.1.1.1" + "@" * 3000 + " x", "server=" + "/" * 4000]
    assert all(isinstance(item, Reject) for item in dnsmasq.read(lines))
