"""Frame Streams: how dnstap messages travel, over a unix socket or TCP, with a handshake.

Blocking: for a thread of its own. The other side is a receiver that somebody runs; it may be slow,
gone or hostile, so that whatever it says is bounded, and every wait ends.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

CONTENT_TYPE: Final = b"protobuf:dnstap.Dnstap"
CONNECT_SECONDS_MAX: Final = 5.0
SEND_SECONDS_MAX: Final = 5.0
"""A receiver that takes nothing for so long is given up."""
FINISH_SECONDS_MAX: Final = 0.5
CONTROL_OCTETS_MAX: Final = 512
"""Of a control frame, as the reference implementation has it."""
WRITE_OCTETS: Final = 1 << 16
"""Frames are gathered up to this size."""

ACCEPT: Final = 1
START: Final = 2
STOP: Final = 3
READY: Final = 4
FINISH: Final = 5
_TWO: Final = struct.Struct(">II")
_LENGTH: Final = struct.Struct(">I")
_ALLOWED: Final = "unix:/PATH, or tcp://ADDRESS:PORT as in tcp://127.0.0.1:6000"


class FrameFault(Exception):
    """The receiver does not speak Frame Streams, or does not take dnstap."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go: a unix socket, or an address and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return (
            f"tcp://[{self.host}]:{self.port}"
            if ":" in self.host
            else f"tcp://{self.host}:{self.port}"
        )

    def connect(self) -> socket.socket:
        """A connection. Raises OSError."""
        if not self.path:
            return socket.create_connection((self.host, self.port), CONNECT_SECONDS_MAX)
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(CONNECT_SECONDS_MAX)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        return sock


def parse_receiver(text: str) -> Receiver:
    """Read `unix:PATH` or `tcp://ADDRESS:PORT`. Raises ValueError: what was given; what is allowed.

    An address, no name: to look one up we might have to ask ourselves.
    """
    refused = ValueError(f'"{text}" is no receiver of dnstap; use {_ALLOWED}')
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path or "\0" in path or len(path.encode()) > 100:
            raise refused
        return Receiver(path=path)
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
        bracketed = host.startswith("[") == (address.version == 6)
        number = int(port) if port.isascii() and port.isdecimal() else 0
    except ValueError:
        raise refused from None
    if not (text.startswith("tcp://") and colon and bracketed and 0 < number < 65536):
        raise refused
    return Receiver(host=str(address), port=number)


class FrameStream:
    """One connection, ready for frames once it is made."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock: Final = sock
        self._gathered: Final = bytearray()

    @classmethod
    def open(cls, receiver: Receiver) -> FrameStream:
        """Connect and shake hands. Raises OSError, `FrameFault`."""
        sock = receiver.connect()
        try:
            sock.settimeout(CONNECT_SECONDS_MAX)
            sock.sendall(control(READY))
            _expect(sock, ACCEPT)
            sock.settimeout(SEND_SECONDS_MAX)
            sock.sendall(control(START))
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def add(self, frame: bytes) -> None:
        """Send a frame, soon. Raises OSError."""
        gathered = self._gathered
        gathered += _LENGTH.pack(len(frame))
        gathered += frame
        if len(gathered) >= WRITE_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered. Raises OSError: of that nobody knows how much arrived."""
        if self._gathered:
            octets = bytes(self._gathered)
            self._gathered.clear()
            self._sock.sendall(octets)

    def is_gone(self) -> bool:
        """Whether the receiver closed. (Over TCP the first write after that would seem to work.)"""
        looking = select.poll()
        looking.register(self._sock, select.POLLIN)
        if not looking.poll(0):  # `recv` itself would wait as long as the socket's timeout is
            return False
        try:
            return self._sock.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def close(self, *, politely: bool) -> None:
        """End it; politely: say so, and wait a moment for the receiver to have read everything."""
        with contextlib.suppress(OSError, FrameFault):
            if politely:
                self._sock.settimeout(FINISH_SECONDS_MAX)
                self.flush()
                self._sock.sendall(control(STOP))
                _expect(self._sock, FINISH)
        self._sock.close()


def control(kind: int) -> bytes:
    """A control frame of ours."""
    field = b"" if kind in (STOP, FINISH) else _TWO.pack(1, len(CONTENT_TYPE)) + CONTENT_TYPE
    return _TWO.pack(0, 4 + len(field)) + _LENGTH.pack(kind) + field


def _expect(sock: socket.socket, kind: int) -> None:
    """Read a control frame. Raises `FrameFault` when it is another one, OSError."""
    escape, length = _TWO.unpack(_exactly(sock, 8))
    if escape or not 4 <= length <= CONTROL_OCTETS_MAX:
        raise FrameFault("the receiver does not speak Frame Streams")
    frame = _exactly(sock, length)
    if _LENGTH.unpack_from(frame)[0] != kind:
        raise FrameFault(f"control frame {_LENGTH.unpack_from(frame)[0]} instead of {kind}")
    types = list(_content_types(frame))
    if types and CONTENT_TYPE not in types:
        raise FrameFault("the receiver takes other things than dnstap")


def _content_types(frame: bytes) -> list[bytes]:
    found, at = [], 4
    while at + 8 <= len(frame):
        field, length = _TWO.unpack_from(frame, at)
        if field == 1:
            found.append(frame[at + 8 : at + 8 + length])
        at += 8 + length
    return found


def _exactly(sock: socket.socket, octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        more = sock.recv(octets - len(found))
        if not more:
            raise FrameFault("the receiver closed the connection")
        found += more
    return found


def make_absolute(receiver: Receiver, folder: Path) -> Receiver:
    """The same, with a relative path counted from a folder."""
    return Receiver(path=str(folder / receiver.path)) if receiver.path else receiver
