"""Who somebody is in the policy, read without reading the whole of it: asked at every request."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.people import read_people
from policy.reading import Faults, Table
from policy.store.reading import decode_body
from policy.store.rows import TABLES
from policy.types import Person


async def read_person(connection: AsyncConnection, id: str) -> Person | None:
    """A person of the policy; None when it names none of this id."""
    people, venues = TABLES["people"], TABLES["venues"]
    text = await connection.scalar(select(people.c.body).where(people.c.id == id))
    if text is None:
        return None
    body = decode_body(text)
    named = sorted({venue for role in body.get("roles", ()) for venue in role.get("venues", ())})
    there: dict[str, Any] = {}
    if named:
        found = await connection.scalars(select(venues.c.id).where(venues.c.id.in_(named)))
        there = dict.fromkeys(found)
    return read_people(Table({"people": {id: body}}, "", Faults("store")), there).get(id)
