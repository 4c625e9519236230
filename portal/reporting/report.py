"""The report: policy, changes, figures, checks, lists and what is due, put together. Pure."""

from __future__ import annotations

from portal.reporting.document import Report
from portal.reporting.facts import Facts, days_of, period_in_words
from portal.reporting.framing import changes, checks, glance, lists, policy
from portal.reporting.sections import alerts, around, blocked, due, exceptions, over_blocking
from portal.words import t


def report_of(facts: Facts) -> Report:
    """All of it. What telemetry would tell is left out where there is none."""
    found = facts.material.happened
    sections = [glance(facts), policy(facts)]
    if facts.with_audit:
        sections.append(changes(facts))
    sections += [exceptions(facts), over_blocking(facts)]
    if found is not None:
        sections += [
            blocked(facts, found.blocking),
            around(facts, found.blocking),
            alerts(facts, found.alerts),
            checks(facts, found.checks),
        ]
    sections += [lists(facts), due(facts)]
    return Report(
        t("report.title"),
        facts.policy.organisation.name,
        period_in_words(facts.chosen),
        days_of(facts.chosen),
        facts.place,
        facts.material.at,
        facts.zone,
        tuple(sections),
    )
