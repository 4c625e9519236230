"""Suggestions that a person has judged and does not want to see again: who, when, why.

One JSON file in a folder of its own, replaced in one step, with a journal beside it of everything
that was done. A dismissed name covers what is below it, and stays dismissed until somebody takes
that back. Nothing here touches a list, the index or the policy.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from blocklists.journal import Journal
from blocklists.suffixes import SuffixGuard
from blocklists.writing import KeepFault, locked, write_whole
from categoriser.names import NameFault, normal

DISMISSALS_MAX: Final = 20_000
TEXT_MAX: Final = 500
"""Characters of a person's name and of a reason."""
FILE_OCTETS_MAX: Final = 32 << 20
FILE: Final = "dismissed.json"
VERSION: Final = 1


class DismissalFault(ValueError):
    """It cannot be done, or the file cannot be used: *where: what was given; what is allowed*."""


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Who dismissed a name, when (POSIX seconds), and why."""

    by: str
    at: float
    reason: str


def read_dismissals(folder: Path) -> dict[str, Dismissal]:
    """What is dismissed, by name in normal form; nothing where there is no file.

    Raises `DismissalFault` for a damaged one: to forget it would put everything back in the queue.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_OCTETS_MAX + 1)
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise DismissalFault(f"{path}: {fault.strerror}; a file that can be read") from None
    try:
        if len(octets) > FILE_OCTETS_MAX:
            raise ValueError(f"more than {FILE_OCTETS_MAX} octets")
        document = json.loads(octets)
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']!r}")
        return {
            normal(name): Dismissal(str(one["by"]), float(one["at"]), str(one["reason"]))
            for name, one in document["names"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        raise DismissalFault(
            f"{path}: {fault!r}; a file that `lychgate suggestions dismiss` wrote; "
            "put back a copy, or remove it to begin anew"
        ) from None


def covering(dismissals: Container[str], name: str) -> str | None:
    """The dismissed name that covers this one (normal form): itself, or one above it."""
    while name not in dismissals:
        _, dot, name = name.partition(".")
        if not dot:
            return None
    return name


def dismiss(folder: Path, name: str, *, by: str, reason: str, at: float) -> str:
    """Take a name out of the queue; gives it in normal form. Raises `DismissalFault`."""
    plain = _checked(name, by, reason)
    wide = SuffixGuard().fault(plain, "domain")
    if wide is not None:
        raise DismissalFault(f"{plain}: {wide}; dismiss one site, such as shop.{plain}")
    with _changing(folder, "dismiss", plain, Dismissal(by.strip(), at, reason.strip())) as names:
        if plain not in names and len(names) >= DISMISSALS_MAX:
            raise DismissalFault(
                f"{plain}: {len(names)} are dismissed; {DISMISSALS_MAX} are allowed"
            )
        names[plain] = Dismissal(by.strip(), at, reason.strip())
    return plain


def undismiss(folder: Path, name: str, *, by: str, reason: str, at: float) -> str:
    """Let a name back into the queue; gives it in normal form. Raises `DismissalFault`."""
    plain = _checked(name, by, reason)
    with _changing(folder, "undismiss", plain, Dismissal(by.strip(), at, reason.strip())) as names:
        if plain not in names:
            above = covering(names, plain)
            known = f"dismissed is {above}" if above else "allowed are names that are dismissed"
            raise DismissalFault(f"{plain}: is not dismissed; {known}")
        del names[plain]
    return plain


@contextmanager
def _changing(
    folder: Path, action: str, name: str, word: Dismissal
) -> Iterator[dict[str, Dismissal]]:
    """The dismissals to change; told to the journal, and written, when nothing is raised. One
    process at a time.
    """
    try:
        folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        with locked(folder, f"{action} {name}", word.at):
            dismissals = read_dismissals(folder)
            yield dismissals
            names = {one: asdict(dismissals[one]) for one in sorted(dismissals)}
            text = json.dumps({"version": VERSION, "names": names}, ensure_ascii=False, indent=1)
            Journal(folder).append(word.at, word.by, action, name, word.reason)
            write_whole(folder / FILE, f"{text}\n")
    except KeepFault as fault:
        raise DismissalFault(str(fault)) from None
    except OSError as fault:
        raise DismissalFault(f"{folder}: {fault.strerror}; a writable folder is needed") from None


def _checked(name: str, by: str, reason: str) -> str:
    """The name in normal form. Raises `DismissalFault` with everything that is wrong."""
    faults = []
    plain = ""
    try:
        plain = normal(name)
    except NameFault as fault:
        faults.append(str(fault))
    for what, text in (("by", by), ("reason", reason)):
        if not text.strip():
            faults.append(f"{what}: nothing is given; say {'who' if what == 'by' else 'why'}")
        elif len(text) > TEXT_MAX:
            faults.append(f"{what}: {len(text)} characters; allowed are {TEXT_MAX}")
    if faults:
        raise DismissalFault("\n".join(faults))
    return plain
