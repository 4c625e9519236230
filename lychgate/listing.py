"""The lists of one installation: its choice of them, their versions on disk, and the index.

Here the settings meet `blocklists`: where things are, how much a child process may use, who finds
the publishers' addresses. Whatever changes what filters ends in `compile`, which does nothing when
nothing changed.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, TextIO, cast

from blocklists import choices, exporting, refreshing, standing, working
from blocklists.compiling import CompileReport, Part
from blocklists.exporting import ExportReport
from blocklists.fetching import Fetcher, FetchSettings
from blocklists.journal import locked, write_whole
from blocklists.keeping import Shelf
from blocklists.reading import Reading
from blocklists.refreshing import Progress, RefreshReport
from blocklists.sources import Source
from blocklists.versions import Version
from lychgate.bootstrap import resolver_of
from lychgate.config import Configuration
from resolver.process import Stamp, stamp

COMPILED: Final = "compiled.json"
"""In the folder of the lists: what the index was made of."""
_MEGABYTE: Final = 1_000_000
_AGENT: Final = "lychgate"
_ANY: Final = "adult"
"""The category that a file is read for which has none yet; any that blocks would do."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did, and the index that came of it; None: the one there is still right."""

    report: RefreshReport
    compiled: CompileReport | None


class Listing:
    """The lists of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._settings: Final = configuration.lists
        self._upstreams: Final = configuration.upstream.servers
        self.root: Final = configuration.lists_directory
        self.choices_file: Final = configuration.choices_file
        self.index: Final = configuration.index_file

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Every source there is. Raises `blocklists.sources.SourceFault`."""
        return choices.read_choices(self.choices_file).sources

    @property
    def enabled(self) -> Sequence[Source]:
        """Those in use."""
        return [source for source in self.sources.values() if source.enabled]

    def shelf(self, word: str) -> Shelf:
        """The versions of one source."""
        return Shelf(self.root, word)

    def status(self, at: float) -> list[standing.SourceStatus]:
        """How every source stands that is enabled, or has versions on disk."""
        wanted = [
            source
            for source in self.sources.values()
            if source.enabled or (self.root / source.folder).is_dir()
        ]
        return standing.status(wanted, self.root, at)

    def parts(self) -> list[Part]:
        """What the index is to be made of."""
        return standing.parts(self.enabled, self.root)

    def choose(self, change: Callable[..., Any], *arguments: Any) -> None:
        """Change lists.toml by one of the functions of `blocklists.choices`. Raises
        `blocklists.sources.SourceFault`.
        """
        self.choices_file.parent.mkdir(parents=True, exist_ok=True)
        change(self.choices_file, *arguments)
        self.__dict__.pop("sources", None)  # read again

    def refresh(
        self,
        *,
        at: float,
        only: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Refreshed:
        """Bring lists up to date, and the index if that changed anything. Raises
        `blocklists.refreshing.RefreshFault`, `blocklists.journal.KeepFault` and
        `blocklists.working.JobFault`.
        """
        report = refreshing.refresh(
            self.sources.values(),
            self.root,
            at=at,
            fetcher=self._fetcher(http=False),
            fetcher_http=self._fetcher(http=True),
            read=partial(working.read_in_child, octets_max=self._unpacked_max, **self._bounds),
            random=random.random,
            octets_max=self._settings.download_megabytes_max * _MEGABYTE,
            only=only,
            force=force,
            versions_kept=self._settings.versions_kept,
            progress=progress,
        )
        return Refreshed(report, self.compile(at=at))

    def compile(self, *, at: float) -> CompileReport | None:
        """Make the index anew if the lists in use are not those it was made of; None: they are.

        An index made by hand (`lychgate index build`) is left alone as long as no list is in use.
        Raises `blocklists.working.JobFault`; then the index is as it was.
        """
        if not self.enabled and not self._compiled.exists():
            return None
        with locked(self.root, "compile", at):
            parts = self.parts()
            if not parts and not self._compiled.exists():
                return None
            made_of = standing.digest(parts)
            if self._recorded() == (made_of, self._index_stamp()):
                return None
            self.index.parent.mkdir(parents=True, exist_ok=True)
            report = working.compile_in_child(parts, self.index, at=at, **self._bounds)
            record = {"digest": made_of, "index": self._index_stamp()}
            write_whole(self._compiled, json.dumps(record) + "\n")
            return report

    def accept(self, word: str, by: str, reason: str, at: float) -> Version:
        """Let the held version of a source filter. Raises `blocklists.journal.KeepFault`."""
        return self.shelf(word).accept(by, reason, at)

    def rollback(self, word: str, by: str, reason: str, at: float, to: str | None) -> Version:
        """Go back to an earlier version. Raises `blocklists.journal.KeepFault`."""
        return self.shelf(word).rollback(by, reason, at, to)

    def export(
        self, kind: str, out: TextIO, categories: Collection[str], origin: str, at: float
    ) -> ExportReport:
        """Write what the lists in use block. Raises `blocklists.exporting.ExportFault`."""
        return exporting.export(
            self.parts(),
            kind,
            out,
            at=at,
            origin=origin,
            categories=categories,
            sources=self.sources,
        )

    def check(self, file: Path, format: str, at: float) -> Reading:
        """What is in a list file, read as a list is read that blocks. Raises
        `blocklists.working.JobFault`.
        """
        source = Source("local:check", file.name, "", {"": _ANY}, file=str(file), format=format)
        with tempfile.TemporaryDirectory(prefix="lychgate-") as folder:
            return working.read_in_child(
                file,
                source,
                Path(folder),
                at=at,
                previous=None,
                octets_max=self._unpacked_max,
                **self._bounds,
            )

    @property
    def _unpacked_max(self) -> int:
        return self._settings.unpacked_megabytes_max * _MEGABYTE

    @property
    def _bounds(self) -> dict[str, Any]:
        """What a child process may use."""
        return {
            "memory_octets_max": self._settings.memory_megabytes_max * _MEGABYTE,
            "seconds_max": self._settings.work_seconds_max,
        }

    def _fetcher(self, *, http: bool) -> Fetcher:
        chosen = self._settings
        settings = FetchSettings(
            octets_max=chosen.download_megabytes_max * _MEGABYTE,
            seconds_max=chosen.fetch_seconds_max,
            proxy=chosen.proxy,
            allowed_networks=chosen.allowed_networks,
            user_agent=_AGENT,
            http_allowed=http,
            ca_file=chosen.ca_file,
        )
        # Asked directly: where this resolver is the machine's own, it need not be running.
        servers = chosen.bootstrap or self._upstreams
        return Fetcher(settings, resolver_of(servers))

    @property
    def _compiled(self) -> Path:
        return self.root / COMPILED

    def _recorded(self) -> tuple[str, Stamp | None] | None:
        """What the index was made of, and its stamp; None if that is not known."""
        try:
            record = json.loads(self._compiled.read_text("utf-8"))
            return record["digest"], record["index"] and tuple(record["index"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _index_stamp(self) -> Stamp | None:
        try:
            return stamp(self.index)
        except OSError:
            return None


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when all of it is written; else nothing does."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            yield cast("TextIO", file)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
