"""A real resolver, a real recorder and a real mail server: from a query to the mail."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import select

from categoriser import taxonomy
from evidence.alerts.figures import AlertFigures, read_figures
from evidence.alerts.reading import alerts, held
from evidence.alerts.rows import Kept
from evidence.duties import duties
from evidence.notices.tables import outbox
from evidence.recorder import Recorder
from evidence.store import EvidenceStore
from lychgate.alert_metrics import AlertCollector
from lychgate.config import load, parse
from lychgate.faults import ConfigurationFault
from lychgate.notice_settings import alert_settings, notice_settings
from lychgate.recording import recorder_settings
from tests.evidence.notices.servers import PASSWORD, USER, mail_server
from tests.lychgate.running import Serving, upstream, wait_until
from tests.lychgate.test_recording import recorder

BAD = ("islam4uk.com", "www.islam4uk.com", "almuhajiroun.com", "anjemchoudary.com")
VPN = ("nordvpn.com", "protonvpn.com", "expressvpn.com", "surfshark.com", "mullvad.net")
QUERIES = 40


def settings(folder: Path, port: int, ca: Path) -> str:
    (folder / "mail.password").write_text(f"{PASSWORD}\n")
    return f"""
            [alerts]
            digest_only = ["gambling"]
            [notices.mail]
            host = "127.0.0.1"
            port = {port}
            sender = "lychgate@college.example"
            user = "{USER}"
            password_file = "mail.password"
            ca_file = "{ca}"
            [[notices.recipients]]
            to = "dsl@college.example"
            severity = "medium"
    """


def ask(serving: Serving, name: str, source: str) -> None:
    """Ask as a device with an address of its own."""
    query = dns.message.make_query(name, "A", use_edns=0)
    dns.query.udp(query, "127.0.0.1", port=serving.port, source=source, timeout=5)


async def all_alerts(url: str) -> list[Kept]:
    try:
        store = await EvidenceStore.open(url)
    except Exception:
        return []
    try:
        async with store.reading() as connection:
            return await alerts(connection)
    finally:
        await store.close()


def test_a_burst_is_one_alert_and_one_mail_within_seconds(tmp_path: Path) -> None:
    with mail_server(tmp_path) as (post, mail_port, ca), upstream() as port:
        extra = settings(tmp_path, mail_port, ca)
        with Serving(tmp_path, port, extra=extra).ready() as serving, recorder(serving) as kept:
            configuration = load(serving.configuration)
            url, state = configuration.telemetry_url, configuration.state_directory
            wait_until(lambda: (state / "recorder.json").exists(), "the recorder", 20)
            ask(serving, "stormfront.org", "127.0.0.9")  # once, and nothing after it
            began = time.monotonic()
            for number in range(QUERIES):
                ask(serving, BAD[number % len(BAD)], "127.0.0.7")
            for name in VPN:
                ask(serving, name, "127.0.0.8")
            wait_until(lambda: post.mails, "a mail", 30)
            took = time.monotonic() - began
            found = wait_until(
                lambda: (
                    len(seen := asyncio.run(all_alerts(url))) == 2
                    and sum(one.group.queries for one in seen) == QUERIES + len(VPN)
                    and seen
                ),
                "two whole alerts",
                20,
            )
            wait_until(lambda: 'theme="extremism"' in serving.page("/metrics")[1], "the figure", 30)
            kept.terminate()
            assert kept.wait(15) == 0
    assert took < 20
    burst = next(one for one in found if one.group.theme == "extremism")
    bypass = next(one for one in found if one.group.theme == "bypass")
    assert burst.group.queries == burst.group.blocked == QUERIES and burst.severity == "high"
    assert burst.group.categories == ["extremism-religious"]
    assert (bypass.severity, bypass.state) == ("medium", "new")  # five different sites
    text = "".join(f"{mail['Subject']}\n{mail.get_payload()}" for mail in post.mails)
    assert len(post.mails) <= 2 and "safeguarding alert" in text and "(high)" in text
    personal = [*BAD, *VPN, burst.group.pseudonym, burst.group.pseudonym[:8], "127.0.0.7"]
    assert not [word for word in personal if word in text]
    # A minute later the single look is held back, and seen.
    later = Recorder(
        recorder_settings(configuration),
        taxonomy.load(),
        lambda: time.time() + 60,
        [duty for duty in duties() if duty.name == "alerts"],
    )
    assert asyncio.run(asyncio.wait_for(later.once(), 60))
    rules, seen, told = asyncio.run(look(url))
    assert rules.keys() == {"prefetch"}
    # With the one name that `Serving` asks for until it is answered.
    assert {name for one in seen for name in one.group.domains} <= {"stormfront.org", "bet365.com"}
    assert "stormfront.org" in {name for one in seen for name in one.group.domains}
    assert told == 2  # and nobody was told of it


async def look(url: str) -> tuple[Any, list[Kept], int]:
    store = await EvidenceStore.open(url)
    try:
        async with store.reading() as connection:
            rules, seen = await held(connection, time.time() - 3600)
            rows = (await connection.execute(select(outbox))).all()
        return rules, seen, len(rows)
    finally:
        await store.close()


@pytest.mark.parametrize(
    "text,fault",
    [
        ('[[notices.recipients]]\nto = "dsl@college.example"', "notices.mail.host"),
        ('[[notices.recipients]]\nto = "a b"', "notices.recipients[0].to"),
        ('[[notices.recipients]]\nchannel = "pigeon"', "email, webhook"),
        ('[[notices.recipients]]\nchannel = "webhook"', "notices.webhook.url"),
        ('[notices.webhook]\nurl = "ftp://x"', "notices.webhook.url"),
        ('[notices.mail]\nhost = "mail.example"', "notices.mail.sender"),
        ('[alerts]\ndigest_only = ["streaming"]', "makes no alerts"),
        ('[[alerts.categories]]\ncategory = "adult"\nseverity = "dire"', "severity"),
    ],
)
def test_settings_that_are_wrong(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        parse(text)
    assert fault in "\n".join(caught.value.faults)


def test_settings_that_are_right(tmp_path: Path) -> None:
    configuration = parse(
        """
        [[alerts.categories]]
        category = "adult"
        severity = "medium"
        [notices.mail]
        host = "mail.example"
        sender = "lychgate@college.example"
        [notices.webhook]
        url = "https://hooks.example/x"
        secret_file = "secret"
        [[notices.recipients]]
        to = "dsl@college.example"
        venues = ["crewe"]
        when = "weekly"
        weekday = "friday"
        [[notices.recipients]]
        channel = "webhook"
        about = ["check", "list"]
        """
    )
    assert alert_settings(configuration.alerts).severity == {"adult": "medium"}
    found = notice_settings(configuration.notices, tmp_path, "https://p.example")
    dsl, hook = found.recipients
    assert (dsl.venues, dsl.weekday, dsl.kinds) == ({"crewe"}, 4, {"alert", "check"})
    assert hook.kinds == {"check", "list"}
    assert found.webhook is not None and found.webhook.secret_file == tmp_path / "secret"


def test_figures_without_a_file_or_with_a_damaged_one(tmp_path: Path) -> None:
    registry, file = CollectorRegistry(), tmp_path / "alerts.json"
    registry.register(AlertCollector(file))
    assert b"lychgate_alerts{" not in generate_latest(registry)
    file.write_bytes(b"\xff{")
    assert read_figures(file) is None
    import msgspec

    figures = AlertFigures(
        written_at=100.0,
        alerts=[("extremism", "high", "new", "", "crewe", 3)],
        held=[("prefetch", 7)],
        notices=[("email", "failed", 1)],
        oldest_new_at=40.0,
    )
    file.write_bytes(msgspec.json.encode(figures))
    text = generate_latest(registry).decode()
    assert 'severity="high",state="new",theme="extremism",venue="crewe"} 3.0' in text
    assert 'lychgate_alerts_held{rule="prefetch"} 7.0' in text
    assert "lychgate_alert_waiting_seconds 60.0" in text
