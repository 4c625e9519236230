"""What stands in the namespaces: the internet, routers with DHCP, boxes with Lychgate, devices."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.deployment.network import Host, Network, end
from tests.lychgate.running import wait_until

UPSTREAM: Final = "203.0.113.53"
GATEWAY: Final = "203.0.113.1"
ANSWER: Final = "192.0.2.7"
"""What the internet says about every name."""
LYCHGATE: Final = (sys.executable, "-m", "lychgate")
START_SECONDS_MAX: Final = 60.0
_MASQUERADE: Final = """
table ip nat {
    chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
"""


def internet(network: Network) -> Host:
    """The world: one network that all sites are in, and a DNS server (dnsmasq) for all names."""
    host = network.host("internet")
    host.switch("wan", f"{GATEWAY}/24")
    host.address("wan", f"{UPSTREAM}/24")
    words = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces", "--user="]
    listens = [f"--listen-address={UPSTREAM}", f"--address=/#/{ANSWER}", "--address=/invalid/"]
    host.start("dnsmasq", "--conf-file=/dev/null", *words, *listens, log="dns.log")
    return host


def site(network: Network, world: Host, name: str, public: str, lan: str) -> Host:
    """A router with an address in the world, and a network behind it that it hides (NAT)."""
    router = network.host(name)
    network.plug(router, "wan", world, "wan")
    router.address("wan", f"{public}/24")
    router.route(GATEWAY)
    router.switch("lan", lan)
    router.forward()
    router.ruleset(_MASQUERADE)
    return router


def give_out(router: Host, first: str, last: str, lines: list[str]) -> None:
    """The router's DHCP server: a real dnsmasq, told what `lines` say."""
    file = router.folder / "dhcp.conf"
    own = ["port=0", "interface=lan", "bind-interfaces", f"dhcp-range={first},{last},1h"]
    leases = f"dhcp-leasefile={router.folder}/leases"
    file.write_text("\n".join([*own, leases, *lines]) + "\n")
    words = ["--keep-in-foreground", f"--conf-file={file}", "--user=", "--log-facility=-"]
    router.start("dnsmasq", *words, log="dhcp.log")


def device(network: Network, router: Host, name: str) -> Host:
    """A device: it gets its address and its resolvers by DHCP, from a real client's script."""
    host = network.host(name)
    network.plug(host, "eth0", router, "lan")
    words = ["-i", "eth0", "-f", "-q", "-n", "-t", "10", "-T", "1"]
    host.run("udhcpc", *words, "-s", "/etc/udhcpc/default.script", seconds=60)
    return host


def asks(host: Host, *names: str) -> dict[str, dict[str, Any]]:
    """What this device learns about names, by the servers of its resolv.conf."""
    found: dict[str, dict[str, Any]] = json.loads(
        host.run(sys.executable, "-m", "tests.deployment.stub", "ask", *names)
    )
    return found


def ask(host: Host, name: str) -> dict[str, Any]:
    """The same about one."""
    return asks(host, name)[name]


def finds(host: Host, name: str) -> bool:
    """Whether the C library of this device finds a name, as every program there does."""
    done = host.try_run("getent", "ahostsv4", name, seconds=60)
    assert done.returncode in (0, 2), done.stderr
    return done.returncode == 0 and ANSWER in done.stdout


class Box:
    """A machine that runs Lychgate from this checkout."""

    def __init__(self, host: Host, environment: dict[str, str] | None = None) -> None:
        self.host = host
        self.configuration = host.folder / "lychgate.toml"
        self.state = host.folder / "var"
        self._environment = environment or {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def configure(self, upstream: str, *lines: str) -> None:
        """Write lychgate.toml: it answers port 53 of every address."""
        given = [
            'server.listen = ["0.0.0.0:53"]',
            f'server.state_directory = "{self.state}"',
            f'upstream.servers = ["{upstream}"]',
        ]
        self.configuration.write_text("\n".join([*given, *lines]) + "\n")

    def trust(self, authority: Path) -> None:
        """Whom its connections to PostgreSQL are to believe."""
        self._environment["PGSSLROOTCERT"] = str(authority)

    def lychgate(self, *words: str, seconds: float = 90) -> str:
        """What a command prints; it must succeed."""
        return self.host.run(
            *LYCHGATE, *words, "--config", str(self.configuration), seconds=seconds,
            environment=self._environment,
        )  # fmt: skip

    def start(self, part: str) -> subprocess.Popen[bytes]:
        """Start `serve`, `record`, `portal` or `up`."""
        words = (*LYCHGATE, part, "--config", str(self.configuration))
        started = self.host.start(*words, log=f"{part}.log", environment=self._environment)
        self.running[part] = started
        return started

    def stop(self, part: str) -> None:
        """As the service manager does."""
        end(self.running.pop(part))

    def kill(self, part: str) -> None:
        """As a machine that loses its power: no goodbye."""
        process = self.running.pop(part)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def wait_ready(self) -> None:
        """Wait until the resolver says that it is ready."""
        wait_until(
            lambda: self._page("/readyz").startswith("200"),
            f"{self.host.name}: ready; {self.log('serve')}",
            START_SECONDS_MAX,
        )

    def ready(self) -> str:
        """The page /readyz: its status and its text."""
        return self._page("/readyz")

    def figure(self, name: str) -> float:
        """The sum of a metric."""
        lines = self._page("/metrics").splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def log(self, part: str) -> str:
        """What it said."""
        file = self.host.folder / f"{part}.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def _page(self, path: str) -> str:
        script = (
            "import sys, urllib.request as r, urllib.error as e\n"
            "try: p = r.urlopen(sys.argv[1], timeout=5)\n"
            "except e.HTTPError as f: p = f\n"
            "except OSError: sys.exit('000')\n"
            "print(p.status, p.read().decode())"
        )
        address = f"http://127.0.0.1:9353{path}"
        return self.host.try_run(sys.executable, "-c", script, address).stdout


def box(
    network: Network,
    router: Host,
    name: str,
    address: str,
    environment: dict[str, str] | None = None,
) -> Box:
    """A machine for Lychgate in the router's network, with a fixed address."""
    host = network.host(name)
    network.plug(host, "eth0", router, "lan")
    host.address("eth0", address)
    gateway = router.ip("-4", "-o", "address", "show", "dev", "lan").split()[3].partition("/")[0]
    host.route(gateway)
    return Box(host, environment)
