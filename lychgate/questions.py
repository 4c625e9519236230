"""Record types as people write them: `AAAA`, `HTTPS`, `TYPE65`.

Both `explain` and `query` take one. Knows all types that dnslib knows by name.
"""

from __future__ import annotations

import re

from dnslib import QTYPE

_NUMBERED = re.compile(r"TYPE(\d{1,5})")
_QUERYABLE = range(1, 65536)


def read_type(text: str) -> int:
    """The number of a record type. Raises ValueError as *what was given; what is allowed*."""
    word = text.upper()
    numbered = _NUMBERED.fullmatch(word)
    number = int(numbered[1]) if numbered else QTYPE.reverse.get(word, 0)
    # OPT (41) is part of every message and nothing that can be asked for (RFC 6891).
    if number not in _QUERYABLE or word == "OPT":
        raise ValueError(f"{text!r} is not a record type; use A, AAAA, HTTPS, MX, TXT or TYPE65")
    return number


def type_name(number: int) -> str:
    """The word for a type, or `TYPE65` (RFC 3597)."""
    word: str = QTYPE.forward.get(number, f"TYPE{number}")
    return word
