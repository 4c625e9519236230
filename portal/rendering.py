"""Pages from templates: Jinja2 with escaping always on, govuk-frontend's macros, our words.

A template gets `t` (words), `may(action, venue="")`, `visit`, `csrf`, `navigation` and
the filters below; a page adds what it shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, PrefixLoader
from starlette.responses import Response

from policy.store import StoreFault
from policy.store.reading import read_keys
from portal import identity
from portal.accounts.visits import Visit
from portal.forms import Form
from portal.security import STATIC
from portal.services import Services
from portal.words import did, t, texts

STATIC_FOLDER: Final = Path(__file__).parent / "static"
NOTICE_CHARACTERS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Area:
    """An entry of the navigation, for whom `action` is permitted somewhere."""

    path: str
    title: str
    """A key of `words/`."""
    order: int
    action: str = "policy.read"
    group: str = ""
    """A word of `GROUPS`: areas of one group share an entry. "": it has one of its own."""

    def covers(self, path: str) -> bool:
        """Whether a page is in it."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


GROUPS: Final = {
    "sites": "site.group_sites",
    "requests": "site.group_requests",
    "seeing": "site.group_seeing",
    "setup": "site.group_setup",
}
"""Groups of the navigation, in their order, and what people read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation as one person sees it."""

    title: str
    path: str
    active: bool
    """Whether the page is inside it."""
    areas: tuple[tuple[Area, bool], ...] = ()
    """What it leads to, and which of them the page is in; empty where that is one."""


def navigation(areas: Iterable[Area], path: str) -> list[Entry]:
    """The entries for these areas, which are in their order, on the page with this path."""
    entries: list[Entry] = []
    grouped: dict[str, list[Area]] = {}
    for area in areas:
        if area.group:
            grouped.setdefault(area.group, []).append(area)
        else:
            entries.append(Entry(area.title, area.path, area.covers(path)))
    for group, title in GROUPS.items():
        inside = grouped.get(group, [])
        here = [area.covers(path) for area in inside]
        if len(inside) == 1:
            entries.append(Entry(inside[0].title, inside[0].path, any(here)))
        elif inside:
            shown = tuple(zip(inside, here, strict=True))
            entries.append(Entry(title, inside[0].path, any(here), shown))
    return entries


class Rendering:
    """Makes pages."""

    def __init__(self, areas: Sequence[Area], clock: Callable[[], float]) -> None:
        self._areas: Final = sorted(areas, key=lambda area: area.order)
        self._clock: Final = clock
        self._environment: Final = make_environment()

    def prepare(self) -> None:
        """Compile every template, which takes a second in all, before somebody waits for one.
        Blocks: for a thread.
        """
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def page(
        self, request: Request, template: str, status: int = 200, /, **shown: Any
    ) -> HTMLResponse:
        """A page; `template` is a path below templates/ without its ending."""
        visit = identity.visit_of(request)
        inside = visit if visit is not None and _is_in(visit) else None
        may = partial(identity.may, inside)
        text = self._environment.get_template(f"{template}.html").render(
            visit=inside,
            may=may,
            csrf=request.scope.get("lychgate.csrf", ""),
            path=request.url.path,
            navigation=navigation(
                (area for area in self._areas if may(area.action)), request.url.path
            ),
            notice=notice_of(request),
            form=shown.pop("form", None) or Form(),
            zone=shown.pop("zone", None) or ZoneInfo("Europe/London"),
            now=self._clock(),
            **shown,
        )
        return HTMLResponse(text, status)


def render(request: Request, template: str, status: int = 200, /, **shown: Any) -> HTMLResponse:
    """A page of the application that a request came to."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, template, status, **shown)


def go(path: str, notice: str = "") -> Response:
    """Send the browser on after a form; `notice` is the key of what the next page says of it."""
    target = f"{path}{'&' if '?' in path else '?'}done={notice}" if notice else path
    return RedirectResponse(target, 303)


def notice_of(request: Request) -> str:
    """What the page before did, by the key in the address; only words of ours are shown."""
    key = request.query_params.get("done", "")[:NOTICE_CHARACTERS_MAX]
    return t(key) if key in texts() and key.endswith(_NOTICES) else ""


_NOTICES: Final = ("done", "ended", "revoked", "signed_out")
"""How the keys end that may be shown so: an address shall not make a page say anything else."""


async def zone_of(services: Services) -> ZoneInfo:
    """The organisation's clock, in which every page shows times."""
    try:
        async with services.store.reading() as connection:
            raw = await read_keys(connection, ["organisation"])
        return ZoneInfo(raw.get("organisation", {}).get("timezone", "Europe/London"))
    except (StoreFault, ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def make_environment() -> Environment:
    """Jinja2 as every page uses it."""
    loader = ChoiceLoader(
        [
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            PackageLoader("portal"),
        ]
    )
    environment = Environment(
        loader=loader,
        autoescape=True,  # always: names from queries are hostile text
        undefined=ChainableUndefined,  # govuk-frontend's macros ask for parameters not given
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=t, static=static)
    environment.filters.update(moment=moment, clock=clock, day=day, did=did)
    return environment


def moment(at: float, zone: ZoneInfo) -> str:
    """`21 November 2026, 11:08`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local.day} {local:%B %Y, %H:%M}"


def day(at: float, zone: ZoneInfo) -> str:
    """`21 November 2026`."""
    local = datetime.fromtimestamp(at, zone)
    return f"{local.day} {local:%B %Y}"


def clock(at: float, zone: ZoneInfo) -> str:
    """`11:08`."""
    return f"{datetime.fromtimestamp(at, zone):%H:%M}"


@cache
def static(name: str) -> str:
    """The address of an asset, which changes with its content."""
    try:
        content = (STATIC_FOLDER / name).read_bytes()
    except OSError:
        return f"{STATIC}{name}"
    return f"{STATIC}{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _is_in(visit: Visit) -> bool:
    return visit.session is None or visit.session.stage == "in"
