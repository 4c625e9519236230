"""The recorder: from the spool into the database, twice a second; retention; and periodic duties.

Whatever is wrong with the database (locked, full, gone, damaged), it says so once, tries again with
growing pauses, and goes on by itself when it is well again: meanwhile the spool holds what comes. A
damaged SQLite file is moved aside and a new one begun. Resolvers never wait for any of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import gmtime, strftime
from typing import Any, Final

import structlog

from categoriser.taxonomy import Taxonomy
from evidence import spool
from evidence.duties import Context, Duty, duties
from evidence.dutiful import Dutiful
from evidence.ingesting import Ingesting
from evidence.retention import Pruning, Retention
from evidence.spool import Batch, SpoolFault
from evidence.standing import Standing, write_standing
from evidence.store import EvidenceStore
from policy.store.faults import StoreFault
from policy.store.store import Store

READ_SECONDS: Final = 0.5
"""Between two looks into the spool."""
BUSY_SECONDS: Final = 1.5
"""The same after there was something: one transaction for two batches costs half of two. With the
second that resolvers wait, what was blocked is there within 3 s."""
BATCHES_MAX: Final = 40
"""Batches of one transaction."""
OCTETS_MAX: Final = 8 << 20
"""Of the batches of one transaction."""
ROUNDS_MAX: Final = 25
"""Transactions before anything else gets its turn."""
PAUSE_SECONDS_MAX: Final = 30.0
"""The longest pause between two tries at a database that fails."""
PRUNE_SECONDS: Final = 900.0
"""Between two rounds of retention."""
PRUNE_STEPS: Final = 5
"""Steps of retention after each look into the spool."""
TIDY_SECONDS: Final = 60.0
TIDY_PAGES: Final = 2_000
STANDING_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 600.0
STEPS_MAX: Final = 100_000
"""Of `Recorder.once`."""
DAMAGED_MAX: Final = 3
"""Damaged databases that are kept to be looked at."""
DAMAGED: Final = ".damaged-"
"""Follows the database's name in that of one that was moved aside."""

log = structlog.get_logger("recorder")


@dataclass(frozen=True)
class RecorderSettings:
    """Where everything is, and how long it is kept."""

    spool: Path
    url: str
    file: Path | None
    """The SQLite file; None for PostgreSQL."""
    standing: Path
    state_directory: Path
    decisions_url: str
    retention: Retention = Retention()
    pseudonym_days: float = 7
    has_duties: bool = True
    """Whether it deletes what is too old and does periodic duties; of several recorders of one
    database one does."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """What duties need from outside."""


class Recorder:
    """One recorder. Several may write into one PostgreSQL database; one of them has the duties."""

    def __init__(
        self,
        settings: RecorderSettings,
        taxonomy: Taxonomy,
        clock: Callable[[], float],
        work: Sequence[Duty] | None = None,
    ) -> None:
        self._settings: Final = settings
        self._taxonomy: Final = taxonomy
        self._clock: Final = clock
        self._store: EvidenceStore | None = None
        self._ingesting: Final = Ingesting(
            taxonomy, settings.pseudonym_days * 86_400.0, settings.given.get("outward")
        )
        self.standing: Final = Standing(started_at=clock())
        self._dutiful: Final = Dutiful(
            _duties_of(settings) if work is None else work, self.standing, self._context
        )
        self._pruning: Pruning | None = None
        self._prune_at = self._tidy_at = self._sweep_at = self._standing_at = 0.0
        self._pause = 0.0
        self._trouble = ""
        self._busy = False

    async def run(self, stop: asyncio.Event, moved: Callable[[], None] | None = None) -> None:
        """Record until told to stop. `moved` is called after every look into the spool."""
        try:
            while not stop.is_set():
                await self.step()
                if moved is not None:
                    moved()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.pause)
        finally:
            await self.close()

    @property
    def pause(self) -> float:
        """Seconds until the next step."""
        return self._pause or (BUSY_SECONDS if self._busy else READ_SECONDS)

    async def once(self) -> bool:
        """Take in what is in the spool, prune, do every duty once; whether all went well."""
        try:
            for _ in range(STEPS_MAX):
                if not await self.step(duties=False):
                    return False
                if self._pruning is None and not spool.waiting(self._settings.spool, 1):
                    break
            await self._dutiful.all_once()
            return not any(duty.problem for duty in self.standing.duties.values())
        finally:
            await self.close()

    async def step(self, *, duties: bool = True) -> bool:
        """One look into the spool, and whatever else is due; False when the database failed."""
        at = self._clock()
        try:
            store = await self._opened()
            await self._take_in(store, at)
            await self._prune(store, at)
            if at >= self._tidy_at:
                self._tidy_at = at + TIDY_SECONDS
                await store.tidy(TIDY_PAGES)
                self.standing.database_octets = await store.octets()
            self._recovered()
            if duties:
                self._dutiful.start_due(at)
        except StoreFault as fault:
            await self._failed(fault)
            return False
        except OSError as fault:  # the spool
            await self._failed(StoreFault("other", str(self._settings.spool), str(fault), "see it"))
            return False
        finally:
            self._say(at)
        return True

    async def close(self) -> None:
        """End duties, close the database, and say how it stands."""
        await self._dutiful.stop()
        await self._close_store()
        self._standing_at = 0.0
        self._say(self._clock())

    async def _opened(self) -> EvidenceStore:
        if self._store is None:
            self._ingesting.forget()
            # Not all of it is checked for damage: that takes minutes, and shows when it is read.
            self._store = await EvidenceStore.open(self._settings.url, create=True, check=False)
        return self._store

    async def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    async def _take_in(self, store: EvidenceStore, at: float) -> None:
        folder = self._settings.spool
        if at >= self._sweep_at:
            self._sweep_at = at + SWEEP_SECONDS
            await asyncio.to_thread(spool.sweep, folder, at - SWEEP_SECONDS)
        for _ in range(ROUNDS_MAX):
            paths = await asyncio.to_thread(spool.waiting, folder, BATCHES_MAX)
            read = await asyncio.to_thread(self._read, paths)
            self._busy = bool(read)
            if not read:
                return
            await self._write(store, read, at)
            for path in read:
                path.unlink(missing_ok=True)
            if len(paths) < BATCHES_MAX:
                return

    def _read(self, paths: Sequence[Path]) -> dict[Path, Batch]:
        """Some batches; those that are damaged are moved aside."""
        found: dict[Path, Batch] = {}
        octets = 0
        for path in paths:
            try:
                octets += path.stat().st_size
                if found and octets > OCTETS_MAX:
                    break
                found[path] = spool.read_batch(path)
            except FileNotFoundError:
                continue
            except SpoolFault as fault:
                self._set_aside(path, str(fault))
        return found

    def _set_aside(self, path: Path, why: str) -> None:
        self.standing.damaged_batches += 1
        log.warning("a batch of the spool cannot be read, and is moved aside", problem=why)
        spool.set_aside(path)

    async def _write(self, store: EvidenceStore, read: Mapping[Path, Batch], at: float) -> None:
        """Write batches, all in one transaction; when one of them cannot be written, each by
        itself, and that one is moved aside.
        """
        try:
            await self._write_all(store, list(read.values()), at)
        except (ValueError, ArithmeticError, LookupError, TypeError, StoreFault) as fault:
            self._ingesting.forget()
            if isinstance(fault, StoreFault) and fault.kind not in ("refused", "other"):
                raise
            if len(read) == 1:
                if isinstance(fault, StoreFault) and fault.kind == "other":
                    raise
                for path in read:
                    self._set_aside(path, repr(fault))
                return
            for path, batch in read.items():
                await self._write(store, {path: batch}, at)

    async def _write_all(self, store: EvidenceStore, batches: list[Batch], at: float) -> None:
        async with store.changing() as connection:
            taken = await self._ingesting.take(connection, batches, at)
        standing = self.standing
        standing.batches += taken.batches
        standing.details += taken.details
        standing.lost_queries += taken.lost
        if taken.last_at is not None:
            standing.last_event_at = max(taken.last_at, standing.last_event_at or 0.0)

    async def _prune(self, store: EvidenceStore, at: float) -> None:
        if self._pruning is None and at >= self._prune_at and self._settings.has_duties:
            self._pruning = Pruning(self._settings.retention, self._taxonomy, at)
        for _ in range(PRUNE_STEPS):
            if self._pruning is None:
                return
            async with store.changing() as connection:
                deleted = await self._pruning.step(connection)
            if deleted:
                self.standing.pruned_rows += deleted
                self._ingesting.forget()
            if self._pruning.is_over:
                self._pruning, self._prune_at = None, at + PRUNE_SECONDS

    async def _failed(self, fault: StoreFault) -> None:
        """Say it once, and pause; a damaged file is moved aside at once."""
        told = str(fault)
        if told != self._trouble:
            log.error("telemetry cannot be recorded; the spool holds what comes", problem=told)
        self._trouble = told
        self.standing.problems = [told]
        self._ingesting.forget()
        self._pruning = None
        self._pause = min(max(self._pause * 2, READ_SECONDS), PAUSE_SECONDS_MAX)
        await self._close_store()
        if fault.kind == "corrupt" and self._settings.file is not None:
            self._begin_anew(self._settings.file)

    def _begin_anew(self, file: Path) -> None:
        """Move a damaged database aside, with its write-ahead log."""
        aside = file.with_name(f"{file.name}{DAMAGED}{strftime('%Y%m%dT%H%M%S', gmtime())}")
        try:
            old = sorted(file.parent.glob(f"{file.name}{DAMAGED}*[0-9]"))
            for path in old[: max(0, len(old) - DAMAGED_MAX + 1)]:
                _remove(path)
            for end in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    file.with_name(file.name + end).rename(aside.with_name(aside.name + end))
        except OSError as fault:
            log.error("the damaged database cannot be moved aside", problem=str(fault))
            return
        self.standing.new_databases += 1
        self._pause = 0.0
        log.error("the damaged database was moved aside, and a new one is begun", kept=str(aside))

    def _recovered(self) -> None:
        if self._trouble:
            log.info("telemetry is recorded again")
        self._trouble, self._pause = "", 0.0
        self.standing.problems = []

    def _say(self, at: float) -> None:
        """Write how it stands, now and then."""
        if 0 <= at - self._standing_at < STANDING_SECONDS:
            return
        self._standing_at = at
        standing = self.standing
        with suppress(OSError):  # a spool that cannot be read is among its problems
            waiting = spool.backlog(self._settings.spool)
            standing.backlog_batches, standing.backlog_octets = waiting.batches, waiting.octets
        try:
            standing.written_at = at
            write_standing(self._settings.standing, standing)
        except OSError as fault:
            if not self._trouble:
                log.warning("the recorder cannot say how it stands", problem=str(fault))

    def _context(self) -> Context | None:
        """What duties are given; None while there is no database."""
        if self._store is None:
            return None
        settings = self._settings
        return Context(
            self._store,
            self._clock(),
            self._taxonomy,
            self._decisions,
            settings.state_directory,
            settings.given,
        )

    @asynccontextmanager
    async def _decisions(self) -> AsyncIterator[Store]:
        store = await Store.open(self._settings.decisions_url, check=False)
        try:
            yield store
        finally:
            await store.close()


def _duties_of(settings: RecorderSettings) -> Sequence[Duty]:
    return duties() if settings.has_duties else ()


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
