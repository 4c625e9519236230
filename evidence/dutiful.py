"""Runs the recorder's duties when they are due: each by itself, none twice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from evidence.duties import SECONDS_MAX, Context, Duty
from evidence.standing import DutyStanding, Standing

log = structlog.get_logger("recorder")


class Dutiful:
    """The duties of one recorder."""

    def __init__(
        self,
        duties: Sequence[Duty],
        standing: Standing,
        context: Callable[[], Context | None],
    ) -> None:
        self._duties: Final = duties
        self._standing: Final = standing
        self._context: Final = context
        self._running: Final[dict[str, asyncio.Task[None]]] = {}
        self._due: Final[dict[str, float]] = {}
        for duty in duties:
            standing.duties[duty.name] = DutyStanding()

    def start_due(self, at: float) -> None:
        """Start every duty whose time has come."""
        for duty in self._duties:
            task = self._running.get(duty.name)
            if (task is None or task.done()) and at >= self._due.get(duty.name, 0.0):
                self._due[duty.name] = at + duty.interval_seconds
                self._running[duty.name] = asyncio.create_task(self._run(duty))

    async def all_once(self) -> None:
        """Do every duty, one after the other."""
        for duty in self._duties:
            await self._run(duty)

    async def stop(self) -> None:
        """Cut short what is running."""
        tasks = [task for task in self._running.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()

    async def _run(self, duty: Duty) -> None:
        """One run; never raises but when it is cut short."""
        context = self._context()
        if context is None:
            return
        standing = self._standing.duties[duty.name]
        standing.ran_at = context.at
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await duty.run(context)
        except TimeoutError:
            problem = f"not done within {SECONDS_MAX:g} seconds"
        except Exception as fault:
            problem = f"{type(fault).__name__}: {fault}"
        else:
            standing.problem = ""
            return
        standing.failures += 1
        if problem != standing.problem:
            log.error("a duty of the recorder failed", duty=duty.name, problem=problem)
        standing.problem = problem
