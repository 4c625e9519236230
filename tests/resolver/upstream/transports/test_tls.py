"""DNS over TLS against a real TLS server on loopback: who is believed, and what is not sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import pytest

from resolver.upstream import streams
from resolver.upstream.streams import PAD_TO, StreamTransport, padded
from resolver.upstream.transports import Endpoint
from resolver.upstream.transports import tls as module
from resolver.upstream.transports.tls import connect, pin_of
from tests.resolver.upstream.transports.loopback import WIRE, Delivered, Exchange
from tests.resolver.upstream.transports.streaming import Authority, Upstream, play

NAME = "dns.quad.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    yield Authority(tmp_path_factory.mktemp("authority"))


async def answered(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
    for _ in range(5):
        transport.ask(Exchange(), WIRE)
        _, packet, trouble = await delivered.take()
        assert packet is not None and not trouble
    assert upstream.connections == 1


def refused(word: str, *, says: str = "") -> Any:
    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        _, packet, trouble = await delivered.take()
        assert packet is None
        assert trouble.startswith(f"{word}: ") and says in trouble, trouble
        assert not upstream.heard  # not one octet of a question left

    return script


def test_the_name_is_verified(authority: Authority) -> None:
    identity = {"scheme": "tls", "ca": str(authority.ca), "name": NAME}
    play(answered, context=authority.context(NAME), **identity)
    play(answered, context=authority.context("*.quad.example"), **identity)
    wrong = refused("certificate", says="Hostname mismatch")
    play(wrong, context=authority.context("evil.example"), **identity)


def test_without_a_name_the_address_is_verified(authority: Authority) -> None:
    identity = {"scheme": "tls", "ca": str(authority.ca)}
    play(answered, context=authority.context("127.0.0.1"), **identity)
    play(refused("certificate"), context=authority.context("127.0.0.2"), **identity)


def test_expired_and_unknown_issuers_are_refused(authority: Authority, tmp_path: Path) -> None:
    identity = {"scheme": "tls", "ca": str(authority.ca), "name": NAME}
    late = refused("certificate", says="expired")
    play(late, context=authority.context(NAME, days=-1), **identity)
    other = Authority(tmp_path)
    play(refused("certificate"), context=other.context(NAME), **identity)
    # The machine's own authorities have never heard of ours.
    play(refused("certificate"), context=authority.context(NAME), scheme="tls", name=NAME)
    lost = {**identity, "ca": str(tmp_path / "no.pem")}
    play(refused("certificate", says="No such file"), context=authority.context(NAME), **lost)


def context_and_pin(authority: Authority) -> tuple[Any, str]:
    import ssl

    certificate, key, der = authority.mint("whatever.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, pin_of(der)


def test_a_pin_is_enough_and_another_is_not(authority: Authority) -> None:
    context, pin = context_and_pin(authority)
    other = "sha256:" + "A" * 43 + "="
    play(answered, context=context, scheme="tls", pins=(pin,))
    play(answered, context=context, scheme="tls", pins=(other, pin))
    play(refused("certificate", says=pin), context=context, scheme="tls", pins=(other,))
    both = {"scheme": "tls", "pins": (pin,), "name": NAME, "ca": str(authority.ca)}
    play(refused("certificate", says="mismatch"), context=context, **both)


def test_a_pin_is_what_openssl_says_it_is(authority: Authority) -> None:
    import shutil
    import subprocess

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, _, der = authority.mint(NAME)
    script = (
        f"openssl x509 -in {certificate} -pubkey -noout | openssl pkey -pubin -outform der "
        "| openssl dgst -sha256 -binary | openssl enc -base64"
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=20)
    assert pin_of(der) == f"sha256:{said.stdout.strip()}"


def test_queries_are_padded_to_whole_blocks(authority: Authority) -> None:
    """RFC 8467 section 4.1: "Clients SHOULD pad queries to the closest multiple of 128 octets"."""

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        await answered(transport, upstream, delivered)
        for query in upstream.heard:
            assert len(query) % PAD_TO == 0
            message = dns.message.from_wire(query)
            assert [int(option.otype) for option in message.options] == [12]

    context = authority.context("127.0.0.1")
    play(script, context=context, scheme="tls", ca=str(authority.ca))
    for size in range(300):  # whatever the length of the name
        assert (len(padded(b"x" * size + b"\0\0")) + 2) % PAD_TO == 0


def test_one_that_speaks_no_tls_and_one_that_never_shakes_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "CONNECT_SECONDS_MAX", 0.3)

    async def talk(octets: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(octets)
            if octets:
                await writer.drain()
            else:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        delivered = Delivered()
        port = server.sockets[0].getsockname()[1]
        transport = connect(Endpoint("tls", "127.0.0.1", port), delivered)
        transport.ask(Exchange(), WIRE)
        _, packet, trouble = await delivered.take()
        assert packet is None
        transport.close()
        server.close()
        await asyncio.sleep(0.01)
        return trouble

    assert asyncio.run(talk(b"")).startswith("handshake: no TLS within")
    assert asyncio.run(talk(b"220 mail.example ESMTP\r\n")).startswith("handshake: ")


def test_old_tls_is_refused(authority: Authority) -> None:
    import ssl

    context = authority.context("127.0.0.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    identity = {"scheme": "tls", "ca": str(authority.ca)}
    play(refused("handshake"), context=context, **identity)


def test_strict_never_asks_in_plain_text(authority: Authority) -> None:
    """RFC 8310 section 5: strict privacy "MUST NOT ... use clear text"."""
    transport = None

    async def script(found: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        nonlocal transport
        transport = found
        await refused("certificate")(found, upstream, delivered)

    play(script, context=authority.context("evil.example"), scheme="tls", name=NAME)
    assert transport is not None and transport._instead is None


def test_opportunistic_verifies_nobody_and_says_so_when_it_goes_without(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = authority.context("evil.example")
    play(answered, context=context, scheme="tls", name=NAME, opportunistic=True)

    async def whole() -> None:
        plain = Upstream()
        server = await asyncio.start_server(plain.serve, "127.0.0.1", 0)
        monkeypatch.setattr(module, "PLAIN_PORT", server.sockets[0].getsockname()[1])
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # bound, and nobody listens
            endpoint = Endpoint("tls", "127.0.0.1", closed.getsockname()[1], opportunistic=True)
            delivered = Delivered()
            transport = connect(endpoint, delivered)
            for _ in range(3):
                transport.ask(Exchange(), WIRE)
                _, packet, trouble = await delivered.take()
                assert packet is not None and trouble == "plain"
            transport.close()
        server.close()
        await asyncio.sleep(0.01)

    asyncio.run(whole())
