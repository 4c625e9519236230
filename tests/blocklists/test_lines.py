"""Files of unknown content as lines: ends, encodings, and lines that never end."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import lines
from blocklists.entries import TOO_LONG, Reject
from blocklists.lines import LINE_CHARACTERS_MAX, LineFault, Octets, decoded

LONG = "a" * (LINE_CHARACTERS_MAX + 1)


def read(octets: bytes) -> tuple[list[str], list[Reject]]:
    overlong: list[Reject] = []
    return list(decoded(io.BytesIO(octets), overlong)), overlong


@pytest.mark.parametrize(
    ("octets", "result"),
    [
        (b"", []),
        (b"a\nb", ["a", "b"]),
        (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
        (b"a\nb\r", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("a\u2028b\u0085c\x0bd\n".encode(), ["a\u2028b\u0085c\x0bd"]),
        (b"\xff\xfe.com\nb\x00\n", ["\ufffd\ufffd.com", "b\x00"]),
    ],
)
def test_lines_end_at_lf_and_cr_lf_alone(octets: bytes, result: list[str]) -> None:
    assert read(octets) == (result, [])


def test_an_overlong_line_is_blank_and_told() -> None:
    fits = LONG[1:]
    found, overlong = read("\n".join(["a", LONG, fits, "é" * 5000, LONG]).encode())
    assert found == ["a", "", fits, "", ""]
    assert [(reject.line, reject.reason) for reject in overlong] == [
        (2, TOO_LONG),
        (4, TOO_LONG),
        (5, TOO_LONG),
    ]
    assert all(len(reject.text) <= 120 for reject in overlong)


@given(
    st.lists(st.sampled_from(["a.com", "", "é", "x" * 30, LONG, LONG * 9]), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 5000),
)
def test_blocks_do_not_show(content: list[str], end: str, size: int) -> None:
    class Pieces(io.BytesIO):
        """A file that gives fewer octets than it is asked for."""

        def read(self, most: int | None = -1, /) -> bytes:
            return super().read(min(size, most or 0))

    octets = end.join([*content, ""]).encode()
    overlong: list[Reject] = []
    found = list(decoded(Pieces(octets), overlong))
    assert found == ["" if len(line) > LINE_CHARACTERS_MAX else line for line in content]
    assert [reject.line for reject in overlong] == [
        number for number, line in enumerate(content, 1) if len(line) > LINE_CHARACTERS_MAX
    ]


class _Endless:
    """A file that is one line of `size` octets, then one name."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.tail = b"\nbet365.com\n"

    def read(self, size: int, /) -> bytes:
        if self.left:
            size = min(size, self.left)
            self.left -= size
            return b"x" * size
        tail, self.tail = self.tail, b""
        return tail


def test_a_line_of_100_megabytes_takes_no_memory() -> None:
    source: Octets = _Endless(100_000_000)
    overlong: list[Reject] = []
    tracemalloc.start()
    try:
        found = list(decoded(source, overlong))
        _, peak_octets = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == ["", "bet365.com"]
    assert overlong == [Reject(1, "x" * 120, TOO_LONG)]
    assert peak_octets < 2_000_000


def test_overlong_lines_in_a_row_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "OVERLONG_MAX", 3)
    assert len(read(f"{LONG}\n".encode() * 3)[1]) == 3
    with pytest.raises(LineFault, match="allowed is a text of lines"):
        read(f"{LONG}\n".encode() * 4)
