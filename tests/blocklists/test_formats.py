"""What all list formats have in common: finding, detecting, and reading hostile files."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import formats
from blocklists.entries import NOT_A_NAME, TOO_LONG, Entry, Reject
from blocklists.formats import LINE_CHARACTERS_MAX, FormatFault
from categoriser.names import normal
from tests.blocklists.formats.answers import items, text_formats

TEN = "adblock csv dnsmasq hosts plain rpz unbound ut1 v2fly wildcards"
LONG = b"x." * LINE_CHARACTERS_MAX + b"evil.com"


def test_formats_are_found_by_file_name() -> None:
    assert formats.names() == TEN.split()
    with pytest.raises(FormatFault, match="'excel'; allowed are .*hosts.*plain"):
        formats.find("excel")
    with pytest.raises(FormatFault, match="'excel'"):
        formats.read(io.BytesIO(), "excel")


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"# x\n0.0.0.0 a.com\n0.0.0.0 b.com", "hosts"),
        (b"# x\r\n127.0.0.1 a.com\r\n", "hosts"),
        (b"# x\na.com\n*.b.com\n=c.com\njunk line here", "plain"),
        (b"\xef\xbb\xbfa.com\n", "plain"),
        (b"*.a.com\n*.b.com", "wildcards"),
        (b"domain:a.com\nfull:b.com", "v2fly"),
        (b"domain,category\na.com,gambling", "csv"),
        (b"||a.com^\n||b.com^\n", "adblock"),
        (b"address=/a.com/\naddress=/b.com/0.0.0.0\n", "dnsmasq"),
        (b'local-zone: "a.com" always_nxdomain\n', "unbound"),
        (b"$TTL 60\n@ SOA a. b. 1 2 3 4 5\n NS a.\na.com CNAME .\n*.a.com CNAME .\n", "rpz"),
    ],
)
def test_detects_by_content(head: bytes, word: str) -> None:
    assert formats.detect(head) == word


@pytest.mark.parametrize(
    "head",
    [b"", b"# only\n\n# comments", b"<html>\n<body class='x'>\n<p>no list", bytes(600), LONG],
)
def test_what_no_format_recognises_is_a_fault(head: bytes) -> None:
    with pytest.raises(FormatFault, match="there are .*plain"):
        formats.detect(head)


def test_a_line_that_the_head_cuts_in_two_does_not_count() -> None:
    head = (b"a" * 60 + b".com\n") * 1100
    assert len(head) > formats.HEAD_OCTETS
    assert formats.detect(head[: formats.HEAD_OCTETS]) == "plain"


def test_detects_the_real_lists(shared: Path) -> None:
    rows = (shared / "lists" / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]
    checked = 0
    for row in rows:
        name, _, _, kind = row.split("\t")[:4]
        path = shared / "lists" / name
        if kind in formats.names() and path.is_file():
            with path.open("rb") as file:
                assert formats.detect(file.read(formats.HEAD_OCTETS)) == kind, name
            checked += 1
    assert checked > 50


def test_odd_octets_and_endless_lines_cost_one_line_each() -> None:
    content = b"\xef\xbb\xbffirst.example\r\n" + LONG + b"\n\xff\xfe.example\nnul\0.example\nlast.a"
    assert items("plain", content) == [
        Entry(1, "first.example"),
        Reject(2, LONG[:120].decode(), TOO_LONG),
        Reject(3, "\ufffd\ufffd.example", NOT_A_NAME),
        Reject(4, "nul\0.example", NOT_A_NAME),
        Entry(5, "last.a"),
    ]
    assert items("plain", b"a.com\n" + LONG)[1:] == [Reject(2, LONG[:120].decode(), TOO_LONG)]


@pytest.mark.parametrize("separator", ["\r", "\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_only_looks_like_a_line_end_hides_no_second_name(separator: str) -> None:
    found = items("plain", f"a.com{separator}b.com\nc.com\n".encode())
    assert [(item.line, isinstance(item, Entry)) for item in found] == [(1, False), (2, True)]


@pytest.mark.parametrize("word", text_formats())
def test_one_line_of_many_megabytes_takes_no_memory(word: str) -> None:
    class Endless(io.RawIOBase):
        left = 30_000_000

        def read(self, size: int = -1, /) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return b"a" * size

    tracemalloc.start()
    try:
        found = list(formats.read(Endless(), word))  # type: ignore[arg-type]  # read is enough
        _, peak_octets = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(item.line, item[2]) for item in found] == [(1, TOO_LONG)]
    assert peak_octets < 2_000_000


def test_a_file_of_nothing_but_overlong_lines_is_no_list() -> None:
    class Bomb(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return (b"a" * (LINE_CHARACTERS_MAX + 1) + b"\n") * 50

    with pytest.raises(FormatFault, match="allowed is a text of lines"):
        for _ in formats.read(Bomb(), "plain"):  # type: ignore[arg-type]  # read is enough
            pass


@pytest.mark.parametrize("word", text_formats())
@given(content=st.lists(st.text(max_size=80) | st.text('a.:*|^@/#"=,;~ -\t', max_size=40)))
def test_no_content_raises(word: str, content: list[str]) -> None:
    fmt = formats.find(word)
    assert not formats.is_packed(fmt)
    assert 0 <= fmt.recognise(content) <= 1  # type: ignore[union-attr]  # narrowed above
    for item in items(word, "\n".join(content).encode("utf-8", errors="surrogatepass")):
        assert isinstance(item, Entry | Reject)
        assert item.line >= 1
        if isinstance(item, Entry):
            assert item.name == normal(item.name), "names are in normal form"


@given(octets=st.binary(max_size=400))
def test_no_octets_raise_anything_but_a_fault(octets: bytes) -> None:
    try:
        word = formats.detect(octets)
    except FormatFault:
        return
    assert all(isinstance(item, Entry | Reject) for item in items(word, octets))
