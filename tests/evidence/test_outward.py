"""Telling a log engine outside: exactly what is meant, as text, late rather than never."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from evidence.despatch.sending import PAUSE_SECONDS_MIN, WAITING_SECONDS_MAX
from evidence.despatch.standing import Sending, shown_sending
from evidence.despatch.tables import outbox
from evidence.duties import duties
from evidence.outward import OutwardSettings, Record, parse_destination, ways
from evidence.outward.syslog import message
from tests.evidence.happenings import detail
from tests.evidence.test_recorder import NOW, House, run

HOSTILE = (
    "=cmd|calc.example.com",
    "<script>alert(1)</script>.example.com",
    'a"]\\ lychgate="x.example.com',
    "\\010\\027[31m.example.com",
)


class Engine:
    """A log engine on TCP that keeps what it is told."""

    def __init__(self) -> None:
        self.taken = b""
        self.server: Any = None

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += await reader.read(-1)
        writer.close()

    async def listen(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._take, "127.0.0.1", port)
        found: int = self.server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        self.server.close()
        await self.server.wait_closed()


def house(folder: Path, to: str, **more: Any) -> House:
    settings = OutwardSettings(parse_destination(to), **more)
    made = House(folder, given={"outward": settings})
    made.work += [duty for duty in duties() if duty.name == "outward"]
    return made


def shown(folder: Path) -> Sending:
    found = shown_sending(folder)
    assert found is not None
    return found


def test_an_event_is_a_line_of_json_without_who_asked(tmp_path: Path) -> None:
    async def story() -> None:
        home = house(tmp_path, f"file:{tmp_path}/out.jsonl")
        home.happen(detail(NOW - 1), detail(NOW - 3, "late.bet365.com"))
        assert await home.recorder().once()
        home.happen(detail(NOW - 60, "later-still.bet365.com"))  # another worker was slower
        assert await home.recorder().once()
        written = (tmp_path / "out.jsonl").read_text()
        lines = [json.loads(line) for line in written.splitlines()]
        names = ["late.bet365.com", "www.bet365.com", "later-still.bet365.com"]
        assert [line["name"] for line in lines] == names
        assert lines[0]["category"] == "gambling" and lines[0]["venue"] == "crewe"
        assert lines[1]["time"] == "2026-11-21T11:08:26.000Z" and len(lines[1]["pseudonym"]) == 20
        assert "10.20.3.7" not in written and await home.count(outbox) == 0
        assert (shown(tmp_path).queries, shown(tmp_path).dropped) == (3, 0)

    run(story())


def test_who_asked_goes_along_only_where_it_is_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        home = house(tmp_path, f"file:{tmp_path}/out.jsonl", identities=True)
        home.happen(detail(NOW, device="till-3", hostname="library-pc"))
        assert await home.recorder().once()
        (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
        found = json.loads(line)
        assert (found["address"], found["device"]) == ("10.20.3.7", "till-3")
        assert found["hostname"] == "library-pc"
        held = (tmp_path / "telemetry.db").read_bytes()
        assert b"library-pc" not in held, "crossed off and overwritten"

    run(story())


def test_an_engine_that_is_gone_is_told_later_once_each(tmp_path: Path) -> None:
    async def story() -> None:
        engine = Engine()
        port = await engine.listen()
        await engine.close()
        home = house(tmp_path, f"json+tcp://127.0.0.1:{port}")
        home.happen(*(detail(NOW - number, f"n{number}.bet365.com") for number in range(700)))
        assert not await home.recorder().once()
        gone = shown(tmp_path)
        assert gone.failures == 1 and gone.waiting == 700 and "127.0.0.1" in gone.problem
        assert gone.due_at == NOW + PAUSE_SECONDS_MIN
        await engine.listen(port)
        home.at += PAUSE_SECONDS_MIN
        assert await home.recorder().once()
        await engine.close()
        ids = [json.loads(line)["id"] for line in engine.taken.decode().splitlines()]
        assert len(ids) == len(set(ids)) == 700
        assert shown(tmp_path).waiting == 0 and not shown(tmp_path).problem

    run(story())


def test_what_waits_too_long_is_dropped_and_counted(tmp_path: Path) -> None:
    async def story() -> None:
        home = house(tmp_path, f"json+unix:{tmp_path}/none.sock")
        home.happen(detail(NOW))
        assert not await home.recorder().once()
        home.at += WAITING_SECONDS_MAX + 2
        assert await home.recorder().once()
        assert shown(tmp_path).dropped == 1 and await home.count(outbox) == 0

    run(story())


def test_nothing_stays_in_the_outbox_when_it_is_turned_off(tmp_path: Path) -> None:
    async def story() -> None:
        home = house(tmp_path, f"json+unix:{tmp_path}/none.sock", identities=True)
        home.happen(detail(NOW))
        assert not await home.recorder().once()
        plain = House(tmp_path)
        plain.work += home.work
        assert await plain.recorder().once()
        assert await plain.count(outbox) == 0

    run(story())


@pytest.mark.parametrize("to", ["syslog+tcp", "json+tcp"])
def test_hostile_names_stay_text_on_the_wire(tmp_path: Path, to: str) -> None:
    async def story() -> None:
        engine = Engine()
        home = house(tmp_path, f"{to}://127.0.0.1:{await engine.listen()}")
        home.happen(*(detail(NOW - n, name) for n, name in enumerate(HOSTILE)))
        assert await home.recorder().once()
        await engine.close()
        taken, found = engine.taken.decode("ascii"), []
        if to == "json+tcp":
            found = [json.loads(line) for line in taken.splitlines()]
        while to == "syslog+tcp" and taken:
            size, _, rest = taken.partition(" ")
            one, taken = rest[: int(size)], rest[int(size) :]
            head = r"<132>1 \S+ \S+ lychgate \d+ query \[lychgate@32473"
            form = head + r'((?: \w+="(?:\\.|[^"\\\]])*")*)\] (.*)'
            parts = re.fullmatch(form, one)
            assert parts is not None, one
            values = re.findall(r' (\w+)="((?:\\.|[^"\\\]])*)"', parts[1])
            plain = {key: re.sub(r"\\(.)", r"\1", value) for key, value in values}
            found.append(json.loads(parts[2]))
            assert plain["name"] == found[-1]["name"]
        assert sorted(one["name"] for one in found) == sorted(HOSTILE)

    run(story())


def test_control_characters_never_reach_the_line() -> None:
    text = 'a\n<0>1 - \x1b[2J\x7f\u2028"]'
    record = Record("decision", "1", NOW, True, {"person": text}, {"reason": text})
    written = message(record, "host\nname", 7)
    assert written.isascii() and written.isprintable()
    assert json.loads(record.line())["reason"] == text
    assert written.startswith("<132>1 2026-11-21T11:08:27.000Z hostname lychgate 7 decision [")
    assert '[lychgate@32473 person="a?<0>1 - ?[2J??\\"\\]"]' in written


def test_a_word_that_is_not_there_names_those_that_are() -> None:
    assert sorted(ways()) == ["file", "json", "syslog"]
    for text in (
        "kafka+tcp://a:1",
        "json+udp://a:1",
        "file:",
        "json+tcp://a",
        "syslog+udp://u@h:1",
    ):
        with pytest.raises(ValueError, match=r"use file:/PATH, json\+tcp://HOST:PORT"):
            parse_destination(text)
    for text in ("syslog+tls://logs.example:6514", "syslog+unix:/dev/log", "json+tcp://[::1]:9"):
        assert str(parse_destination(text)) == text
