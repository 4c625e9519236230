"""dnstap: read by the receivers that others use, and a receiver that is slow or gone."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from resolver.telemetry import tap as module
from resolver.telemetry.frames import CONTENT_TYPE, READY, Receiver, control, parse_receiver
from resolver.telemetry.metrics import Metrics
from resolver.telemetry.tap import Tap, TapSettings
from tests.lychgate.running import Serving, upstream, wait_until
from tests.resolver.venue import LEARNER, Desk

CAPTURE, READER = shutil.which("fstrm_capture"), shutil.which("dnstap-ldns")
needs_receiver = pytest.mark.skipif(
    CAPTURE is None or READER is None,
    reason="needs fstrm_capture and dnstap-ldns (Debian: fstrm-bin, dnstap-ldns)",
)


@contextmanager
def capturing(folder: Path) -> Iterator[Path]:
    """fstrm_capture on a unix socket; gives the file it writes."""
    socket_path, written = folder / "tap.sock", folder / "taken.fstrm"
    arguments = [str(CAPTURE), "-t", CONTENT_TYPE.decode(), "-u", str(socket_path)]
    with (folder / "capture.log").open("wb") as log:
        process = subprocess.Popen([*arguments, "-w", str(written)], stderr=log)
    try:
        wait_until(socket_path.exists, "fstrm_capture listens")
        yield written
    finally:
        process.terminate()
        process.wait(10)


def read(path: Path, form: str) -> str:
    """What dnstap-ldns says of a file."""
    done = subprocess.run(
        [str(READER), form, "-r", str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_receiver
@pytest.mark.parametrize("told", [False, True])
def test_a_whole_resolver_is_read_by_another_reader(tmp_path: Path, told: bool) -> None:
    extra = 'dnstap.receiver = "unix:tap.sock"\ndnstap.identity = "hub"\n'
    extra += "dnstap.client_addresses = true\ndnstap.queries = true\n" if told else ""
    with capturing(tmp_path) as written, upstream() as port:  # noqa: SIM117 - it ends last
        with Serving(tmp_path, port, extra=extra) as serving:
            serving.ready()
            for _ in range(3):
                serving.ask("www.bbc.co.uk")
            serving.ask("WWW.Bet365.com", tcp=True)
            wait_until(
                lambda: "lychgate_dnstap_connected 1.0" in serving.page("/metrics")[1], "connected"
            )
            assert serving.stop() == 0
    lines, whole = read(written, "-q").splitlines(), read(written, "-y")
    replies = [line for line in lines if " CR " in line]
    assert sum("www.bbc.co.uk." in line for line in replies) == 3, lines
    assert any("TCP" in line and "WWW.Bet365.com." in line for line in replies)
    assert any(" CQ " in line for line in lines) is told
    assert ("127.0.0.1" in whole.replace("192.0.2.7", "")) is told
    assert "192.0.2.7" in whole and 'identity: "hub"' in whole and "NOERROR" in whole


def test_nobody_there_costs_messages_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PENDING_MAX", 5)
    tap = Tap(TapSettings(Receiver(path=str(tmp_path / "none.sock"))))
    desk = Desk()
    metrics = Metrics(desk.service, None, None, tap)
    tap.start()
    try:
        for _ in range(4):
            desk.ask("www.bets.example")
            desk.ask("shop.bets.example")
            metrics.take(0.0)
        assert (tap.lost, tap.sent, tap.connected) == (4, 0, False)
    finally:
        tap.close()
    assert desk.service.records[LEARNER].address == LEARNER


def test_a_receiver_that_takes_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver.telemetry.frames.SEND_SECONDS_MAX", 0.2)
    with socket.socket(socket.AF_UNIX) as server:
        path = tmp_path / "slow.sock"
        server.bind(str(path))
        server.listen()
        tap = Tap(TapSettings(Receiver(path=str(path)), identity="x" * 60_000))
        tap.start()
        peer, _ = server.accept()
        with peer:
            assert peer.recv(200) == control(READY)
            peer.sendall(control(1))
            wait_until(lambda: tap.connected, "connected")
            desk = Desk()
            for number in range(30):
                desk.ask(f"{number}.bets.example")
            events, began = list(desk.service.events), time.monotonic()
            tap.note([], events)
            assert time.monotonic() - began < 0.05
            wait_until(lambda: tap.lost == 30, "counted")
            assert not tap.connected or tap.sent == 0
        tap.close()


def test_a_receiver_of_other_things_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        path = tmp_path / "other.sock"
        server.bind(str(path))
        server.listen()
        tap = Tap(TapSettings(Receiver(path=str(path))))
        tap.start()
        peer, _ = server.accept()
        with peer:
            peer.recv(200)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with suppress(ConnectionResetError):
                assert peer.recv(1) == b"", "it hung up"
        assert not tap.connected
        tap.close()


@pytest.mark.parametrize("text", ["tcp://[::1]:6000", "tcp://127.0.0.1:6000", "unix:/run/x.sock"])
def test_receivers_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_receiver(text)) == text


@pytest.mark.parametrize(
    "text", ["", "unix:", "tcp://host.example:1", "tcp://::1:6000", "tcp://127.0.0.1", "udp://1:2"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no receiver of dnstap; use unix:/PATH"):
        parse_receiver(text)
