"""One JSON object on each line, over TCP, TLS or a unix socket: Vector, Fluent Bit, Logstash and
others read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evidence.despatch.connecting import send_stream
from evidence.outward import OutwardSettings, Record

TRANSPORTS: Final = ("tcp", "tls", "unix")


async def send(records: Sequence[Record], settings: OutwardSettings) -> None:
    """Send records. Raises `OutwardFault`."""
    lines = "".join(f"{record.line()}\n" for record in records)
    await send_stream(settings, lines.encode())
