"""`/profiles`: what each group of people may see, by category and by the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from categoriser.taxonomy import Category, Group, Taxonomy
from policy.commands.profiles import AddProfile, ChangeProfile, RemoveProfile, SetActions
from policy.passes import WARN_MINUTES_MAX
from policy.timetable import expand
from policy.types import ACTIONS, Profile, YouTube
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Me
from portal.pages.venues import cannot
from portal.rendering import Area, render
from portal.services import Given
from portal.standing_policy import Standing, id_from, standing
from portal.timetables import clock_of, days_of, week_of
from portal.words import t

router = APIRouter()
area = Area("/profiles", "profiles.navigation", order=50, group="setup")

ANSWERS: Final = ("nxdomain", "nodata", "null_address", "page_address", "refused")
"""Kinds of block answers, with the one that fits most first; the desk knows which there are."""
YOUTUBE: Final[Sequence[str]] = get_args(YouTube)
GROUPS: Final[Sequence[str]] = get_args(Group)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a profile does with one category."""

    category: Category
    action: str
    own: str
    """The action this profile gives; "" for the default, or its parent's."""
    standard: str
    """The action without the profile's own word."""

    @property
    def is_fixed(self) -> bool:
        """Whether no profile may change it."""
        return self.category.locked or self.category.essential


def grid(profile: Profile, taxonomy: Taxonomy) -> Mapping[str, Sequence[Cell]]:
    """Every category by its group, in the order of the taxonomy."""
    found: dict[str, list[Cell]] = {group: [] for group in GROUPS}
    in_force = expand(profile.actions, taxonomy)
    for id, category in taxonomy.items():
        others = {key: value for key, value in profile.actions.items() if key != id}
        standard = expand(others, taxonomy).get(id, category.action)
        action = in_force.get(id, category.action)
        found[category.group].append(Cell(category, action, profile.actions.get(id, ""), standard))
    return {group: cells for group, cells in found.items() if cells}


@router.get("/profiles")
async def show_profiles(request: Request, me: Me, services: Given) -> Response:
    """Every profile, and who has it."""
    now = await standing(services)
    rows = [(profile, users(now, id)) for id, profile in now.policy.profiles.items()]
    return render(request, "profiles/list", standing=now, rows=rows)


@router.get("/profiles/add")
async def ask_profile(request: Request, me: Me, services: Given) -> Response:
    """The form for a new profile."""
    form = Form.filled(answer=ANSWERS[0], safe_search="yes", youtube="moderate")
    return _form(request, await standing(services), None, form)


@router.post("/profiles/add")
async def add_profile(request: Request, me: Me, services: Given) -> Response:
    """Add a profile, perhaps as a copy of another."""
    form = await read_form(request)
    now = await standing(services)
    body = {key: value for key, value in _body(form).items() if value is not None}
    copied = form.chosen("like", now.policy.profiles)
    if copied:
        like = now.raw["profiles"][copied[0]]
        body |= {key: like[key] for key in ("actions", "periods") if key in like}
    id = form.text("id") or id_from(body["title"])
    answer = await carry_out(
        request,
        form,
        AddProfile(id, body, reason_of(form)),
        title=t("profiles.add_title"),
        back="/profiles",
        then=f"/profiles/id/{id}",
        notice="profiles.added_done",
        fields={"profiles": "id", id: "id"},
    )
    return answer or _form(request, now, None, form)


@router.get("/profiles/compare")
async def compare(request: Request, me: Me, services: Given) -> Response:
    """Two profiles side by side."""
    now = await standing(services)
    ids = list(now.policy.profiles)
    asked = [request.query_params.get(key, "") for key in ("one", "other")]
    known = [id if id in now.policy.profiles else "" for id in asked]
    one = known[0] or ids[0]
    other = known[1] or next((id for id in ids if id != one), one)
    left, right = (grid(now.policy.profiles[id], services.taxonomy) for id in (one, other))
    rows = {group: list(zip(left[group], right[group], strict=True)) for group in left}
    return render(
        request,
        "profiles/compare",
        standing=now,
        form=Form.filled(one=one, other=other),
        one=now.policy.profiles[one],
        other=now.policy.profiles[other],
        rows=rows,
        differences=sum(a.action != b.action for pairs in rows.values() for a, b in pairs),
        answers=ANSWERS,
        days_of=days_of,
        clock_of=clock_of,
    )


@router.get("/profiles/id/{profile}")
async def show_profile(request: Request, me: Me, services: Given, profile: str) -> Response:
    """One profile: the grid, and its week."""
    now = await standing(services)
    known = known_profile(now, profile)
    return render(
        request,
        "profiles/profile",
        standing=now,
        profile=known,
        groups=grid(known, services.taxonomy),
        week=week_of(known, now.policy.calendar, services.clock(), now.zone),
        users=users(now, profile),
        taxonomy=services.taxonomy,
        answers=ANSWERS,
        days_of=days_of,
        clock_of=clock_of,
    )


@router.get("/profiles/id/{profile}/change")
async def ask_change(request: Request, me: Me, services: Given, profile: str) -> Response:
    """The form with title, answer and searches."""
    now = await standing(services)
    known = known_profile(now, profile)
    form = Form.filled(
        title=known.title,
        answer=known.answer,
        safe_search=["yes"] if known.safe_search else [],
        youtube=known.youtube,
        warn_minutes="" if known.warn_minutes is None else str(known.warn_minutes),
    )
    return _form(request, now, known, form)


@router.post("/profiles/id/{profile}/change")
async def change_profile(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Another title, answer, safe search or YouTube."""
    form = await read_form(request)
    now = await standing(services)
    known = known_profile(now, profile)
    answer = await carry_out(
        request,
        form,
        ChangeProfile(profile, _body(form), reason_of(form)),
        title=t("profiles.change_title", title=known.title),
        back=f"/profiles/id/{profile}",
        notice="profiles.changed_done",
    )
    return answer or _form(request, now, known, form)


@router.get("/profiles/id/{profile}/actions")
async def ask_actions(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Every category with its action, to change many at once."""
    known = known_profile(await standing(services), profile)
    filled: dict[str, Any] = {f"action-{id}": action for id, action in known.actions.items()}
    return _actions(request, services.taxonomy, known, Form.filled(**filled))


@router.post("/profiles/id/{profile}/actions")
async def set_actions(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Change the actions of many categories at once."""
    form = await read_form(request)
    known = known_profile(await standing(services), profile)
    actions = actions_in(form, services.taxonomy)
    answer = await carry_out(
        request,
        form,
        SetActions(profile, actions, reason_of(form)),
        title=t("profiles.actions_title", title=known.title),
        back=f"/profiles/id/{profile}",
        notice="profiles.actions_done",
    )
    return answer or _actions(request, services.taxonomy, known, form)


@router.post("/profiles/id/{profile}/remove")
async def remove_profile(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Give a profile up; who still has it is said."""
    form = await read_form(request)
    known = known_profile(await standing(services), profile)
    title = t("profiles.remove_title", title=known.title)
    answer = await carry_out(
        request,
        form,
        RemoveProfile(profile, reason_of(form)),
        title=title,
        back=f"/profiles/id/{profile}",
        then="/profiles",
        notice="profiles.removed_done",
        is_grave=True,
    )
    return answer or cannot(request, form, title, f"/profiles/id/{profile}")


def known_profile(now: Standing, profile: str) -> Profile:
    """A profile, or the page that says there is none."""
    if profile not in now.policy.profiles:
        raise HTTPException(404)
    return now.policy.profiles[profile]


def actions_in(form: Form, taxonomy: Taxonomy) -> dict[str, str | None]:
    """The actions chosen in the fields of a grid; None: no word of one's own."""
    chosen: dict[str, str | None] = {}
    for id, category in taxonomy.items():
        if not (category.locked or category.essential):
            found = form.chosen(f"action-{id}", ACTIONS)
            chosen[id] = found[0] if found else None
    return chosen


def users(now: Standing, profile: str) -> Sequence[str]:
    """Titles of the places and devices that have a profile."""
    policy = now.policy
    default = policy.organisation.default_profile == profile
    found = [t("profiles.used_by_default")] if default else []
    for venue in policy.venues.values():
        if venue.profile == profile:
            found.append(venue.title)
        found += [
            f"{room.title}, {venue.title}"
            for room in venue.rooms.values()
            if room.profile == profile
        ]
    count = sum(device.profile == profile for device in policy.devices.values())
    return [*found, *([t("profiles.used_by_devices", count=count)] if count else [])]


def _body(form: Form) -> dict[str, Any]:
    minutes = None
    if form["warn_minutes"].strip():
        minutes = form.whole("warn_minutes", 0, WARN_MINUTES_MAX, "profiles.minutes_wrong")
    return {
        "title": form.text("title", "profiles.title_missing"),
        "answer": form.text("answer") or ANSWERS[0],
        "safe_search": bool(form.chosen("safe_search", ["yes"])),
        "youtube": next(iter(form.chosen("youtube", YOUTUBE)), "moderate"),
        "warn_minutes": minutes,
    }


def _form(request: Request, now: Standing, profile: Profile | None, form: Form) -> Response:
    return render(
        request,
        "profiles/form",
        422 if form.errors else 200,
        form=form,
        standing=now,
        profile=profile,
        answers=ANSWERS,
        youtube=YOUTUBE,
    )


def _actions(request: Request, taxonomy: Taxonomy, profile: Profile, form: Form) -> Response:
    return render(
        request,
        "profiles/actions",
        422 if form.errors else 200,
        form=form,
        profile=profile,
        groups=grid(profile, taxonomy),
        actions=ACTIONS,
    )
