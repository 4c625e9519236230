"""The Debian package on a Debian 12 made from nothing: installed, used, upgraded, removed, purged.

Needs root and debootstrap (scripts/tools.sh), and Debian's packages for the first run; the bare
Debian is kept below build/ and unpacked for each run. Everything runs in network namespaces of its
own, without any network but a loopback.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.install.conftest import build_package
from tests.install.debian import CONFIGURATION, Machine


def test_the_same_sources_give_the_same_octets(source: Path, package: Path, memory: Path) -> None:
    (memory / "again").mkdir()
    again = build_package(source, memory / "again")
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
    shutil.copy(package, root / "trial/old.deb")
    shutil.copy(newer, root / "trial/new.deb")

    said = machine.run("dpkg -i /trial/old.deb; lychgate version; dpkg --verify lychgate")
    assert "installed, and not running yet. As root:  lychgate init --config /etc" in said
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
        lychgate serve --config /etc/lychgate/lychgate.toml 2>/trial/log &
        server=$!
        for try in $(seq 100); do
            dig +time=1 +tries=1 @127.0.0.1 www.bet365.com >/trial/udp && break; sleep 0.1
        done
        dig +tcp +time=2 +tries=1 @127.0.0.1 www.bet365.com >/trial/tcp
        lychgate query www.bet365.com
        kill $server; wait $server
        cat /trial/udp /trial/tcp
        """
    )
    assert said.count("status: NXDOMAIN") == 2 and said.count("EDE: 15 (Blocked)") == 2

    changed = root / "etc/default/lychgate"
    changed.write_text(changed.read_text() + "HTTPS_PROXY=http://proxy.example:3128\n")
    said = machine.run("dpkg -i /trial/new.deb; dpkg-query -W lychgate")
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
