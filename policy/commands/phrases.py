"""Small pieces of sentences that several commands say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from policy.policy import Policy

LISTED_MAX: Final = 6
"""Names that a sentence lists; what is more is counted."""


def joined(words: Iterable[str], most: int = LISTED_MAX) -> str:
    """`a, b and c`; of many the first ones, and how many more."""
    named = list(words)
    if len(named) > most:
        return f"{', '.join(named[:most])} and {len(named) - most} more"
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def profile_title(policy: Policy, profile: str) -> str:
    """A profile's title; its id when it is gone."""
    return policy.profiles[profile].title if profile in policy.profiles else profile
