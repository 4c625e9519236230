"""Hostile names, and hostile answers, on a terminal."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import dns.edns
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest

from policy.commands.command import Refused
from policy.commands.rules import AddRules
from tests.lychgate.hostile.conftest import ADA, Place
from tests.lychgate.hostile.material import LABELS, TYPED, is_plain, written
from tests.lychgate.running import wait_until


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_explain(place: Place, more: list[str]) -> None:
    for name in map(written, LABELS[::4]):
        told = place.run("explain", *more, "--", name)
        assert told.exit_code == 0, told.output
        is_plain(told.output)
        assert "starter:gambling" in told.output
    for text in TYPED[3:5]:
        told = place.run("explain", *more, "--", f"{text}.bet365.com")
        is_plain(told.output)
        assert told.exit_code in (0, 2), told.exception


def test_query(place: Place) -> None:
    for name in map(written, LABELS[:13]):  # its reader of messages wants labels in UTF-8
        told = place.run("query", "--", name)
        assert told.exit_code == 0, told.output
        is_plain(told.output)
        assert "gambling" in told.output
    told = place.run("query", "--", written(LABELS[13]))
    is_plain(told.output)
    assert told.exit_code == 1 and "Traceback" not in told.output


@contextmanager
def evil() -> Iterator[int]:
    """A DNS server whose one answer is out to take a terminal over; gives its port."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)

        def answer() -> None:
            octets, peer = sock.recvfrom(4096)
            reply = dns.message.make_response(dns.message.from_wire(octets))
            name = reply.question[0].name
            alias = dns.name.Name([*LABELS[6:9], b"example", b""])
            for kind, wire in (
                ("CNAME", alias.to_wire()),
                ("TXT", b"".join(bytes((len(one),)) + one for one in LABELS)),
            ):
                assert wire is not None
                rdtype = dns.rdatatype.from_text(kind)
                data = dns.rdata.from_wire("IN", rdtype, wire, 0, len(wire))
                reply.answer.append(dns.rrset.from_rdata(name, 60, data))
            reply.use_edns(
                0, options=[dns.edns.EDEOption(dns.edns.EDECode.BLOCKED, "".join(TYPED))]
            )
            sock.sendto(reply.to_wire(), peer)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        thread.join(10)


def test_a_hostile_server_writes_no_escapes(place: Place) -> None:
    with evil() as port:
        told = place.run("query", "--server", f"127.0.0.1:{port}", "any.example", "TXT")
    assert told.exit_code == 0, told.output
    is_plain(told.output)
    assert "CNAME" in told.output and "TXT" in told.output
    assert "<script>" in told.output and "Extended error 15" in told.output


def test_audit(place: Place) -> None:
    async def decide() -> None:
        async with place.portal() as services:
            for number, text in enumerate(TYPED):
                body = {"action": "deny", "pattern": f"n{number}.terminal.example"}
                with nullcontext() if text.isprintable() else pytest.raises(Refused):
                    await services.desk.perform(ADA, AddRules([body], text), at=time.time())

    asyncio.run(decide())
    for more in ([], ["--json"]):
        told = place.run("audit", "list", *more)
        assert told.exit_code == 0, told.output
        is_plain(told.output)
        assert "alert(1)" in told.output
    told = place.run("audit", "verify")
    assert told.exit_code == 0
    wait_until(lambda: place.engine.taken.count(b"rule.add") >= 4, "decisions outward", 20)


def test_suggestions(place: Place) -> None:
    def shown() -> str:
        told = place.run("suggestions", "list", "--limit", "100")
        assert told.exit_code == 0, told.output
        is_plain(told.output)
        return told.output

    wait_until(lambda: "casino.org" in shown(), "written once a minute", 75)
    told = place.run("suggestions", "list", "--limit", "100", "--json")
    is_plain(told.output)
    assert "casino" in told.output
