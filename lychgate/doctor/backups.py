"""Whether there is an archive to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from lychgate.archiving.migrating import BACKUPS, read_note
from lychgate.archiving.rotation import made_at
from lychgate.doctor import Finding, Patient

LOOKS_FOR = "No archive of the last eight days; a migration that has not proved itself yet."
OLD_SECONDS: Final = 8 * 86_400


def check(patient: Patient) -> Iterator[Finding]:
    """The newest archive in the usual folder."""
    configuration = patient.configuration
    if configuration is None:
        return
    folder = configuration.state_directory / BACKUPS
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    newest = max((at for name in names if (at := made_at(name)) is not None), default=None)
    mend = (
        f"lychgate backup{patient.file}",
        f"lychgate backup /mnt/elsewhere{patient.file}   # one copy in another building",
    )
    why = "a broken disk takes every decision, account and audit entry with it"
    if newest is None:
        yield Finding("warning", f"{folder}: no archive", why, mend)
    elif patient.at - newest.timestamp() > OLD_SECONDS:
        yield Finding("warning", f"{folder}: the newest archive is of {newest:%Y-%m-%d}", why, mend)
    else:
        yield Finding("good", f"{folder}: the newest archive is of {newest:%Y-%m-%d}")
    note = read_note(configuration)
    if note is not None:
        on = datetime.fromtimestamp(note.at, UTC)
        yield Finding(
            "note",
            f"the store came from version {note.before} to {note.after} on {on:%Y-%m-%d}, and "
            "nobody has said yet that it works",
            "the way back is kept until then",
            (
                f"lychgate migrate --ready-within 30{patient.file}",
                f"lychgate migrate --undo{patient.file}   # go back",
            ),
        )
