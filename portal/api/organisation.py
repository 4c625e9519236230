"""`/api/organisation`, `/api/roles`, `/api/terms`, `/api/pages`: what is the organisation's."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Query, Request
from pydantic import Field

from policy.commands.organisation import ChangeOrganisation, ChangeRole
from policy.commands.pages import RemovePage, SetPage
from policy.commands.terms import AddTerm, ChangeTerm, RemoveTerm
from portal.api.models import Body, DryRun, Outcome, Reading, outcome
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["organisation"])


class Organisation(Body):
    """The organisation, as `policy.toml` has it."""

    name: str | None = None
    timezone: str | None = None
    default_profile: str | None = None
    holidays: str | None = None
    warn_minutes: int | None = None


class Role(Body):
    """How long an exception may last that somebody in a role approves."""

    exception_hours_max: int | None
    """Null: as by default."""


class TermBody(Body):
    """What is sent of a term."""

    name: str | None = None
    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")


class Term(Body):
    """A term; both days are in it."""

    name: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")


class HelpLink(Body):
    """Somewhere to turn to."""

    title: str
    url: str = Field(description="https://host/... or tel:+441234567890")


class Text(Body):
    """What a block page says beside the reason; what is not sent stays as it is."""

    text: str | None = Field(None, description="Empty: no text.")
    help: list[HelpLink] | None = Field(None, description="Links of your own; [] for none.")


@router.get("/organisation")
async def show_organisation(me: Reading, services: Given) -> Organisation:
    """The organisation."""
    raw = (await standing(services)).raw["organisation"]
    return Organisation.model_validate(raw)


@router.patch("/organisation")
async def change_organisation(
    request: Request, sent: Organisation, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Change the organisation: only the keys that are sent; null takes one away."""
    return await outcome(request, ChangeOrganisation(sent.written(), reason), dry_run)


@router.get("/roles")
async def list_roles(me: Reading, services: Given) -> dict[str, Role]:
    """The longest exception of each role, in hours."""
    hours = (await standing(services)).policy.exception_hours_max
    return {role: Role(exception_hours_max=most) for role, most in hours.items()}


@router.put("/roles/{role}")
async def change_role(
    request: Request, role: str, sent: Role, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Another longest exception for a role."""
    return await outcome(request, ChangeRole(role, sent.exception_hours_max, reason), dry_run)


@router.get("/terms")
async def list_terms(me: Reading, services: Given) -> list[Term]:
    """Every term."""
    raw = (await standing(services)).raw.get("terms", ())
    return [Term.model_validate(term) for term in raw]


@router.post("/terms", status_code=201)
async def add_term(
    request: Request, sent: Term, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a term."""
    return await outcome(request, AddTerm(sent.written(), reason), dry_run)


@router.patch("/terms")
async def change_term(
    request: Request,
    sent: TermBody,
    name: str = Query(description="The term's name until now."),
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Change a term: only the keys that are sent."""
    changes = {key: value for key, value in sent.written().items() if value is not None}
    return await outcome(request, ChangeTerm(name, changes, reason), dry_run)


@router.delete("/terms")
async def remove_term(
    request: Request,
    name: str = Query(description="The term's name."),
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Take a term away: its days are holidays then."""
    return await outcome(request, RemoveTerm(name, reason), dry_run)


@router.get("/pages")
async def list_pages(me: Reading, services: Given) -> dict[str, Text]:
    """Texts and help links of the block page, by category; `organisation` is for all of them."""
    raw = (await standing(services)).raw.get("pages", {})
    return {
        page: Text(text=body.get("text", ""), help=body.get("help", []))
        for page, body in raw.items()
    }


@router.put("/pages/{page}")
async def set_page(
    request: Request, page: str, sent: Text, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Write a text, help links, or both."""
    links = None if sent.help is None else [link.model_dump() for link in sent.help]
    return await outcome(request, SetPage(page, sent.text, reason, links), dry_run)


@router.delete("/pages/{page}")
async def remove_page(
    request: Request, page: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Take text and links away."""
    return await outcome(request, RemovePage(page, reason), dry_run)
