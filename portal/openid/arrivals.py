"""Somebody comes from the provider: who of ours they are, and the roles their groups give.

A subject of the provider is bound to one person at the first sign-in. Later the binding alone
counts: an email address that somebody else has got since opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.commands import journal
from policy.commands.command import Actor, Refused
from policy.commands.desk import Desk
from policy.commands.people import AddPerson, ChangePerson
from policy.store import Store
from policy.store.reading import read_keys
from policy.store.writing import Writing
from policy.types import Grant
from portal.accounts.secrets import digest_of
from portal.accounts.tables import identities
from portal.openid.settings import OpenIdSettings

GROUPS_MAX: Final = 2_000
NAMES_MAX: Final = 20
"""How many ids are tried for somebody new."""
_ACTOR: Final = Actor("portal:openid", "OpenID Connect", "portal", (Grant("administrator"),))
"""Gives the roles that the configuration grants to groups; written into the log as such."""
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class NotOurs(Exception):
    """Somebody the provider knows and we let in not. The reason is a key of `words/`."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why
        """For the log."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the claims say, read once."""

    subject: str
    value: str
    """Of the claim that names the person."""
    name: str
    groups: frozenset[str]


def read_claims(settings: OpenIdSettings, claims: Mapping[str, Any]) -> Arrival:
    """What we need of the claims of a proved ID token. Raises `NotOurs`."""
    value = claims.get(settings.person_claim)
    if not isinstance(value, str) or not value.strip() or len(value) > 255:
        raise NotOurs("openid.unknown", f"there is no claim {settings.person_claim}")
    value = value.strip().casefold()
    if settings.person_claim == "email" and claims.get("email_verified") is not True:
        raise NotOurs("openid.unknown", "the email address is not verified")
    if settings.domains and value.rpartition("@")[2] not in settings.domains:
        raise NotOurs("openid.unknown", "the domain of the address may not sign in")
    name = claims.get("name")
    name = name.strip()[:100] if isinstance(name, str) and name.isprintable() else ""
    groups = _groups(settings, claims) if settings.groups else frozenset()
    return Arrival(claims["sub"], value, name or value.partition("@")[0], groups)


class Arrivals:
    """Finds the person behind a proved ID token, and brings their roles up to date."""

    def __init__(self, store: Store, desk: Desk, settings: OpenIdSettings) -> None:
        self._store: Final = store
        self._desk: Final = desk
        self._settings: Final = settings

    async def arrive(self, claims: Mapping[str, Any], at: float) -> str:
        """The id of the person. Raises `NotOurs`, and `Refused` when the desk refuses."""
        arrival = read_claims(self._settings, claims)
        async with self._store.reading() as connection:
            raw = await read_keys(connection, ["people", "venues"])
            id = await self._bound(connection, arrival)
        people: Mapping[str, Any] = raw.get("people", {})
        roles = self._roles(arrival, raw.get("venues", {}))
        if id is None or id not in people:
            id = _named(people, arrival.value)
            if id is None:
                return await self._make(people, arrival, roles, at)
            await self._bind(arrival, id, at)
        if self._settings.groups:
            await self._bring_up_to_date(people[id], id, arrival, roles, at)
        return id

    def _roles(self, arrival: Arrival, venues: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The roles that the groups give, as the policy document has them, each role once."""
        places: dict[str, set[str] | None] = {}
        for grant in self._settings.groups:
            if grant.group not in arrival.groups:
                continue
            there = {venue for venue in grant.venues if venue in venues}
            if grant.venues and not there:
                continue  # its venues are gone; without any the role would hold everywhere
            known = places.get(grant.role, set())
            places[grant.role] = None if not grant.venues or known is None else known | there
        return [
            {"role": role} if named is None else {"role": role, "venues": sorted(named)}
            for role, named in sorted(places.items())
        ]

    async def _bring_up_to_date(
        self,
        body: Mapping[str, Any],
        id: str,
        arrival: Arrival,
        roles: Sequence[Mapping[str, Any]],
        at: float,
    ) -> None:
        if _plain(body.get("roles", [])) != _plain(roles):
            changes = {"roles": list(roles)}
            command = ChangePerson(id, changes, reason=self._why(arrival))
            await self._desk.perform(_ACTOR, command, at=at)
        if not roles:
            raise NotOurs("openid.no_role", f"{id}: no group gives a role")

    async def _make(
        self,
        people: Mapping[str, Any],
        arrival: Arrival,
        roles: Sequence[Mapping[str, Any]],
        at: float,
    ) -> str:
        if not self._settings.make_people or not roles:
            raise NotOurs("openid.unknown", "the policy names nobody like this")
        id = _new_id(people, arrival.value)
        body: dict[str, Any] = {"name": arrival.name, "roles": list(roles)}
        if _EMAIL.fullmatch(arrival.value):
            body["email"] = arrival.value
        await self._desk.perform(_ACTOR, AddPerson(id, body, self._why(arrival)), at=at)
        await self._bind(arrival, id, at)
        return id

    def _why(self, arrival: Arrival) -> str:
        """Which group gave what, for the audit log."""
        given = [
            f"{grant.group}: {grant.role}{' at ' + ', '.join(grant.venues) if grant.venues else ''}"
            for grant in self._settings.groups
            if grant.group in arrival.groups
        ]
        text = "by groups at sign-in: " + ("; ".join(given) or "none gives a role")
        return "".join(letter if letter.isprintable() else "?" for letter in text)[:1000]

    async def _bound(self, connection: AsyncConnection, arrival: Arrival) -> str | None:
        where = identities.c.digest == self._digest(arrival)
        return await connection.scalar(select(identities.c.person_id).where(where))

    async def _bind(self, arrival: Arrival, id: str, at: float) -> None:
        async with self._store.writing() as writing:
            connection = writing.connection
            mine = self._digest(arrival)
            await connection.execute(delete(identities).where(identities.c.digest == mine))
            taken = identities.c.person_id == id
            if await connection.scalar(select(identities.c.digest).where(taken)) is not None:
                raise NotOurs("openid.other", f"{id} belongs to another subject of the provider")
            row = {"digest": mine, "person_id": id, "made_at": at}
            await connection.execute(insert(identities), row)
            await _enter(writing, id, at)

    def _digest(self, arrival: Arrival) -> str:
        return digest_of(f"{self._settings.issuer}\n{arrival.subject}")


def _groups(settings: OpenIdSettings, claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups of somebody; a claim may lie within others: `realm_access.roles`."""
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and settings.group_claim in elsewhere:
        # Microsoft Entra sends no groups to whoever is in more than 200: that is not none.
        raise NotOurs("openid.groups", "the provider leaves the groups out: there are too many")
    found: Any = claims.get(settings.group_claim)
    if found is None:
        found = claims
        for key in settings.group_claim.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list):
        return frozenset()
    if len(found) > GROUPS_MAX:
        raise NotOurs("openid.groups", "there are too many groups")
    return frozenset(group for group in found if isinstance(group, str))


def _named(people: Mapping[str, Any], value: str) -> str | None:
    """Whom the policy names so: by email address if it is one, and only if it is one person's."""
    if "@" not in value:
        return value if value in people else None
    found = [id for id, body in people.items() if body.get("email", "").casefold() == value]
    return found[0] if len(found) == 1 else None


def _new_id(people: Mapping[str, Any], value: str) -> str:
    """An id for somebody new, as people write them: small letters, digits, hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", value.partition("@")[0]).strip("-")[:36]
    stem = plain if plain[:1].isalpha() and len(plain) > 1 else f"person-{plain}".strip("-")
    for number in range(1, NAMES_MAX + 1):
        id = stem if number == 1 else f"{stem}-{number}"
        if id not in people:
            return id
    raise Refused(f"person.add: people.{stem}: it is taken; allowed: another id")


def _plain(roles: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((str(role["role"]), tuple(sorted(role.get("venues", ())))) for role in roles)


async def _enter(writing: Writing, id: str, at: float) -> None:
    await journal.append(
        writing.connection,
        _ACTOR,
        at=at,
        action="account.bind",
        subject=f"person:{id}",
        reason="the first sign-in by OpenID Connect",
    )
