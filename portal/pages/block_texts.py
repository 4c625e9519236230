"""`/settings/texts`: what the block page says beside the reason, and where it leads for help, for
each category and for all.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.block_texts import HELP_ADDRESS_CHARACTERS_MAX, HELP_LINKS_MAX
from policy.block_texts import HELP_TITLE_CHARACTERS_MAX as TITLE_MAX
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

ROWS_MIN: Final = 3
"""Rows for links that a form shows; one more than are used, up to the most there may be."""


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
        links=now.policy.help_links,
        all_of_them=ORGANISATION,
    )


@router.get("/settings/texts/{page}")
async def ask_text(request: Request, me: Owner, services: Given, page: str) -> Response:
    """The form with the text there is."""
    title = _title(services, page)
    now = await standing(services)
    values = {"text": now.policy.pages.get(page, "")}
    for number, link in enumerate(now.policy.help_links.get(page, ()), 1):
        values |= {f"title-{number}": link.title, f"url-{number}": link.url}
    return _form(request, services, page, title, Form.filled(**values))


@router.post("/settings/texts/{page}")
async def set_text(request: Request, me: Owner, services: Given, page: str) -> Response:
    """Another text, other links; empty ones are taken away."""
    form = await read_form(request)
    title = _title(services, page)
    now = await standing(services)
    text = form.text("text", "", TEXT_CHARACTERS_MAX + 1)
    links, fields = _links(form)
    had = page in now.policy.pages or page in now.policy.help_links
    if not text and not links and not had:
        form.wrong("text", t("texts.missing"))
    reason = reason_of(form)
    answer = await carry_out(
        request,
        form,
        SetPage(page, text, reason, links) if text or links else RemovePage(page, reason),
        title=t("texts.one", title=title),
        back="/settings/texts",
        notice="texts.changed_done",
        fields={"pages": "text", "help": "title-1", **fields},
    )
    return answer or _form(request, services, page, title, form)


def _links(form: Form) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The links that were typed; and which field each part of them is, for faults."""
    links: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    for number in range(1, HELP_LINKS_MAX + 1):
        title = form.text(f"title-{number}", "", TITLE_MAX + 1)
        url = form.text(f"url-{number}", "", HELP_ADDRESS_CHARACTERS_MAX + 1)
        if not title and not url:
            continue
        if not title:
            form.wrong(f"title-{number}", t("texts.link_title_missing"))
        if not url:
            form.wrong(f"url-{number}", t("texts.link_url_missing"))
        for key in ("title", "url"):
            fields[f"help[{len(links)}].{key}"] = f"{key}-{number}"
        links.append({"title": title, "url": url})
    return links, fields


def _used(form: Form) -> int:
    """The last row in which something stands."""
    rows = range(HELP_LINKS_MAX, 0, -1)
    return next((row for row in rows if form[f"title-{row}"] or form[f"url-{row}"]), 0)


def _title(services: Services, page: str) -> str:
    if page == ORGANISATION:
        return t("texts.everything")
    if page not in services.taxonomy or services.taxonomy[page].essential:
        raise HTTPException(404)
    return services.taxonomy[page].title


def _form(request: Request, services: Services, page: str, title: str, form: Form) -> Response:
    return render(
        request,
        "settings/text",
        422 if form.errors else 200,
        form=form,
        title=title,
        links=services.taxonomy[page].help if page in services.taxonomy else (),
        numbers=range(1, min(HELP_LINKS_MAX, max(ROWS_MIN, _used(form) + 1)) + 1),
    )
