"""Too little or too much? The few figures that tell, each with what good looks like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from portal.reporting.facts import Facts, lasting, share
from portal.words import t

UPHELD_MAX: Final = 0.25
"""Of requests to open a site: when more than that turn out right, too much is blocked."""
DECIDED_MIN: Final = 4
"""Fewer decisions are no share of anything."""
DECIDE_SECONDS_MAX: Final = 86_400.0
WAIT_SECONDS_MAX: Final = 2 * 86_400.0
PASSED_MAX: Final = 0.5
"""When more warnings than that are gone past, nobody reads them."""
WARNED_MIN: Final = 20

Standing = Literal["good", "look", "plain"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One figure."""

    title: str
    figure: str
    text: str
    """What it is."""
    good: str
    """What good looks like."""
    standing: Standing
    """`look`: somebody should; `plain`: no figure tells that by itself."""


def answers(facts: Facts) -> tuple[Answer, ...]:
    """Those of too much first, then those of too little."""
    found = facts.material
    upheld = found.reviews.upheld
    told = [
        Answer(
            t("figures.upheld"),
            share(upheld.upheld, upheld.decided) if upheld.decided else t("figures.none_yet"),
            t("figures.upheld_text", upheld=upheld.upheld, decided=upheld.decided),
            t("figures.upheld_good"),
            "plain"
            if upheld.decided < DECIDED_MIN
            else _standing((upheld.ratio or 0) > UPHELD_MAX),
        ),
        Answer(
            t("figures.candidates"),
            f"{len(found.candidates):,}",
            t("figures.candidates_text"),
            t("figures.candidates_good"),
            _standing(len(found.candidates) > 0),
        ),
        Answer(
            t("figures.speed"),
            lasting(found.reviews.seconds_median)
            if found.reviews.seconds_median is not None
            else t("figures.none_yet"),
            t("figures.speed_none")
            if found.reviews.seconds_median is None
            else t("figures.speed_text", most=lasting(found.reviews.seconds_most)),
            t("figures.speed_good"),
            "plain"
            if found.reviews.seconds_median is None
            else _standing(found.reviews.seconds_median > DECIDE_SECONDS_MAX),
        ),
        Answer(
            t("figures.waiting"),
            f"{found.reviews.waiting:,}",
            t("figures.waiting_text", oldest=lasting(found.reviews.oldest_seconds)),
            t("figures.waiting_good"),
            _standing((found.reviews.oldest_seconds or 0) > WAIT_SECONDS_MAX),
        ),
        Answer(
            t("figures.due"),
            f"{len(found.due):,}",
            t("figures.due_text"),
            t("figures.due_good"),
            _standing(len(found.due) > 0),
        ),
    ]
    return tuple(told + _of_telemetry(facts))


def _of_telemetry(facts: Facts) -> list[Answer]:
    if facts.material.happened is None:
        return []
    found, alerts = facts.material.happened.blocking, facts.material.happened.alerts
    passes = facts.material.decided.passes
    return [
        Answer(
            t("figures.warned"),
            f"{passes:,}",
            t("figures.warned_text", warned=f"{found.warned:,}"),
            t("figures.warned_good"),
            "plain" if found.warned < WARNED_MIN else _standing(passes / found.warned > PASSED_MAX),
        ),
        Answer(
            t("figures.blocked"),
            share(found.blocked, found.queries),
            t(
                "figures.blocked_text",
                blocked=f"{found.blocked:,}",
                queries=f"{found.queries:,}",
            ),
            t("figures.blocked_good"),
            "plain",
        ),
        Answer(
            t("figures.bypass"),
            f"{found.bypass_devices:,}",
            t("figures.bypass_text", queries=f"{found.bypass_queries:,}"),
            t("figures.bypass_good"),
            "plain",
        ),
        Answer(
            t("figures.alerts"),
            f"{alerts.waiting:,}",
            t("figures.alerts_text", total=alerts.total),
            t("figures.alerts_good"),
            _standing(alerts.waiting > 0),
        ),
    ]


def _standing(look: bool) -> Standing:
    return "look" if look else "good"
