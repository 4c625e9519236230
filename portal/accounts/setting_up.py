"""The first administrator: a person and their account in one transaction, for a one-time link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from policy.commands.command import Change, Permission, Refused, Situation
from policy.commands.people import AddPerson
from policy.policy import Policy
from policy.store.writing import Writing
from portal.accounts import links, rows

LINK_GONE = "account.set-up: the link was used or is over; restart the portal for a new one"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What the first administrator says of themselves."""

    id: str
    name: str
    email: str
    password: str
    """As it is kept."""

    @property
    def body(self) -> dict[str, Any]:
        """As the policy document has a person."""
        said: dict[str, Any] = {"name": self.name}
        if self.email:
            said["email"] = self.email
        return {**said, "roles": [{"role": "administrator"}]}


@dataclass(frozen=True, slots=True)
class SetUp:
    """`AddPerson`, for a link, and with an account."""

    action: ClassVar[str] = AddPerson.action
    newcomer: Newcomer
    link: str
    reason: str = "first administrator, by the set-up link"

    @property
    def _adding(self) -> AddPerson:
        return AddPerson(self.newcomer.id, self.newcomer.body, self.reason)

    def permission(self, situation: Situation) -> Permission:
        """That of the command within."""
        return self._adding.permission(situation)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a link that was used, and what `AddPerson` refuses."""
        await use_link(writing.connection, self.link, situation.at)
        change = await self._adding.apply(writing, situation)
        await rows.add(writing.connection, self.newcomer.id, self.newcomer.password, situation.at)
        return change

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Those of the command within."""
        return self._adding.sentences(change, situation, after)


async def use_link(connection: AsyncConnection, link: str, at: float) -> None:
    """Use the link of the first administrator up. Raises `Refused`."""
    found = await links.use(connection, link, at)
    if found is None or found.person_id is not None or await rows.are_there(connection):
        raise Refused(LINK_GONE)
