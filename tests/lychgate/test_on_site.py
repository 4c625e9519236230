"""A real dnsmasq on site: it hands out addresses, and forwards for the clients behind it."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.lychgate.running import Serving, free_port, upstream, wait_until

DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/local/sbin:/usr/bin")
POLICY = """
[organisation]
name = "Northshire Skills"
default_profile = "learners"
[profiles.learners]
[profiles.staff]
actions = { gambling = "allow" }
[venues.port]
networks = ["127.20.0.0/16"]
[devices.tutor]
hostnames = ["tutor-laptop"]
client_ids = ["partner-box"]
profile = "staff"
"""
STAFF, LEARNER = "127.20.3.7", "127.20.3.40"
BLOCKED = "bet365.com"


@contextmanager
def dnsmasq(folder: Path, server: int, *options: str) -> Iterator[int]:
    """A forwarder to `server`; gives its port."""
    assert DNSMASQ is not None
    port = free_port()
    command = [
        *(DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"),
        *("--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}"),
        *(f"--server=127.0.0.1#{server}", f"--pid-file={folder / 'dnsmasq.pid'}"),
        *(f"--user={getpass.getuser()}", "--log-facility=-", *options),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answer(port: int, source: str) -> str:
    """The rcode for a blocked name; empty when nobody answers yet."""
    query = dns.message.make_query(BLOCKED, "A")
    try:
        reply = dns.query.udp(query, "127.0.0.1", port=port, source=source, timeout=1)
    except (dns.exception.Timeout, OSError):
        return ""
    return dns.rcode.to_text(reply.rcode())


@pytest.mark.skipif(DNSMASQ is None, reason="needs dnsmasq (Debian: dnsmasq-base)")
@pytest.mark.parametrize(
    ("options", "settings", "staff", "learner"),
    [
        # Each client by its address, although all queries come from dnsmasq's.
        (["--add-subnet=32,128"], "", "NOERROR", "NXDOMAIN"),
        # A whole site by the id of its box.
        (["--add-cpe-id=partner-box"], "client_id_option = 65074", "NOERROR", "NOERROR"),
        (["--add-cpe-id=other-box"], "client_id_option = 65074", "NXDOMAIN", "NXDOMAIN"),
        # A network is nobody's device.
        (["--add-subnet=24,64"], "", "NXDOMAIN", "NXDOMAIN"),
    ],
)
def test_clients_behind_dnsmasq(
    tmp_path: Path, options: list[str], settings: str, staff: str, learner: str
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "leases").write_text(f"0 aa:bb:cc:dd:ee:01 {STAFF} TUTOR-LAPTOP *\n")
    extra = f"""
        [clients]
        trusted_forwarders = ["127.0.0.1/32"]
        leases = [{{ file = "leases", format = "dnsmasq" }}]
        {settings}
    """
    with (
        upstream() as above,
        Serving(tmp_path, above, extra=extra) as serving,
        dnsmasq(tmp_path, serving.ready().port, *options) as port,
    ):
        wait_until(lambda: answer(port, LEARNER), "dnsmasq answers")
        for _ in range(3):  # from upstream, from the cache, from the memo
            assert (answer(port, STAFF), answer(port, LEARNER)) == (staff, learner)


def test_a_lease_that_changes_is_followed(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    leases = tmp_path / "leases"
    leases.write_text(f"0 aa:bb:cc:dd:ee:01 {STAFF} TUTOR-LAPTOP *\n")
    extra = '[clients]\nleases = [{ file = "leases", format = "dnsmasq" }]\n'
    with upstream() as above, Serving(tmp_path, above, extra=extra) as serving:
        port = serving.ready().port
        assert (answer(port, STAFF), answer(port, LEARNER)) == ("NOERROR", "NXDOMAIN")
        leases.write_text(f"0 aa:bb:cc:dd:ee:01 {LEARNER} TUTOR-LAPTOP *\nx\n")
        wait_until(lambda: answer(port, LEARNER) == "NOERROR", "the device is where its lease is")
        assert answer(port, STAFF) == "NXDOMAIN"
        problem = "lines that are no leases of dnsmasq: 1, the first is line 2"
        wait_until(lambda: problem in serving.page("/readyz")[1], "the odd line is told")
