"""The role of somebody who decided something, as it is now; empty: it is no longer known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from policy.store.reading import read_keys


class Roles:
    """The first role of each person of the store."""

    def __init__(self, people: Mapping[str, Any]) -> None:
        self._by_id = {id: next(_roles(person), "") for id, person in people.items()}
        self._by_name = {
            str(person.get("name", id)): self._by_id[id] for id, person in people.items()
        }

    def of(self, person: str) -> str:
        """By their id, as the audit log has it."""
        return self._by_id.get(person, "")

    def named(self, name: str) -> str:
        """By their name, as an exception has it; of namesakes the last."""
        return self._by_name.get(name, "")


async def read_roles(connection: AsyncConnection) -> Roles:
    """Those of everybody, of a read connection of the store."""
    return Roles((await read_keys(connection, ["people"])).get("people", {}))


def _roles(person: Mapping[str, Any]) -> Iterator[str]:
    given: Sequence[Any] = person.get("roles", ())
    for one in given:
        yield str(one.get("role", "")) if isinstance(one, Mapping) else str(one)
