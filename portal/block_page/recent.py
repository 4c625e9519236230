"""What was blocked lately on the device of whoever asks, for its own eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evidence.pseudonyms import Identity
from evidence.reading import recently_blocked
from evidence.store import EvidenceStore
from policy.store import StoreFault
from portal.block_page.asked import name_of

RECENT_SECONDS: Final = 15 * 60
"""As long as somebody may wonder why something did not work."""
RECENT_MAX: Final = 20
_READ_MAX: Final = 50
"""Events that are looked at: one site is asked for again and again."""


@dataclass(frozen=True, slots=True)
class Recent:
    """One name that was blocked or warned about."""

    name: str
    at: float
    """The last time."""
    category: str
    """Its id; empty for none."""


async def recent(
    evidence: EvidenceStore | None, client: Mapping[str, Any], at: float
) -> Sequence[Recent] | None:
    """Each name once, newest first; None when nobody keeps events, or they cannot be read.

    `client` is what an explanation says of whoever asks.
    """
    if evidence is None or not client.get("address"):
        return None
    who = Identity(client.get("device") or "", client.get("hostname") or "", client["address"])
    try:
        async with evidence.reading() as connection:
            events = await recently_blocked(connection, who, at - RECENT_SECONDS, limit=_READ_MAX)
    except StoreFault:
        return None
    found: dict[str, Recent] = {}
    for event in sorted(events, key=lambda event: -event.at):
        name = name_of(event.name)
        if name and name not in found:
            found[name] = Recent(name, event.at, event.category)
    return list(found.values())[:RECENT_MAX]
