"""Pseudonyms of devices, and sealed identities: both hang on a key that is deleted in time. Pure.

A pseudonym is a keyed hash of what is known best of a device. While the key is there, whoever has
the database and knows a device can find its pseudonym; once the key is deleted nobody can, and the
same device under two keys has two pseudonyms that nothing connects.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_OCTETS: Final = 32
PSEUDONYM_OCTETS: Final = 10
SHORT_CHARACTERS: Final = 8
"""Of a pseudonym as people see it."""
_NONCE_OCTETS: Final = 12


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is, as far as it is known."""

    device: str = ""
    """Its id in the policy."""
    hostname: str = ""
    address: str = ""

    @property
    def known_as(self) -> str:
        """What is known best: the device, else the host name at its address, else the address."""
        return next(iter(self.ways), "")

    @property
    def ways(self) -> tuple[str, ...]:
        """Everything it may have been known as, the best first.

        A host name is what a machine says of itself, and many phones say the same: by itself it
        would make several devices one, and show anybody who takes a name what its owner asked.
        """
        host = f"{self.hostname} {self.address}" if self.hostname and self.address else ""
        found = (("device", self.device), ("host", host), ("address", self.address))
        return tuple(f"{kind}:{value}" for kind, value in found if value)


@dataclass(frozen=True, slots=True)
class Key:
    """The secret of a stretch of time."""

    id: int
    secret: bytes
    since: float
    until: float

    def pseudonym(self, known_as: str) -> str:
        """The pseudonym of a device, in hexadecimal."""
        digest = blake2b(
            known_as.encode("utf-8", "backslashreplace"),
            digest_size=PSEUDONYM_OCTETS,
            key=self.secret,
            person=b"pseudonym",
        )
        return digest.hexdigest()

    def seal(self, pseudonym: str, identity: Identity) -> bytes:
        """An identity that only this key opens, and only for this pseudonym."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        plain = msgspec.json.encode(identity)
        return nonce + self._cipher().encrypt(nonce, plain, pseudonym.encode())

    def open(self, pseudonym: str, sealed: bytes) -> Identity:
        """The identity again. Raises ValueError when it is damaged, or another key's."""
        nonce, rest = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
        try:
            plain = self._cipher().decrypt(nonce, rest, pseudonym.encode())
            return msgspec.json.decode(plain, type=Identity)
        except (InvalidTag, ValueError) as error:
            raise ValueError("the identity cannot be opened: it is damaged") from error

    def _cipher(self) -> AESGCM:
        derived = blake2b(digest_size=32, key=self.secret, person=b"identity")
        return AESGCM(derived.digest())


def new_secret() -> bytes:
    """A secret for a new key."""
    return secrets.token_bytes(SECRET_OCTETS)
