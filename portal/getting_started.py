"""What is left to do in a new installation: a short list on the overview, gone once it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policy.commands.venues import SHIPPED
from policy.store.reading import read_keys
from portal.accounts.visits import Visit
from portal.identity import may
from portal.services import Services


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    word: str
    """Its key, without the table."""
    path: str
    done: bool


async def steps(services: Services, me: Visit, lists_enabled: int) -> Sequence[Step]:
    """The steps of an administrator; none once all are done, and for everybody else."""
    if not may(me, "organisation.change"):
        return ()
    async with services.store.reading() as connection:
        raw = await read_keys(connection, ["venues", "people"])
    with_role = [person for person in raw.get("people", {}).values() if person.get("roles")]
    by_password = me.session is not None and me.session.method == "password"
    found = [
        Step("venue", "/venues/add", bool(raw.get("venues", {}).keys() - {SHIPPED})),
        Step("lists", "/lists", lists_enabled > 0),
        Step("person", "/people/add", len(with_role) > 1),
        Step("factor", "/account/second-factor", me.has_second_factor or not by_password),
    ]
    return () if all(step.done for step in found) else found
