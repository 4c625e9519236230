"""What `lychgate suggestions` shows on a terminal, by rich.

Names come from whoever asked for them: they are put in as plain text, never as markup. Nothing is
computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.text import Text

from blocklists.dismissals import Dismissal
from blocklists.suggesting import Evidence, Seen, Suggestion, date_of
from lychgate.screens import console, show_summary, table
from lychgate.suggestions import Judged

_KINDS = {"keyword": "word", "ending": "ending", "list": "list"}


def show_queue(queue: Sequence[Suggestion], limit: int) -> None:
    """The first of the queue, best first."""
    out = console()
    if not queue:
        out.print("Nothing waits for review.")
        return
    shown = table("name", "category", "score", "likely", "asked", "first", "evidence")
    for one in queue[:limit]:
        shown.add_row(
            Text(_both(one.name, one.readable)),
            one.category,
            f"{one.score:.2f}",
            f"{one.likelihood:.0%}",
            f"{one.seen.count:,}",
            date_of(one.seen.first_day).isoformat(),
            Text(", ".join(map(_briefly, one.evidence))),
        )
    out.print(shown)
    out.print(
        f"{min(limit, len(queue))} of {len(queue)}. None of them is blocked by this: "
        "look, then block it by a rule or list, or `lychgate suggestions dismiss` it."
    )


def show_judged(judged: Judged) -> None:
    """All about one name."""
    show_summary(_rows(judged), ())


def show_dismissals(dismissals: Mapping[str, Dismissal]) -> None:
    """What was dismissed, by whom and why."""
    out = console()
    if not dismissals:
        out.print("Nothing is dismissed.")
        return
    shown = table("name", "by", "when", "reason")
    for name, one in dismissals.items():
        shown.add_row(Text(name), Text(one.by), _when(one.at), Text(one.reason))
    out.print(shown)


def _rows(judged: Judged) -> Iterator[tuple[str, str]]:
    suggestion = judged.suggestion
    yield "name", judged.name if suggestion is None else _both(judged.name, suggestion.readable)
    yield "in the queue", "yes" if judged.in_queue else "no"
    yield "asked", "not counted" if judged.seen is None else _asked(judged.seen)
    if suggestion is not None:
        likely = f"{suggestion.category}, {suggestion.likelihood:.0%} likely"
        yield "speaks for", f"{likely}, score {suggestion.score:.2f}"
        for number, piece in enumerate(suggestion.evidence):
            yield "" if number else "evidence", _fully(piece)
    else:
        yield "evidence", "none"
    for match in judged.listed:
        yield "listed", f"{match.category} ({match.rule}, {', '.join(match.sources)})"
    if judged.dismissed is not None:
        name, one = judged.dismissed
        yield "dismissed", f"{name}, by {one.by}, {_when(one.at)}: {one.reason}"


def _asked(seen: Seen) -> str:
    days = f"{date_of(seen.first_day).isoformat()} to {date_of(seen.last_day).isoformat()}"
    return f"{seen.count:,} times, {days}"


def _briefly(piece: Evidence) -> str:
    how = "" if piece.spelt == "plain" else f", {piece.spelt}"
    return f"{_KINDS[piece.kind]} {piece.what} ({piece.weight:.2f}{how})"


def _fully(piece: Evidence) -> str:
    return f"{piece.category}: {_briefly(piece)}: {piece.note}"


def _both(name: str, readable: str) -> str:
    return name if readable == name else f"{name} ({readable})"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
