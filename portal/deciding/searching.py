"""Searching rules in the store: by name, action, scope, author and reason, a page at a time.

The database narrows by its columns and by the text of the body; whether a body really matches is
seen when it is read, because the text of JSON holds more than one thing. With 50,000 rules a page
takes some 10 ms, and 60 ms when hardly any rule matches.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.names import NameFault, normal
from policy.store.reading import decode_body
from policy.store.tables import rules

PAGE_RULES: Final = 50
_ROWS_AT_ONCE: Final = 500
_TARGETS: Final = ("pattern", "address", "bundle")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty for everything."""

    name: str = ""
    """Rules that mention it, and rules about names above it, which cover it."""
    action: str = ""
    scope: str = ""
    author: str = ""
    text: str = ""
    """In the reason."""
    before: int = 0
    """Only rules with a smaller number: the next page."""

    def is_narrow(self) -> bool:
        """Whether it looks for anything in particular."""
        return bool(self.name or self.action or self.scope or self.author or self.text)


@dataclass(frozen=True, slots=True)
class Found:
    """One rule."""

    number: int
    body: Mapping[str, Any]

    @property
    def target(self) -> str:
        """What it is about: a pattern, an address or a bundle."""
        return next((str(self.body[key]) for key in _TARGETS if key in self.body), "")

    @property
    def kind(self) -> str:
        """`pattern`, `address` or `bundle`."""
        return next((key for key in _TARGETS if key in self.body), "pattern")

    @property
    def scope(self) -> str:
        """Whom it is for."""
        return str(self.body.get("scope", "organisation"))


@dataclass(frozen=True, slots=True)
class Page:
    """Some rules, newest first, and where to go on; None: these were the last."""

    rules: tuple[Found, ...]
    next_before: int | None


async def find_rules(connection: AsyncConnection, search: Search, limit: int = PAGE_RULES) -> Page:
    """A page of rules, the newest first."""
    query = _narrowed(search).order_by(rules.c.id.desc())
    before = search.before
    found: list[Found] = []
    while True:
        page = query.where(rules.c.id < before) if before else query
        rows = (await connection.execute(page.limit(_ROWS_AT_ONCE))).all()
        for id, body in rows:
            rule = Found(id, decode_body(body))
            if not _matches(rule, search):
                continue
            if len(found) == limit:
                return Page(tuple(found), found[-1].number)
            found.append(rule)
        if len(rows) < _ROWS_AT_ONCE:
            return Page(tuple(found), None)
        before = rows[-1].id


async def count_rules(connection: AsyncConnection) -> int:
    """How many rules there are in all."""
    return await connection.scalar(select(func.count()).select_from(rules)) or 0


async def count_due(connection: AsyncConnection, today: date) -> int:
    """How many rules are to be looked at again by now."""
    return (
        await connection.scalar(select(func.count()).select_from(rules).where(_is_due(today))) or 0
    )


async def find_due(
    connection: AsyncConnection, today: date, offset: int = 0, limit: int = PAGE_RULES
) -> list[Found]:
    """Rules to be looked at again by now, the longest overdue first; one more than `limit` when
    there are more.
    """
    query = select(rules.c.id, rules.c.body).where(_is_due(today))
    query = query.order_by(rules.c.review, rules.c.id).offset(offset).limit(limit + 1)
    return [Found(id, decode_body(body)) for id, body in await connection.execute(query)]


async def read_rule(connection: AsyncConnection, number: int) -> Found | None:
    """One rule by its number."""
    body = await connection.scalar(select(rules.c.body).where(rules.c.id == number))
    return None if body is None else Found(number, decode_body(body))


def _is_due(today: date) -> Any:
    return and_(rules.c.review.is_not(None), rules.c.review <= today.isoformat())


def _narrowed(search: Search) -> Select[Any]:
    query = select(rules.c.id, rules.c.body)
    if search.name:
        query = query.where(_is_about(search.name.lower()))
    if search.action:
        query = query.where(rules.c.action == search.action)
    if search.scope:
        query = query.where(_is_for(search.scope))
    for text in (search.author, search.text):
        if text:
            inside = json.dumps(text.lower(), ensure_ascii=False)[1:-1]
            query = query.where(func.lower(rules.c.body).contains(inside, autoescape=True))
    return query


def _is_about(text: str) -> Any:
    mentions = rules.c.target.contains(text, autoescape=True)
    try:
        name = normal(text)
    except NameFault:
        return mentions
    above = [name, f"={name}"]
    while "." in name:
        name = name.partition(".")[2]
        above += [name, f"*.{name}"]
    return or_(mentions, rules.c.target.in_(above))


def _is_for(scope: str) -> Any:
    kind, _, id = scope.partition(":")
    columns = rules.c
    nothing: dict[str, str | None] = {
        "profile_id": None,
        "venue_id": None,
        "room_id": None,
        "device_id": None,
    }
    if kind == "room":
        venue, _, room = id.partition("/")
        nothing |= {"venue_id": venue, "room_id": room}
    elif f"{kind}_id" in nothing:
        nothing[f"{kind}_id"] = id
    return and_(*(columns[name].is_not_distinct_from(value) for name, value in nothing.items()))


def _matches(rule: Found, search: Search) -> bool:
    """Whether the body has the texts where they were looked for."""
    body = rule.body
    return (
        search.author.lower() in str(body.get("author", "")).lower()
        and search.text.lower() in str(body.get("reason", "")).lower()
    )
