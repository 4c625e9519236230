"""What somebody asked figures for, in an address: `?period=term&venue=crewe`, and what they may see
of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from portal.accounts.visits import Visit
from portal.forms import Form
from portal.identity import may
from portal.reading_evidence import readable_venues
from portal.reporting.facts import Facts, moment_of, period_in_words
from portal.reporting.keeping import kept_material
from portal.reporting.lists import lists_in_force
from portal.reporting.periods import Chosen, PeriodFault, choose, terms_of, words
from portal.services import Services
from portal.standing_policy import Standing
from portal.words import t

READ: Final = "figures.read"
FIELDS: Final = ("period", "since", "until", "venue")
FIELD_CHARACTERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and may be told."""

    chosen: Chosen
    venues: frozenset[str] | None
    """Those that are told about; None: all, and what belongs to none."""
    place: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """The choice on a page."""

    asked: Asked | None
    """None when it made no sense; then `form` says why."""
    form: Form
    venue_choices: tuple[tuple[str, str], ...]
    period_words: tuple[str, ...]
    query: str
    """The same, to be put into another address."""


def asked_for(values: Mapping[str, str], me: Visit, now: Standing, at: float) -> Asked:
    """What these values mean for somebody. A venue that they may not see has nothing to show, like
    one that there is not. Raises `PeriodFault`.
    """
    period, since, until, venue = (values.get(name, "") for name in FIELDS)
    chosen = choose(period, since, until, terms_of(now.raw.get("terms", ())), at, now.zone)
    allowed = readable_venues(me, READ)
    if not venue:
        return Asked(chosen, allowed, _everything(allowed))
    titles = dict(now.venues)
    is_theirs = venue in titles and (allowed is None or venue in allowed)
    return Asked(chosen, frozenset({venue} if is_theirs else ()), titles.get(venue, venue))


def read_choosing(values: Mapping[str, str], me: Visit, now: Standing, at: float) -> Choosing:
    """What a page was asked for, and what else may be chosen."""
    typed = {name: values.get(name, "")[:FIELD_CHARACTERS_MAX] for name in FIELDS}
    form, asked = Form.filled(**typed), None
    try:
        asked = asked_for(typed, me, now, at)
        form = Form.filled(**{**typed, "period": typed["period"] or asked.chosen.word})
    except PeriodFault as fault:
        form.wrong(fault.field, t("figures.day_wrong"))
    allowed = readable_venues(me, READ)
    choices = [pair for pair in now.venues if allowed is None or pair[0] in allowed]
    return Choosing(
        asked,
        form,
        (("", _everything(allowed)), *choices),
        tuple(words(terms_of(now.raw.get("terms", ())), at, now.zone)),
        urlencode({name: text for name, text in typed.items() if text}),
    )


async def facts_of(services: Services, me: Visit, now: Standing, asked: Asked) -> Facts:
    """Everything there is to tell about it. Raises `StoreFault`."""
    return Facts(
        now.policy,
        services.taxonomy,
        now.zone,
        asked.chosen,
        asked.venues,
        asked.place,
        await kept_material(services, now, asked.chosen, asked.venues),
        await asyncio.to_thread(lists_in_force, services.lists, services.clock()),
        may(me, "audit.read"),
    )


def about(facts: Facts) -> str:
    """Period, venues, and of when the figures are."""
    return t(
        "figures.about",
        period=period_in_words(facts.chosen),
        place=facts.place,
        at=moment_of(facts.material.at, facts.zone),
    )


def _everything(allowed: frozenset[str] | None) -> str:
    return t("figures.every_venue") if allowed is None else t("figures.your_venues")
