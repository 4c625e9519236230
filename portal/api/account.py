"""`/api/account`: for whom a token acts, and within which scopes."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from portal.identity import Me

router = APIRouter(tags=["account"])


class Role(BaseModel):
    """One role of a person."""

    role: str
    venues: list[str]
    """Where it holds; empty: everywhere."""


class Account(BaseModel):
    """Who a token acts for."""

    id: str
    name: str
    roles: list[Role]
    scopes: list[str]


@router.get("/account")
async def show_account(me: Me) -> Account:
    """For whom this token acts, and what it may be used for."""
    roles = [Role(role=grant.role, venues=sorted(grant.venues)) for grant in me.person.roles]
    scopes = sorted(me.token.scopes) if me.token is not None else []
    return Account(id=me.person.id, name=me.person.name, roles=roles, scopes=scopes)
