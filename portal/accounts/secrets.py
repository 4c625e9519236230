"""Random secrets, how they are kept, and how they are compared.

Secrets that we make up have 128 bits or more: a plain SHA-256 of them tells nobody anything.
Passwords, which people make up, are `portal.accounts.passwords`' matter.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

SECRET_OCTETS: Final = 32


def new_secret() -> str:
    """A new one, fit for cookies and URLs."""
    return secrets.token_urlsafe(SECRET_OCTETS)


def new_id() -> str:
    """A short random id that may be shown."""
    return secrets.token_hex(4)


def digest_of(secret: str) -> str:
    """How a secret is kept: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
