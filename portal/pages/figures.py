"""`/figures`: too little or too much? What leadership looks at, and what good looks like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from portal.accounts.visits import Visit
from portal.identity import Allowed
from portal.rendering import Area, render
from portal.reporting.answers import answers
from portal.reporting.asking import READ, about, facts_of, read_choosing
from portal.reporting.sections import figures_of
from portal.services import Given
from portal.standing_policy import standing
from portal.words import t

router = APIRouter()
area = Area("/figures", "figures.navigation", order=25, action=READ, group="seeing")


@router.get("/figures")
async def show_figures(
    request: Request, me: Annotated[Visit, Depends(Allowed(READ))], services: Given
) -> Response:
    """The figures of a period and of venues that somebody may see."""
    now = await standing(services)
    choosing = read_choosing(request.query_params, me, now, services.clock())
    shown = {
        "form": choosing.form,
        "zone": now.zone,
        "choosing": choosing,
        "more_links": [(f"/report?{choosing.query}", t("figures.report"))],
    }
    if choosing.asked is None:
        return render(request, "figures/figures", 422, **shown)
    facts = await facts_of(services, me, now, choosing.asked)
    return render(
        request,
        "figures/figures",
        answers=answers(facts),
        sections=figures_of(facts),
        about=about(facts),
        is_off=facts.material.happened is None,
        **shown,
    )
