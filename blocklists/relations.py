"""Which categories may honestly hold the same sites.

The overlap gate looks for a list that received part of another one. Between categories that share
sites by their nature an overlap is no sign of that.
"""

from __future__ import annotations

from typing import Final

from categoriser.taxonomy import Taxonomy

SECURITY: Final = frozenset({"malware", "scams"})
"""Publishers draw the line differently: UT1's malware is its phishing, to 99 %."""

NEIGHBOURS: Final = (
    ("adult", "dating", "adult contact sites are both"),
    ("adult", "illegal-abuse", "licensed entries are often hosts that adult lists know"),
    ("chat", "social-media", "most networks have a messenger, and most messengers a network"),
    ("extremism", "illegal-terrorism", "the police list is a part of extremism"),
    ("extremism", "violence-hate", "hate groups are listed as either"),
    ("hacking", "malware", "tools for attacks are often malware themselves"),
    ("hacking", "piracy", "cracked software is both"),
    ("piracy", "streaming", "unlicensed streams are both"),
    ("circumvention", "malware", "open proxies and redirectors are listed as either"),
    ("circumvention", "remote-access", "a remote desktop is also a way out of the network"),
    ("malware", "url-shorteners", "links of unknown end: redirectors are listed as either"),
    ("scams", "url-shorteners", "the same"),
)
"""Pairs, with the reason; each stands for the categories below it as well."""


def related(one: str, other: str, categories: Taxonomy) -> bool:
    """Whether the same site may be listed under both without anything being wrong."""
    first, second = _family(one, categories), _family(other, categories)
    if first & second or {one, other} <= SECURITY:
        return True
    return any(
        (a in first and b in second) or (a in second and b in first) for a, b, _ in NEIGHBOURS
    )


def _family(category: str, categories: Taxonomy) -> set[str]:
    """The category and what it is below: relatives share one of them."""
    return {category, *categories.ancestors(category)}
