"""Hostile names on their way to programs: logs, metrics, a log engine, dnstap, mail, webhook, the
database.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from categoriser.names import from_labels, from_text, to_text
from evidence.store import EvidenceStore
from evidence.tables import domains, grounds, names
from tests.lychgate.hostile.conftest import ENDING, Place
from tests.lychgate.hostile.material import (
    EXTREMISM,
    GAMBLING,
    LABELS,
    NAME,
    OPEN,
    is_plain,
    written,
)
from tests.lychgate.running import Serving, upstream, wait_until
from tests.resolver.telemetry.test_tap import capturing, needs_receiver, read

OF_A_NAME = re.compile(r"bet365|ironmarch|wanted|alert\(|script|calc|\\0|31m")


def test_no_log_has_a_name(place: Place) -> None:
    for log in (place.serving.log, place.serving.folder / "recorder.log"):
        text = log.read_text()
        is_plain(text)
        assert not OF_A_NAME.search(text) and "Traceback" not in text


def test_one_metric_has_names_as_text_and_no_other(place: Place) -> None:
    candidate = "lychgate_review_candidate"

    def scraped() -> str:
        status, text = place.serving.page("/metrics")
        assert status == 200
        return text

    wait_until(lambda: f"{candidate}{{" in scraped(), "candidates", 60)
    text = scraped()
    is_plain(text)
    sites = set()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == candidate:
                sites.add(sample.labels["site"])
                continue
            for value in sample.labels.values():
                assert not OF_A_NAME.search(value), sample
    assert {written(label, ENDING) for label in LABELS} <= sites


def test_a_message_to_a_log_engine_is_one(place: Place) -> None:
    found = []
    for message in place.engine.messages():
        is_plain(message, also="")
        head, _, body = message.partition("] {")
        assert re.match(r"<1\d\d>1 \S+ \S+ lychgate \d+ (query|decision) \[lychgate@32473 ", head)
        found.append(json.loads("{" + body))
    asked = {one["name"] for one in found if one["kind"] == "query"}
    assert all(NAME.fullmatch(name) for name in asked)
    for site in (GAMBLING, EXTREMISM, ENDING):
        assert {written(label, site) for label in LABELS} <= asked


def test_the_database_holds_every_octet_as_text(place: Place) -> None:
    async def read_all() -> list[str]:
        store = EvidenceStore.at(place.configuration.telemetry_url)
        async with store.reading() as connection:
            found = [
                text
                for column in (names.c.name, domains.c.domain, grounds.c.rule)
                for text in await connection.scalars(select(column))
            ]
        await store.close()
        return found

    found = asyncio.run(read_all())
    assert all(text.isascii() and text.isprintable() for text in found)
    for label in LABELS:
        kept = from_text(written(label))
        assert to_text(kept) in found
        assert kept == from_labels([label.lower(), *GAMBLING.encode().split(b".")])


def test_messages_to_people_hold_no_name(place: Place) -> None:
    assert place.post.mails and place.posted.bodies
    for mail in place.post.mails:
        body = mail.get_payload(decode=True)
        assert isinstance(body, bytes)
        text = "\n".join([*map(str, mail.values()), body.decode()])
        is_plain(text, also="\r\n")
        assert not OF_A_NAME.search(text)
    for posted in place.posted.bodies:
        is_plain(posted.decode())
        assert not OF_A_NAME.search(str(json.loads(posted)))


@needs_receiver
def test_dnstap_holds_every_octet_and_its_reader_shows_lines(tmp_path: Path) -> None:
    extra = 'dnstap.receiver = "unix:tap.sock"\ndnstap.queries = true\n'
    with capturing(tmp_path) as taken, upstream() as port:  # noqa: SIM117 - it ends last
        with Serving(tmp_path, port, extra=extra) as serving:
            place = Place.__new__(Place)
            place.serving = serving.ready()
            wait_until(
                lambda: "lychgate_dnstap_connected 1.0" in serving.page("/metrics")[1], "connected"
            )
            for label in LABELS:
                for site in (GAMBLING, OPEN):
                    place.ask(label, *site.encode().split(b"."))
            assert serving.stop() == 0
    shown = read(taken, "-q")
    is_plain(shown)
    for site in (GAMBLING, OPEN):
        assert sum(f".{site}." in line for line in shown.splitlines()) == 2 * len(LABELS)
    octets = taken.read_bytes()
    for label in LABELS:
        assert bytes((len(label),)) + label + b"\x06bet365" in octets
