"""Tokens in the forms of the block page: only whoever saw the page can send them.

There are no sessions here. A token is bound to the address that saw the page and to the site it is
about, and ends soon; the key dies with the process. A page of another site can make a browser send
a form, and cannot read the token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

TOKEN_SECONDS: Final = 1800
"""How long a page may stay open before its forms are refused."""
TOKEN_CHARACTERS_MAX: Final = 120
_KEY_OCTETS: Final = 32


class Tokens:
    """Makes and checks tokens."""

    def __init__(self, key: bytes | None = None) -> None:
        """`key`: for tests; a new one by default."""
        self._key: Final = key or secrets.token_bytes(_KEY_OCTETS)

    def make(self, address: str, name: str, at: float) -> str:
        """A token for one address and one name, good until `TOKEN_SECONDS` after `at`."""
        until = f"{int(at) + TOKEN_SECONDS}"
        return f"{until}.{self._digest(address, name, until)}"

    def holds(self, token: str, address: str, name: str, at: float) -> bool:
        """Whether a token was made for these and has not ended."""
        until, _, digest = token[:TOKEN_CHARACTERS_MAX].partition(".")
        if not (until.isascii() and until.isdigit()) or not digest.isascii():
            return False
        if not hmac.compare_digest(self._digest(address, name, until), digest):
            return False
        return at < int(until)

    def _digest(self, address: str, name: str, until: str) -> str:
        said = "\0".join((address, name, until)).encode("utf-8", "backslashreplace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()
