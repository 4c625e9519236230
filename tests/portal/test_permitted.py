"""Every page and operation, asked for by everybody: who is answered, who is not, what they see.

The people of Derby have each role there, and aim at what is Crewe's or everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from policy.commands.permissions import PERMITTED
from portal.accounts.tokens import SCOPES
from portal.identity import WHOLE
from tests.portal.routes import (
    EVERYWHERE,
    FORMS,
    MINE,
    OPERATIONS,
    OWN,
    READS,
    ROLE,
    RULES,
    Aim,
    every,
    path_of,
)
from tests.portal.test_places_api import program
from tests.portal.two_venues import DERBY, SECRETS, UNDONE, kept, tell
from tests.portal.visitors import Browser, House

ROLES: Final = {"ada": "administrator", **DERBY}
ONE_OF_CREWE: Final = (
    "/alerts/id/",
    "/alerts/{",
    "/checks/id/",
    "/checks/runs/{",
    "/requests/id/",
    "/requests/{",
    "/people/id/",
    "/people/{",
    "/rules/{number:int}/remove",
)
"""One thing of Crewe's, which is not there for people of elsewhere."""
SHUT: Final = frozenset({401, 403, 404})


def routes(given: Sequence[Any], prefix: str = "") -> Iterator[str]:
    """Method and path of everything that an application answers."""
    for one in given:
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from routes(inner.routes, prefix + (one.include_context.prefix or ""))
        elif isinstance(one, Mount):
            assert one.path == "/static"
        else:
            assert isinstance(one, APIRoute) or one.path in ("/healthz", "/api/openapi.json")
            yield from (f"{method} {prefix}{one.path}" for method in one.methods - {"HEAD"})


def test_every_route_is_entered(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        assert sorted(routes(made.app.routes)) == every()

    tell(tmp_path, story)


def test_reading_is_answered_as_the_table_of_permissions_says(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        wrong = []
        for person, role in {**ROLES, "nora": ""}.items():
            browser = made.browser()
            assert (await browser.sign_in(person)).status_code == 303
            api = await program(made, person, SCOPES)
            for route, needs in READS.items():
                answer = await (api if " /api/" in route else browser).get(path_of(route))
                right = rightly(role, route, needs, everywhere=person == "ada")
                if answer.status_code not in right:
                    wrong.append(f"{person}: {route}: {answer.status_code}")
                if person != "ada":
                    seen = [secret for secret in SECRETS if secret in answer.text]
                    wrong += [f"{person}: {route}: {secret}" for secret in seen]
        nobody = made.browser()
        for route in READS:
            answer = await nobody.get(path_of(route))
            if not turned_away(answer, route):
                wrong.append(f"nobody: {route}: {answer.status_code}")
        assert not wrong, "\n".join(wrong)

    tell(tmp_path, story)


def test_a_token_reads_and_changes_within_its_scopes(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        narrow = await program(made, "ada", ("device",))
        reader = await program(made, "ada", ("read",))
        before = kept(tmp_path)
        wrong = []
        for route in READS:
            if " /api/" in route and route != "GET /api/account":
                status = (await narrow.get(path_of(route))).status_code
                wrong += [f"{route}: {status}"] if status != 403 else []
        for aim in OPERATIONS:
            status = (await send(reader, aim)).status_code
            wrong += [f"{aim.route}: {status}"] if status not in SHUT else []
        assert not wrong, "\n".join(wrong)
        assert kept(tmp_path) == before

    tell(tmp_path, story)


@pytest.mark.parametrize("aims", [FORMS, OPERATIONS], ids=["pages", "api"])
def test_people_of_elsewhere_change_nothing(tmp_path: Path, aims: Sequence[Aim]) -> None:
    async def story(made: House) -> None:
        wrong = []
        for person in (*DERBY, "nora"):
            client = await somebody(made, person, aims)
            before = kept(tmp_path)
            for aim in aims:
                answer = await send(client, replace(aim, at=""))
                if answer.status_code not in (*SHUT, aim.refused if person != "nora" else 403):
                    wrong.append(f"{person}: {aim.route}: {answer.status_code}")
                if kept(tmp_path) != before:
                    before = kept(tmp_path)
                    wrong.append(f"{person}: {aim.route}: something was changed")
        nobody = made.browser()
        await nobody.see("/sign-in")
        own = [Aim(route) for route in (*MINE, *OWN) if aims is FORMS and route[:4] == "POST"]
        for aim in (*aims, *own):
            answer = await send(nobody, replace(aim, at=""))
            if not turned_away(answer, aim.route):
                wrong.append(f"nobody: {aim.route}: {answer.status_code}")
        assert not wrong, "\n".join(wrong)
        assert kept(tmp_path) == before

    tell(tmp_path, story)


@pytest.mark.parametrize("aims", [FORMS, OPERATIONS], ids=["pages", "api"])
def test_an_administrator_can_do_each_of_these(tmp_path: Path, aims: Sequence[Aim]) -> None:
    """What nobody else may is not refused because it could not be done at all."""

    async def story(made: House) -> None:
        client = await somebody(made, "ada", aims)
        wrong = []
        for aim in aims:
            before = kept(tmp_path)
            answer = await send(client, aim)
            done = answer.status_code in (200, 201, 303) and kept(tmp_path) != before
            if aim.works and not done:
                said = re.findall(r"(?s)error-(?:message|summary__list).{,400}", answer.text)
                wrong.append(f"{aim.route}: {answer.status_code}: {said[:1] or answer.text[:300]}")
        assert not wrong, "\n".join(wrong)

    tell(tmp_path, story)


def test_no_form_is_taken_without_its_token(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        ada = made.browser()
        await ada.sign_in("ada")
        before = kept(tmp_path)
        for aim in FORMS:
            ada.csrf = ""
            answer = await send(ada, aim)
            assert answer.status_code == 403 and "This form" in answer.text, aim.route
        assert kept(tmp_path) == before

    tell(tmp_path, story)


def rightly(role: str, route: str, needs: str, *, everywhere: bool) -> Collection[int]:
    """The statuses with which somebody of a role, at Derby or everywhere, may be answered."""
    one_of_crewe = any(part in route for part in ONE_OF_CREWE)
    if not may_read(role, needs, everywhere=everywhere):
        return (403,)
    if one_of_crewe:
        return (200,) if everywhere else (403, 404)
    return (200, 404, 422)


def may_read(role: str, needs: str, *, everywhere: bool) -> bool:
    """What the table of permissions says to a role, at Derby or everywhere."""
    if not role:
        return False
    if needs == ROLE or everywhere:
        return True
    if needs == EVERYWHERE or needs in WHOLE:
        return False
    words = ("rule.allow", "rule.deny") if needs == RULES else (needs,)
    return any(PERMITTED[word][role] != "-" for word in words)  # type: ignore[index]


def turned_away(answer: httpx.Response, route: str) -> bool:
    """Whether somebody who did not say who they are got no further."""
    if " /api/" in route:
        return answer.status_code == 401
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


async def somebody(made: House, person: str, aims: Sequence[Aim]) -> httpx.AsyncClient:
    """A browser in which a person is signed in, or a program of theirs."""
    if aims is OPERATIONS:
        return await program(made, person, SCOPES)
    browser = made.browser()
    await browser.sign_in(person)
    return browser


async def send(client: httpx.AsyncClient, aim: Aim) -> httpx.Response:
    """Send what an aim says, as its form or as JSON."""
    method = aim.route.partition(" ")[0]
    path = (aim.at or path_of(aim.route)).replace("UNDONE", str(UNDONE))
    if path.startswith("/api/"):
        return await client.request(method, path, json=aim.sent or None)
    assert isinstance(client, Browser)
    return await client.submit(path, **aim.sent, confirmed="yes")
