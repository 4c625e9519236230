"""A portal on a store of its own, and people who use it as a browser would, by httpx."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from categoriser import taxonomy
from evidence.store import EvidenceStore
from policy.commands.desk import Desk
from policy.store import Store
from portal.accounts import rows
from portal.accounts.accounts import Accounts
from portal.accounts.passwords import Passwords
from portal.accounts.sessions import SessionRules
from portal.accounts.visits import Visits
from portal.app import create_app
from portal.openid.arrivals import Arrivals
from portal.openid.provider import Provider
from portal.openid.settings import OpenIdSettings
from portal.services import Health, PortalSettings, Services

SATURDAY = 1_795_259_307.0
"""21 November 2026, 11:08 in London."""
PASSWORD = "three plum lanterns"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2 that takes no time; its parameters are tested apart."""

PEOPLE: Mapping[str, Any] = {
    "ada": {"name": "Ada Admin", "roles": [{"role": "administrator"}]},
    "tom": {"name": "Tom Tutor", "roles": [{"role": "tutor"}]},
    "lea": {"name": "Lea Leader", "roles": [{"role": "leadership"}]},
    "mallory": {"name": "<script>alert(1)</script>", "roles": [{"role": "tutor"}]},
}


class NoLists:
    """An installation without lists."""

    sources: Mapping[str, Any] = {}

    def want_refresh(self, by: str, at: float) -> None:
        raise AssertionError("no list is in use")

    def refresh_wanted(self) -> None:
        """Nobody asked."""

    def status(self, at: float) -> list[Any]:
        return []

    def shelf(self, word: str) -> Any:
        raise KeyError(word)

    def accept(self, word: str, by: str, reason: str, at: float) -> Any:
        raise KeyError(word)

    def rollback(self, word: str, by: str, reason: str, at: float, to: str | None) -> Any:
        raise KeyError(word)

    def enable(self, words: Any) -> None:
        raise KeyError(words)

    def disable(self, words: Any) -> None:
        raise KeyError(words)

    def compile(self, *, at: float) -> None:
        return None

    def trace(self, name: str) -> list[Any]:
        return []

    def difference(self, word: str, since: str | None = None) -> Any:
        raise KeyError(word)


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.at = SATURDAY

    def __call__(self) -> float:
        return self.at


class Browser(httpx.AsyncClient):
    """Keeps cookies, and fills in the token of the form that a page showed last."""

    def __init__(self, app: FastAPI, base_url: str) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        super().__init__(transport=transport, base_url=base_url)
        self.csrf = ""

    async def see(self, path: str, **more: Any) -> httpx.Response:
        """Open a page, following where it leads."""
        answer = await self.get(path, follow_redirects=True, **more)
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer

    async def submit(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form, and do not follow where it leads."""
        return await self.post(path, data={"csrf": self.csrf, **fields})

    async def sign_in(self, person: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in from the page."""
        await self.see("/sign-in")
        answer = await self.submit("/sign-in", person=person, password=password)
        if answer.status_code == 303:
            await self.see(answer.headers["location"])
        return answer


class House:
    """One portal and its store."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self.services = services
        self.clock = clock
        self.app = create_app(services)
        self._base = services.settings.public_url or "http://portal.example"

    def browser(self) -> Browser:
        """Somebody who has never been here."""
        return Browser(self.app, self._base)

    async def audit(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, subject and outcome of every entry in the log."""
        from policy.commands.journal import entries

        async with self.services.store.reading() as connection:
            found = [entry async for entry in entries(connection)]
        return [(entry.actor, entry.action, entry.subject, entry.outcome) for entry in found]


Story = Callable[[House], Awaitable[None]]


def tell(folder: Path, story: Story, *, people: bool = True, **settings: Any) -> None:
    """Run a story in a portal of its own; `people`: everybody of `PEOPLE` has an account."""

    async def run() -> None:
        async with house(folder, people=people, **settings) as made:
            await story(made)

    asyncio.run(run())


@asynccontextmanager
async def house(
    folder: Path,
    *,
    people: bool = True,
    openid: OpenIdSettings | None = None,
    evidence: bool = False,
    **settings: Any,
) -> AsyncIterator[House]:
    """A portal on a store in a folder, with everybody of `PEOPLE` or nobody; `evidence`: and an
    empty telemetry database (fill it with `tests.evidence.happenings.record`).
    """
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'state.db'}", create=True)
    happened: EvidenceStore | None = None
    try:
        if evidence:
            url = f"sqlite+aiosqlite:///{folder / 'telemetry.db'}"
            happened = await EvidenceStore.open(url, create=True)
        clock = Clock()
        desk, rules = Desk(store, taxonomy.load()), SessionRules()
        passwords = Passwords(CHEAP)
        services = Services(
            store=store,
            desk=desk,
            taxonomy=taxonomy.load(),
            accounts=Accounts(store, desk, passwords, rules),
            visits=Visits(store, rules),
            clock=clock,
            explain=_explain,
            lists=NoLists(),
            health=_health,
            settings=PortalSettings(**{"host_names": ("portal.example",)} | settings),
            openid=Provider(openid) if openid else None,
            arrivals=Arrivals(store, desk, openid) if openid else None,
            evidence=happened,
        )
        if people:
            await move_in(store)
        yield House(services, clock)
    finally:
        if happened is not None:
            await happened.close()
        await store.close()


async def move_in(store: Store) -> None:
    """Put everybody into the store, with accounts."""
    kept = CHEAP.hash(PASSWORD)
    async with store.writing() as writing:
        for id, body in PEOPLE.items():
            await writing.put("people", id, body)
            await rows.add(writing.connection, id, kept, SATURDAY)


def value_in(text: str, name: str) -> str:
    """What a field of a page holds."""
    tag = next((tag for tag in re.findall(r"<input[^>]*>", text) if f'name="{name}"' in tag), "")
    found = re.search(r'value="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


async def _explain(name: str, client: str, at: str | None, *, place: str = "") -> Mapping[str, Any]:
    return {}


async def _health() -> Health:
    return Health("ready")
