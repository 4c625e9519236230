"""Texts and help links for block pages: for each category, and for all (`organisation`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from policy.commands.command import Change, Permission, Refused, Situation, changed, known
from policy.commands.effects import Described
from policy.store.writing import Writing

TEXT_CHARACTERS_MAX: Final = 2000
"""A block page is read in passing."""


@dataclass(frozen=True, slots=True)
class SetPage(Described):
    """What a block page says beside the reason, and where it leads for help."""

    action: ClassVar[str] = "page.set"
    page: str
    """A category, or `organisation`."""
    text: str | None
    """Empty: none; None: as it is."""
    reason: str = ""
    help: Sequence[Mapping[str, Any]] | None = None
    """Links of the organisation's own, `{"title", "url"}` each. Empty: none; None: as they are."""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a text that is too long, a category that does not exist, nothing at all."""
        if len(self.text or "") > TEXT_CHARACTERS_MAX:
            given = f"{len(self.text or '')} characters"
            allowed = f"allowed: up to {TEXT_CHARACTERS_MAX}"
            raise Refused(f"{self.action}: pages.{self.page}.text: {given}; {allowed}")
        pages = situation.raw.get("pages", {})
        before = pages.get(self.page)
        body: dict[str, Any] = dict(before or {})
        if self.text is not None:
            body["text"] = self.text
        if self.help is not None:
            body["help"] = [dict(link) for link in self.help]
        body = {key: value for key, value in body.items() if value}
        situation.build(pages={**pages, self.page: body})
        await writing.put("pages", self.page, body)
        return Change(f"page:{self.page}", before, body)


@dataclass(frozen=True, slots=True)
class RemovePage(Described):
    """Take text and links away."""

    action: ClassVar[str] = "page.remove"
    page: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a page that has neither."""
        body = known(situation, "pages", self.page, "page with a text")
        situation.build(pages=changed(situation.raw["pages"], {self.page: None}))
        await writing.remove("pages", self.page)
        return Change(f"page:{self.page}", body, None)
