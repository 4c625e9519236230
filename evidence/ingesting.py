"""From batches of the spool to rows, in one transaction: each batch exactly once.

Here a device becomes a pseudonym. Its identity is kept beside it, sealed, only for events of
categories that matter to safeguarding, and for repeated attempts to get round the filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence import tables
from evidence.alerts.tables import inbox as alert_inbox
from evidence.checks.known import Checks
from evidence.counting import add, add_up, put, widen
from evidence.despatch.keeping import keep_for_sending
from evidence.domains import registered
from evidence.instants import first_id
from evidence.interning import Interned, Words
from evidence.keyring import key_at
from evidence.outward import OutwardSettings
from evidence.pseudonyms import Identity, Key
from evidence.reading.blocked import bypass_categories
from evidence.spool import Batch, Detail
from evidence.tables import CHECK

REPEATED_MIN: Final = 5
"""Attempts of one device to get round the filter, under one key, that make them repeated."""
SEEN_MAX: Final = 200_000
"""Rows that are remembered not to be written again; beyond it all are forgotten."""
TEXT_CHARACTERS_MAX: Final = 1_024
AHEAD_SECONDS_MAX: Final = 86_400.0
"""An event further in the future is of a clock gone wrong, and counts as of now."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some batches."""

    batches: int
    """Those that were new."""
    details: int
    lost: int
    """Queries that the resolvers could not note."""
    last_at: float | None


class Ingesting:
    """Writes batches into one database."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        pseudonym_seconds: float,
        outward: OutwardSettings | None = None,
    ) -> None:
        self._outward: Final = outward
        self._flagged: Final = frozenset(
            id for id, category in taxonomy.items() if category.safeguarding != "none"
        )
        self._bypass: Final = bypass_categories(taxonomy)
        self._pseudonym_seconds: Final = pseudonym_seconds
        self._origins: Final = Interned(tables.origins, ("venue", "room", "profile", "transport"))
        self._verdicts: Final = Interned(
            tables.verdicts, ("action", "reason", "category", "sources")
        )
        self._grounds: Final = Interned(tables.grounds, ("rule", "suggestions"))
        self._domains: Final = Interned(tables.domains, ("domain",))
        self._names: Final = Interned(tables.names, ("name",))
        self._pseudonyms: Final = Interned(tables.pseudonyms, ("pseudonym",))
        self._seen: Final[set[tuple[int, int, int, int]]] = set()
        """Rows of `noted_devices` that are known to be there."""
        self._checks: Final = Checks()

    def forget(self) -> None:
        """Forget what is remembered of the database: a transaction failed, or rows are gone."""
        self._checks.forget()
        self._forget_rows()

    def _forget_rows(self) -> None:
        self._seen.clear()
        for known in (
            self._origins,
            self._verdicts,
            self._grounds,
            self._domains,
            self._names,
            self._pseudonyms,
        ):
            known.forget()

    async def take(self, connection: AsyncConnection, batches: Sequence[Batch], at: float) -> Taken:
        """Write those that are new, in the write transaction that is open."""
        if connection.dialect.name != "sqlite":
            # Other recorders write there, too, and give numbers: venues into their centre's. Only
            # what is looked up under the writer's lock is true.
            self._forget_rows()
        asked = select(tables.ingested.c.batch_id).where(
            tables.ingested.c.batch_id.in_([batch.id for batch in batches])
        )
        known = set(await connection.scalars(asked))
        fresh = list({batch.id: batch for batch in batches if batch.id not in known}.values())
        if not fresh:
            return Taken(0, 0, 0, None)
        rows = [{"batch_id": batch.id, "at": at} for batch in fresh]
        await add(connection, tables.ingested, rows)
        details = await self._checks.mark(
            connection, [detail for batch in fresh for detail in batch.details]
        )
        await self._take_tallies(connection, fresh)
        await self._take_traffic(connection, fresh)
        if details:
            await self._take_details(connection, details, at)
        return Taken(
            len(fresh),
            len(details),
            sum(batch.lost for batch in fresh),
            max((detail.at for detail in details), default=None),
        )

    async def _take_tallies(self, connection: AsyncConnection, batches: Iterable[Batch]) -> None:
        counted = self._checks.left([entry for batch in batches for entry in batch.tallies])
        verdicts = await self._verdicts.ids(connection, [_verdict(tally) for tally, _ in counted])
        origins = await self._origins.ids(
            connection, [(tally.venue, "", tally.profile, "") for tally, _ in counted]
        )
        for grain, table in tables.tallies.items():
            sums: Counter[tuple[int, int, int]] = Counter()
            for tally, queries in counted:
                origin = origins[tally.venue, "", tally.profile, ""]
                sums[_begin(tally.minute, grain), origin, verdicts[_verdict(tally)]] += queries
            await add_up(connection, table, _rows(sums, "at", "origin_id", "verdict_id"))

    async def _take_traffic(self, connection: AsyncConnection, batches: Iterable[Batch]) -> None:
        counted = [entry for batch in batches for entry in batch.traffic]
        domains = await self._domains.ids(connection, [(one.domain,) for one, _ in counted])
        venues = await self._origins.ids(connection, [_venue(one.venue) for one, _ in counted])
        for grain, table in tables.traffic.items():
            sums: Counter[tuple[int, int, int]] = Counter()
            for one, queries in counted:
                venue, domain = venues[_venue(one.venue)], domains[one.domain,]
                sums[_begin(one.minute, grain), venue, domain] += queries
            await add_up(connection, table, _rows(sums, "at", "venue_id", "domain_id"))

    async def _take_details(
        self, connection: AsyncConnection, details: list[Detail], at: float
    ) -> None:
        details.sort(key=lambda detail: min(detail.at, at + AHEAD_SECONDS_MAX))
        # A name of no public ending (`casino.local`) stands for itself.
        domain_of = {_cut(one.name): registered(one.name) or _cut(one.name) for one in details}
        domains = await self._domains.ids(connection, [(one,) for one in domain_of.values()])
        names = await self._names.ids(
            connection,
            [(name,) for name in domain_of],
            lambda words: {"domain_id": domains[domain_of[words[0]],]},
        )
        origins = await self._origins.ids(
            connection, [words for one in details for words in (_origin(one), _venue(one.venue))]
        )
        verdicts = await self._verdicts.ids(connection, [_verdict(one) for one in details])
        grounds = await self._grounds.ids(connection, [_ground(one) for one in details])
        key = await key_at(connection, at, self._pseudonym_seconds)
        hashes = {who: key.pseudonym(who.known_as) for who in {_identity(one) for one in details}}
        devices = await self._pseudonyms.ids(
            connection, [(hash,) for hash in hashes.values()], lambda _: {"key_id": key.id}
        )
        rows: list[dict[str, Any]] = []
        days: Counter[tuple[int, int, int, int]] = Counter()
        seen: set[tuple[int, int, int, int]] = set()
        ids = await _numbers(connection, [min(one.at, at + AHEAD_SECONDS_MAX) for one in details])
        for id, one in zip(ids, details, strict=True):
            device = devices[hashes[_identity(one)],]
            verdict, domain = verdicts[_verdict(one)], domains[domain_of[_cut(one.name)],]
            rows.append(
                {
                    "id": id,
                    "name_id": names[_cut(one.name),],
                    "pseudonym_id": device,
                    "origin_id": origins[_origin(one)],
                    "verdict_id": verdict,
                    "ground_id": grounds[_ground(one)],
                    "qtype": one.qtype,
                    "queries": one.queries,
                }
            )
            if one.transport == CHECK:
                continue
            day = _begin(int(one.at // 60), "days")
            venue = origins[_venue(one.venue)]
            days[day, venue, domain, verdict] += one.queries
            seen.add((domain, day, venue, device))
        await add(connection, tables.events, rows)
        of_people = [
            (id, one) for id, one in zip(ids, details, strict=True) if one.transport != CHECK
        ]
        matter = [
            {"event_id": id}
            for id, one in of_people
            if one.category in self._flagged or one.category in self._bypass
        ]
        if matter:  # for alerts: with the event or not at all
            await add(connection, alert_inbox, matter)
        await keep_for_sending(connection, self._outward, of_people)
        await add_up(
            connection,
            tables.noted_days,
            _rows(days, "at", "venue_id", "domain_id", "verdict_id"),
        )
        sums: Counter[tuple[int, int, int]] = Counter()
        for (day, _, domain, verdict), queries in days.items():
            sums[day, domain, verdict] += queries
        await add_up(connection, tables.noted_sums, _rows(sums, "at", "domain_id", "verdict_id"))
        await self._note_devices(connection, seen)
        known = {who: devices[hashes[who],] for who in hashes}
        await self._seal(connection, key, [one for _, one in of_people], known)

    async def _note_devices(
        self, connection: AsyncConnection, seen: Collection[tuple[int, int, int, int]]
    ) -> None:
        """Domain, day, venue and device: once a day each."""
        if len(self._seen) > SEEN_MAX:
            self._seen.clear()
        new = sorted(one for one in seen if one not in self._seen)
        self._seen.update(new)
        columns = ("domain_id", "at", "venue_id", "pseudonym_id")
        rows = [dict(zip(columns, one, strict=True)) for one in new]
        await put(connection, tables.noted_devices, rows)
        spans: dict[tuple[int, int], tuple[int, int]] = {}
        for domain, day, _, device in new:
            first, last = spans.get((domain, device), (day, day))
            spans[domain, device] = min(first, day), max(last, day)
        await widen(
            connection,
            tables.noted_spans,
            [
                {"domain_id": domain, "pseudonym_id": device, "first_at": first, "last_at": last}
                for (domain, device), (first, last) in sorted(spans.items())
            ],
        )

    async def _seal(
        self,
        connection: AsyncConnection,
        key: Key,
        details: Sequence[Detail],
        devices: dict[Identity, int],
    ) -> None:
        """Keep the identities that safeguarding needs, and no other."""
        called_for: dict[Identity, float] = {}
        trying: dict[Identity, float] = {}
        for one in details:
            if one.category in self._flagged:
                called_for[_identity(one)] = one.at
            elif one.category in self._bypass:
                trying[_identity(one)] = one.at
        if trying:
            repeated = await self._repeated(connection, {devices[who] for who in trying})
            called_for |= {who: at for who, at in trying.items() if devices[who] in repeated}
        rows = {
            devices[who]: {
                "pseudonym_id": devices[who],
                "sealed": key.seal(key.pseudonym(who.known_as), who),
                "last_at": at,
            }
            for who, at in called_for.items()
        }
        await put(connection, tables.identities, list(rows.values()), over=("sealed", "last_at"))

    async def _repeated(
        self, connection: AsyncConnection, devices: Collection[int]
    ) -> frozenset[int]:
        """Of these devices the ones that keep trying to get round the filter."""
        asked = select(tables.verdicts.c.id).where(tables.verdicts.c.category.in_(self._bypass))
        verdicts = list(await connection.scalars(asked))
        events = tables.events.c
        found = set()
        for device in devices:
            attempts = (
                select(events.queries)
                .where(events.pseudonym_id == device, events.verdict_id.in_(verdicts))
                .order_by(events.id.desc())
                .limit(REPEATED_MIN)
            )
            if sum(await connection.scalars(attempts)) >= REPEATED_MIN:
                found.add(device)
        return frozenset(found)


async def _numbers(connection: AsyncConnection, instants: Sequence[float]) -> list[int]:
    """A number for each event, in the order of its time, that no event has yet."""
    first, last = first_id(instants[0]), first_id(instants[-1] + 1)
    events = tables.events.c
    asked = select(events.id).where(events.id >= first, events.id <= last)
    taken = set(await connection.scalars(asked))
    found: list[int] = []
    number = 0
    for at in instants:
        number = max(number + 1, first_id(at))
        while number in taken:
            number += 1
        found.append(number)
    return found


def _begin(minute: int, grain: str) -> int:
    step = tables.MINUTES_OF[grain]
    return minute // step * step


def _rows(sums: Counter[Any], *columns: str) -> list[dict[str, int]]:
    """Rows in the order of their keys: neighbours are written to one page."""
    return [{**dict(zip(columns, key, strict=True)), "queries": sums[key]} for key in sorted(sums)]


def _cut(text: str) -> str:
    return text[:TEXT_CHARACTERS_MAX].replace("\x00", "")


def _joined(words: Iterable[str]) -> str:
    return _cut(" ".join(word.replace(" ", "_") for word in words))


def _venue(venue: str) -> Words:
    return (venue, "", "", "")


def _origin(one: Detail) -> Words:
    return (one.venue, one.room, one.profile, one.transport)


def _verdict(one: Any) -> Words:
    return (one.action, one.reason, one.category, _joined(one.sources))


def _ground(one: Detail) -> Words:
    return (_cut(one.rule), _joined(one.suggestions))


def _identity(one: Detail) -> Identity:
    return Identity(one.device, one.hostname, one.address)
