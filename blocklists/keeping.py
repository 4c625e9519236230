"""What is kept of each source on disk: its versions, which one filters, and why.

```
<root>/SOURCE/state.json                        what is true now; replaced in one step
<root>/SOURCE/versions/20261121T101500Z-1a2b3c4d/
    raw  reading.json  verdict.json  CATEGORY.entries  CATEGORY.allows
<root>/journal.jsonl                            who did what, and why
```

A version is `kept` (it filters, or did), `held` (a gate stopped it), or `refused` (a person went
back from it). The verdict lies in the version's own folder, so that a damaged state.json costs
nothing but the publisher's ETag. Nobody reads a folder before it is whole: it is written under a
hidden name, and renamed. Here nothing is fetched or judged.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from blocklists.gates import ROLLED_BACK, UNUSABLE, Excused, Finding
from blocklists.journal import Journal
from blocklists.reading import Reading
from blocklists.versions import (
    READING,
    ShelfState,
    Verdict,
    Version,
    read_version,
    version_id,
    write_verdict,
)
from blocklists.writing import KeepFault, locked, sync, write_whole

STATE: Final = "state.json"
RAW: Final = "raw"
VERSIONS_MAX: Final = 200
"""Versions of one source that are looked at; `Shelf.prune` leaves far fewer."""
_UNFINISHED: Final = ".part-"
_COLON: Final = "__"
"""In the name of a folder; of a source's id only the part behind the colon may have such itself."""


class Shelf:
    """The versions of one source below `root`, and the state that says which one filters.

    `accept` and `rollback` take the lock of `root` themselves; whoever calls another writing method
    holds it (`blocklists.writing.locked`). Every writing method raises `KeepFault` when the disk
    does not take it; then what was current still is.
    """

    def __init__(self, root: Path, source_id: str) -> None:
        self.root: Final = root
        self.source_id: Final = source_id
        self.folder: Final = root / source_id.replace(":", _COLON)
        self.state: ShelfState = self._read_state()

    @property
    def current_folder(self) -> Path | None:
        """The version that filters, or None."""
        return self._versions_folder / self.state.current if self.state.current else None

    @property
    def held_folder(self) -> Path | None:
        """The version that waits for a person, or None."""
        return self._versions_folder / self.state.held if self.state.held else None

    def versions(self) -> list[Version]:
        """Finished versions, newest first."""
        if not self._versions_folder.is_dir():
            return []
        names = sorted((path.name for path in self._versions_folder.iterdir()), reverse=True)
        found = (self.find(name) for name in names[:VERSIONS_MAX] if not name.startswith("."))
        return [version for version in found if version]

    def find(self, version: str | None) -> Version | None:
        """The version of this id, if it is there."""
        if not version or Path(version).name != version:  # no way into another folder
            return None
        return read_version(self._versions_folder / version)

    def save(self, state: ShelfState) -> None:
        """Make this the state."""
        self._make(self.folder)
        write_whole(self.folder / STATE, json.dumps(state.to_json(), indent=1) + "\n")
        self.state = state

    def prepare(self) -> None:
        """Make the folder of this source."""
        self._make(self.folder)

    def begin(self, at: float, sha256: str) -> Path:
        """An empty folder for a new version, hidden until `keep` or `hold`."""
        newest = self.versions()[:1]
        # Ids sort by time, also when the clock was set back, or two come in one second.
        second = max(int(at), *(int(version.at) + 1 for version in newest), 0)
        folder = self._versions_folder / f"{_UNFINISHED}{version_id(second, sha256)}"
        shutil.rmtree(folder, ignore_errors=True)
        self._make(folder)
        return folder

    def keep(self, folder: Path, reading: Reading, state: ShelfState) -> Version:
        """Finish the version in `folder`; it filters from now on. The rest of `state` is saved
        with it.
        """
        version = self._finish(folder, reading, "kept", ())
        self.save(
            replace(
                state, current=version.id, held=None, findings=(), refused="", changed_at=version.at
            )
        )
        return version

    def hold(
        self, folder: Path, reading: Reading, findings: Sequence[Finding], state: ShelfState
    ) -> Version:
        """Finish the version in `folder`; it waits for a person, in place of one held before."""
        version = self._finish(folder, reading, "held", findings)
        self.save(replace(state, held=version.id, findings=tuple(findings)))
        return version

    def accept(self, by: str, reason: str, at: float) -> Version:
        """Let the held version filter after all. What stopped it is excused for good, or becomes
        the measure of the next. Raises `KeepFault`.
        """
        with locked(self.root, "accept", at):
            self.state = self._read_state()
            _require_person(by, reason, f"{self.source_id}: accept")
            version = self.find(self.state.held)
            reading = version.reading() if version else None
            if version is None or reading is None:
                raise KeepFault(f"{self.source_id}: no version is held; nothing is to be accepted")
            gates = ", ".join(finding.gate for finding in version.findings)
            if any(finding.gate in UNUSABLE for finding in version.findings):
                raise KeepFault(f"{self.source_id}: {gates}; only a list can be accepted")
            # First: nothing that filters may have been decided by nobody.
            self._note(at, by, "accept", reason, f"{version.id} despite {gates}")
            excused = self.state.excused.with_all_of(reading)
            write_verdict(version.folder, "kept", (), excused)
            state = replace(self.state, held=None, findings=(), excused=excused, refused="")
            self._switch(version, state)
            return version

    def rollback(self, by: str, reason: str, at: float, to: str | None = None) -> Version:
        """Go back to the version before the current one, or to the version `to`. The one gone
        back from is not taken again by a refresh: it is held, unless a newer one is already.
        What was accepted with versions after that one is not excused any longer. Raises
        `KeepFault`.
        """
        with locked(self.root, "rollback", at):
            self.state = self._read_state()
            _require_person(by, reason, f"{self.source_id}: rollback")
            target = self._rollback_target(to)
            current = self.find(self.state.current)
            gone = current.id if current else "none"
            self._note(at, by, "rollback", reason, f"to {target.id} from {gone}")
            reading = current.reading() if current else None
            # What was excused with the version that goes was excused by the same mistake.
            state = replace(
                self.state, refused=reading.sha256 if reading else "", excused=target.excused
            )
            if current is not None:
                finding = Finding(
                    ROLLED_BACK,
                    f"{self.source_id}: {current.id} was given up by {by} ({reason}); a newer "
                    "version, or `lychgate lists accept`, is needed",
                )
                write_verdict(current.folder, "refused", (finding,), current.excused)
                if state.held in (None, target.id):
                    state = replace(state, held=current.id, findings=(finding,))
            for version in self.versions():
                if version.verdict == "kept" and version.id > target.id:
                    write_verdict(version.folder, "refused", version.findings, version.excused)
            write_verdict(target.folder, "kept", (), target.excused)
            self._switch(target, state)
            return target

    def prune(self, kept: int) -> list[str]:
        """Remove all but the newest `kept` versions and those still needed: current, held, and
        the good one before the current. Gives the ids removed.
        """
        versions = self.versions()
        needed = {self.state.current, self.state.held}
        needed |= {version.id for version in versions[: max(kept, 1)]}
        before = self.before_current()
        needed |= {before.id} if before else set()
        removed = [version.id for version in versions if version.id not in needed]
        for name in removed:  # Hidden first: a folder half removed must not look like a version.
            (self._versions_folder / name).rename(self._versions_folder / f"{_UNFINISHED}{name}")
        if self._versions_folder.is_dir():
            for leftover in self._versions_folder.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        return removed

    @property
    def _versions_folder(self) -> Path:
        return self.folder / "versions"

    def _read_state(self) -> ShelfState:
        try:
            text = (self.folder / STATE).read_text("utf-8")
        except FileNotFoundError:
            return self._rebuilt("") if self.versions() else ShelfState()
        except (OSError, UnicodeDecodeError) as fault:
            return self._rebuilt(str(fault))
        try:
            state = ShelfState.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            return self._rebuilt(f"{type(fault).__name__}: {fault}")
        for name in (state.current, state.held):
            if name is not None and self.find(name) is None:
                return self._rebuilt(f"version {name} is not there")
        return state

    def _rebuilt(self, fault: str) -> ShelfState:
        """The state as the versions tell it."""
        versions = self.versions()
        current = next((version for version in versions if version.verdict == "kept"), None)
        newest = versions[0] if versions and versions[0] is not current else None
        refused = next((version for version in versions if version.verdict == "refused"), None)
        reading = refused.reading() if refused else None
        return ShelfState(
            current=current.id if current else None,
            held=newest.id if newest else None,
            changed_at=current.at if current else 0.0,
            problem=f"{self.folder / STATE}: {fault or 'not there'}; made again from the versions",
            findings=newest.findings if newest else (),
            excused=current.excused if current else Excused(),
            refused=reading.sha256 if reading else "",
        )

    def _finish(
        self, folder: Path, reading: Reading, verdict: Verdict, findings: Sequence[Finding]
    ) -> Version:
        name = folder.name.removeprefix(_UNFINISHED)
        write_whole(folder / READING, json.dumps(reading.to_json()) + "\n")
        write_verdict(folder, verdict, findings, self.state.excused)
        try:
            for path in folder.iterdir():
                sync(path)
            folder.rename(self._versions_folder / name)
            sync(self._versions_folder)
        except OSError as fault:
            raise KeepFault.of(fault, folder) from None
        version = self.find(name)
        if version is None:
            raise KeepFault(f"{self._versions_folder / name}: cannot be read back")
        return version

    def _switch(self, version: Version, state: ShelfState) -> None:
        """Let a finished version filter from now on."""
        self.save(replace(state, current=version.id, changed_at=version.at))

    def _rollback_target(self, to: str | None) -> Version:
        versions = self.versions()
        where = f"{self.source_id}: rollback"
        if to is None:
            target = self.before_current()
            if target is None:
                raise KeepFault(f"{where}: no earlier good version is kept; at least one is needed")
            return target
        found = next((version for version in versions if version.id == to), None)
        if found is None or found.id == self.state.current or found.verdict == "held":
            fine = [
                version.id
                for version in versions
                if version.verdict != "held" and version.id != self.state.current
            ]
            raise KeepFault(f"{where} to {to!r}; allowed are {', '.join(fine) or 'none'}")
        return found

    def before_current(self) -> Version | None:
        """The newest good version older than the current one. Ids sort by time."""
        for version in self.versions():
            if version.verdict == "kept" and version.id < (self.state.current or ""):
                return version
        return None

    def _note(self, at: float, by: str, action: str, reason: str, detail: str) -> None:
        Journal(self.root).append(at, by.strip(), action, self.source_id, reason.strip(), detail)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise KeepFault.of(fault, folder) from None


def sources_on_disk(root: Path) -> list[str]:
    """The ids of all sources that have a folder below `root`, sorted."""
    if not root.is_dir():
        return []
    folders = (path.name for path in root.iterdir() if _COLON in path.name and path.is_dir())
    return sorted(name.replace(_COLON, ":", 1) for name in folders)


def _require_person(by: str, reason: str, where: str) -> None:
    if not by.strip() or not reason.strip():
        raise KeepFault(f"{where}: by {by!r} because {reason!r}; a person and a reason are needed")
