"""What a list format gives for one line: an entry, or the reason why there is none.

Reasons are a few fixed phrases, so that they can be counted, shown and compared between two
versions of a list. They come in three sets: `FAULTS` are broken lines, and many of them mean a
broken list; `SKIPS` are sound lines that a filter of names cannot use; `QUARANTINE` holds names so
wide that blocking them would take away other people's sites.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

NOT_A_NAME: Final = "not a domain name"
NOT_A_SINK: Final = "a real address before the name, not a sink such as 0.0.0.0"
NOT_A_LINE: Final = "not a line of this format"
TOO_LONG: Final = "line too long"
FAULTS: Final = frozenset({NOT_A_NAME, NOT_A_SINK, NOT_A_LINE, TOO_LONG})

ADDRESS: Final = "an address, not a name"
PATTERN: Final = "a pattern: only starter lists and rules can hold it"
NOT_FOR_DNS: Final = "a rule for parts of pages, which DNS does not see"
OTHER_ACTION: Final = "neither a block nor an exception"
NO_CATEGORY: Final = "its word for the category is given none of ours"
SKIPS: Final = frozenset({ADDRESS, PATTERN, NOT_FOR_DNS, OTHER_ACTION, NO_CATEGORY})

SINGLE_LABEL: Final = "single label: would block a whole top-level domain"
PUBLIC_SUFFIX: Final = "public suffix: would block every name registered under it"
PRIVATE_SUFFIX: Final = "private suffix: would block unrelated sites of many owners"
QUARANTINE: Final = frozenset({SINGLE_LABEL, PUBLIC_SUFFIX, PRIVATE_SUFFIX})

Scope = Literal["domain", "exact", "below"]
"""What an entry covers: the name and all below it; the name alone; what is below it alone."""


class Entry(NamedTuple):
    """One listed name. Lines count from 1.

    `name` is as `categoriser.names.normal` writes it. `allow`: an exception of this list from its
    own entries. `label`: the list's word for the category, in formats that carry several.
    """

    line: int
    name: str
    scope: Scope = "domain"
    allow: bool = False
    label: str = ""


class Reject(NamedTuple):
    """One line (or one word of it) that cannot be used."""

    line: int
    text: str
    reason: str
