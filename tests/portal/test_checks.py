"""Filter checks in the portal: who sees and runs them, what is added, and hostile names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

from evidence.checks import keeping, reading
from evidence.checks.results import SCHEDULE, Result, Run, count
from evidence.notices import NoticeSettings, Recipient
from evidence.notices.tables import outbox
from policy.store.importing import replace_document
from portal.accounts import rows
from tests.portal.test_alerts import LEADS, POLICY
from tests.portal.visitors import CHEAP, PASSWORD, PEOPLE, SATURDAY, House, house

HOSTILE = "<script>alert(1)</script>"
NOTICES = NoticeSettings((Recipient("email", "it@college.example"),))
FAILED = Result("category", HOSTILE, "gambling", "blocked", "fail", "It is not blocked.")
WELL = Result("category", "bet365.com", "gambling", "blocked", "pass", "Blocked.")


def run_at(venue: str, at: float, *results: Result, who: str = SCHEDULE) -> Run:
    return Run(
        0,
        at,
        1.5,
        venue,
        "learners",
        who,
        "source",
        count(results),
        tuple(one for one in results if one.outcome != "pass"),
        tuple(one for one in results if one.outcome == "pass"),
    )


class Checks:
    """Keeps a run that went well, as the real one does; the real one is tested end to end."""

    is_busy = False

    def __init__(self, made: House) -> None:
        self._made = made

    async def run(
        self, who: str, venues: Collection[str] = (), profile: str = ""
    ) -> tuple[Run, ...]:
        evidence = self._made.services.evidence
        assert evidence is not None
        (venue,) = venues
        async with evidence.changing() as connection:
            run = run_at(venue, self._made.clock.at, WELL, who=who)
            return (await keeping.keep(connection, run, NOTICES, venue, "Europe/London"),)


async def furnish(made: House) -> None:
    """Two venues and two leads: Crewe's check failed yesterday, Derby's went well."""
    kept = CHEAP.hash(PASSWORD)
    async with made.services.store.writing() as writing:
        await replace_document(writing, {**POLICY, "people": {**PEOPLE, **LEADS}})
        for id in LEADS:
            await rows.add(writing.connection, id, kept, SATURDAY)
    evidence = made.services.evidence
    assert evidence is not None
    async with evidence.changing() as connection:
        for venue, result in (("crewe", FAILED), ("derby", WELL)):
            one = run_at(venue, SATURDAY - 86_400, result, WELL)
            await keeping.keep(connection, one, NOTICES, venue, "Europe/London")
    made.app.state.services = replace(made.services, checks=Checks(made))


def tell(folder: Path, story: Callable[[House], Awaitable[None]]) -> None:
    """Run a story in a furnished portal."""

    async def run() -> None:
        async with house(folder, evidence=True) as made:
            await furnish(made)
            await story(made)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_the_worst_comes_first_and_hostile_names_are_text(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        lea = made.browser()
        await lea.sign_in("lea")
        page = await lea.see("/checks")
        assert page.status_code == 200 and page.text.index("Crewe hub") < page.text.index("Derby")
        assert "Check now" not in page.text, "leadership reads and does not run"
        detail = await lea.see("/checks/id/1")
        assert HOSTILE not in detail.text and "&lt;script&gt;" in detail.text
        assert "It is not blocked." in detail.text and "bet365.com" in detail.text
        assert (await lea.see("/checks/id/99")).status_code == 404

    tell(tmp_path, story)


def test_the_first_page_says_that_a_check_failed(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        for person, said in (("ada", "1 failed"), ("dora", "1 failed"), ("dan", "Passed")):
            browser = made.browser()
            await browser.sign_in(person)
            page = (await browser.see("/")).text
            assert "Filter checks" in page and said in page, person
            assert page.count("lychgate-panel--bad") == (said != "Passed")
        tom = made.browser()
        await tom.sign_in("tom")
        assert "Last checked" not in (await tom.see("/")).text, "who may not see figures"

    tell(tmp_path, story)


def test_a_failure_is_told_once_and_without_names(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        evidence = made.services.evidence
        assert evidence is not None
        async with evidence.reading() as connection:
            (told,) = list(await connection.execute(outbox.select()))
        assert (told.kind, told.severity, told.venue) == ("check", "high", "crewe")
        assert told.path == "/checks/id/1" and HOSTILE not in told.text

    tell(tmp_path, story)


def test_who_may_run_a_check_and_say_what_was_done(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dan, tom = made.browser(), made.browser()
        await dan.sign_in("dan")
        assert "Crewe hub" not in (await dan.see("/checks")).text, "a lead of Derby"
        assert (await dan.see("/checks/id/1")).status_code == 404
        assert (await dan.submit("/checks", venue="")).status_code == 422
        assert (await dan.submit("/checks", venue="crewe")).status_code == 403
        done = await dan.submit("/checks", venue="derby")
        assert done.status_code == 303 and "/checks/id/3" in done.headers["location"]
        await dan.see("/checks/id/3")
        assert (await dan.submit("/checks/id/3/notes", note=" ")).status_code == 422
        assert (await dan.submit("/checks/id/3/notes", note=HOSTILE)).status_code == 303
        page = await dan.see("/checks/id/3")
        assert HOSTILE not in page.text and "&lt;script&gt;" in page.text
        assert "Dan Lead" in page.text
        assert (await dan.submit("/checks/id/1/notes", note="x")).status_code == 404
        await tom.sign_in("tom")
        assert (await tom.see("/checks")).status_code == 403
        assert (await tom.submit("/checks", venue="derby")).status_code == 403
        log = await made.audit()
        assert ("dan", "check.run", "check:derby", "done") in log
        assert ("dan", "check.run", "check:3", "done") in log
        evidence = made.services.evidence
        assert evidence is not None
        async with evidence.reading() as connection:
            newest = await reading.latest(connection, {"derby"})
            assert [(run.id, run.who, len(run.notes)) for run in newest] == [(3, "dan", 1)]

    tell(tmp_path, story)


def test_own_test_sites(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        ada, lea = made.browser(), made.browser()
        await ada.sign_in("ada")
        await ada.see("/checks/names")
        for name in ("<b>", "a" * 300, "one label", "localhost", "x..y"):
            wrong = await ada.submit(
                "/checks/names", name=name, expected="blocked", reason="Seen in class."
            )
            assert wrong.status_code == 422 and "<b>" not in wrong.text, name
        missing = await ada.submit("/checks/names", name="new.example")
        assert missing.status_code == 422 and "Say what is expected" in missing.text
        added = await ada.submit(
            "/checks/names", name=" NEW.example ", expected="blocked", reason=HOSTILE
        )
        assert added.status_code == 303
        page = await ada.see("/checks/names")
        assert "new.example" in page.text and HOSTILE not in page.text
        await lea.sign_in("lea")
        assert "new.example" in (await lea.see("/checks/names")).text
        refused = await lea.submit(
            "/checks/names", name="x.example", expected="open", reason="Because."
        )
        assert refused.status_code == 403
        assert (await ada.submit("/checks/names/remove", name="new.example")).status_code == 303
        assert "new.example" not in (await ada.see("/checks/names")).text

    tell(tmp_path, story)


def test_no_telemetry_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with house(tmp_path) as made:
            ada = made.browser()
            await ada.sign_in("ada")
            page = await ada.see("/checks")
            assert page.status_code == 200 and "telemetry is switched off" in page.text

    asyncio.run(story())
