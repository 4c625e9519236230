"""Figures for Prometheus: bounded, the same as everywhere else, and nobody in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from categoriser import taxonomy
from evidence.duties import Context
from evidence.duties.figures import MeasuringFault, run
from evidence.figures import Figures, Period, read_figures
from evidence.measured import RECORDER_FILE, buckets, read_measured
from evidence.measuring import MONTH_DAYS, OTHERS, SERIES_MAX, MeasuringSettings, bounded
from evidence.measuring.candidates import SITES_MAX
from evidence.spool import Batch, Detail
from evidence.store import EvidenceStore
from lychgate.figure_metrics import STALE_SECONDS, FigureCollector
from policy.commands.exceptions import EndException, GrantException
from policy.commands.people import AddPerson
from policy.commands.requests import ANYBODY, AskForReview
from policy.commands.reviews import DecideRequest
from policy.requests import Said
from policy.store import Store
from tests.evidence.happenings import batch, detail, record
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import TUTOR, make_college, perform

AT = TUESDAY_10 + 3600
HERE = "ellesmere-port"


class Ground:
    """A store of the college and an empty telemetry database, in one folder."""

    def __init__(self, folder: Path, settings: MeasuringSettings | None = None) -> None:
        self.folder = folder
        self.store_url = f"sqlite+aiosqlite:///{folder / 'state.db'}"
        self.url = f"sqlite+aiosqlite:///{folder / 'telemetry.db'}"
        self.given = {} if settings is None else {"measuring": settings}
        asyncio.run(make_college(self.store_url))

    @asynccontextmanager
    async def decisions(self) -> AsyncIterator[Store]:
        store = await Store.open(self.store_url)
        try:
            yield store
        finally:
            await store.close()

    async def measure(self, *batches: Batch, at: float = AT) -> None:
        """Let something happen, then do the duty."""
        evidence = await EvidenceStore.open(self.url, create=True)
        try:
            if batches:
                await record(evidence, *batches, at=at)
            await run(
                Context(evidence, at, taxonomy.load(), self.decisions, self.folder, self.given)
            )
        finally:
            await evidence.close()

    def scraped(self, at: float = AT) -> str:
        """What Prometheus is told."""
        registry = CollectorRegistry()
        registry.register(FigureCollector(self.folder, lambda: at))
        return generate_latest(registry).decode()

    def values(self, at: float = AT) -> dict[tuple[str, frozenset[str]], float]:
        """Name and values of labels -> figure."""
        return {
            (sample.name, frozenset(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(self.scraped(at))
            for sample in family.samples
        }


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def six_devices(site: str = "bet365.com", first: int = 1, last: int = 6) -> list[Detail]:
    """As many devices that were kept from a site."""
    return [
        detail(TUESDAY_10 + n, site, venue=HERE, address=f"10.0.0.{n}", rule=site)
        for n in range(first, last + 1)
    ]


def ask(ground: Ground, site: str) -> int:
    """Somebody asks openly that a site be opened; the request's number."""
    said = Said("block", "gambling", site, ("starter:gambling",))
    done = perform(ground.store_url, AskForReview("open", site, HERE, "", said), actor=ANYBODY)
    return int(done.subject.partition(":")[2])


def test_metrics_and_figures_agree(ground: Ground) -> None:
    one = ask(ground, "pokerstars.com")
    ask(ground, "betfair.com")

    kept = DecideRequest(one, "keep", "It is a casino.")
    perform(ground.store_url, kept, at=TUESDAY_10 + 600)
    warned = detail(TUESDAY_10, "facebook.com", venue=HERE, action="warn", category="social-media")
    asyncio.run(ground.measure(batch("a", [*six_devices(), warned])))

    async def read() -> Figures:
        evidence = await EvidenceStore.open(ground.url)
        async with (
            ground.decisions() as store,
            store.reading() as decided,
            evidence.reading() as happened,
        ):
            period = Period.last_days(MONTH_DAYS, AT, ZoneInfo("Europe/London"))
            found = await read_figures(happened, decided, taxonomy.load(), period, None, AT)
        await evidence.close()
        return found

    found, told = asyncio.run(read()), ground.values()
    blocking, reviews = found.blocking, found.reviews
    month = "month"
    assert (
        told["lychgate_period_queries", frozenset({month, HERE, "block"})] == blocking.blocked == 6
    )
    assert told["lychgate_period_queries", frozenset({month, HERE, "warn"})] == blocking.warned == 1
    assert told["lychgate_distinct_blocked_sites", frozenset({month})] == blocking.sites == 1
    assert told["lychgate_blocked_sites", frozenset({month, "gambling"})] == 1
    assert told["lychgate_venue_blocked_sites", frozenset({month, HERE})] == 1
    assert told["lychgate_list_blocked_queries", frozenset({month, "starter:gambling"})] == 6
    assert told["lychgate_review_asked", frozenset({month})] == reviews.asked == 2
    assert told["lychgate_review_requests", frozenset({month, "open", "kept"})] == 1
    assert (
        told["lychgate_review_judged", frozenset({month, "gambling"})]
        == reviews.by_category[0].decided
        == 1
    )
    assert told["lychgate_review_list_upheld", frozenset({month, "starter:gambling"})] == 0
    assert (
        told["lychgate_review_median_seconds", frozenset({month})] == reviews.seconds_median == 600
    )
    assert told["lychgate_review_waiting", frozenset({"open"})] == reviews.waiting == 1
    assert told["lychgate_review_oldest_seconds", frozenset()] == reviews.oldest_seconds == 3600
    assert told["lychgate_review_seconds_sum", frozenset()] == 600
    assert told["lychgate_review_seconds_bucket", frozenset({"900"})] == 1
    named = {labels: value for (name, labels), value in told.items() if name.endswith("_candidate")}
    assert named == {frozenset({one.site, one.category}): one.weight for one in found.candidates}


def test_exceptions_by_venue_and_role(ground: Ground) -> None:
    url, lesson = ground.store_url, {"purpose": "CV lesson", "categories": ("social-media",)}
    sam = {"name": TUTOR.name, "roles": [{"role": "tutor", "venues": [HERE]}]}
    perform(url, AddPerson(TUTOR.id, sam))
    venue = f"venue:{HERE}"
    perform(url, GrantException(venue, until=AT - 600, **lesson), actor=TUTOR)
    perform(url, GrantException(venue, until=AT + 600, **lesson), actor=TUTOR)
    perform(url, GrantException(venue, until=AT + 600, **lesson), actor=TUTOR)
    perform(url, EndException(3), at=TUESDAY_10 + 60)  # by an administrator
    perform(url, GrantException("organisation", until=AT + 600, **lesson))
    asyncio.run(ground.measure())
    told = ground.values()
    tutor, nobody = frozenset({HERE, "tutor"}), frozenset({""})
    assert told["lychgate_exceptions_granted", tutor | {"month"}] == 3
    assert told["lychgate_exceptions_expired", tutor | {"month"}] == 1
    assert told["lychgate_exceptions_ended_early", tutor | {"day"}] == 1
    assert told["lychgate_exceptions_active", tutor] == 1
    # Whoever the store does not know has no role there.
    assert told["lychgate_exceptions_active", nobody] == 1


def test_a_site_is_named_only_when_many_or_somebody_openly_asked(ground: Ground) -> None:
    few = six_devices("four-devices.com", 1, 4)
    asyncio.run(ground.measure(batch("a", [*six_devices(), *few])))
    assert "bet365.com" in ground.scraped() and "four-devices.com" not in ground.scraped()
    ask(ground, "four-devices.com")
    asyncio.run(ground.measure(at=AT + 3600))
    told = ground.values(AT + 3600)
    assert told["lychgate_review_candidate", frozenset({"four-devices.com", "gambling"})] == 20


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (MeasuringSettings(candidates=False), False),
        (MeasuringSettings(devices_min=7), False),
        (MeasuringSettings(devices_min=6), True),
    ],
)
def test_naming_sites_can_be_turned_off(
    tmp_path: Path, settings: MeasuringSettings, named: bool
) -> None:
    ground = Ground(tmp_path, settings)
    asyncio.run(ground.measure(batch("a", six_devices())))
    assert ("bet365.com" in ground.scraped()) is named


def test_no_more_than_fifty_sites_are_named(tmp_path: Path) -> None:
    ground = Ground(tmp_path, MeasuringSettings(devices_min=2))
    many = [
        one for n in range(SITES_MAX + 20) for one in six_devices(f"site-{n}.example", 1, 2 + n % 5)
    ]
    asyncio.run(ground.measure(batch("a", many)))
    named = [
        (labels, value)
        for (name, labels), value in ground.values().items()
        if name == "lychgate_review_candidate"
    ]
    assert len(named) <= SITES_MAX == 50
    # Those that most devices asked for are among them.
    assert {labels for labels, value in named if value == 6} == {
        frozenset({f"site-{n}.example", "gambling"}) for n in range(4, SITES_MAX + 20, 5)
    }


def test_nobody_is_in_the_figures(ground: Ground) -> None:
    asyncio.run(ground.measure(batch("a", six_devices())))
    assert "10.0.0." not in ground.scraped()
    labels = {
        label
        for family in text_string_to_metric_families(ground.scraped())
        for sample in family.samples
        for label in sample.labels
        if family.name != "lychgate_review_candidate"
    }
    assert labels <= {
        "le",
        "period",
        "venue",
        "action",
        "category",
        "source",
        "kind",
        "outcome",
        "role",
        "writer",
    }


def test_ten_thousand_venues_and_hostile_words_stay_within_bounds(ground: Ground) -> None:
    many = [detail(TUESDAY_10 + n / 100, venue=f"venue-{n}") for n in range(10_000)]
    odd = detail(TUESDAY_10, 'x"}\n\x00evil.example', venue='a"} 1\nfake 2', category="\x1b[31m")
    asyncio.run(ground.measure(batch("a", [*many, odd])))
    text = ground.scraped()
    families = {one.name: one for one in text_string_to_metric_families(text)}
    assert "fake" not in families
    queries = families["lychgate_period_queries"].samples
    assert len(queries) <= SERIES_MAX
    assert sum(sample.value for sample in queries if sample.labels["period"] != "day") >= 9_000
    assert [s for s in queries if s.labels["venue"] == OTHERS]
    assert len(text) < 2_000_000
    began = time.perf_counter()
    ground.scraped()
    assert time.perf_counter() - began < 2.0, "a scrape reads one small file"


def test_bounded_keeps_the_greatest_and_adds_up_the_rest() -> None:
    found = bounded([(("a",), 5.0), (("b",), 1.0), (("c",), 2.0), (("d",), 3.0)], 3)
    assert [(*one.labels, one.value) for one in found] == [("a", 5), ("d", 3), (OTHERS, 3)]


def test_a_histogram_is_cumulative() -> None:
    found = [(one.labels, one.value) for one in buckets([1, 5, 5.5, 99], (5, 10))]
    assert found == [(("5",), 2), (("10",), 3), (("+Inf",), 4), ((), 110.5)]


def test_working_out_takes_its_time_and_no_more(ground: Ground) -> None:
    asyncio.run(ground.measure())
    first = read_measured(ground.folder / RECORDER_FILE)
    asyncio.run(ground.measure(at=AT + 5))
    assert read_measured(ground.folder / RECORDER_FILE) == first
    asyncio.run(ground.measure(at=AT + 3600))
    later = read_measured(ground.folder / RECORDER_FILE)
    assert later is not None and later.written_at == AT + 3600


def test_without_a_store_there_are_figures_of_what_happened(ground: Ground) -> None:
    for file in ground.folder.glob("state.db*"):
        file.unlink()
    asyncio.run(ground.measure(batch("a", six_devices())))
    told = ground.values()
    assert told["lychgate_list_blocked_queries", frozenset({"month", "starter:gambling"})] == 6
    assert not [name for name, _ in told if name.startswith(("lychgate_review", "lychgate_exc"))]


def test_a_store_that_is_damaged_is_told_after_the_rest_is_written(ground: Ground) -> None:
    for file in ground.folder.glob("state.db*"):
        file.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(MeasuringFault, match="state.db"):
        asyncio.run(ground.measure(batch("a", six_devices())))
    assert ground.values()["lychgate_distinct_blocked_sites", frozenset({"month"})] == 1


def test_old_figures_are_not_shown(ground: Ground) -> None:
    asyncio.run(ground.measure(batch("a", six_devices())))
    later = AT + STALE_SECONDS + 1
    told = ground.values(later)
    assert told["lychgate_figures_age_seconds", frozenset({"recorder"})] == STALE_SECONDS + 1
    assert not [name for name, _ in told if name.startswith("lychgate_period")]


@pytest.mark.parametrize("octets", [b"", b"{", b'{"written_at": "x"}', b"\xff\xfe", b"[]"])
def test_a_file_that_cannot_be_read_spoils_no_scrape(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / RECORDER_FILE).write_bytes(octets)
    registry = CollectorRegistry()
    registry.register(FigureCollector(tmp_path, lambda: AT))
    assert b"lychgate_figures_age_seconds{" not in generate_latest(registry)
