"""What a list format gives for one line: an entry, or the reason why there is none.

Reasons are a few fixed phrases, so that they can be counted, shown and compared between two
versions of a list.
"""

from __future__ import annotations

from typing import Final, NamedTuple

NOT_A_NAME: Final = "not a domain name"
ADDRESS: Final = "an address, not a name"
PATTERN: Final = "a pattern: only starter lists and rules can hold it"
NOT_A_SINK: Final = "a real address before the name, not a sink such as 0.0.0.0"
TOO_LONG: Final = "line too long"
SINGLE_LABEL: Final = "single label: would block a whole top-level domain"
PUBLIC_SUFFIX: Final = "public suffix: would block every name registered under it"
PRIVATE_SUFFIX: Final = "private suffix: would block unrelated sites of many owners"


class Entry(NamedTuple):
    """One listed name, wire form; `exact` leaves out what is below it. Lines count from 1."""

    line: int
    name: bytes
    exact: bool


class Reject(NamedTuple):
    """One line (or one word of it) that cannot be used."""

    line: int
    text: str
    reason: str
