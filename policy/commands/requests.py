"""Asking for a review, without signing in; what becomes of it is `policy.commands.reviews`.

How a page asks, for anybody at a venue:

    command = AskForReview("open", site, venue, why=why, said=Said.of(explained))
    await desk.perform(ANYBODY, command, at=at)  # TooManyAsked; Refused for a site that is none
    show(spaced(command.code))  # seen once: only its digest is kept

`venue` is what the client's address says, never what a form says. What was written (`why`) is
shown to reviewers and forgotten with the code; it is not in the audit log, which keeps for ever.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

from policy.commands.command import Actor, Change, Permission, Refused, Situation
from policy.policy import Policy
from policy.reading import show
from policy.requests import (
    ALPHABET,
    ASKED_FOR,
    CODE_LETTERS,
    AskedFor,
    ReviewRequest,
    Said,
    host_of,
)
from policy.store import requests as kept
from policy.store.writing import Writing
from policy.types import UNKNOWN_VENUE

ANYBODY: Final = Actor("(anybody)", "somebody who is not signed in", "portal")
"""Who asks; no person can have this id."""

VENUE_HOUR_MAX: Final = 30
"""How often in an hour somebody at a venue may ask: beyond, `TooManyAsked` tells them to ask a
member of staff. How often from one address is the portal's matter: none is kept here."""

ASKERS_MAX: Final = 200
"""Askers of one request; whoever comes later is told that it waits already."""

WAITING_MAX: Final = 1_000
"""Requests that wait, of all venues."""

VENUE_WAITING_MAX: Final = 200
"""Of one venue: whoever floods their own queue leaves room in everybody else's."""

WHY_CHARACTERS_MAX: Final = 500

KEPT_MAX: Final = 20_000
"""Requests that are kept; the oldest that are decided go first."""
KEPT_DAYS: Final = 400.0
"""How long a request is kept after its decision: a year's figures, without anybody's words."""
WORDS_DAYS: Final = 90.0
"""How long codes and what askers wrote are kept after the decision."""

_EVIDENCE_CHARACTERS_MAX: Final = 200
_SOURCES_MAX: Final = 10
_HOUR_SECONDS: Final = 3600.0


class TooManyAsked(Refused):
    """Too many asked lately, or wait; nothing is wrong with what was asked."""


def new_code() -> str:
    """A random code, without the blank or hyphen that people read it with."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS))


def digest_of(code: str) -> str:
    """How a code is kept."""
    return hashlib.sha256(code.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AskForReview:
    """Ask that a blocked site be looked at, or report an unsuitable one that opened.

    Who asks the same as somebody else at the same venue is counted with them, and gets a code of
    their own.
    """

    action: ClassVar[str] = "request.ask"
    kind: AskedFor
    site: str
    """A name, or the address of a page, of which only the host is kept."""
    venue: str
    """Of the client's address; `unknown` for an address of no venue."""
    why: str = ""
    said: Said = Said()
    """What was said of the site to whoever asks."""
    code: str = field(default_factory=new_code, repr=False)
    """With which the answer can be seen."""

    @property
    def reason(self) -> str:
        """None in the audit log: what people write there may name them."""
        return ""

    def permission(self, situation: Situation) -> Permission:
        """Anybody's: `policy.commands.permissions.PUBLIC`."""
        return Permission(self.action, _venues(situation.policy, self.venue))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what is no site, and one too many (`TooManyAsked`)."""
        site = self._check(situation)
        connection, at = writing.connection, situation.at
        await sweep(writing, at)
        if await kept.count_asked(connection, self.venue, at - _HOUR_SECONDS) >= VENUE_HOUR_MAX:
            given = f"somebody asked {VENUE_HOUR_MAX} times there within the hour"
            raise TooManyAsked(f"{self.action}: venue: {given}; allowed: {VENUE_HOUR_MAX} an hour")
        before = await kept.waiting_like(connection, self.kind, site, self.venue, at)
        if before is None:
            after = await self._begin(writing, situation, site)
        elif before.askers >= ASKERS_MAX:
            given = f"{before.askers} have asked for {site} already, and it waits"
            raise TooManyAsked(f"{self.action}: site: {given}; allowed: {ASKERS_MAX}")
        else:
            after = replace(before, askers=before.askers + 1, last_asked_at=at)
            await kept.put(connection, after)
        digest, why = digest_of(self.code), _tidied(self.why)
        await kept.add_asker(connection, after.number, self.venue, digest, at, why)
        was = None if before is None else body_of(before)
        return Change(f"request:{after.number}", was, body_of(after))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What happens next; nothing opens or closes by it."""
        site, askers = change.after["site"], change.after["askers"]
        asked = f"{site} will be reviewed"
        return [f"{asked}; {askers} have asked." if askers > 1 else f"{asked}."]

    def _check(self, situation: Situation) -> str:
        """The site in normal form. Raises `Refused`."""
        faults = []
        site = ""
        try:
            site = host_of(self.site)
        except ValueError as fault:
            faults.append(f"{self.action}: site: {fault}")
        if self.kind not in ASKED_FOR:
            allowed = f"allowed: {' or '.join(ASKED_FOR)}"
            faults.append(f"{self.action}: kind: {show(self.kind)} is none; {allowed}")
        if self.venue != UNKNOWN_VENUE and self.venue not in situation.policy.venues:
            faults.append(f"{self.action}: venue: {show(self.venue)}; allowed: one that is there")
        if len(self.why) > WHY_CHARACTERS_MAX:
            given = f"{len(self.why)} characters"
            faults.append(f"{self.action}: why: {given}; allowed: up to {WHY_CHARACTERS_MAX}")
        if faults:
            raise Refused(*faults)
        return site

    async def _begin(self, writing: Writing, situation: Situation, site: str) -> ReviewRequest:
        if await kept.count_waiting(writing.connection) >= WAITING_MAX:
            given = f"{WAITING_MAX} requests wait"
            raise TooManyAsked(f"{self.action}: {given}; allowed: {WAITING_MAX}")
        if await kept.count_waiting(writing.connection, self.venue) >= VENUE_WAITING_MAX:
            given = f"{VENUE_WAITING_MAX} requests wait there"
            raise TooManyAsked(f"{self.action}: venue: {given}; allowed: {VENUE_WAITING_MAX}")
        asked = ReviewRequest(
            number=0,
            kind=self.kind,
            site=site,
            venue=self.venue,
            asked_at=situation.at,
            last_asked_at=situation.at,
            askers=1,
            said=_bounded(self.said, situation),
        )
        return await kept.add(writing.connection, asked)


async def sweep(writing: Writing, at: float) -> None:
    """Forget what was kept long enough; whoever asks or decides does it on the way."""
    await kept.sweep(
        writing.connection, at, words_days=WORDS_DAYS, kept_days=KEPT_DAYS, kept=KEPT_MAX
    )


def body_of(request: ReviewRequest) -> dict[str, Any]:
    """A request as the audit log and programs see it: without what does not apply."""
    body: dict[str, Any] = {
        "id": request.number,
        "kind": request.kind,
        "site": request.site,
        "venue": request.venue,
        "askers": request.askers,
        "category": request.said.category,
        "rule": request.said.rule,
        "sources": list(request.said.sources),
        "forwarded": request.forwarded,
        "note": request.note,
        "outcome": request.outcome,
        "answer": request.answer,
        "made": request.made,
    }
    return {key: value for key, value in body.items() if value not in (None, "", [])}


def venues_of(request: ReviewRequest, policy: Policy) -> frozenset[str] | None:
    """Whose matter a request is; None: the whole organisation's."""
    return _venues(policy, request.venue)


def _venues(policy: Policy, venue: str) -> frozenset[str] | None:
    return frozenset({venue}) if venue in policy.venues else None


def _bounded(said: Said, situation: Situation) -> Said:
    """Evidence within its bounds: a rule of a list is text from outside."""
    profiles: Mapping[str, Any] = situation.policy.profiles
    return Said(
        action=said.action if said.action in ("block", "warn", "monitor", "allow") else "",
        category=said.category if said.category in situation.taxonomy else None,
        rule=None if said.rule is None else _line(said.rule),
        sources=tuple(_line(source) for source in said.sources[:_SOURCES_MAX]),
        profile=said.profile if said.profile in profiles else "",
    )


def _tidied(text: str) -> str:
    """Text without what could play tricks on a reviewer's screen; lines stay."""
    plain = text.replace("\r\n", "\n")
    return "".join(c for c in plain if c == "\n" or c.isprintable()).strip()


def _line(text: str) -> str:
    """The same on one line, and short."""
    return _tidied(text).replace("\n", " ")[:_EVIDENCE_CHARACTERS_MAX]
