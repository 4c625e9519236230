"""What counts as an answer to ourselves: a refusal does, silence does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lychgate import probing
from lychgate.probing import probe_dns, probe_http
from resolver.listeners import Bind
from tests.lychgate.running import free_port


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PROBE_SECONDS_MAX", 0.3)


Udp = Callable[[int, bytes], bytes | None]
Tcp = Callable[[socket.socket], None]


@contextmanager
def service(udp: Udp, tcp: Tcp) -> Iterator[Bind]:
    """Something that answers as it is told; `udp` is given the number of the packet."""
    port = free_port()
    with (
        socket.socket(type=socket.SOCK_DGRAM) as packets,
        socket.create_server(("127.0.0.1", port)) as streams,
    ):
        packets.bind(("127.0.0.1", port))
        packets.settimeout(0.05)
        streams.settimeout(0.05)
        end = threading.Event()

        def answer() -> None:
            count, kept = 0, []
            while not end.is_set():
                try:
                    octets, peer = packets.recvfrom(1500)
                    count += 1
                    reply = udp(count, octets)
                    if reply is not None:
                        packets.sendto(reply, peer)
                except TimeoutError:
                    pass
                try:
                    stream, _ = streams.accept()
                    kept.append(stream)
                    tcp(stream)
                except TimeoutError:
                    pass
            for stream in kept:
                stream.close()

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield Bind("127.0.0.1", port)
        finally:
            end.set()
            thread.join()


def reply_to(octets: bytes) -> bytes:
    return octets[:2] + b"\x85" + octets[3:]


def udp_fine(_: int, octets: bytes) -> bytes | None:
    return reply_to(octets)


def tcp_fine(stream: socket.socket) -> None:
    octets = stream.recv(1500)
    stream.sendall(octets[:2] + reply_to(octets[2:]))


def tcp_cut_off(stream: socket.socket) -> None:
    stream.close()


def tcp_silent(_: socket.socket) -> None:
    return None


def test_an_answer_is_an_answer() -> None:
    with service(udp_fine, tcp_fine) as bind:
        assert probe_dns([bind]) == ""


def test_every_second_packet_lost_is_no_fault() -> None:
    """Slip: half of what is refused under a flood is silent (`Service.turn_away`)."""
    with service(lambda n, o: None if n % 2 else reply_to(o), tcp_fine) as bind:
        assert probe_dns([bind]) == ""


def test_being_cut_off_is_an_answer() -> None:
    """Whoever fills all connections must not be able to have the service restarted."""
    with service(udp_fine, tcp_cut_off) as bind:
        assert probe_dns([bind]) == ""


def test_silence_is_none() -> None:
    with service(lambda n, o: None, tcp_fine) as bind:
        assert probe_dns([bind]).startswith(f"UDP 127.0.0.1:{bind.port}: silent")
    with service(udp_fine, tcp_silent) as bind:
        assert probe_dns([bind]).startswith(f"TCP 127.0.0.1:{bind.port}: silent")


def test_somebody_elses_answer_is_none() -> None:
    with service(lambda n, o: b"\0\0" + reply_to(o)[2:], tcp_fine) as bind:
        assert "silent" in probe_dns([bind])


def test_nobody_there() -> None:
    bind = Bind("127.0.0.1", free_port())
    assert "UDP" in probe_dns([bind])
    assert "refused" in probe_http(bind, "/healthz")


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nalive\n", True),
        (b"HTTP/1.1 421 Misdirected Request\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", True),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
    ],
)
def test_pages(said: bytes, fine: bool) -> None:
    def answer(stream: socket.socket) -> None:
        assert stream.recv(1500).startswith(b"GET /healthz HTTP/1.0\r\n")
        stream.sendall(said)

    with service(udp_fine, answer) as bind:
        assert (probe_http(bind, "/healthz") == "") is fine
