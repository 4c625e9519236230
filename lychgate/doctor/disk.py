"""Room on the disk of the state folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Final

from lychgate.doctor import Finding, Patient

LOOKS_FOR = "A disk that is full, or soon will be."
FULL_OCTETS: Final = 50_000_000
LOW_OCTETS: Final = 1_000_000_000
LOW_SHARE: Final = 0.05
FILES_LOW_SHARE: Final = 0.02


def check(patient: Patient) -> Iterator[Finding]:
    """Octets and files that are left."""
    if patient.configuration is None:
        return
    folder = patient.configuration.state_directory
    if not folder.exists():
        yield Finding(
            "note",
            f"{folder}: not there yet; made at the first start",
            "there is no store and no index in it",
            (f"lychgate init{patient.file}",),
        )
        return
    room = shutil.disk_usage(folder)
    files = os.statvfs(folder)
    where = f"{folder}: {room.free / 1e9:.1f} of {room.total / 1e9:.1f} GB free"
    mend = (
        f"du -xh --max-depth=2 {folder} | sort -h | tail",
        "journalctl --vacuum-size=200M",
        "apt-get clean",
    )
    why = "no decision can be kept, and lists stay as they are; answers continue"
    if room.free < FULL_OCTETS or (files.f_files and not files.f_favail):
        yield Finding("fault", where, why, mend)
    elif room.free < min(LOW_OCTETS, room.total * LOW_SHARE) or (
        files.f_files and files.f_favail < files.f_files * FILES_LOW_SHARE
    ):
        yield Finding("warning", where, why, mend)
    else:
        yield Finding("good", where)
