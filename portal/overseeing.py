"""Who may see and manage whom: administrators everybody, a partner's administrators only people
wholly inside their venues.

The rule is that of the commands (`policy.commands.people.permission_for`); what is done to an
account, which no command knows, is asked for by the same rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.commands import journal
from policy.commands.people import permission_for
from policy.commands.permissions import is_permitted
from portal.accounts.visits import Visit
from portal.identity import NotAllowed, actor_of, may
from portal.services import Services
from portal.standing_policy import Standing

ACTION = "person.change"


def may_manage(me: Visit, body: Mapping[str, Any]) -> bool:
    """Whether somebody may manage a person with this body."""
    return may(me, ACTION) and is_permitted(me.person.roles, permission_for(ACTION, body))


def people_of(me: Visit, now: Standing) -> dict[str, Mapping[str, Any]]:
    """The people that somebody may see and manage, as the document has them, by id."""
    people: Mapping[str, Mapping[str, Any]] = now.raw.get("people", {})
    return {id: body for id, body in people.items() if may_manage(me, body)}


def my_venues(me: Visit, now: Standing) -> frozenset[str] | None:
    """The venues in which somebody may appoint people; None: everywhere."""
    venues: set[str] = set()
    for grant in me.person.roles:
        if grant.role == "administrator" and not grant.venues:
            return None
        if grant.role in ("administrator", "partner-administrator"):
            venues |= grant.venues or now.policy.venues.keys()
    return frozenset(venues)


async def require_over(me: Visit, services: Services, now: Standing, person: str) -> None:
    """Raise `NotAllowed`, and enter it in the log, unless somebody may manage a person."""
    if person in people_of(me, now):
        return
    async with services.store.writing() as writing:
        await journal.append(
            writing.connection,
            actor_of(me),
            at=services.clock(),
            action="account.manage",
            subject=f"person:{person}" if person in now.raw.get("people", {}) else "organisation",
            reason="an account of somebody outside their venues",
            outcome="refused",
        )
    raise NotAllowed(ACTION)
