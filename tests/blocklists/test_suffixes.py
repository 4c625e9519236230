"""Entries that would take out a piece of the web."""

from __future__ import annotations

import pytest

from blocklists.entries import PRIVATE_SUFFIX, PUBLIC_SUFFIX, SINGLE_LABEL
from blocklists.suffixes import SuffixGuard
from categoriser.names import from_text

GUARD = SuffixGuard()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, SINGLE_LABEL) for name in ["com", "net", "tax", "snapchat-com", "."]],
        *[
            (name, PUBLIC_SUFFIX)
            for name in ["co.uk", "gov.uk", "gob.mx", "bologna.it", "edu.pl", "bet.br"]
        ],
        *[(name, PRIVATE_SUFFIX) for name in ["blogspot.com", "azureedge.net", "akamaized.net"]],
        *[
            (name, None)
            for name in ["bet365.com", "www.gov.uk", "x.blogspot.com", "xn--sportfogads-t7a.com"]
        ],
    ],
)
def test_reasons(name: str, reason: str | None) -> None:
    assert GUARD.fault(from_text(name)) == reason


def test_an_exact_name_blocks_nobody_else() -> None:
    assert GUARD.fault(from_text("blogspot.com"), exact=True) is None
    assert GUARD.fault(from_text("com"), exact=True) == SINGLE_LABEL
