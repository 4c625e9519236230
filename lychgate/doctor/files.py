"""Who owns the files, and who may read them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lychgate.doctor import Finding, Patient

LOOKS_FOR = "Files that the service cannot read or write, and secrets that everybody can read."
FILES_MAX = 20_000


def check(patient: Patient) -> Iterator[Finding]:
    """The state folder belongs to one account; nobody else reads databases and keys."""
    configuration = patient.configuration
    if configuration is None:
        return
    folder = configuration.state_directory
    if not folder.is_dir():
        return
    owner, group = folder.stat().st_uid, folder.stat().st_gid
    # Set so by the package: resolver, recorder and portal have accounts of their own there.
    is_shared = bool(folder.stat().st_mode & stat.S_ISGID)
    accounts = {owner, *(_accounts(group) if is_shared else ())}
    if os.geteuid() not in (0, owner) or not os.access(folder, os.W_OK):
        yield Finding(
            "note",
            f"{folder}: belongs to {_name(owner)}; this account sees less of it",
            "some checks need that account or root",
            ("sudo lychgate doctor" + patient.file,),
        )
    strangers: list[Path] = []
    open_to_all: list[Path] = []
    for path, _ in zip(_below(folder), range(FILES_MAX), strict=False):
        found = path.lstat()
        if is_shared and found.st_gid == group and found.st_mode & 0o040:
            pass
        elif found.st_uid not in accounts and (found.st_uid != 0 or path.parent == folder):
            strangers.append(path)
        is_secret = path.suffix in (".db", ".key", ".pem", ".gz") or "key" in path.name
        if is_secret and stat.S_ISREG(found.st_mode) and found.st_mode & 0o007:
            open_to_all.append(path)
    if strangers:
        yield Finding(
            "fault",
            f"{_shown(strangers)}: not of {_name(owner)}, who owns {folder}",
            "the service cannot write there: decisions or lists are not kept",
            (f"chown -R {_name(owner)}: {folder}",),
        )
    if open_to_all:
        yield Finding(
            "warning",
            f"{_shown(open_to_all)}: everybody on this machine can read it",
            "it holds accounts, keys, or who asked for what",
            (f"chmod -R o-rwx {folder}",),
        )
    if not strangers and not open_to_all:
        yield Finding("good", f"{folder}: of {_name(owner)} alone")


def _below(folder: Path) -> Iterator[Path]:
    for place, _, files in os.walk(folder):
        yield from (Path(place) / name for name in files)


def _accounts(group: int) -> Iterator[int]:
    """The accounts of a group: each may have files there that the others do not read."""
    with suppress(KeyError):
        for name in grp.getgrgid(group).gr_mem:
            yield pwd.getpwnam(name).pw_uid


def _shown(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
