"""What is written about one source: its state, and its versions with the verdict on each.

Only the shape of the files and how they are read, with no trust in what is in them; what happens
to them is the business of `blocklists.keeping`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

from blocklists.gates import Excused, Finding
from blocklists.reading import Reading
from blocklists.writing import write_whole

READING: Final = "reading.json"
VERDICT: Final = "verdict.json"
_STAMP: Final = "%Y%m%dT%H%M%SZ"

Verdict = Literal["kept", "held", "refused"]


@dataclass(frozen=True, slots=True)
class ShelfState:
    """What is true of one source now. Times are POSIX seconds, 0: never.

    `current` and `held` are version ids. `sha256` is of the octets seen last, `definition` stands
    for the settings they were read with; both unchanged means nothing to do. `checked_at` is when
    the publisher was last heard, `changed_at` when `current` was fetched. `findings` are of the
    held version, or of octets that were no list at all. `refused` is the checksum of a version
    that a person went back from.
    """

    current: str | None = None
    held: str | None = None
    etag: str = ""
    last_modified: str = ""
    stamp: str = ""
    sha256: str = ""
    definition: str = ""
    checked_at: float = 0.0
    changed_at: float = 0.0
    next_at: float = 0.0
    failures: int = 0
    problem: str = ""
    findings: tuple[Finding, ...] = ()
    excused: Excused = field(default_factory=Excused)
    refused: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "findings": [finding.to_json() for finding in self.findings],
            "excused": self.excused.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ShelfState:
        """Raises KeyError, TypeError or ValueError for what `to_json` did not write."""
        findings = tuple(Finding.from_json(finding) for finding in value["findings"])
        excused = Excused.from_json(value["excused"])
        state = cls(**{**value, "findings": findings, "excused": excused})
        for name, kind in _KINDS.items():
            if not isinstance(getattr(state, name), kind):
                raise ValueError(f"{name} = {getattr(state, name)!r}")
        return state


_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("current", "held"), str | None),
    **dict.fromkeys(("checked_at", "changed_at", "next_at"), int | float),
    **dict.fromkeys(("etag", "last_modified", "stamp", "sha256", "definition"), str),
    **dict.fromkeys(("problem", "refused"), str),
    "failures": int,
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version on disk. `at` is when it was fetched, in POSIX seconds. `excused` is what a
    person excused by then.
    """

    id: str
    folder: Path
    at: float
    verdict: Verdict
    findings: tuple[Finding, ...]
    excused: Excused

    def reading(self) -> Reading | None:
        """What was found when it was read; None if that file is damaged."""
        return read_reading(self.folder)


def version_id(at: float, sha256: str) -> str:
    """The name of a version: ids sort by time."""
    return f"{datetime.fromtimestamp(int(at), UTC).strftime(_STAMP)}-{sha256[:8]}"


def read_version(folder: Path) -> Version | None:
    """The version in this folder; None if it is not there or is damaged."""
    try:
        at = datetime.strptime(folder.name[:16], _STAMP).replace(tzinfo=UTC).timestamp()
        verdict = json.loads((folder / VERDICT).read_text("utf-8"))
        findings = tuple(Finding.from_json(finding) for finding in verdict["findings"])
        excused = Excused.from_json(verdict["excused"])
        word = verdict["verdict"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if word not in get_args(Verdict):
        return None
    return Version(folder.name, folder, at, word, findings, excused)


def read_reading(folder: Path) -> Reading | None:
    """What was found in the version in this folder; None if nobody has said, or not legibly."""
    try:
        return Reading.from_json(json.loads((folder / READING).read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return None


def write_verdict(
    folder: Path,
    verdict: Verdict,
    findings: Sequence[Finding] = (),
    excused: Excused = Excused(),  # noqa: B008  # frozen
) -> None:
    """What became of the version in this folder. Raises `KeepFault`."""
    words = [finding.to_json() for finding in findings]
    document = {"verdict": verdict, "findings": words, "excused": excused.to_json()}
    write_whole(folder / VERDICT, json.dumps(document, indent=1) + "\n")
