"""What checks ask and how answers are judged; that alerts tell a check from a learner."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from categoriser import taxonomy
from evidence.checks import keeping, reading
from evidence.checks.judging import Foreseen, Said, judge, judge_page
from evidence.checks.planning import (
    QUESTIONS_MAX,
    Material,
    Question,
    must_be_blocked,
    plan,
    turned,
)
from evidence.checks.results import Result, Run, count
from evidence.figures import Period, blocking
from evidence.figures.blocking import Blocking
from evidence.ingesting import Ingesting
from evidence.notices import NoticeSettings
from evidence.reading import bypass_attempts, events, top_blocked
from evidence.reading.blocked import Bypass, TopBlocked
from evidence.store import EvidenceStore
from evidence.tables import CHECK
from tests.evidence.alerts.test_taking import NOW, Room, hate, tell
from tests.evidence.happenings import batch, detail, record

TAXONOMY = taxonomy.load()
CLOSED = Foreseen("blocked", "gambling")
OPEN = Foreseen("forwarded")
BLOCK = Said(rcode="NXDOMAIN", errors=(15,))
ANSWER = Said(rcode="NOERROR", addresses=("192.0.2.7",))
MUST = Question("category", "bet.example", "gambling", "blocked")
MAY = Question("policy", "chat.example", "chat", "policy")
OPENS = Question("essential", "gov.uk", "essential", "open")
STRICT = Question("search", "bing.com", "", "strict", "strict.bing.com")
ALIAS = Said(rcode="NOERROR", addresses=("192.0.2.7",), aliases=("strict.bing.com.",))
REWRITTEN = Foreseen("rewritten")


@pytest.mark.parametrize(
    ("question", "said", "foreseen", "outcome"),
    [
        (MUST, BLOCK, CLOSED, "pass"),
        (MUST, Said(rcode="REFUSED", errors=(16,)), CLOSED, "pass"),
        (MUST, ANSWER, CLOSED, "fail"),
        (MUST, ANSWER, OPEN, "deviation"),  # a changed profile does not make it right
        (MUST, BLOCK, OPEN, "fail"),  # the resolver has another policy
        (MUST, Said(rcode="NXDOMAIN"), CLOSED, "fail"),  # no such name is no block
        (MUST, Said(rcode="SERVFAIL"), CLOSED, "fail"),
        (MUST, Said(rcode="NOERROR", addresses=("0.0.0.0",)), CLOSED, "fail"),
        (MUST, Said(rcode="REFUSED"), CLOSED, "fail"),
        (MUST, Said(problem="silence"), CLOSED, "fail"),
        (MAY, BLOCK, Foreseen("warned", "chat"), "pass"),
        (MAY, ANSWER, OPEN, "pass"),
        (MAY, BLOCK, OPEN, "fail"),
        (MAY, ANSWER, CLOSED, "fail"),
        (OPENS, ANSWER, OPEN, "pass"),
        (OPENS, Said(rcode="SERVFAIL"), OPEN, "unsure"),
        (OPENS, Said(rcode="NXDOMAIN"), OPEN, "unsure"),
        (OPENS, BLOCK, CLOSED, "deviation"),
        (OPENS, BLOCK, OPEN, "fail"),
        (STRICT, ALIAS, REWRITTEN, "pass"),
        (STRICT, ANSWER, REWRITTEN, "fail"),
        (STRICT, ANSWER, OPEN, "deviation"),
        (STRICT, Said(rcode="SERVFAIL"), REWRITTEN, "unsure"),
        (STRICT, BLOCK, CLOSED, "pass"),
    ],
)
def test_judgements(question: Question, said: Said, foreseen: Foreseen, outcome: str) -> None:
    assert judge(question, said, foreseen, foreseen).outcome == outcome


def test_a_venue_that_cannot_be_asked_as_is_judged_by_its_policy() -> None:
    assert judge(MUST, BLOCK, CLOSED, OPEN).outcome == "deviation"
    assert judge(MAY, BLOCK, CLOSED, OPEN).outcome == "pass"


def test_a_canary_needs_the_answer_that_browsers_understand() -> None:
    canary = Question("canary", "use-application-dns.net", "circumvention-doh", "blocked")
    assert judge(canary, BLOCK, CLOSED, CLOSED).outcome == "pass"
    nowhere = Said(rcode="NOERROR", addresses=("0.0.0.0",), errors=(15,))
    assert judge(canary, nowhere, CLOSED, CLOSED).outcome == "fail"


def test_blocks_lead_to_the_page() -> None:
    page = Said(rcode="NOERROR", addresses=("10.20.0.2",), errors=(15,))
    assert judge_page([page], "10.20.0.2").outcome == "pass"
    assert judge_page([page, ANSWER], "10.20.0.2").outcome == "fail"
    assert judge_page([], "10.20.0.2").outcome == "fail"


def test_names_of_secret_lists_are_not_recorded() -> None:
    secret = Question("list", "vile.example", "illegal-abuse", "blocked", hidden=True)
    found = judge(secret, ANSWER, CLOSED, CLOSED)
    assert found.outcome == "fail" and "vile" not in str(found)


def test_the_plan_does_not_ask_the_policy_what_must_be_blocked() -> None:
    starters = {id: [f"{id}{n}.example" for n in range(5)] for id in TAXONOMY}
    found = plan(TAXONOMY, Material(starters), 20_000)
    for id, entry in TAXONOMY.items():
        expected = {one.expected for one in found if one.category == id}
        if entry.essential:
            assert expected == {"open"}
        else:
            assert expected == ({"blocked"} if must_be_blocked(entry) else {"policy"}), id
    assert {id for id in TAXONOMY if must_be_blocked(TAXONOMY[id])} >= {"gambling", "extremism"}


def test_the_plan_is_bounded_and_turns_with_the_day() -> None:
    many = Material({"gambling": [f"{n}.example" for n in range(9)]}, blocked=["a.example"] * 900)
    assert len(plan(TAXONOMY, many, 1)) <= QUESTIONS_MAX
    seen = {name for day in range(9) for name in turned(many.starters["gambling"], day, 2)}
    assert len(seen) == 9


def test_a_check_alarms_nobody_and_a_learner_does(evidence_url: str) -> None:
    async def story(room: Room) -> None:
        names = ("stormfront.org", "amren.com")
        async with room.store.changing() as connection:
            id = await keeping.announce(
                connection, "crewe", "10.20.3.7", names, NOW - 3, NOW + 1_200
            )
            await keeping.end_announced(connection, id, NOW + 5)
        await room.happen([hate(NOW + n, names[n % 2]) for n in range(4)])
        assert (await room.take(NOW + 60)).alerts == []
        assert await room.all() == []
        # The same sites at another venue, by another device in the very seconds, another site, and
        # the same ones a minute later.
        await room.happen(
            [
                *(hate(NOW + n, names[n % 2], venue="derby") for n in range(4)),
                *(hate(NOW + n, names[n % 2], address="10.20.3.6") for n in range(4)),
                *(hate(NOW + n, f"other{n}.example", address="10.20.3.8") for n in range(4)),
                *(hate(NOW + 60 + n * 20, names[0], address="10.20.3.9") for n in range(4)),
            ],
            NOW + 200,
        )
        assert len((await room.take(NOW + 200)).alerts) == 4

    tell(evidence_url, story)


async def figures_of(store: EvidenceStore) -> tuple[Blocking, list[Bypass], list[TopBlocked]]:
    """What leaders see of that hour."""
    period = Period(NOW - 1_800, NOW + 1_800)
    async with store.reading() as connection:
        return (
            await blocking(connection, TAXONOMY, period, with_devices=True),
            await bypass_attempts(connection, TAXONOMY, period.since, period.until),
            await top_blocked(connection, period.since, period.until),
        )


def test_a_check_stands_in_the_log_and_in_no_figure(evidence_url: str) -> None:
    """The same queries by a learner, first without and then with a check among them."""
    minute = NOW // 60 * 60.0
    ours = [
        detail(minute + 3, "www.bet365.com", address="10.20.255.254", queries=2),
        detail(minute + 4, "nordvpn.com", address="10.20.255.254", category="circumvention-vpn"),
        detail(minute + 59.9, "stormfront.org", address="10.20.255.254", category="extremism"),
    ]
    theirs = [
        detail(minute + 5, "www.bet365.com"),
        detail(minute + 6, "nordvpn.com", category="circumvention-vpn"),
    ]

    async def story() -> None:
        store = await EvidenceStore.open(evidence_url, create=True)
        try:
            await record(store, batch("without", theirs), at=NOW)
            before = await figures_of(store)
            assert before[0].blocked == 2 and len(before[1]) == 1
            names = [one.name for one in ours]
            async with store.changing() as connection:
                await keeping.announce(
                    connection, "crewe", "10.20.255.254", names, minute, minute + 120
                )
            # As a resolver writes: single queries first, and the sums some seconds later, with what
            # was asked at the end of a minute in the next one.
            singly, sums = batch("singly", ours), batch("sums", ours)
            singly.tallies, sums.details = [], []
            sums.tallies[-1] = (replace(sums.tallies[-1][0], minute=int(minute // 60) + 1), 1)
            ingesting = Ingesting(TAXONOMY, 7 * 86_400)
            for one in (singly, sums):
                async with store.changing() as connection:
                    await ingesting.take(connection, [one], NOW)
            assert await figures_of(store) == before
            async with store.reading() as connection:
                found = (await events(connection)).events
            assert len(found) == 5
            assert {one.name for one in found if one.transport == CHECK} == {*names}
        finally:
            await store.close()

    asyncio.run(story())


def test_what_is_kept_is_read_again_and_goes_when_its_time_is_over(evidence_url: str) -> None:
    async def story() -> None:
        store = await EvidenceStore.open(evidence_url, create=True)
        bad = Result("category", "<b>", "gambling", "blocked", "fail", "Open.")
        good = [Result("canary", "x.example", "", "blocked", "pass", "Blocked.")] * 3
        try:
            async with store.changing() as connection:
                for day, venue in enumerate(("crewe", "derby", "crewe")):
                    run = Run(
                        0, NOW + day * 86_400, 2.0, venue, "learners", "schedule", "subnet",
                        count([bad, *good]), (bad,), tuple(good),
                    )  # fmt: skip
                    await keeping.keep(connection, run, NoticeSettings(), venue, "Europe/London")
            async with store.reading() as connection:
                newest = await reading.latest(connection)
                assert [(run.venue, run.id) for run in newest] == [("crewe", 3), ("derby", 2)]
                assert [run.id for run in await reading.latest(connection, ["derby"])] == [2]
                found = await reading.runs(connection, NOW, NOW + 86_400 + 1)
                assert [run.id for run in found] == [2, 1]
                assert await reading.run_of(connection, 1, ["derby"]) is None
                one = await reading.run_of(connection, 1)
                assert one is not None and one.passed == tuple(good) and one.outcome == "fail"
            async with store.changing() as connection:
                assert await keeping.prune(connection, 1, NOW + 2 * 86_400 + 1) == 2
            async with store.reading() as connection:
                assert [run.id for run in await reading.latest(connection)] == [3]
        finally:
            await store.close()

    asyncio.run(story())
