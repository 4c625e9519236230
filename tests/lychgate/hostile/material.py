"""Names and texts made to look like something else, and how it is told that they stayed text."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any, Final

import httpx

from categoriser.names import from_labels, to_text

LABELS: Final = (
    b"=cmd|'/c calc'!a0",
    b"-2+3",  # of plain letters: nothing in it is escaped
    b"@sum(1)",
    b"<script>alert(1)</script>",
    b'"><img src=x onerror=alert(1)>',
    b'"} 1',
    b"\x1b[31mred",
    b"\x1b]0;title\x07",
    b"one\nlychgate_up 0",
    b"one\r\n<0>1 - - evil",
    "\u202emoc.elgoog".encode(),
    "\u2066isolated\u2028line".encode(),
    b"\x00nul",
    b"\xff\xfe\x9b31m",
    b"{{7*7}}${7*7}%s",
    b"[red]rich[/red]",
)
"""What a query may hold: any octets."""
TYPED: Final = (
    "=cmd|'/c calc'!a0",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b]0;title\x07",
    "one\n\u202emoc.elgoog\u2066",
    "[red]rich[/red]",
)
"""What somebody types, where the octets of a query cannot come from."""
GAMBLING, EXTREMISM, OPEN = "bet365.com", "ironmarch.org", "wanted.org"
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|")
NAME: Final = re.compile(r"[a-z0-9._\\-]*")
"""How every name is written: odd octets as `\\DDD`."""
_INVISIBLE: Final = ("Cc", "Cf", "Zl", "Zp")


class Elements(HTMLParser):
    """What a browser would make of a page: its tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        """What is in elements that run, and not behind an address of ours."""
        self._runs = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._runs = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._runs = False

    def handle_data(self, data: str) -> None:
        if self._runs and data.strip():
            self.scripts.append(data)


def written(label: bytes, site: str = GAMBLING) -> str:
    """A name below a site as Lychgate writes it."""
    return to_text(from_labels([label, *site.encode().split(b".")]))


def is_plain(text: str, *, also: str = "\n") -> None:
    """No control character but some, and none that turns the direction of writing."""
    odd = {c for c in text if unicodedata.category(c) in _INVISIBLE and c not in also}
    assert not odd, [f"U+{ord(c):04X}" for c in odd]


def is_page(answer: httpx.Response, *, typed: bool = False, statuses: Any = (200,)) -> str:
    """A page on which nothing became markup; its text. `typed`: it may show what whoever asks for
    it typed as they typed it, and say that it is wrong.
    """
    assert answer.status_code in statuses or (typed and answer.status_code in (422, 429))
    if not typed:
        is_plain(answer.text, also="\n\r\t\u200b\u00ad")
    found = Elements(answer.text)
    assert not any("alert(1)" in script or "calc" in script for script in found.scripts)
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "img" not in found.tags and "<script>alert" not in answer.text
    return answer.text


def is_table(answer: httpx.Response, rows_min: int = 1) -> list[list[str]]:
    """A spreadsheet in which no cell is a formula; its rows."""
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    is_plain(answer.text, also="\n\r")
    found = list(csv.reader(io.StringIO(answer.text)))
    assert len(found) > rows_min
    for row in found:
        assert len(row) == len(found[0])
        assert not [cell for cell in row if cell.startswith(FORMULAS)]
    return found
