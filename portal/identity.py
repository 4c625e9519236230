"""Who is behind a request, and what they may: for pages, the API and templates alike.

Roles are decided by `policy.commands.permissions` alone; here it is only asked.
"""

from __future__ import annotations

from typing import Annotated, Final, get_args

from fastapi import Depends, Request

from policy.commands.command import Actor, Command, Done, Permission, Refused
from policy.commands.permissions import PERMITTED, is_permitted
from policy.types import Role
from portal.accounts.tokens import SCOPES
from portal.accounts.visits import Visit
from portal.limiting import Attempts
from portal.services import Services

CODE_PATH: Final = "/sign-in/code"
PASSWORD_PATH: Final = "/account/password"
SECOND_FACTOR_PATH: Final = "/account/second-factor"
WHOLE: Final = frozenset({"audit.read"})
"""What is never a venue's alone: the audit log has what was decided everywhere, in one chain, so
roles that were given for some venues do not open it."""
REFUSALS_MAX: Final = 20
"""Of one person, entered into the audit log within `REFUSALS_SECONDS`."""
REFUSALS_SECONDS: Final = 3600.0


class SignInNeeded(Exception):
    """Nobody is signed in, and the page is for somebody."""


class DutyFirst(Exception):
    """Somebody has to do something on another page before they may see this one."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class NotAllowed(Exception):
    """The roles of whoever asks do not permit this; `roles` would."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.roles = roles_for(action)


def visit_of(request: Request) -> Visit | None:
    """Who is behind a request, by session or token; None for anybody."""
    visit: Visit | None = request.scope.get("lychgate.visit")
    return visit


def known(request: Request) -> Visit:
    """Somebody who has signed in, whatever they still have to do. Raises `SignInNeeded`,
    `DutyFirst` while the second factor is still asked for.
    """
    visit = visit_of(request)
    if visit is None:
        raise SignInNeeded
    if visit.session is not None and visit.session.stage != "in":
        raise DutyFirst(CODE_PATH)
    return visit


def signed_in(request: Request) -> Visit:
    """Somebody who has signed in, has a role, and has nothing to do first.

    Whoever lost their last role sees nothing any longer, whatever the page is.
    """
    visit = known(request)
    services: Services = request.app.state.services
    if visit.must_change:
        raise DutyFirst(PASSWORD_PATH)
    required = services.settings.second_factor_required
    by_password = visit.session is not None and visit.session.method == "password"
    if required and by_password and not visit.has_second_factor:
        raise DutyFirst(SECOND_FACTOR_PATH)
    if not visit.person.roles:
        raise NotAllowed("policy.read")
    return visit


class Allowed:
    """`Depends(Allowed("audit.read"))`: signed in, and permitted somewhere; else 403.

    Whether a command is permitted where it acts is the desk's question.
    """

    def __init__(self, action: str) -> None:
        self.action: Final = action
        PERMITTED[action]  # a word that is not in the table is found at the start

    def __call__(self, request: Request) -> Visit:
        visit = signed_in(request)
        if not may(visit, self.action):
            raise NotAllowed(self.action)
        return visit


Me = Annotated[Visit, Depends(signed_in)]
"""Whoever is signed in, as a parameter of a page."""
Known = Annotated[Visit, Depends(known)]
"""The same, even if they must choose a password or a second factor first."""


def actor_of(visit: Visit) -> Actor:
    """The one who gives commands."""
    person = visit.person
    return Actor(person.id, person.name, "portal" if visit.token is None else "api", person.roles)


def may(visit: Visit | None, action: str, venue: str = "") -> bool:
    """Whether somebody may do something at a venue, or anywhere at all without one; what is
    `WHOLE` by a role for everywhere.
    """
    if visit is None or (visit.token is not None and not visit.token.covers(action)):
        return False
    roles = visit.person.roles
    if action in WHOLE:
        return is_permitted(roles, Permission(action, None))
    if venue:
        return is_permitted(roles, Permission(action, frozenset({venue})))
    return any(action == "policy.read" or PERMITTED[action][grant.role] != "-" for grant in roles)


def roles_for(action: str) -> list[Role]:
    """The roles that may do something somewhere."""
    every: tuple[Role, ...] = get_args(Role)
    noun = action.partition(".")[0]
    # `rule.add` is no word of the table: what it needs is `rule.allow` or `rule.deny`.
    rows = (
        [PERMITTED[action]]
        if action in PERMITTED
        else [row for word, row in PERMITTED.items() if word.partition(".")[0] == noun]
    )
    return [role for role in every if any(row[role] != "-" for row in rows)]


async def perform(request: Request, command: Command, *, dry_run: bool = False) -> Done:
    """Hand a command in for whoever is behind a request.

    Raises `policy.commands.command.Refused`, also for a token without the scope.
    """
    visit = signed_in(request)
    services: Services = request.app.state.services
    if visit.token is not None and not visit.token.covers(command.action):
        scope = command.action.partition(".")[0]
        given = f"the token has the scopes {', '.join(sorted(visit.token.scopes))}"
        needed = Permission(command.action, None)
        allowed = f"allowed: one with {scope if scope in SCOPES else command.action}"
        raise Refused(f"{command.action}: token: {given}; {allowed}", needed=needed)
    at = services.clock()
    actor, desk = actor_of(visit), services.desk
    refusals: Attempts = request.app.state.refusals
    if not dry_run and refusals.is_used_up(actor.id, at):
        # Enough is in the log: what would be refused again is found out without an entry.
        await desk.perform(actor, command, at=at, dry_run=True)
    try:
        done = await desk.perform(actor, command, at=at, dry_run=dry_run)
    except Refused as refused:
        if refused.permission and not dry_run:
            refusals.may(actor.id, at)
        raise
    if command.action == "person.remove" and not dry_run:
        # Whoever gets the id later must not find their password, sessions or tokens.
        await services.accounts.care.forget(actor, done.subject.partition(":")[2], at)
    return done
