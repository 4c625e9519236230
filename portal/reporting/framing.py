"""What stands around the figures in a report: the policy in force, its changes with their reasons,
checks of the filter, and where category knowledge came from. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from evidence.checks.results import SCHEDULE, Result, Run
from evidence.figures import Checks, PolicyChange
from policy.timetable import expand
from policy.types import Action, Profile
from portal.reporting.answers import answers
from portal.reporting.document import ReportTable, Section
from portal.reporting.facts import Facts, moment_of, shown, table, word
from portal.words import did, t

PROFILES_MAX: Final = 6
"""Side by side in one table."""
RESULTS_MAX: Final = 3
"""Of one check that are told; more are counted."""
RULES: Final[Mapping[str, str]] = {
    "allow": "report.rule_allow",
    "deny": "report.rule_deny",
}


def glance(facts: Facts) -> Section:
    """The figures that tell most, with what good looks like."""
    standings = {
        "good": t("figures.standing_good"),
        "look": t("figures.standing_look"),
        "plain": t("figures.standing_plain"),
    }
    rows = [
        (one.title, one.figure, standings[one.standing], one.text, one.good)
        for one in answers(facts)
    ]
    headers = (
        t("report.figure"),
        t("report.value"),
        t("report.standing"),
        t("report.meaning"),
        t("report.good"),
    )
    said = [t("figures.text")]
    if facts.material.happened is None:
        said.append(t("figures.off"))
    figures = table("glance", t("report.glance"), headers, rows)
    return Section("glance", t("report.glance_title"), tuple(said), (figures,))


def policy(facts: Facts) -> Section:
    """What holds now, for whom."""
    found, now = facts.policy, facts.material.in_force
    locked = [entry.title for entry in facts.taxonomy.values() if entry.locked]
    said = (
        t("report.policy_said", at=moment_of(facts.material.at, facts.zone)),
        t("report.locked_said", categories=", ".join(locked)),
        t(
            "report.rules_said",
            allowed=f"{now.allowed:,}",
            denied=f"{now.denied:,}",
            exceptions=f"{now.exceptions:,}",
        ),
    )
    profiles = list(found.profiles.values())
    tables = [
        _actions(facts, profiles[begin : begin + PROFILES_MAX], begin)
        for begin in range(0, len(profiles), PROFILES_MAX)
    ]
    tables += [_profiles(profiles), _places(facts)]
    return Section("policy", t("report.policy_title"), said, shown(tables))


def changes(facts: Facts) -> Section:
    """What was changed of it, by whom and why; and how far the audit log goes."""
    found, now = facts.material.decided, facts.material.in_force
    people = facts.policy.people
    rows = [
        (
            moment_of(one.at, facts.zone),
            did(one.action),
            _about(facts, one),
            one.reason,
            people[one.actor].name if one.actor in people else one.actor,
        )
        for one in found.changes
    ]
    headers = (
        t("report.when"),
        t("report.what"),
        t("report.about"),
        t("report.reason"),
        t("report.author"),
    )
    said = [t("report.changes_said", count=f"{len(rows):,}")]
    if found.changes_more:
        said.append(t("report.changes_more"))
    if now.digest:
        said.append(t("report.audit_said", entries=f"{now.entries:,}", digest=now.digest))
    return Section(
        "changes",
        t("report.changes_title"),
        tuple(said),
        shown([table("changes", t("report.changes"), headers, rows)]),
    )


def checks(facts: Facts, found: Checks) -> Section:
    """Whether it was tested that the filter works, and what was done where it did not."""
    places = [
        (
            facts.place_of(one.venue, one.profile),
            one.checks,
            one.well,
            moment_of(one.newest_at, facts.zone),
            word(f"checks.{one.newest}", one.newest),
        )
        for one in found.places
    ]
    troubles = [
        (
            moment_of(run.at, facts.zone),
            facts.place_of(run.venue, run.profile),
            word(f"checks.{run.outcome}", run.outcome),
            _results(run.troubles),
            " ".join(note.text for note in run.notes) or t("report.nothing_noted"),
            _who(facts, run),
        )
        for run in found.troubles
    ]
    made = table(
        "checked",
        t("report.checked"),
        (
            t("report.where"),
            t("report.checks"),
            t("report.well"),
            t("report.newest"),
            t("report.came_of"),
        ),
        places,
    )
    bad = table(
        "troubles",
        t("report.troubles"),
        (
            t("report.when"),
            t("report.where"),
            t("report.result"),
            t("report.found"),
            t("report.action_taken"),
            t("report.run_by"),
        ),
        troubles,
        more=found.troubles_more,
    )
    said = t("report.checks_said", total=f"{found.total:,}", well=f"{found.well:,}")
    return Section("checks", t("report.checks_title"), (said,), shown([made, bad]))


def lists(facts: Facts) -> Section:
    """The lists that filter, with checksums by which anybody can tell which ones they are."""
    rows = [
        (
            facts.list_title(one),
            one.version or t("report.with_software"),
            t("report.with_software")
            if one.fetched_at is None
            else moment_of(one.fetched_at, facts.zone),
            t("report.not_counted") if one.entries is None else one.entries,
            one.licence,
            one.sha256,
        )
        for one in facts.lists
    ]
    headers = (
        t("report.list"),
        t("report.version"),
        t("report.fetched"),
        t("report.entries"),
        t("report.licence"),
        t("report.checksum"),
    )
    tables = [table("provenance", t("report.lists"), headers, rows)]
    return Section("provenance", t("report.lists_title"), (t("report.lists_said"),), shown(tables))


def _actions(facts: Facts, profiles: Sequence[Profile], begin: int) -> ReportTable:
    """Categories by profile, those that somebody is kept from at some time."""
    expanded = [expand(profile.actions, facts.taxonomy) for profile in profiles]
    rows = []
    for id, category in facts.taxonomy.items():
        if category.locked or category.essential:
            continue
        always = [actions.get(id, category.action) for actions in expanded]
        at_times = [_at_times(facts, profile, id) for profile in profiles]
        if {*always, *(action for several in at_times for action in several)} == {"allow"}:
            continue
        cells = (
            _action(standing, others - {standing})
            for standing, others in zip(always, at_times, strict=True)
        )
        rows.append((category.title, *cells))
    headers = (t("report.category"), *(profile.title for profile in profiles))
    caption = t("report.actions")
    return table(f"actions-{begin}" if begin else "actions", caption, headers, rows)


def _at_times(facts: Facts, profile: Profile, category: str) -> set[Action]:
    """What periods of a profile make of a category."""
    found = set()
    for period in profile.periods:
        actions = expand(period.actions, facts.taxonomy)
        if category in actions:
            found.add(actions[category])
    return found


def _action(standing: Action, others: Iterable[Action]) -> str:
    words = [word(f"action.{other}", other).lower() for other in sorted(others)]
    told = word(f"action.{standing}", standing)
    return t("report.at_times", action=told, others=", ".join(words)) if words else told


def _profiles(profiles: Sequence[Profile]) -> ReportTable:
    rows = [
        (
            one.title,
            t("report.yes") if one.safe_search else t("report.no"),
            one.youtube,
            ", ".join(period.name for period in one.periods) or t("report.none"),
        )
        for one in profiles
    ]
    headers = (
        t("report.profile"),
        t("report.safe_search"),
        t("report.youtube"),
        t("report.periods"),
    )
    return table("profiles", t("report.profiles"), headers, rows)


def _places(facts: Facts) -> ReportTable:
    default = facts.policy.organisation.default_profile
    rows = []
    for id, venue in facts.policy.venues.items():
        if facts.venues is not None and id not in facts.venues:
            continue
        own = [
            t("report.room_has", room=room.title, profile=facts.profile(room.profile))
            for room in venue.rooms.values()
            if room.profile
        ]
        profile = facts.profile(venue.profile or default)
        rows.append((venue.title, profile, ", ".join(own) or t("report.none")))
    headers = (t("report.venue"), t("report.profile"), t("report.rooms"))
    return table("places", t("report.places"), headers, rows)


def _about(facts: Facts, change: PolicyChange) -> str:
    if change.about:
        rule = RULES.get(change.decision)
        return t(rule, site=change.about) if rule else change.about
    kind, _, id = change.subject.partition(":")
    if kind == "venue":
        return facts.venue(id)
    return facts.profile(id) if kind == "profile" else id


def _results(troubles: Sequence[Result]) -> str:
    told = []
    for one in troubles[:RESULTS_MAX]:
        what = word(f"checks.kind_{one.kind}", one.kind)
        told.append(f"{what}{f', {one.name}' if one.name else ''}: {one.said}")
    if len(troubles) > RESULTS_MAX:
        told.append(t("report.and_more", count=len(troubles) - RESULTS_MAX))
    return " ".join(told)


def _who(facts: Facts, run: Run) -> str:
    if run.who == SCHEDULE:
        return t("checks.schedule")
    people = facts.policy.people
    return people[run.who].name if run.who in people else run.who
