"""The body of an answer, on its way to disk: counted, unpacked, hashed, and timed.

Unpacking is done here and not by httpx, because only so is its size bounded at every step (an
answer of 64 KB may hold 64 MB) and a compressed body that breaks off is seen to be broken.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import httpx

from blocklists.connecting import Deadline, FetchFault

RATIO_MAX: Final = 100
"""So many octets at most out of each that came. Lists give 3 to 10, gzip can give 1,000."""
_RATIO_FROM_OCTETS: Final = 1024 * 1024  # before that no ratio can do harm
_PIECE_OCTETS: Final = 256 * 1024
_PROGRESS_SECONDS: Final = 0.1
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS


class Progress:
    """Tells a callback how far a fetch is, at most 10 times a second, and at the end."""

    def __init__(self, tell: Callable[[int, int | None], None] | None) -> None:
        self._tell = tell
        self._next = 0.0

    def __call__(self, octets: int, total: int | None, *, end: bool = False) -> None:
        now = time.monotonic()
        if self._tell is not None and (end or now >= self._next):
            self._next = now + _PROGRESS_SECONDS
            self._tell(octets, total)


def receive(
    response: httpx.Response,
    into: Path,
    where: str,
    octets_max: int,
    deadline: Deadline,
    progress: Progress,
) -> tuple[str, int]:
    """Write the body to `into`, in one step at the end; gives its SHA-256 and its octets.

    Whatever goes wrong, nothing is left behind and `into` is as it was. Raises `FetchFault`, and
    what httpx raises when the connection breaks.
    """
    total = _promised(response)
    if total is not None and total > octets_max:
        raise _too_large(where, octets_max)
    part = into.with_name(f".{into.name}.part")
    digest = hashlib.sha256()
    octets = 0
    try:
        # A name without chance in it: what a killed process left is found here, and removed.
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
            for piece in _pieces(response, where, octets_max, total, deadline, progress):
                octets += len(piece)
                if octets > octets_max:
                    raise _too_large(where, octets_max)
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(into)
        _sync_folder(into.parent)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise FetchFault(
            f"{into}: cannot be written ({fault.strerror or fault}); "
            f"the folder needs room for up to {octets_max:,} octets",
            retryable=True,
        ) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), octets


def _pieces(
    response: httpx.Response,
    where: str,
    octets_max: int,
    total: int | None,
    deadline: Deadline,
    progress: Progress,
) -> Iterator[bytes]:
    """The body, unpacked. Limits what came over the wire; what comes out is the caller's to limit,
    but for its ratio."""
    came = 0
    gave = 0

    def counted() -> Iterator[bytes]:
        nonlocal came
        for chunk in response.iter_raw():
            came += len(chunk)
            if came > octets_max:  # packed data can also be longer than what is in it
                raise _too_large(where, octets_max)
            if deadline.passed:
                raise FetchFault(f"{where}: {deadline.reason}", retryable=True)
            progress(came, total)
            yield chunk
        if deadline.passed:  # a body without a length just seems to end when it is cut off
            raise FetchFault(f"{where}: {deadline.reason}", retryable=True)
        progress(came, total, end=True)

    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from counted()
    elif coding in ("gzip", "x-gzip"):
        for piece in _unpacked(counted(), where):
            gave += len(piece)
            if gave > _RATIO_FROM_OCTETS and gave > came * RATIO_MAX:
                raise FetchFault(
                    f"{where}: unpacks to more than {RATIO_MAX} times its size, as a "
                    "decompression bomb does; no list comes near that",
                    retryable=False,
                )
            yield piece
    else:
        raise FetchFault(
            f"{where}: Content-Encoding {coding[:40]!r}; gzip or none is understood",
            retryable=False,
        )


def _unpacked(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """Gzip, one member or several (RFC 1952 section 2.2), never more than a piece at once."""
    unpacker = zlib.decompressobj(_GZIP_BITS)
    try:
        for chunk in chunks:
            rest = chunk
            while True:
                if unpacker.eof and rest:
                    unpacker = zlib.decompressobj(_GZIP_BITS)
                piece = unpacker.decompress(rest, _PIECE_OCTETS)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                if piece:
                    yield piece
                if not rest and len(piece) < _PIECE_OCTETS:
                    break
    except zlib.error:
        raise FetchFault(f"{where}: its gzip compression is damaged", retryable=True) from None
    if not unpacker.eof:
        raise FetchFault(f"{where}: breaks off before its compression ends", retryable=True)


def _promised(response: httpx.Response) -> int | None:
    """Octets on the wire, as the server announces them."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _too_large(where: str, octets_max: int) -> FetchFault:
    return FetchFault(f"{where}: longer than {octets_max:,} octets, the limit", retryable=False)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, too."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
