"""Where the policy comes from: a document, or the store; and what is in force while it cannot be
read.

A source is read in the thread that builds a snapshot, and gives the very same `Policy` again while
nothing changed. A document with faults is refused as a whole. A store that is gone, locked, damaged
or holds what cannot be used never stops the filter: the policy read last goes on, from memory or
from the file it is kept in, or else the one that ships. Nothing here ever writes to the store.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from categoriser.taxonomy import Taxonomy
from policy import document
from policy.document import Builder, PolicyFault
from policy.policy import Policy
from resolver.answers import KINDS
from resolver.setup import SnapshotFault
from resolver.stamps import read_stamps

if TYPE_CHECKING:  # SQLAlchemy takes 0.4 s of a start, and not everybody has a store
    from policy.store import StoredDocument, Watch

READ_SECONDS_MAX: Final = 60.0
"""A store that has not given its document after that counts as gone."""
RETRY_SECONDS: Final = 0.5
"""How often a store that could not be read is tried again."""
FAULTS_MAX: Final = 5
"""Faults of a store's policy that are told; the others are counted."""
PAST_SECONDS: Final = 3 * 86_400
"""So long after its end an exception is still read."""
PIECE_ENTRIES: Final = 500
"""Entries that are encoded at a time: 1 ms in which no query is answered."""

Check = Callable[[Policy], Sequence[str]]
"""What a policy lacks beyond its own document, such as the address of a block page."""


@dataclass(frozen=True)
class Reading:
    """A policy to be used, and how it was come by."""

    policy: Policy
    origin: str
    """In a few words for people."""
    warnings: tuple[str, ...] = ()
    up: bool = True
    """Whether this is what the source says now."""
    settle: Callable[[], tuple[str, ...]] = tuple
    """See `Built.settle`."""


class PolicySource(Protocol):
    """Something that a policy is read from."""

    def read(self) -> Reading:
        """The policy to be used now. Raises `SnapshotFault` with every fault."""
        ...

    def stamp(self) -> object:
        """Differs from the stamp before when `read` may give something else; never raises."""
        ...


class FileSource:
    """A policy document."""

    def __init__(self, file: Path, taxonomy: Taxonomy, check: Check) -> None:
        self._file: Final = file
        self._taxonomy: Final = taxonomy
        self._check: Final = check
        self._known: tuple[str, Policy] | None = None

    def read(self) -> Reading:
        """The policy of the document as it is now."""
        try:
            text = self._file.read_text(encoding="utf-8")
        except UnicodeDecodeError as fault:
            raise SnapshotFault(
                [f"{self._file}: octet {fault.start} is not UTF-8; use a text file in UTF-8"]
            ) from None
        except OSError as fault:
            raise SnapshotFault(
                [f"{self._file}: {fault.strerror}; use a policy document that can be read"]
            ) from None
        if self._known is None or self._known[0] != text:
            self._known = text, self._build(text)
        return Reading(self._known[1], str(self._file))

    def stamp(self) -> object:
        """When the file was written, and which it is."""
        return read_stamps([self._file])

    def _build(self, text: str) -> Policy:
        try:
            policy = document.read(text, self._taxonomy, str(self._file), KINDS)
        except PolicyFault as fault:
            raise SnapshotFault(fault.faults) from None
        faults = [f"{self._file}: {fault}" for fault in self._check(policy)]
        if faults:
            raise SnapshotFault(faults)
        return policy


class StoreSource:
    """The store; and its last good policy while it cannot be read.

    Belongs to one thread at a time. A forked process begins a watch of its own.
    """

    def __init__(
        self,
        url: str,
        file: Path | None,
        last_file: Path,
        taxonomy: Taxonomy,
        check: Check,
        *,
        expected: bool,
    ) -> None:
        """`file` is that of an SQLite store; `expected`: somebody named this store, so that its
        absence is worth a warning even where it was never read.
        """
        self._url: Final = url
        self._file: Final = file
        self._last: Final = LastPolicy(last_file)
        self._taxonomy: Final = taxonomy
        self._builder: Final = Builder(taxonomy, "store", KINDS)
        self._check: Final = check
        self._expected: Final = expected
        self._stored: StoredDocument | None = None
        self._refused: tuple[str, tuple[str, ...]] = ("", ())
        """The fingerprint of a document that cannot be used, and why."""
        self._known: tuple[Policy, str] | None = None
        """The policy in force, and what it is in the words of a warning."""
        self._retries = False
        self._current: tuple[object, str, dict[str, Any]] | None = None
        """Exceptions as they were stored, a day, and the document of that day without the past."""
        self._watches: Final[dict[int, Watch]] = {}
        """By process: a parent's watch is kept, and neither used nor closed, in its children."""

    def read(self) -> Reading:
        """What the store says; or the policy to go on with, and why. Never raises for a store."""
        self._retries = False
        nobody_asks = self._known is None and not self._expected and not self._last.exists()
        if nobody_asks and self._is_absent():
            return Reading(self._shipped, "the one that ships")
        try:
            stored = self._fetch()
        except Exception as fault:  # whatever a driver raises, learners stay filtered
            self._retries = True
            return self._go_on((_told(fault),))
        raw = self._without_past(stored.raw, time())
        try:
            policy = self._policy_of(raw, stored.fingerprint)
        except PolicyFault as fault:
            return self._go_on(tuple(fault.faults))
        self._known = policy, "the policy before it stays in force"

        def settle() -> tuple[str, ...]:
            return self._last.keep(raw, stored.fingerprint)

        return Reading(policy, f"the store {self._shown()}", settle=settle)

    def stamp(self) -> object:
        """The store's own; beside it a count of tries while it cannot be read."""
        tries = int(monotonic() / RETRY_SECONDS) if self._retries else None
        own = os.getpid()
        if own not in self._watches:
            if self._is_absent():
                return "absent", tries
            from policy.store import Watch

            self._watches[own] = Watch(self._url)
        return self._watches[own].stamp(), tries

    def _is_absent(self) -> bool:
        return self._file is not None and not self._file.exists()

    def _shown(self) -> str:
        if self._file is not None:
            return str(self._file)
        return self._url.rpartition("@")[2]

    def _fetch(self) -> StoredDocument:
        from policy.store import Store

        known = self._stored

        async def fetch() -> StoredDocument:
            store = await Store.open(self._url, check=known is None)
            try:
                return await store.document(known)
            finally:
                await store.close()

        async def fetch_in_time() -> StoredDocument:
            async with asyncio.timeout(READ_SECONDS_MAX):
                return await fetch()

        # On a thread of its own: the first snapshot is built where a loop runs already. And opened
        # anew each time: a connection outlives neither its loop nor a fork.
        with ThreadPoolExecutor(1, "store-read") as thread:
            self._stored = thread.submit(lambda: asyncio.run(fetch_in_time())).result()
        return self._stored

    def _policy_of(self, raw: dict[str, Any], stored_as: str) -> Policy:
        if self._known is not None and self._known[0].fingerprint == stored_as:
            return self._known[0]
        fingerprint, faults = self._refused
        if fingerprint == stored_as:
            raise PolicyFault(list(faults))
        try:
            policy = self._builder.build(raw, stored_as)
            lacks = [f"store: {fault}" for fault in self._check(policy)]
            if lacks:
                raise PolicyFault(lacks)
        except PolicyFault as fault:
            self._refused = stored_as, tuple(fault.faults)
            raise
        return policy

    def _without_past(self, raw: dict[str, Any], at: float) -> dict[str, Any]:
        """`without_past`, giving the very same exceptions again while nothing changed: what a pass
        changes must not have everything else built anew.
        """
        given, day = raw.get("exceptions"), datetime.fromtimestamp(at, UTC).date().isoformat()
        known = self._current
        if known is None or known[0] is not given or known[1] != day:
            known = self._current = given, day, without_past(raw, at)
        current = known[2].get("exceptions")
        return raw if current is given else {**raw, "exceptions": current}

    def _go_on(self, faults: tuple[str, ...]) -> Reading:
        """The policy in force while the store gives none."""
        if self._known is None:
            self._known = self._kept() or (self._shipped, "the policy that ships is in force")
        policy, in_force = self._known
        lines = [f"{fault}; {in_force}" for fault in faults[:FAULTS_MAX]]
        if len(faults) > FAULTS_MAX:
            lines.append(f"store: {len(faults) - FAULTS_MAX} more faults; {in_force}")
        return Reading(policy, f"the store {self._shown()}, which gives none", tuple(lines), False)

    def _kept(self) -> tuple[Policy, str] | None:
        """The policy on disk, if it can still be used."""
        try:
            raw, fingerprint, at = self._last.read()
            policy = Builder(self._taxonomy, str(self._last.file), KINDS).build(raw, fingerprint)
        except (OSError, ValueError, msgspec.MsgspecError):  # none, or not one of this version
            return None
        if self._check(policy):
            return None
        moment = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
        return policy, f"the policy of {moment}, kept in {self._last.file}, is in force"

    @cached_property
    def _shipped(self) -> Policy:
        return document.read(document.default_text(), self._taxonomy, "default.toml", KINDS)


class LastPolicy:
    """The last good policy of a store, in a file: `{"fingerprint": ..., "document": {...}}`."""

    def __init__(self, file: Path) -> None:
        self.file: Final = file

    def exists(self) -> bool:
        """Whether any was kept."""
        return self.file.exists()

    def read(self) -> tuple[dict[str, Any], str, float]:
        """The raw document, its fingerprint, and when it was kept (POSIX seconds).

        Raises OSError, ValueError or `msgspec.MsgspecError`.
        """
        at = self.file.stat().st_mtime
        found = msgspec.json.decode(self.file.read_bytes(), type=_Kept)
        return found.document, found.fingerprint, at

    def keep(self, raw: dict[str, Any], fingerprint: str) -> tuple[str, ...]:
        """Put a document in the place of the one before, whole or not at all; what failed."""
        head = b'{"fingerprint":%s,' % msgspec.json.encode(fingerprint)
        try:
            if self._begins_with(head):
                return ()
            handle, name = tempfile.mkstemp(prefix=f".{self.file.name}.", dir=self.file.parent)
            fresh = Path(name)
            try:
                with os.fdopen(handle, "wb") as out:
                    os.fchmod(handle, 0o640)  # names and addresses of people: not for everybody
                    out.write(head + b'"document":{')
                    for piece in _pieces(raw):
                        out.write(piece)
                    out.write(b"}}\n")
                    out.flush()
                    os.fsync(handle)
                fresh.replace(self.file)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
        except OSError as fault:
            return (
                f"{self.file}: {fault.strerror}; without it a restart while the store is gone "
                "begins with the policy that ships",
            )
        return ()

    def _begins_with(self, head: bytes) -> bool:
        try:
            with self.file.open("rb") as kept:
                return kept.read(len(head)) == head
        except FileNotFoundError:
            return False


class _Kept(msgspec.Struct):
    """The file of a `LastPolicy`."""

    fingerprint: str
    document: dict[str, Any]


def _pieces(raw: dict[str, Any]) -> Iterator[bytes]:
    """The inside of a JSON object, encoded so that no single step takes long."""
    encode = msgspec.json.encode
    for place, (key, value) in enumerate(raw.items()):
        yield b"%s%s:" % (b"," if place else b"", encode(key))
        if not isinstance(value, list):
            yield encode(value)
            continue
        yield b"["
        for start in range(0, len(value), PIECE_ENTRIES):
            inside = encode(value[start : start + PIECE_ENTRIES])[1:-1]
            yield b",%s" % inside if start else inside
        yield b"]"


def _told(fault: Exception) -> str:
    """A fault of a store in one line."""
    from policy.store import StoreFault

    if isinstance(fault, StoreFault):
        return str(fault)
    if isinstance(fault, TimeoutError):
        return f"store: it gave no answer within {READ_SECONDS_MAX:g} s; see its database"
    return f"store: {type(fault).__name__}: {str(fault).partition(chr(10))[0]}; see its database"


def without_past(raw: dict[str, Any], at: float) -> dict[str, Any]:
    """A raw document without exceptions that ended days ago; the very same one if it has none.

    They stay in the store, for people to look at, and would make every snapshot slower than the
    last: 50,000 of them, a year of 100 venues, take 5 s to build.
    """
    past = datetime.fromtimestamp(at - PAST_SECONDS, UTC).date().isoformat()
    exceptions = raw.get("exceptions", [])
    # Dates as text, whatever the clock they are on: the margin is wider than any offset.
    current = [
        body
        for body in exceptions
        if str(body.get("until", past))[:10] >= past and str(body.get("revoked", past))[:10] >= past
    ]
    return raw if len(current) == len(exceptions) else {**raw, "exceptions": current}
