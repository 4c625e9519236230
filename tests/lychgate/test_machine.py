"""What the machine has is read without trusting it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lychgate import machine
from lychgate.config import parse
from resolver.listeners import Bind, ListenFault
from resolver.upstream.transports import Endpoint

HERE = (Bind("127.0.0.1", 53),)


def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, systemd: str = "") -> None:
    for name, content in (("RESOLV_CONF", text), ("SYSTEMD_RESOLV_CONF", systemd)):
        path = tmp_path / name
        if content:
            path.write_text(content)
        monkeypatch.setattr(machine, name, path)


@pytest.mark.parametrize(
    ("text", "systemd", "hosts"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", "", ["192.0.2.1", "2001:db8::1"]),
        ("# c\nsearch x\nnameserver\nnameserver junk\nnameserver 192.0.2.1", "", ["192.0.2.1"]),
        ("", "", []),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.1\n", "", ["192.0.2.1"]),
        ("nameserver 127.0.0.53\n", "nameserver 192.0.2.9\n", ["192.0.2.9"]),
        ("nameserver 127.0.0.53\n", "", ["127.0.0.53"]),
        ("nameserver 127.0.0.53\n", "nameserver 127.0.0.1\n", []),
    ],
)
def test_own_resolvers_never_hold_ourselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, systemd: str, hosts: list[str]
) -> None:
    files(tmp_path, monkeypatch, text, systemd)
    expected = tuple(Endpoint("udp", host, 53) for host in hosts)
    assert machine.own_resolvers(HERE) == expected


def test_listening_everywhere_takes_the_loopback_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, monkeypatch, "nameserver 127.0.0.1\n")
    assert machine.own_resolvers([Bind("0.0.0.0", 53)]) == ()
    assert machine.own_resolvers([Bind("0.0.0.0", 5300)]) != ()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_is_told_even_if_it_could_be_shared(kind: int) -> None:
    with socket.socket(type=kind) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(ListenFault, match="listens there already; stop it"):
            machine.check_listening([Bind("127.0.0.1", other.getsockname()[1])], None)


def test_only_the_default_leaves_ipv6_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_ipv6_loopback", lambda: False)
    assert [bind.host for bind in machine.binds_of(parse("").server)] == ["127.0.0.1"]
    only = parse('server.listen = ["[::1]:53"]').server
    assert [bind.host for bind in machine.binds_of(only)] == ["::1"]
