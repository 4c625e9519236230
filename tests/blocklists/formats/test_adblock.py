"""Adblock rules: what DNS can express, and nothing widened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.entries import (
    ADDRESS,
    NOT_A_LINE,
    NOT_A_NAME,
    NOT_A_SINK,
    NOT_FOR_DNS,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
)
from blocklists.formats import adblock
from tests.blocklists.formats.answers import answers, items


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("||bet365.com^", "bet365.com"),
        ("||Bet365.COM.^", "bet365.com"),
        ("\ufeff  ||bet365.com^\r\n", "bet365.com"),
        ("||bet365.com", "bet365.com"),
        ("||sportfogadás.com^", "xn--sportfogads-t7a.com"),
        ("||248047-konto_identity.vorkehrung.tk^", "248047-konto_identity.vorkehrung.tk"),
        ("||com^", "com"),  # the guard's business
        ("||bet365.com^|", "=bet365.com"),
        ("|bet365.com^", "=bet365.com"),
        ("|bet365.com|", "=bet365.com"),
        ("||*.bet365.com^", "*.bet365.com"),
        ("bet365.com", "bet365.com"),
        ("bet365.com # found 2026", "bet365.com"),
        ("m.bet365.com.", "m.bet365.com"),
    ],
)
def test_hosts_are_blocked(line: str, shown: str) -> None:
    assert answers("adblock", line) == [shown]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("@@||blog.logrocket.com^|", "@@=blog.logrocket.com"),
        ("@@||sas.com^", "@@sas.com"),
        ("@@|sas.com^", "@@=sas.com"),
        ("@@||*.sas.com^$important", "@@*.sas.com"),
        ("@@sas.com", "@@sas.com"),
    ],
)
def test_exceptions_are_the_lists_own(line: str, shown: str) -> None:
    assert answers("adblock", line) == [shown]


@pytest.mark.parametrize("options", ["important", "all", "important,all", "match-case", "_", ""])
def test_options_that_restrict_nothing(options: str) -> None:
    assert answers("adblock", f"||bet365.com^${options}") == ["bet365.com"]


@pytest.mark.parametrize(
    "options",
    [
        "image,script",
        "third-party",
        "~third-party",
        "3p",
        "domain=example.com",
        "domain=a.com|b.com",
        "document",
        "doc",
        "popup",
        "xmlhttprequest",
        "important,script",
        "denyallow=x.com",
        "dnstype=AAAA",
        "client=192.0.2.7",
        "ctag=device_tv",
        "badfilter",
        "csp=script-src 'none'",
        "an-option-of-next-year",
    ],
)
def test_options_that_restrict_are_no_block_and_no_exception(options: str) -> None:
    lines = [f"||aliexpress.com^${options}", f"@@||aliexpress.com^${options}"]
    assert answers("adblock", *lines) == [NOT_FOR_DNS, NOT_FOR_DNS]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("||bet365.com^$dnsrewrite=192.0.2.1", OTHER_ACTION),
        ("##.advert", NOT_FOR_DNS),
        ("###banner", NOT_FOR_DNS),
        ("example.com##.advert", NOT_FOR_DNS),
        ("example.com#@#.advert", NOT_FOR_DNS),
        ("example.com#?#div:has(> a)", NOT_FOR_DNS),
        ("example.com#$#body { overflow: auto }", NOT_FOR_DNS),
        ("a.com,b.to#%#Object.defineProperty(window, 'Blob', { get: 1 });", NOT_FOR_DNS),
        ('example.com$$script[tag-content="ad"]', NOT_FOR_DNS),
        ("[$path=/shop]||example.com^", NOT_FOR_DNS),
        ("||example.com/banner.gif", NOT_FOR_DNS),
        ("||example.com^banner", NOT_FOR_DNS),
        ("||example.com:8080^", NOT_FOR_DNS),
        ("|https://example.com^", NOT_FOR_DNS),
        ("/banner.gif?", NOT_FOR_DNS),
        ("$script,domain=imx.to", NOT_FOR_DNS),
        ("@@.ico#$domain=xup.in|xup.to", NOT_FOR_DNS),
        ("/\\.click\\/[0-9]{2,9}\\/$/$script,stylesheet", PATTERN),
        ("/^ads[0-9]+\\./", PATTERN),
        ("||ads*.example.com^", PATTERN),
        ("||example.*^", PATTERN),
        ("*.example.com^", PATTERN),
        (".cpa1.ru^", PATTERN),
        ("cpa1.ru^", PATTERN),
        ("-ad-banner.", PATTERN),
        ("iklanbaris", PATTERN),
        ("||google.", PATTERN),
        ("||ads", PATTERN),
        ("||159.153.253.16^", ADDRESS),
        ("||casinobitco.in # sportsbook^", NOT_A_NAME),
        ("||bet365.com^ # brand", NOT_A_NAME),
        ("||a..b.com^", NOT_A_NAME),
        ("||bad\ufffd.com^", NOT_A_NAME),
        ("||nul\x00.com^", NOT_A_NAME),
        ("||" + "a" * 64 + ".com^", NOT_A_NAME),
        ("||" + "a." * 126 + "com^", NOT_A_NAME),
        ("||^", NOT_A_LINE),
        ("bad\ufffd.com", NOT_A_LINE),
        ("two words", NOT_A_LINE),
        ("<html>", NOT_A_LINE),
        ("0.0.0.0 x.com y\x00.com", "x.com"),
        ("192.0.2.1 x.com", NOT_A_SINK),
    ],
)
def test_reasons(line: str, reason: str) -> None:
    assert answers("adblock", line)[0] == reason


def test_longest_name_is_read() -> None:
    name = "a." * 125 + "com"
    assert len(name) == 253
    assert answers("adblock", f"||{name}^") == [name]


def test_hosts_lines_are_read_as_in_hosts_files() -> None:
    assert items("adblock", b"! x\n0.0.0.0 a.com b.com # c\n127.0.0.1 localhost") == [
        Entry(2, "a.com"),
        Entry(2, "b.com"),
    ]


@pytest.mark.parametrize(
    "line",
    ["", "   ", "! Title: x", "# comment", "#", "########## Section", "!#if windows"]
    + ["[Adblock Plus 2.0]", "[AdGuard]", "[Adblock Plus 1.1; AdGuard]", "[uBlock Origin]"],
)
def test_comments_and_headers(line: str) -> None:
    assert answers("adblock", line) == []


def test_rejects_carry_line_and_text() -> None:
    assert items("adblock", b"! x\n\n  ||a.com^$script ") == [
        Reject(3, "||a.com^$script", NOT_FOR_DNS)
    ]


def test_recognises_rules_and_leaves_names_to_plain() -> None:
    assert adblock.recognise(["! t", "||a.com^", "@@||b.com^|", "example.com##.ad"]) == 1
    assert adblock.recognise(["a.com", "b.com", "# x"]) == 0
    assert adblock.recognise(["[Adblock Plus 2.0]", "! EasyList", "-ad-banner.", "_ad_"]) == 1
    assert adblock.recognise(["! only", ""]) == 0


@given(lines=st.lists(st.text("|@^$*#/.!~,=a1 \ufffd\x00"), max_size=4))
def test_no_content_raises(lines: list[str]) -> None:
    assert 0 <= adblock.recognise(lines) <= 1
    assert all(isinstance(item, Entry | Reject) for item in adblock.read(lines))
