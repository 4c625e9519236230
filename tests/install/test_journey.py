"""From a bare Debian 12 to a filter and back to nothing, under a real systemd, on a network.

Installed, set up, asked by dig, looked over by the doctor; upgraded with a migration; a broken
upgrade, which goes back by itself; backup, loss of everything, restore; a boot without a network;
removed, purged. Needs root, debootstrap and systemd-nspawn (scripts/tools.sh).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.machines import box, internet, site
from tests.deployment.network import Network, require_namespaces
from tests.install.debian import Machine

SECONDS_MAX = 900
"""Of one stage: three minutes alone, and three times that beside other work on two cores."""
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec python3 /trial/journey.py $(cat /trial/stage)'
[Install]
WantedBy=default.target
"""
MIGRATION = '''"""A trial."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{to}", "{of}", None, None


def upgrade():
    op.create_table("trial_{to}", sa.Column("id", sa.Integer, primary_key=True))
    {fault}


def downgrade():
    op.drop_table("trial_{to}")
'''


def changed(package: Path, folder: Path, number: int, versions: list[str], fault: str = "") -> Path:
    """The package as a later version, with a further migration for each of `versions`."""
    tree = folder / f"tree-{number}"
    subprocess.run(["dpkg-deb", "-R", str(package), str(tree)], check=True, timeout=120)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^(Version: .*)-1$", rf"\1-{number}", control.read_text()))
    (home,) = tree.glob("opt/lychgate/lib/python3*/site-packages/policy/store/migrations")
    known = home / "__init__.py"
    found = re.search(r"VERSIONS: Final = \((.*)\)", known.read_text())
    assert found is not None
    every = [word.strip(' "') for word in found[1].split(",") if word.strip()]
    for to in versions:
        text = MIGRATION.format(to=to, of=every[-1], fault=fault if to == versions[-1] else "")
        (home / f"versions/r{to}_trial.py").write_text(text)
        every.append(to)
    known.write_text(known.read_text().replace(found[0], f"VERSIONS: Final = {tuple(every)!r}"))
    target = folder / f"lychgate-{number}.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", str(tree), str(target)]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return target


@pytest.fixture(scope="module")
def journey(
    machine_for_all: Machine, package: Path, memory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """What both stages saw."""
    nspawn = shutil.which("systemd-nspawn")
    if nspawn is None:
        pytest.skip("systemd-nspawn is not here; as root: apt-get install systemd-container")
    require_namespaces()
    root = machine_for_all.folder
    shutil.copy(package, root / "trial/old.deb")
    folder = memory / "journey"
    folder.mkdir()
    shutil.move(changed(package, folder, 2, ["9998"]), root / "trial/new.deb")
    bad = changed(package, folder, 3, ["9998", "9999"], 'raise RuntimeError("a trial of faults")')
    shutil.move(bad, root / "trial/broken.deb")
    shutil.copy(Path(__file__).with_name("journey.py"), root / "trial/journey.py")
    (root / "etc/systemd/system/trial.service").write_text(UNIT)
    machine_for_all.run("systemctl enable trial.service")
    network = Network(tmp_path_factory.mktemp("network"))
    seen = {}
    try:
        world = internet(network)
        router = site(network, world, "router", "203.0.113.20", "10.20.0.1/24")
        on = box(network, router, "box", "10.20.0.2/24").host
        where = f"--network-namespace-path=/run/netns/{on.space}"
        for stage in ("install", "boot"):
            if stage == "boot":
                router.ip("link", "set", "wan", "down")
            (root / "trial/stage").write_text(stage)
            done = subprocess.run(
                [nspawn, "--quiet", "--directory", str(root), where, "--boot", "--register=no",
                 "--keep-unit", "--link-journal=no", "--resolv-conf=off"],
                capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            file = root / f"trial/{stage}.json"
            if not file.exists():
                pytest.skip(f"systemd does not boot in a container here: {done.stdout[-400:]}")
            seen[stage] = json.loads(file.read_text())
            assert "fault" not in seen[stage], seen[stage]
    finally:
        network.close()
    yield seen


@pytest.mark.parametrize("step", ["first", "upgraded", "after_broken", "recovered", "restored"])
def test_it_filters_and_shows_its_pages_after_each_step(
    step: str, journey: dict[str, dict[str, Any]]
) -> None:
    seen = journey["install"]
    state = seen[step]
    # A portal of the version that is no good does not write to a store of another version.
    units = 1 if step == "after_broken" else 3
    assert state["fine"] and state["active"][:units] == ["active"] * units, (seen, state)
    assert (state["blocked"], state["found"], state["rule"]) == ("blocked", "found", "blocked")


@pytest.mark.parametrize("step", ["install", "init", "start", "rule", "upgrade", "again", "backup"])
def test_each_step_says_that_it_went_well(step: str, journey: dict[str, dict[str, Any]]) -> None:
    status, said = journey["install"][step]
    assert status == 0, said


def test_the_doctor_finds_no_fault(journey: dict[str, dict[str, Any]]) -> None:
    status, said = journey["install"]["doctor"]
    assert status in (0, 1), said  # warnings: no backup yet, no lists


def test_a_check_of_the_filter_passes(journey: dict[str, dict[str, Any]]) -> None:
    if "selfcheck" not in journey["install"]:
        pytest.skip("`lychgate selfcheck` is not in this package")
    status, said = journey["install"]["selfcheck"]
    assert status == 0, said


def test_an_upgrade_migrates_and_a_broken_one_goes_back(
    journey: dict[str, dict[str, Any]],
) -> None:
    seen = journey["install"]
    assert "9998" in seen["upgrade"][1] and seen["upgraded"]["store"] == 0, seen["upgrade"]
    assert "could not be brought to this version" in seen["broken"][1]
    assert "a trial of faults" in seen["broken"][1] and "as it was" in seen["broken"][1]
    assert seen["recovered"]["store"] == 0


def test_a_restore_brings_everything_back(journey: dict[str, dict[str, Any]]) -> None:
    status, said = journey["install"]["restore"]
    assert status == 0, said
    assert journey["install"]["restored"]["store"] == 0


def test_it_starts_filtered_without_a_network(journey: dict[str, dict[str, Any]]) -> None:
    seen = journey["boot"]
    assert seen["active"] == ["active"] * 3 and seen["page"], seen["log"]
    assert "EDE: 15" in seen["blocked"] and "EDE: 15" in seen["rule"]
    # And it asks itself: nothing that it starts waits for a name that only it could give.
    assert "EDE: 15" in seen["itself"] and "127.0.0.1#53" in seen["itself"], seen["itself"]
    assert seen["defaults"] == "TRIAL=kept"


def test_removed_it_keeps_what_was_decided_and_purged_nothing(
    journey: dict[str, dict[str, Any]],
) -> None:
    seen = journey["boot"]
    assert seen["remove"][0] == 0 and len(seen["kept"]) == 2 and not seen["running"], seen
    assert seen["purge"][0] == 0 and not seen["left"], seen["left"]
