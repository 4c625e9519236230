"""The block page as an application: any name, any path, anybody.

The status of a page in the place of a site is 403, never 200: a phone that asks "is this the open
internet?" takes 200 for the sign-in page of a hotel and opens it in people's faces, a program takes
it for the data it wanted, and a cache keeps it. Only pages under our own name are 200.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.types import Receive, Scope, Send

from policy.commands.command import Refused
from policy.commands.passes import TakePass
from policy.commands.requests import ANYBODY, WHY_CHARACTERS_MAX, AskForReview, TooManyAsked
from policy.requests import Said, spaced
from policy.store import StoreFault
from portal.block_page.answers import OWN, Pages, answer, asset_body, send_asset
from portal.block_page.asked import METHODS, Asked, fields, name_of, read_request
from portal.block_page.recent import recent
from portal.block_page.tokens import Tokens
from portal.block_page.told import Told, changes_soon, instant, tell
from portal.forms import Form
from portal.limiting import Limiter
from portal.rendering import zone_of
from portal.services import Services
from portal.words import t

HEAD_OCTETS_MAX: Final = 16_384
"""Of the headers of a request; those of browsers have one or two thousand."""
BODY_OCTETS_MAX: Final = 8_192
BODY_SECONDS_MAX: Final = 10.0
PAGES_MAX: Final = 600
"""Pages that one address may see in a minute: a whole venue may be behind one."""
PAGES_SECONDS: Final = 60.0
TAKES_MAX: Final = 60
"""How often one address may go on past a warning in ten minutes."""
TAKES_SECONDS: Final = 600.0
ASKS_MAX: Final = 20
"""How often one address may ask for a review within an hour."""
ASKS_SECONDS: Final = 3600.0

CONTINUE: Final = f"{OWN}continue"
REVIEW: Final = f"{OWN}review"
_PROBE: Final = "example.com"
"""Asked about when only the client is of interest."""


@dataclass(frozen=True, slots=True)
class BlockPageSettings:
    """What the page has to know of its surroundings."""

    name: str
    """The name by which people call it."""
    ttl_seconds: int = 10
    """How long a browser may remember that a site was blocked."""
    portal_url: str = ""
    """Where the portal is, for what it has beside this page; empty: unknown."""


class BlockPage:
    """The application."""

    def __init__(
        self,
        services: Services,
        settings: BlockPageSettings,
        tokens: Tokens | None = None,
    ) -> None:
        """`tokens`: for tests."""
        self._services: Final = services
        self._settings: Final = settings
        self._tokens: Final = tokens or Tokens()
        self._pages: Final = Pages()
        self._shows: Final = Limiter(PAGES_MAX, PAGES_SECONDS)
        self._takes: Final = Limiter(TAKES_MAX, TAKES_SECONDS)
        self._asks: Final = Limiter(ASKS_MAX, ASKS_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        asked = read_request(scope)
        if asked.head_octets > HEAD_OCTETS_MAX:
            await answer(send, 431)
        elif asked.method not in METHODS:
            await answer(send, 405, more={"allow": ", ".join(METHODS)})
        elif asked.plain_path.startswith(OWN) and asked.method != "POST":
            await self._send_asset(asked, send)
        elif not asked.wants_page or asked.method == "HEAD" or not asked.address:
            await answer(send, 403)  # no page: an image, a script, a program; no work for it
        elif not self._shows.may(asked.address, self._services.clock()):
            await answer(send, 429, more={"retry-after": f"{PAGES_SECONDS:.0f}"})
        elif asked.method == "POST" and asked.plain_path in (CONTINUE, REVIEW):
            await self._take_form(asked, receive, send)
        else:
            await self._show(asked, send)

    async def _send_asset(self, asked: Asked, send: Send) -> None:
        found = await asyncio.to_thread(asset_body, asked.plain_path)
        head = asked.method == "HEAD"
        if found is None:
            await answer(send, 404, head=head)
        else:
            await send_asset(send, 200, *found, head=head)

    async def _show(self, asked: Asked, send: Send) -> None:
        """Why a site is blocked; or, under our own name, what was blocked lately."""
        ours = asked.name in ("", self._settings.name)
        name = name_of(asked.query.get("name", "")) if ours else asked.name
        if not name or name == self._settings.name:
            await self._show_recent(asked, send)
            return
        await self._show_name(asked, name, send, 200 if ours else 403)

    async def _show_name(
        self,
        asked: Asked,
        name: str,
        send: Send,
        status: int,
        form: Form | None = None,
    ) -> None:
        try:
            told = await self._told(name, asked.address)
        except ValueError:  # a policy that cannot be used, or a name that is none after all
            await answer(send, 503, await self._page("unknown", name=name))
            return
        link = f"{asked.scheme}://{name}/" if asked.name != name else asked.link()
        more: dict[str, Any] = {}
        if form is not None:
            more["path"] = form["path"]
        else:
            more["path"] = asked.path if asked.name == name else "/"
        body = await self._page(
            told.state,
            told=told,
            link=link,
            form=form or Form(),
            token=self._tokens.make(asked.address, name, self._services.clock()),
            ttl_seconds=self._settings.ttl_seconds,
            **more,
        )
        await answer(send, status, body)

    async def _show_recent(self, asked: Asked, send: Send) -> None:
        at = self._services.clock()
        try:
            explained = await self._services.explain(_PROBE, asked.address, None)
        except ValueError:
            await answer(send, 503, await self._page("unknown", name=""))
            return
        found = await recent(self._services.evidence, explained["client"], at)
        titles = {id: entry.title for id, entry in self._services.taxonomy.items()}
        body = await self._page(
            "recent", recent=found, titles=titles, organisation=explained["organisation"]
        )
        await answer(send, 200, body)

    async def _take_form(self, asked: Asked, receive: Receive, send: Send) -> None:
        sent = await _read_fields(receive)
        if sent is None:
            await answer(send, 413)
            return
        name = name_of(sent.get("name", ""))
        at = self._services.clock()
        own = asked.origin in ("", f"{asked.scheme}://{asked.name}") or _same(asked)
        if not own or not self._tokens.holds(sent.get("token", ""), asked.address, name, at):
            await answer(send, 403, await self._page("stale", name=name, scheme=asked.scheme))
            return
        form = Form({field: [text] for field, text in sent.items()})
        if asked.plain_path == CONTINUE:
            await self._go_on(asked, name, form, send)
        else:
            await self._ask(asked, name, form, send)

    async def _go_on(self, asked: Asked, name: str, form: Form, send: Send) -> None:
        """Go on past a warning."""
        at = self._services.clock()
        if not self._takes.may(asked.address, at):
            form.wrong("", t("block-page.too_often"))
            await self._show_name(asked, name, send, 429, form)
            return
        try:
            told = await self._told(name, asked.address)
            command = TakePass(asked.address, name, told.device)
            done = await self._services.desk.perform(ANYBODY, command, at=at)
        except (Refused, ValueError):
            # It opened meanwhile, or was closed: the page says what holds now.
            form.wrong("", t("block-page.no_warning"))
            await self._show_name(asked, name, send, 422, form)
            return
        except StoreFault:
            form.wrong("", t("block-page.not_now"))
            await self._show_name(asked, name, send, 503, form)
            return
        until = instant(done.after["until"])
        link = _link(asked, name, form["path"])
        seconds = self._settings.ttl_seconds
        body = await self._page("going_on", told=told, until=until, link=link, ttl_seconds=seconds)
        await answer(send, 200, body)

    async def _ask(self, asked: Asked, name: str, form: Form, send: Send) -> None:
        """Ask for a review."""
        at = self._services.clock()
        why = form.text("why", "", WHY_CHARACTERS_MAX)
        try:
            if not self._asks.may(asked.address, at):
                raise TooManyAsked("request.ask: too many; allowed: later")
            explained = await self._services.explain(name, asked.address, None)
            told = tell(explained, None, self._services.taxonomy)
            command = AskForReview("open", name, told.venue, why, Said.of(explained))
            await self._services.desk.perform(ANYBODY, command, at=at)
        except TooManyAsked:
            form.wrong("", t("block-page.asked_too_often"))
            await self._show_name(asked, name, send, 429, form)
            return
        except (Refused, ValueError):
            form.wrong("", t("block-page.cannot_ask"))
            await self._show_name(asked, name, send, 422, form)
            return
        except StoreFault:
            form.wrong("", t("block-page.not_now"))
            await self._show_name(asked, name, send, 503, form)
            return
        body = await self._page(
            "asked", told=told, code=spaced(command.code), portal_url=self._settings.portal_url
        )
        await answer(send, 200, body)

    async def _told(self, name: str, address: str) -> Told:
        """What there is to say. Raises ValueError."""
        services = self._services
        explained = await services.explain(name, address, None)
        soon = changes_soon(explained, services.clock())
        later: Mapping[str, Any] | None = None
        if soon is not None:
            later = await services.explain(name, address, soon)
        return tell(explained, later, services.taxonomy)

    async def _page(self, template: str, **shown: Any) -> bytes:
        zone: ZoneInfo = await zone_of(self._services)
        shown.setdefault("form", Form())
        return self._pages.page(
            template, zone=zone, home=self._settings.name, now=self._services.clock(), **shown
        )


def _link(asked: Asked, name: str, path: str) -> str:
    """Where somebody wanted to go."""
    return asked.link(path) if asked.name == name else f"{asked.scheme}://{name}/"


def _same(asked: Asked) -> bool:
    """Whether a form came from our own page, where it was asked for with a port."""
    scheme, _, host = asked.origin.partition("://")
    return scheme == asked.scheme and name_of(host) == asked.name


async def _read_fields(receive: Receive) -> dict[str, str] | None:
    """The fields of a form; None when it is too long, or takes too long."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > BODY_OCTETS_MAX:
                    return None
                if not message.get("more_body", False):
                    return fields(body.decode("utf-8", "replace"))
    except TimeoutError:
        return None
