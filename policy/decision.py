"""What happens to one name for one client: the decision order, on one screen.

The order is fixed; each step says why it stands where it stands.  `decide` reads nothing but its
arguments.  It runs for every name that is not memoised, so the common case (no category, no rule)
returns a decision made beforehand, and no sentence is written until somebody reads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from categoriser.matches import Match
from categoriser.names import Spelling
from policy.timetable import STRICTNESS
from policy.types import ACTIONS, Action, ApprovedException, Decision, Pass, Rule
from policy.view import View

_BLOCKING = STRICTNESS * ACTIONS.index("warn")
"""Categories of at least this weight block, hard or soft."""

_HARD = STRICTNESS * ACTIONS.index("block")
"""Categories of at least this weight block hard."""


def decide(view: View, spelling: Spelling, matches: tuple[Match, ...]) -> Decision:
    """The decision for a name, given its categories; the same until its `valid_until`."""
    find_rules = view.find_rules
    rules = find_rules(spelling) if find_rules is not None else None
    if not rules and not matches:
        return view.unmatched

    # A keyword hit alone never blocks, whatever its category: it only suggests.
    listed = tuple([match for match in matches if not match.keyword])
    suggested = matches if not listed else tuple([m for m in matches if m.keyword])
    kinds = view.kinds

    # 1. Locked categories come first: nothing below, and nobody, may undo them.
    for match in listed:
        if match.category in kinds.locked:
            return _by_list("block", "locked", match, math.inf, view, listed, suggested)

    # 2. Withdrawn access stands above rules and exceptions: what was opened for a whole room must
    #    not give back what was taken from one device.  Essentials go on down the order.
    essential = next((match for match in listed if match.category in kinds.essential), None)
    if view.withdrawn and essential is None:
        return _by_a_person("withdrawn", None, view, listed, suggested)

    # 3. Explicit rules are a deliberate word about this very name: above everything general.
    rule = _most_specific(view, rules) if rules else None
    if rule is not None:
        return _by_a_person("rule", rule, view, listed, suggested)

    # 7. (Here only to keep the rest simple: steps 4 to 6 are about listed names.)
    if not listed:
        if not suggested:
            return view.unmatched
        return Decision("allow", "default", suggestions=suggested, wording=view.wording)

    # 4. An approved exception opens what a profile closes, but never a part of it: a name that is
    #    also something else that blocks stays closed.
    strictest = _heaviest(listed, view.weights)
    approved, site, until = _approved(view, spelling, listed)
    if approved is not None:
        return Decision(
            "allow",
            "exception",
            strictest.category,
            strictest.rule if site is None else site,
            strictest.sources if site is None else (),
            until,
            listed,
            suggested,
            approved,
            view.wording,
        )

    #    Whoever went on past a warning is through it, on that device, and through nothing else: a
    #    name that blocks hard now, by any of its categories, stays closed.
    if view.find_passes is not None:
        weight = view.weights.get(strictest.category, 0)
        passed = _passed(view, spelling) if _BLOCKING <= weight < _HARD else None
        if passed is not None:
            return Decision(
                "allow",
                "pass",
                strictest.category,
                strictest.rule,
                strictest.sources,
                min(until, passed.until),
                listed,
                suggested,
                passed,
                view.wording,
            )

    # 5. Essentials stand above categories: no list may close what learning needs.
    if essential is not None:
        return _by_list("allow", "essential", essential, until, view, listed, suggested)

    # 6. The profile's action now; of several categories the strictest.
    action = view.actions.get(strictest.category, "allow")
    return _by_list(action, "category", strictest, until, view, listed, suggested)


def denied_by_address(view: View, rule: Rule) -> Decision:
    """The decision for a name whose answer holds an address that a rule denies."""
    return _by_a_person("rule", rule, view, (), ())


def _by_list(
    action: Action,
    reason: Literal["locked", "essential", "category"],
    match: Match,
    until: float,
    view: View,
    listed: tuple[Match, ...],
    suggested: tuple[Match, ...],
) -> Decision:
    """A decision that a list entry settled."""
    # Only a category's action can come from a period.
    period = view.origins.get(match.category) if reason == "category" else None
    return Decision(
        action,
        reason,
        match.category,
        match.rule,
        match.sources,
        until,
        listed,
        suggested,
        period,
        view.wording,
    )


def _by_a_person(
    reason: Literal["withdrawn", "rule"],
    rule: Rule | None,
    view: View,
    listed: tuple[Match, ...],
    suggested: tuple[Match, ...],
) -> Decision:
    """A decision to which the name's categories are only background.

    The category it is counted under must not depend on the timetable, which `valid_until` leaves
    out of account here: the gravest by the taxonomy.
    """
    return Decision(
        "allow" if rule is not None and rule.action == "allow" else "block",
        reason,
        _heaviest(listed, view.kinds.weights).category if listed else None,
        rule.text if rule is not None else None,
        (),
        rule.expires if rule is not None else math.inf,
        listed,
        suggested,
        rule,
        view.wording,
    )


def _heaviest(listed: tuple[Match, ...], weights: Mapping[str, int]) -> Match:
    """The match that counts: strictest, then gravest; of equals the first table's.

    A category that the taxonomy does not know weighs nothing.
    """
    best = listed[0]
    if len(listed) > 1:
        weight = weights.get(best.category, -1)
        for match in listed:
            if (other := weights.get(match.category, -1)) > weight:
                best, weight = match, other
    return best


def _most_specific(view: View, rules: Iterable[Rule]) -> Rule | None:
    """Of the rules in force for this client: device, room, venue, profile, organisation; then the
    longer name; a deny wins a tie; then the earlier in the document.
    """
    scopes = view.scopes
    best: Rule | None = None
    best_rank = (-1, 0, False, 0)
    for rule in rules:
        scope = scopes.get(rule.scope)
        if scope is not None and rule.expires > view.at:
            rank = (scope, rule.octets, rule.action == "deny", -rule.number)
            if rank > best_rank:
                best, best_rank = rule, rank
    return best


def _approved(
    view: View, spelling: Spelling, listed: tuple[Match, ...]
) -> tuple[ApprovedException | None, str | None, float]:
    """The exception that opens the name now, if any; the site it names, if it does; and until when
    neither the name's categories nor the exceptions that could open it will have changed.

    Of several running ones the last to end.
    """
    changes = view.changes
    until = min([changes.get(m.category, math.inf) for m in listed]) if changes else math.inf
    weights = view.weights
    blocking = {m.category for m in listed if weights.get(m.category, 0) >= _BLOCKING}
    approved: ApprovedException | None = None
    through: str | None = None
    # A site is no way round what may not be exempted: every blocking category must allow it.
    if blocking and blocking <= view.kinds.exemptible:
        approved, opened_until = view.openings.opening(frozenset(blocking))
        until = min(until, opened_until)
        for exception, site in _naming(view, spelling):
            if exception.start > view.at:
                until = min(until, exception.start)
                continue
            until = min(until, exception.until)
            if approved is None or exception.until >= approved.until:
                approved, through = exception, site
    return approved, through, until


def _passed(view: View, spelling: Spelling) -> Pass | None:
    """The pass of this client that opens the name; of several the last to end."""
    found = () if view.find_passes is None else view.find_passes(spelling)
    running = [each for each in found if each.until > view.at]
    return max(running, key=lambda each: each.until, default=None)


def _naming(view: View, spelling: Spelling) -> Iterator[tuple[ApprovedException, str]]:
    """Exceptions for this client, running or to come, that name the site; with its pattern."""
    if view.find_sites is not None:
        for approved in view.find_sites(spelling):
            exception = approved.exception
            if exception.where in view.scopes and exception.until > view.at:
                yield exception, approved.site
