"""Who may do what: one table, role by action.

`E` everywhere: also what concerns the whole organisation, if the role was given without venues.
`V` in venues: only what lies wholly inside the venues that the role was given for; for a role
given without venues, in any venue, but never what concerns the whole organisation.
`-` not at all.

Roles add up: whoever has several may do what any of them permits. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from policy.commands.command import Actor, Permission, Refused
from policy.types import Grant, Role

_ROLES: Final[tuple[Role, ...]] = (
    "administrator",
    "partner-administrator",
    "tutor",
    "safeguarding-lead",
    "leadership",
)

# The columns are the roles above, in that order.
_TABLE: Final = """
policy.read             E E E E E
audit.read              E - - E E

exception.grant         E V V - -
exception.change        E V V - -
exception.end           E V V - -

device.add              E V - - -
device.change           E V - - -
device.remove           E V - - -
device.withdraw         E V - E -
device.give-back        E V - E -

rule.allow              E V - - -
rule.deny               E V - E -
rule.change             E V - - -
rule.remove             E V - - -

venue.add               E V - - -
venue.change            E V - - -
venue.remove            E V - - -
venue.networks          E - - - -
room.add                E V - - -
room.change             E V - - -
room.remove             E V - - -

person.add              E V - - -
person.change           E V - - -
person.remove           E V - - -
person.administrators   E - - - -

profile.add             E - - - -
profile.change          E - - - -
profile.remove          E - - - -
bundle.add              E - - - -
bundle.change           E - - - -
bundle.remove           E - - - -
essential.add           E - - - -
essential.remove        E - - - -
page.set                E - - - -
page.remove             E - - - -
term.add                E - - - -
term.change             E - - - -
term.remove             E - - - -
organisation.change     E - - - -
role.change             E - - - -
document.import         E - - - -
list.change             E - - - -

request.read            E V V E E
request.decide          E V V - -
event.read              E V - E -
alert.read              E - - E -
alert.handle            E - - E -
identity.reveal         E - - E -
figures.read            E V - E E
check.run               E V - E -
check.change            E - - - -
"""

PUBLIC: Final = frozenset({"request.ask", "pass.take"})
"""What anybody at a venue may do without signing in: ask for a review of a site or report one, and
go on past a warning. The commands themselves say how much of it."""


def _read_table(text: str) -> dict[str, dict[Role, str]]:
    rows = (line.split() for line in text.splitlines() if line)
    return {action: dict(zip(_ROLES, cells, strict=True)) for action, *cells in rows}


PERMITTED: Final[Mapping[str, Mapping[Role, str]]] = _read_table(_TABLE)
"""By action and role: `E`, `V` or `-`."""


def is_permitted(grants: Iterable[Grant], needed: Permission) -> bool:
    """Whether roles permit something; what is `PUBLIC` needs none."""
    return needed.action in PUBLIC or any(_permits(grant, needed) for grant in grants)


def check(actor: Actor, needed: Permission) -> None:
    """Raise `Refused` unless the actor's roles permit it, or it is `PUBLIC`."""
    if not is_permitted(actor.roles, needed):
        where = _where(needed.venues)
        has = ", ".join(_role(grant) for grant in actor.roles) or "without a role"
        raise Refused(
            f"{needed.action} {where}: {actor.name} is {has}; allowed: {_allowed(needed)}",
            needed=needed,
        )


def exception_hours_max(
    grants: Iterable[Grant], venues: frozenset[str] | None, hours_max: Mapping[Role, int]
) -> int:
    """The longest exception, in hours, that somebody may grant there: of their best role.

    `hours_max` is what the policy has for each role (`Policy.exception_hours_max`).
    """
    needed = Permission("exception.grant", venues)
    return max((hours_max[grant.role] for grant in grants if _permits(grant, needed)), default=0)


def _permits(grant: Grant, needed: Permission) -> bool:
    cell = PERMITTED[needed.action][grant.role]
    if needed.action == "policy.read":
        return True  # whoever has a role may see what is decided, and why
    if not needed.venues:
        return cell == "E" and not grant.venues
    return cell != "-" and (not grant.venues or needed.venues <= grant.venues)


def _allowed(needed: Permission) -> str:
    """Who could, in words."""
    cells = PERMITTED[needed.action]
    able = [role for role in _ROLES if cells[role] == "E" or (cells[role] == "V" and needed.venues)]
    there = "there" if needed.venues else "of the whole organisation"
    words = able[0] if len(able) == 1 else f"{', '.join(able[:-1])} or {able[-1]}"
    return f"{words} {there}"


def _where(venues: frozenset[str] | None) -> str:
    return f"at {', '.join(sorted(venues))}" if venues else "everywhere"


def _role(grant: Grant) -> str:
    return f"{grant.role} at {', '.join(sorted(grant.venues))}" if grant.venues else grant.role
