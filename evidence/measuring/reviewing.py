"""Requests for review: what came of them, how much was blocked in error, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from evidence.figures import reviews
from evidence.measured import buckets
from evidence.measuring import Family, Given, Sample, bounded
from policy.store.requests import queue, requests

SECONDS_BOUNDS: Final = (900, 3600, 4 * 3600, 8 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400)
"""A quarter of an hour to a month: what a person who waits would tell apart."""

_REQUESTS: Final = "lychgate_review_requests"
_ASKED: Final = "lychgate_review_asked"
_JUDGED: Final = "lychgate_review_judged"
_UPHELD: Final = "lychgate_review_upheld"
_LIST_JUDGED: Final = "lychgate_review_list_judged"
_LIST_UPHELD: Final = "lychgate_review_list_upheld"
_SECONDS: Final = "lychgate_review_seconds"
_MEDIAN: Final = "lychgate_review_median_seconds"
_WAITING: Final = "lychgate_review_waiting"
_OLDEST: Final = "lychgate_review_oldest_seconds"

FAMILIES: Final = (
    Family(_ASKED, "Requests for review that were made in a period", ("period",)),
    Family(
        _REQUESTS,
        "Requests for review that were decided in a period, by what came of them",
        ("period", "kind", "outcome"),
    ),
    Family(_JUDGED, "Requests to open a site that people decided", ("period", "category")),
    Family(_UPHELD, "Of these the ones where blocking was wrong", ("period", "category")),
    Family(_LIST_JUDGED, "Requests to open a site that people decided", ("period", "source")),
    Family(_LIST_UPHELD, "Of these the ones where the list was wrong", ("period", "source")),
    Family(_MEDIAN, "Half of the requests of a period were decided sooner", ("period",)),
    Family(_SECONDS, "Time from a request to its decision, of all on record", (), "histogram"),
    Family(_WAITING, "Requests for review that wait", ("kind",)),
    Family(_OLDEST, "How long the one has waited that waits longest; 0 when none does"),
)


async def measure(given: Given) -> Mapping[str, Sequence[Sample]]:
    """Read it."""
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {one.name: [] for one in FAMILIES}
    oldest = 0.0
    for word, period in given.periods.items():
        done = await reviews(given.decided, period, None, given.at)
        found[_ASKED].append(((word,), done.asked))
        for kind, outcome, count in done.outcomes:
            found[_REQUESTS].append(((word, kind, outcome), count))
        for names, judged in (
            ((_JUDGED, _UPHELD), done.by_category),
            ((_LIST_JUDGED, _LIST_UPHELD), done.by_list),
        ):
            for one in judged:
                found[names[0]].append(((word, one.word), one.decided))
                found[names[1]].append(((word, one.word), one.upheld))
        if done.seconds_median is not None:
            found[_MEDIAN].append(((word,), done.seconds_median))
        oldest = done.oldest_seconds or 0.0
    waits = Counter(one.kind for one in await queue(given.decided, given.at))
    found[_WAITING] = [((kind,), float(waits[kind])) for kind in ("open", "close")]
    found[_OLDEST].append(((), oldest))
    took = [
        one.seconds
        for one in await requests(given.decided)
        if one.seconds is not None and one.outcome != "lapsed"
    ]
    return {
        **{name: bounded(rows) for name, rows in found.items()},
        _SECONDS: buckets(took, SECONDS_BOUNDS),
    }
