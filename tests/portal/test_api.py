"""Every operation of the API against its own description, on a running portal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings

from evidence.store import EvidenceStore
from lychgate.config import load
from lychgate.portal_listening import Punctual
from lychgate.portal_serving import make_services
from policy.store import Store
from portal.accounts.accounts import actor_of
from portal.accounts.tokens import SCOPES
from portal.api_reference import operations_by_noun
from portal.app import create_app
from portal.services import Services
from tests.portal.loopback import on_loopback
from tests.portal.visitors import House, move_in, tell

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 6
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def token_of(services: Services, scopes: tuple[str, ...] = SCOPES) -> str:
    """A token of the administrator."""
    person = await services.accounts.person("ada")
    assert person is not None
    at = services.clock()
    secret = await services.visits.make_token(
        actor_of(person), title="test", scopes=scopes, at=at, expires_at=at + 86_400
    )
    assert secret is not None
    return secret


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a portal on loopback, and a token of its administrator."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[tuple[FastAPI, str]]:
        folder = tmp_path_factory.mktemp("portal")
        (folder / "lychgate.toml").write_text('[metrics]\nlisten = ""\n', encoding="utf-8")
        (folder / "var").mkdir()
        chosen = load(folder / "lychgate.toml")
        store = await Store.open(chosen.store_url, create=True)
        try:
            await move_in(store)
            await (await EvidenceStore.open(chosen.telemetry_url, create=True)).close()
            services = await make_services(chosen, chosen.portal, store)
            yield create_app(services), await token_of(services)
            if services.evidence is not None:
                await services.evidence.close()
        finally:
            await store.close()

    with on_loopback(serve, lambda made: made[0], http=Punctual) as served:
        yield served.url, served.made[1]


def test_every_operation_keeps_to_its_description(portal: tuple[str, str]) -> None:
    url, token = portal
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json")
    checks = [
        schemathesis.checks.not_a_server_error,
        *(
            schemathesis.checks.CHECKS.get_one(name)
            for name in (
                "status_code_conformance",
                "content_type_conformance",
                "response_schema_conformance",
            )
        ),
    ]
    headers = {"Authorization": f"Bearer {token}"}
    faults: list[str] = []
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        seen += 1

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=checks, timeout=20)

        try:
            ask()
        except Exception as fault:  # all of them are told at once
            faults.append(f"{operation.label}: {str(fault)[:1500]}")
    assert seen >= 1
    assert not faults, "\n\n".join(faults)


def test_without_a_token_nothing_is_answered_and_other_methods_are_not(
    portal: tuple[str, str],
) -> None:
    url, token = portal
    with httpx.Client(base_url=url) as client:
        document = client.get("/api/openapi.json").json()
        for path in document["paths"]:
            filled = path.replace("{", "x").replace("}", "x")
            methods = {  # of every path that it may be: /rules/review is a /rules/{rule} too
                method: said
                for other, several in document["paths"].items()
                if re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", other), filled)
                for method, said in several.items()
            }
            for method in METHODS:
                headers = {"Authorization": f"Bearer {token}"}
                if method.lower() in methods:
                    answer = client.request(method, filled)
                    assert answer.status_code in (401, 422), (method, path, answer.status_code)
                    scheme = methods[method.lower()]["security"]
                    assert scheme == [{"HTTPBearer": []}], path
                else:
                    answer = client.request(method, filled, headers=headers)
                    assert answer.status_code == 405, (method, path)
                    allowed = {word.strip().lower() for word in answer.headers["allow"].split(",")}
                    assert allowed <= methods.keys(), path
                assert answer.json()["faults"] and answer.headers["cache-control"] == "no-store"


def test_the_page_tells_every_operation(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        page = await house.browser().see("/api/docs")
        assert page.status_code == 200
        document = house.app.openapi()
        for path, methods in document["paths"].items():
            for method in methods:
                assert f"{method.upper()} {path}" in page.text
        nouns = dict(operations_by_noun(document))
        account = nouns["account"][0]
        assert [field.name for field in account.gives][:3] == ["id", "name", "roles"]
        assert "roles[].venues" in [field.name for field in account.gives]
        assert {"401", "403", "422", "503"} <= {status for status, _ in account.statuses}

    tell(tmp_path, story)


def test_a_token_tells_when_it_was_used_and_can_be_replaced(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        token = await token_of(house.services, ("read",))
        ada, program = house.browser(), house.browser()
        await ada.sign_in("ada")
        assert "Never" in (await ada.see("/account")).text
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await program.get("/api/account", headers=bearer)).status_code == 200
        (used,) = await house.services.visits.tokens("ada")
        assert used.used_at == house.clock.at
        assert "Never" not in (await ada.see("/account")).text
        page = await ada.submit("/account/tokens/renew", id=used.id)
        assert (await program.get("/api/account", headers=bearer)).status_code == 401
        (new,) = await house.services.visits.tokens("ada")
        assert new.scopes == {"read"} and new.id != used.id and new.used_at == 0
        secret = page.text.split("lychgate_")[1][:43]
        bearer = {"Authorization": f"Bearer lychgate_{secret}"}
        assert (await program.get("/api/account", headers=bearer)).status_code == 200

    tell(tmp_path, story)
