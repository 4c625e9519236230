"""How much of a list other lists have under an unrelated category.

UT1's list of job sites once received 60,312 names of UT1's phishing list, and its list of downloads
has had the end of the adult list for years. No count of lines or of essentials shows that; the
other lists do. Sheets are sorted, so it takes one pass through each of them beside the keys of this
list, of which a regular sample is enough. Here is only measured; `blocklists.gates` judges.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from blocklists.gates import Overlap
from blocklists.relations import related
from blocklists.sheets import SheetFault, read_keys, rule_of
from categoriser.taxonomy import Taxonomy

if TYPE_CHECKING:
    from blocklists.compiling import Part

EXAMPLES_MAX: Final = 3
SAMPLE_MAX: Final = 200_000  # keys of a list held in memory: 25 MB
_STRIDE: Final = 32


def measure(
    own: Sequence[Part],
    before: Sequence[Part],
    others: Sequence[Part],
    categories: Taxonomy,
    *,
    share_max: float,
) -> tuple[Overlap, ...]:
    """The overlaps of each category of a source with each unrelated category of other sources.

    `own` is the new version, `before` the last good one (empty: there is none); its share is only
    measured where that of the new one is above `share_max`. A damaged or lost sheet of another
    source, or of the last good version, has no entries here: it must not keep a list from coming.
    Raises `SheetFault` for one of the new version, and OSError as `open`.
    """
    last = {part.category: part.entries for part in before}
    found = []
    for part in own:
        keys = _sample(part.entries)
        for category in sorted({other.category for other in others}):
            if related(part.category, category, categories):
                continue
            sheets = [other.entries for other in others if other.category == category]
            share, examples = _share(keys, sheets)
            share_before = None
            if share > share_max and part.category in last:
                with suppress(SheetFault, FileNotFoundError):
                    share_before, _ = _share(_sample(last[part.category]), sheets)
            if share:
                found.append(Overlap(part.category, category, share, share_before, examples))
    return tuple(found)


def _sample(sheet: Path) -> list[str]:
    """The keys of a sheet; of a long one every second, third and so on, to be at most
    `SAMPLE_MAX`.
    """
    step, keys = 1, []
    for number, key in enumerate(read_keys(sheet)):
        if number % step == 0:
            keys.append(key)
            if len(keys) > SAMPLE_MAX:
                keys, step = keys[::2], step * 2
    return keys


def _share(own: Sequence[str], sheets: Sequence[Path]) -> tuple[float, tuple[str, ...]]:
    """How much of `own` any of `sheets` covers, 0 to 1, and examples from the middle of that."""
    covered = bytearray(len(own))
    for sheet in sheets if own else ():
        with suppress(SheetFault, FileNotFoundError):  # the compiler says so
            _cover(own, sheet, covered)
    numbers = [number for number, hit in enumerate(covered) if hit]
    middle = len(numbers) // 2
    examples = tuple(rule_of(own[number]) for number in numbers[middle : middle + EXAMPLES_MAX])
    return len(numbers) / max(len(own), 1), examples


def _cover(own: Sequence[str], sheet: Path, covered: bytearray) -> None:
    """Mark the entries of `own` that `sheet` lists, themselves or by a domain above them.

    Both are sorted, and whatever is below a domain follows it without a gap, so one walk does. Hot:
    0.15 microseconds for each key of the sheet when `own` is short.
    """
    low, size = 0, len(own)
    for key in read_keys(sheet):
        if key > own[low]:
            near = min(low + _STRIDE, size)  # lists that are alike: the next is seldom far
            low = bisect_left(own, key, low + 1, near if own[near - 1] >= key else size)
            if low == size:
                return
        if key[-1] != ".":
            covered[low] |= own[low] == key
            continue
        while own[low].startswith(key):
            covered[low] = 1
            low += 1
            if low == size:
                return
