"""Passwords: which are good enough, and how they are kept (argon2id, RFC 9106).

Long rather than strange (NIST SP 800-63B, NCSC): 12 characters or more, none of those that people
try first, none made of one's own name. No rule about digits, no change for the sake of change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CHARACTERS_MIN: Final = 12
CHARACTERS_MAX: Final = 200
"""Longer ones would only cost us work."""
DIFFERENT_MIN: Final = 5
"""Different characters."""
AT_A_TIME_MAX: Final = 2
"""Passwords hashed at a time: each takes 64 MiB and some 0.1 s of a core."""


class Passwords:
    """Hashes and verifies, off the loop and few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher` is argon2id with the parameters of RFC 9106 (second choice) when None."""
        self._hasher: Final = hasher or PasswordHasher()
        self._turns: Final = asyncio.Semaphore(AT_A_TIME_MAX)
        self._nobody: Final = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """How a password is kept."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password. Takes as long when there is none (`kept` is None)."""
        if len(password) > CHARACTERS_MAX:
            return False
        async with self._turns:
            right = await asyncio.to_thread(self._is_right, kept or self._nobody, password)
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether it was kept with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _is_right(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def weakness(password: str, names: Sequence[str] = ()) -> str | None:
    """Why a password is not good enough, as a key of `words/`; None when it is.

    `names` are what the person is called: id, name, e-mail address.
    """
    if len(password) < CHARACTERS_MIN:
        return "password.short"
    if len(password) > CHARACTERS_MAX:
        return "password.long"
    folded = password.casefold()
    if len(set(folded)) < DIFFERENT_MIN:
        return "password.same"
    plain = "".join(letter for letter in folded if letter.isalnum())
    if plain in _common() or plain.rstrip("0123456789") in _common():
        return "password.common"
    for name in names:
        part = name.casefold().partition("@")[0]
        if len(part) >= 4 and len(folded.replace(part, "")) < CHARACTERS_MIN // 2:
            return "password.name"
    return None


@cache
def _common() -> frozenset[str]:
    text = files("portal.accounts").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)
