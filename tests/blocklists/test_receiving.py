"""Bodies on their way to disk: any octets, in any pieces. Servers: see `test_fetching`."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from blocklists.connecting import Deadline, FetchFault
from blocklists.receiving import Progress, receive


class Pieces(httpx.SyncByteStream):
    def __init__(self, body: bytes, size: int) -> None:
        self.body = body
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), self.size):
            yield self.body[start : start + self.size]


@pytest.fixture(scope="module")
def into(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("received") / "raw"


def take(body: bytes, coding: str, size: int, into: Path, octets_max: int = 10_000_000) -> str:
    response = httpx.Response(200, headers={"Content-Encoding": coding}, stream=Pieces(body, size))
    with Deadline(10.0) as deadline:
        return receive(response, into, "here", octets_max, deadline, Progress(None))[0]


@given(body=some.binary(max_size=2000), size=some.integers(1, 700), cut=some.integers(1, 1999))
def test_any_pieces_give_the_same_file(body: bytes, size: int, cut: int, into: Path) -> None:
    packed = gzip.compress(body[:cut]) + gzip.compress(body[cut:])
    for sent, coding in ((body, ""), (body, "identity"), (packed, "gzip"), (packed, "X-GZip")):
        assert take(sent, coding, size, into) == hashlib.sha256(body).hexdigest()
        assert into.read_bytes() == body


@given(body=some.binary(max_size=300), keep=some.integers(0, 60), size=some.integers(1, 100))
def test_no_damage_can_raise_anything_else(body: bytes, keep: int, size: int, into: Path) -> None:
    sent = gzip.compress(b"bet365.com\n" * 50)[:keep] + body
    try:
        take(sent, "gzip", size, into)
    except FetchFault as fault:
        assert str(fault).startswith("here: ")
    assert not into.with_name(".raw.part").exists()


@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_is_exact(into: Path, over: int) -> None:
    body = b"x" * (1000 + over)
    for sent, coding in ((body, ""), (gzip.compress(body), "gzip")):
        if over:
            with pytest.raises(FetchFault, match="longer than 1,000 octets"):
                take(sent, coding, 100, into, 1000)
        else:
            take(sent, coding, 100, into, 1000)


def test_output_that_ends_with_a_whole_piece_is_whole(into: Path) -> None:
    for octets in (256 * 1024, 512 * 1024, 512 * 1024 + 1):
        body = bytes(range(256)) * (octets // 256) + b"x" * (octets % 256)
        take(gzip.compress(body, 1), "gzip", 1 << 20, into)
        assert into.read_bytes() == body


def test_an_old_promise_of_length_that_is_no_number_is_ignored(into: Path) -> None:
    response = httpx.Response(200, headers={"Content-Length": "9" * 400}, stream=Pieces(b"x", 1))
    with Deadline(10.0) as deadline:
        assert receive(response, into, "here", 100, deadline, Progress(None))[1] == 1
