"""What the portal counts of itself, for Prometheus: requests by kind and status, how long they
took, and who is signed in. Labels are words of its own paths; never an address or a name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evidence.measured import Family, Measured, Sample, cumulative
from portal import pages
from portal.accounts.sessions import SessionRules
from portal.accounts.tables import sessions

BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
KINDS_MAX: Final = 100
OTHER: Final = "other"
HOME: Final = "home"
_NO_PAGES: Final = ("api", "healthz", "static", HOME)

_REQUESTS: Final = "lychgate_portal_requests"
_SECONDS: Final = "lychgate_portal_seconds"
_SESSIONS: Final = "lychgate_portal_sessions"

FAMILIES: Final = (
    Family(_REQUESTS, "Requests that the portal answered", ("kind", "status"), "counter"),
    Family(_SECONDS, "Time from a request to the end of its answer", (), "histogram"),
    Family(_SESSIONS, "Sessions in which somebody clicked lately"),
)


class Measuring:
    """Stands before the application, and counts."""

    def __init__(self, app: ASGIApp, now: Callable[[], float]) -> None:
        """`now` gives seconds that only ever grow."""
        self._app: Final = app
        self._now: Final = now
        self._kinds: Final = kinds_of_pages()
        self._requests: Final[Counter[tuple[str, str]]] = Counter()
        self._counts: Final = [0] * (len(BOUNDS) + 1)
        self._total = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; count what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._now(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            took = self._now() - began
            self._requests[self._kind(scope["path"]), f"{status // 100}xx"] += 1
            self._counts[bisect_left(BOUNDS, took)] += 1
            self._total += took

    def figures(self, at: float, sessions_open: int) -> Measured:
        """All of them."""
        found: dict[str, tuple[Sample, ...]] = {
            _REQUESTS: tuple(
                Sample(labels, float(count)) for labels, count in sorted(self._requests.items())
            ),
            _SECONDS: cumulative(self._counts, BOUNDS, self._total),
            _SESSIONS: (Sample((), float(sessions_open)),),
        }
        families = tuple(
            Family(one.name, one.help, one.labels, one.kind, found[one.name]) for one in FAMILIES
        )
        return Measured(at, 0.0, families)

    def _kind(self, path: str) -> str:
        first = _first(path)
        return first if first in self._kinds else OTHER


def kinds_of_pages() -> frozenset[str]:
    """The first parts of the paths of every page there is, and what is no page."""
    routes = [route for module in pages.modules() for route in module.router.routes]
    found = {_first(getattr(route, "path", "")) for route in routes} - {""}
    return frozenset([*_NO_PAGES, *sorted(found)][:KINDS_MAX])


async def count_sessions(connection: AsyncConnection, rules: SessionRules, at: float) -> int:
    """Sessions that are not over."""
    asked: Any = select(func.count()).select_from(sessions)
    asked = asked.where(
        sessions.c.stage == "in",
        sessions.c.seen_at > at - rules.idle_seconds,
        sessions.c.created_at > at - rules.age_seconds,
    )
    return int(await connection.scalar(asked) or 0)


def _first(path: str) -> str:
    """The first part of a path: what kind of page it is."""
    first = path.removeprefix("/").partition("/")[0]
    return HOME if not first else "" if first.startswith("{") else first
