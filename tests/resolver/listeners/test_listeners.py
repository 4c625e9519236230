"""Addresses to listen on, and that every transport is opened on them or none."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.listeners import TRANSPORTS, Bind, ListenFault, explain, open_listeners, parse_bind
from tests.resolver.venue import Desk


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1:5300", ("127.0.0.1", 5300)),
        ("192.168.1.2", ("192.168.1.2", 53)),
        ("[::1]:53", ("::1", 53)),
        ("[::1]", ("::1", 53)),
        ("::1", ("::1", 53)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_addresses(text: str, bind: tuple[str, int]) -> None:
    assert parse_bind(text) == Bind(*bind)


@pytest.mark.parametrize(
    "text",
    ["", ":53", "localhost:53", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
     "[::1", "[::1]53", "[::1]x:53", "127.0.0.1:5_3", "127.0.0.1: 53"],
)  # fmt: skip
def test_what_is_no_address_is_answered_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address to listen on; use ADDRESS:PORT"):
        parse_bind(text)


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        assert parse_bind(text).port <= 65535
    except ValueError as fault:
        assert repr(text) in str(fault)


def test_every_transport_has_the_port_that_udp_was_given() -> None:
    async def whole() -> None:
        service = Desk().service
        listeners = await open_listeners(
            service, [Bind("127.0.0.1", 0), Bind("::1", 0)], shared=False
        )
        first, second = listeners[:2], listeners[2:]
        for opened in (first, second):
            assert len(opened) == len(TRANSPORTS)
            assert len({listener.port for listener in opened}) == 1
            for listener in opened:
                listener.close()

    asyncio.run(whole())


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_all_or_none(kind: int) -> None:
    """A taken port, by UDP or by TCP, closes what was opened before it."""

    async def whole() -> None:
        with socket.socket(type=kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            gc.collect()  # what earlier tests left behind is not to be counted
            before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - it counts itself, always
            with pytest.raises(ListenFault, match=f"127.0.0.1 port {port}: another program"):
                await open_listeners(
                    Desk().service, [Bind("127.0.0.1", 0), Bind("127.0.0.1", port)], shared=False
                )
            await asyncio.sleep(0)
            assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EADDRINUSE, "another program listens there already"),
        (errno.EACCES, "CAP_NET_BIND_SERVICE"),
        (errno.EADDRNOTAVAIL, "no such address"),
        (errno.ENOBUFS, "No buffer space"),
    ],
)
def test_faults_are_explained(number: int, advice: str) -> None:
    text = explain(Bind("192.0.2.1", 53), OSError(number, os.strerror(number)))
    assert text.startswith("listen: 192.0.2.1 port 53: ") and advice in text


@pytest.mark.parametrize("word", TRANSPORTS)
def test_a_transport_is_a_module_that_listens(word: str) -> None:
    module = import_module(f"resolver.listeners.{word}")
    assert module.__doc__ and asyncio.iscoroutinefunction(module.listen)
