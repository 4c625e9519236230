"""syslog as RFC 5424 has it: over a unix socket, UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).

The message is JSON; the structured data repeats the few words to sort by. The number in its name is
the one that RFC 5612 keeps for examples: Lychgate has none of its own.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from evidence.despatch.connecting import send_datagrams, send_stream
from evidence.outward import OutwardSettings, Record

TRANSPORTS: Final = ("unix", "udp", "tcp", "tls")
FACILITY: Final = 16
"""local0."""
WARNING, INFORMATIONAL = 4, 6
STRUCTURED: Final = "lychgate@32473"
VALUE_CHARACTERS_MAX: Final = 300
HOST_CHARACTERS_MAX: Final = 255


async def send(records: Sequence[Record], settings: OutwardSettings) -> None:
    """Send records. Raises `OutwardFault`."""
    host = socket.gethostname()
    messages = [message(record, host, os.getpid()).encode() for record in records]
    if settings.to.transport in ("udp", "unix"):
        await send_datagrams(settings, messages)
        return
    # Octet counting, RFC 6587 3.4.1: no octet in a message can end it.
    await send_stream(settings, b"".join(b"%d %s" % (len(one), one) for one in messages))


def message(record: Record, host: str, process_id: int) -> str:
    """One message: printable ASCII."""
    severity = WARNING if record.grave else INFORMATIONAL
    moment = datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds")
    words = " ".join(
        f'{name}="{_escaped(value)}"' for name, value in record.labels.items() if value
    )
    return (
        f"<{FACILITY * 8 + severity}>1 {moment.replace('+00:00', 'Z')} {_word(host)} lychgate "
        f"{process_id} {_word(record.kind)} [{STRUCTURED}{' ' if words else ''}{words}] "
        f"{record.line()}"
    )


def _escaped(value: str) -> str:
    """A value of structured data: RFC 5424 6.3.3. What is not printable ASCII is left out."""
    plain = re.sub(r"[^ -~]", "?", value[:VALUE_CHARACTERS_MAX])
    return re.sub(r'(["\\\]])', r"\\\1", plain)


def _word(text: str) -> str:
    return re.sub(r"[^!-~]", "", text)[:HOST_CHARACTERS_MAX] or "-"
