"""The Debian package on a Debian 12 made from nothing: installed, used, upgraded, removed, purged.

Needs root and debootstrap (scripts/tools.sh), and Debian's packages for the first run; the bare
Debian is kept below build/ and unpacked for each run. Everything runs in network namespaces of its
own, without any network but a loopback.
"""

from __future__ import annotations

import hashlib
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

BARE = ROOT / "build" / "debian-12.tar"
_INCLUDED = "python3,systemd,systemd-sysv,dbus,procps,ca-certificates,bind9-dnsutils"
EPOCH = "1760000000"
CONFIGURATION = """
server.listen = ["127.0.0.1:53"]
server.state_directory = "/var/lib/lychgate"
upstream.servers = ["127.0.0.1:9"]
portal.listen = "127.0.0.1:8453"
"""


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


def build(source: Path, out: Path) -> Path:
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
    return build(source, memory / "deb")


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


class Machine:
    """A bare Debian, and commands in it: with namespaces of its own, and a loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, script: str, seconds: float = 120) -> str:
        """What a shell script prints; it must succeed."""
        inside = f"ip link set lo up 2>/dev/null || python3 -c '{_LOOPBACK_UP}'\nset -e\n{script}"
        (self.folder / "root/script").write_text(inside)
        outside = (
            f"mount -t proc proc {self.folder}/proc && "
            f"mount --rbind /dev {self.folder}/dev && "
            f"exec chroot {self.folder} sh /root/script"
        )
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child",
             "sh", "-c", outside],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


_LOOPBACK_UP = (
    "import fcntl, socket, struct; "
    "s = socket.socket(type=socket.SOCK_DGRAM); "
    'fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1))'
)
"""SIOCSIFFLAGS with IFF_UP: a bare Debian has no `ip`."""


@pytest.fixture
def machine(bare: Path, memory: Path) -> Iterator[Machine]:
    """One bare Debian for one test."""
    folder = memory / "debian"
    folder.mkdir()
    subprocess.run(["tar", "-C", str(folder), "-xf", str(bare)], check=True, timeout=300)
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_same_sources_give_the_same_octets(source: Path, package: Path, memory: Path) -> None:
    (memory / "again").mkdir()
    again = build(source, memory / "again")
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (package, again)]
    assert sums[0] == sums[1]


def test_every_file_has_its_place_and_an_owner(package: Path) -> None:
    listing = subprocess.run(
        ["dpkg-deb", "-c", str(package)], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    for needed in (
        "./lib/systemd/system/lychgate-resolver.service",
        "./lib/systemd/system/lychgate-.service.d/10-sandbox.conf",
        "./usr/lib/sysusers.d/lychgate.conf",
        "./usr/share/lychgate/dashboards/",
        "./usr/share/doc/lychgate/copyright",
        "./usr/bin/lychgate -> /opt/lychgate/bin/lychgate",
        "./etc/default/lychgate",
    ):
        assert needed in listing, needed
    assert "/tmp/" not in listing and "__pycache__" not in listing
    assert not [line for line in listing.splitlines() if " root/root " not in line]
    assert not re.search(r"(?m)^-\S*w\S*w", listing), "nobody but root writes"


def test_it_is_installed_used_upgraded_removed_and_purged(
    machine: Machine, package: Path, newer: Path
) -> None:
    root = machine.folder
    shutil.copy(package, root / "root/old.deb")
    shutil.copy(newer, root / "root/new.deb")

    said = machine.run("dpkg -i /root/old.deb; lychgate version; dpkg --verify lychgate")
    assert "installed, and not running yet. As root:  lychgate init" in said
    assert re.search(r"(?m)^lychgate \d", said)
    assert oct((root / "var/lib/lychgate").stat().st_mode)[-4:] == "2770"
    assert oct((root / "etc/lychgate").stat().st_mode)[-3:] == "750"
    assert list((root / "opt/lychgate/lib").rglob("__pycache__")), "compiled for a quick start"
    accounts = (root / "etc/passwd").read_text()
    for name in ("lychgate", "lychgate-recorder", "lychgate-portal"):
        assert re.search(rf"(?m)^{name}:.*nologin$", accounts)

    configuration = root / "etc/lychgate/lychgate.toml"
    configuration.write_text(CONFIGURATION)
    said = machine.run(
        """
        chgrp lychgate /etc/lychgate/lychgate.toml && chmod 640 /etc/lychgate/lychgate.toml
        lychgate serve --config /etc/lychgate/lychgate.toml 2>/root/log &
        server=$!
        for try in $(seq 100); do
            dig +time=1 +tries=1 @127.0.0.1 www.bet365.com >/root/udp && break; sleep 0.1
        done
        dig +tcp +time=2 +tries=1 @127.0.0.1 www.bet365.com >/root/tcp
        lychgate query www.bet365.com
        kill $server; wait $server
        cat /root/udp /root/tcp
        """
    )
    assert said.count("status: NXDOMAIN") == 2 and said.count("EDE: 15 (Blocked)") == 2

    changed = root / "etc/default/lychgate"
    changed.write_text(changed.read_text() + "HTTPS_PROXY=http://proxy.example:3128\n")
    said = machine.run("dpkg -i /root/new.deb; dpkg-query -W lychgate")
    assert re.search(r"lychgate\s+\S+-2$", said, re.MULTILINE)
    assert "could not be brought to this version" not in said
    assert "proxy.example" in changed.read_text() and configuration.read_text() == CONFIGURATION
    machine.run("lychgate check-config --config /etc/lychgate/lychgate.toml || [ $? = 1 ]")

    (root / "var/lib/lychgate/precious").write_text("state")
    machine.run("dpkg -r lychgate")
    assert not (root / "opt/lychgate").exists() and not (root / "usr/bin/lychgate").is_symlink()
    assert configuration.exists() and changed.exists()
    assert (root / "var/lib/lychgate/precious").exists()

    machine.run("dpkg -P lychgate")
    for path in ("etc/lychgate", "var/lib/lychgate", "etc/default/lychgate"):
        assert not (root / path).exists(), path
    left = [path for path in (root / "etc").rglob("*lychgate*") if path.name != "passwd"]
    assert not left, left
