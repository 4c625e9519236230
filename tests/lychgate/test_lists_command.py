"""`lychgate lists`: from a publisher on loopback to a blocked query, and back again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from typer.testing import CliRunner, Result

from blocklists.working import JobFault
from lychgate.cli import app
from tests.blocklists.serving import ListServer, Page, failure, html
from tests.lychgate.running import Serving, upstream, wait_until

ID = "local:games"
NAMES = [f"game-{number}.example" for number in range(300)]


def listed(names: list[str]) -> bytes:
    return "\n".join(names).encode() + b"\n"


@pytest.fixture
def publisher() -> Iterator[ListServer]:
    with ListServer() as server:
        server["/games.txt"] = Page(listed(NAMES), etag='"1"')
        yield server


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publisher: ListServer) -> Path:
    """A folder with a configuration, and a list of one's own that is enabled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LYCHGATE_CONFIG", raising=False)
    (tmp_path / "lychgate.toml").write_text(
        'upstream.servers = ["127.0.0.1"]\nlists.allowed_networks = ["127.0.0.0/8"]\n'
        "metrics.listen = ''\n"
    )
    (tmp_path / "var").mkdir()
    (tmp_path / "var/lists.toml").write_text(
        f'# ours\nenabled = []\n[source."{ID}"]\ntitle = "Games of our own"\n'
        f'category = "games"\nurl = "{publisher.url("/games.txt")}"\nallow_http = true\n'
    )
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["lists", *arguments])
    assert result.exit_code == code, result.output
    return result


def in_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def happens(name: str) -> str:
    result = CliRunner().invoke(app, ["explain", "--json", name])
    found: str = json.loads(result.stdout)["happens"]
    return found


def test_a_list_from_its_publisher_to_a_block_and_back(here: Path, publisher: ListServer) -> None:
    assert happens("game-7.example") == "forwarded"
    assert "enabled" in run("enable", ID, "--now").stdout
    assert happens("www.game-7.example") == "blocked"
    (found,) = in_json("explain", "www.game-7.example")
    assert (found["source"], found["rule"], found["line"]) == (ID, "game-7.example", 8)
    (one,) = in_json("status")
    assert one["entries"] == {"games": 300} and not one["held"]
    assert "# ours" in (here / "var/lists.toml").read_text()

    # Nothing new: a question with the ETag, a 304, and no file of ours is touched.
    index = here / "var/index.lychgate"
    before = index.stat().st_mtime_ns
    assert "unchanged" in run("refresh", ID).stdout
    assert publisher.asked[-1].status == 304
    assert index.stat().st_mtime_ns == before
    assert "waiting" in run("refresh").stdout, "and until it is due nobody is asked"
    assert len(publisher.asked) == 2

    run("disable", ID)
    assert happens("game-7.example") == "forwarded"


def test_a_list_that_collapses_is_held_until_a_person_says_so(
    here: Path, publisher: ListServer
) -> None:
    run("enable", ID, "--now")
    publisher["/games.txt"] = Page(listed(NAMES[:20]), etag='"2"')
    assert "held" in run("refresh", ID, code=1).stdout
    assert happens("game-200.example") == "blocked", "the last good version stays"
    (one,) = in_json("status", code=1)
    assert [finding["gate"] for finding in one["findings"]] == ["shrink"]
    changes = in_json("diff", ID)
    assert changes["categories"][0]["removed"] == 280

    assert "by" in run("accept", ID, code=2).output
    assert "a person and a reason" in run("accept", ID, "--by", " ", "--reason", "x", code=2).output
    run("accept", ID, "--by", "A. Patel", "--reason", "they tidied up")
    assert (happens("game-200.example"), happens("game-2.example")) == ("forwarded", "blocked")

    run("rollback", ID, "--by", "A. Patel", "--reason", "it was an accident")
    assert happens("game-200.example") == "blocked"
    run("refresh", ID)
    assert happens("game-200.example") == "blocked", "what was given up is not taken again"
    journal = run("journal").stdout
    assert all(word in journal for word in ("accept", "rollback", "A. Patel", "they tidied up"))
    assert len(run("versions", ID).stdout.splitlines()) > 3


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (failure(503), "503"),
        (failure(404), "404"),
        (html(), "html"),
        (Page(b"com\n" + listed(NAMES)), "top-level domain"),
        (Page(listed([*NAMES, "www.gov.uk"])), "www.gov.uk"),
    ],
)
def test_whatever_a_publisher_does_the_last_good_version_filters(
    here: Path, publisher: ListServer, page: Page, words: str
) -> None:
    run("enable", ID, "--now")
    publisher["/games.txt"] = page
    run("refresh", ID, code=1)
    (one,) = in_json("status", code=1)
    said = json.dumps([one["problem"], one["findings"]])
    assert words in said.lower() or words in said
    assert happens("game-7.example") == "blocked"
    assert happens("bbc.co.uk") == "forwarded"


def test_what_is_asked_wrongly_is_answered_in_one_line(here: Path) -> None:
    assert "did you mean ut1:gambling" in run("enable", "ut1:gamblin", code=2).output
    assert "did you mean local:games" in run("versions", "local:game", code=2).output
    assert "not enabled" in run("refresh", ID, code=2).output
    assert "there are lists of adult" in run("sources", "--category", "adulte", code=2).output
    assert "use one of --rpz" in run("export", code=2).output
    assert "no version is on disk" in run("diff", ID, code=2).output
    assert "empty label" in run("explain", "no..name", code=2).output


def test_export_and_check(here: Path) -> None:
    run("enable", ID, "--now")
    run("export", "--rpz", "--out", "games.rpz")
    text = (here / "games.rpz").read_text()
    assert "game-7.example CNAME ." in text and "*.game-7.example CNAME ." in text
    assert "game-7.example" in run("export", "--domains", "--category", "games").stdout
    found = in_json("check", "games.rpz")
    assert (found["format"], found["entries"]) == ("rpz", {"adult": 300})
    (here / "page.txt").write_text("<html><body>Sign in</body></html>\n")
    run("check", "page.txt", "--format", "plain", code=1)


def test_a_running_resolver_takes_lists_over_and_keeps_them(
    here: Path, publisher: ListServer
) -> None:
    extra = 'lists.allowed_networks = ["127.0.0.0/8"]'
    with upstream() as port, Serving(here, port, extra=extra) as serving:
        serving.ready()

        def rcode() -> str:
            return dns.rcode.to_text(serving.ask("game-7.example").rcode())

        assert rcode() == "NOERROR"
        run("enable", ID, "--now")
        wait_until(lambda: rcode() == "NXDOMAIN", "the new index")
        publisher["/games.txt"] = html()
        run("refresh", ID, code=1)
        assert rcode() == "NXDOMAIN"
        metrics = serving.page("/metrics")[1]
        assert f'lychgate_list_entries{{category="games",source="{ID}"}} 300.0' in metrics
        assert f'lychgate_list_gate_failures{{gate="html",source="{ID}"}} 1.0' in metrics


def test_a_list_that_is_forgotten_is_still_explained(here: Path) -> None:
    run("enable", ID, "--now")
    run("remove", ID)
    assert happens("game-7.example") == "forwarded"
    (found,) = in_json("explain", "game-7.example")
    assert (found["source"], found["standing"]) == (ID, "disabled")


def test_what_was_fetched_is_told_even_where_no_index_can_be_made(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise JobFault(["compile: needs more than 256 MB"], "memory")

    monkeypatch.setattr("blocklists.working.compile_in_child", fails)
    done = run("enable", ID, "--now", code=2)
    assert "kept" in done.stdout and "needs more than 256 MB" in done.stderr
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert "300 names" in run("refresh").stdout, "and there is still something to do"


def test_who_stops_reading_an_export_is_not_told_of_a_fault(here: Path) -> None:
    run("enable", ID, "--now")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "lychgate", "lists", "export", "--rpz"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=here, check=False)
    os.close(writing)
    assert done.stderr == b""


def test_trouble_is_told_once_and_with_its_list(here: Path, publisher: ListServer) -> None:
    publisher["/games.txt"] = html()
    run("enable", ID, "--now", code=1)
    said = " ".join(run("status", code=1).stdout.split())
    assert said.count("a web page; a list is needed") == 1
    publisher["/games.txt"] = failure(404)
    run("refresh", ID, code=1)
    said = " ".join(run("status", code=1).stdout.split())
    assert f"{ID}: {publisher.url('/games.txt')}: answered 404" in said


def test_as_a_service_it_writes_a_log(here: Path, publisher: ListServer) -> None:
    (here / "lychgate.toml").open("a").write('log.format = "json"\n')
    run("enable", ID)
    taken = run("refresh", "--log")
    publisher["/games.txt"] = html()
    # Nothing at all could be fetched: the service manager tries again soon.
    failed = run("refresh", ID, "--log", code=75)
    lines = [json.loads(line) for line in (taken.stderr + failed.stderr).splitlines()]
    assert [line["event"] for line in lines] == ["list taken", "index made", "list failed"]
    assert "a web page" in lines[-1]["why"]


def test_with_a_store_what_is_done_to_lists_is_in_the_audit_log(here: Path) -> None:
    assert CliRunner().invoke(app, ["store", "create"]).exit_code == 0
    tutor = ["person", "add", "jo", "--name", "J. Okafor", "--role", "tutor@here"]
    assert CliRunner().invoke(app, tutor).exit_code == 0
    refused = run("enable", ID, "--as", "jo", code=2)
    assert "list.change" in refused.output and "administrator" in refused.output
    assert "nobody:nothing is not known" in run("enable", "nobody:nothing", code=2).output
    run("enable", ID, "--reason", "games at noon only")
    run("disable", ID)
    log = json.loads(CliRunner().invoke(app, ["audit", "list", "--json"]).stdout)
    acts = [
        (entry["outcome"], entry["after"] and entry["after"]["act"])
        for entry in log
        if entry["action"] == "list.change"
    ]
    assert acts == [("refused", None), ("done", "enable"), ("done", "disable")]
    assert "games at noon only" in json.dumps(log)
