"""What an installation consists of: locked, listed, and the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.repository import ROOT

LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked() -> dict[str, str]:
    """Every package of the lock and its version."""
    text = LOCK.read_text(encoding="utf-8")
    return {canonicalize_name(n): v for n, v in re.findall(r"(?m)^(\S+)==(\S+) \\$", text)}


@pytest.mark.parametrize(
    "text", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["report"]]
)
def test_the_lock_has_what_the_project_needs(text: str) -> None:
    requirement = Requirement(text)
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name}: not locked; run packaging/lock.sh"
    assert requirement.specifier.contains(Version(version), prereleases=True), text


def test_every_locked_package_has_checksums_and_no_place_is_named() -> None:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if not line.startswith(" "):
            assert re.fullmatch(r"[a-z0-9.-]+==[\w.+!-]+ \\", line), line
            assert lines[number + 1].startswith("    --hash=sha256:")
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_what_is_installed_here_needs_nothing_beyond_the_lock() -> None:
    """Dependencies of dependencies, as far as this environment has the same versions."""
    from importlib import metadata

    there = locked()
    for name, version in there.items():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if found.version != version:
            continue
        for text in found.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in there, f"{name} needs {text}"


def test_the_bill_of_materials_lists_the_lock(tmp_path: Path) -> None:
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    for out in outs:
        command = [sys.executable, str(ROOT / "packaging/sbom.py"), "--out", str(out)]
        subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    bill = json.loads(outs[0].read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert {each["name"]: each["version"] for each in bill["components"]} == locked()
    assert all(each["hashes"] for each in bill["components"])
    refs = [each["ref"] for each in bill["dependencies"]]
    assert len(refs) == len(set(refs)) == len(locked()) + 1


FINE, SKIPPED = (
    {"name": "a", "version": "1", "vulns": []},
    {"name": "b", "skip_reason": "not found"},
)
FAULTY = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-1"}]}


@pytest.mark.parametrize(
    ("known", "lock", "status", "said"),
    [
        (None, None, 0, "NOT DONE: pip-audit could not ask"),
        # An index that keeps no faults, or is not there: pip-audit itself says that it found none.
        ([{**FAULTY, "vulns": []}], [FINE], 0, "NOT DONE: the package index does not tell"),
        ([SKIPPED], [FINE], 0, "NOT DONE: the package index does not tell"),
        ([FAULTY], [FINE, SKIPPED], 0, "NOT DONE for 1 of 2 packages"),
        ([FAULTY], [], 0, "NOT DONE for 0 of 0 packages"),
        ([FAULTY], [FINE, FINE], 0, "none of the 2 packages in requirements.lock has a known"),
        ([FAULTY], [FINE, SKIPPED, FAULTY], 1, "PYSEC-1"),
    ],
)
def test_an_audit_says_what_it_did(
    known: list[Any] | None, lock: list[Any] | None, status: int, said: str, tmp_path: Path
) -> None:
    """pip-audit itself asks the network, so a program in its place answers as it does."""
    for name, report in (("known", known), ("lock", lock)):
        if report is not None:
            (tmp_path / f"{name}.json").write_text(json.dumps({"dependencies": report}))
    audit = tmp_path / "pip-audit"
    audit.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ]; do [ "$1" = --output ] && OUT=$2; shift; done\n'
        f'cp {tmp_path}/"$(basename "$OUT")" "$OUT"\n'
    )
    audit.chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "packaging/audit.sh")],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.returncode == status and said in done.stdout, done.stdout + done.stderr
    claims = "has a known fault" in done.stdout
    assert claims is (known == [FAULTY] and lock == [FINE, FINE]), (
        "it never claims what it is not sure of"
    )


def test_two_builds_of_the_wheel_are_the_same(tmp_path: Path) -> None:
    left = shutil.ignore_patterns(".*", "var", "build", "dist", "*.egg-info", "__pycache__")
    sums = set()
    for name in ("one", "two"):
        source = tmp_path / name / "lychgate"
        shutil.copytree(ROOT, source, ignore=left) if name == "one" else shutil.copytree(
            tmp_path / "one" / "lychgate", source, ignore=left
        )
        out = tmp_path / name / "out"
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
             "--wheel-dir", str(out), str(source)],
            check=True,
            timeout=300,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1760000000"},
        )  # fmt: skip
        sums.add(hashlib.sha256(next(out.glob("*.whl")).read_bytes()).hexdigest())
    assert len(sums) == 1
