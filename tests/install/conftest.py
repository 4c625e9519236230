"""What tests of packages share: the package, and a bare Debian 12 that is made once and kept below
build/. Without root, debootstrap or Debian's packages these tests skip, and say so.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.repository import ROOT
from tests.install.debian import Machine

BARE = ROOT / "build" / "debian-12.tar"
_INCLUDED = "python3,systemd,systemd-sysv,dbus,procps,ca-certificates,bind9-dnsutils"
EPOCH = "1760000000"


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is room: thousands of small files are quicker there."""
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and shutil.disk_usage(shm).free > 4 << 30
    with tempfile.TemporaryDirectory(dir=shm if roomy else None, prefix="lychgate-test-") as made:
        yield Path(made)


@pytest.fixture(scope="session")
def bare(memory: Path) -> Path:
    """A Debian 12 with Python and systemd, packed; made once."""
    if os.geteuid() != 0:
        pytest.skip("not root: a Debian cannot be made nor entered")
    if shutil.which("debootstrap") is None or shutil.which("unshare") is None:
        pytest.skip("debootstrap is not here; as root: apt-get install debootstrap")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the package is for Python 3.11")
    if not BARE.exists():
        BARE.parent.mkdir(exist_ok=True)
        folder = memory / "bare"
        command = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", "bookworm"]
        done = subprocess.run(
            [*command, str(folder)], capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"debootstrap: {done.stdout[-300:]}{done.stderr[-300:]}")
        shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
        part = BARE.with_suffix(".part")
        subprocess.run(["tar", "-C", str(folder), "-cf", str(part), "."], check=True, timeout=300)
        part.rename(BARE)
        shutil.rmtree(folder)
    return BARE


def build_package(source: Path, out: Path) -> Path:
    """The package of these sources, packed quickly. Wheels are kept with this checkout."""
    command = [sys.executable, str(source / "packaging/deb.py"), "--compress", "gzip"]
    done = subprocess.run(
        [*command, "--out", str(out), "--wheels", str(ROOT / "build/wheels")],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "TMPDIR": str(out)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def source(memory: Path) -> Path:
    """A copy of this checkout, which stays as it is while people work."""
    left = shutil.ignore_patterns(".*", "var", "build", "dist", "*.egg-info", "__pycache__")
    return Path(shutil.copytree(ROOT, memory / "source", ignore=left))


@pytest.fixture(scope="session")
def package(source: Path, memory: Path) -> Path:
    """The package."""
    if shutil.which("dpkg-deb") is None or sys.version_info[:2] != (3, 11):
        pytest.skip("no dpkg-deb or not Python 3.11: the package cannot be built here")
    (memory / "deb").mkdir()
    return build_package(source, memory / "deb")


@pytest.fixture(scope="session")
def newer(package: Path, memory: Path) -> Path:
    """The same with a higher version."""
    folder = memory / "newer"
    folder.mkdir()
    tree, target = folder / "tree", folder / "lychgate_newer.deb"
    subprocess.run(["dpkg-deb", "-R", str(package), str(tree)], check=True, timeout=120)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^(Version: .*)-1$", r"\1-2", control.read_text()))
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", str(tree), str(target)]
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return target


@pytest.fixture
def machine(bare: Path, memory: Path) -> Iterator[Machine]:
    """One bare Debian for one test."""
    yield from _unpacked(bare, memory / "debian")


def _unpacked(bare: Path, folder: Path) -> Iterator[Machine]:
    folder.mkdir()
    subprocess.run(["tar", "-C", str(folder), "-xf", str(bare)], check=True, timeout=300)
    (folder / "trial").mkdir()
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def machine_for_all(bare: Path, memory: Path) -> Iterator[Machine]:
    """One bare Debian for all tests of a module."""
    yield from _unpacked(bare, memory / "shared-debian")
