"""The systemd units are sound, start what there is, and may do little."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from lychgate import inheriting
from lychgate.cli import app
from tests.house.repository import ROOT

FOLDER = ROOT / "systemd"
COMMAND = "/usr/bin/lychgate"
CONFIG = "--config /etc/lychgate/lychgate.toml"
SERVICES = sorted(path.stem for path in FOLDER.glob("*.service"))
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
DAEMONS = {
    "lychgate-resolver": ("serve", "lychgate"),
    "lychgate-recorder": ("record", "lychgate-recorder"),
    "lychgate-portal": ("portal", "lychgate-portal"),
}
EXPOSURE_MAX = 1.5
"""As `systemd-analyze security` rates; 10 is a service without any sandbox."""


def settings(unit: str) -> dict[str, list[str]]:
    """Every setting of a unit and of what is read after it, as systemd reads them."""
    files = [FOLDER / unit]
    if unit.endswith(".service"):
        folders = (FOLDER / "lychgate-.service.d", FOLDER / f"{unit}.d")
        files += sorted(
            (path for folder in folders for path in folder.glob("*.conf")),
            key=lambda path: path.name,
        )
    found: dict[str, list[str]] = {}
    for file in files:
        for key, value in re.findall(r"(?m)^(\w+)=(.*)$", file.read_text(encoding="utf-8")):
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with our units and the machine's, and a program in the place of ours."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here; apt-get install systemd verifies the units")
    root = tmp_path_factory.mktemp("root")
    units = root / "usr/lib/systemd/system"
    theirs = next(
        path
        for path in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
        if (path / "sysinit.target").exists()
    )
    units.mkdir(parents=True)
    for target in theirs.glob("*.target"):
        shutil.copy(target, units)
    for path in FOLDER.iterdir():
        if path.is_file():
            shutil.copy(path, units)
        elif path.name.startswith("lychgate-"):
            shutil.copytree(path, units / path.name)
    for program in ("usr/bin/lychgate", "bin/kill"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", root / program)
    return root


@pytest.mark.parametrize("service", SERVICES)
def test_it_starts_what_the_command_line_offers(service: str) -> None:
    (start,) = settings(f"{service}.service")["ExecStart"]
    program, *words = start.removesuffix(f" {CONFIG}").split()
    assert program == COMMAND and start.endswith(CONFIG)
    command = typer.main.get_command(app)
    for word in words:
        if not word.startswith("-"):
            assert word in command.commands, start  # type: ignore[attr-defined]
            command = command.commands[word]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("service", sorted(DAEMONS))
def test_daemons_are_watched_and_never_given_up(service: str) -> None:
    found = settings(f"{service}.service")
    assert found["Type"] == ["notify"] and found["NotifyAccess"] == ["main"]
    assert found["WatchdogSec"] and found["Restart"] == ["always"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert found["User"] == [DAEMONS[service][1]] and found["Group"] == ["lychgate"]
    assert found["UMask"] == ["0007"], "the group shares the state"


def test_the_resolver_reloads_and_waits_for_no_network() -> None:
    found = settings("lychgate-resolver.service")
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    ordering = " ".join(found["After"] + found.get("Wants", []) + found.get("Requires", []))
    assert "network-online" not in ordering


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_resolver_has_a_right_and_only_that_to_listen(service: str) -> None:
    """Drop-ins come after the unit, so one that set rights for all would take this one away."""
    found = settings(f"{service}.service")
    rights = ["CAP_NET_BIND_SERVICE"] if service == "lychgate-resolver" else [""]
    assert found["CapabilityBoundingSet"] == rights
    assert found.get("AmbientCapabilities", [""]) == rights
    assert found["NoNewPrivileges"] == ["yes"] and found["ProtectSystem"] == ["strict"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_sandbox_comes_after_the_unit_and_is_set_once(service: str) -> None:
    """A filter in the unit would come first and turn the list of what is allowed into another; a
    single value in the sandbox would go before that of the unit."""
    unit = (FOLDER / f"{service}.service").read_text(encoding="utf-8")
    sandbox = (FOLDER / "lychgate-.service.d/10-sandbox.conf").read_text(encoding="utf-8")
    ours = set(re.findall(r"(?m)^(\w+)=", unit))
    theirs = set(re.findall(r"(?m)^(\w+)=", sandbox))
    assert not ours & theirs
    assert settings(f"{service}.service")["SystemCallFilter"][0] == "@system-service"


def test_accounts_and_folders_are_those_of_the_units() -> None:
    accounts = (FOLDER / "sysusers.d/lychgate.conf").read_text(encoding="utf-8")
    folders = (FOLDER / "tmpfiles.d/lychgate.conf").read_text(encoding="utf-8")
    for service in SERVICES:
        (user,) = settings(f"{service}.service")["User"]
        assert re.search(rf"(?m)^u {user} ", accounts)
        assert user == "lychgate" or re.search(rf"(?m)^m {user} lychgate$", accounts)
    assert re.search(r"(?m)^d /etc/lychgate 0750 root lychgate ", folders)
    assert re.search(r"(?m)^d /var/lib/lychgate 2770 lychgate lychgate ", folders)


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("lychgate-resolver.socket", inheriting.DNS),
        ("lychgate-portal.socket", inheriting.PORTAL),
        ("lychgate-block-page.socket", inheriting.BLOCK_PAGE),
        ("lychgate-block-page-tls.socket", inheriting.BLOCK_PAGE_TLS),
    ],
)
def test_sockets_bear_the_names_that_are_looked_for(unit: str, name: str) -> None:
    found = settings(unit)
    assert found["FileDescriptorName"] == [name]
    if name == inheriting.DNS:
        assert found["ListenDatagram"] == found["ListenStream"] == ["0.0.0.0:53", "[::]:53"]


def test_the_refresh_of_lists_gives_way_and_tries_again() -> None:
    found = settings("lychgate-lists.service")
    assert found["Nice"] == ["19"] and found["Restart"] == ["on-failure"]
    assert found["SuccessExitStatus"] == ["1"], "75, nobody reached, is the failure that is retried"


@pytest.mark.parametrize("name", ["lists", "checks", "backup"])
def test_timers_have_a_service_and_catch_up(name: str) -> None:
    assert (FOLDER / f"lychgate-{name}.service").exists()
    found = settings(f"lychgate-{name}.timer")
    assert found["Persistent"] == ["true"] and found["OnCalendar"]


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_starts_before_there_is_a_configuration(unit: str) -> None:
    if not unit.endswith((".timer", ".path")):
        assert settings(unit)["ConditionPathExists"] == ["/etc/lychgate/lychgate.toml"]


def test_systemd_verifies_them(root: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", *UNITS],
        capture_output=True,
        text=True,
        timeout=60,
    )
    # It tells of other units of the machine as well; those are not ours.
    ours = [line for line in done.stderr.splitlines() if "lychgate" in line]
    assert done.returncode == 0 and not ours, done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_rates_them(service: str, root: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--root={root}",
         f"{service}.service"],
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    rating = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert rating is not None, done.stdout + done.stderr
    assert float(rating[1]) <= EXPOSURE_MAX, done.stdout
