"""Who has our port, from tables of the kernel; and the words that free it."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lychgate import machine, occupied
from lychgate.occupied import Occupant, explain_taken, who_listens
from resolver.listeners import Bind, ListenFault

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"


def table(address: str, uid: int, state: str, inode: int) -> str:
    return (
        f"{_HEAD}   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 "
        f"00000000 {uid:5} 0 {inode} 2 0000000000000000 0\n"
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with systemd-resolved on 127.0.0.53, as on a fresh Ubuntu, by process 71."""
    net = tmp_path / "self/net"
    net.mkdir(parents=True)
    (net / "udp").write_text(table("3500007F:0035", 991, "07", 4711))
    (net / "tcp").write_text(table("3500007F:0035", 991, "0A", 4712))
    process = tmp_path / "71"
    (process / "fd").mkdir(parents=True)
    (process / "fd/12").symlink_to("socket:[4711]")
    (process / "comm").write_text("systemd-resolve\n")
    (process / "cmdline").write_bytes(b"/lib/systemd/systemd-resolved\0")
    return tmp_path


def test_the_stub_of_systemd_is_found_and_the_whole_remedy_given(proc: Path) -> None:
    found = who_listens(Bind("0.0.0.0", 53), socket.SOCK_DGRAM, proc)
    assert found == Occupant("systemd-resolved", 71, "127.0.0.53")
    told = explain_taken(Bind("0.0.0.0", 53), found)
    assert told.startswith("listen: 0.0.0.0 port 53: systemd-resolved (process 71) listens there")
    for needed in (
        "DNSStubListener=no",
        "/etc/systemd/resolved.conf.d/lychgate.conf",
        "ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf",
        "systemctl restart systemd-resolved",
    ):
        assert needed in told


def test_the_file_of_the_remedy_is_what_systemd_reads(proc: Path, tmp_path: Path) -> None:
    """The command is run, with its folder moved; a person would paste it."""
    told = explain_taken(
        Bind("0.0.0.0", 53), who_listens(Bind("0.0.0.0", 53), socket.SOCK_DGRAM, proc)
    )
    line = next(line.strip() for line in told.splitlines() if "printf" in line)
    (tmp_path / "resolved.conf.d").mkdir()
    subprocess.run(["sh", "-c", line.replace("/etc/systemd", str(tmp_path))], check=True, timeout=5)
    written = (tmp_path / "resolved.conf.d/lychgate.conf").read_text()
    assert written == "[Resolve]\nDNSStubListener=no\n"


def test_without_the_right_to_look_the_account_tells(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (proc / "71/fd/12").unlink()
    names = {991: "systemd-resolve"}

    class Entry:
        def __init__(self, uid: int) -> None:
            self.pw_name = names[uid]

    monkeypatch.setattr(occupied.pwd, "getpwuid", Entry)
    found = who_listens(Bind("0.0.0.0", 53), socket.SOCK_DGRAM, proc)
    assert found == Occupant("systemd-resolved", 0, "127.0.0.53")
    names[991] = "dnsmasq"
    told = explain_taken(
        Bind("0.0.0.0", 53), who_listens(Bind("0.0.0.0", 53), socket.SOCK_STREAM, proc)
    )
    assert "echo 'port=0' > /etc/dnsmasq.d/lychgate.conf" in told


@pytest.mark.parametrize(
    ("bind", "taken"),
    [
        (Bind("127.0.0.53", 53), True),
        (Bind("0.0.0.0", 53), True),
        (Bind("127.0.0.1", 53), False),  # another address: not in our way
        (Bind("0.0.0.0", 5300), False),
        (Bind("::1", 53), False),
    ],
)
def test_only_what_is_in_our_way_counts(bind: Bind, taken: bool, proc: Path) -> None:
    assert bool(who_listens(bind, socket.SOCK_DGRAM, proc).address) is taken


def test_connections_are_not_listeners(proc: Path) -> None:
    (proc / "self/net/tcp").write_text(table("3500007F:0035", 991, "01", 4712))
    assert who_listens(Bind("0.0.0.0", 53), socket.SOCK_STREAM, proc) == Occupant()


def test_torn_tables_are_no_fault(tmp_path: Path) -> None:
    assert who_listens(Bind("0.0.0.0", 53), socket.SOCK_DGRAM, tmp_path) == Occupant()
    told = explain_taken(Bind("0.0.0.0", 53), Occupant())
    assert "another program listens there already" in told and "ss -lntup" in told


@pytest.mark.parametrize("name", sorted({*occupied._SERVICES, "systemd-resolved", "dnsmasq"}))
def test_every_resolver_we_know_of_has_a_command_that_stops_it(name: str) -> None:
    told = explain_taken(Bind("0.0.0.0", 53), Occupant(name, 5, "0.0.0.0"))
    assert "systemctl" in told and name in told


@pytest.fixture
def listening() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A real process that listens on all addresses, by UDP."""
    code = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('0.0.0.0', 0)); "
        "print(s.getsockname()[1], flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.wait(5)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def test_a_real_process_is_named(listening: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = listening
    with pytest.raises(ListenFault) as caught:
        machine.check_listening([Bind("127.0.0.1", port)], None)
    assert f"(process {process.pid}) listens there already on 0.0.0.0" in str(caught.value)
    assert f"systemctl status {process.pid}" in str(caught.value)


def test_accounts_are_told_by_name() -> None:
    assert occupied._of_account(os.getuid()) == occupied._ACCOUNTS.get(
        pwd.getpwuid(os.getuid()).pw_name, ""
    )
    assert occupied._of_account(4_000_000_000) == ""
