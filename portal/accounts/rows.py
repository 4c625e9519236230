"""Rows of accounts: read and written, nothing decided. All within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.secrets import digest_of
from portal.accounts.tables import accounts, recovery_codes


@dataclass(frozen=True, slots=True)
class Account:
    """One account."""

    person_id: str
    password: str | None
    """As it is kept; None: none yet, or another way in."""
    must_change: bool
    """Whether another password must be chosen before anything else."""
    failures: int
    """Wrong answers since the last right one."""
    locked_until: float
    """POSIX seconds."""
    totp_seed: str | None
    """None: no second factor."""
    totp_step: int
    """The last time step whose code was used."""


async def find(connection: AsyncConnection, person_id: str) -> Account | None:
    """The account of a person."""
    columns = [accounts.c[name] for name in Account.__dataclass_fields__]
    query = select(*columns).where(accounts.c.person_id == person_id)
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    person, password, must_change, *rest = row
    return Account(person, password, bool(must_change), *rest)


async def are_there(connection: AsyncConnection) -> bool:
    """Whether there is any account."""
    return await connection.scalar(select(accounts.c.person_id).limit(1)) is not None


async def known(connection: AsyncConnection) -> frozenset[str]:
    """The people who have an account."""
    return frozenset(await connection.scalars(select(accounts.c.person_id)))


async def add(connection: AsyncConnection, person_id: str, password: str, at: float) -> None:
    """A new account, in place of what there was under this id."""
    await remove(connection, person_id)
    row = {
        "person_id": person_id,
        "password": password,
        "must_change": 0,
        "failures": 0,
        "locked_until": 0.0,
        "totp_seed": None,
        "totp_step": 0,
        "created_at": at,
    }
    await connection.execute(insert(accounts), row)


async def change(connection: AsyncConnection, person_id: str, **values: Any) -> None:
    """Other values of some columns."""
    await connection.execute(update(accounts).where(_is(person_id)).values(**values))


async def forgive_one(connection: AsyncConnection, person_id: str) -> None:
    """Take one failure back: the answer was right, and more will be asked."""
    one_less = accounts.c.failures - 1
    query = update(accounts).where(_is(person_id), accounts.c.failures > 0)
    await connection.execute(query.values(failures=one_less, locked_until=0.0))


async def remove(connection: AsyncConnection, person_id: str) -> bool:
    """Take an account away, with its recovery codes; False when there was none."""
    await put_recovery_codes(connection, person_id, [])
    return bool((await connection.execute(delete(accounts).where(_is(person_id)))).rowcount)


async def put_recovery_codes(
    connection: AsyncConnection, person_id: str, codes: Sequence[str]
) -> None:
    """These recovery codes in place of all earlier ones."""
    gone = delete(recovery_codes).where(recovery_codes.c.person_id == person_id)
    await connection.execute(gone)
    if codes:
        new = [{"digest": digest_of(code), "person_id": person_id} for code in codes]
        await connection.execute(insert(recovery_codes), new)


async def use_recovery_code(connection: AsyncConnection, person_id: str, code: str) -> bool:
    """Use a recovery code up; False when there is none like it."""
    where = (recovery_codes.c.digest == digest_of(code)) & (recovery_codes.c.person_id == person_id)
    return bool((await connection.execute(delete(recovery_codes).where(where))).rowcount)


async def count_recovery_codes(connection: AsyncConnection, person_id: str) -> int:
    """How many are left."""
    query = select(recovery_codes.c.digest).where(recovery_codes.c.person_id == person_id)
    return len((await connection.scalars(query)).all())


def _is(person_id: str) -> Any:
    return accounts.c.person_id == person_id
