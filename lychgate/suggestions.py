"""The review queue of one installation: what was asked, the lists there are, and what a person
dismissed.

Here the settings meet `blocklists.suggesting` and `blocklists.dismissals`. Nothing here changes a
list, the index or the policy: what a person makes of a suggestion is another command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from msgspec import structs

from blocklists import starters
from blocklists.choices import read_choices
from blocklists.compiling import Part
from blocklists.dismissals import Dismissal, covering, dismiss, read_dismissals, undismiss
from blocklists.keeping import Shelf
from blocklists.standing import parts_in
from blocklists.suggesting import (
    Reviewer,
    Seen,
    Suggestion,
    asked_counts,
    date_of,
    find_hints,
    suggest,
)
from categoriser.matches import CategoryIndex, Match
from categoriser.names import from_text, normal
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration


@dataclass(frozen=True)
class Judged:
    """Everything there is to say about one name. `dismissed` is the dismissed name that covers it.

    It is in the queue if it has a suggestion and was asked for, no list knows it, and nobody
    dismissed it.
    """

    name: str
    seen: Seen | None
    suggestion: Suggestion | None
    listed: tuple[Match, ...]
    dismissed: tuple[str, Dismissal] | None

    @property
    def in_queue(self) -> bool:
        """Whether `lychgate suggestions list` would show it."""
        waits = self.seen is not None and self.suggestion is not None
        return waits and not self.listed and self.dismissed is None

    def to_json(self) -> dict[str, Any]:
        """For programs; keys are only ever added."""
        return {
            "name": self.name,
            "in_queue": self.in_queue,
            "asked": 0 if self.seen is None else self.seen.count,
            "first_day": None if self.seen is None else date_of(self.seen.first_day).isoformat(),
            "last_day": None if self.seen is None else date_of(self.seen.last_day).isoformat(),
            "suggestion": None if self.suggestion is None else self.suggestion.to_json(),
            "listed": [structs.asdict(match) for match in self.listed],
            "dismissed": (
                None
                if self.dismissed is None
                else {"name": self.dismissed[0], **asdict(self.dismissed[1])}
            ),
        }


class ReviewQueue:
    """The queue of one configuration, and how to look at any name.

    Its methods raise what the rooms raise: `resolver.setup.SnapshotFault` for a policy that
    cannot be used, `blocklists.sources.SourceFault` for lists.toml, `blocklists.sheets.SheetFault`,
    `blocklists.dismissals.DismissalFault`, and OSError.
    """

    def __init__(
        self, configuration: Configuration, find_index: Callable[[], CategoryIndex] | None = None
    ) -> None:
        """`find_index` gives the lists there are; without it they are read anew."""
        self._configuration: Final = configuration
        self._find_index: Final = find_index
        self._folder: Final = configuration.state_directory / "suggestions"

    @property
    def counts(self) -> bool:
        """Whether the resolver counts names at all."""
        return self._configuration.asked_directory is not None

    @cached_property
    def dismissals(self) -> Mapping[str, Dismissal]:
        """What a person dismissed."""
        return read_dismissals(self._folder)

    @cached_property
    def seen(self) -> Mapping[str, Seen]:
        """What was asked for and is in no list, by name."""
        folder = self._configuration.asked_directory
        return {} if folder is None else asked_counts(folder)

    def suggestions(self) -> list[Suggestion]:
        """The queue, best first."""
        hints = find_hints(self.seen, self._sheets())
        return suggest(
            self.seen,
            Reviewer(starters.load_keywords(), hints),
            self._listed,
            is_dismissed=lambda name: covering(self.dismissals, name) is not None,
        )

    def judge(self, text: str) -> Judged:
        """One name, whether it was asked for or not. Raises `categoriser.names.NameFault`."""
        name = normal(text)
        seen = self.seen.get(name)
        hints = find_hints([name], self._sheets())
        reviewer = Reviewer(starters.load_keywords(), hints)
        above = covering(self.dismissals, name)
        return Judged(
            name,
            seen,
            reviewer.judge(name, seen or Seen(0, 0, 0)),
            tuple(match for match in self._listed(name) if not match.keyword),
            None if above is None else (above, self.dismissals[above]),
        )

    def dismiss(self, name: str, *, by: str, reason: str, at: float) -> str:
        """Take a name out of the queue; gives it in normal form."""
        return dismiss(self._folder, name, by=by, reason=reason, at=at)

    def undismiss(self, name: str, *, by: str, reason: str, at: float) -> str:
        """Let it back in; gives it in normal form."""
        return undismiss(self._folder, name, by=by, reason=reason, at=at)

    def _listed(self, name: str) -> tuple[Match, ...]:
        return self._index.categorise(from_text(name))

    @cached_property
    def _index(self) -> CategoryIndex:
        if self._find_index is not None:
            return self._find_index()
        return SnapshotBuilder(self._configuration).build().snapshot.index

    def _sheets(self) -> Iterator[Part]:
        """What lists in use say that may only suggest."""
        for source in read_choices(self._configuration.choices_file).enabled:
            if source.trust == "suggest":
                shelf = Shelf(self._configuration.lists_directory, source.id)
                if shelf.current_folder is not None:
                    yield from parts_in(shelf.current_folder, source, shelf.state.changed_at)
