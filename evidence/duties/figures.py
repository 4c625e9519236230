"""Works out the figures for Prometheus that need the databases, and writes them into a file.

Every twenty seconds while that is cheap. Where it takes long it is done less often, so that it
never takes more than a twentieth of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.duties import Context
from evidence.figures import Period
from evidence.measured import RECORDER_FILE, Family, Measured, read_measured, write_measured
from evidence.measuring import (
    DAY,
    MONTH,
    MONTH_DAYS,
    Area,
    Given,
    MeasuringSettings,
    Sample,
    areas,
)
from evidence.places import zone_of
from policy.store.faults import StoreFault

INTERVAL_SECONDS: Final = 5.0
EVERY_SECONDS: Final = 20.0
SHARE_MAX: Final = 0.05
"""Of the time, at most, that working out may take."""


class MeasuringFault(Exception):
    """Some areas have no figures."""


async def run(context: Context) -> None:
    """One run. Raises `MeasuringFault` after the others were written."""
    path = context.state_directory / RECORDER_FILE
    known = await asyncio.to_thread(read_measured, path)
    if known is not None:
        pause = max(EVERY_SECONDS, known.seconds / SHARE_MAX)
        if 0 <= context.at - known.written_at < pause:
            return
    began = time.monotonic()
    families, faults = await _measure(context)
    took = time.monotonic() - began
    await asyncio.to_thread(write_measured, path, Measured(context.at, took, tuple(families)))
    if faults:
        raise MeasuringFault("; ".join(faults))


async def _measure(context: Context) -> tuple[list[Family], list[str]]:
    """All families with figures, and what is wrong. That there is no store is nothing wrong: the
    policy may be a document. Then what people decide has no figures.
    """
    zone = ZoneInfo(await zone_of(context.decisions))
    periods = {
        DAY: Period.last_days(1, context.at, zone),
        MONTH: Period.last_days(MONTH_DAYS, context.at, zone),
    }
    settings = context.given.get("measuring", MeasuringSettings())
    families: list[Family] = []
    faults: list[str] = []
    async with AsyncExitStack() as opened:
        happened = await opened.enter_async_context(context.evidence.reading())
        decided: AsyncConnection | None = None
        try:
            store = await opened.enter_async_context(context.decisions())
            decided = await opened.enter_async_context(store.reading())
        except StoreFault as fault:
            if fault.kind != "gone":
                faults.append(str(fault))
        given = Given(
            happened, decided or happened, context.taxonomy, periods, context.at, zone, settings
        )
        for area in areas():
            if decided is None and area.needs_store:
                continue
            try:
                families += filled(area, await area.measure(given))
            except (SQLAlchemyError, StoreFault, ValueError, LookupError) as fault:
                faults.append(f"{area.name}: {type(fault).__name__}: {fault}")
    return families, faults


def filled(area: Area, found: Mapping[str, Sequence[Sample]]) -> list[Family]:
    """The families of an area with their figures."""
    return [
        Family(one.name, one.help, one.labels, one.kind, tuple(found.get(one.name, ())))
        for one in area.families
    ]
