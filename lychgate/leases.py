"""The lease files of DHCP servers: read, watched, and put together into one `Leases`.

The files change with every renewal, but hardly any of these changes matters: a new snapshot is
asked for (`stamp`) when a device of the policy is at other addresses, and at most once a minute
when only what machines call themselves is new. Files are read in a thread, never on the loop that
answers.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from threading import Lock, Thread
from typing import Final, Literal

from policy import leases as formats
from policy.leases import LINE_CHARACTERS_MAX, NO_LEASES, Lease, Leases, Malformed
from policy.policy import Policy
from resolver.stamps import Stamp, read_stamps

LOOK_SECONDS: Final = 1.0
"""Between two looks at the files."""
NAMES_SECONDS: Final = 60.0
"""Between two snapshots that only bring names: each makes the resolver forget its answers."""
FILE_OCTETS_MAX: Final = 64 << 20
"""What is behind this is not read: 200,000 leases of the longest format fit."""


@dataclass
class LeaseFile:
    """One file that is named in the settings, with what was last read from it."""

    path: Path
    format: str
    known: list[Lease] = field(default_factory=list)
    warnings: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files to read, oldest first, the one that is named last."""
        older = formats.find(self.format).OLDER
        return *(self.path.with_name(self.path.name + ending) for ending in older), self.path

    def read(self) -> None:
        """Read it again; if that fails, what was known stays, and a warning says so."""
        found: dict[bytes, Lease] = {}
        malformed: Counter[Path] = Counter()
        first: dict[Path, int] = {}
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    for item in formats.read(_lines(file), self.format):
                        if isinstance(item, Malformed):
                            malformed[path] += 1
                            first.setdefault(path, item.line)
                        else:  # The last one of an address counts, wherever it stood before.
                            found[item.address] = item
            except FileNotFoundError as fault:
                if path == self.path:
                    self._keep(path, fault)
                    return
            except OSError as fault:
                self._keep(path, fault)
                return
        self.known = list(found.values())
        self.warnings = tuple(
            f"{path}: lines that are no leases of {self.format}: {count}, the first is line "
            f"{first[path]}; they are left out"
            for path, count in malformed.items()
        )

    def _keep(self, path: Path, fault: OSError) -> None:
        kept = "the leases read before stay" if self.known else "it names nobody"
        self.warnings = (f"{path}: {fault.strerror}; {kept}",)


class LeaseFiles:
    """All lease files of one configuration."""

    def __init__(
        self, files: Iterable[tuple[Path, str]], clock: Callable[[], float] = time.time
    ) -> None:
        self._files: Final = [LeaseFile(path, word) for path, word in files]
        self._clock: Final = clock
        self._lock = Lock()
        """Held while files are read: by a thread of ours, or by whoever builds a snapshot."""
        self._leases = NO_LEASES
        self._stamps: Sequence[Stamp | None] | None = None
        self._told = NO_LEASES
        """What the snapshot in use was built with."""
        self._told_warnings: tuple[str, ...] = ()
        self._told_at = 0.0
        self._applied: tuple[Policy, Policy] | None = None
        """The last policy without these leases, and with them."""
        self._keys: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        """Host names and client ids by which the policy knows devices."""
        self._news: Literal["", "small", "urgent"] = ""
        """What was read since, and no snapshot has yet: some can wait."""
        self._version = 0
        self._look_at = 0.0
        self._reader: Thread | None = None
        if self._files:  # A worker may be forked while a thread of its parent holds the lock.
            os.register_at_fork(after_in_child=self._begin_in_child)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not as it should be."""
        return tuple(warning for file in self._files for warning in file.warnings)

    def applied(self, policy: Policy) -> Policy:
        """A policy that knows the leases as they are now: the very same as before where neither
        changed. Reads files; not for the loop.
        """
        if not self._files:
            return policy
        self.refresh()
        now, applied = self._clock(), self._applied
        self._told_at, self._told_warnings, self._news = now, self.warnings, ""
        if applied and applied[0] is policy and self._leases.facts == self._told.facts:
            return applied[1]
        same_facts = self._leases.facts == self._told.facts
        if applied and same_facts and policy.differs_in_passes_only(applied[0]):
            # Nothing that rests on leases is built again because somebody went past a warning.
            known = applied[1].with_passes(policy.passes, policy.fingerprint)
            self._applied = policy, known
            return known
        devices = policy.devices.values()
        self._keys = (
            tuple(name for device in devices for name in device.hostnames),
            tuple(id for device in devices for id in device.client_ids),
        )
        self._told = self._leases
        self._applied = policy, policy.with_leases(self._told)
        return self._applied[1]

    def stamp(self) -> object:
        """Differs from the last one when a new snapshot is due. Quick: it looks at times and sizes,
        and starts a thread to read when they changed.
        """
        now = self._clock()
        if self._news == "urgent" or (self._news and not self._was_told(now)):
            self._news = ""
            self._version += 1
        reading = self._reader is not None and self._reader.is_alive()
        if self._files and not reading and not 0 <= self._look_at - now <= LOOK_SECONDS:
            self._look_at = now + LOOK_SECONDS
            self._reader = None
            if self._is_stale(now):
                self._reader = Thread(target=self.refresh, name="leases", daemon=True)
                self._reader.start()
        return self._version

    def refresh(self) -> None:
        """Read the files if they changed or a lease ended."""
        with self._lock:
            now = self._clock()
            if not self._is_stale(now):
                return
            stamps = self._read_stamps()  # before reading: what changes meanwhile is seen next time
            for file in self._files:
                file.read()
            self._leases = Leases((lease for file in self._files for lease in file.known), now)
            self._stamps = stamps
            self._news = self._compare()

    def _begin_in_child(self) -> None:
        self._lock, self._reader = Lock(), None

    def _is_stale(self, now: float) -> bool:
        return now >= self._leases.next_expiry or self._read_stamps() != self._stamps

    def _read_stamps(self) -> list[Stamp | None]:
        return read_stamps(path for file in self._files for path in file.paths)

    def _was_told(self, now: float) -> bool:
        """Whether it is not long since a snapshot took names over."""
        return 0 <= now - self._told_at < NAMES_SECONDS

    def _compare(self) -> Literal["", "small", "urgent"]:
        """What a snapshot with the leases as they are now would have different."""
        read, told = self._leases, self._told
        if len(self.warnings) != len(self._told_warnings):
            return "urgent"  # Something broke, or is whole again.
        if read.facts == told.facts:
            return "" if self.warnings == self._told_warnings else "small"
        names, ids = self._keys
        moved = any(
            sorted(read.with_hostname(name)) != sorted(told.with_hostname(name)) for name in names
        ) or any(sorted(read.with_id(id)) != sorted(told.with_id(id)) for id in ids)
        return "urgent" if moved else "small"


def _lines(file: BufferedReader) -> Iterator[str]:
    """The lines of a file, none of them much longer than a format reads, and not without end."""
    left = FILE_OCTETS_MAX
    while left > 0 and (line := file.readline(LINE_CHARACTERS_MAX + 2)):
        left -= len(line)
        yield line.decode("utf-8", "replace")
