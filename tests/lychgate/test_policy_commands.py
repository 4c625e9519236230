"""`lychgate venue`, `rule`, `exception` and kin: what people type, see, and are refused."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from lychgate.cli import app
from policy.commands.permissions import PERMITTED
from policy.people import ROLES
from tests.house.repository import ROOT
from tests.house.test_documents import commands as documented

EXAMPLE = ROOT / "docs" / "examples" / "policy.toml"
PEOPLE = """
[people.ana]
name = "A. Patel"
roles = [{ role = "administrator" }]

[people.jo]
name = "J. Okafor"
roles = [{ role = "tutor", venues = ["ellesmere-port"] }]

[people.max]
name = "M. Lewis"
roles = [{ role = "safeguarding-lead" }]
"""
DECIDING = (
    "audit bundle device essential exception organisation page person policy profile role room "
    "rule store term venue"
).split()


@pytest.fixture(scope="module", autouse=True)
def built_once() -> Iterator[None]:
    """The command built once for all tests: it takes as long as what they try."""
    command = typer.main.get_command(app)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", lambda _: command)
        yield


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def in_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def said(*arguments: str, code: int = 0) -> str:
    """What is shown, in one line however it was wrapped."""
    return " ".join(run(*arguments, code=code).output.split())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, built_once: None) -> Iterator[Path]:
    """A store that holds the example and three people."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LYCHGATE_CONFIG", raising=False)
        (folder / "lychgate.toml").write_text('upstream.servers = ["9.9.9.9"]\n')
        (folder / "college.toml").write_text(EXAMPLE.read_text("utf-8") + PEOPLE)
        run("store", "create", "--from", "college.toml")
    yield folder


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and no store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LYCHGATE_CONFIG", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "operator")
    (tmp_path / "lychgate.toml").write_text('upstream.servers = ["9.9.9.9"]\n')
    return tmp_path


@pytest.fixture
def here(empty: Path, filled: Path) -> Path:
    """A folder with a store of its own."""
    (empty / "var").mkdir()
    shutil.copy(filled / "var" / "state.db", empty / "var")
    shutil.copy(filled / "college.toml", empty)
    return empty


def test_places_are_added_shown_changed_and_removed(here: Path) -> None:
    added = said("venue", "add", "crewe", "--title", "Crewe hub", "--network", "10.40.0.0/16",
                 "--profile", "learners", "--reason", "a new hub")  # fmt: skip
    assert "Clients in 10.40.0.0/16 belong to Crewe hub" in added
    assert "venue:crewe: entry 2 of the audit log" in added
    run("room", "add", "crewe/it-suite", "--network", "10.40.3.0/24", "--title", "IT suite")
    (room,) = in_json("room", "list", "--venue", "crewe")
    assert room == {"id": "crewe/it-suite", "title": "IT suite", "networks": ["10.40.3.0/24"]}
    assert "it-suite" in run("venue", "show", "crewe").stdout
    assert "filtered as Tutors" in said("room", "change", "crewe/it-suite", "--profile", "staff")
    assert in_json("room", "show", "crewe/it-suite")["profile"] == "staff"
    run("room", "change", "crewe/it-suite", "--profile", "")
    assert "profile" not in in_json("room", "show", "crewe/it-suite")
    run("venue", "change", "crewe", "--network", "10.41.0.0/16", "--network", "10.40.0.0/16")
    assert in_json("venue", "show", "crewe")["networks"] == ["10.41.0.0/16", "10.40.0.0/16"]
    run("room", "remove", "crewe/it-suite")
    run("venue", "remove", "crewe", "--reason", "the lease ended")
    assert "crewe" not in run("venue", "list").stdout
    (last,) = in_json("audit", "list", "--limit", "1")
    assert (last["actor"], last["via"]) == ("cli:operator", "cli")
    assert (last["action"], last["reason"]) == ("venue.remove", "the lease ended")
    assert last["before"]["title"] == "Crewe hub" and last["after"] is None


def test_a_tutor_opens_facebook_for_a_class_and_ends_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Late in the evening an end has a day, and takes room.
    monkeypatch.setattr("lychgate.screens._PIPE_COLUMNS", 200)
    granted = in_json(
        "exception", "grant", "--bundle", "facebook", "--room", "ellesmere-port/it-suite",
        "--until", "+2h", "--purpose", "CV workshop", "--as", "jo",
    )  # fmt: skip
    (sentence,) = granted["sentences"]
    assert sentence.startswith("IT suite, Ellesmere Port hub: Facebook") and "until" in sentence
    number = str(granted["after"]["id"])
    assert granted["after"]["approver"] == "J. Okafor"
    (one,) = [e for e in in_json("exception", "list") if str(e["id"]) == number]
    assert one["state"] == "open"
    listed = said("exception", "list", "--venue", "ellesmere-port")
    assert "ellesmere-port/it-suite" in listed and "bundle facebook" in listed
    assert "Nothing is open" in run("exception", "list", "--device", "laptop-12").stdout
    assert "CV workshop" in run("exception", "show", number).stdout
    run("exception", "change", number, "--until", "+1h", "--as", "jo")
    assert "now" in said("exception", "end", number, "--as", "jo", "--reason", "class is over")
    assert number not in [str(e["id"]) for e in in_json("exception", "list")]
    (ended,) = [e for e in in_json("exception", "list", "--all") if str(e["id"]) == number]
    assert ended["state"] == "over" and "revoked" in ended
    trail = in_json("audit", "list", "--subject", f"exception:{number}")
    assert [entry["action"] for entry in trail] == [
        "exception.grant", "exception.change", "exception.end"
    ]  # fmt: skip
    assert {entry["actor"] for entry in trail} == {"jo"}


def test_what_an_exception_cannot_open_is_said(here: Path) -> None:
    told = said("exception", "grant", "--site", "bet365.com", "--venue", "library", "--until",
                "+1h", "--purpose", "a mistake", "--dry-run")  # fmt: skip
    assert "bet365.com stays closed: Gambling cannot be exempted" in told
    refused = run("exception", "grant", "--category", "gambling", "--venue", "library", "--until",
                  "+1h", "--purpose", "a mistake", code=2).stderr  # fmt: skip
    assert "cannot be exempted; allowed: " in refused


def test_what_a_role_may_not_is_refused_with_who_may_and_audited(here: Path) -> None:
    told = run("rule", "add", "deny", "x.example", "--reason", "no", "--as", "jo", code=2)
    assert "J. Okafor is tutor at ellesmere-port; allowed: administrator" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    elsewhere = run(
        "exception", "grant", "--site", "ebay.co.uk", "--venue", "library", "--until", "+1h",
        "--purpose", "selling", "--as", "jo", code=2,
    )  # fmt: skip
    assert "exception.grant at library" in elsewhere.stderr
    refused = in_json("audit", "list", "--refused")
    assert [entry["action"] for entry in refused] == ["rule.add", "exception.grant"]
    assert "REFUSED" in run("audit", "list", "--actor", "jo").stdout
    assert "refused" in run("audit", "show", "2").stdout
    assert in_json("rule", "list", "x.example") == []


def test_who_decides_must_be_known(here: Path) -> None:
    told = run("venue", "remove", "library", "--as", "joe", code=2).stderr
    assert told == '--as: "joe" is not a person; did you mean "jo"?\n'


def test_a_dry_run_says_what_would_change_and_changes_nothing(here: Path) -> None:
    dry = said("rule", "add", "deny", "bet.example", "--reason", "no", "--dry-run")
    assert "bet.example is denied" in dry and "nothing was changed" in dry
    would = in_json("device", "withdraw", "reception", "--reason", "x", "--dry-run")
    assert would["dry_run"] and would["audit_number"] is None and would["after"]["withdrawn"]
    assert in_json("rule", "list", "bet.example") == []
    assert len(in_json("audit", "list")) == 1


def test_rules_one_or_many(here: Path) -> None:
    (here / "scams.txt").write_text("# reported\nScam-One.example\n*.scam-two.example  # both\n\n")
    added = in_json(
        "rule", "add", "deny", "--file", "scams.txt", "198.51.100.7", "--profile", "learners",
        "--reason", "reported", "--review", "2030-09-01", "--expires", "2031-01-31",
    )  # fmt: skip
    assert [body.get("pattern", body.get("address")) for body in added["after"]] == [
        "198.51.100.7/32", "scam-one.example", "*.scam-two.example"
    ]  # fmt: skip
    one = in_json("rule", "list", "scam-one")[0]
    assert one["scope"] == "profile:learners" and one["review"] == "2030-09-01"
    assert one["expires"] == "2031-01-31", "the whole day, as it was typed"
    (found,) = in_json("rule", "find", "www.scam-one.example")
    assert found["id"] == one["id"]
    assert "no such rule" in run("rule", "find", "other.example", code=1).stdout
    number = str(one["id"])
    run("rule", "change", number, "--expires", "", "--everywhere", "--name", "scam-3.example")
    changed = in_json("rule", "show", number)
    assert "expires" not in changed and changed["scope"] == "organisation"
    assert changed["pattern"] == "scam-3.example"
    run("rule", "remove", number)
    assert "there is no rule" in run("rule", "show", number, code=2).stderr
    assert len(in_json("rule", "list", "--profile", "learners", "--action", "deny")) == 3
    assert "more; --limit" in run("rule", "list", "--limit", "1").stdout


def test_rules_whose_day_has_come(here: Path) -> None:
    run("rule", "add", "allow", "old.example", "--reason", "x", "--review", "2026-01-01")
    assert [body["pattern"] for body in in_json("rule", "list", "--due")] == ["old.example"]
    assert in_json("rule", "list", "--expired") == []


def test_a_rule_that_reaches_too_far_needs_to_be_meant(here: Path) -> None:
    for name, words in (("gov.uk", "public suffix"), ("*.co.uk", "public suffix"),
                        ("www.nhs.uk", "closes what is essential: *.nhs.uk"),
                        ("*.nhs.uk", "closes what is essential")):  # fmt: skip
        told = run("rule", "add", "deny", name, "--reason", "really", code=2).stderr
        assert words in told, told
    done = in_json("rule", "add", "deny", "www.nhs.uk", "--reason", "a drill", "--override")
    assert "nhs.uk" in done["after"]["overridden"][0]


def test_devices_lose_access_and_regain_it(here: Path) -> None:
    run("device", "add", "tablet", "--address", "10.20.3.40", "--hostname", "TABLET-4")
    assert "tablet" in run("device", "list").stdout
    run("device", "change", "tablet", "--title", "Tablet 4", "--hostname", "")
    assert in_json("device", "show", "tablet") == {
        "id": "tablet", "addresses": ["10.20.3.40"], "title": "Tablet 4"
    }  # fmt: skip
    lost = said("device", "withdraw", "tablet", "--reason", "agreed", "--until", "+1h",
                "--as", "max")  # fmt: skip
    assert "Tablet 4: only essential sites are open until" in lost
    listed = {one["id"]: one for one in in_json("device", "list", "--withdrawn")}
    assert listed["tablet"]["without_access"] and "laptop-12" in listed
    assert "agreed" in run("device", "list").stdout
    assert "has its access back" in said("device", "give-back", "tablet", "--as", "max")
    run("device", "remove", "tablet")


def test_profiles_and_their_periods(here: Path) -> None:
    run("profile", "add", "under-18", "--title", "Under 18", "--youtube", "strict")
    run("profile", "set", "under-18", "social-media=block", "shopping=warn")
    run("profile", "set", "under-18", "shopping=default")
    run("profile", "add-period", "under-18", "lunch", "social-media=allow", "--days", "mon-wed,fri",
        "--from", "12:00", "--to", "13:00", "--when", "not-bank-holidays")  # fmt: skip
    shown = in_json("profile", "show", "under-18")
    assert shown["actions"] == {"social-media": "block"}
    assert shown["actions_in_force"]["gambling"] == "block"
    assert shown["periods"][0]["days"] == ["mon", "tue", "wed", "fri"]
    assert "lunch" in run("profile", "show", "under-18").stdout
    assert "under-18" in run("profile", "list").stdout
    run("profile", "change", "under-18", "--no-safe-search")
    assert in_json("profile", "show", "under-18")["safe_search"] is False
    assert "--days: 'fri-mon'" in run("profile", "add-period", "under-18", "x", "games=allow",
                                      "--days", "fri-mon", "--from", "1:00", "--to", "2:00",
                                      code=2).stderr  # fmt: skip
    told = run("profile", "set", "under-18", "gambling", code=2).stderr
    assert "'gambling' is no pair" in told
    run("profile", "remove-period", "under-18", "lunch")
    run("profile", "remove", "under-18")


def test_people_and_roles(here: Path) -> None:
    run("person", "add", "sam", "--name", "S. Day", "--role", "tutor@library,ellesmere-port",
        "--email", "sam@example.org")  # fmt: skip
    assert in_json("person", "show", "sam")["roles"] == [
        {"role": "tutor", "venues": ["library", "ellesmere-port"]}
    ]
    run("person", "change", "sam", "--role", "leadership", "--email", "")
    assert in_json("person", "show", "sam")["roles"] == [{"role": "leadership"}]
    assert "leadership everywhere" in run("person", "list").stdout
    assert "exception.grant" in run("person", "show", "jo").stdout
    told = run("person", "add", "x", "--name", "X", "--role", "tutr", code=2).stderr
    assert "tutor" in told
    assert "only the command line" in said("person", "remove", "ana")
    run("role", "change", "tutor", "--exception-hours", "3")
    hours = {role["role"]: role["exception_hours_max"] for role in in_json("role", "list")}
    assert hours["tutor"] == 3
    assert "in venues" in run("role", "list").stdout
    told = run("exception", "grant", "--site", "ebay.co.uk", "--venue", "ellesmere-port", "--until",
               "+4h", "--purpose", "p", "--as", "jo", code=2).stderr  # fmt: skip
    assert "up to 3 hours" in told


def test_bundles_essentials_terms_pages_and_the_organisation(here: Path) -> None:
    assert "facebook" in run("bundle", "list").stdout
    assert "fbcdn.net" in in_json("bundle", "show", "facebook")["sites"]
    run("bundle", "add", "radio", "radio.example", "cdn.radio.example", "--title", "Radio")
    run("bundle", "change", "radio", "--site", "radio.example")
    assert in_json("bundle", "show", "radio") == {
        "id": "radio", "title": "Radio", "sites": ["radio.example"], "shipped": False
    }  # fmt: skip
    run("bundle", "remove", "radio")
    assert 'did you mean "facebook"?' in run("bundle", "show", "facebok", code=2).stderr

    run("essential", "add", "portal.example", "--reason", "our platform")
    assert in_json("essential", "list") == [
        {"id": "portal.example", "reason": "our platform", "author": "operator"}
    ]
    assert len(in_json("essential", "list", "--shipped")) > 50
    run("essential", "remove", "portal.example")

    run("term", "add", "Spring", "--from", "2027-01-05", "--to", "2027-03-26")
    run("term", "change", "Spring", "--to", "2027-04-01", "--rename", "Spring 2027")
    assert in_json("term", "list") == [
        {"name": "Spring 2027", "from": "2027-01-05", "to": "2027-04-01"}
    ]
    run("term", "remove", "Spring 2027")

    run("page", "set", "gambling", "Talk to Maya.")
    assert "Talk to Maya." in run("page", "list").stdout
    run("page", "remove", "gambling")
    assert "gamblin" in run("page", "set", "gamblin", "x", code=2).stderr

    run("organisation", "change", "--name", "Hub", "--holidays", "england-and-wales")
    assert in_json("organisation", "show")["holidays"] == "england-and-wales"


def test_nothing_to_change_is_said(here: Path) -> None:
    told = run("venue", "change", "library", code=2).stderr
    assert told.startswith("venue change: nothing to change is given")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["venue", "add", "New", "--network", "10.50.0.0/16"], '"New" is not an id'),
        (["venue", "add", "new", "--network", "10.20.0.0/24"], "overlaps 10.20.0.0/16"),
        (["venue", "remove", "librari"], 'did you mean "library"?'),
        (["venue", "show", "librari"], 'did you mean "library"?'),
        (["room", "show", "library"], "'library' is no room; use VENUE/ROOM"),
        (["room", "list", "--venue", "x"], "--venue: "),
        (["rule", "add", "deny", "--reason", "x"], "NAME: nothing is given"),
        (["rule", "add", "block", "a.example", "--reason", "x"], "allow, deny"),
        (["rule", "add", "deny", "a..b", "--reason", "x"], "empty label"),
        (["rule", "add", "deny", "--file", "none.txt", "--reason", "x"], "No such file"),
        (
            ["rule", "add", "deny", "a.example", "--reason", "x", "--expires", "soon"],
            "--expires: 'soon' is not a time; use 12:00 for today",
        ),
        (
            ["rule", "add", "deny", "a.example", "--reason", "x", "--review", "soon"],
            "--review: 'soon' is not a date; use",
        ),
        (
            ["rule", "add", "deny", "a.example", "--reason", "x", "--venue", "v", "--room", "v/r"],
            "two places",
        ),
        (["rule", "show", "999"], "there is no rule 999; `lychgate rule list`"),
        (["rule", "remove", "999"], "999"),
        (["rule", "find", "a..b"], "empty label"),
        (["exception", "show", "999"], "there is no exception 999"),
        (
            ["exception", "grant", "--site", "a.example", "--until", "+1h", "--purpose", "x"],
            "where: nothing is given; use --venue",
        ),
        (["audit", "show", "999"], "there is no entry 999"),
        (["policy", "import", "none.toml"], "none.toml: No such file"),
        (["policy", "diff", "none.toml"], "none.toml: No such file"),
        (["store", "create"], "there is a store already"),
        (["store", "backup", "college.toml"], "there is a file already"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_is_allowed(
    here: Path, arguments: list[str], line: str
) -> None:
    assert line in run(*arguments, code=2).stderr
    assert len(in_json("audit", "list")) == 1, "and nothing was changed"


def test_the_policy_as_a_document_and_back(here: Path) -> None:
    run("policy", "export", "--out", "out.toml")
    assert (here / "out.toml").stat().st_mode & 0o777 == 0o640
    assert "say the same" in run("policy", "diff", "out.toml").stdout
    assert run("policy", "export").stdout == (here / "out.toml").read_text()
    text = (here / "out.toml").read_text()
    (here / "out.toml").write_text(
        text.replace('title = "Guests"', 'title = "Visitors"')
        + '\n[[rules]]\naction = "deny"\npattern = "new.example"\nreason = "new"\n'
    )
    lines = run("policy", "diff", "out.toml", code=1).stdout
    assert "~ profile guests: title: Guests -> Visitors" in lines
    assert "+ rule: action deny; pattern new.example; reason new" in lines
    assert {one["kind"] for one in in_json("policy", "diff", "out.toml", code=1)} == {
        "profiles", "rules"
    }  # fmt: skip
    dry = said("policy", "import", "out.toml", "--dry-run")
    assert "Visitors" in dry and "nothing was changed" in dry
    run("policy", "diff", "out.toml", code=1)
    imported = said("policy", "import", "out.toml", "--reason", "the yearly review")
    assert "Rules: 1 added." in imported
    run("policy", "diff", "college.toml", code=1)
    assert len(in_json("rule", "list", "new.example")) == 1
    assert "entry" not in said("policy", "import", "out.toml"), "it is so already"
    told = run("policy", "import", "out.toml", "--as", "jo", code=2).stderr
    assert "allowed: administrator" in told


def test_a_document_with_faults_is_refused_whole(here: Path) -> None:
    (here / "bad.toml").write_text("[organisation]\nnam = 'x'\n")
    told = run("policy", "import", "bad.toml", code=2).stderr
    assert 'bad.toml: organisation.nam: "nam" is not a known key' in told
    (here / "bad.toml").write_text("[organisation\n")
    assert "allowed: TOML 1.0" in run("policy", "diff", "bad.toml", code=2).stderr


def test_the_chain_is_verified_and_a_break_is_found(here: Path) -> None:
    for title in ("One", "Two", "Three"):
        run("venue", "change", "library", "--title", title)
    whole = in_json("audit", "verify")
    assert whole["whole"] and whole["entries"] == 4
    assert "The chain is whole: 4 entries." in run("audit", "verify").stdout
    run("audit", "verify", "--digest", whole["last_digest"])
    assert "noted earlier" in run("audit", "verify", "--digest", "ab" * 32, code=1).stdout
    assert "sound" in run("store", "check").stdout
    with closing(sqlite3.connect(here / "var/state.db")) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE audit SET reason = 'nothing happened' WHERE number = 3")
        database.commit()
    broken = in_json("audit", "verify", code=1)
    assert (broken["whole"], broken["broken"]) == (False, 3)
    assert "BROKEN at entry 3" in run("audit", "verify", code=1).stdout
    assert "entry 3" in run("store", "check", code=1).stdout


def test_the_audit_log_by_time_and_kind(here: Path) -> None:
    run("venue", "change", "library", "--title", "Library")
    assert [e["action"] for e in in_json("audit", "list", "--action", "venue")] == ["venue.change"]
    assert in_json("audit", "list", "--since", "+1h") == []
    assert len(in_json("audit", "list", "--since", "2020-01-01")) == 2
    shown = said("audit", "show", "2")
    assert "Partner library" in shown and "title" in shown
    assert "document.import" in run("audit", "show", "1").stdout


def test_without_a_store_one_line_says_how_to_make_one(empty: Path) -> None:
    line = "var/state.db: no store yet; `lychgate store create` makes one\n"
    for arguments in (["venue", "list"], ["venue", "remove", "x"], ["audit", "verify"],
                      ["policy", "export"], ["store", "check"], ["store", "upgrade"],
                      ["store", "backup", "copy.db"]):  # fmt: skip
        assert run(*arguments, code=2).stderr == line, arguments
    assert not (empty / "var").exists()


def test_a_store_is_made_checked_and_copied(empty: Path) -> None:
    assert "would be made" in run("store", "create", "--dry-run").stdout
    assert not (empty / "var").exists()
    assert "the policy that ships" in run("store", "create").stdout
    assert [one["id"] for one in in_json("venue", "list")] == ["here"]
    found = in_json("store", "check")
    assert found["faults"] == [] and found["entries"]["profiles"] == 3
    run("store", "upgrade")
    run("store", "backup", "copy.db")
    (empty / "lychgate.toml").write_text('store.url = "sqlite+aiosqlite:///copy.db"\n')
    assert [one["id"] for one in in_json("venue", "list")] == ["here"]


def test_a_store_is_not_made_from_a_faulty_document(empty: Path) -> None:
    (empty / "bad.toml").write_text("x = 1\n")
    run("store", "create", "--from", "bad.toml", code=2)
    assert not (empty / "var").exists()


def test_a_damaged_store_is_told_in_one_line(empty: Path) -> None:
    (empty / "var").mkdir()
    (empty / "var/state.db").write_bytes(b"this is no database at all" * 100)
    told = run("venue", "list", code=2).stderr
    assert told.startswith("var/state.db: ") and len(told.splitlines()) == 1


def test_while_a_file_rules_changes_of_the_store_are_warned_about(here: Path) -> None:
    (here / "lychgate.toml").open("a").write('filter.policy = "college.toml"\n')
    result = run("venue", "change", "library", "--title", "Library")
    assert result.stderr.startswith("warning: college.toml rules as long as filter.policy")
    found = in_json("venue", "change", "library", "--title", "The library")
    assert "college.toml rules" in found["warnings"][0]


def commands() -> Iterator[list[str]]:
    """Every command that decides something or shows it, in words."""
    group: Any = typer.main.get_command(app)
    for word in DECIDING:
        for name in group.commands[word].commands:
            yield [word, name]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_of_each_command_has_an_example(words: list[str]) -> None:
    assert "Example" in run(*words, "--help").stdout


def test_the_examples_in_help_are_commands_with_their_options() -> None:
    """What stands behind `Example` can be typed."""
    group: Any = typer.main.get_command(app)
    for word, name in commands():
        command = group.commands[word].commands[name]
        examples = re.findall(r"`(lychgate [^`]+)`", re.split(r"Examples?:", command.help)[1])
        assert examples, (word, name)
        for example in examples:
            typed = shlex.split(example)
            assert typed[1:3] == [word, name], example
            options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
            assert {o for o in typed if o.startswith("--")} <= options, example


def test_the_table_of_permissions_in_the_documents_is_the_one_in_force() -> None:
    text = (ROOT / "docs" / "policy.md").read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    told = {
        (action, role): cell.strip()
        for actions, *cells in rows
        for action in re.findall(r"`([a-z]+\.[a-z-]+)`", actions)
        for role, cell in zip(ROLES, cells, strict=False)
    }
    words = {"E": "everywhere", "V": "in venues", "-": ""}
    in_force = {
        (action, role): words[cell]
        for action, cells in PERMITTED.items()
        for role, cell in cells.items()
    }
    assert told == in_force


def test_help_needs_no_database() -> None:
    """SQLAlchemy takes half a second to import, and `--help` and completion must be quick."""
    program = "import sys, lychgate.cli; sys.exit('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60)
    assert done.returncode == 0


def typed(path: Path, *without: str) -> Iterator[list[str]]:
    """The commands of a document about decisions, in order, with times that are still to come."""
    for program, *words in documented(path):
        is_ours = program == "lychgate" and words[0] in (*DECIDING, "explain")
        if is_ours and " ".join(words[:3]) not in without:
            yield [_LATER.get(word, word) for word in words]


_LATER = {"12:00": "+2h", "12:30": "+3h", "15:00": "+1h"}


def test_what_the_readme_types_works_from_the_first_to_the_last(empty: Path) -> None:
    for words in typed(ROOT / "README.md"):
        result = run(*words)
        if words[0] == "explain" and "--client" in words:
            assert "bundle facebook" in result.stdout


def test_what_the_guide_types_works_at_a_college(here: Path) -> None:
    (here / "scams.txt").write_text("scam.example\n")
    for words in typed(ROOT / "docs" / "policy.md", "store create", "store create --from",
                       "venue remove here"):  # fmt: skip
        result = CliRunner().invoke(app, words)
        assert result.exit_code in (0, 1), (words, result.output)
        assert result.exit_code == 0 or words[1] in ("find", "diff"), (words, result.output)
