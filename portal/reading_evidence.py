"""Reading what happened: where it is, and whose queries somebody may see."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from evidence.store import EvidenceStore
from policy.commands.permissions import PERMITTED
from portal.accounts.visits import Visit
from portal.services import Services


def evidence_of(services: Services) -> EvidenceStore:
    """The telemetry database; 404 when there is none."""
    if services.evidence is None:
        raise HTTPException(404, "telemetry is off")
    return services.evidence


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
