"""The API of venues, devices, profiles, people and the organisation: what goes in comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from policy.commands.command import Actor
from policy.types import Grant
from tests.portal.settlers import document, settle
from tests.portal.visitors import House, tell

SCOPES = tuple("read venue room device profile person organisation role term page".split())


async def program(house: House, person: str, scopes: tuple[str, ...] = SCOPES) -> httpx.AsyncClient:
    """A program that acts for somebody."""
    actor = Actor(person, person, "portal", (Grant("administrator"),))
    at = house.clock.at
    secret = await house.services.visits.make_token(
        actor, title="test", scopes=scopes, at=at, expires_at=at + 3600
    )
    client = house.browser()
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


# What is added, and how it is seen again: path, body, path of the one, what comes out of it.
ROUND_TRIPS: list[tuple[str, dict[str, Any], str]] = [
    ("/api/venues", {"id": "chester", "title": "Chester", "networks": ["10.40.0.0/16"]}, "chester"),
    ("/api/devices", {"id": "pc", "title": "PC", "hostnames": ["pc-7"]}, "pc"),
    (
        "/api/profiles",
        {"id": "young", "title": "Young", "youtube": "strict", "actions": {"games": "warn"}},
        "young",
    ),
    (
        "/api/people",
        {"id": "jo", "name": "Jo", "roles": [{"role": "tutor", "venues": ["crewe"]}]},
        "jo",
    ),
]


@pytest.mark.parametrize(("path", "body", "id"), ROUND_TRIPS, ids=lambda value: str(value)[:14])
def test_added_seen_and_removed(tmp_path: Path, path: str, body: dict[str, Any], id: str) -> None:
    async def story(house: House) -> None:
        await settle(house)
        api = await program(house, "ada")
        before = await document(house)
        told = await api.post(f"{path}?dry_run=true", json=body)
        assert told.status_code == 201 and told.json()["audit_number"] is None
        assert told.json()["sentences"]
        assert await document(house) == before
        made = await api.post(f"{path}?reason=because", json=body)
        assert made.status_code == 201 and made.json()["audit_number"]
        seen = (await api.get(f"{path}/{id}")).json()
        assert seen.items() >= body.items()
        assert seen in (await api.get(path)).json()
        again = await api.post(path, json=body)
        assert again.status_code == 422 and "there already" in again.json()["faults"][0]
        changed = await api.patch(f"{path}/{id}", json={"nonsense": 1})
        assert changed.status_code == 422
        assert (await api.delete(f"{path}/{id}")).status_code == 200
        assert (await api.get(f"{path}/{id}")).status_code == 404
        assert await document(house) == before
        assert (await house.browser().get(path)).status_code == 401
        lea = await program(house, "lea")
        assert (await lea.post(path, json=body)).status_code == 403
        narrow = await program(house, "ada", ("read", "term"))
        refused = await narrow.post(path, json=body)
        assert refused.status_code == 403

    tell(tmp_path, story)


def test_rooms_and_the_first_venue(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        api = await program(house, "ada")
        first = {"id": "mine", "networks": ["10.0.0.0/8"], "replaces": "here"}
        assert (await api.post("/api/venues", json=first)).status_code == 201
        room = {"id": "lab", "title": "Lab", "networks": ["10.1.0.0/16"]}
        assert (await api.post("/api/venues/mine/rooms", json=room)).status_code == 201
        changed = {"title": None, "profile": "staff"}
        answer = await api.patch("/api/venues/mine/rooms/lab", json=changed)
        assert "filtered as Staff" in answer.json()["sentences"][-1]
        seen = (await api.get("/api/venues/mine")).json()["rooms"]
        assert seen == [
            {"id": "lab", "title": None, "networks": ["10.1.0.0/16"], "profile": "staff"}
        ]
        assert (await api.delete("/api/venues/mine/rooms/lab")).status_code == 200
        assert (await api.get("/api/venues/mine")).json()["rooms"] == []

    tell(tmp_path, story)


def test_access(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        api = await program(house, "ada")
        await api.post("/api/devices", json={"id": "pc", "addresses": ["10.20.3.7"]})
        until = house.clock.at + 3600
        sent = {"reason": "films", "until": until}
        assert (await api.post("/api/devices/pc/withdraw", json=sent)).status_code == 200
        seen = (await api.get("/api/devices/pc")).json()
        assert seen["withdrawn"] and seen["withdrawn_reason"] == "films"
        assert (await api.post("/api/devices/pc/withdraw", json={"reason": " "})).status_code == 422
        assert (await api.post("/api/devices/pc/give-back")).status_code == 200
        assert (await api.get("/api/devices?limit=1")).json()[0]["withdrawn"] is False
        assert (await api.get("/api/devices?limit=100000")).status_code == 422

    tell(tmp_path, story)


def test_actions_and_periods(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        api = await program(house, "ada")
        path = "/api/profiles/learners"
        assert (await api.patch(f"{path}/actions", json={"games": "warn"})).status_code == 200
        assert (await api.get(path)).json()["actions_in_force"]["games"] == "warn"
        locked = next(id for id, entry in house.services.taxonomy.items() if entry.locked)
        refused = await api.patch(f"{path}/actions", json={locked: "allow"})
        assert refused.status_code == 422 and "locked" in refused.json()["faults"][0]
        period = {"name": "lunch", "days": ["mon"], "from": "12:00", "to": "13:00", "when": "any",
                  "actions": {"games": "allow"}}  # fmt: skip
        assert (await api.post(f"{path}/periods", json=period)).status_code == 201
        later = {**period, "to": "14:00"}
        assert (await api.put(f"{path}/periods?name=lunch", json=later)).status_code == 200
        assert (await api.get(path)).json()["periods"] == [later]
        assert (await api.put(f"{path}/periods?name=tea", json=later)).status_code == 422
        assert (await api.delete(f"{path}/periods?name=lunch")).status_code == 200
        assert (await api.get(path)).json()["periods"] == []

    tell(tmp_path, story)


def test_the_organisation_terms_roles_and_texts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        api = await program(house, "ada")
        assert (await api.patch("/api/organisation", json={"name": "Us"})).status_code == 200
        seen = (await api.get("/api/organisation")).json()
        assert seen["name"] == "Us" and seen["default_profile"] == "learners"
        term = {"name": "spring", "from": "2027-01-11", "to": "2027-03-26"}
        assert (await api.post("/api/terms", json=term)).status_code == 201
        sent = {"to": "2027-03-27"}
        assert (await api.patch("/api/terms?name=spring", json=sent)).status_code == 200
        assert (await api.get("/api/terms")).json() == [{**term, **sent}]
        assert (await api.delete("/api/terms?name=spring")).status_code == 200
        hours = {"exception_hours_max": 5}
        assert (await api.put("/api/roles/tutor", json=hours)).status_code == 200
        assert (await api.get("/api/roles")).json()["tutor"] == hours
        assert (await api.put("/api/roles/king", json=hours)).status_code == 422
        assert (await api.put("/api/pages/gambling", json={"text": "Ask Jo"})).status_code == 200
        assert (await api.get("/api/pages")).json() == {"gambling": {"text": "Ask Jo", "help": []}}
        links = [{"title": "Maya", "url": "tel:+441270000000"}]
        assert (await api.put("/api/pages/gambling", json={"help": links})).status_code == 200
        both = {"text": "Ask Jo", "help": links}
        assert (await api.get("/api/pages")).json() == {"gambling": both}
        refused = await api.put("/api/pages/gambling", json={"help": [{"title": "x", "url": "x"}]})
        assert refused.status_code == 422 and "help[0].url" in refused.json()["faults"][0]
        assert (await api.delete("/api/pages/gambling")).status_code == 200
        tom = await program(house, "tom")
        assert (await tom.patch("/api/organisation", json={"name": "Me"})).status_code == 403

    tell(tmp_path, story)


def test_partners_see_only_their_people(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        api = await program(house, "pia")
        assert {person["id"] for person in (await api.get("/api/people")).json()} == {"pia", "tess"}
        assert (await api.get("/api/people/ada")).status_code == 404
        assert (await api.delete("/api/people/ada")).status_code == 403
        everywhere = {"id": "max", "name": "Max", "roles": [{"role": "tutor"}]}
        assert (await api.post("/api/people", json=everywhere)).status_code == 403
        tom = await program(house, "tom")
        assert (await tom.get("/api/people")).status_code == 403

    tell(tmp_path, story)
