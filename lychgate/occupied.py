"""Who has the address that we want to listen on, and exactly what frees it.

Port 53 is often taken on a fresh machine: by the stub of systemd-resolved, by dnsmasq, by another
resolver, by another Lychgate. The kernel's tables tell the account of whoever listens, and, to root
or the same account, the process. Nothing is changed here.
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from resolver.listeners import Bind

_PROC: Final = Path("/proc")
PROCESSES_MAX: Final = 20_000
"""Processes that are looked at."""
_LISTENING: Final = {socket.SOCK_STREAM: ("0A",), socket.SOCK_DGRAM: ("07",)}
_TABLES: Final = {socket.SOCK_STREAM: ("tcp", "tcp6"), socket.SOCK_DGRAM: ("udp", "udp6")}

_RESOLVED: Final = """\
Its stub needs only to be turned off; the machine goes on finding names. As root:
  mkdir -p /etc/systemd/resolved.conf.d
  printf '[Resolve]\\nDNSStubListener=no\\n' > /etc/systemd/resolved.conf.d/lychgate.conf
  ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf
  systemctl restart systemd-resolved"""
_DNSMASQ: Final = """\
If it only answers DNS, as root:  systemctl disable --now dnsmasq
If it gives out addresses (DHCP) here, it can go on doing that without DNS. As root:
  echo 'port=0' > /etc/dnsmasq.d/lychgate.conf
  systemctl restart dnsmasq"""
_LIBVIRT: Final = """\
It belongs to virtual machines (libvirt) and listens on their bridge only. Give your own addresses
in server.listen instead of 0.0.0.0, as in listen = ["192.168.1.2:53", "127.0.0.1:53"]"""
_LYCHGATE: Final = """\
One is enough. As root:  systemctl stop lychgate-resolver lychgate-resolver.socket
(or end the one that was started by hand), or give another port in server.listen"""
_SERVICES: Final = {
    "named": "named",
    "unbound": "unbound",
    "pdns_recursor": "pdns-recursor",
    "kresd": "kresd@1",
    "coredns": "coredns",
    "pihole-FTL": "pihole-FTL",
    "AdGuardHome": "AdGuardHome",
    "blocky": "blocky",
    "connmand": "connman",
}
_ACCOUNTS: Final = {
    "systemd-resolve": "systemd-resolved",
    "dnsmasq": "dnsmasq",
    "libvirt-dnsmasq": "libvirt",
    "bind": "named",
    "unbound": "unbound",
    "pdns": "pdns_recursor",
    "knot-resolver": "kresd",
    "pihole": "pihole-FTL",
    "lychgate": "lychgate",
}


@dataclass(frozen=True)
class Occupant:
    """Whoever listens."""

    name: str = ""
    """The program, as far as can be told."""
    pid: int = 0
    """0 when only the account is known."""
    address: str = ""


def explain_taken(bind: Bind, found: Occupant) -> str:
    """Why `bind` cannot be listened on, and the very commands that free it."""
    where = f"listen: {bind.host} port {bind.port}"
    remedy = {
        "systemd-resolved": _RESOLVED,
        "dnsmasq": _DNSMASQ,
        "libvirt": _LIBVIRT,
        "lychgate": _LYCHGATE,
    }.get(found.name)
    if remedy is None and found.name in _SERVICES:
        remedy = f"As root:  systemctl disable --now {_SERVICES[found.name]}"
    if remedy is None:
        number = found.pid or "NUMBER"
        look = f"ss -lntup 'sport = :{bind.port}'"
        remedy = f"As root, {look} shows it and systemctl status {number} its service; stop it"
    who = "another Lychgate" if found.name == "lychgate" else found.name or "another program"
    process = f" (process {found.pid})" if found.pid else ""
    there = f" on {found.address}" if found.address not in ("", bind.host) else ""
    return (
        f"{where}: {who}{process} listens there already{there}; stop it or choose another port.\n"
        f"{remedy}"
    )


def who_listens(bind: Bind, kind: socket.SocketKind, proc: Path = _PROC) -> Occupant:
    """Who keeps `bind` from us, as far as this account may know."""
    for address, uid, inode in _listening(bind, kind, proc):
        pid = _owner(inode, proc)
        name = _program(pid, proc) if pid else _of_account(uid)
        if name == "dnsmasq" and _of_account(uid) == "libvirt":
            name = "libvirt"
        return Occupant(name, pid, address)
    return Occupant()


def _listening(bind: Bind, kind: socket.SocketKind, proc: Path) -> Iterator[tuple[str, int, str]]:
    """Address, account and inode of every socket in our way (proc(5), net/tcp)."""
    for table in _TABLES[kind]:
        try:
            rows = (proc / "self/net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            words = row.split()
            if len(words) < 10 or words[3] not in _LISTENING[kind]:
                continue
            host, _, port = words[1].partition(":")
            address = _read_address(host)
            if int(port, 16) == bind.port and _overlap(address, bind.host):
                yield address, int(words[7]), words[9]


def _read_address(text: str) -> str:
    """An address as the kernel writes it: 32-bit words in the machine's own order."""
    words = [int(text[place : place + 8], 16) for place in range(0, len(text), 8)]
    return str(ip_address(b"".join(struct.pack("=I", word) for word in words)))


def _overlap(one: str, other: str) -> bool:
    here, there = ip_address(one), ip_address(other)
    if here == there:
        return True
    # [::] takes IPv4 in as well, unless its owner said otherwise, which the tables do not tell.
    both = here.version == there.version or "::" in (one, other)
    return both and (here.is_unspecified or there.is_unspecified)


def _owner(inode: str, proc: Path) -> int:
    """The process with this socket; 0 when there is none that we may look at."""
    wanted = f"socket:[{inode}]"
    numbers = (path for path in proc.iterdir() if path.name.isdigit())
    for path, _ in zip(numbers, range(PROCESSES_MAX), strict=False):
        try:
            with os.scandir(path / "fd") as entries:
                if any(_points_to(entry.path, wanted) for entry in entries):
                    return int(path.name)
        except OSError:
            continue  # Gone, or not ours to look at.
    return 0


def _points_to(path: str, wanted: str) -> bool:
    try:
        return os.readlink(path) == wanted  # noqa: PTH115 - of thousands, quickly
    except OSError:
        return False


def _program(pid: int, proc: Path) -> str:
    try:
        arguments = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
        name = (proc / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    words = [Path(part.decode(errors="replace")).name for part in arguments[:4]]
    if "lychgate" in words:
        return "lychgate"
    # The kernel keeps fifteen characters of it.
    return "systemd-resolved" if name.startswith("systemd-resolve") else name


def _of_account(uid: int) -> str:
    """The program that runs under an account, where accounts are named after programs."""
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
    return _ACCOUNTS.get(account, "")
