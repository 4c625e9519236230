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
from portal.reading_evidence import readable_venues
from portal.reporting.facts import Facts, day_of, moment_of
from portal.reporting.keeping import kept_material
from portal.reporting.lists import ListInForce, lists_in_force
from portal.reporting.periods import Chosen, PeriodFault, choose, terms_of, words
from portal.services import Services
from portal.standing_policy import Standing
from portal.words import t

READ: Final = "figures.read"
FIELDS: Final = ("period", "since", "until", "venue")
FIELD_CHARACTERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for. `chosen` is None when it made no sense; then `form` says why."""

    form: Form
    chosen: Chosen | None
    venues: frozenset[str] | None
    """Those that are told about; None: all."""
    place: str
    venue_choices: tuple[tuple[str, str], ...]
    period_words: tuple[str, ...]
    query: str
    """The same, to be put into another address."""


def read_asked(values: Mapping[str, str], me: Visit, now: Standing, services: Services) -> Asked:
    """What these values of an address mean for somebody. A venue that they may not see has nothing
    to show, like one that there is not.
    """
    typed = {name: values.get(name, "")[:FIELD_CHARACTERS_MAX] for name in FIELDS}
    at, terms = services.clock(), terms_of(now.raw.get("terms", ()))
    allowed = readable_venues(me, READ)
    form, chosen = Form.filled(**typed), None
    try:
        chosen = choose(typed["period"], typed["since"], typed["until"], terms, at, now.zone)
        if not typed["period"]:
            form = Form.filled(**{**typed, "period": chosen.word})
    except PeriodFault as fault:
        form.wrong(fault.field, t("figures.day_wrong"))
    venues = allowed
    if typed["venue"]:
        venues = frozenset({typed["venue"]} if allowed is None else {typed["venue"]} & allowed)
    everything = t("figures.every_venue") if allowed is None else t("figures.your_venues")
    choices = [pair for pair in now.venues if allowed is None or pair[0] in allowed]
    return Asked(
        form,
        chosen,
        venues,
        dict(now.venues).get(typed["venue"], typed["venue"]) if typed["venue"] else everything,
        (("", everything), *choices),
        tuple(words(terms, at, now.zone)),
        urlencode({name: text for name, text in typed.items() if text}),
    )


async def facts_of(services: Services, now: Standing, asked: Asked, chosen: Chosen) -> Facts:
    """Everything there is to tell about it. Raises `StoreFault`."""
    return Facts(
        now.policy,
        services.taxonomy,
        now.zone,
        chosen,
        None if asked.venues is None else tuple(sorted(asked.venues)),
        asked.place,
        await kept_material(services, now, chosen, asked.venues),
        await asyncio.to_thread(_lists, services),
    )


def period_in_words(chosen: Chosen) -> str:
    """`Autumn, 1 September 2026 to 18 December 2026`."""
    days = t("figures.from_to", first=day_of(chosen.first), last=day_of(chosen.last))
    if chosen.first == chosen.last:
        days = day_of(chosen.first)
    return f"{chosen.term}, {days}" if chosen.term else days


def about(facts: Facts) -> str:
    """Period, venues, and of when the figures are."""
    return t(
        "figures.about",
        period=period_in_words(facts.chosen),
        place=facts.place,
        at=moment_of(facts.material.at, facts.zone),
    )


def _lists(services: Services) -> tuple[ListInForce, ...]:
    return lists_in_force(services.lists, services.clock())
