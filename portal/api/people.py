"""`/api/people`: who has which role. Links to choose a password are given on the page alone: a
token that was stolen shall not open accounts.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from policy.commands.people import AddPerson, ChangePerson, RemovePerson
from portal.api.models import Body, DryRun, Outcome, outcome, there
from portal.identity import actor_of
from portal.overseeing import people_of
from portal.pages.people import Overseer
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["people"])


class Grant(Body):
    """One role."""

    role: str
    venues: list[str] | None = None
    """Where it holds; left out: everywhere."""


class PersonBody(Body):
    """A person, as `policy.toml` has them."""

    name: str | None = None
    email: str | None = None
    roles: list[Grant] | None = None


class NewPerson(PersonBody):
    """A person to add."""

    id: str


class Person(PersonBody):
    """A person."""

    id: str


@router.get("/people")
async def list_people(me: Overseer, services: Given) -> list[Person]:
    """Everybody whom this token's person may manage."""
    found = people_of(me, await standing(services))
    return [Person.model_validate({**body, "id": id}) for id, body in found.items()]


@router.get("/people/{person}")
async def show_person(me: Overseer, services: Given, person: str) -> Person:
    """One person."""
    found = people_of(me, await standing(services))
    there(person, found)
    return Person.model_validate({**found[person], "id": person})


@router.post("/people", status_code=201)
async def add_person(
    request: Request,
    me: Overseer,
    services: Given,
    sent: NewPerson,
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Add somebody."""
    body = {key: value for key, value in _written(sent).items() if key != "id"}
    done = await outcome(request, AddPerson(sent.id, body, reason), dry_run)
    if not dry_run:
        await services.accounts.care.forget(actor_of(me), sent.id, services.clock())
    return done


@router.patch("/people/{person}")
async def change_person(
    request: Request,
    me: Overseer,
    person: str,
    sent: PersonBody,
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Change somebody: only the keys that are sent; roles all at once."""
    return await outcome(request, ChangePerson(person, _written(sent), reason), dry_run)


@router.delete("/people/{person}")
async def remove_person(
    request: Request, me: Overseer, person: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Remove somebody, with their account."""
    return await outcome(request, RemovePerson(person, reason), dry_run)


def _written(sent: PersonBody) -> dict[str, Any]:
    body = sent.written()
    if sent.roles is not None:
        body["roles"] = [grant.model_dump(exclude_none=True) for grant in sent.roles]
    return body
