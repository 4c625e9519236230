"""Texts for block pages: one for each category, and one (`organisation`) for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from policy.commands.command import Change, Permission, Refused, Situation, changed, known
from policy.commands.effects import Described
from policy.store.writing import Writing

TEXT_CHARACTERS_MAX: Final = 2000
"""A block page is read in passing."""


@dataclass(frozen=True, slots=True)
class SetPage(Described):
    """What a block page says beside the reason."""

    action: ClassVar[str] = "page.set"
    page: str
    """A category, or `organisation`."""
    text: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a text that is too long, and a category that does not exist."""
        if len(self.text) > TEXT_CHARACTERS_MAX:
            given = f"{len(self.text)} characters"
            allowed = f"allowed: up to {TEXT_CHARACTERS_MAX}"
            raise Refused(f"{self.action}: pages.{self.page}.text: {given}; {allowed}")
        pages = situation.raw.get("pages", {})
        body = {"text": self.text}
        situation.build(pages={**pages, self.page: body})
        await writing.put("pages", self.page, body)
        return Change(f"page:{self.page}", pages.get(self.page), body)


@dataclass(frozen=True, slots=True)
class RemovePage(Described):
    """Take a text away."""

    action: ClassVar[str] = "page.remove"
    page: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a page that has no text."""
        body = known(situation, "pages", self.page, "page with a text")
        situation.build(pages=changed(situation.raw["pages"], {self.page: None}))
        await writing.remove("pages", self.page)
        return Change(f"page:{self.page}", body, None)
