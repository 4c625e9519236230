"""The second factor: codes of an app (TOTP, RFC 6238), recovery codes for a lost phone."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

import pyotp
import segno

STEP_SECONDS: Final = 30
STEPS_AROUND: Final = 1
"""A clock may be so many steps early or late."""
RECOVERY_CODES: Final = 10
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that reads like something else
_GROUPS: Final = 4
_LETTERS: Final = 4


def new_seed() -> str:
    """A new seed in base32: 160 bits, as RFC 4226 wants."""
    return pyotp.random_base32()


def used_step(seed: str, code: str, at: float, last_step: int) -> int | None:
    """The time step of a right code that was not used before; None for a wrong one.

    Steps up to `last_step` are over: a code that somebody watched is good for nothing.
    """
    typed = "".join(code.split())
    now = int(at) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        right = totp.at(step * STEP_SECONDS)
        if hmac.compare_digest(right.encode(), typed.encode()) and step > last_step:
            return step
    return None


def address_of(seed: str, person: str, issuer: str) -> str:
    """The otpauth address that an app reads from a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=person, issuer_name=issuer)


def qr_code(text: str, title: str) -> str:
    """A QR code as SVG for a page; `title` is for who cannot see it."""
    return segno.make(text, error="m").svg_inline(scale=5, border=2, title=title)


def new_recovery_codes() -> list[str]:
    """Codes of 79 bits each, as people write them down: `ABCD-EFGH-JKMN-PQRS`."""
    return [
        "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]


def recovery_code(typed: str) -> str | None:
    """A recovery code as it is kept, from what somebody typed; None when it cannot be one."""
    letters = [letter for letter in typed.upper() if letter.isalnum()]
    if len(letters) != _GROUPS * _LETTERS or not set(letters) <= set(_ALPHABET):
        return None
    text = "".join(letters)
    return "-".join(text[i : i + _LETTERS] for i in range(0, len(text), _LETTERS))
