"""The systemd units are sound, and say how Lychgate is really started and stopped."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.repository import ROOT

UNIT = ROOT / "systemd" / "lychgate-resolver.service"
LISTS = ROOT / "systemd" / "lychgate-lists.service"
COMMAND = "/usr/bin/lychgate"


def settings(unit: Path = UNIT) -> dict[str, list[str]]:
    """Every setting of a unit."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", unit.read_text(encoding="utf-8")):
        found.setdefault(key, []).append(value)
    return found


def test_it_starts_what_the_command_line_offers() -> None:
    assert settings()["ExecStart"] == [f"{COMMAND} serve --config /etc/lychgate/lychgate.toml"]
    assert settings()["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_it_may_listen_below_1024_and_no_more() -> None:
    found = settings()
    assert found["User"] == ["lychgate"]
    assert found["CapabilityBoundingSet"] == found["AmbientCapabilities"]
    assert found["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["ProtectSystem"] == ["strict"]


def test_account_and_folders_are_those_of_the_unit() -> None:
    account = (ROOT / "systemd/sysusers.d/lychgate.conf").read_text(encoding="utf-8")
    folders = (ROOT / "systemd/tmpfiles.d/lychgate.conf").read_text(encoding="utf-8")
    assert re.search(rf"(?m)^u {settings()['User'][0]} ", account)
    assert re.search(r"(?m)^d /etc/lychgate 0750 root lychgate ", folders)
    assert re.search(r"(?m)^d /var/lib/lychgate 0750 lychgate lychgate ", folders)


def test_the_refresh_of_lists_gives_way_and_owns_no_privilege() -> None:
    found = settings(LISTS)
    assert found["ExecStart"] == [
        f"{COMMAND} lists refresh --log --config /etc/lychgate/lychgate.toml"
    ]
    assert (found["Nice"], found["CapabilityBoundingSet"]) == (["19"], [""])
    assert found["User"] == settings()["User"]
    timer = (ROOT / "systemd/lychgate-lists.timer").read_text(encoding="utf-8")
    assert "OnCalendar=hourly" in timer and "Persistent=true" in timer


@pytest.mark.parametrize("unit", [UNIT, LISTS], ids=lambda unit: unit.stem)
def test_systemd_verifies_it(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here; apt-get install systemd verifies the unit")
    # It looks for the program, which need not be installed where tests run.
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text(encoding="utf-8").replace(COMMAND, "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60
    )
    # It tells of other units of the machine as well; those are not ours.
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
