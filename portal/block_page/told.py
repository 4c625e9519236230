"""From an explanation of a decision to what the block page says of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from categoriser.taxonomy import Category, Help, Taxonomy

State = Literal["blocked", "warned", "open", "foreign"]
"""`foreign`: this network is not served at all."""

LISTS_SHOWN_MAX: Final = 3
SOON_SECONDS: Final = 7 * 86_400
"""An opening that is further away is not worth telling."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says about one name to one client."""

    state: State
    name: str
    """In ASCII."""
    shown: str
    """As people read it; the ASCII beside it where they differ, for letters can be lookalikes."""
    note: str
    """Why, in one sentence."""
    category: Category | None
    texts: tuple[str, ...]
    """What the organisation says."""
    help: tuple[Help, ...]
    rule: str
    """The entry that settled it; empty where there is none to show."""
    lists: tuple[str, ...]
    more_lists: int
    minutes: int
    """For how long one may go on past the warning; 0: not at all."""
    can_ask: bool
    """Whether a review could change anything."""
    can_be_approved: bool
    """Whether a tutor can open it for a lesson."""
    is_locked: bool
    is_withdrawn: bool
    passed_until: float | None
    """Somebody on this device is going on past the warning until then."""
    opens_at: float | None
    venue: str
    device: str | None
    organisation: str


def tell(explained: Mapping[str, Any], later: Mapping[str, Any] | None, taxonomy: Taxonomy) -> Told:
    """Make sense of an explanation, and of one for the instant at which it may be another."""
    decision = explained["decision"]
    category = taxonomy.get(decision["category"] or "")
    state = _state(explained["happens"])
    locked = decision["reason"] == "locked"
    lists: Sequence[str] = () if locked else decision["sources"]
    opens = later is not None and _state(later["happens"]) in ("open", "warned")
    until = instant(decision["valid_until"])
    return Told(
        state=state,
        name=explained["name"],
        shown=_shown(explained["name"], explained["unicode"]),
        note=decision["note"],
        category=category if decision["reason"] in ("category", "locked", "pass") else None,
        texts=tuple(explained["page_texts"]),
        help=_help(explained["page_help"], category, taxonomy),
        rule="" if locked else decision["rule"] or "",
        lists=tuple(lists[:LISTS_SHOWN_MAX]),
        more_lists=max(0, len(lists) - LISTS_SHOWN_MAX),
        minutes=explained["warn_minutes"] if state == "warned" else 0,
        can_ask=state in ("blocked", "warned") and decision["reason"] in ("category", "rule"),
        can_be_approved=bool(explained["may_be_excepted"]),
        is_locked=locked,
        is_withdrawn=decision["reason"] == "withdrawn",
        passed_until=until if decision["reason"] == "pass" else None,
        opens_at=until if opens and state == "blocked" else None,
        venue=explained["client"]["venue"],
        device=explained["client"]["device"],
        organisation=explained["organisation"],
    )


def changes_soon(explained: Mapping[str, Any], at: float) -> str | None:
    """The instant, as text, for which it is worth asking again; None for none."""
    text: str | None = explained["decision"]["valid_until"]
    until = instant(text)
    blocked = _state(explained["happens"]) == "blocked"
    return text if blocked and until is not None and until - at <= SOON_SECONDS else None


def instant(text: str | None) -> float | None:
    """An instant with its offset, as explanations have it, in POSIX seconds."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _state(happens: str) -> State:
    if happens in ("blocked", "warned"):
        return "blocked" if happens == "blocked" else "warned"
    return "foreign" if happens == "refused" else "open"


def _shown(name: str, readable: str) -> str:
    return name if name == readable else f"{readable} ({name})"


def _help(
    own: Sequence[Mapping[str, str]], category: Category | None, taxonomy: Taxonomy
) -> tuple[Help, ...]:
    """The organisation's own links, then those of the category, else of the nearest one above it
    that has any.
    """
    links = [Help(link["title"], link["url"]) for link in own]
    if category is not None:
        chain = [category, *(taxonomy[id] for id in taxonomy.ancestors(category.id))]
        links += next((entry.help for entry in chain if entry.help), ())
    first: dict[str, Help] = {}
    for link in links:
        first.setdefault(link.url, link)
    return tuple(first.values())
