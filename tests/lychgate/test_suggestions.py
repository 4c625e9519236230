"""The review queue on the command line: from what was counted to what a person decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from blocklists import starters
from categoriser.matches import CategoryIndex
from categoriser.names import from_text
from lychgate.commands.suggestions import app
from lychgate.config import load
from lychgate.listing import Listing
from resolver.telemetry.asked import Asked

AT = 1_795_255_000.0
DAY = "2026-11-21"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a configuration that needs nothing of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LYCHGATE_CONFIG", raising=False)
    (tmp_path / "lychgate.toml").write_text('upstream.servers = ["9.9.9.9"]\n')
    return tmp_path


def count(here: Path, names: dict[str, int]) -> None:
    """What a resolver process does with names that nothing decided about."""
    index = CategoryIndex((starters.load_table(),))
    wire = {from_text(name): count for name, count in names.items()}
    Asked(here / "var" / "asked", 77).flush(wire, index, AT)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def told(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def names() -> list[str]:
    return [one["name"] for one in told("list")]


def test_from_a_query_to_the_queue(here: Path) -> None:
    count(here, {"www.lucky-casino.com": 40, "new-slot.co.uk": 2, "harmless.com": 900})
    count(here, {"p0ker-room.com": 3, "www.pokerstars.com": 5})  # this one a list knows
    found = told("list")
    assert [one["name"] for one in found] == [
        "lucky-casino.com",
        "new-slot.co.uk",
        "p0ker-room.com",
    ]
    assert found[0]["asked"] == 40 and found[0]["first_day"] == DAY
    assert found[0]["category"] == "gambling"
    assert found[2]["evidence"][0]["spelt"] == "folded"
    shown = run("list", "--limit", "2")
    assert shown.exit_code == 0
    for text in (
        "lucky-casino.com",
        "gambling",
        "40",
        "word casino (0.98)",
        "2 of 3",
        "None of them",
    ):
        assert text in shown.stdout
    assert "p0ker" not in shown.stdout


def test_before_anything_was_counted() -> None:
    result = run("list")
    assert result.exit_code == 0 and "Nothing waits" in result.stdout
    assert told("list") == []
    assert "Nothing is dismissed" in run("list", "--dismissed").stdout


def test_where_nothing_is_counted_it_says_so(here: Path) -> None:
    count(here, {"lucky-casino.com": 1})
    (here / "lychgate.toml").write_text(
        'upstream.servers = ["9.9.9.9"]\nlists.suggestions = false\n'
    )
    result = run("list")
    assert result.exit_code == 0 and "lists.suggestions is false" in result.output
    assert "lucky-casino" not in result.output


def test_show_tells_all_about_a_name(here: Path) -> None:
    count(here, {"lucky-casino.com": 40})
    shown = run("show", "Lucky-Casino.com")
    assert shown.exit_code == 0
    for text in ("yes", "40 times", "speaks for", "gambling", "40 of 40 judged"):
        assert text in shown.stdout
    found = told("show", "lucky-casino.com")
    assert found["in_queue"] and found["suggestion"]["evidence"][0]["what"] == "casino"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other-casino.com", {"asked": 0}),
        ("example.com", {"suggestion": None}),
        ("www.pokerstars.com", {"listed": "gambling"}),
        ("gov.uk", {"listed": "essential"}),
    ],
)
def test_show_says_why_a_name_is_not_in_the_queue(name: str, reason: dict[str, Any]) -> None:
    found = told("show", name)
    assert not found["in_queue"]
    for key, value in reason.items():
        given = found[key][0]["category"] if key == "listed" else found[key]
        assert given == value
    assert "in the queue" in run("show", name).stdout


def test_dismissed_stays_away_until_it_is_taken_back(here: Path) -> None:
    count(here, {"time-slot-booker.com": 1, "lucky-casino.com": 2, "a.slot.example.com": 1})
    assert names() == ["lucky-casino.com", "slot.example.com"]
    done = run("dismiss", "Lucky-Casino.com", "--by", "Ana", "--reason", "a board game club")
    assert done.exit_code == 0 and "undismiss lucky-casino.com" in done.stdout
    run("dismiss", "example.com", "--by", "Ana", "--reason", "ours")
    assert names() == []
    count(here, {"lucky-casino.com": 500})
    assert names() == []
    assert list(told("list", "--dismissed")) == ["example.com", "lucky-casino.com"]
    for text in ("lucky-casino.com", "Ana", "a board game club"):
        assert text in run("list", "--dismissed").stdout
        assert text in run("show", "www.lucky-casino.com").stdout
    assert run("undismiss", "lucky-casino.com", "--by", "Ben", "--reason", "sold").exit_code == 0
    assert names() == ["lucky-casino.com"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "not a name"),
        ("dismiss", "not a name", "--by", "Ana", "--reason", "x"),
        ("dismiss", "co.uk", "--by", "Ana", "--reason", "x"),
        ("dismiss", "x.com", "--by", " ", "--reason", "x"),
        ("dismiss", "x.com", "--by", "Ana"),
        ("undismiss", "x.com", "--by", "Ana", "--reason", "x"),
        ("list", "--limit", "0"),
    ],
)
def test_bad_input_is_refused_with_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.output.strip() and "Traceback" not in result.output


def test_a_damaged_file_is_told(here: Path) -> None:
    count(here, {"lucky-casino.com": 2})
    folder = here / "var" / "suggestions"
    folder.mkdir()
    (folder / "dismissed.json").write_text("{")
    result = run("list")
    assert result.exit_code == 2 and "dismissed.json" in result.output


def test_hostile_names_are_shown_as_text(here: Path) -> None:
    """Escapes for a terminal and markup for rich come out as what they are."""
    index = CategoryIndex((starters.load_table(),))
    label = b"[red]casino\x1b[2J"
    wire = bytes((len(label),)) + label + from_text("com")
    Asked(here / "var" / "asked", 77).flush({wire: 1}, index, AT)
    shown = run("list")
    assert shown.exit_code == 0 and "\x1b" not in shown.stdout
    assert "casino" in shown.stdout and "\\027" in shown.stdout


LISTS = """
enabled = ["local:odd", "local:sure"]
[source."local:odd"]
title = "Not to be trusted"
file = "odd.txt"
category = "scams"
trust = "suggest"
[source."local:sure"]
title = "To be trusted"
file = "sure.txt"
category = "scams"
"""


def test_lists_that_may_only_suggest_are_heard(here: Path) -> None:
    (here / "var").mkdir()
    (here / "var/lists.toml").write_text(LISTS)
    (here / "var/odd.txt").write_text("plain-shop.com\nother.com\n")
    (here / "var/sure.txt").write_text("listed-shop.com\nanother.com\n")
    listing = Listing(load(here / "lychgate.toml"))
    listing.refresh(at=AT)
    listing.compile(at=AT)
    count(here, {"www.plain-shop.com": 4, "www.listed-shop.com": 4})
    (one,) = told("list")
    assert (one["name"], one["category"], one["likelihood"]) == ("plain-shop.com", "scams", 0.5)
    assert one["evidence"][0]["what"] == "local:odd"
    assert told("show", "plain-shop.com")["in_queue"]
    found = told("show", "listed-shop.com")
    assert found["listed"][0]["sources"] == ["local:sure"] and not found["in_queue"]


def test_nothing_but_dismissals_is_written(here: Path) -> None:
    count(here, {"lucky-casino.com": 2})
    before = {path for path in here.rglob("*") if path.is_file()}
    run("list")
    run("show", "lucky-casino.com")
    assert {path for path in here.rglob("*") if path.is_file()} == before
    run("dismiss", "lucky-casino.com", "--by", "Ana", "--reason", "x")
    new = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    new -= {path.relative_to(here).as_posix() for path in before}
    assert new == {
        f"var/suggestions/{name}" for name in ("dismissed.json", "journal.jsonl", ".lock")
    }
