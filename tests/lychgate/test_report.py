"""`lychgate report` on a real store and a real telemetry database: formats, periods, bad input."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from evidence.store import EvidenceStore
from lychgate.cli import app
from lychgate.config import load
from portal.reporting import printing
from tests.evidence.happenings import batch, detail, record
from tests.lychgate.stores import write

HOSTILE = "<img src=x onerror=alert(1)>.example"
TODAY = date.today()  # noqa: DTZ011 - days as people at this machine have them
TERM = {
    "name": "Autumn 2026",
    "from": str(TODAY - timedelta(days=20)),
    "to": str(TODAY + timedelta(days=20)),
}


async def happen(url: str) -> None:
    """Ten minutes ago: six devices of Crewe at a hostile name, two queries in Derby."""
    at = time.time() - 600
    store = await EvidenceStore.open(url, create=True)
    crewe = [detail(at + n, HOSTILE, address=f"10.0.0.{n}") for n in range(1, 7)]
    derby = detail(at, "bwin.com", venue="derby", room="", queries=2)
    await record(store, batch("a", [*crewe, derby], at=at), at=at)
    await store.close()


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """The settings of an installation with two venues, a term, and something that happened."""
    file = tmp_path / "lychgate.toml"
    file.write_text("")
    (tmp_path / "var").mkdir()
    chosen = load(file)
    write(
        chosen.store_url,
        ("venues", "crewe", {"title": "Crewe hub", "networks": ["203.0.113.0/25"]}),
        ("venues", "derby", {"title": "Derby hub", "networks": ["203.0.113.128/25"]}),
        ("terms", None, TERM),
    )
    asyncio.run(happen(chosen.telemetry_url))
    return file


def report(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", "-c", str(file), *arguments])


def test_the_term_that_is_asked_for_and_the_one_that_runs(installation: Path) -> None:
    named = report(installation, "--term", "autumn-2026", "--format", "csv")
    assert named.exit_code == 0, named.stderr
    records = list(csv.reader(io.StringIO(named.stdout)))
    said = [row[2] for row in records]
    assert any(cell.startswith("Autumn 2026, ") for cell in said)
    assert "Of 8 queries 8 were blocked (100%), for 2 different websites." in " ".join(said)
    assert any(
        row[1] == "Blocked by venue" and row[2:5] == ["Derby hub", "2", "2"] for row in records
    )
    running = report(installation, "--format", "csv")
    assert [row[2] for row in csv.reader(io.StringIO(running.stdout))][1:3] == said[1:3]


def test_days_and_venues(installation: Path) -> None:
    week = str(TODAY - timedelta(days=6))
    found = report(installation, "--from", week, "--venue", "derby")
    assert found.exit_code == 0 and found.stdout.startswith("<!DOCTYPE html>")
    assert "Of 2 queries 2 were blocked" in found.stdout and "Derby hub" in found.stdout
    assert "Crewe hub" not in found.stdout
    both = report(installation, "--from", week, "--venue", "derby", "--venue", "crewe")
    assert "Of 8 queries" in both.stdout and "Crewe hub, Derby hub" in both.stdout
    assert "<img" not in both.stdout and "&lt;img" in both.stdout
    assert "10.0.0.1" not in both.stdout
    before = report(installation, "--from", "2026-01-05", "--to", "2026-01-06")
    assert "Of 0 queries 0 were blocked" in before.stdout


def test_a_file_by_its_ending_whole_or_not_at_all(installation: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    assert report(installation, "-o", str(target)).exit_code == 0
    first = target.read_text()
    assert first.startswith('"Section","Table"')
    again = report(installation, "-o", str(target), "--format", "html")
    assert again.exit_code == 2 and "there already; use another name, or --force" in again.stderr
    assert target.read_text() == first
    assert report(installation, "-o", str(target), "--format", "html", "--force").exit_code == 0
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))


def test_pdf(installation: Path, tmp_path: Path) -> None:
    if missing := printing.what_is_missing():
        pytest.skip(missing)
    target = tmp_path / "report.pdf"
    done = report(installation, "-o", str(target))
    assert done.exit_code == 0, done.stderr
    assert target.read_bytes().startswith(b"%PDF-") and target.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--term", "winter"], "--term: 'winter'; allowed: the name of a term: Autumn 2026"),
        (["--term", "autumn-2026", "--from", "2026-09-01"], "--term: given with --from or --to"),
        (["--venue", "crew"], '--venue: "crew" is not a venue; did you mean "crewe"?'),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "--to: '2026-03-02 to 2026-03-01'"),
        (["--from", "1 March"], "--from: '1 March'; allowed: a day as in 2026-11-21"),
        (["--to", "2026-03-01"], "--from: ''; allowed: a day as in 2026-11-21"),
        (["--from", "2020-01-01"], "800 days at most"),
        (["--from", "2090-01-01", "--to", "2090-01-02"], "allowed: a day that has come"),
        (["--format", "docx"], "--format: 'docx'; allowed: html, pdf, csv"),
        (["-o", "report.docx"], "--output: report.docx: 'docx'; allowed: html, pdf, csv"),
        (["-o", "no-such-folder/report.csv"], "--output: no-such-folder: no such folder"),
    ],
)
def test_bad_input(installation: Path, arguments: list[str], fault: str) -> None:
    done = report(installation, *arguments)
    assert done.exit_code == 2 and fault in done.stderr, done.stderr
    assert not done.stdout and len(done.stderr.splitlines()) == 1


def test_without_weasyprint_it_says_how_to_get_it(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "find_spec", lambda _: None)
    done = report(installation, "--format", "pdf")
    assert done.exit_code == 2 and not done.stdout
    assert (
        "--format: pdf: WeasyPrint is not installed; pip install 'lychgate[report]'" in done.stderr
    )


def test_without_a_store(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text("")
    done = report(file)
    assert done.exit_code == 2 and "`lychgate store create` makes one" in done.stderr


@pytest.mark.parametrize("is_off", [True, False], ids=["off", "gone"])
def test_without_telemetry_the_rest_is_told(installation: Path, is_off: bool) -> None:
    if is_off:
        installation.write_text("telemetry.enabled = false")
    else:
        (installation.parent / "var" / "telemetry.db").unlink()
    done = report(installation)
    why = "telemetry: it is off in" if is_off else "telemetry.db"
    assert done.exit_code == 1 and why in done.stderr, done.stderr
    assert "alerts and checks are not in the report" in done.stderr
    assert "Policy in force" in done.stdout and "What was blocked" not in done.stdout


def test_a_policy_file_that_rules_is_the_policy_in_force(installation: Path) -> None:
    (installation.parent / "policy.toml").write_text(
        '[organisation]\nname = "By file"\ndefault_profile = "all"\n[profiles.all]\ntitle = "All"\n'
        '[venues.york]\ntitle = "York hub"\nnetworks = ["10.40.0.0/16"]\n'
    )
    installation.write_text('filter.policy = "policy.toml"')
    done = report(installation)
    assert done.exit_code == 1 and "rules as long as filter.policy" in done.stderr
    assert "By file" in done.stdout and "York hub" in done.stdout and "Crewe hub" not in done.stdout
