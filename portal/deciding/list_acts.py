"""Doing something to published lists from pages and the API: as a command, off the loop, and the
index made anew afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from fastapi import Request

from blocklists.sources import SourceFault
from blocklists.working import JobFault
from blocklists.writing import KeepFault
from policy.commands.command import Done, Refused
from policy.commands.subscriptions import LISTS_MAX, Act, ChangeLists
from portal.accounts.visits import Visit
from portal.identity import perform
from portal.services import Services

COMPILE_SECONDS: Final = 5.0
"""How long a page waits for the index; a large one is made on behind it."""

_FAULTS: Final = (SourceFault, KeepFault, JobFault, OSError)


async def do_to_list(
    request: Request,
    services: Services,
    me: Visit,
    act: Act,
    word: str,
    reason: str,
    to: str | None = None,
) -> tuple[Done, str]:
    """Do it, and make the index of what is in use then; gives what went wrong with the index, or
    "". Raises `Refused`, also for what `blocklists` refuses.
    """
    lists, at, by = services.lists, services.clock(), me.person.name
    acts: dict[str, Callable[[], Any]] = {
        "accept": partial(lists.accept, word, by, reason, at),
        "rollback": partial(lists.rollback, word, by, reason, at, to),
        "enable": partial(lists.enable, [word]),
        "disable": partial(lists.disable, [word]),
    }
    if word not in await known_sources(services):
        allowed = "allowed: the id of one that is in the catalogue, or your own"
        raise Refused(f"list.change: id: {word[:100]!r} is no list; {allowed}")

    def do() -> Awaitable[Any]:
        return asyncio.to_thread(acts[act])

    try:
        done = await perform(request, ChangeLists(act, [word], do, reason))
    except _FAULTS as fault:
        raise Refused(f"list.change: {fault}") from fault
    return done, await _compile(request, services, at)


async def want_refresh(request: Request, services: Services, me: Visit) -> Done:
    """Ask for every list in use to be looked at now; another process does it. Raises `Refused`."""
    found = await known_sources(services)
    words = [word for word, source in found.items() if source.enabled][:LISTS_MAX]
    if not words:
        raise Refused("list.change: refresh: no list is in use; allowed: when there is one")
    by, at = me.person.name, services.clock()

    def do() -> Awaitable[Any]:
        return asyncio.to_thread(services.lists.want_refresh, by, at)

    try:
        return await perform(request, ChangeLists("refresh", words, do))
    except _FAULTS as fault:
        raise Refused(f"list.change: {fault}") from fault


async def known_sources(services: Services) -> Any:
    """Every list there is; none while the choice of lists cannot be read."""
    try:
        return await asyncio.to_thread(lambda: services.lists.sources)
    except SourceFault:
        return {}


async def _compile(request: Request, services: Services, at: float) -> str:
    """Make the index anew; when it takes long, whoever waits is let go."""
    making = asyncio.ensure_future(asyncio.to_thread(services.lists.compile, at=at))
    running: set[asyncio.Future[Any]] = request.app.state.__dict__.setdefault("making", set())
    running.add(making)  # the loop itself holds no task strongly
    making.add_done_callback(running.discard)
    making.add_done_callback(lambda made: made.cancelled() or made.exception())
    try:
        await asyncio.wait_for(asyncio.shield(making), COMPILE_SECONDS)
    except TimeoutError:
        return ""
    except _FAULTS as fault:
        return str(fault)
    return ""
