"""What is in an archive: the first member of it, as JSON.

Digests find damage. They are no signature: whoever can write to an archive could write to the store
as well, so archives are kept where only administrators write.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from lychgate.archiving import ArchiveFault
from policy.store.migrations import VERSIONS

FORMAT: Final = 1
"""Raised when an older Lychgate could not read an archive any more."""
NAME: Final = "manifest.json"
MEMBERS_MAX: Final = 20_000
TOTAL_OCTETS_MAX: Final = 64_000_000_000
MANIFEST_OCTETS_MAX: Final = 8_000_000
_PIECE: Final = 1 << 20
_SAFE: Final = re.compile(r"(config|state)(/[A-Za-z0-9_][A-Za-z0-9._:@+=-]{0,199}){1,12}", re.ASCII)


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One file."""

    name: str
    octets: int
    sha256: str
    mode: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """All of it. Times are POSIX seconds."""

    format: int
    lychgate: str
    """The version that made it."""
    made_at: float
    host: str
    store: str
    """`sqlite`, `postgresql`, or nothing where there was no store."""
    store_version: str
    """Of its tables."""
    members: tuple[Member, ...]
    telemetry: bool = False
    lists: bool = False


def read(octets: bytes, where: str) -> Manifest:
    """A manifest that may be believed as far as its own sums go. Raises `ArchiveFault`."""
    try:
        manifest = msgspec.json.decode(octets, type=Manifest)
    except msgspec.MsgspecError as fault:
        raise ArchiveFault(
            f"{where}: its manifest cannot be read ({fault}); use an archive of `lychgate backup`"
        ) from None
    if manifest.format > FORMAT:
        raise ArchiveFault(
            f"{where}: made by Lychgate {_shown(manifest.lychgate)} in form {manifest.format}, and "
            f"this one reads up to {FORMAT}; update this Lychgate"
        )
    if manifest.store_version and manifest.store_version not in VERSIONS:
        raise ArchiveFault(
            f"{where}: its store is of version {_shown(manifest.store_version)}, of a newer "
            f"Lychgate ({_shown(manifest.lychgate)}); this one knows up to {VERSIONS[-1]}, and "
            "would lose what it does not know; update this Lychgate"
        )
    names = [member.name for member in manifest.members]
    bad = [name for name in names if not _SAFE.fullmatch(name)]
    total = sum(member.octets for member in manifest.members)
    if bad:
        raise ArchiveFault(f"{where}: it has a member {_shown(bad[0])}; such a path is never taken")
    if len(set(names)) < len(names) or len(names) > MEMBERS_MAX:
        raise ArchiveFault(f"{where}: members twice, or more than {MEMBERS_MAX:,}; not taken")
    if total > TOTAL_OCTETS_MAX or any(member.octets < 0 for member in manifest.members):
        raise ArchiveFault(f"{where}: it claims {total:,} octets; not taken")
    return manifest


def is_safe(name: str) -> bool:
    """Whether a member may have this name."""
    return _SAFE.fullmatch(name) is not None


def describe(file: Path, name: str) -> Member:
    """The entry of a file. Raises OSError."""
    digest, octets = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            digest.update(piece)
            octets += len(piece)
    return Member(name, octets, digest.hexdigest(), file.stat().st_mode & 0o700)


def _shown(text: str) -> str:
    return repr(text[:80])
