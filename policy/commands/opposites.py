"""For `policy.commands.undoing`: the command that takes back what was done to places, profiles,
people and the organisation.

A change is taken back key by key: what others changed of the same thing since stays as they left
it. What an undo would do is said by a dry run, as of any command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from policy.commands.command import Command
from policy.commands.devices import (
    AddDevice,
    ChangeDevice,
    GiveBackDevice,
    RemoveDevice,
    WithdrawDevice,
)
from policy.commands.organisation import ChangeOrganisation, ChangeRole
from policy.commands.pages import RemovePage, SetPage
from policy.commands.people import AddPerson, ChangePerson, RemovePerson
from policy.commands.profiles import AddProfile, ChangeProfile, RemoveProfile
from policy.commands.rooms import AddRoom, ChangeRoom, RemoveRoom
from policy.commands.terms import AddTerm, ChangeTerm, RemoveTerm
from policy.commands.venues import AddVenue, ChangeVenue, RemoveVenue

Opposite = Callable[[str, Any, Any, str], Command | None]
"""From the id of a subject, what was before and after, and a reason. None: nothing undoes it."""

_WENT_WITH_IT: Final = ("rules", "exceptions")
"""Parts of an entry that were over already: they do not come back."""


def _body(before: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in before.items() if key not in _WENT_WITH_IT}


def _back(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """The keys that an entry changed, as they were; None for those that were not there."""
    was, left = before or {}, after or {}
    keys = [*was, *(key for key in left if key not in was)]
    return {key: was.get(key) for key in keys if was.get(key) != left.get(key)}


def _venue_added(id: str, before: Any, after: Any, reason: str) -> Command | None:
    replaced = (before or {}).get("replaced", {})
    for old, body in replaced.items():
        return AddVenue(old, _body(body), reason, id)
    return RemoveVenue(id, reason)


def _split(id: str) -> tuple[str, str]:
    """The venue and the room of `crewe/it-suite`."""
    venue, _, room = id.partition("/")
    return venue, room


def _device_removed(id: str, before: Any, after: Any, reason: str) -> Command | None:
    if before.get("withdrawn"):
        return None  # it would come back with its access
    keys = ("withdrawn", "withdrawn_until", "withdrawn_reason")
    return AddDevice(id, {k: v for k, v in _body(before).items() if k not in keys}, reason)


def _withdrawn(id: str, before: Any, after: Any, reason: str) -> Command | None:
    return None if (before or {}).get("withdrawn") else GiveBackDevice(id, reason)


def _given_back(id: str, before: Any, after: Any, reason: str) -> Command | None:
    if not before.get("withdrawn"):
        return None
    until = before.get("withdrawn_until")
    end = None if until is None else datetime.fromisoformat(until).timestamp()
    return WithdrawDevice(id, before.get("withdrawn_reason") or reason, end)


def _page_set(id: str, before: Any, after: Any, reason: str) -> Command | None:
    return RemovePage(id, reason) if before is None else _page_as_it_was(id, before, reason)


def _page_as_it_was(id: str, was: Any, reason: str) -> Command:
    return SetPage(id, was.get("text", ""), reason, was.get("help", ()))


OPPOSITES: Final[Mapping[str, Opposite]] = {
    "venue.add": _venue_added,
    "venue.change": lambda id, was, left, why: ChangeVenue(id, _back(was, left), why),
    "venue.remove": lambda id, was, left, why: AddVenue(id, _body(was), why),
    "room.add": lambda id, was, left, why: RemoveRoom(*_split(id), why),
    "room.change": lambda id, was, left, why: ChangeRoom(*_split(id), _back(was, left), why),
    "room.remove": lambda id, was, left, why: AddRoom(*_split(id), _body(was), why),
    "device.add": lambda id, was, left, why: RemoveDevice(id, why),
    "device.change": lambda id, was, left, why: ChangeDevice(id, _back(was, left), why),
    "device.remove": _device_removed,
    "device.withdraw": _withdrawn,
    "device.give-back": _given_back,
    "profile.add": lambda id, was, left, why: RemoveProfile(id, why),
    "profile.change": lambda id, was, left, why: ChangeProfile(id, _back(was, left), why),
    "profile.remove": lambda id, was, left, why: AddProfile(id, _body(was), why),
    "person.add": lambda id, was, left, why: RemovePerson(id, why),
    "person.change": lambda id, was, left, why: ChangePerson(id, _back(was, left), why),
    "person.remove": lambda id, was, left, why: AddPerson(id, was, why),
    "term.add": lambda id, was, left, why: RemoveTerm(left["name"], why),
    "term.change": lambda id, was, left, why: ChangeTerm(left["name"], _back(was, left), why),
    "term.remove": lambda id, was, left, why: AddTerm(was, why),
    "page.set": _page_set,
    "page.remove": lambda id, was, left, why: _page_as_it_was(id, was, why),
    "organisation.change": lambda id, was, left, why: ChangeOrganisation(_back(was, left), why),
    "role.change": lambda id, was, left, why: ChangeRole(
        id, None if was is None else was["exception_hours_max"], why
    ),
}
"""By the action of the entry."""
