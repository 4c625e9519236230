"""Compressed lists, opened so that no file can take more memory or time than it is given.

What a file is, its first octets say, not its name. Archives (tar) are read by their list format.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from blocklists.lines import Octets

XZ_MEMORY_OCTETS_MAX: Final = 128 * 1024 * 1024  # `xz -9` needs 65 MiB; a header may claim 4 GiB
_BLOCK_OCTETS: Final = 65_536
_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"


class UnpackFault(ValueError):
    """Damaged, or more than allowed; the message is *where: what was given; what is allowed*."""


@contextmanager
def opened(path: Path, octets_max: int) -> Iterator[BinaryIO]:
    """The content of a file, decompressed if it is gzip, bzip2 or xz, for reading from its
    beginning to its end.

    Reading past `octets_max` of content, or where the compression is damaged or cut short, raises
    `UnpackFault`. Raises OSError as any file does.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        start = file.read(len(_XZ))
        file.seek(0)
        source: Octets = file
        if start.startswith(_GZIP):
            source = stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))
        elif start.startswith(_BZIP2):
            source = stack.enter_context(bz2.BZ2File(file))
        elif start.startswith(_XZ):
            source = _Xz(file)
        yield stack.enter_context(
            io.BufferedReader(_Bounded(source, path, octets_max), _BLOCK_OCTETS)
        )


class _Bounded(io.RawIOBase):
    """Octets of a source, up to a bound, with every way to be damaged turned into a fault."""

    def __init__(self, source: Octets, path: Path, octets_max: int) -> None:
        self._source = source
        self._path = path
        self._octets_max = octets_max
        self._left = octets_max

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io calls it
        try:
            octets = self._source.read(min(len(buffer), self._left + 1))
        except (EOFError, zlib.error, lzma.LZMAError) as fault:
            raise self._damage(fault) from None
        except OSError as fault:
            if fault.errno is not None:  # the disk's own; gzip and bz2 give no number
                raise
            raise self._damage(fault) from None
        if len(octets) > self._left:
            raise UnpackFault(
                f"{self._path}: more than {self._octets_max} octets of content; "
                f"allowed are {self._octets_max}"
            )
        self._left -= len(octets)
        buffer[: len(octets)] = octets
        return len(octets)

    def _damage(self, fault: Exception) -> UnpackFault:
        return UnpackFault(f"{self._path}: compressed data: {fault}; a whole file is needed")


class _Xz:
    """The streams of an xz file. `lzma.LZMAFile` does the same without a bound on memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = _xz_stream()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._stream.eof:
                packed = self._stream.unused_data.lstrip(b"\0") or self._file.read(_BLOCK_OCTETS)
                if not packed.lstrip(b"\0"):
                    if not packed:
                        return b""
                    continue  # padding between streams
                self._stream = _xz_stream()
            elif self._stream.needs_input:
                packed = self._file.read(_BLOCK_OCTETS)
                if not packed:
                    raise EOFError("cut short")
            else:
                packed = b""
            if octets := self._stream.decompress(packed, size):
                return octets


def _xz_stream() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_OCTETS_MAX)
