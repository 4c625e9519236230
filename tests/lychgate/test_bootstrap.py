"""Addresses of publishers, from servers on loopback that say what a test wants."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from dnslib import QTYPE, RCODE, RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as some

from categoriser.names import from_text
from lychgate import asking, bootstrap
from lychgate.asking import NoAnswer, ask_upstream
from lychgate.bootstrap import resolver_of
from resolver.upstream.transports import Endpoint, parse_endpoint

ZONE = """
lists.example. 60 A 192.0.2.1
lists.example. 60 A 192.0.2.2
lists.example. 60 AAAA 2001:db8::1
alias.example. 60 CNAME Next.example.
next.example. 60 CNAME lists.example.
stray.example. 60 CNAME gone.example.
loop.example. 60 CNAME loop.example.
"""

Says = Callable[[DNSRecord], DNSRecord]


def from_zone(query: DNSRecord) -> DNSRecord:
    """Every record of the zone that may help, as careless servers send them."""
    reply = query.reply()
    wanted = QTYPE[query.q.qtype]
    reply.add_answer(*(rr for rr in RR.fromZone(ZONE) if QTYPE[rr.rtype] in (wanted, "CNAME")))
    return reply


def with_rcode(word: str) -> Says:
    def say(query: DNSRecord) -> DNSRecord:
        reply = query.reply()
        reply.header.rcode = getattr(RCODE, word)
        return reply

    return say


@contextmanager
def server(udp: Says, tcp: Says | None = None) -> Iterator[Endpoint]:
    """A DNS server; what it is to say over TCP, if it listens there at all."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as streams,
    ):
        streams.bind(("127.0.0.1", 0))
        streams.listen()
        port = streams.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))

        def answer_datagrams() -> None:
            while True:
                packet, client = datagrams.recvfrom(65535)
                if not packet:
                    return
                datagrams.sendto(udp(DNSRecord.parse(packet)).pack(), client)

        def answer_streams() -> None:
            while True:
                connection, _ = streams.accept()
                with connection:
                    size = int.from_bytes(connection.recv(2), "big")
                    if not size or tcp is None:
                        return
                    reply = tcp(DNSRecord.parse(connection.recv(size))).pack()
                    connection.sendall(len(reply).to_bytes(2, "big") + reply)

        threads = [Thread(target=answer) for answer in (answer_datagrams, answer_streams)]
        for thread in threads:
            thread.start()
        try:
            yield Endpoint("udp", "127.0.0.1", port)
        finally:
            datagrams.sendto(b"", ("127.0.0.1", port))
            with socket.create_connection(("127.0.0.1", port)):
                pass  # closed without a question: the end
            for thread in threads:
                thread.join()


def cut(query: DNSRecord) -> DNSRecord:
    reply = query.reply()
    reply.header.tc = 1
    return reply


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's own resolver knows."""
    own = {"lists.intern": ("10.0.0.53",)}
    monkeypatch.setattr(bootstrap, "_machine", lambda host: own.get(host, ()))


def test_both_kinds_of_addresses_by_turns() -> None:
    with server(from_zone) as endpoint:
        found = resolver_of([endpoint])("lists.example")
    assert found == ("192.0.2.1", "2001:db8::1", "192.0.2.2")


def test_aliases_are_followed_in_any_case() -> None:
    with server(from_zone) as endpoint:
        assert "192.0.2.1" in resolver_of([endpoint])("ALIAS.example.")


def test_records_of_other_names_count_for_nothing() -> None:
    with server(from_zone) as endpoint:
        resolve = resolver_of([endpoint])
        assert resolve("stray.example") == ()
        assert resolve("loop.example") == ()


def test_an_answer_that_was_cut_is_asked_for_over_tcp() -> None:
    with server(cut, tcp=from_zone) as endpoint:
        assert len(resolver_of([endpoint])("lists.example")) == 3


def test_tcp_from_the_start_where_the_upstream_says_so() -> None:
    with server(with_rcode("SERVFAIL"), tcp=from_zone) as endpoint:
        assert resolver_of([endpoint._replace(scheme="tcp")])("lists.example")


def test_the_next_server_when_one_is_broken_or_away() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        away = Endpoint("udp", "127.0.0.1", taken.getsockname()[1])
    with server(with_rcode("SERVFAIL")) as broken, server(from_zone) as sound:
        assert resolver_of([away, broken, sound])("lists.example")


def test_a_name_that_does_not_exist_is_an_answer() -> None:
    with server(with_rcode("NXDOMAIN")) as endpoint, server(from_zone) as other:
        assert resolver_of([endpoint, other])("lists.example") == ()


def test_when_nobody_can_tell_everyone_is_named() -> None:
    with (
        server(with_rcode("REFUSED")) as one,
        server(with_rcode("SERVFAIL")) as other,
        pytest.raises(OSError, match=f"{one.port}: answered REFUSED.*answered SERVFAIL"),
    ):
        resolver_of([one, other])("lists.example")


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64 + ".example", "\N{SNOWMAN}" * 300])
def test_what_is_no_name_is_not_asked(host: str) -> None:
    with pytest.raises(OSError):
        resolver_of([])(host)


def test_a_name_of_this_network_alone_is_left_to_the_machine() -> None:
    assert resolver_of([])("lists.intern") == ("10.0.0.53",)
    with server(from_zone) as endpoint:
        assert resolver_of([endpoint])("lists.intern") == ("10.0.0.53",)


def hostile(target: bytes) -> bytes:
    """An answer that alias.example is an alias of `target`."""
    question = DNSRecord.question("alias.example").pack()
    record = b"\xc0\x0c\0\5\0\1\0\0\0\x3c" + len(target).to_bytes(2, "big") + target
    return bytes(b"\0\0\x80\0\0\1\0\1\0\0\0\0" + question[12:] + record)


@pytest.mark.parametrize(
    "target",
    [
        b"\2\\0\0",
        b"\3a.b\1c\0",
        b"\3\xff\xfe\x80\0",
        b"\0",
        b"\1\n\0",
        b"\xc0\x0c",
        b"\7xn--\xff\xffa\0",
    ],
)
def test_hostile_aliases_lead_nowhere(target: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_over_udp", lambda *_: hostile(target))
    try:
        assert resolver_of([Endpoint("udp", "127.0.0.1", 9)])("alias.example") == ()
    except OSError as fault:
        assert "not a DNS message" in str(fault)


WHOLE = from_zone(DNSRecord.question("alias.example")).pack()


@given(
    head=some.integers(0, len(WHOLE)),
    octets=some.one_of(some.binary(max_size=60), some.just(b"\x03\xff.\\\xc0\x0c")),
    gap=some.integers(0, 20),
)
def test_no_answer_can_raise_anything_else(head: int, octets: bytes, gap: int) -> None:
    packet = WHOLE[:head] + octets + WHOLE[head + gap :]
    packet = packet[:2] + b"\x80" + packet[3:]  # not cut: TCP would be asked
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asking, "_over_udp", lambda *_: packet.ljust(12, b"\0"))
        try:
            found = resolver_of([Endpoint("udp", "127.0.0.1", 9)])("alias.example")
        except OSError:
            return
    assert all(isinstance(address, str) for address in found)


def test_an_upstream_over_tls_is_asked_over_tls_alone(tmp_path: Path) -> None:
    import asyncio

    from tests.resolver.upstream.transports.streaming import Authority, Upstream

    authority = Authority(tmp_path)

    async def whole() -> None:
        upstream = Upstream()
        context = authority.context("dns.quad.example")
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        port = server.sockets[0].getsockname()[1]
        address = f"tls://127.0.0.1:{port}?ca={authority.ca}"
        right = parse_endpoint(f"{address}#dns.quad.example")
        wrong = parse_endpoint(f"{address}#other.example")
        pinned = parse_endpoint(f"tls://127.0.0.1:{port}?pin=sha256:{'A' * 43}=")
        name = from_text("www.example.com")
        found = await asyncio.to_thread(ask_upstream, right, name, 1)
        assert found.transport == "TLS" and found.records[0][3] == "192.0.2.1"
        heard = len(upstream.heard)
        for endpoint, why in ((wrong, "certificate: Hostname"), (pinned, "not pinned")):
            with pytest.raises(NoAnswer, match=why):
                await asyncio.to_thread(ask_upstream, endpoint, name, 1)
        assert len(upstream.heard) == heard
        server.close()

    asyncio.run(whole())
