"""Names to test with: the lists that ship, the published lists in use, what people decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Final

from blocklists import starters
from blocklists.sheets import read_keys, rule_of
from blocklists.sources import SourceFault
from categoriser.names import NameFault, from_text, to_text
from evidence.checks.own import OwnName
from evidence.checks.planning import Material
from lychgate.config import Configuration
from lychgate.listing import Listing
from policy.policy import Policy
from resolver.safesearch import SEARCH, YOUTUBE
from resolver.special import CANARIES

LIST_KEYS_MAX: Final = 300
"""Entries at the beginning of each published list that are chosen from."""
SHEETS_MAX: Final = 40
ENDED_DAYS: Final = 30


def material_of(
    policy: Policy, configuration: Configuration, own: Sequence[OwnName], venue: str, at: float
) -> Material:
    """What there is to test with at a venue."""
    return Material(
        starters=starter_names(),
        lists=list_names(configuration),
        essentials=[one.text for one in policy.essentials if one.kind == "domain"],
        search=engines(),
        youtube=tuple(map(to_text, YOUTUBE["strict"])),
        canaries={to_text(name): matches[0].category for name, matches in CANARIES.items()},
        blocked=[one.name for one in own if one.expected == "blocked"],
        opened=[one.name for one in own if one.expected == "open"],
        ended=ended_sites(policy, venue, at),
    )


@cache
def starter_names() -> Mapping[str, Sequence[str]]:
    """Whole names of the lists that ship, by category."""
    found: dict[str, Sequence[str]] = {}
    for file in starters.list_files():
        category = file.name.removesuffix(".txt")
        text = file.read_text(encoding="utf-8")
        read = starters.read_list(text, category, file.name, [])
        found[category] = tuple(
            pattern.text for pattern, _ in read if pattern.kind == "domain" and "." in pattern.text
        )
    return found


def list_names(configuration: Configuration) -> Mapping[tuple[str, str], Sequence[str]]:
    """Some whole names of each category of each published list in use."""
    found: dict[tuple[str, str], Sequence[str]] = {}
    with suppress(SourceFault, OSError, ValueError):  # told by `freshness`
        for part in Listing(configuration).parts()[:SHEETS_MAX]:
            keys = islice(read_keys(part.entries), LIST_KEYS_MAX)
            rules = (rule_of(key) for key in keys if not key.endswith(("*", "!")))
            found[(part.source_id, part.category)] = tuple(rule for rule in rules if _is_name(rule))
    return found


@cache
def engines() -> Mapping[str, str]:
    """One name for each search engine, with its strict host."""
    found: dict[bytes, bytes] = {}
    for name, strict in SEARCH.items():
        found.setdefault(strict, name)
    return {to_text(name): to_text(strict) for strict, name in found.items()}


def ended_sites(policy: Policy, venue: str, at: float) -> tuple[str, ...]:
    """Sites that an exception opened at a venue and that ended lately, the last first."""
    ended = [
        one
        for one in policy.exceptions
        if at - ENDED_DAYS * 86_400 < one.until <= at and _concerns(one.where, venue)
    ]
    ended.sort(key=lambda one: -one.until)
    return tuple(
        dict.fromkeys(site.text for one in ended for site in one.sites if site.kind == "domain")
    )


def _concerns(where: str, venue: str) -> bool:
    return where in ("organisation", f"venue:{venue}") or where.startswith(f"room:{venue}/")


def _is_name(rule: str) -> bool:
    try:
        from_text(rule)
    except NameFault:
        return False
    return "." in rule
