"""What else belongs to a filter that works: lists that are fresh, and a log that is written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Final

from blocklists.sources import SourceFault
from evidence.checks.reading import is_logged
from evidence.checks.results import Outcome, Result
from evidence.store import EvidenceStore
from lychgate.config import Configuration
from lychgate.listing import Listing
from policy.store import StoreFault

LOG_SECONDS_MAX: Final = 8.0
"""The resolver writes once a second, the recorder looks as often."""
PAGE_PORT: Final = 80
"""Where browsers that are led to the block page knock."""
PAGE_SECONDS_MAX: Final = 3.0


def freshness(configuration: Configuration, at: float) -> tuple[Result, ...]:
    """How fresh each published list is that is in use."""
    try:
        found = [one for one in Listing(configuration).status(at) if one.enabled]
    except (SourceFault, OSError) as fault:
        return (_result("freshness", "fail", f"The choice of lists cannot be read: {fault}"),)
    if not found:
        return (_result("freshness", "unsure", "No published list is in use."),)
    results = []
    for one in found:
        days = (one.checked_age_seconds or 0.0) / 86_400
        if one.current is None:
            results.append(_result("freshness", "fail", f"{one.id}: never fetched."))
        elif one.stale:
            text = f"{one.id}: no word from its publisher for {days:.0f} days."
            results.append(_result("freshness", "fail", text))
        else:
            results.append(_result("freshness", "pass", f"{one.id}: {days:.1f} days old."))
    return tuple(results)


def page_answers(address: str, name: str) -> Result:
    """Whether whoever is led to the block page finds one. `name`: the page's own. Blocking."""
    connection = HTTPConnection(address, PAGE_PORT, timeout=PAGE_SECONDS_MAX)
    try:
        connection.request("GET", "/", headers={"Host": name, "Accept": "text/html"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as fault:
        why = fault.strerror if isinstance(fault, OSError) else None
        return _result("page", "fail", f"No page answers at {address}: {why or 'no answer'}.")
    finally:
        connection.close()
    if status != 200:
        return _result("page", "fail", f"What answers at {address} is no block page ({status}).")
    return _result("page", "pass", f"The block page answers at {address}.")


async def logged(
    configuration: Configuration,
    evidence: EvidenceStore | None,
    names: Sequence[str],
    since: float,
) -> Result:
    """Whether something that was asked just now comes into the log."""
    if configuration.spool_directory is None or evidence is None:
        return _result("log", "unsure", "Telemetry is off: nothing is logged.")
    if not names:
        return _result("log", "unsure", "Nothing was blocked that could be looked for.")
    deadline = monotonic() + LOG_SECONDS_MAX
    while True:
        try:
            async with evidence.reading() as connection:
                if await is_logged(connection, names, since):
                    return _result("log", "pass", "What was blocked is in the log.")
        except StoreFault as fault:
            return _result("log", "fail", f"The log cannot be read: {fault}")
        if monotonic() > deadline:
            text = f"What was blocked is not in the log after {LOG_SECONDS_MAX:g} seconds."
            return _result("log", "fail", text)
        await asyncio.sleep(0.25)


def _result(kind: str, outcome: Outcome, said: str) -> Result:
    return Result(kind, "", "", "well", outcome, said)
