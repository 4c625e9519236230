"""Whom a rule may be for: places and profiles with their titles, as choices and as words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy.commands.command import Permission
from policy.commands.permissions import is_permitted
from policy.store.reading import StoredParts, read_parts
from portal.accounts.visits import Visit
from portal.services import Services
from portal.words import t

CHOICES_MAX: Final = 1_000
"""Of one kind in a list to choose from; what is beyond it is typed."""

Group = tuple[str, list[tuple[str, str]]]
"""A title, and pairs of scope and text below it."""


@dataclass(frozen=True)
class Places:
    """Every place, device and profile of the policy, with titles."""

    titles: Mapping[str, str]
    """By scope: `room:crewe/it-suite` -> `IT suite, Crewe`."""

    def word(self, scope: str) -> str:
        """A scope in words; as it is when what it names is gone."""
        return self.titles.get(scope, scope)

    def groups(self, kinds: Iterable[str]) -> list[Group]:
        """What can be chosen, by kind."""
        found: list[Group] = []
        for kind in kinds:
            begins = f"{kind}:"
            items = [(s, title) for s, title in self.titles.items() if s.startswith(begins)]
            if items:
                found.append((t(_GROUPS[kind]), items[:CHOICES_MAX]))
        return found

    def groups_for(self, me: Visit, action: str, now: str = "") -> list[Group]:
        """Those for which somebody may do this, the widest first; devices wherever they may be,
        for that is the desk's question. `now` is always among them: what a form shows must not
        become another scope because nobody looked.
        """
        groups = self._groups_for(me, action)
        if now and not any(now == scope for _, items in groups for scope, _ in items):
            groups = [(t("scopes.now"), [(now, self.word(now))]), *groups]
        return groups

    def _groups_for(self, me: Visit, action: str) -> list[Group]:
        roles = me.person.roles
        everywhere = is_permitted(roles, Permission(action, None))
        first: list[Group] = []
        if everywhere:
            first = [(t("scopes.widest"), [("organisation", t("scopes.everyone"))])]
        groups = self.groups(_GROUPS if everywhere else ("venue", "room", "device"))
        if everywhere:
            return [*first, *groups]
        kept = []
        for title, items in groups:
            mine = [item for item in items if _is_mine(roles, action, item[0])]
            if mine:
                kept.append((title, mine))
        return kept


def _is_mine(roles: Any, action: str, scope: str) -> bool:
    kind, _, id = scope.partition(":")
    if kind == "device":
        return True
    return is_permitted(roles, Permission(action, frozenset({id.partition("/")[0]})))


async def read_places(services: Services) -> Places:
    """The places of the store; read again when one of them changed. Raises `StoreFault`."""
    kept = services.kept.get(_KEPT)
    known: tuple[StoredParts, Places] | None = kept if isinstance(kept, tuple) else None
    async with services.store.reading() as connection:
        parts = await read_parts(connection, _KEYS, known and known[0])
    if known is not None and all(parts.raw.get(key) is known[0].raw.get(key) for key in _KEYS):
        return known[1]
    places = Places(titles_of(parts.raw))
    services.kept[_KEPT] = parts, places
    return places


def titles_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Every scope of a raw document with its title."""
    titles = {"organisation": t("scopes.everyone")}
    for id, body in raw.get("profiles", {}).items():
        titles[f"profile:{id}"] = str(body.get("title", id))
    for id, body in raw.get("venues", {}).items():
        titles[f"venue:{id}"] = str(body.get("title", id))
    for id, body in raw.get("venues", {}).items():
        for room, inner in body.get("rooms", {}).items():
            where = {"room": str(inner.get("title", room)), "venue": titles[f"venue:{id}"]}
            titles[f"room:{id}/{room}"] = t("scopes.room_at", **where)
    for id, body in raw.get("devices", {}).items():
        titles[f"device:{id}"] = str(body.get("title", id))
    return titles


_KEPT: Final = "places"
_KEYS: Final = ("profiles", "venues", "devices")
_GROUPS: Final = {
    "profile": "scopes.profiles",
    "venue": "scopes.venues",
    "room": "scopes.rooms",
    "device": "scopes.devices",
}
