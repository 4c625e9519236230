"""The lists of one installation: its choice of them, their versions on disk, and the index.

Here the settings meet `blocklists`: where things are, how much a child process may use, who finds
the publishers' addresses. Whatever changes what filters ends in `compile`, which does nothing when
nothing changed.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

from blocklists import choices, exporting, refreshing, standing, tracing, wanting, working
from blocklists.compiling import CompileReport, Part
from blocklists.differences import Difference, difference
from blocklists.exporting import ExportReport
from blocklists.fetching import Fetcher, FetchSettings
from blocklists.keeping import Shelf, sources_on_disk
from blocklists.reading import Reading
from blocklists.refreshing import Progress, RefreshReport
from blocklists.sources import Source
from blocklists.suggesting import asked_counts
from blocklists.versions import Version
from blocklists.wanting import Wish
from blocklists.writing import KeepFault, locked, write_whole
from lychgate.bootstrap import resolver_of
from lychgate.config import Configuration
from resolver.stamps import Stamp, read_stamps, stamp

COMPILED: Final = "compiled.json"
"""In the folder of the lists: what the index was made of."""
_MEGABYTE: Final = 1_000_000
_AGENT: Final = "lychgate"
_ANY: Final = "adult"
"""The category that a file is read for which has none yet; any that blocks would do."""


class Listing:
    """The lists of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._settings: Final = configuration.lists
        self._upstreams: Final = configuration.upstream.chosen
        self._ca_file: Final = configuration.lists_ca_file
        self.root: Final = configuration.lists_directory
        self.choices_file: Final = configuration.choices_file
        self.index: Final = configuration.index_file
        self._asked: Final = configuration.asked_directory
        self._known: tuple[Stamp | None, Mapping[str, Source]] | None = None

    @property
    def sources(self) -> Mapping[str, Source]:
        """Every source there is, by the choice as it is now: another process may change it.
        Raises `blocklists.sources.SourceFault`.
        """
        (now,) = read_stamps([self.choices_file])
        if self._known is None or self._known[0] != now:
            self._known = now, choices.read_choices(self.choices_file).sources
        return self._known[1]

    @property
    def enabled(self) -> Sequence[Source]:
        """Those in use."""
        return [source for source in self.sources.values() if source.enabled]

    def shelf(self, word: str) -> Shelf:
        """The versions of one source."""
        return Shelf(self.root, word)

    def status(self, at: float) -> list[standing.SourceStatus]:
        """How every source stands that is enabled, or has versions on disk."""
        there = sources_on_disk(self.root)
        wanted = [
            source for source in self.sources.values() if source.enabled or source.id in there
        ]
        return standing.status(wanted, self.root, at)

    def shelves(self) -> list[Shelf]:
        """The versions of every source that has any, also of those that nobody knows any longer."""
        return [self.shelf(word) for word in sources_on_disk(self.root)]

    def parts(self) -> list[Part]:
        """What the index is to be made of."""
        return standing.parts(self.enabled, self.root)

    def choose(self, change: Callable[..., Any], *arguments: Any) -> None:
        """Change lists.toml by one of the functions of `blocklists.choices`. Raises
        `blocklists.sources.SourceFault`.
        """
        change(self.choices_file, *arguments)
        self._read_again()

    def refresh(
        self,
        *,
        at: float,
        only: Collection[str] | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> RefreshReport:
        """Bring lists up to date; `compile` then makes the index of them. Raises
        `blocklists.refreshing.RefreshFault` and `blocklists.writing.KeepFault`.
        """
        return refreshing.refresh(
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

    def want_refresh(self, by: str, at: float) -> None:
        """Ask for a refresh of every list in use. Raises `blocklists.writing.KeepFault`."""
        wanting.want(self.root, by, at)

    def refresh_wanted(self) -> Wish | None:
        """The wish for a refresh that waits to be taken up."""
        return wanting.wanted(self.root)

    def take_up_wish(self) -> list[str] | None:
        """The ids of every list in use, if somebody asked for a refresh of them; else None."""
        return [one.id for one in self.enabled] if wanting.take_up(self.root) else None

    def compile(self, *, at: float) -> CompileReport | None:
        """Make the index anew if the lists in use are not those it was made of; None: they are.

        An index made by hand (`lychgate index build`) is left alone as long as no list is in use.
        Raises `blocklists.working.JobFault`, `blocklists.writing.KeepFault` and
        `blocklists.sources.SourceFault`; then the index is as it was.
        """
        with locked(self.root, "compile", at):
            self._read_again()  # somebody may have chosen otherwise during a long refresh
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
        """Let the held version of a source filter. Raises `blocklists.writing.KeepFault`."""
        return self.shelf(word).accept(by, reason, at)

    def rollback(self, word: str, by: str, reason: str, at: float, to: str | None) -> Version:
        """Go back to an earlier version. Raises `blocklists.writing.KeepFault`."""
        return self.shelf(word).rollback(by, reason, at, to)

    def enable(self, words: Sequence[str]) -> None:
        """Use lists from the next refresh on. Raises `blocklists.sources.SourceFault`."""
        self.choose(choices.enable, words)

    def disable(self, words: Sequence[str]) -> None:
        """Use lists no longer. Raises `blocklists.sources.SourceFault`."""
        self.choose(choices.disable, words)

    def trace(self, name: str) -> list[tracing.Trace]:
        """Which lists have a name, on which line, since when. Raises as `tracing.trace` does."""
        return tracing.trace(name, self.shelves(), self.sources)

    def difference(
        self, word: str, since: str | None = None
    ) -> tuple[Path | None, Path | None, Difference]:
        """What a held version would change, or what the last update changed: two version folders
        and their difference. Raises `blocklists.writing.KeepFault` and what `difference` does.
        """
        old, new = self._compared(word, since)
        seen = {} if self._asked is None else asked_counts(self._asked)
        return old, new, difference(old, new, {name: one.count for name, one in seen.items()})

    def _compared(self, word: str, since: str | None) -> tuple[Path | None, Path | None]:
        """From the version in use to the one held, or else from the good one before to the one in
        use.
        """
        shelf = self.shelf(word)
        if shelf.current_folder is None and shelf.held_folder is None:
            raise KeepFault(f"{word}: no version is on disk; `lychgate lists refresh {word}` first")
        new = shelf.held_folder or shelf.current_folder
        if since is not None:
            version = shelf.find(since)
            if version is None:
                have = ", ".join(one.id for one in shelf.versions())
                raise KeepFault(f"{word}: version {since!r}; there are {have}")
            return version.folder, new
        if shelf.held_folder is not None:
            return shelf.current_folder, new
        before = shelf.before_current()
        return None if before is None else before.folder, new

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

    def _read_again(self) -> None:
        self._known = None

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
            ca_file=self._ca_file,
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
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _index_stamp(self) -> Stamp | None:
        try:
            return stamp(self.index)
        except OSError:
            return None
