"""What the commands show on a terminal, by rich.

Every text from outside (names, rules, titles) is put in as plain text, never as markup: a name may
hold anything. Nothing is computed here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from blocklists.compiling import CompileReport
from categoriser.indexfile import Manifest
from categoriser.matches import Match
from categoriser.names import to_text, to_unicode
from lychgate.asking import Answered
from lychgate.explaining import Explanation
from lychgate.questions import type_name

_PIPE_COLUMNS = 120
"""Width where there is no terminal to ask."""
_FIGURES = frozenset({"TTL", "lines", "entries", "rejected", "line", "versions"})
_STYLES = {"blocked": "bold red", "refused": "bold red", "warned": "bold yellow"}


def console(stderr: bool = False) -> Console:
    """Where to write."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else _PIPE_COLUMNS, highlight=False, markup=False
    )


def show_faults(faults: Iterable[str]) -> None:
    """Each fault on a line of its own, not wrapped: programs may read them."""
    for line in faults:
        sys.stderr.write(f"{line}\n")


def show_explanation(found: Explanation) -> None:
    """The answer to "why", the most important first."""
    decision, client = found.decision, found.client
    grid = _grid()
    readable = to_unicode(found.name)
    name = to_text(found.name)
    _row(grid, "name", name if readable == name else f"{name} ({readable})")
    _row(grid, "type", type_name(found.qtype))
    _row(grid, "happens", found.happens.upper(), _STYLES.get(found.happens, "bold green"))
    _row(grid, "because", _because(found))
    if decision.category is not None:
        _row(grid, "category", f"{decision.category} ({found.category_title})")
    if decision.rule is not None:
        _row(grid, "rule", decision.rule)
    if decision.sources:
        _row(grid, "sources", ", ".join(decision.sources))
    if found.answer is not None:
        _row(grid, "answer", found.answer)
    if found.error is not None:
        _row(grid, "error", f"EDE {found.error[0]}: {found.error[1]}")
    if found.safe_search_host is not None:
        _row(grid, "safe search", f"answered as {to_text(found.safe_search_host)}")
    if found.route is not None:
        _row(grid, "asks", f"upstream {found.route}")
    _row(grid, "decided by", decision.reason)
    _row(grid, "client", f"{_who(found)}: {_whereabouts(found)}, profile {client.profile}")
    _row(grid, "at", f"{found.instant(found.at)} ({found.zone.key})")
    _row(grid, "holds until", found.instant(decision.valid_until) or "something is changed")
    others = [match for match in decision.matches if match.category != decision.category]
    if others:
        _row(grid, "also in", _matches(others))
    if decision.suggestions:
        _row(grid, "suggested", f"{_matches(decision.suggestions)} (never blocks by itself)")
    for number, sentence in enumerate(found.changes):
        _row(grid, "" if number else "would change", f"- {sentence}")
    for warning in found.warnings:
        _row(grid, "warning", warning, "yellow")
    console().print(grid)


def _because(found: Explanation) -> str:
    if not found.served:
        return "This network is not among limits.served_networks."
    if found.happens == "answered here":
        return "The name or type is special: answered by the resolver itself, whatever the policy."
    return found.decision.note


def _who(found: Explanation) -> str:
    """`IT-SUITE-07 (10.20.3.7)`, or the address alone."""
    return f"{found.hostname} ({found.address})" if found.hostname else str(found.address)


def _whereabouts(found: Explanation) -> str:
    client = found.client
    places = [f"venue {client.venue}"]
    if client.room is not None:
        places.append(f"room {client.room}")
    if client.device is not None:
        withdrawn = " (withdrawn)" if found.at < client.withdrawn_until else ""
        places.append(f"device {client.device}{withdrawn}")
    return ", ".join(places)


def _matches(matches: Sequence[Match]) -> str:
    return ", ".join(f"{m.category} ({m.rule}, {', '.join(m.sources)})" for m in matches)


def show_answer(answered: Answered) -> None:
    """What a server said."""
    out = console()
    server = f"{answered.server.host} port {answered.server.port}"
    out.print(
        f"{answered.rcode} from {server} over {answered.transport} "
        f"in {answered.seconds * 1000:.1f} ms"
    )
    for code, meaning, text in answered.errors:
        out.print(f"Extended error {code} ({meaning}){': ' + text if text else ''}")
    if not answered.records:
        out.print("No records in the answer.")
        return
    shown = table("name", "TTL", "type", "data")
    for owner, ttl, kind, data in answered.records:
        shown.add_row(Text(owner), str(ttl), kind, Text(data))
    out.print(shown)


def show_compiled(report: CompileReport) -> None:
    """What became of each list."""
    out = console()
    shown = table("source", "category", "format", "lines", "entries", "rejected", "first reject")
    for source in report.sources:
        first = source.rejections[0] if source.rejections else None
        example = "" if first is None else f"line {first.examples[0][0]}: {first.reason}"
        shown.add_row(
            Text(source.source),
            source.category,
            source.format,
            f"{source.lines:,}",
            f"{source.entries:,}",
            f"{source.rejected:,}",
            Text(example),
        )
    out.print(shown)
    out.print(
        f"{report.out}: {report.names:,} names, {report.octets / 1e6:.1f} MB; "
        "a running resolver takes it over by itself"
    )


def show_manifest(path: Path, manifest: Manifest, names: int, octets: int) -> None:
    """What an index says about itself."""
    out = console()
    shown = table("source", "title", "category", "entries")
    for source in manifest.sources:
        shown.add_row(Text(source.id), Text(source.title), source.category, f"{source.entries:,}")
    out.print(shown)
    built = datetime.fromtimestamp(manifest.built_at, UTC).astimezone()
    out.print(
        f"{path}: {names:,} names, {octets / 1e6:.1f} MB, "
        f"built {built.isoformat(timespec='seconds')}, checksum right"
    )


def show_summary(rows: Iterable[tuple[str, str]], warnings: Iterable[str]) -> None:
    """What a good configuration amounts to."""
    grid = _grid()
    for label, text in rows:
        _row(grid, label, text)
    for warning in warnings:
        _row(grid, "warning", warning, "yellow")
    console().print(grid)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _row(grid: Table, label: str, text: str, style: str = "") -> None:
    grid.add_row(label, Text(text, style=style))


def table(*columns: str) -> Table:
    """An empty table with these headings; figures stand to the right."""
    empty = Table(box=SIMPLE_HEAD)
    for column in columns:
        right = column in _FIGURES
        empty.add_column(column, justify="right" if right else "left", overflow="fold")
    return empty
