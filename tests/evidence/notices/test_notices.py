"""Notices: who is told when, by a real mail server and a real web server; and when those fail."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, select

from evidence.channels import ChannelFault, channels
from evidence.notices import (
    KINDS,
    MailSettings,
    NoticeSettings,
    Recipient,
    WebhookSettings,
    notify,
)
from evidence.notices.delivering import (
    ATTEMPTS_MAX,
    EXPIRY_SECONDS,
    PAUSE_SECONDS_MAX,
    Told,
    compose,
    deliver,
    pause_seconds,
)
from evidence.notices.posting import GATHER_SECONDS, WAITING_MAX, due_at
from evidence.notices.tables import FAILED, SENT, WAITING, outbox
from evidence.store import EvidenceStore
from tests.evidence.notices.servers import PASSWORD, USER, mail_server, web_server
from tests.lychgate.running import free_port

NOW = 1_795_259_307.0
"""Saturday 21 November 2026, 11:08 in London."""
LONDON = "Europe/London"
TITLES = {"crewe": "Crewe hub", "derby": "Derby hub"}
DSL = Recipient("email", "dsl@college.example")


class Box:
    """An outbox, and who is told."""

    def __init__(self, store: EvidenceStore, settings: NoticeSettings) -> None:
        self.store = store
        self.settings = settings

    async def tell(self, at: float = NOW, **more: Any) -> int:
        given: dict[str, Any] = {
            "kind": "alert",
            "severity": "high",
            "venue": "crewe",
            "text": "Extremism",
            "path": "/alerts/id/1",
        }
        async with self.store.changing() as connection:
            return await notify(connection, self.settings, at, **{**given, **more})

    async def deliver(self, at: float) -> Told:
        return await deliver(self.store, self.settings, TITLES, LONDON, at)

    async def rows(self) -> list[Row[Any]]:
        async with self.store.reading() as connection:
            found = await connection.execute(select(outbox).order_by(outbox.c.id))
            return list(found)


def tell(folder: Path, settings: NoticeSettings, story: Any) -> None:
    async def run() -> None:
        url = f"sqlite+aiosqlite:///{folder}/telemetry.db"
        store = await EvidenceStore.open(url, create=True)
        try:
            await story(Box(store, settings))
        finally:
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def mail(folder: Path, port: int, ca: Path | None, **more: Any) -> NoticeSettings:
    (folder / "password").write_text(f"{PASSWORD}\n")
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "starttls",
        "sender": "Lychgate <lychgate@college.example>",
        "user": USER,
        "password_file": folder / "password",
        "ca_file": ca,
    }
    return NoticeSettings(
        (DSL,), MailSettings(**{**given, **more}), portal="https://portal.college.example"
    )


def test_several_alerts_are_one_mail_by_tls_with_a_password(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (post, port, ca):

        async def story(box: Box) -> None:
            await box.tell()
            await box.tell(NOW + 1, path="/alerts/id/2", severity="medium")
            assert await box.deliver(NOW + 1) == Told()  # it waits for others
            assert await box.deliver(NOW + 5) == Told(sent=1)
            assert await box.deliver(NOW + 6) == Told()
            assert {row.state for row in await box.rows()} == {SENT}

        tell(tmp_path, mail(tmp_path, port, ca), story)
    (sent,) = post.mails
    assert (post.tls, post.users) == ([True], [USER])
    assert sent["Subject"] == "2 new safeguarding alerts at Crewe hub (high)"
    assert sent["To"] == "dsl@college.example" and sent["Auto-Submitted"] == "auto-generated"
    body = str(sent.get_payload(decode=True), "utf-8")
    assert "https://portal.college.example/alerts/id/2" in body and "Extremism" in body


@pytest.mark.parametrize("fault", ["untrusted", "password", "clear"])
def test_nothing_is_sent_without_trust(tmp_path: Path, fault: str) -> None:
    with mail_server(tmp_path) as (post, port, ca):
        settings = {
            "untrusted": lambda: mail(tmp_path, port, None),
            "password": lambda: mail(tmp_path, port, ca, user="somebody"),
            "clear": lambda: mail(tmp_path, port, ca, security="none", host="mail.example"),
        }[fault]()

        async def story(box: Box) -> None:
            await box.tell()
            assert await box.deliver(NOW + 5) == Told(failed=1)
            (row,) = await box.rows()
            assert row.state == WAITING and row.problem and PASSWORD not in row.problem

        tell(tmp_path, settings, story)
    assert post.mails == []


def test_a_server_that_is_down_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    port = free_port()

    async def story(box: Box) -> None:
        await box.tell()
        await box.tell(NOW + 1)
        at, tries = NOW + 5, 0
        (row, _) = await box.rows()
        while row.state == WAITING and tries < ATTEMPTS_MAX - 1:
            assert await box.deliver(at) == Told(failed=1)
            (row, _) = await box.rows()
            assert row.due_at > at and "Connect" in row.problem
            at, tries = row.due_at, tries + 1
        with mail_server(tmp_path, port) as (post, _, ca):
            box.settings = mail(tmp_path, port, ca)
            assert await box.deliver(at) == Told(sent=1)
        assert len(post.mails) == 1
        assert {row.state for row in await box.rows()} == {SENT}
        # And one that never comes back is given up, and said so.
        await box.tell(at)
        for _ in range(ATTEMPTS_MAX):
            at += PAUSE_SECONDS_MAX
            await box.deliver(at)
        assert await box.deliver(at + PAUSE_SECONDS_MAX) == Told()
        assert [row.state for row in await box.rows()] == [SENT, SENT, FAILED]

    tell(tmp_path, mail(tmp_path, port, None), story)


def test_an_address_that_is_refused_for_good_is_not_tried_again(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (post, port, ca):
        post.refused = "550 no such mailbox"

        async def story(box: Box) -> None:
            await box.tell()
            await box.deliver(NOW + 5)
            (row,) = await box.rows()
            assert row.state == FAILED and "550" in row.problem

        tell(tmp_path, mail(tmp_path, port, ca), story)


def test_what_is_too_old_is_not_tried_again(tmp_path: Path) -> None:
    async def story(box: Box) -> None:
        await box.tell()
        await box.deliver(NOW + EXPIRY_SECONDS + 1)
        (row,) = await box.rows()
        assert row.state == FAILED and row.attempts == 1

    tell(tmp_path, mail(tmp_path, free_port(), None), story)


def test_a_webhook_is_signed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a long secret\n")
    with web_server() as (posted, url):
        settings = NoticeSettings(
            (Recipient("webhook", ""),), webhook=WebhookSettings(url, tmp_path / "secret")
        )

        async def story(box: Box) -> None:
            await box.tell()
            assert await box.deliver(NOW + 5) == Told(sent=1)
            posted.status, posted.location = 302, "http://127.0.0.1:1/elsewhere"
            await box.tell(NOW + 9)
            assert await box.deliver(NOW + 20) == Told(failed=1)  # it goes nowhere else
            assert "status 302" in (await box.rows())[-1].problem

        tell(tmp_path, settings, story)
    body = posted.bodies[0]
    parts = dict(part.split("=") for part in posted.headers[0]["Lychgate-Signature"].split(","))
    expected = hmac.new(b"a long secret", f"{parts['t']}.".encode() + body, hashlib.sha256)
    assert parts["v1"] == expected.hexdigest()
    said = json.loads(body)
    assert said["summary"] == "1 new safeguarding alert at Crewe hub (high)"
    assert said["notices"][0]["severity"] == "high"


@pytest.mark.parametrize(
    "url", ["http://localhost:9/", "https://localhost:9/", "https://10.0.0.1/", "http://192.0.2.1/"]
)
def test_a_webhook_goes_into_no_private_network(tmp_path: Path, url: str) -> None:
    settings = NoticeSettings(webhook=WebhookSettings(url))
    message = compose(_rows(), "", {}, LONDON)
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(channels()["webhook"](message, "", settings))
    assert caught.value.for_good


def test_who_is_told_what(tmp_path: Path) -> None:
    settings = NoticeSettings(
        (
            Recipient("email", "all@x.example"),
            Recipient("email", "grave@x.example", severity="high"),
            Recipient("email", "derby@x.example", venues=frozenset({"derby"})),
            Recipient("email", "it@x.example", kinds=frozenset({"list", "check"})),
        )
    )

    async def story(box: Box) -> None:
        assert await box.tell(severity="medium") == 1
        assert await box.tell(severity="high") == 2
        assert await box.tell(severity="low", venue="derby") == 2
        assert await box.tell(kind="list", severity="medium", venue="") == 2
        with pytest.raises(ValueError, match="allowed: alert"):
            await box.tell(kind="gossip")
        told = [(row.recipient, row.kind, row.severity) for row in await box.rows()]
        assert told[0] == ("all@x.example", "alert", "medium")
        assert told[-1] == ("it@x.example", "list", "medium")

    tell(tmp_path, settings, story)


def test_a_flood_is_bounded(tmp_path: Path) -> None:
    async def story(box: Box) -> None:
        async with box.store.changing() as connection:
            for _ in range(WAITING_MAX + 5):
                await notify(
                    connection,
                    box.settings,
                    NOW,
                    kind="check",
                    severity="low",
                    text="A check failed",
                    path="/checks",
                )
        assert len(await box.rows()) == WAITING_MAX

    tell(tmp_path, NoticeSettings((DSL,)), story)


@pytest.mark.parametrize(
    "when,hour,weekday,due",
    [
        ("daily", 8, 0, "2026-11-22T08:00"),
        ("daily", 15, 0, "2026-11-21T15:00"),
        ("weekly", 8, 0, "2026-11-23T08:00"),
        ("weekly", 12, 5, "2026-11-21T12:00"),
        ("weekly", 8, 5, "2026-11-28T08:00"),
    ],
)
def test_digests(when: Any, hour: int, weekday: int, due: str) -> None:
    one = Recipient("email", "x@x.example", when=when, hour=hour, weekday=weekday)
    found = due_at(one, NOW, ZoneInfo(LONDON))
    assert datetime.fromtimestamp(found, ZoneInfo(LONDON)).isoformat(timespec="minutes")[:16] == due


def test_at_once_but_for_what_waits_for_the_digest() -> None:
    assert due_at(DSL, NOW, ZoneInfo(LONDON)) == NOW + GATHER_SECONDS
    digest = due_at(DSL, NOW, ZoneInfo(LONDON), digest=True)
    assert datetime.fromtimestamp(digest, ZoneInfo(LONDON)).hour == 8


def test_pauses_grow_and_end() -> None:
    pauses = [pause_seconds(n) for n in range(30)]
    assert pauses == sorted(pauses) and pauses[0] == 5 and pauses[-1] == PAUSE_SECONDS_MAX


def test_a_message_holds_nothing_personal() -> None:
    hostile = "x\r\nBcc: everybody@x.example"
    message = compose(_rows(venue=hostile), "https://p.example", {}, LONDON)
    assert "\n" not in message.subject and "\r" not in message.subject
    several = compose([*_rows(), *_rows(venue="derby", kind="check")], "", TITLES, LONDON)
    assert several.subject == (
        "1 new safeguarding alert, 1 filter check that failed at 2 venues (high)"
    )
    assert set(channels()) == {"email", "webhook"} and len(KINDS) == 4


def _rows(**more: Any) -> list[Any]:
    from types import SimpleNamespace

    given = {"id": 1, "attempts": 0, "at": NOW, "kind": "alert", "severity": "high"}
    given |= {"venue": "crewe", "text": "Extremism", "path": "/alerts/id/1"}
    return [SimpleNamespace(**{**given, **more})]
