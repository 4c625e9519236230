"""`/people`: who may decide what, and where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from policy.commands.people import AddPerson, ChangePerson, RemovePerson
from policy.people import ROLES
from policy.types import Person
from portal.accounts.care import AccountStanding
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Allowed, actor_of, may
from portal.overseeing import my_venues, people_of
from portal.rendering import Area, render
from portal.services import Given
from portal.standing_policy import Standing, id_from, standing
from portal.words import t

router = APIRouter()
area = Area("/people", "people.navigation", order=60, action="person.change", group="setup")

Overseer = Annotated[Visit, Depends(Allowed("person.change"))]
"""Whoever manages people somewhere."""

SHOWN_MAX: Final = 200
"""People on the page; there may be 10,000, and the search finds the others."""
SEARCHED_FROM: Final = 20
"""With fewer people nobody needs to search."""
BOXES_MAX: Final = 40
"""Venues to tick for each role; of more the names are typed."""
EVERYWHERE: Final = "*"
TRUSTED: Final = ("administrator", "safeguarding-lead")
"""Roles that only an administrator of everything gives."""
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


@router.get("/people")
async def show_people(request: Request, me: Overseer, services: Given) -> Response:
    """Everybody whom somebody may manage."""
    now = await standing(services)
    accounts = await services.accounts.care.standings()
    at = services.clock()
    wanted = request.query_params.get("q", "").strip().lower()[:100]
    people = [now.policy.people[id] for id in people_of(me, now)]
    found = [one for one in people if wanted in f"{one.id}\n{one.name}\n{one.email}".lower()]
    rows = [(one, state_of(accounts.get(one.id), at)) for one in found[:SHOWN_MAX]]
    return render(
        request,
        "people/list",
        standing=now,
        rows=rows,
        roles_of=roles_of,
        wanted=wanted,
        count=len(found),
        searchable=len(people) > SEARCHED_FROM,
    )


@router.get("/people/add")
async def ask_person(request: Request, me: Overseer, services: Given) -> Response:
    """The form for somebody new."""
    return _form(request, me, await standing(services), None, Form())


@router.post("/people/add")
async def add_person(request: Request, me: Overseer, services: Given) -> Response:
    """Add somebody; what an earlier person of this id had to sign in with is void."""
    form = await read_form(request)
    now = await standing(services)
    body = _body(form, me, now)
    id = form.text("id") or id_from(body["name"])

    async def forget() -> None:
        await services.accounts.care.forget(actor_of(me), id, services.clock())

    answer = await carry_out(
        request,
        form,
        AddPerson(id, {key: value for key, value in body.items() if value}, reason_of(form)),
        title=t("people.add_title"),
        back="/people",
        then=f"/people/id/{id}",
        notice="people.added_done",
        fields={"people": "id", id: "id", "roles": f"role-{ROLES[0]}"},
        afterwards=forget,
    )
    return answer or _form(request, me, now, None, form)


@router.get("/people/id/{person}")
async def show_person(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """One person, and their account."""
    now = await standing(services)
    known = known_person(me, now, person)
    account = (await services.accounts.care.standings()).get(person)
    at = services.clock()
    return render(
        request,
        "people/person",
        zone=now.zone,
        person=known,
        roles=roles_of(known, now),
        account=account,
        state=state_of(account, at),
        is_locked=account is not None and account.locked_until > at,
        sessions=await services.visits.sessions(person, at),
        is_bound=await services.accounts.care.is_bound(person),
        is_me=person == me.person.id,
    )


@router.get("/people/id/{person}/change")
async def ask_change(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """The form with what the person has."""
    now = await standing(services)
    known = known_person(me, now, person)
    filled: dict[str, Any] = {"name": known.name, "email": known.email}
    for grant in known.roles:
        key = f"role-{grant.role}"
        filled[key] = [*filled.get(key, ()), *(sorted(grant.venues) or [EVERYWHERE])]
    return _form(request, me, now, known, Form.filled(**filled))


@router.post("/people/id/{person}/change")
async def change_person(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """Another name, address, or other roles."""
    form = await read_form(request)
    now = await standing(services)
    known = known_person(me, now, person)
    body = _body(form, me, now)
    answer = await carry_out(
        request,
        form,
        ChangePerson(person, {key: body[key] or None for key in body}, reason_of(form)),
        title=t("people.change_title", name=known.name),
        back=f"/people/id/{person}",
        notice="people.changed_done",
        fields={"roles": f"role-{ROLES[0]}"},
    )
    return answer or _form(request, me, now, known, form)


@router.post("/people/id/{person}/remove")
async def remove_person(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """Remove somebody, with their account. What they decided stays."""
    form = await read_form(request)
    known = known_person(me, await standing(services), person)
    title = t("people.remove_title", name=known.name)
    answer = await carry_out(
        request,
        form,
        RemovePerson(person, reason_of(form)),
        title=title,
        back=f"/people/id/{person}",
        then="/people",
        notice="people.removed_done",
        is_grave=True,
    )
    return answer or render(request, "cannot", 422, form=form, title=title, back="/people")


def known_person(me: Visit, now: Standing, person: str) -> Person:
    """Somebody whom one may manage; of others not even that they are there."""
    if person not in people_of(me, now):
        raise HTTPException(404)
    return now.policy.people[person]


def roles_of(person: Person, now: Standing) -> list[str]:
    """`tutor at Crewe, Chester`, for each role."""
    said = []
    for grant in person.roles:
        role = t(f"role.{grant.role}")
        titles = sorted(now.policy.venues[venue].title for venue in grant.venues)
        if titles:
            said.append(t("account.role_at", role=role, venues=", ".join(titles)))
        else:
            said.append(t("account.role_everywhere", role=role))
    return said


def state_of(account: AccountStanding | None, at: float) -> str:
    """The key of how somebody signs in."""
    if account is None or not account.has_password:
        bound = account is not None and account.is_bound
        return "people.by_provider" if bound else "people.no_password"
    if account.locked_until > at:
        return "people.locked"
    return "people.with_factor" if account.has_second_factor else "people.no_factor"


def _body(form: Form, me: Visit, now: Standing) -> dict[str, Any]:
    email = form.text("email", "", 320)
    if email and not _EMAIL.fullmatch(email):
        form.wrong("email", t("set-up.email_wrong"))
    roles: list[Mapping[str, Any]] = []
    for role, choices in _choices(me, now).items():
        places = form.chosen(f"role-{role}", dict(choices))
        places += [id for id in _typed(form, role, choices) if id not in places]
        if EVERYWHERE in places:
            roles.append({"role": role})
        elif places:
            roles.append({"role": role, "venues": places})
    return {"name": form.text("name", "people.name_missing", 200), "email": email, "roles": roles}


def _choices(me: Visit, now: Standing) -> dict[str, list[tuple[str, str]]]:
    """By role, where somebody may give it: pairs of value and text."""
    mine = my_venues(me, now)
    venues = [(id, title) for id, title in now.venues if mine is None or id in mine]
    everywhere = [(EVERYWHERE, t("people.everywhere"))] if mine is None else []
    trusted = may(me, "person.administrators") and mine is None
    return {role: [*everywhere, *venues] for role in ROLES if trusted or role not in TRUSTED}


def _typed(form: Form, role: str, choices: Sequence[tuple[str, str]]) -> list[str]:
    """Venues of a role that were typed, by id or title: of many there are no boxes to tick."""
    found: list[str] = []
    asked = [line.strip() for line in form.text(f"more-{role}", "", 20_000).split("\n")]
    titles = Counter(title.casefold() for _, title in choices)
    ids = {title.casefold(): id for id, title in choices if titles[title.casefold()] == 1}
    ids |= {id: id for id, _ in choices}
    for line in filter(None, asked):
        id = ids.get(line) or ids.get(line.casefold())
        if id is None:  # none of this name, or several
            form.wrong(f"more-{role}", t("people.more_wrong", venue=line[:100]))
        elif id not in found:
            found.append(id)
    return found


def _boxes(form: Form, role: str, choices: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What can be ticked: everything, or of many only what is ticked already."""
    if len(choices) <= BOXES_MAX:
        return [*choices]
    ticked = {EVERYWHERE, *form.chosen(f"role-{role}", dict(choices))}
    return [pair for pair in choices if pair[0] in ticked]


def _form(
    request: Request, me: Visit, now: Standing, person: Person | None, form: Form
) -> Response:
    choices = _choices(me, now)
    return render(
        request,
        "people/form",
        422 if form.errors else 200,
        form=form,
        person=person,
        choices={role: _boxes(form, role, pairs) for role, pairs in choices.items()},
        many=any(len(pairs) > BOXES_MAX for pairs in choices.values()),
    )
