"""Opens an archive, which may be damaged or hostile: nothing is written outside the folder given.

Only regular files that the manifest names, each with the size and digest it says; no links, no
devices, no paths upwards, nothing twice, nothing more.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from pathlib import Path
from typing import Final

from lychgate.archiving import ArchiveFault, manifest
from lychgate.archiving.manifest import Manifest, Member

_PIECE: Final = 1 << 20


def unpack(archive: Path, folder: Path) -> Manifest:
    """Write everything in `archive` below `folder`, a new one. Raises `ArchiveFault`, OSError."""
    folder.mkdir(mode=0o700)
    try:
        # A stream: no seeking about, and no more of it read than is wanted.
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as tar:
            return _read_all(tar, folder, str(archive))
    except (tarfile.TarError, EOFError, zlib.error, OverflowError, ValueError) as fault:
        raise ArchiveFault(
            f"{archive}: damaged, or no archive of `lychgate backup` ({_first_line(fault)})"
        ) from None
    except OSError as fault:
        if fault.errno is None:  # gzip's own
            raise ArchiveFault(f"{archive}: damaged, or no archive ({fault})") from None
        raise


def peek(archive: Path) -> Manifest:
    """What an archive says of itself; nothing else of it is read. Raises as `unpack`."""
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as tar:
            return _manifest(tar, str(archive))
    except (tarfile.TarError, EOFError, zlib.error, OverflowError, ValueError) as fault:
        raise ArchiveFault(
            f"{archive}: damaged, or no archive of `lychgate backup` ({_first_line(fault)})"
        ) from None
    except OSError as fault:
        if fault.errno is None:
            raise ArchiveFault(f"{archive}: damaged, or no archive ({fault})") from None
        raise


def _manifest(tar: tarfile.TarFile, where: str) -> Manifest:
    head = tar.next()
    wrong = f"{where}: it does not begin with a manifest; use an archive of `lychgate backup`"
    if head is None or head.name != manifest.NAME or not head.isreg():
        raise ArchiveFault(wrong)
    if head.size > manifest.MANIFEST_OCTETS_MAX:
        raise ArchiveFault(f"{where}: a manifest of {head.size:,} octets; not taken")
    opened = tar.extractfile(head)
    if opened is None:
        raise ArchiveFault(wrong)
    return manifest.read(opened.read(manifest.MANIFEST_OCTETS_MAX), where)


def _read_all(tar: tarfile.TarFile, folder: Path, where: str) -> Manifest:
    made = _manifest(tar, where)
    wanted = {member.name: member for member in made.members}
    while (head := tar.next()) is not None:
        member = wanted.pop(head.name, None)
        if member is None:
            raise ArchiveFault(f"{where}: {head.name[:80]!r} is not in its manifest, or is twice")
        if not head.isreg() or head.issparse():
            raise ArchiveFault(f"{where}: {head.name[:80]!r} is no plain file; not taken")
        if head.size != member.octets:
            raise ArchiveFault(f"{where}: {head.name[:80]!r} has another size than it should")
        _write(tar, head, member, folder, where)
    if wanted:
        raise ArchiveFault(f"{where}: {next(iter(wanted))!r} is missing; use another archive")
    return made


def _write(
    tar: tarfile.TarFile, head: tarfile.TarInfo, member: Member, folder: Path, where: str
) -> None:
    target = folder / member.name  # a name that the manifest's own check let through
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = tar.extractfile(head)
    if opened is None:
        raise ArchiveFault(f"{where}: {member.name!r} cannot be read")
    digest = hashlib.sha256()
    mode = member.mode & 0o700 | 0o600
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as out:
        while piece := opened.read(_PIECE):
            digest.update(piece)
            out.write(piece)
    if digest.hexdigest() != member.sha256:
        raise ArchiveFault(f"{where}: {member.name!r} is damaged; use another archive")


def _first_line(fault: BaseException) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0][:120]
