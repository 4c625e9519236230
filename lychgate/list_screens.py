"""What the commands about lists show on a terminal, by rich.

Names, titles and messages come from outside: they are put in as plain text, never as markup.
Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from blocklists.compiling import CompileReport
from blocklists.differences import Changed, Difference
from blocklists.journal import JournalEntry
from blocklists.reading import Reading
from blocklists.refreshing import Progress as Report
from blocklists.refreshing import RefreshReport
from blocklists.sources import Source
from blocklists.standing import SourceStatus
from blocklists.tracing import Trace
from blocklists.versions import ShelfState, Version
from lychgate.screens import console, table

DIFFERENCES_SHOWN_MAX = 20
"""Names of each kind on a screen; `--json` has more."""
_STYLES = {"held": "bold yellow", "failed": "bold red", "kept": "green"}


@contextmanager
def downloads() -> Iterator[Report | None]:
    """A bar for each download, on a terminal; elsewhere nothing."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=screen, transient=True) as bars:
        tasks = {}

        def report(source: str, octets: int, total: int | None) -> None:
            if source not in tasks:
                tasks[source] = bars.add_task(source, total=total)
            bars.update(tasks[source], completed=octets, total=total)

        yield report


def show_sources(sources: Sequence[Source]) -> None:
    """The lists there are."""
    shown = table("list", "category", "in use", "entries", "licence", "title")
    for source in sources:
        shown.add_row(
            source.id,
            ", ".join(dict.fromkeys(source.categories.values())),
            "yes" if source.enabled else ("template" if source.template else ""),
            "" if source.typical_entries is None else f"{source.typical_entries:,}",
            Text(source.licence.partition(" (")[0].partition(";")[0]),
            Text(source.title if source.trust == "block" else f"{source.title} (only suggests)"),
        )
    console().print(shown)


def show_status(found: Sequence[SourceStatus], at: float) -> None:
    """How lists stand, and under the table what is wrong with them."""
    out = console()
    if not found:
        out.print("No list is in use. `lychgate lists sources` shows which there are.")
        return
    shown = table("list", "state", "entries", "age", "checked", "next", "versions")
    for one in found:
        word = _state(one)
        shown.add_row(
            one.id,
            Text(word, style=_STYLES.get(word, "")),
            f"{sum(one.entries.values()):,}",
            _age(one.age_seconds),
            _age(one.checked_age_seconds),
            _age(max(0.0, one.next_at - at)) if one.enabled and one.next_at else "",
            str(one.versions),
        )
    out.print(shown)
    for one in found:
        for finding in one.findings:
            if finding.message in one.problem:
                continue  # told below
            out.print(Text(f"{finding.gate}: {finding.message}", style="yellow"))
        if one.held is not None:
            held = f"{one.id}: {one.held} is held back ({one.entries_held:,} entries); "
            out.print(Text(f"{held}look with `lists diff`, then `lists accept` or leave it."))
        if one.problem and one.enabled:
            whose = "" if one.problem.startswith(f"{one.id}:") else f"{one.id}: "
            out.print(Text(f"{whose}{one.problem}", style="red"))
        if one.stale:
            out.print(Text(f"{one.id}: out of date; the publisher has not been heard", "yellow"))


def _state(one: SourceStatus) -> str:
    if not one.enabled:
        return "not in use"
    if one.held is not None:
        return "held"
    if one.problem:
        return "failed"
    if one.current is None:
        return "not fetched"
    return "suggests" if one.trust == "suggest" else "filters"


def show_refreshed(report: RefreshReport) -> None:
    """What a refresh did."""
    out = console()
    if not report.results:
        out.print("No list is in use; `lychgate lists enable` chooses some.")
        return
    shown = table("list", "result", "entries", "version", "why")
    for one in report.results:
        shown.add_row(
            one.source,
            Text(one.outcome, style=_STYLES.get(one.outcome, "")),
            f"{one.entries:,}" if one.entries else "",
            one.version,
            Text(one.message),
        )
    out.print(shown)


def show_compiled_lists(report: CompileReport) -> None:
    """The new index."""
    console().print(
        f"{report.out}: {report.names:,} names, {report.octets / 1e6:.1f} MB "
        f"({report.dropped:,} more are covered by shorter ones); "
        "a running resolver takes it over by itself"
    )


def show_difference(word: str, old: Path | None, new: Path | None, found: Difference) -> None:
    """What comes and what goes."""
    out = console()
    before = "nothing" if old is None else old.name
    after = "nothing" if new is None else new.name
    out.print(f"{word}: from {before} to {after}: {found.added:,} come, {found.removed:,} go")
    for one in found.categories:
        what = f"{one.category}{' (exceptions)' if one.exceptions else ''}"
        for sign, count, first in (
            ("+", one.added, one.added_first),
            ("-", one.removed, one.removed_first),
        ):
            if count:
                out.print(f"{what}: {sign}{count:,}")
                _show_changed(sign, count, first)


def _show_changed(sign: str, count: int, first: Sequence[Changed]) -> None:
    out = console()
    for changed in first[:DIFFERENCES_SHOWN_MAX]:
        asked = f"  asked {changed.asked:,} times" if changed.asked else ""
        out.print(Text(f"  {sign} {changed.rule}{asked}"))
    if count > DIFFERENCES_SHOWN_MAX:
        out.print(f"  {sign} ... and {count - DIFFERENCES_SHOWN_MAX:,} more")


def show_versions(word: str, versions: Sequence[Version], state: ShelfState) -> None:
    """What is on disk of one list."""
    if not versions:
        console().print(f"{word}: no version is on disk")
        return
    shown = table("version", "fetched", "entries", "state", "why")
    for version in versions:
        reading = version.reading()
        now = "in use" if version.id == state.current else version.verdict
        shown.add_row(
            version.id,
            _date(version.at),
            "" if reading is None else f"{reading.entries_total:,}",
            now,
            Text("; ".join(finding.message for finding in version.findings)),
        )
    console().print(shown)


def show_traces(name: str, found: Sequence[Trace]) -> None:
    """Which lists have a name."""
    out = console()
    if not found:
        out.print(Text(f"{name}: in no list on disk (starter lists: `lychgate explain`)"))
        return
    shown = table("list", "category", "entry", "line", "since", "does")
    for one in found:
        does: str = one.standing
        if one.exception:
            does = f"exception, {does}"
        if one.excepted_by:
            does += f", but excepted by {one.excepted_by}"
        if one.within:
            does += f", within {one.within}"
        shown.add_row(
            one.source, one.category, Text(one.rule), f"{one.line:,}", one.since.isoformat(), does
        )
    out.print(shown)


def show_reading(file: Path, reading: Reading) -> None:
    """What is in a list file."""
    out = console()
    entries = f"{reading.entries_total:,} entries"
    out.print(Text(f"{file}: {reading.format}, {reading.lines:,} lines, {entries}"))
    for hit in reading.protected:
        out.print(Text(f"  {hit.rule} would take {hit.name}, which is protected", "yellow"))
    for tld in reading.tlds:
        out.print(Text(f"  {tld} is a whole top-level domain", "red"))
    if not reading.rejections:
        return
    shown = table("rejected", "why", "first of them")
    for rejection in reading.rejections:
        examples = ", ".join(f"line {line}: {text!r}" for line, text in rejection.examples)
        shown.add_row(f"{rejection.count:,}", rejection.reason, Text(examples))
    out.print(shown)


def show_journal(entries: Sequence[JournalEntry]) -> None:
    """What was done to lists."""
    if not entries:
        console().print("Nothing was done to lists yet.")
        return
    shown = table("at", "who", "did", "list", "why", "what")
    for entry in entries:
        shown.add_row(
            _date(entry.at),
            Text(entry.by),
            entry.action,
            entry.source,
            Text(entry.reason),
            Text(entry.detail),
        )
    console().print(shown)


def _age(seconds: float | None) -> str:
    """`3 h`, `2 days`."""
    if seconds is None:
        return "never"
    for size, word in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
