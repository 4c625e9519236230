"""From events to alerts, in a real database of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from categoriser import taxonomy
from evidence.alerts.figures import figures
from evidence.alerts.keeping import prune
from evidence.alerts.rows import Kept, from_row
from evidence.alerts.tables import CLOSED, groups, inbox, suspicions
from evidence.alerts.taking import Taking, Took
from evidence.alerts.themes import AlertSettings
from evidence.notices import NoticeSettings, Recipient
from evidence.notices.tables import outbox
from evidence.spool import Detail
from evidence.store import EvidenceStore
from tests.evidence.happenings import batch, detail, record

NOW = 1_795_259_307.0
TAXONOMY = taxonomy.load()
DAY = 86_400.0


def hate(at: float, name: str = "stormfront.org", **more: Any) -> Detail:
    return detail(
        at,
        name,
        **{
            "category": "extremism-right-wing",
            "rule": name,
            "sources": ("starter:extremism-right-wing",),
            **more,
        },
    )


class Room:
    """A database, and what takes events in."""

    def __init__(self, store: EvidenceStore, **settings: Any) -> None:
        self.store = store
        self.settings = AlertSettings(**settings)
        self.notices = NoticeSettings((Recipient("email", "dsl@college.example"),))
        self.batches = 0

    async def happen(self, details: Sequence[Detail], at: float = NOW) -> None:
        self.batches += 1
        await record(self.store, batch(f"b{self.batches}", details, at=at), at=at)

    async def take(self, at: float) -> Took:
        taking = Taking(TAXONOMY, self.settings, self.notices, "Europe/London")
        async with self.store.changing() as connection:
            return await taking.take(connection, at)

    async def all(self) -> list[Kept]:
        async with self.store.reading() as connection:
            rows = await connection.execute(select(groups).order_by(groups.c.id))
            return [from_row(row) for row in rows]

    async def count(self, table: Any) -> int:
        async with self.store.reading() as connection:
            return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


def tell(url: str, story: Any, **settings: Any) -> None:
    async def run() -> None:
        store = await EvidenceStore.open(url, create=True)
        try:
            await story(Room(store, **settings))
        finally:
            await store.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_burst_is_one_alert_and_one_notice(evidence_url: str) -> None:
    async def story(room: Room) -> None:
        names = ["stormfront.org", "www.stormfront.org", "amren.com"]
        await room.happen([hate(NOW + n / 2, names[n % 3]) for n in range(40)])
        took = await room.take(NOW + 21)
        assert (took.events, took.alerts) == (40, [1])
        (kept,) = await room.all()
        assert (kept.state, kept.severity, kept.group.theme) == ("new", "high", "extremism")
        assert kept.group.queries == kept.group.blocked == 40
        assert set(kept.group.domains) == {"stormfront.org", "amren.com"}
        assert await room.count(outbox) == 1
        assert await room.count(inbox) == 0
        # More of it belongs to the same alert, and nobody is told again.
        await room.happen([hate(NOW + 300)], NOW + 300)
        assert (await room.take(NOW + 301)).alerts == []
        (kept,) = await room.all()
        assert kept.group.queries == 41 and await room.count(outbox) == 1
        # And nothing counts twice.
        assert await room.take(NOW + 302) == Took()
        assert await room.all() == [kept]

    tell(evidence_url, story)


def test_devices_and_themes_are_kept_apart(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        other = {"address": "10.20.3.8"}
        harm = {"category": "self-harm"}
        await room.happen(
            [
                *(hate(NOW + n * 15) for n in range(3)),
                *(hate(NOW + n * 15, **other) for n in range(3)),
                *(hate(NOW + n * 15, "harm.example", **harm) for n in range(3)),
            ]
        )
        assert len((await room.take(NOW + 60)).alerts) == 3
        kept = await room.all()
        assert {(one.group.pseudonym, one.group.theme) for one in kept} == {
            (kept[0].group.pseudonym, "extremism"),
            (kept[1].group.pseudonym, "extremism"),
            (kept[0].group.pseudonym, "self-harm"),
        }

    tell(sqlite_url, story)


def test_one_look_is_held_back_and_seen_until_there_is_another(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW), hate(NOW + 0.1)])
        await room.take(NOW + 1)
        assert [one.state for one in await room.all()] == ["pending"]
        await room.take(NOW + 50)
        (kept,) = await room.all()
        assert (kept.state, kept.rule) == ("held", "prefetch")
        assert await room.count(outbox) == 0
        async with room.store.reading() as connection:
            assert (await figures(connection, NOW)).held == [("prefetch", 1)]
        await room.happen([hate(NOW + 7200)], NOW + 7200)
        assert (await room.take(NOW + 7201)).alerts == [kept.id]
        (kept,) = await room.all()
        assert (kept.state, kept.rule, kept.group.queries) == ("new", "", 3)

    tell(sqlite_url, story)


def test_repeated_ways_round_the_filter_make_one_alert(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        names = ["nordvpn.com", "protonvpn.com", "hidemyass.com", "expressvpn.com"]
        await room.happen(
            [
                detail(NOW + n * 20, name, category="circumvention-vpn")
                for n, name in enumerate(names)
            ]
        )
        assert len((await room.take(NOW + 100)).alerts) == 1
        (kept,) = await room.all()
        assert (kept.group.theme, kept.severity) == ("bypass", "low")

    tell(sqlite_url, story)


def test_a_whole_venue_at_once_is_a_note_about_the_list(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        details = [
            hate(NOW + n + look * 30, "news.example", address=f"10.20.3.{n}")
            for look in range(2)
            for n in range(1, 31)
        ]
        await room.happen(details)
        assert (await room.take(NOW + 70)).alerts == []
        kept = await room.all()
        assert len(kept) == 30 and {(one.state, one.rule) for one in kept} == {
            ("held", "venue-wide")
        }
        async with room.store.reading() as connection:
            (noted,) = (await connection.execute(select(suspicions))).all()
            (told,) = (await connection.execute(select(outbox))).all()
        assert (noted.domain, noted.devices) == ("news.example", 30)
        assert noted.sources == "starter:extremism-right-wing"
        assert told.kind == "list" and "news.example" not in str(told)

    tell(sqlite_url, story)


def test_after_closing_new_looks_are_a_new_alert_that_refers_to_it(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW), hate(NOW + 20)])
        await room.take(NOW + 21)
        async with room.store.changing() as connection:
            await connection.execute(
                groups.update().values(state=CLOSED, closed_at=NOW + 60, outcome="no-concern")
            )
        await room.happen([hate(NOW + 100), hate(NOW + 130)], NOW + 130)
        assert (await room.take(NOW + 131)).alerts == [2]
        first, second = await room.all()
        assert (first.state, first.group.queries) == ("closed", 2)
        assert (second.state, second.refers_to) == ("new", 1)

    tell(sqlite_url, story)


def test_whatever_the_action_was(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW + n * 20, action="monitor") for n in range(2)])
        assert (await room.take(NOW + 30)).alerts == [1]
        (kept,) = await room.all()
        assert (kept.group.queries, kept.group.blocked) == (2, 0)

    tell(sqlite_url, story)


def test_an_organisation_turns_a_category_off(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW + n * 20) for n in range(9)])
        assert await room.take(NOW + 200) == Took(9)
        assert await room.all() == []

    tell(sqlite_url, story, severity={"extremism-right-wing": "none"})


def test_a_graver_alert_is_told_to_those_who_were_not_told(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        room.notices = NoticeSettings(
            (
                Recipient("email", "all@x.example"),
                Recipient("email", "g@x.example", severity="high"),
            )
        )
        looks = [detail(NOW + n * 20, "arms.example", category="weapons") for n in range(10)]
        await room.happen(looks[:3])
        await room.take(NOW + 50)
        await room.happen(looks[3:])
        await room.take(NOW + 200)
        async with room.store.reading() as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.id))).all()
        assert [(row.recipient, row.severity) for row in rows] == [
            ("all@x.example", "medium"),
            ("g@x.example", "high"),
        ]

    tell(sqlite_url, story)


def test_old_alerts_go_and_open_ones_stay(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW), hate(NOW + 20)])
        await room.happen([hate(NOW, address="10.20.3.9"), hate(NOW + 20, address="10.20.3.9")])
        await room.happen([hate(NOW, address="10.20.3.10")])
        await room.take(NOW + 100)
        assert [one.state for one in await room.all()] == ["new", "new", "held"]
        async with room.store.changing() as connection:
            await connection.execute(
                groups.update()
                .where(groups.c.id == 1)
                .values(state=CLOSED, closed_at=NOW, note="Spoke with her tutor.")
            )
            await prune(connection, room.settings, 90, NOW + 366 * DAY)
        first, second = await room.all()
        assert (first.state, first.note, second.state) == ("closed", "", "new")
        async with room.store.changing() as connection:
            await prune(connection, room.settings, 90, NOW + 731 * DAY)
        assert [one.id for one in await room.all()] == [2]

    tell(sqlite_url, story)


def test_a_false_positive_counts_at_its_venue_only(sqlite_url: str) -> None:
    async def story(room: Room) -> None:
        await room.happen([hate(NOW, "poem.example"), hate(NOW + 20, "poem.example")])
        await room.take(NOW + 21)
        async with room.store.changing() as connection:
            await connection.execute(
                groups.update().values(state=CLOSED, closed_at=NOW + 60, outcome="false-positive")
            )
        for venue, address in (("crewe", "10.20.3.8"), ("derby", "10.30.3.8")):
            looks = [
                hate(NOW + 100 + n * 20, "poem.example", venue=venue, address=address)
                for n in range(2)
            ]
            await room.happen(looks, NOW + 130)
        await room.take(NOW + 131)
        assert [(one.group.venue, one.state, one.rule) for one in await room.all()] == [
            ("crewe", "closed", ""),
            ("crewe", "held", "false-positive"),
            ("derby", "new", ""),
        ]

    tell(sqlite_url, story)
