"""`Checking`: venues checked one after the other, what was found kept and told.

One at a time in a process; bounded by `SECONDS_MAX`. Venues that were checked longest ago come
first, so that what does not fit today is first tomorrow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Final

from categoriser.names import to_text
from evidence.checks import keeping, reading
from evidence.checks.own import OwnName, own_names
from evidence.checks.planning import plan
from evidence.checks.results import Result, Run, count
from evidence.store import EvidenceStore
from lychgate.config import Configuration
from lychgate.explaining import Ground
from lychgate.notice_settings import notice_settings
from lychgate.selfchecking import around
from lychgate.selfchecking.asked import ask_all
from lychgate.selfchecking.material import material_of
from lychgate.selfchecking.seats import Seat, nowhere, seats
from policy.store import StoreFault

SECONDS_MAX: Final = 480.0
"""Of all venues together; the timer gives ten minutes."""
RUN_SECONDS_MAX: Final = 1_200.0
"""What is announced ends then at the latest, whatever becomes of us."""
SLACK_SECONDS: Final = 3.0
"""An event is noted a little before and after it was asked for."""


class CheckFault(ValueError):
    """Something that cannot be checked; *what was given; what is allowed*."""


class Checking:
    """Checks of one installation."""

    def __init__(
        self,
        configuration: Configuration,
        ground: Callable[[], Awaitable[Ground]],
        evidence: EvidenceStore | None,
        clock: Callable[[], float],
    ) -> None:
        """`ground` gives the policy as it is now, and raises ValueError when there is none."""
        self._configuration: Final = configuration
        self._ground: Final = ground
        self._evidence: Final = evidence
        self._clock: Final = clock
        self._turn: Final = asyncio.Lock()
        self.problems: list[str] = []
        """What could not be kept, of the last time."""

    @property
    def is_busy(self) -> bool:
        """Whether a check is under way."""
        return self._turn.locked()

    async def run(
        self, who: str, venues: Collection[str] = (), profile: str = ""
    ) -> tuple[Run, ...]:
        """Check these venues, or all. Raises `CheckFault`, and ValueError for a policy that cannot
        be used.
        """
        async with self._turn:
            self.problems = []
            ground = await self._ground()
            policy = ground.snapshot.policy
            _refuse_unknown("venue", venues, policy.venues)
            _refuse_unknown("profile", [profile] if profile else [], policy.profiles)
            own = await self._own()
            done: list[Run] = []
            deadline = monotonic() + SECONDS_MAX
            chosen = list(venues) or await self._longest_ago(policy.venues)
            sitting = [
                seat
                for venue in chosen
                for seat in seats(policy, self._configuration, venue, profile)
            ] or [nowhere(policy, self._configuration)]
            facts = await asyncio.to_thread(around.freshness, self._configuration, self._clock())
            for number, seat in enumerate(sitting):
                if monotonic() > deadline:
                    self.problems.append(f"{len(sitting) - number} were left out: no time is left")
                    break
                done.append(await self._check(seat, who, own, facts))
            return tuple(done)

    async def _check(
        self, seat: Seat, who: str, own: Sequence[OwnName], facts: Sequence[Result]
    ) -> Run:
        ground = await self._ground()
        policy, begun, started = ground.snapshot.policy, self._clock(), monotonic()
        material = await asyncio.to_thread(
            material_of, policy, self._configuration, own, seat.venue, begun
        )
        questions = plan(policy.taxonomy, material, int(begun // 86_400))
        as_venue = policy.identify(ip_address(seat.seen_as).packed).venue
        names = dict.fromkeys(one.name for one in questions)
        announced = await self._announce(as_venue, seat.seen_as, tuple(names), begun)
        loop = asyncio.get_running_loop()

        def now() -> Ground:
            return asyncio.run_coroutine_threadsafe(self._grounded(), loop).result()

        configured = self._configuration.filter.page_ipv4
        page = "" if configured is None else str(ip_address(configured))
        results = await asyncio.to_thread(ask_all, questions, seat, now, self._clock, page)
        if any(one.kind == "page" for one in results):
            name = to_text(self._configuration.portal.block_page_name)
            results += (await asyncio.to_thread(around.page_answers, page, name),)
        blocked = [one.name for one in results if one.expected == "blocked" and one.name]
        log = await around.logged(self._configuration, self._evidence, blocked, begun)
        every = (*results, *facts, log)
        run = Run(
            0,
            begun,
            monotonic() - started,
            seat.venue,
            seat.profile,
            who,
            seat.way,
            count(every),
            tuple(one for one in every if one.outcome != "pass"),
            tuple(one for one in every if one.outcome == "pass"),
        )
        return await self._keep(run, ground, announced)

    async def _grounded(self) -> Ground:
        return await self._ground()

    async def _own(self) -> tuple[OwnName, ...]:
        if self._evidence is None:
            return ()
        try:
            async with self._evidence.reading() as connection:
                return await own_names(connection)
        except StoreFault as fault:
            self._note(f"own test names were not asked: {fault}")
            return ()

    async def _longest_ago(self, venues: Collection[str]) -> list[str]:
        """All venues, those first that were checked longest ago."""
        found: dict[str, float] = {}
        if self._evidence is not None:
            try:
                async with self._evidence.reading() as connection:
                    found = {run.venue: run.at for run in await reading.latest(connection)}
            except StoreFault:
                pass  # told when the runs cannot be kept
        return sorted(venues, key=lambda venue: (found.get(venue, 0.0), venue))

    async def _announce(
        self, venue: str, address: str, names: Sequence[str], at: float
    ) -> int | None:
        if self._evidence is None:
            return None
        try:
            async with self._evidence.changing() as connection:
                return await keeping.announce(
                    connection, venue, address, names, at - SLACK_SECONDS, at + RUN_SECONDS_MAX
                )
        except StoreFault as fault:
            self._note(f"it is counted as if somebody had asked: {fault}")
            return None

    async def _keep(self, run: Run, ground: Ground, announced: int | None) -> Run:
        if self._evidence is None:
            self._note("telemetry is off: what was found is not kept")
            return run
        configuration, policy = self._configuration, ground.snapshot.policy
        folder = Path() if configuration.file is None else configuration.file.parent
        notices = notice_settings(configuration.notices, folder, configuration.portal.public_url)
        there = policy.venues.get(run.venue)
        title = run.venue if there is None else there.title
        zone = policy.organisation.timezone
        try:
            async with self._evidence.changing() as connection:
                if announced is not None:
                    until = self._clock() + SLACK_SECONDS
                    await keeping.end_announced(connection, announced, until)
                return await keeping.keep(connection, run, notices, title, zone)
        except StoreFault as fault:
            self._note(f"what was found is not kept: {fault}")
            return run

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _refuse_unknown(word: str, given: Collection[str], known: Collection[str]) -> None:
    for one in given:
        if one not in known:
            raise CheckFault(f"{word}: {one[:80]!r} is not there; use {', '.join(sorted(known))}")
