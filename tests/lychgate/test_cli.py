"""The command: what people see and the exit status they get (0 well, 1 finding, 2 bad input)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lychgate.cli import app
from tests.lychgate.running import ADDRESS, Serving, free_port, upstream

EXAMPLE_POLICY = Path(__file__).parents[2] / "docs" / "examples" / "policy.toml"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a configuration that needs nothing of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LYCHGATE_CONFIG", raising=False)
    (tmp_path / "lychgate.toml").write_text('upstream.servers = ["9.9.9.9"]\n')
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def explain(*arguments: str) -> dict[str, Any]:
    result = run("explain", "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def use_policy(here: Path, text: str = "") -> None:
    (here / "policy.toml").write_text(text or EXAMPLE_POLICY.read_text("utf-8"))
    with (here / "lychgate.toml").open("a") as file:
        file.write('filter.policy = "policy.toml"\n')


def test_explain_tells_the_whole_story() -> None:
    result = run("explain", "www.bet365.com")
    assert result.exit_code == 0
    for text in ("BLOCKED", "Gambling is blocked for Learners", "bet365.*", "starter:gambling"):
        assert text in result.stdout
    for text in ("EDE 15", "would change", "gambling cannot be exempted", "venue here"):
        assert text in result.stdout


def test_explain_in_json() -> None:
    found = explain("bet365.com")
    assert found["happens"] == "blocked"
    assert found["decision"]["category"] == "gambling"
    assert found["decision"]["sources"] == ["starter:gambling"]
    assert found["extended_error"]["code"] == 15
    assert found["client"]["profile"] == "learners"
    assert found["decision"]["valid_until"] is None


@pytest.mark.parametrize(
    ("arguments", "happens"),
    [
        (["example.com"], "forwarded"),
        (["www.google.com"], "rewritten"),
        (["www.google.com", "--qtype", "HTTPS"], "rewritten"),
        (["www.google.com", "--qtype", "TXT"], "forwarded"),
        (["localhost"], "answered here"),
        (["example.com", "--qtype", "ANY"], "answered here"),
        (["use-application-dns.net"], "blocked"),
        (["example.com", "--client", "203.0.113.9"], "refused"),
    ],
)
def test_explain_says_where_a_query_goes(arguments: list[str], happens: str) -> None:
    assert explain(*arguments)["happens"] == happens


def test_explain_follows_the_clock_and_the_client(here: Path) -> None:
    use_policy(here)
    in_class = explain("facebook.com", "--client", "10.20.4.1", "--at", "2027-02-09T11:00")
    assert (in_class["happens"], in_class["client"]["venue"]) == ("blocked", "ellesmere-port")
    assert in_class["at"] == "2027-02-09T11:00:00+00:00"
    assert in_class["decision"]["valid_until"] == "2027-02-09T12:00:00+00:00"
    lunch = explain("facebook.com", "--client", "10.20.4.1", "--at", "2027-02-09T12:30")
    assert lunch["decision"]["action"] == "allow"
    workshop = explain("facebook.com", "--client", "10.20.3.7", "--at", "2027-02-09T11:00")
    assert workshop["decision"]["reason"] == "exception"
    assert "J. Okafor" in workshop["decision"]["note"]
    summer = explain("facebook.com", "--client", "10.20.9.9", "--at", "2027-07-01T09:00:00Z")
    assert (summer["at"], summer["client"]["room"]) == ("2027-07-01T10:00:00+01:00", "office")
    withdrawn = explain("example.com", "--client", "10.20.3.12")
    assert withdrawn["client"]["withdrawn"] and withdrawn["decision"]["reason"] == "withdrawn"


def test_explain_shows_names_as_text_and_not_as_markup() -> None:
    result = run("explain", r"\[red\]x.bet365.com")
    assert result.exit_code == 0
    assert r"\091red\093x.bet365.com" in result.stdout


def test_explain_shows_unicode_beside_the_wire_name() -> None:
    assert "xn--bcher-kva.example (bücher.example)" in run("explain", "bücher.example").stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["explain", "a..b"], "NAME: "),
        (["explain", "x.example", "--client", "me"], "--client: 'me' is not an IP address; use"),
        (["explain", "x.example", "--at", "noon"], "--at: 'noon' is not a time; use"),
        (["explain", "x.example", "--qtype", "AAAAA"], "TYPE: 'AAAAA' is not a record type; use"),
        (["explain", "x.example", "--qtype", "OPT"], "TYPE: 'OPT' is not a record type; use"),
        (["query", "x.example", "--server", "nowhere"], "'nowhere' is not an address"),
        (["query", "a..b"], "empty label"),
        (["check-config", "--config", "none.toml"], "none.toml: No such file"),
        (["check-config", "--policy", "none.toml"], "none.toml: No such file"),
        (["index", "build", "none"], "none: not there"),
        (["index", "stat", "none"], "none: No such file"),
        (["index", "stat"], "index.lychgate: No such file"),
        (["serve", "--config", "none.toml"], "none.toml: No such file"),
    ],
)
def test_bad_input_ends_with_2_and_says_why(arguments: list[str], line: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert line in result.stderr
    assert "Traceback" not in result.output


def test_check_config_says_all_is_well(here: Path) -> None:
    use_policy(here)
    result = run("check-config")
    assert result.exit_code == 0, result.output
    assert "Northshire Skills: 3 profiles, 2 venues, 2 devices" in result.stdout
    assert "udp://9.9.9.9:53" in result.stdout


def test_check_config_lists_every_fault(here: Path) -> None:
    (here / "lychgate.toml").write_text('server.workers = 0\nlog.level = "loud"\n')
    result = run("check-config")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2


def test_check_config_lists_every_fault_of_the_policy(here: Path) -> None:
    use_policy(here, "[organisation]\nnam = 'x'\n")
    result = run("check-config")
    assert result.exit_code == 2
    assert '"nam" is not a known key; did you mean "name"?' in result.stderr
    assert len(result.stderr.splitlines()) >= 3


def test_check_config_finds_a_missing_index(here: Path) -> None:
    (here / "lychgate.toml").write_text('upstream.servers = ["9.9.9.9"]\nfilter.index = "i"\n')
    result = run("check-config")
    assert result.exit_code == 1
    assert "only the starter lists filter" in result.stdout


def test_index_is_built_where_serve_looks_for_it(here: Path) -> None:
    (here / "gambling.txt").write_text("listed.example\nco.uk\nnot a name!\n")
    result = run("index", "build", "gambling.txt")
    assert result.exit_code == 0, result.output
    assert "1 names" in result.stdout and "line 2: public suffix" in result.stdout
    stat = run("index", "stat")
    assert stat.exit_code == 0
    assert "local:gambling" in stat.stdout
    assert explain("listed.example")["decision"]["sources"] == ["local:gambling"]


def test_index_build_takes_a_category_and_a_place(here: Path) -> None:
    (here / "mine.txt").write_text("listed.example\n")
    result = run("index", "build", "mine.txt", "--category", "gamblin", "--out", "i")
    assert result.exit_code == 2
    assert "gambling" in result.stderr
    assert run("index", "build", "mine.txt", "--category", "gambling", "--out", "i").exit_code == 0
    assert (here / "i").exists() and not (here / "var").exists()


def test_query_shows_answer_and_reason(here: Path) -> None:
    folder = here / "served"
    folder.mkdir()
    with upstream() as port, Serving(folder, port) as serving:
        serving.ready()
        at = f"127.0.0.1:{serving.port}"
        blocked = run("query", "bet365.com", "--server", at)
        assert blocked.exit_code == 0, blocked.output
        assert "NXDOMAIN" in blocked.stdout
        assert "Extended error 15 (Blocked): Gambling: bet365.*" in blocked.stdout
        for arguments in ((), ("--tcp",)):
            allowed = run("query", "example.com", *arguments, "--config", "served/lychgate.toml")
            assert ADDRESS in allowed.stdout
            assert ("TCP" if arguments else "UDP") in allowed.stdout


def test_query_without_an_answer_ends_with_1() -> None:
    result = run("query", "example.com", "--tcp", "--server", f"127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "Connection refused" in result.stderr


def test_help_has_an_example_for_each_command() -> None:
    for command in ("serve", "check-config", "explain", "query", "index build", "index stat"):
        result = run(*command.split(), "--help")
        assert result.exit_code == 0
        assert "Example" in result.stdout


def test_version() -> None:
    assert run("version").stdout.startswith("lychgate ")
