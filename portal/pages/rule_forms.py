"""`/rules/add`, `/rules/17`: deciding about names, with what would happen shown first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from policy.commands.command import Command, Refused
from policy.commands.rules import AddRules, ChangeRule, RemoveRule
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.deciding.numbering import Number
from portal.deciding.pasted import LINES_MAX, Pasted, read_pasted
from portal.deciding.scopes import read_places
from portal.deciding.searching import Found, read_rule
from portal.forms import Form, read_form
from portal.identity import Allowed, NotAllowed, may, signed_in
from portal.rendering import render, zone_of
from portal.services import Given, Services
from portal.words import t

router = APIRouter()

FAULTS_SHOWN_MAX: Final = 10
REASON_CHARACTERS_MAX: Final = 1_000
_PREFILLED: Final = ("action", "names", "scope", "reason", "review")
_PREFILLED_CHARACTERS_MAX: Final = 2_000
_FAULT: Final = re.compile(r"[\w.-]+: rules\[(\d+)\](?:\.(\w+))?: (.*)", re.DOTALL)
_OVERRIDE: Final = "with override"
"""What a fault says that may be overridden."""
_OF_FORM: Final = frozenset({"scope", "reason", "review", "expires"})
_FIELDS: Final = {"pattern": "target", "address": "target", "bundle": "target"}
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]


@router.get("/rules/add")
async def ask(request: Request, services: Given) -> Response:
    """The form, filled with what a link gives."""
    me = _decider(request)
    given = {
        name: request.query_params.get(name, "")[:_PREFILLED_CHARACTERS_MAX] for name in _PREFILLED
    }
    if given["action"] not in ("allow", "deny"):
        given["action"] = "" if may(me, "rule.allow") else "deny"
    return await _show_add(request, services, me, Form.filled(**given))


@router.post("/rules/add")
async def add(request: Request, services: Given) -> Response:
    """Say what would happen, then do it: all of the names or none."""
    me = _decider(request)
    form = LinedForm.of(await read_form(request))
    action = next(iter(form.chosen("action", ("allow", "deny"), "rules.action_missing")), "deny")
    pasted = form.pasted = read_pasted(form.text("names", "rules.names_missing", 100_000))
    if len(pasted) > LINES_MAX:
        form.wrong("names", t("rules.names_many", count=len(pasted), most=LINES_MAX))
    shared = _shared(form)
    form.text("reason", "rules.reason_missing")
    bodies = [{"action": action, **_target(one), **shared} for one in pasted]
    command = AddRules(bodies, form.text("reason"), override=bool(form["override"]))
    answer = await carry_out(
        request,
        form,
        command,
        title=(
            t(f"rules.confirm_{action}_one", name=pasted[0].text)
            if len(pasted) == 1
            else t(f"rules.confirm_{action}", count=len(bodies))
        ),
        back="/rules",
        notice="rules.added_done",
        asks_reason=False,
    )
    return answer or await _show_add(request, services, me, form, 422 if form.errors else 200)


@router.get("/rules/{number:int}")
async def show(request: Request, number: Number, me: Reader, services: Given) -> Response:
    """One rule, to be changed or removed."""
    rule = await _known(services, number)
    body = rule.body
    form = Form.filled(
        target=rule.target,
        scope=rule.scope,
        reason=str(body.get("reason", "")),
        review=str(body.get("review", "")),
        expires=str(body.get("expires", "")),
    )
    return await _show_one(request, services, rule, form)


@router.post("/rules/{number:int}")
async def change(request: Request, number: Number, me: Reader, services: Given) -> Response:
    """Change a rule."""
    rule = await _known(services, number)
    form = await read_form(request)
    changes: dict[str, Any] = {
        rule.kind: _understood(form.text("target", "rules.names_missing"), rule.kind),
        "reason": form.text("reason", "rules.reason_missing", REASON_CHARACTERS_MAX),
        "scope": form.text("scope") or "organisation",
        "review": form.text("review") or None,
        "expires": form.text("expires") or None,
    }
    if changes["scope"] == "organisation" and "scope" not in rule.body:
        del changes["scope"]
    reason = form.text("reason")
    command = ChangeRule(number, changes, reason, override=bool(form["override"]))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("rules.confirm_change", number=number),
        back="/rules",
        notice="rules.changed_done",
        fields=_FIELDS,
        asks_reason=False,
    )
    return answer or await _show_one(request, services, rule, form, 422 if form.errors else 200)


@router.get("/rules/{number:int}/remove")
async def ask_to_remove(request: Request, number: Number, me: Reader, services: Given) -> Response:
    """What would happen without a rule."""
    await _known(services, number)
    return await _remove(request, number, Form(), services)


@router.post("/rules/{number:int}/remove")
async def remove(request: Request, number: Number, me: Reader, services: Given) -> Response:
    """Remove a rule."""
    return await _remove(request, number, await read_form(request), services)


async def _remove(request: Request, number: int, form: Form, services: Services) -> Response:
    command: Command = RemoveRule(number, reason_of(form))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("rules.confirm_remove", number=number),
        back=f"/rules/{number}",
        then="/rules",
        notice="rules.removed_done",
        is_grave=True,
    )
    if answer is not None:
        return answer
    rule = await _known(services, number)
    return await _show_one(request, services, rule, form, 422)


class LinedForm(Form):
    """A form with a field of many names: each fault is told with the line it is in."""

    pasted: Sequence[Pasted] = ()

    @classmethod
    def of(cls, form: Form) -> LinedForm:
        """The same form."""
        values: dict[str, list[str]] = {}
        for name, value in form.pairs():
            values.setdefault(name, []).append(value)
        return cls(values)

    def refused(self, refused: Refused, fields: Mapping[str, str] | None = None) -> None:
        """Take over why a command was refused."""
        tell_faults(self, refused.faults, self.pasted)


def _decider(request: Request) -> Visit:
    """Somebody who may allow or deny somewhere; else the page that names who may."""
    me = signed_in(request)
    if not (may(me, "rule.allow") or may(me, "rule.deny")):
        raise NotAllowed("rule.deny")
    return me


def tell_faults(form: Form, faults: Sequence[str], pasted: Sequence[Pasted]) -> None:
    """Faults of many rules to the fields of the form; those of names with their lines."""
    lines: list[str] = []
    for fault in faults:
        found = _FAULT.fullmatch(fault)
        if found is None:
            form.wrong("", fault)
        elif found[2] in _OF_FORM:
            form.wrong(found[2], found[3])
        else:
            number = int(found[1])
            line = pasted[number].line if number < len(pasted) else number + 1
            lines.append(t("rules.line", line=line, fault=found[3]))
    if lines:
        more = len(lines) - FAULTS_SHOWN_MAX
        shown = lines[:FAULTS_SHOWN_MAX]
        if more > 0:
            shown.append(t("rules.lines_more", count=more))
        form.wrong("names", "\n".join(shown))


def _shared(form: Form) -> dict[str, Any]:
    """What every rule of a form has."""
    given = {
        "scope": form.text("scope") or "organisation",
        "review": form.text("review"),
        "expires": form.text("expires"),
    }
    return {key: value for key, value in given.items() if value}


def _target(one: Pasted) -> Mapping[str, str]:
    return {"address" if one.is_network else "pattern": one.text}


def _understood(text: str, kind: str) -> str:
    found = read_pasted(text) if kind == "pattern" else []
    return found[0].text if len(found) == 1 else text


async def _known(services: Services, number: int) -> Found:
    async with services.store.reading() as connection:
        rule = await read_rule(connection, number)
    if rule is None:
        raise HTTPException(404)
    return rule


async def _show_add(
    request: Request, services: Services, me: Visit, form: Form, status: int = 200
) -> Response:
    action = "rule.deny" if may(me, "rule.deny") else "rule.allow"
    places = await read_places(services)
    return render(
        request,
        "rules/add",
        status,
        form=form,
        groups=places.groups_for(me, action),
        overridable=_overridable(form),
    )


async def _show_one(
    request: Request, services: Services, rule: Found, form: Form, status: int = 200
) -> Response:
    places = await read_places(services)
    me = signed_in(request)
    return render(
        request,
        "rules/one",
        status,
        form=form,
        zone=await zone_of(services),
        rule=rule,
        places=places,
        groups=places.groups_for(me, "rule.change", rule.scope),
        overridable=_overridable(form),
    )


def _overridable(form: Form) -> bool:
    return bool(form["override"]) or any(_OVERRIDE in text for text in form.errors.values())
