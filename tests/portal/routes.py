"""Every page and operation of the portal, and what somebody needs for it.

A new one is entered here, or `test_permitted` fails. *Everywhere* is what is no venue's alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

PUBLIC: Final = frozenset(
    """
    GET /api/openapi.json
    GET /api/docs
    GET /healthz
    GET /here
    GET /here/ask
    POST /here/ask
    GET /here/answer
    POST /here/answer
    GET /here/help
    GET /sign-in
    POST /sign-in
    GET /sign-in/code
    POST /sign-in/code
    POST /sign-out
    GET /sign-in/openid
    GET /sign-in/openid/return
    GET /sign-in/openid/sign-out
    GET /link/{secret}
    GET /set-up
    POST /set-up
    GET /choose-password
    POST /choose-password
    GET /come-in
    POST /come-in
    """.strip().split("\n    ")
)
"""Anybody's; those of sign-in and links have tests of their own."""

OWN: Final = frozenset(
    """
    GET /account/password
    POST /account/password
    GET /account/second-factor
    POST /account/second-factor
    """.strip().split("\n    ")
)
"""Of one's own account, even for somebody without a role."""

MINE: Final = frozenset(
    """
    POST /account/sessions
    POST /account/tokens/new
    POST /account/tokens/renew
    POST /account/tokens/revoke
    POST /check
    """.strip().split("\n    ")
)
"""Of anybody with a role, and about nobody else."""

ROLE: Final = "any role"
RULES: Final = "rule.allow or rule.deny"
EVERYWHERE: Final = "figures.read everywhere"
_READS: Final = """
any role          GET /
any role          GET /account
any role          GET /account/tokens/new
any role          GET /api/account
any role          GET /check
any role          GET /exceptions
any role          GET /exceptions/new
any role          GET /profiles
any role          GET /profiles/add
any role          GET /profiles/compare
any role          GET /profiles/id/{profile}
any role          GET /profiles/id/{profile}/actions
any role          GET /profiles/id/{profile}/change
any role          GET /profiles/id/{profile}/periods/add
any role          GET /profiles/id/{profile}/periods/change?name=Lunch
any role          GET /settings/permissions
any role          GET /venues
any role          GET /venues/add
any role          GET /venues/devices
any role          GET /venues/devices/add
any role          GET /venues/devices/id/{device}
any role          GET /venues/devices/id/{device}/withdraw
any role          GET /venues/id/{venue}
any role          GET /venues/id/{venue}/change
any role          GET /venues/id/{venue}/rooms/add
any role          GET /venues/id/{venue}/rooms/{room}

policy.read       GET /api/bundles
policy.read       GET /api/check?site=example.com
policy.read       GET /api/devices
policy.read       GET /api/devices/{device}
policy.read       GET /api/essentials
policy.read       GET /api/exceptions
policy.read       GET /api/explain?name=example.com&client=10.20.3.7
policy.read       GET /api/lists
policy.read       GET /api/lists/catalogue
policy.read       GET /api/lists/difference?id=none
policy.read       GET /api/organisation
policy.read       GET /api/pages
policy.read       GET /api/profiles
policy.read       GET /api/profiles/{profile}
policy.read       GET /api/roles
policy.read       GET /api/rules
policy.read       GET /api/rules/review
policy.read       GET /api/rules/{number}
policy.read       GET /api/suggestions
policy.read       GET /api/terms
policy.read       GET /api/venues
policy.read       GET /api/venues/{venue}
policy.read       GET /lists
policy.read       GET /lists/catalogue
policy.read       GET /lists/difference?id=none
policy.read       GET /lists/show?id=none
policy.read       GET /rules
policy.read       GET /rules/bundles
policy.read       GET /rules/essentials
policy.read       GET /rules/review
policy.read       GET /rules/suggestions
policy.read       GET /rules/{number:int}
policy.read       GET /rules/{number:int}/remove
policy.read       GET /why

rule.allow or rule.deny GET /rules/add
bundle.add        GET /rules/bundles/add
bundle.change     GET /rules/bundles/change?bundle=own
bundle.remove     GET /rules/bundles/remove?bundle=own
essential.remove  GET /rules/essentials/remove?site=needed.example

organisation.change GET /settings
organisation.change GET /settings/organisation
organisation.change GET /settings/roles
organisation.change GET /settings/terms
organisation.change GET /settings/terms/add
organisation.change GET /settings/terms/change?name=Autumn
organisation.change GET /settings/texts
organisation.change GET /settings/texts/{page}

audit.read        GET /api/audit
audit.read        GET /api/audit/verify
audit.read        GET /api/audit/{number}
audit.read        GET /audit
audit.read        GET /audit/export.csv
audit.read        GET /audit/verify
audit.read        GET /audit/{number:int}
audit.read        GET /undo/{number:int}

person.change     GET /api/people
person.change     GET /api/people/{person}
person.change     GET /people
person.change     GET /people/add
person.change     GET /people/id/{person}
person.change     GET /people/id/{person}/change

request.read      GET /api/requests
request.read      GET /api/requests/{number}
request.read      GET /requests
request.read      GET /requests/export
request.read      GET /requests/id/{number}

event.read        GET /api/events
event.read        GET /query-log
event.read        GET /query-log/export.csv

alert.read        GET /alerts
alert.read        GET /alerts/held
alert.read        GET /alerts/id/{number}
alert.read        GET /alerts/id/{number}/export
alert.read        GET /alerts/id/{number}/export.csv
alert.read        GET /alerts/id/{number}/export.json
alert.read        GET /alerts/notices
alert.read        GET /api/alerts
alert.read        GET /api/alerts/{number}

figures.read      GET /api/checks
figures.read      GET /api/figures
figures.read      GET /api/report
figures.read      GET /api/checks/names
figures.read      GET /api/checks/runs
figures.read      GET /api/checks/runs/{number}
figures.read      GET /checks
figures.read      GET /checks/id/{number}
figures.read      GET /checks/names
figures.read      GET /figures
figures.read      GET /report
figures.read      GET /report/download
figures.read everywhere GET /api/requests/figures?since=0&until=9
"""

READS: Final = {
    f"{method} {path}": needs
    for needs, method, path in (
        (line[: line.index(" GET ")].strip(), "GET", line.partition(" GET ")[2])
        for line in _READS.splitlines()
        if line
    )
}
"""What reading needs, by method and path with what it asks for."""

PLACES: Final = {
    "{venue}": "crewe",
    "{room}": "it-suite",
    "{device}": "laptop",
    "{profile}": "spare",
    "{person}": "cara",
    "{page}": "organisation",
    "{role}": "tutor",
    "{number}": "1",
    "{number:int}": "1",
    "{secret}": "nothing",
}
"""What is Crewe's, or everybody's."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One way to change something that is Crewe's or everybody's, which an administrator may."""

    route: str
    """Method and path; with what it asks for."""
    sent: dict[str, Any] = field(default_factory=dict)
    """Fields of the form, or the body of an operation."""
    at: str = ""
    """Where an administrator does it, if not at what is in `PLACES`: that is still needed."""
    works: bool = True
    """Whether it can be done in the test's house at all."""
    refused: int = 403
    """With what those are answered who may not: 422 where a form has no such choice for them."""


_RULE: Final = {"action": "deny", "pattern": "more.example", "scope": "venue:crewe"}
_PERIOD: Final = {"name": "Noon", "days": ["mon"], "from": "12:00", "to": "13:00"}
_TEA: Final = {**_PERIOD, "name": "Tea", "action-gambling": "allow"}
_LATER: Final = 1_795_300_000.0
_WHY: Final = "A reason."

OPERATIONS: Final = (
    Aim("POST /api/alerts/{number}/acknowledge"),
    Aim("POST /api/alerts/{number}/close", {"outcome": "no-concern", "note": ""}),
    Aim("POST /api/checks/runs", {"venue": "crewe"}),
    Aim("POST /api/checks/runs/{number}/notes", {"text": "Mended."}),
    Aim("POST /api/checks/names", {"name": "a.example", "expected": "open", "reason": _WHY}),
    Aim("DELETE /api/checks/names?name=a.example"),
    Aim("POST /api/devices", {"id": "pc", "title": "PC", "addresses": ["10.20.3.8"]}),
    Aim("PATCH /api/devices/{device}", {"title": "Other"}),
    Aim("POST /api/devices/{device}/give-back?reason=x"),
    Aim("POST /api/devices/{device}/withdraw", {"reason": _WHY, "until": _LATER}),
    Aim("DELETE /api/devices/{device}", at="/api/devices/pc"),
    Aim("POST /api/exceptions", {"where": "venue:crewe", "purpose": _WHY, "until": _LATER,
                                 "sites": ["a.example"]}),
    Aim("POST /api/exceptions/{number}/until", {"until": _LATER - 60}),
    Aim("POST /api/exceptions/{number}/end", {"reason": _WHY}, "/api/exceptions/2/end"),
    Aim("POST /api/lists", {"id": "none", "act": "enable", "reason": _WHY}, works=False),
    Aim("POST /api/lists/refresh", works=False),
    Aim("POST /api/suggestions", {"act": "dismiss", "name": "a.example", "reason": _WHY},
        works=False),
    Aim("POST /api/essentials", {"site": "b.example", "reason": _WHY}),
    Aim("DELETE /api/essentials?site=b.example&reason=x"),
    Aim("POST /api/bundles", {"id": "new", "title": "N", "sites": ["n.example"], "reason": _WHY}),
    Aim("PATCH /api/bundles", {"id": "new", "title": "M", "reason": _WHY}),
    Aim("DELETE /api/bundles?id=new&reason=x"),
    Aim("PATCH /api/organisation?reason=x", {"name": "Southshire"}),
    Aim("PUT /api/roles/{role}?reason=x", {"exception_hours_max": 3}),
    Aim("POST /api/terms?reason=x", {"name": "Spring", "from": "2027-01-05", "to": "2027-03-20"}),
    Aim("PATCH /api/terms?name=Spring&reason=x", {"to": "2027-03-21"}),
    Aim("DELETE /api/terms?name=Spring&reason=x"),
    Aim("PUT /api/pages/{page}?reason=x", {"text": "Ask the desk."}),
    Aim("DELETE /api/pages/{page}?reason=x"),
    Aim("POST /api/people", {"id": "new", "name": "New",
                             "roles": [{"role": "tutor", "venues": ["crewe"]}]}),
    Aim("PATCH /api/people/{person}", {"name": "Cara C"}),
    Aim("DELETE /api/people/{person}", at="/api/people/new"),
    Aim("POST /api/profiles", {"id": "new", "title": "New"}),
    Aim("PATCH /api/profiles/{profile}", {"title": "Other"}),
    Aim("PATCH /api/profiles/{profile}/actions", {"gambling": "allow"}),
    Aim("POST /api/profiles/{profile}/periods", _PERIOD),
    Aim("PUT /api/profiles/{profile}/periods?name=Noon", {**_PERIOD, "to": "14:00"}),
    Aim("DELETE /api/profiles/{profile}/periods?name=Noon"),
    Aim("DELETE /api/profiles/{profile}", at="/api/profiles/new"),
    Aim("POST /api/requests/{number}/decision", {"verdict": "keep", "reason": _WHY},
        "/api/requests/2/decision"),
    Aim("POST /api/rules", {"rules": [_RULE], "reason": _WHY}),
    Aim("PATCH /api/rules/{number}", {"changes": {"pattern": "other.example"}, "reason": _WHY}),
    Aim("POST /api/undo/{number}", {"reason": _WHY}, "/api/undo/UNDONE"),
    Aim("DELETE /api/rules/{number}?reason=x", at="/api/rules/3"),
    Aim("POST /api/venues", {"id": "york", "title": "York", "networks": ["10.50.0.0/16"]}),
    Aim("PATCH /api/venues/{venue}", {"title": "Crewe"}),
    Aim("DELETE /api/venues/{venue}?reason=x", at="/api/venues/york"),
    Aim("POST /api/venues/{venue}/rooms", {"id": "lab", "networks": ["10.20.5.0/24"]}),
    Aim("PATCH /api/venues/{venue}/rooms/{room}", {"title": "IT"}),
    Aim("DELETE /api/venues/{venue}/rooms/{room}", at="/api/venues/crewe/rooms/lab"),
)  # fmt: skip

FORMS: Final = (
    Aim("POST /alerts/id/{number}/acknowledge"),
    Aim("POST /alerts/id/{number}/close", {"outcome": "no-concern"}),
    Aim("POST /alerts/id/{number}/reveal", {"why": _WHY}),
    Aim("POST /alerts/id/{number}/access", {"address": "10.20.3.7", "reason": _WHY}),
    Aim("POST /checks", {"venue": "crewe"}),
    Aim("POST /checks/id/{number}/notes", {"note": "Mended."}),
    Aim("POST /checks/names", {"name": "a.example", "expected": "open", "reason": _WHY}),
    Aim("POST /checks/names/remove", {"name": "a.example"}),
    Aim("POST /venues/devices/add", {"title": "PC", "id": "pc", "addresses": "10.20.3.8"}),
    Aim("POST /venues/devices/id/{device}", {"title": "Another", "addresses": "10.20.9.9"}),
    Aim("POST /venues/devices/id/{device}/withdraw", {"reason": _WHY, "end": "hour"},
        "/venues/devices/id/pc/withdraw"),
    Aim("POST /venues/devices/id/{device}/give-back", at="/venues/devices/id/pc/give-back"),
    Aim("POST /venues/devices/id/{device}/remove", at="/venues/devices/id/pc/remove"),
    Aim("POST /exceptions/new", {"place": "venue:crewe", "purpose": _WHY, "sites": "c.example",
                                 "until": "17:00"}, refused=422),
    Aim("POST /exceptions/id/{number}/more", {"minutes": "15"}),
    Aim("POST /exceptions/id/{number}/end"),
    Aim("POST /lists/decide", {"id": "none", "act": "enable", "reason": _WHY}, works=False),
    Aim("POST /lists/refresh", works=False),
    Aim("POST /rules/suggestions", {"act": "dismiss", "name": "a.example"}, works=False),
    Aim("POST /people/add", {"name": "Neo", "id": "neo", "role-tutor": "crewe"}),
    Aim("POST /people/id/{person}/change", {"name": "Cara D", "role-tutor": "crewe"}),
    Aim("POST /people/id/{person}/link"),
    Aim("POST /people/id/{person}/account", {"deed": "new-password"}),
    Aim("POST /people/id/{person}/remove", at="/people/id/neo/remove"),
    Aim("POST /profiles/add", {"title": "Fresh", "id": "fresh", "answer": "nxdomain"}),
    Aim("POST /profiles/id/{profile}/change", {"title": "Spare two", "answer": "nxdomain"}),
    Aim("POST /profiles/id/{profile}/actions", {"action-gambling": "warn"}),
    Aim("POST /profiles/id/{profile}/periods/add", _TEA),
    Aim("POST /profiles/id/{profile}/periods/change?name=Tea", {**_TEA, "to": "15:00"}),
    Aim("POST /profiles/id/{profile}/periods/remove", {"name": "Tea"}),
    Aim("POST /profiles/id/{profile}/remove", at="/profiles/id/fresh/remove"),
    Aim("POST /requests/id/{number}", {"verdict": "keep", "reason": _WHY}),
    Aim("POST /venues/id/{venue}/rooms/add", {"title": "Lab", "id": "lab",
                                              "networks": "10.20.5.0/24"}),
    Aim("POST /venues/id/{venue}/rooms/{room}", {"title": "Suite", "networks": "10.20.3.0/24"}),
    Aim("POST /venues/id/{venue}/rooms/{room}/remove", at="/venues/id/crewe/rooms/lab/remove"),
    Aim("POST /rules/add", {"action": "deny", "names": "d.example", "scope": "venue:crewe",
                            "reason": _WHY}),
    Aim("POST /rules/{number:int}", {"target": "e.example", "scope": "venue:crewe",
                                     "reason": _WHY}),
    Aim("POST /rules/{number:int}/remove", {"reason": _WHY}),
    Aim("POST /undo/{number:int}", {"reason": _WHY}, "/undo/UNDONE"),
    Aim("POST /rules/essentials", {"site": "f.example", "reason": _WHY}),
    Aim("POST /rules/essentials/remove", {"site": "f.example", "reason": _WHY}),
    Aim("POST /rules/bundles/add", {"title": "Two", "id": "two", "sites": "g.example"}),
    Aim("POST /rules/bundles/change", {"bundle": "own", "title": "Ours", "sites": "h.example"}),
    Aim("POST /rules/bundles/remove", {"bundle": "two"}),
    Aim("POST /settings/texts/{page}", {"text": "Ask at the desk."}),
    Aim("POST /settings/organisation", {"name": "West", "timezone": "Europe/London",
                                        "default_profile": "learners", "warn_minutes": "5"}),
    Aim("POST /settings/roles/{role}", {"hours-tutor": "4"}),
    Aim("POST /settings/terms/add", {"name": "Summer", "from": "2027-04-05", "to": "2027-07-20"}),
    Aim("POST /settings/terms/change?name=Summer", {"name": "Summer", "from": "2027-04-06",
                                                    "to": "2027-07-20"}),
    Aim("POST /settings/terms/remove", {"name": "Summer"}),
    Aim("POST /venues/id/{venue}/change", {"title": "Crewe", "networks": "10.20.0.0/16"}),
    Aim("POST /venues/add", {"title": "York", "id": "york", "networks": "10.50.0.0/16"}),
    Aim("POST /venues/id/{venue}/remove", at="/venues/id/york/remove"),
)  # fmt: skip


def path_of(route: str) -> str:
    """Where a route is, of what is Crewe's."""
    path = route.partition(" ")[2]
    for place, id in PLACES.items():
        path = path.replace(place, id)
    return path


def every() -> list[str]:
    """Method and path of everything that is entered here."""
    changes = [aim.route for aim in (*OPERATIONS, *FORMS)]
    known = [*PUBLIC, *OWN, *MINE, *READS, *changes]
    return sorted(route.partition("?")[0] for route in known)
