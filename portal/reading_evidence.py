"""Whose queries somebody may see: the venues of their roles."""

from __future__ import annotations

from policy.commands.permissions import PERMITTED
from portal.accounts.visits import Visit


def readable_venues(visit: Visit, action: str) -> frozenset[str] | None:
    """The venues for which somebody's roles permit reading; None: all of them.

    Roles add up. A role that was given without venues counts everywhere, also for clients of no
    venue.
    """
    cells = PERMITTED[action]
    grants = [grant for grant in visit.person.roles if cells[grant.role] != "-"]
    if any(not grant.venues for grant in grants):
        return None
    return frozenset(venue for grant in grants for venue in grant.venues)
