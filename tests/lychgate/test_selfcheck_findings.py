"""What checks of the filter find, end to end: published lists, a list that is stale, the block page
gone, a list that does not filter; and who is told.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import pytest
from typer.testing import CliRunner

from blocklists.keeping import Shelf
from categoriser import taxonomy
from evidence.checks.planning import must_be_blocked
from evidence.checks.results import Run
from lychgate.cli import app
from lychgate.config import load
from lychgate.portal_serving import make_services
from lychgate.selfchecking import around
from lychgate.selfchecking.once import check_once
from policy.store import Store
from portal.accounts import rows
from portal.app import create_app
from tests.blocklists.serving import ListServer, Page
from tests.evidence.notices.servers import Posted, web_server
from tests.lychgate.running import REPOSITORY, Serving, free_port, upstream, wait_until
from tests.lychgate.test_recording import recorder
from tests.lychgate.test_selfcheck import NEAR, POLICY, troubles
from tests.portal.visitors import CHEAP, PASSWORD, Browser

UNIT: Final = REPOSITORY / "systemd" / "lychgate-checks.service"
MUST: Final = tuple(
    id for id, entry in taxonomy.load().items() if must_be_blocked(entry) and not entry.locked
)[::4]
"""Some of the categories that no profile may open, with a published list each."""
MAY: Final = "games"
STALE: Final = f"local:{MUST[0]}"


def names_of(category: str) -> list[str]:
    return [f"{category}-{number}.example" for number in range(200)]


class Place:
    """A resolver with published lists, a recorder, and who is told."""

    def __init__(self, serving: Serving, posted: Posted, page_port: int) -> None:
        self.serving, self.posted, self.page_port = serving, posted, page_port

    def check(self, profile: str = "learners") -> Run:
        (run,), problems = check_once(
            load(self.serving.configuration), "cli:test", ("crewe",), profile
        )
        assert not problems
        return run

    def as_the_timer(self) -> subprocess.CompletedProcess[str]:
        """The command of the unit as it stands, but for where things are."""
        (line,) = re.findall(r"(?m)^ExecStart=(.+)$", UNIT.read_text(encoding="utf-8"))
        command, *arguments = shlex.split(line)
        assert command == "/usr/bin/lychgate"
        where = {"/etc/lychgate/lychgate.toml": str(self.serving.configuration)}
        return subprocess.run(
            [sys.executable, "-m", "lychgate", *(where.get(one, one) for one in arguments)],
            cwd="/",
            env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "INVOCATION_ID": "0" * 32},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )


class Handler(BaseHTTPRequestHandler):
    """Answers as the block page does under its own name."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        ours = self.headers["Host"] == "blocked.lychgate.internal"
        self.send_response(200 if ours else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("findings")
    text = POLICY.format(actions='youtube = "strict"', **NEAR)
    policy = text.replace('answer = "null_address"', 'answer = "page_address"')
    (folder / "policy.toml").write_text(policy)
    (folder / "var").mkdir()
    with ExitStack() as stack:
        publisher = stack.enter_context(ListServer())
        chosen = ""
        for category in (*MUST, MAY):
            publisher[f"/{category}.txt"] = Page("\n".join(names_of(category)).encode())
            chosen += f'[source."local:{category}"]\ntitle = "{category}"\n'
            chosen += f'category = "{category}"\nallow_http = true\n'
            chosen += f'url = "{publisher.url(f"/{category}.txt")}"\n'
        enabled = json.dumps([f"local:{category}" for category in (*MUST, MAY)])
        (folder / "var/lists.toml").write_text(f"enabled = {enabled}\n{chosen}")
        posted, hook = stack.enter_context(web_server())
        extra = f"""
        lists.allowed_networks = ["127.0.0.0/8"]
        filter.page_ipv4 = "127.0.0.1"
        [notices.webhook]
        url = "{hook}"
        [[notices.recipients]]
        channel = "webhook"
        """
        port = stack.enter_context(upstream())
        serving = stack.enter_context(Serving(folder, port, extra=extra)).ready()
        config = str(serving.configuration)
        done = CliRunner().invoke(app, ["lists", "refresh", "-c", config])
        assert done.exit_code == 0, done.output
        wait_until(lambda: serving.ask(names_of(MAY)[0]).answer == [], "the index", 30)
        stack.enter_context(recorder(serving))
        wait_until((folder / "var/recorder.json").exists, "recorder", 30)
        page = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        stack.callback(page.shutdown)
        Thread(target=page.serve_forever, daemon=True).start()
        yield Place(serving, posted, page.server_address[1])


def test_a_name_of_each_published_list_is_blocked(place: Place) -> None:
    run = place.check()
    assert run.outcome == "pass", run.troubles
    lists = {one.category: one for one in run.passed if one.kind == "list"}
    assert lists.keys() == {*MUST, MAY}
    for category, one in lists.items():
        assert one.name in names_of(category)
        assert one.expected == "blocked" or category == MAY
    kinds = [one.kind for one in run.passed]
    assert kinds.count("freshness") == len(lists) and kinds.count("log") == 1
    assert kinds.count("canary") >= 2 and kinds.count("search") >= 5
    bypass = {one.category for one in run.passed if one.category.startswith("circumvention")}
    assert {"circumvention-vpn", "circumvention-doh"} <= bypass


def test_a_stale_list_fails_by_the_timer_and_tells_people(place: Place) -> None:
    configuration = load(place.serving.configuration)
    shelf = Shelf(configuration.lists_directory, STALE)
    state = shelf.state
    shelf.save(replace(state, checked_at=state.checked_at - 40 * 86_400))
    try:
        done = place.as_the_timer()
    finally:
        shelf.save(state)
    allowed = re.findall(r"(?m)^SuccessExitStatus=(\d+)$", UNIT.read_text(encoding="utf-8"))
    assert done.returncode == 1 and allowed == ["1"], done.stderr
    assert f"{STALE}: no word from its publisher for 40" in re.sub(r"\s+", " ", done.stdout)

    def told() -> list[str]:
        bodies = [json.loads(body) for body in place.posted.bodies]
        return [notice["text"] for body in bodies for notice in body["notices"]]

    wait_until(lambda: len(told()) == 2, "a notice of each profile", 40)
    for text in told():
        assert text.startswith("The filter check of Crewe hub failed: ")
        assert STALE not in text and "example" not in text
    wait_until(
        lambda: re.search(
            r'lychgate_checks\{outcome="fail",profile="learners",venue="crewe"\} 1\.0',
            place.serving.page("/metrics")[1],
        ),
        "the metric",
        60,
    )

    async def look() -> None:
        store = await Store.open(configuration.store_url, create=True)
        try:
            async with store.writing() as writing:
                roles = [{"role": "administrator"}]
                await writing.put("people", "ada", {"name": "Ada", "roles": roles})
                await rows.add(writing.connection, "ada", CHEAP.hash(PASSWORD), 1.0)
            services = await make_services(configuration, configuration.portal, store)
            async with Browser(create_app(services), "http://127.0.0.1") as browser:
                await browser.sign_in("ada")
                page = (await browser.see("/checks")).text
                newest = page.split('href="/checks/id/')[1].split('"')[0]
                one = (await browser.see(f"/checks/id/{newest}")).text
                assert f"{STALE}: no word from its publisher" in one
                assert "The schedule" in one
                assert "Messages: 2 sent" in (await browser.see("/alerts/notices")).text
        finally:
            await store.close()

    asyncio.run(look())


@pytest.mark.parametrize("there", [True, False])
def test_whoever_is_led_to_the_block_page_finds_one(
    place: Place, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(around, "PAGE_PORT", place.page_port if there else free_port())
    run = place.check("staff")
    pages = [one for one in (*run.passed, *run.troubles) if one.kind == "page"]
    assert [one.outcome for one in pages] == ["pass", "pass" if there else "fail"]
    assert run.outcome == ("pass" if there else "fail")


def test_another_server_is_no_block_page(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    monkeypatch.setattr(around, "PAGE_PORT", place.page_port)
    found = around.page_answers("127.0.0.1", "somebody.else")
    assert found.outcome == "fail" and "no block page (404)" in found.said


def test_a_list_that_does_not_filter_is_found(place: Place) -> None:
    """Fetched, in use, and not in the index."""
    state = place.serving.folder / "var"
    index = state / "index.lychgate"
    whole = index.read_bytes()
    config = str(place.serving.configuration)
    runner = CliRunner()
    try:
        done = runner.invoke(app, ["lists", "disable", STALE, "-c", config])
        assert done.exit_code == 0, done.output
        without = index.read_bytes()
        assert runner.invoke(app, ["lists", "enable", STALE, "-c", config]).exit_code == 0
        index.with_suffix(".part").write_bytes(without)
        index.with_suffix(".part").replace(index)
        wait_until(lambda: place.serving.ask(names_of(MUST[0])[0]).answer, "the index without", 30)
        found = troubles(place.check())
        assert {(kind, category) for _, kind, category in found} == {("list", MUST[0])}
    finally:
        index.with_suffix(".part").write_bytes(whole)
        index.with_suffix(".part").replace(index)
        wait_until(lambda: not place.serving.ask(names_of(MUST[0])[0]).answer, "the index", 30)
