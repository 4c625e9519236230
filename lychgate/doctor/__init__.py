"""What is wrong with an installation, why that matters, and the command that mends it.

One module of this folder is one check; its file name is its word. A module has `LOOKS_FOR`, one
sentence, and `check(patient)`, which yields findings, asks as little as it can, changes nothing,
and is bounded in time. To add a check, add a file here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from lychgate.config import Configuration

CHECKS: Final[tuple[str, ...]] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""The words of all checks."""
FINDINGS_MAX: Final = 40
"""Findings of one check that are told."""

Level = Literal["fault", "warning", "note", "good"]


@dataclass(frozen=True)
class Finding:
    """One thing found."""

    level: Level
    what: str
    why: str = ""
    """Why it matters, to people."""
    mend: tuple[str, ...] = ()
    """Commands, or what to do; in order."""
    check: str = ""
    """The word of the check; set by `examine`."""


@dataclass(frozen=True)
class Patient:
    """What is looked at."""

    configuration: Configuration | None
    """None when the settings cannot be read."""
    faults: tuple[str, ...]
    """What is wrong with the settings."""
    at: float
    """Now, in POSIX seconds."""

    @property
    def file(self) -> str:
        """The settings, as an option for commands."""
        configuration = self.configuration
        if configuration is None or configuration.file is None:
            return ""
        return f" --config {configuration.file}"


def examine(patient: Patient, only: Collection[str] = CHECKS) -> Iterator[Finding]:
    """Run the checks, one after the other; a check that fails itself is a finding."""
    for word in CHECKS:
        if word in only:
            yield from _run(word, patient)


def looks_for(word: str) -> str:
    """What a check looks for."""
    said: str = _module(word).LOOKS_FOR
    return said


def _run(word: str, patient: Patient) -> Iterator[Finding]:
    module = _module(word)
    if patient.configuration is None and not getattr(module, "WITHOUT_SETTINGS", False):
        return
    try:
        for finding, _ in zip(module.check(patient), range(FINDINGS_MAX), strict=False):
            yield Finding(finding.level, finding.what, finding.why, finding.mend, word)
    except Exception as fault:  # whatever is broken here must not hide what the others find
        said = f"{type(fault).__name__}: {fault}"
        yield Finding("warning", f"this check could not be done ({said[:200]})", check=word)


def _module(word: str) -> Any:
    return import_module(f"{__name__}.{word}")
