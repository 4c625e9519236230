"""`/api/report` and `/api/figures`: what pages and the report show, for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.api.figure_models import FiguresOut, ReportOut, figures_of
from portal.identity import Allowed
from portal.reporting.asking import FIELD_CHARACTERS_MAX, READ, asked_for, facts_of
from portal.reporting.facts import Facts
from portal.reporting.periods import PeriodFault
from portal.reporting.report import report_of
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["figures"])

Text = Annotated[str, Query(max_length=FIELD_CHARACTERS_MAX)]


async def _facts(
    me: Annotated[Visit, Depends(Allowed(READ))],
    services: Given,
    period: Literal["", "term", "last-term", "7", "30", "days"] = "",
    since: Text = "",
    until: Text = "",
    venue: Text = "",
) -> Facts:
    """`period`: empty is this term, or the last 30 days outside terms; `days` takes `since` and
    `until`, days as in 2026-11-21.
    """
    now = await standing(services)
    values = {"period": period, "since": since, "until": until, "venue": venue}
    try:
        asked = asked_for(values, me, now, services.clock())
    except PeriodFault as fault:
        raise Refused(str(fault)) from None
    return await facts_of(services, me, now, asked)


Asked = Annotated[Facts, Depends(_facts)]


@router.get("/figures")
async def show_figures(facts: Asked) -> FiguresOut:
    """The figures of a period and of the venues that you may see; `period` is `term`, `last-term`,
    `7`, `30` or `days`, the last with `since` and `until` as in 2026-11-21.
    """
    return figures_of(facts)


@router.get("/report")
async def show_report(facts: Asked) -> ReportOut:
    """The whole report of a period and of the venues that you may see, as texts and tables."""
    return ReportOut.model_validate(report_of(facts))
