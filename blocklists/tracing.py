"""Why is this name listed: every source that has an entry for it, since when, and on which line.

Looked up in the sheets on disk, not in the index: sheets know the line and the day, and also what
does not filter: sources that are not enabled or may only suggest, versions that a gate holds, and
entries that an exception of their own source takes back. Starter lists and keywords are not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Literal

from blocklists.keeping import Shelf
from blocklists.sheets import ALLOWS_ENDING, ENTRIES_ENDING, SheetLine, find_in_sheet, rule_of
from blocklists.sources import Source
from categoriser.names import normal

_DAY_SECONDS: Final = 86_400

Standing = Literal["filters", "suggests", "disabled", "held"]
"""What an entry does now: it is in the index when that is built; it may only be shown; its source
is not enabled, or no longer known; it is only in a version that a gate holds."""

_ORDER: Final[tuple[Standing, ...]] = ("filters", "suggests", "held", "disabled")


@dataclass(frozen=True, slots=True)
class Trace:
    """One entry that covers a name.

    `line` is of the raw list, the first that has the rule; `since` the day on which this source
    first had it. `exception`: it opens instead of blocking. `excepted_by` is the exception of the
    same source that takes this entry back, `within` the wider rule of the same source without which
    it would be needed; each "" for none.
    """

    source: str
    title: str
    category: str
    rule: str
    line: int
    since: date
    version: str
    standing: Standing
    exception: bool
    excepted_by: str
    within: str


def trace(name: str, shelves: Iterable[Shelf], sources: Mapping[str, Source]) -> list[Trace]:
    """Every entry for this name in the current and held versions on these shelves.

    What filters comes first; within that by source and category, and the widest rule before its
    repeats. Raises `categoriser.names.NameFault`, `blocklists.sheets.SheetFault`, and OSError as
    `open`.
    """
    wanted = normal(name)
    found = [item for shelf in shelves for item in _on_shelf(wanted, shelf, sources)]
    return sorted(
        found,
        key=lambda item: (_ORDER.index(item.standing), item.source, item.category, item.exception),
    )


def _on_shelf(name: str, shelf: Shelf, sources: Mapping[str, Source]) -> Iterator[Trace]:
    source = sources.get(shelf.source_id)
    current = list(_in_version(name, shelf.current_folder, shelf, source, _standing(source)))
    known = {(item.category, item.rule, item.exception) for item in current}
    yield from current
    for item in _in_version(name, shelf.held_folder, shelf, source, "held"):
        if (item.category, item.rule, item.exception) not in known:
            yield item


def _in_version(
    name: str, folder: Path | None, shelf: Shelf, source: Source | None, standing: Standing
) -> Iterator[Trace]:
    if folder is None:
        return
    sheets = [*folder.glob(f"*{ENTRIES_ENDING}"), *folder.glob(f"*{ALLOWS_ENDING}")]
    for category in sorted({path.stem for path in sheets}):
        entries = find_in_sheet(folder / f"{category}{ENTRIES_ENDING}", name)
        allows = find_in_sheet(folder / f"{category}{ALLOWS_ENDING}", name)
        for lines, exception in ((entries, False), (allows, True)):
            for line in lines:
                yield Trace(
                    source=shelf.source_id,
                    title=shelf.source_id if source is None else source.title,
                    category=category,
                    rule=rule_of(line.key),
                    line=line.line,
                    since=_day(line.since),
                    version=folder.name,
                    standing=standing,
                    exception=exception,
                    excepted_by=rule_of(allows[0].key) if allows and not exception else "",
                    within=_wider(line, lines),
                )


def _wider(line: SheetLine, lines: list[SheetLine]) -> str:
    """The widest rule that makes this one needless. Rules come from the widest to the narrowest."""
    first = lines[0]
    return "" if first is line else rule_of(first.key)


def _standing(source: Source | None) -> Standing:
    if source is None or not source.enabled:
        return "disabled"
    return "suggests" if source.trust == "suggest" else "filters"


def _day(since: int) -> date:
    return datetime.fromtimestamp(since * _DAY_SECONDS, UTC).date()
