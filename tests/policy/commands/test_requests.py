"""Asking for a review without a name: joined, bounded, seen by a code, forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.commands import requests as module
from policy.commands.command import Refused
from policy.commands.requests import (
    ANYBODY,
    VENUE_HOUR_MAX,
    AskForReview,
    TooManyAsked,
    digest_of,
)
from policy.requests import ReviewRequest, Said
from policy.store import requests as kept
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import in_store, journal, open_desk, perform, refusal, verdict

T = TypeVar("T")
SAID = Said("block", "gambling", "bet365.com", ("starter", "some-list"), "adults")
DAY = 86_400.0


def ask(site: str = "bet365.com", venue: str = "crewe", **more: Any) -> AskForReview:
    return AskForReview(more.pop("kind", "open"), site, venue, said=SAID, **more)


def look(url: str, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    async def run(store: Any) -> T:
        async with store.reading() as connection:
            return await question(connection)

    return in_store(url, run)


def waiting(url: str, at: float = TUESDAY_10) -> list[ReviewRequest]:
    return look(url, lambda connection: kept.queue(connection, at))


def test_anybody_may_ask_and_the_code_finds_it(url: str) -> None:
    command = ask("https://www.Bet365.com:443/slots?user=jo#x", why="For my\nproject")
    done = perform(url, command, actor=ANYBODY)
    assert done.sentences == ("bet365.com will be reviewed.",)
    (request,) = waiting(url)
    assert (request.site, request.venue, request.askers, request.said) == (
        "bet365.com",
        "crewe",
        1,
        Said("block", "gambling", "bet365.com", ("starter", "some-list"), ""),  # no such profile
    )
    found = look(url, lambda connection: kept.by_digest(connection, digest_of(command.code)))
    assert found == request
    assert look(url, lambda connection: kept.by_digest(connection, digest_of("2" * 8))) is None
    reasons = look(url, lambda connection: kept.reasons(connection, request.number))
    assert [reason.why for reason in reasons] == ["For my\nproject"]


def test_neither_code_nor_words_are_in_the_log_or_in_clear(url: str) -> None:
    command = ask(why="I am Jo Smith")
    perform(url, command, actor=ANYBODY)
    (entry,) = journal(url)
    assert (entry.actor, entry.action, entry.subject) == (ANYBODY.id, "request.ask", "request:1")
    assert "Jo" not in f"{entry}" and command.code not in f"{entry}"
    assert verdict(url).broken is None

    async def everything(connection: AsyncConnection) -> str:
        rows = [*await connection.execute(text("SELECT * FROM review_askers"))]
        rows += [*await connection.execute(text("SELECT * FROM review_requests"))]
        return repr(rows)

    assert command.code not in look(url, everything)
    assert command.code not in repr(command)


def test_two_askers_are_joined_and_each_has_a_code(url: str) -> None:
    one, two = ask(why="a"), ask("www.bet365.com", why="b")
    perform(url, one, actor=ANYBODY)
    done = perform(url, two, actor=ANYBODY, at=TUESDAY_10 + 60)
    assert done.sentences == ("bet365.com will be reviewed; 2 have asked.",)
    (request,) = waiting(url)
    assert request.askers == 2
    assert (request.asked_at, request.last_asked_at) == (TUESDAY_10, TUESDAY_10 + 60)
    for command in (one, two):
        digest = digest_of(command.code)
        assert look(url, lambda connection, d=digest: kept.by_digest(connection, d)) == request


def test_other_venues_and_reports_are_requests_of_their_own(url: str) -> None:
    perform(
        url, ask(), ask(venue="partner"), ask(kind="close"), ask(venue="unknown"), actor=ANYBODY
    )
    assert [(r.kind, r.venue) for r in waiting(url)] == [
        ("open", "crewe"),
        ("open", "partner"),
        ("close", "crewe"),
        ("open", "unknown"),
    ]


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("", "0 characters are given"),
        ("   ", "0 characters are given"),
        ("x" * 4001, "4001 characters are given"),
        ("co.uk", "co.uk is no site of its own"),
        ("localhost", "localhost is no site of its own"),
        ("10.0.0.1", "this is no site"),
        ("http://[2001:db8::1]/", "this is no site"),
        ("http://[", "this is no site"),
        ("<script>alert(1)</script>", "this is no site"),
        ("javascript:alert(1)", "javascript is no site of its own"),
        ("a b.com", "this is no site"),
        ("=bet365.com", "this is no site"),
        ("*.bet365.com", "this is no site"),
        ("evil\\.com", "this is no site"),
        ("\x00.com", "this is no site"),
        ("https://", "this is no site"),
        ("a" * 64 + ".com", "this is no site"),
    ],
)
def test_what_is_no_site_is_refused(url: str, site: str, said: str) -> None:
    refused = refusal(url, ask(site), actor=ANYBODY)
    assert not refused.permission
    assert refused.faults[0].startswith(f"request.ask: site: {said}; allowed: ")
    assert waiting(url) == []


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("user:secret@shop.example.com:8443", "shop.example.com"),
        ("//example.com/x", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("www.co.uk", "www.co.uk"),
        ("https://example.com/?next=https://other.example/", "example.com"),
        ("example.com?a=b", "example.com"),
    ],
)
def test_only_the_host_of_what_was_pasted_is_kept(url: str, site: str, host: str) -> None:
    perform(url, ask(site), actor=ANYBODY)
    assert [request.site for request in waiting(url)] == [host]


def test_hostile_words_are_tidied_and_bounded(url: str) -> None:
    perform(url, ask(why="<b>\u202egnp\x1b[31m\r\nx\x07"), actor=ANYBODY)
    (reason,) = look(url, lambda connection: kept.reasons(connection, 1))
    assert reason.why == "<b>gnp[31m\nx"
    refused = refusal(url, ask(why="x" * 501), actor=ANYBODY)
    assert refused.faults == ("request.ask: why: 501 characters; allowed: up to 500",)


def test_hostile_evidence_is_bounded(url: str) -> None:
    said = Said("explode", "no-such", "x\n" * 900, tuple("s" * 300 for _ in range(50)), "../etc")
    perform(url, AskForReview("open", "a.example", "crewe", said=said), actor=ANYBODY)
    (request,) = waiting(url)
    assert request.said.action == request.said.profile == ""
    assert request.said.category is None
    assert request.said.rule is not None and len(request.said.rule) == 200
    assert [len(source) for source in request.said.sources] == [200] * 10


def test_a_venue_or_a_kind_that_is_none_is_refused(url: str) -> None:
    refused = refusal(url, ask(venue="atlantis", kind="delete"), actor=ANYBODY)
    assert refused.faults == (
        'request.ask: kind: "delete" is none; allowed: open or close',
        'request.ask: venue: "atlantis"; allowed: one that is there',
    )


def test_a_flood_from_one_venue_ends_and_hurts_no_other(url: str) -> None:
    async def flood() -> None:
        async with open_desk(url) as desk:
            for number in range(VENUE_HOUR_MAX):
                await desk.perform(ANYBODY, ask(f"s{number}.example"), at=TUESDAY_10)
            with pytest.raises(TooManyAsked):
                await desk.perform(ANYBODY, ask("one-more.example"), at=TUESDAY_10 + 3599)
            with pytest.raises(TooManyAsked):  # joining counts as well
                await desk.perform(ANYBODY, ask("s1.example"), at=TUESDAY_10 + 3599)
            await desk.perform(ANYBODY, ask(venue="partner"), at=TUESDAY_10)
            await desk.perform(ANYBODY, ask("one-more.example"), at=TUESDAY_10 + 3600)

    asyncio.run(flood())
    assert len(waiting(url)) == VENUE_HOUR_MAX + 2


def test_all_together_and_askers_of_one_are_bounded(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    monkeypatch.setattr(module, "ASKERS_MAX", 2)
    perform(url, ask("a.example"), ask("b.example"), actor=ANYBODY)
    assert isinstance(refusal(url, ask("c.example"), actor=ANYBODY), TooManyAsked)
    perform(url, ask("a.example"), actor=ANYBODY)  # joined: no further request
    assert isinstance(refusal(url, ask("a.example"), actor=ANYBODY), TooManyAsked)


def test_one_venue_cannot_fill_the_queue_of_all(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VENUE_WAITING_MAX", 2)
    perform(url, ask("a.example"), ask("b.example"), actor=ANYBODY)
    assert isinstance(refusal(url, ask("c.example"), actor=ANYBODY), TooManyAsked)
    perform(url, ask("a.example"), actor=ANYBODY)  # joined: no further request
    perform(url, ask("c.example", venue="unknown"), actor=ANYBODY)
    assert len(waiting(url)) == 3


def test_what_nobody_decides_lapses(url: str) -> None:
    command = ask()
    perform(url, command, actor=ANYBODY)
    later = TUESDAY_10 + 90 * DAY
    assert waiting(url, later - 1) != []
    assert waiting(url, later) == []
    perform(url, ask("other.example"), actor=ANYBODY, at=later + 5 * DAY)
    digest = digest_of(command.code)
    found = look(url, lambda connection: kept.by_digest(connection, digest))
    assert found is not None
    assert (found.outcome, found.decided_at) == ("lapsed", later)
    figures = look(url, lambda connection: kept.resolved(connection, later, later + 1))
    assert figures.outcomes == {("open", "lapsed"): 1}
    assert figures.decided == 0 and figures.by_category == {}
    # Its code and words go first, then the whole of it; numbers are not given again.
    perform(url, ask("c.example"), actor=ANYBODY, at=later + 91 * DAY)
    assert look(url, lambda connection: kept.by_digest(connection, digest)) is None
    assert look(url, lambda connection: kept.find(connection, 1)) is not None
    perform(url, ask("d.example"), actor=ANYBODY, at=later + 401 * DAY)
    assert look(url, lambda connection: kept.find(connection, 1)) is None
    assert look(url, lambda connection: kept.find(connection, 4)) is not None


def test_a_dry_run_leaves_nothing(url: str) -> None:
    perform(url, ask(), actor=ANYBODY, dry_run=True)
    assert waiting(url) == [] and journal(url) == []


def test_whoever_may_nothing_else_may_ask_and_only_that(url: str) -> None:
    from policy.commands.rules import AddRules

    with pytest.raises(Refused) as refused:
        perform(url, AddRules([{"action": "allow", "pattern": "a.example"}], "x"), actor=ANYBODY)
    assert refused.value.permission
