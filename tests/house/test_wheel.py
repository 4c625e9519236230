"""The wheel has every room and its data, the `lychgate` command, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.repository import PACKAGES, ROOT, modules, shown

_LEFT_BEHIND = shutil.ignore_patterns(
    ".*", "var", "build", "dist", "*.egg-info", "__pycache__", "node_modules"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this tree, built beside it, without asking a package index."""
    source = tmp_path_factory.mktemp("source") / "lychgate"
    shutil.copytree(ROOT, source, ignore=_LEFT_BEHIND)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(out), str(source)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deprecat" not in done.stderr.lower(), done.stderr
    return zipfile.ZipFile(next(out.glob("lychgate-*.whl")))


def test_only_the_rooms_are_in_it(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    rooms = {top for top in tops if not top.endswith((".dist-info", ".data"))}
    assert rooms == set(PACKAGES)


def test_units_and_dashboards_come_along(wheel: zipfile.ZipFile) -> None:
    """Below share/lychgate of the environment, for whoever has no package."""
    there = {name.partition("/data/share/lychgate/")[2] for name in wheel.namelist()}
    ours = [
        *(path for path in (ROOT / "systemd").rglob("*") if path.is_file()),
        *(path for path in (ROOT / "dashboards").rglob("*") if path.is_file()),
    ]
    assert {shown(path) for path in ours} <= there


def test_every_module_and_all_data_are_in_it(wheel: zipfile.ZipFile) -> None:
    there = set(wheel.namelist())
    data = [
        path
        for package in PACKAGES
        for ending in ("*.toml", "*.txt")
        for path in (ROOT / package).rglob(ending)
    ]
    names = {shown(path) for path in (*modules(), *data)}
    assert {"categoriser/taxonomy.toml", "policy/default.toml"} <= names
    assert {"blocklists/starter/keywords.toml", "blocklists/starter/gambling.txt"} <= names
    assert names <= there, names - there


def test_it_installs_the_command(wheel: zipfile.ZipFile) -> None:
    points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "lychgate = lychgate.cli:app" in wheel.read(points).decode()


def test_it_names_its_licence(wheel: zipfile.ZipFile) -> None:
    metadata = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()
    assert [name for name in wheel.namelist() if Path(name).name == "LICENSE"]
