"""One check from the command line: everything opened, used once and closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence

from evidence.checks.results import Run
from lychgate.config import Configuration
from lychgate.live_explaining import Explaining
from lychgate.selfchecking.checking import Checking
from lychgate.telemetry_store import evidence_of


def check_once(
    configuration: Configuration, who: str, venues: Collection[str], profile: str
) -> tuple[tuple[Run, ...], Sequence[str]]:
    """The runs, and what could not be done. Raises `CheckFault`, and ValueError for a policy that
    cannot be used.
    """

    async def run() -> tuple[tuple[Run, ...], Sequence[str]]:
        explaining = Explaining(configuration)
        evidence = evidence_of(configuration)
        try:
            checking = Checking(configuration, explaining.ground, evidence, time.time)
            return await checking.run(who, venues, profile), checking.problems
        finally:
            explaining.close()
            if evidence is not None:
                await evidence.close()

    return asyncio.run(run())
