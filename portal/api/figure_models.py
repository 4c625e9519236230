"""The models of `/api/figures` and `/api/report`, and how they are made of what was read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from evidence.checks.results import Outcome
from evidence.figures import Blocking, Reviews
from policy.requests import AskedFor
from policy.requests import Outcome as RequestOutcome
from portal.reporting.facts import Facts


class Read(BaseModel):
    """What is read from what the figures are kept in."""

    model_config = ConfigDict(from_attributes=True)


class CategoryBlockedOut(Read):
    """What was blocked for one category."""

    category: str
    """Empty: by a rule, for no category."""
    queries: int
    sites: int
    """Different registered domains, of whole days."""


class ListBlockedOut(Read):
    """What was blocked because a list has it; several lists may have the same."""

    source: str
    queries: int


class VenueBlockedOut(BaseModel):
    """What was asked and blocked at one venue."""

    venue: str
    queries: int
    blocked: int


class SiteBlockedOut(Read):
    """A site that was blocked for five devices or more."""

    domain: str
    """Hostile text."""
    category: str
    queries: int
    devices: int


class BlockingOut(BaseModel):
    """What the filter did."""

    queries: int
    blocked: int
    warned: int
    monitored: int
    sites: int
    by_category: list[CategoryBlockedOut]
    by_list: list[ListBlockedOut]
    by_venue: list[VenueBlockedOut]
    top: list[SiteBlockedOut]
    bypass_queries: int
    bypass_devices: int
    """A device once a week."""


class JudgedOut(Read):
    """Of blocked sites that people judged, how many were blocked in error."""

    word: str
    """A category, or the id of a list."""
    decided: int
    upheld: int


class OutcomeOut(BaseModel):
    """Requests that ended alike."""

    kind: AskedFor
    outcome: RequestOutcome
    requests: int


class ReviewsOut(BaseModel):
    """What became of requests for review."""

    asked: int
    decided: int
    outcomes: list[OutcomeOut]
    by_category: list[JudgedOut]
    by_list: list[JudgedOut]
    seconds_median: float | None
    seconds_most: float | None
    """Nine of ten were decided sooner."""
    waiting: int
    oldest_seconds: float | None


class AlertsLikeOut(Read):
    """Alerts that are alike; never whose they are."""

    theme: str
    severity: str
    state: str
    outcome: str
    alerts: int


class AlertsOut(Read):
    """Alerts that were made in the period, as they stand now."""

    total: int
    waiting: int
    """Made whenever, and acknowledged by nobody yet."""
    seconds_to_acknowledge: float | None
    counts: list[AlertsLikeOut]


class CandidateOut(Read):
    """A blocked site that is worth a look."""

    site: str
    """Hostile text."""
    category: str
    queries: int
    devices: int
    """0: fewer than five."""
    askers: int


class CheckedOut(Read):
    """Checks of one profile at one venue."""

    venue: str
    profile: str
    checks: int
    well: int
    newest_at: float
    newest: Outcome


class ExceptionsLikeOut(Read):
    """Exceptions that are alike."""

    role: str
    venue: str
    purpose: str
    granted: int


class DecidedOut(BaseModel):
    """What people decided."""

    granted: int
    """Exceptions."""
    ended_early: int
    exceptions: list[ExceptionsLikeOut]
    passes: int
    """Warnings that somebody went past."""
    rules_allow: int
    rules_deny: int
    exceptions_in_force: int
    due: int
    """Rules whose day to be looked at again has come."""


class FiguresOut(BaseModel):
    """Figures of a period. Instants are POSIX seconds."""

    since: float
    until: float
    at: float
    blocking: BlockingOut | None
    """null: telemetry is off, or cannot be read now; so with `alerts` and `checks`."""
    alerts: AlertsOut | None
    checks: list[CheckedOut] | None
    candidates: list[CandidateOut]
    reviews: ReviewsOut
    decided: DecidedOut


class TableOut(Read):
    """A table of the report. Texts may be hostile."""

    id: str
    caption: str
    headers: list[str]
    rows: list[list[str | int | float]]
    more: int
    """Rows that were left out."""


class SectionOut(Read):
    """A part of the report."""

    id: str
    title: str
    sentences: list[str]
    tables: list[TableOut]


class ReportOut(Read):
    """The report that the page shows, as texts and tables."""

    title: str
    organisation: str
    period: str
    days: str
    place: str
    at: float
    sections: list[SectionOut]


def figures_of(facts: Facts) -> FiguresOut:
    """The figures of what was read."""
    found, happened = facts.material, facts.material.happened
    return FiguresOut(
        since=found.period.since,
        until=found.period.until,
        at=found.at,
        blocking=_blocking(happened.blocking) if happened else None,
        alerts=AlertsOut.model_validate(happened.alerts) if happened else None,
        checks=[CheckedOut.model_validate(one) for one in happened.checks.places]
        if happened
        else None,
        candidates=[CandidateOut.model_validate(one) for one in found.candidates],
        reviews=_reviews(found.reviews),
        decided=_decided(facts),
    )


def _blocking(found: Blocking) -> BlockingOut:
    return BlockingOut(
        queries=found.queries,
        blocked=found.blocked,
        warned=found.warned,
        monitored=found.monitored,
        sites=found.sites,
        by_category=[CategoryBlockedOut.model_validate(one) for one in found.by_category],
        by_list=[ListBlockedOut.model_validate(one) for one in found.by_list],
        by_venue=[
            VenueBlockedOut(venue=venue, queries=queries, blocked=blocked)
            for venue, queries, blocked in found.by_venue
        ],
        top=[SiteBlockedOut.model_validate(one) for one in found.top],
        bypass_queries=found.bypass_queries,
        bypass_devices=found.bypass_devices,
    )


def _reviews(found: Reviews) -> ReviewsOut:
    return ReviewsOut(
        asked=found.asked,
        decided=found.decided,
        outcomes=[
            OutcomeOut(kind=kind, outcome=outcome, requests=count)
            for kind, outcome, count in found.outcomes
        ],
        by_category=[JudgedOut.model_validate(one) for one in found.by_category],
        by_list=[JudgedOut.model_validate(one) for one in found.by_list],
        seconds_median=found.seconds_median,
        seconds_most=found.seconds_most,
        waiting=found.waiting,
        oldest_seconds=found.oldest_seconds,
    )


def _decided(facts: Facts) -> DecidedOut:
    found, now = facts.material.decided, facts.material.in_force
    return DecidedOut(
        granted=found.granted,
        ended_early=found.exceptions_ended_early,
        exceptions=[ExceptionsLikeOut.model_validate(one) for one in found.exceptions],
        passes=found.passes,
        rules_allow=now.allowed,
        rules_deny=now.denied,
        exceptions_in_force=now.exceptions,
        due=len(facts.material.due),
    )
