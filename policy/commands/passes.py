"""Going on past a warning: one site, on one device, for some minutes.

Anybody may at the block page, without signing in; so everything is asked again here, and nothing is
taken from the page on trust. A pass opens what warns and nothing else: see step 4 of
`policy.decision`. The audit log has the venue and the site, not who it was: a warning is there to
make people think, not to have them watched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from itertools import chain
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import or_, select

from categoriser.matches import Match
from categoriser.names import NameFault, Spelling, from_text, normal, spell
from policy.commands.command import Change, Permission, Refused, Situation
from policy.commands.scopes import require_instants, written
from policy.decision import decide
from policy.named import NamedTable
from policy.passes import DEVICE, site_of
from policy.policy import Policy
from policy.reading import Faults, Table
from policy.rulebook import RuleBook
from policy.store.tables import passes as passes_table
from policy.store.tables import rules as rules_table
from policy.store.writing import Writing
from policy.types import UNKNOWN_VENUE, Client, Decision
from policy.written import KnownRules, Places, read_rules

PASSES_OF_ONE_MAX: Final = 20
"""Passes that one device has at a time; for another its oldest goes."""

VENUE_PASSES_MAX: Final = 400
"""Passes at one venue at a time; for another the oldest there goes. A machine may take on address
after address: it closes what is open at its own venue, and nobody else's.
"""

PASSES_MAX: Final = 2_000
"""Passes of everybody at a time; for another the oldest of all goes."""

_MINUTE_SECONDS: Final = 60
_ESSENTIAL: Final = "essential"


@dataclass(frozen=True, slots=True)
class TakePass:
    """Go on past the warning for a site, on one device."""

    action: ClassVar[str] = "pass.take"
    address: str
    """Whose: the address that a resolver sees. Behind NAT it is everybody's there."""
    name: str
    """The name that was asked for; what opens is the site it is a part of."""
    device: str | None = None
    """The device that has the address by its DHCP lease, which no command knows of."""

    @property
    def reason(self) -> str:
        """Nobody is asked why."""
        return ""

    def permission(self, situation: Situation) -> Permission:
        """Public; of the venue of the address."""
        venue = self._client(situation).venue
        known = venue in situation.policy.venues
        return Permission(self.action, frozenset({venue}) if known else None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses every name that is not behind a warning for this client now."""
        require_instants(situation, situation.at)
        client, name = self._client(situation), self._name()
        minutes = situation.policy.warn_minutes(client.profile)
        await self._require_warning(writing, situation, client, name)
        if not minutes:
            allowed = "allowed: what warn_minutes of the profile or the organisation says"
            raise Refused(f"{self.action}: name: a warning cannot be passed here; {allowed}")
        who = self._who(client)
        until = situation.at + minutes * _MINUTE_SECONDS
        body = {"who": who, "site": site_of(name), "until": until}
        there = await _all(writing)
        same = [id for id, held in there.items() if _same(held, body)]
        for id in same:
            if there[id]["until"] - situation.at > minutes * _MINUTE_SECONDS / 2:
                kept = _shown(situation, there[id])  # clicking on and on writes nothing
                return Change(f"venue:{client.venue}", kept, kept)
        gone = [*same, *_ended(there, situation.at)]
        left = {id: held for id, held in there.items() if id not in gone}
        gone += _oldest([i for i, held in left.items() if held["who"] == who], PASSES_OF_ONE_MAX)
        left = {id: held for id, held in left.items() if id not in gone}
        policy = situation.policy
        near = [i for i, held in left.items() if _venue_of(policy, held["who"]) == client.venue]
        gone += _oldest(near, VENUE_PASSES_MAX)
        gone += _oldest([i for i in left if i not in gone], PASSES_MAX)
        await writing.remove_many("passes", gone)
        await writing.put("passes", None, body)
        return Change(f"venue:{client.venue}", None, _shown(situation, body))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What opens, and until when."""
        until = situation.words.instant(datetime.fromisoformat(change.after["until"]).timestamp())
        return [f"{change.after['site']} is open on this device until {until}."]

    def _client(self, situation: Situation) -> Client:
        policy = situation.policy
        try:
            packed = ip_address(self.address).packed
        except ValueError:
            allowed = "allowed: an IP address such as 10.20.3.7"
            raise Refused(f"{self.action}: address: that is none; {allowed}") from None
        client = policy.identify(packed)
        device = policy.devices.get(self.device) if self.device is not None else None
        if client.device is not None or device is None:
            return client
        withdrawn = device.withdrawn_until if device.withdrawn else -math.inf
        profile = device.profile or client.profile
        return Client(client.venue, client.room, device.id, profile, withdrawn)

    def _who(self, client: Client) -> str:
        return (
            str(ip_address(self.address)) if client.device is None else f"{DEVICE}{client.device}"
        )

    def _name(self) -> str:
        try:
            return normal(self.name.strip())
        except NameFault as fault:
            raise Refused(f"{self.action}: name: {fault}") from None

    async def _require_warning(
        self, writing: Writing, situation: Situation, client: Client, name: str
    ) -> None:
        """Raise `Refused` unless a resolver answers this client with a warning now.

        Exceptions are not read: what they open needs no pass, and a pass more does no harm.
        """
        spelling = spell(from_text(name))
        decision = await _decided(writing, situation, client, name, spelling)
        if decision.action != "warn":
            given = "it is open" if decision.action in ("allow", "monitor") else "it is blocked"
            allowed = "allowed: a site behind a warning"
            raise Refused(f"{self.action}: name: {given}, and there is no warning; {allowed}")


async def _decided(
    writing: Writing, situation: Situation, client: Client, name: str, spelling: Spelling
) -> Decision:
    """What happens to a name now, but for exceptions."""
    policy = situation.policy
    categories = list(situation.knowledge.categories_of(name))
    if NamedTable((site, True) for site in policy.essentials).find(spelling):
        categories.append(_ESSENTIAL)
    matches = tuple(Match(category, name, ()) for category in categories)
    rules = await _rules_about(writing, situation, spelling)
    view = replace(policy.view(client, situation.at), find_rules=rules.find)
    return decide(view, spelling, matches)


async def _rules_about(writing: Writing, situation: Situation, spelling: Spelling) -> RuleBook:
    """Of perhaps 50,000 rules those that may match a name, found by the column of their targets."""
    policy = situation.policy
    targets: set[str] = set(policy.bundles)
    name = spelling.forward.strip("\n.")
    while name:
        targets |= {name, f"={name}", f"*.{name}"}
        name = name.partition(".")[2]
    target = rules_table.c.target
    found = await writing.connection.execute(
        select(rules_table.c.id, rules_table.c.body).where(
            or_(target.in_(targets), target.like("%.*"))
        )
    )
    raw = {"rules": [{**msgspec.json.decode(body), "id": id} for id, body in found]}
    faults = Faults(situation.action)
    places = Places(policy.profiles, policy.venues, policy.devices, policy.bundles)
    rules = read_rules(Table(raw, "", faults), places, situation.zone, KnownRules())
    if faults.lines:
        raise Refused(*faults.lines)
    return RuleBook(chain.from_iterable(rules))


async def _all(writing: Writing) -> dict[int, dict[str, Any]]:
    """Every pass there is, oldest first: at most `PASSES_MAX`, and those that ended since."""
    columns = passes_table.c
    found = await writing.connection.execute(
        select(columns.id, columns.who, columns.until, columns.body).order_by(columns.id)
    )
    return {
        id: {"who": who, "until": until, "site": msgspec.json.decode(body)["site"]}
        for id, who, until, body in found
    }


def _same(held: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return bool(held["who"] == body["who"] and held["site"] == body["site"])


def _ended(there: Mapping[int, Mapping[str, Any]], at: float) -> list[int]:
    return [id for id, held in there.items() if held["until"] <= at]


def _venue_of(policy: Policy, who: str) -> str:
    """The venue of whoever holds a pass."""
    if who.startswith(DEVICE):
        device = policy.devices.get(who.removeprefix(DEVICE))
        addresses = device.addresses if device is not None else ()
        found = next((address.packed for address in addresses), None)
    else:
        found = ip_address(who).packed
    return UNKNOWN_VENUE if found is None else policy.identify(found).venue


def _oldest(ids: Sequence[int], most: int) -> list[int]:
    """Those that go so that one more fits."""
    return list(ids[: max(0, len(ids) - most + 1)])


def _shown(situation: Situation, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log has of a pass: the site and its end, and nobody's address."""
    until = body["until"]
    return {"site": body["site"], "until": written(situation, until)}
