"""`/settings/texts`: what the block page says beside the reason, for each category and for all."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.commands.pages import TEXT_CHARACTERS_MAX, RemovePage, SetPage
from policy.entries import ORGANISATION
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.pages.settings import Owner
from portal.rendering import render
from portal.services import Given, Services
from portal.standing_policy import standing
from portal.words import t

router = APIRouter()


@router.get("/settings/texts")
async def show_texts(request: Request, me: Owner, services: Given) -> Response:
    """Every category with its help links and the organisation's own text."""
    now = await standing(services)
    closed = [entry for entry in services.taxonomy.values() if not entry.essential]
    return render(
        request,
        "settings/texts",
        categories=closed,
        pages=now.policy.pages,
        all_of_them=ORGANISATION,
    )


@router.get("/settings/texts/{page}")
async def ask_text(request: Request, me: Owner, services: Given, page: str) -> Response:
    """The form with the text there is."""
    title = _title(services, page)
    now = await standing(services)
    text = now.policy.pages.get(page, "")
    return _form(request, services, page, title, Form.filled(text=text))


@router.post("/settings/texts/{page}")
async def set_text(request: Request, me: Owner, services: Given, page: str) -> Response:
    """Another text; an empty one takes it away."""
    form = await read_form(request)
    title = _title(services, page)
    now = await standing(services)
    text = form.text("text", "", TEXT_CHARACTERS_MAX + 1)
    had = page in now.policy.pages
    if not text and not had:
        form.wrong("text", t("texts.missing"))
    reason = reason_of(form)
    answer = await carry_out(
        request,
        form,
        SetPage(page, text, reason) if text or not had else RemovePage(page, reason),
        title=t("texts.one", title=title),
        back="/settings/texts",
        notice="texts.changed_done",
        fields={"pages": "text"},
    )
    return answer or _form(request, services, page, title, form)


def _title(services: Services, page: str) -> str:
    if page == ORGANISATION:
        return t("texts.everything")
    if page not in services.taxonomy or services.taxonomy[page].essential:
        raise HTTPException(404)
    return services.taxonomy[page].title


def _form(request: Request, services: Services, page: str, title: str, form: Form) -> Response:
    links = services.taxonomy[page].help if page in services.taxonomy else ()
    return render(
        request, "settings/text", 422 if form.errors else 200, form=form, title=title, links=links
    )
