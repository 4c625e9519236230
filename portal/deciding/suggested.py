"""Judging a suggested name, from pages and the API: with its entry in the audit log."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

from fastapi import Request

from policy.commands.command import Refused
from policy.commands.subscriptions import ChangeLists
from portal.accounts.visits import Visit
from portal.identity import perform
from portal.services import Services


async def judge(
    request: Request,
    services: Services,
    me: Visit,
    act: Literal["dismiss", "undismiss"],
    name: str,
    reason: str,
) -> None:
    """Dismiss a name or take that back. Raises `Refused`."""
    assert services.suggestions is not None
    queue = services.suggestions()
    what = queue.dismiss if act == "dismiss" else queue.undismiss
    do = partial(what, name, by=me.person.name, reason=reason, at=services.clock())
    try:
        await perform(request, ChangeLists(act, [name], lambda: asyncio.to_thread(do), reason))
    except (ValueError, OSError) as fault:
        raise Refused(f"list.change: {fault}") from fault
