"""Which published lists filter here, as decisions: entered in the audit log, kept elsewhere.

Lists are files of `blocklists`, which policy does not know. So the act itself is handed in, and is
done inside the transaction that enters it: what fails is not entered, and nobody acts without the
permission to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import ClassVar, Final, Literal

from policy.commands.command import Change, Permission, Refused, Situation
from policy.policy import Policy
from policy.store.writing import Writing

Act = Literal[
    "enable", "disable", "add", "remove", "accept", "rollback", "refresh", "dismiss", "undismiss"
]

_SENTENCES: Final[dict[Act, str]] = {
    "enable": "{} filters from its next refresh on.",
    "disable": "{} filters no more.",
    "add": "{} is known, and filters when it is enabled.",
    "remove": "{} is forgotten.",
    "accept": "The version of {} that was held back filters.",
    "rollback": "An earlier version of {} filters again.",
    "refresh": "{} is looked at as soon as the refresh of lists runs.",
    "dismiss": "{} is no longer suggested, nor what is below it.",
    "undismiss": "{} may be suggested again.",
}
_OF_NAMES: Final = frozenset({"dismiss", "undismiss"})
"""Acts on names that are in no list."""
LISTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ChangeLists:
    """Do something to published lists, or to names that are suggested for none."""

    action: ClassVar[str] = "list.change"
    act: Act
    lists: Sequence[str]
    do: Callable[[], object] = field(repr=False)
    """The act; whatever it raises undoes the entry. What it gives is waited for, if it can be."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator: lists filter every venue."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Acts."""
        if not 0 < len(self.lists) <= LISTS_MAX:
            allowed = f"allowed: 1 to {LISTS_MAX} at once"
            raise Refused(f"{self.action}: {len(self.lists)} lists; {allowed}")
        done = self.do()
        if isawaitable(done):
            await done
        names = ", ".join(self.lists)
        noun = "suggestion" if self.act in _OF_NAMES else "list"
        return Change(f"{noun}:{names}", None, {"act": self.act, "lists": list(self.lists)})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What becomes of the lists."""
        return [_SENTENCES[self.act].format(word) for word in self.lists]
