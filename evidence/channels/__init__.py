"""Ways to tell people, a file each, whose name is the word in `notices.recipients`: `channel`.

A module `evidence/channels/<word>.py` has::

    async def send(message: Message, to: str, settings: NoticeSettings) -> None:
        ...  # raises ChannelFault

A message holds nothing personal, and no channel adds anything to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from evidence.notices.settings import NoticeSettings

SECONDS_MAX: Final = 20.0
"""One message may take so long."""
PROBLEM_CHARACTERS_MAX: Final = 300


class ChannelFault(Exception):
    """A message could not be handed over; `for_good`: nor could it be later."""

    def __init__(self, problem: str, *, for_good: bool = False) -> None:
        plain = "".join(c if c.isprintable() else " " for c in problem)
        super().__init__(plain[:PROBLEM_CHARACTERS_MAX])
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Item:
    """One notice in a message."""

    at: float
    kind: str
    severity: str
    venue: str
    """Its title."""
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told: one notice, or several."""

    id: str
    subject: str
    body: str
    items: tuple[Item, ...]


Send = Callable[[Message, str, NoticeSettings], Awaitable[None]]


@cache
def channels() -> Mapping[str, Send]:
    """Every channel in this folder."""
    names = sorted(module.name for module in iter_modules(__path__))
    return {name: import_module(f"{__name__}.{name}").send for name in names}
