"""DHCP leases: the formats there are, hostile text, and who holds which address."""

from __future__ import annotations

import math
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import leases as module
from policy.leases import (
    LINE_CHARACTERS_MAX,
    Lease,
    Leases,
    Malformed,
    find,
    hardware_address,
    host_name,
    identifier,
    names,
    plain_id,
    read,
)

AT = 1_772_532_000.0
MAC = "aa:bb:cc:dd:ee:01"


def packed(text: str) -> bytes:
    return ip_address(text).packed


def test_the_formats_are_the_modules_of_the_folder() -> None:
    assert names() == ["dnsmasq", "isc", "kea"]
    assert all(isinstance(find(word).OLDER, tuple) for word in names())


words = st.sampled_from(
    "lease iaaddr ia-na { } ; ends 4 never epoch binding state active 10.20.3.7 fd00::7 duid * "
    "address,hwaddr,client_id,valid_lifetime,expire,hostname,state 10.20.3.7,,,60,9,x,0 "
    'uid "\\001\\252" client-hostname "A"; hardware ethernet aa:bb:cc:dd:ee:ff \\ 99/99/99'.split()
)
hostile = st.lists(st.lists(words | st.text(max_size=20), max_size=7).map(" ".join), max_size=20)


@pytest.mark.parametrize("word", names())
@given(lines=hostile)
def test_no_text_raises_and_what_comes_out_may_be_shown(word: str, lines: list[str]) -> None:
    for item in read(lines, word):
        if isinstance(item, Malformed):
            assert 1 <= item.line <= len(lines)
            continue
        assert len(item.address) in (4, 16) and not math.isnan(item.expires)
        for text in (item.mac, item.hostname, item.client_id):
            assert text.isprintable() and len(text) <= 400


@pytest.mark.parametrize("word", names())
def test_an_overlong_line_is_malformed(word: str) -> None:
    header = "address,hwaddr,client_id,valid_lifetime,expire,hostname,state"
    lines = [header] if word == "kea" else []
    found = list(read([*lines, "x" * (LINE_CHARACTERS_MAX + 1)], word))
    assert found == [Malformed(len(lines) + 1)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("IT-SUITE-07", "IT-SUITE-07"),
        ("it-suite-07.college.example.", "it-suite-07.college.example"),
        ("printer_2", "printer_2"),
        ("", ""),
        ("a b", ""),
        ("[bold]x", ""),
        ("\x1b[31mred", ""),
        ("caf\u00e9", ""),
        ("a..b", ""),
        ("x" * 64, ""),
        (".".join(["x" * 63] * 4), ""),
    ],
)
def test_only_plain_names_are_host_names(text: str, name: str) -> None:
    assert host_name(text) == name


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("AA-BB-CC-DD-EE-01", MAC),
        ("06-AA:bb:cc:dd:ee:01", MAC),
        ("aa:bb-cc:dd-ee:01", ""),
        ("aabbccddee01", ""),
        ("*", ""),
    ],
)
def test_hardware_addresses_have_one_form(text: str, plain: str) -> None:
    assert hardware_address(text) == plain


def test_ids() -> None:
    assert plain_id(" AA-BB ") == "aa:bb"
    assert plain_id("Front-Desk") == "front-desk"
    assert identifier("x" * 401) == identifier("\x07") == ""


def test_who_holds_an_address() -> None:
    leases = Leases(
        [
            Lease(packed("10.20.3.7"), "aa:bb:cc:dd:ee:00", "OLD", "", AT + 60),
            Lease(packed("10.20.3.8"), MAC, "IT-SUITE-07.college.example", "01:" + MAC, AT + 90),
            Lease(packed("10.20.3.9"), MAC, "it-suite-07", "", math.inf),
            Lease(packed("10.20.3.7"), expires=-math.inf),  # given back
            Lease(packed("10.20.3.10"), "", "GONE", "", AT),  # ended this very instant
        ],
        AT,
    )
    both = (packed("10.20.3.8"), packed("10.20.3.9"))
    assert len(leases) == 2 and leases.next_expiry == AT + 90
    assert leases.find(packed("10.20.3.7")) is leases.find(packed("10.20.3.10")) is None
    assert leases.with_hostname("It-Suite-07") == both
    assert leases.with_hostname("it-suite-07.college.example") == both[:1]
    assert leases.with_id(MAC.upper().replace(":", "-")) == both
    assert leases.with_id(f"01:{MAC}") == both[:1]
    assert leases.with_hostname("") == leases.with_id("") == leases.with_hostname("old") == ()
    found = leases.find(packed("::ffff:10.20.3.9"))
    assert found is not None and found.hostname == "it-suite-07"


def test_a_renewal_changes_no_fact() -> None:
    first, second = (Leases([Lease(packed("10.0.0.1"), MAC, "A", "", AT + n)], AT) for n in (5, 9))
    assert first.facts == second.facts


def test_leases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASES_MAX", 3)
    many = [Lease(packed(f"10.0.0.{n}"), "", f"n{n}") for n in range(9)]
    leases = Leases([*many, many[0]._replace(hostname="new")], AT)
    assert len(leases) == 3
    assert leases.with_hostname("new") == (packed("10.0.0.0"),)
