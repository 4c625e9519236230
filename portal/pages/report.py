"""`/report`: what the filter did, and what people decided about it, to read, to keep and to print.

Printing takes seconds of a processor: one at a time.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from portal.accounts.visits import Visit
from portal.identity import Allowed
from portal.rendering import Area, render
from portal.reporting.asking import READ, about, facts_of, read_choosing
from portal.reporting.formats import FORMATS, MEDIA_TYPES, file_name, formats_here, write
from portal.reporting.printing import PrintFault
from portal.reporting.report import report_of
from portal.services import Given, Services
from portal.standing_policy import standing
from portal.words import t

router = APIRouter()
area = Area("/report", "report.navigation", order=27, action=READ, group="seeing")

Reader = Annotated[Visit, Depends(Allowed(READ))]
_PRINTING: Final = "printing"


@router.get("/report")
async def show_report(request: Request, me: Reader, services: Given) -> Response:
    """The report of a period and of venues that somebody may see."""
    return await _page(request, services, me)


@router.get("/report/download")
async def download(request: Request, me: Reader, services: Given) -> Response:
    """The same as a file."""
    wanted = request.query_params.get("format", "")
    format = next((word for word in FORMATS if word == wanted), None)
    if format is None:
        return await _page(request, services, me, 422, t("report.format_wrong"))
    now = await standing(services)
    choosing = read_choosing(request.query_params, me, now, services.clock())
    if choosing.asked is None:
        return await _page(request, services, me, 422)
    report = report_of(await facts_of(services, me, now, choosing.asked))
    try:
        async with _printing(services) if format == "pdf" else nullcontext():
            octets = await write(report, format)
    except PrintFault:
        return await _page(request, services, me, 503, t("report.no_pdf"))
    headers = {"Content-Disposition": f'attachment; filename="{file_name(report, format)}"'}
    return Response(octets, media_type=MEDIA_TYPES[format], headers=headers)


def _printing(services: Services) -> asyncio.Lock:
    lock = services.kept.get(_PRINTING)
    if not isinstance(lock, asyncio.Lock):
        lock = services.kept[_PRINTING] = asyncio.Lock()
    return lock


async def _page(
    request: Request, services: Services, me: Visit, status: int = 200, trouble: str = ""
) -> Response:
    now = await standing(services)
    choosing = read_choosing(request.query_params, me, now, services.clock())
    shown = {
        "form": choosing.form,
        "zone": now.zone,
        "choosing": choosing,
        "formats": formats_here(),
        "trouble": trouble,
    }
    if choosing.asked is None:
        return render(request, "report/report", 422, **shown)
    facts = await facts_of(services, me, now, choosing.asked)
    return render(
        request, "report/report", status, report=report_of(facts), about=about(facts), **shown
    )
