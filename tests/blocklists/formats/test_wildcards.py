"""Lists in which every name has its star, and how they are told from plain lists."""

from __future__ import annotations

import pytest

from blocklists import formats
from blocklists.entries import ADDRESS, NOT_A_NAME, PATTERN
from tests.blocklists.formats.answers import answers


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("*.bet365.com", ["bet365.com"]),
        (" *.Bet365.COM. ", ["bet365.com"]),
        ("*.sportfogadás.com", ["xn--sportfogads-t7a.com"]),
        ("bet365.com", ["=bet365.com"]),
        ("*.com", ["com"]),  # an entry, so that the guard sees it and raises the alarm
        ("*.bet365.*", [PATTERN]),
        ("ads*.example.com", [PATTERN]),
        ("*.10.0.0.1", [ADDRESS]),
        ("*.", [NOT_A_NAME]),
        ("*.a b.com", [NOT_A_NAME]),
        (f"*.{'a.' * 126}com", [NOT_A_NAME]),
        ("# *.bet365.com", []),
        ("! Title: x", []),
    ],
)
def test_wildcards(line: str, result: list[str]) -> None:
    assert answers("wildcards", line) == result


def test_only_a_list_of_nothing_but_stars_is_recognised() -> None:
    assert formats.detect(b"# OISD\n*.a.com\n*.b.com\n") == "wildcards"
    assert formats.detect(b"*.a.com\n*.b.com\nc.com\n") == "plain"
    assert formats.detect(b"a.com\nb.com\n") == "plain"
