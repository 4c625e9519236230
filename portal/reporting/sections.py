"""The sections with figures, which the page of figures and the report share. Pure."""

from __future__ import annotations

from collections import Counter

from evidence.alerts.themes import themes
from evidence.figures import Alerts, Blocking, Judged
from portal.reporting.document import ReportTable, Section
from portal.reporting.facts import Facts, counts, day_of, lasting, share, shown, table, word
from portal.words import t

OUTCOMES = {
    "allowed": "report.outcome_allowed",
    "opened": "report.outcome_opened",
    "kept": "report.outcome_kept",
    "denied": "report.outcome_denied",
    "lapsed": "report.outcome_lapsed",
}
KINDS = {"open": "report.kind_open", "close": "report.kind_close"}


def blocked(facts: Facts, found: Blocking) -> Section:
    """What the filter did."""
    tables = [
        table(
            "categories",
            t("report.by_category"),
            (t("report.category"), t("report.queries"), t("report.sites")),
            [(facts.category(one.category), one.queries, one.sites) for one in found.by_category],
            1,
        ),
        table(
            "top",
            t("report.top"),
            (t("report.site"), t("report.category"), t("report.queries"), t("report.devices")),
            [
                (one.domain, facts.category(one.category), one.queries, one.devices)
                for one in found.top
            ],
        ),
        table(
            "lists",
            t("report.by_list"),
            (t("report.list"), t("report.queries")),
            [(facts.source(one.source), one.queries) for one in found.by_list],
        ),
    ]
    if len(found.by_venue) > 1:
        rows = [
            (facts.venue(venue), queries, shut, share(shut, queries))
            for venue, queries, shut in found.by_venue
        ]
        headers = (
            t("report.venue"),
            t("report.queries"),
            t("report.blocked"),
            t("report.share"),
        )
        tables.append(table("venues", t("report.by_venue"), headers, rows))
    said = t(
        "report.blocked_said",
        queries=f"{found.queries:,}",
        blocked=f"{found.blocked:,}",
        share=share(found.blocked, found.queries),
        sites=f"{found.sites:,}",
    )
    return Section(
        "blocked", t("report.blocked_title"), (said, t("report.few_devices")), shown(tables)
    )


def over_blocking(facts: Facts) -> Section:
    """What may have been blocked in error, and what became of requests."""
    found = facts.material.reviews
    said = [t("report.asked_said", asked=found.asked, decided=found.decided, waiting=found.waiting)]
    if found.upheld.decided:
        upheld = found.upheld
        said.append(
            t(
                "report.upheld_said",
                upheld=upheld.upheld,
                decided=upheld.decided,
                share=share(upheld.upheld, upheld.decided),
            )
        )
    if found.seconds_median is not None:
        said.append(
            t(
                "report.time_said",
                median=lasting(found.seconds_median),
                most=lasting(found.seconds_most),
            )
        )
    candidates = [
        (one.site, facts.category(one.category), one.devices or "", one.askers, one.queries)
        for one in facts.material.candidates
    ]
    outcomes = [
        (t(KINDS[kind]), t(OUTCOMES[outcome]), count) for kind, outcome, count in found.outcomes
    ]
    tables = [
        table(
            "candidates",
            t("report.candidates"),
            (
                t("report.site"),
                t("report.category"),
                t("report.devices"),
                t("report.askers"),
                t("report.queries"),
            ),
            candidates,
        ),
        _judged(
            "upheld-categories",
            t("report.upheld_category"),
            t("report.category"),
            [(facts.category(one.word), one) for one in found.by_category],
        ),
        _judged(
            "upheld-lists",
            t("report.upheld_list"),
            t("report.list"),
            [(facts.source(one.word), one) for one in found.by_list],
        ),
        table(
            "outcomes",
            t("report.outcomes"),
            (t("report.asked_for"), t("report.outcome"), t("report.requests")),
            outcomes,
        ),
    ]
    return Section("over-blocking", t("report.over_title"), tuple(said), shown(tables))


def around(facts: Facts, found: Blocking) -> Section:
    """Warnings that people went past, and attempts to get round the filter."""
    said = (
        t("report.warned_said", warned=f"{found.warned:,}", passes=facts.material.decided.passes),
        t(
            "report.bypass_said",
            queries=f"{found.bypass_queries:,}",
            devices=f"{found.bypass_devices:,}",
        ),
    )
    return Section("around", t("report.around_title"), said)


def exceptions(facts: Facts) -> Section:
    """Exceptions by who granted them, where and what for."""
    found = facts.material.decided
    rows = [
        (
            one.purpose or t("report.no_purpose"),
            facts.venue(one.venue) if one.venue else t("report.everywhere"),
            word(f"role.{one.role}", one.role or t("report.role_unknown")),
            one.granted,
        )
        for one in found.exceptions
    ]
    headers = (t("report.purpose"), t("report.venue"), t("report.role"), t("report.granted"))
    said = t("report.exceptions_said", granted=found.granted, ended=found.exceptions_ended_early)
    tables = [table("exceptions", t("report.exceptions"), headers, rows)]
    return Section("exceptions", t("report.exceptions_title"), (said,), shown(tables))


def alerts(facts: Facts, found: Alerts) -> Section:
    """Safeguarding alerts by theme, and what came of them; never whose."""
    titles = {one.id: one.title for one in themes()}
    by_theme: Counter[str] = Counter()
    for one in found.counts:
        by_theme[titles.get(one.theme, one.theme)] += one.alerts
    rows = [
        (
            titles.get(one.theme, one.theme),
            word(f"alerts.{one.severity}", one.severity),
            word(f"alerts.{one.outcome or one.state}", one.outcome or one.state),
            one.alerts,
        )
        for one in found.counts
    ]
    headers = (t("report.theme"), t("report.severity"), t("report.came_of"), t("report.alerts"))
    said = [t("report.alerts_said", total=found.total, waiting=found.waiting)]
    if found.seconds_to_acknowledge is not None:
        said.append(t("report.alerts_time", time=lasting(found.seconds_to_acknowledge)))
    said.append(t("report.alerts_nobody"))
    tables = [
        table(
            "themes",
            t("report.by_theme"),
            (t("report.theme"), t("report.alerts")),
            counts(by_theme),
            1,
        ),
        table("alerts", t("report.by_outcome"), headers, rows),
    ]
    return Section("alerts", t("report.alerts_title"), tuple(said), shown(tables))


def due(facts: Facts) -> Section:
    """Decisions that somebody should look at again."""
    found = facts.material.due
    rows = [
        (
            one.target,
            word(f"action.{one.action}", one.action),
            one.reason,
            day_of(one.review),
            one.author,
        )
        for one in found
    ]
    headers = (
        t("report.site"),
        t("report.decision"),
        t("report.reason"),
        t("report.review"),
        t("report.author"),
    )
    said = t("report.due_said", count=len(found))
    tables = [table("due", t("report.due"), headers, rows)]
    return Section("due", t("report.due_title"), (said,), shown(tables))


def figures_of(facts: Facts) -> tuple[Section, ...]:
    """Those that the page of figures shows, in its order."""
    found = facts.material.happened
    sections = [over_blocking(facts)]
    if found is not None:
        sections += [blocked(facts, found.blocking), around(facts, found.blocking)]
    sections.append(exceptions(facts))
    if found is not None:
        sections.append(alerts(facts, found.alerts))
    return (*sections, due(facts))


def _judged(id: str, caption: str, header: str, given: list[tuple[str, Judged]]) -> ReportTable:
    headers = (header, t("report.decided"), t("report.upheld"), t("report.share"))
    rows = [
        (title, one.decided, one.upheld, share(one.upheld, one.decided)) for title, one in given
    ]
    return table(id, caption, headers, rows, 2)
