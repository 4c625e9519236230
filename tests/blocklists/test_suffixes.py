"""Entries that would take out a piece of the web."""

from __future__ import annotations

from pathlib import Path

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from blocklists.entries import PRIVATE_SUFFIX, PUBLIC_SUFFIX, SINGLE_LABEL
from blocklists.suffixes import SuffixGuard
from categoriser.names import normal

GUARD = SuffixGuard()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, SINGLE_LABEL) for name in ["com", "net", "tax", "snapchat-com", "."]],
        *[
            (name, PUBLIC_SUFFIX)
            for name in ["co.uk", "gov.uk", "gob.mx", "bologna.it", "edu.pl", "bet.br", "any.ck"]
        ],
        *[(name, PRIVATE_SUFFIX) for name in ["blogspot.com", "azureedge.net", "akamaized.net"]],
        *[
            (name, None)
            for name in ["bet365.com", "www.gov.uk", "x.blogspot.com", "xn--sportfogads-t7a.com"]
        ],
        *[(name, None) for name in ["www.ck", "a.any.ck", "fritz.home"]],
    ],
)
def test_reasons(name: str, reason: str | None) -> None:
    assert GUARD.fault(name, "domain") == GUARD.fault(name, "below") == reason


def test_an_exact_name_blocks_nobody_else() -> None:
    assert GUARD.fault("blogspot.com", "exact") is None
    assert GUARD.fault("any.ck", "exact") is None
    assert GUARD.fault("com", "exact") == SINGLE_LABEL


def test_it_agrees_with_the_library_on_every_rule_and_around_it() -> None:
    everyone, icann = PublicSuffixList(), PublicSuffixList(only_icann=True)
    checked = 0
    for line in Path(PSLFILE).read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("//"):
            continue
        suffix = normal(line.split()[0].lstrip("!").removeprefix("*."))
        for name in (suffix, f"x.{suffix}", f"y.x.{suffix}", suffix.partition(".")[2]):
            if "." in name:
                wide = PUBLIC_SUFFIX if icann.is_public(name) else PRIVATE_SUFFIX
                expected = wide if everyone.is_public(name) else None
                assert GUARD.fault(name, "domain") == expected, name
                checked += 1
    assert checked > 20_000


def test_top_level_domains_are_told_from_lost_endings() -> None:
    assert all(map(GUARD.is_tld, ["com", "net", "tax", "uk", "ck", "xn--p1ai"]))
    assert not any(map(GUARD.is_tld, ["snapchat-com", "en", "home", "", "co.uk", "blogspot"]))


def test_endings_that_nobody_can_register_under() -> None:
    assert all(map(GUARD.unknown_tld, ["fritz.home", "router.lan", "x.gouv.fr1jeune1solution"]))
    assert not any(map(GUARD.unknown_tld, ["bet365.com", "bbc.co.uk", "com"]))
