"""Data files of v2fly, and the dump of all of them."""

from __future__ import annotations

import pytest

from blocklists import formats
from blocklists.entries import ADDRESS, NOT_A_LINE, NOT_A_NAME, OTHER_ACTION, PATTERN
from tests.blocklists.formats.answers import answers

DUMP = """\
lists:
  - name: CATEGORY-PORN
    length: 3
    rules:
      - "domain:porn.example:@ads"
      - "full:www.exact.example"
      - "regexp:(^|\\.)18j[efg]\\.life$"
  - name: "bumble"
    length: 2
    rules:
      - domain:bumble.com
      - "full:cdn.bumble.com:@cn,@ads"
"""


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("domain:claude.ai", ["claude.ai"]),
        ("claude.ai", ["claude.ai"]),
        ("Domain.Example", ["domain.example"]),
        ("full:Chat.com", ["=chat.com"]),
        ("domain:x.com @ads @cn # why", ["x.com"]),
        ("domain:x.com &affiliation", ["x.com"]),
        ("domain:x.com:@ads", ["x.com"]),
        ("x.com @!cn", ["x.com"]),
        ("domain:com", ["com"]),
        ("domain:sportfogadás.com", ["xn--sportfogads-t7a.com"]),
        ("domain:1.2.3.4", [ADDRESS]),
        ("keyword:casino", [PATTERN]),
        (r"regexp:(^|\.)18j[efg]\.life$", [PATTERN]),
        ("include:category-porn", [OTHER_ACTION]),
        ("domain:", [NOT_A_LINE]),
        ("domain:x.com y.com", [NOT_A_LINE]),
        ("x.com " + "@a " * 1300, ["x.com"]),
        ("ip:x.com", [NOT_A_NAME]),
        (f"full:{'a.' * 126}com", [NOT_A_NAME]),
        ("# comment", []),
    ],
)
def test_rules(line: str, result: list[str]) -> None:
    assert answers("v2fly", line) == result


def test_a_dump_has_the_list_as_label() -> None:
    assert answers("v2fly", DUMP) == [
        "porn.example [category-porn]",
        "=www.exact.example [category-porn]",
        PATTERN,
        "bumble.com [bumble]",
        "=cdn.bumble.com [bumble]",
    ]


def test_a_marked_rule_tells_it_from_a_plain_list() -> None:
    assert formats.detect(DUMP.encode()) == "v2fly"
    assert formats.detect(b"# games\na.com\nb.com\ninclude:steam\n") == "v2fly"
    assert formats.detect(b"a.com\nb.com\n") == "plain"
