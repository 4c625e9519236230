"""Changes in two steps: what would happen, said by a dry run of the same command, then the change.

A page reads its form, makes its command and hands both in here. The page in between carries every
field of the form, so that *change something* finds it as it was typed. Nothing is remembered
between the steps: the second one asks for permission, and checks, as the first did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from policy.commands.command import Command, Refused
from portal.forms import Form
from portal.identity import perform
from portal.rendering import go, render

CONFIRMED: Final = "confirmed"
AGAIN: Final = "again"
REASON: Final = "reason"
_OWN: Final = frozenset({CONFIRMED, AGAIN})


def reason_of(form: Form) -> str:
    """Why, as it was typed on the page in between."""
    return form.text(REASON)


async def carry_out(
    request: Request,
    form: Form,
    command: Command,
    *,
    title: str,
    back: str,
    notice: str,
    then: str = "",
    fields: Mapping[str, str] | None = None,
    asks_reason: bool = True,
    is_grave: bool = False,
    afterwards: Callable[[], Awaitable[None]] | None = None,
) -> Response | None:
    """The answer to a form: what would happen, or what was done. None: show the form again, with
    its faults, or because somebody wants to change something.

    `then`: where to go when it is done, `back` when empty. `fields`: as `Form.refused` has it.
    `afterwards`: what else is to be done once it is.
    """
    if form.errors or form[AGAIN]:
        return None
    try:
        if form[CONFIRMED]:
            await perform(request, command)
            if afterwards is not None:
                await afterwards()
            return go(then or back, notice)
        done = await perform(request, command, dry_run=True)
    except Refused as refused:
        if refused.permission:
            raise
        form.refused(refused, fields)
        return None
    return render(
        request,
        "confirm",
        title=title,
        done=done,
        changes=done.before != done.after,
        kept=[(name, value) for name, value in form.pairs() if name not in _OWN],
        back=back,
        can_change=bool([name for name, _ in form.pairs() if name not in _OWN]),
        asks_reason=asks_reason,
        is_grave=is_grave,
    )
