"""Machines and cables on this one machine: network namespaces, as root.

A `Host` has addresses, a `resolv.conf` and programs of its own; what it runs sees no other network.
Everything made here is taken away by `Network.close`, and only that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.lychgate.running import REPOSITORY

_NEEDED: Final = ("ip", "nsenter", "unshare", "dnsmasq", "udhcpc", "nft")
_ADMINISTRATION: Final = "/usr/sbin:/sbin:/usr/local/sbin"
END_SECONDS_MAX: Final = 20


def require_namespaces() -> None:
    """Skip where no namespaces can be made, or a program is missing."""
    if os.geteuid() != 0:
        pytest.skip("not root: no network namespaces")
    path = f"{os.environ['PATH']}:{_ADMINISTRATION}"
    missing = [program for program in _NEEDED if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"{' '.join(missing)}: not here; scripts/tools.sh installs what tests need")
    trial = f"lychgate-{os.getpid()}-trial"
    if subprocess.run(["ip", "netns", "add", trial], capture_output=True, check=False).returncode:
        pytest.skip("the kernel lets nobody make network namespaces here")
    subprocess.run(["ip", "netns", "del", trial], check=True)


class Host:
    """One machine."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name: Final = name
        self.space: Final = f"lychgate-{os.getpid()}-{name}"
        self.folder: Final = folder
        folder.mkdir(parents=True)
        self.resolv: Final = folder / "resolv.conf"
        self.resolv.write_text("# nobody to ask\n")
        self._processes: list[subprocess.Popen[bytes]] = []
        subprocess.run(["ip", "netns", "add", self.space], check=True)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words: str) -> str:
        """`ip` here."""
        command = ["ip", "-n", self.space, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def address(self, interface: str, *addresses: str) -> None:
        """Give an interface addresses."""
        for address in addresses:
            self.ip("address", "add", address, "dev", interface)

    def route(self, via: str, to: str = "default") -> None:
        """The way to somewhere."""
        self.ip("route", "replace", to, "via", via)

    def forward(self) -> None:
        """Be a router."""
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    def switch(self, interface: str, address: str) -> None:
        """A network of its own with this machine as its router."""
        self.ip("link", "add", interface, "type", "bridge")
        self.ip("link", "set", interface, "up")
        self.address(interface, address)

    def ruleset(self, text: str) -> None:
        """Rules of nftables, added to what there is."""
        (self.folder / "rules").write_text(text)
        self.run("nft", "-f", str(self.folder / "rules"))

    def try_run(
        self, *words: str, seconds: float = 60, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run something to its end."""
        return subprocess.run(
            self._inside(words),
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=self.folder,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def run(
        self, *words: str, seconds: float = 60, environment: dict[str, str] | None = None
    ) -> str:
        """What something prints; it must succeed."""
        done = self.try_run(*words, seconds=seconds, environment=environment)
        assert done.returncode == 0, f"{self.name}: {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(
        self, *words: str, log: str, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start something that goes on; its words are in a file of this name."""
        with (self.folder / log).open("ab") as out:
            process = subprocess.Popen(
                self._inside(words),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.folder,
                env=_environment(environment),
            )
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End what was started here, and unplug it."""
        for process in self._processes:
            end(process)
        subprocess.run(["ip", "netns", "del", self.space], capture_output=True, check=False)

    def _inside(self, words: tuple[str, ...]) -> list[str]:
        """The same process becomes each of these, so that its id is the program's."""
        own = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        space = f"--net=/run/netns/{self.space}"
        return ["nsenter", space, "unshare", "--mount", "sh", "-c", own, str(self.resolv), *words]


class Network:
    """All machines of a test, and the cables between them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts: list[Host] = []
        self._cables = count(1)

    def host(self, name: str) -> Host:
        """One more machine."""
        made = Host(name, self._folder / name)
        self._hosts.append(made)
        return made

    def plug(self, host: Host, interface: str, switch_of: Host, switch: str) -> None:
        """A cable from an interface of a machine to the switch of another one."""
        port = f"port{next(self._cables)}"
        far = ["peer", "name", port, "netns", switch_of.space]
        host.ip("link", "add", interface, "type", "veth", *far)
        switch_of.ip("link", "set", port, "master", switch, "up")
        host.ip("link", "set", interface, "up")

    def close(self) -> None:
        """Take everything away."""
        for host in reversed(self._hosts):
            host.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End one process of ours."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    path = f"{os.environ['PATH']}:{_ADMINISTRATION}"
    return {"PATH": path, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(REPOSITORY), **(more or {})}
