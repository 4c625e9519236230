"""What would change a decision: the advice under `explain`.

Says which door is open to whom, in the order in which a person should try them.  Changes nothing,
and must agree with `policy.decision`: no advice is given that the decision order would ignore.
"""

from __future__ import annotations

import math

from policy.types import UNKNOWN_VENUE, ApprovedException, Decision, Pass, Rule
from policy.view import View


def what_would_change(decision: Decision, view: View) -> tuple[str, ...]:
    """Sentences, easiest change first; at least one."""
    match decision.reason:
        case "locked":
            return ("Nothing: the category is locked.",)
        case "withdrawn":
            return (*_return(view), "Giving access back to the device, by an administrator.")
        case "rule":
            return _for_rule(decision, view)
        case "exception":
            return _for_exception(decision, view)
        case "pass":
            return _for_pass(decision, view)
        case "essential":
            return ("A deny rule by an administrator.",)
        case "category" if decision.action in ("warn", "block"):
            return _for_blocked(decision, view)
        case "category":
            return (
                *_time(decision, view),
                f"A stricter action for {decision.category} in profile {view.profile.id}.",
                "A deny rule by an administrator.",
            )
        case _:
            return (
                "A list that names it, or a deny rule by an administrator.",
                *(
                    f"A reviewer confirming the suggestion {hit.category} ({hit.rule})."
                    for hit in decision.suggestions
                ),
            )


def may_be_excepted(decision: Decision, view: View) -> bool:
    """Whether an exception could open the name for this client."""
    if decision.reason != "category" or decision.action not in ("warn", "block"):
        return False
    return all(category in view.kinds.exemptible for category in _blocking(decision, view))


def _blocking(decision: Decision, view: View) -> list[str]:
    return sorted(
        {m.category for m in decision.matches if view.actions.get(m.category) in ("warn", "block")}
    )


def _for_blocked(decision: Decision, view: View) -> tuple[str, ...]:
    """Exceptions, the timetable, rules, the profile."""
    blocking = _blocking(decision, view)
    closed = [category for category in blocking if category not in view.kinds.exemptible]
    if closed:
        exception = f"No exception: {_and(closed)} cannot be exempted."
    else:
        exception = (
            f"An exception for {_and(blocking)} or for this site {_where(view)} by a tutor "
            "(exemptible)."
        )
    return (
        exception,
        *_time(decision, view),
        "An allow rule by an administrator.",
        f"A milder action for {_and(blocking)} in profile {view.profile.id}.",
    )


def _for_rule(decision: Decision, view: View) -> tuple[str, ...]:
    """The rule itself, or one above it."""
    advice = []
    if isinstance(decision.detail, Rule):
        rule = decision.detail
        advice.append(f"Removing rule {rule.name} ({rule.action} {rule.text}).")
        if rule.expires < math.inf:
            advice.append(f"Time: the rule expires at {_instant(rule.expires, view)}.")
    opposite = "A deny" if decision.action == "allow" else "An allow"
    advice.append(f"{opposite} rule for a narrower scope or a longer name, by an administrator.")
    return tuple(advice)


def _return(view: View) -> tuple[str, ...]:
    """When access comes back by itself, if it does."""
    until = view.client.withdrawn_until
    return () if until == math.inf else (f"Time: access comes back at {_instant(until, view)}.",)


def _for_exception(decision: Decision, view: View) -> tuple[str, ...]:
    """Its end, or somebody ending it."""
    advice = ["Revoking the exception.", "A deny rule by an administrator."]
    if isinstance(decision.detail, ApprovedException):
        end = _instant(decision.detail.until, view)
        advice.insert(0, f"Time: the exception ends at {end}.")
    return tuple(advice)


def _for_pass(decision: Decision, view: View) -> tuple[str, ...]:
    """Its end, or something stricter."""
    end = _instant(decision.detail.until, view) if isinstance(decision.detail, Pass) else "its end"
    return (
        f"Time: going on past the warning ends at {end}.",
        f"Action block for {decision.category} in profile {view.profile.id}.",
        "A deny rule by an administrator.",
    )


def _time(decision: Decision, view: View) -> tuple[str, ...]:
    """The next edge, if waiting may help."""
    if decision.valid_until == math.inf:
        return ()
    return (f"Time: the next change may come at {_instant(decision.valid_until, view)}.",)


def _where(view: View) -> str:
    """The narrowest place an exception can be given for."""
    client = view.client
    if client.room is not None:
        return f"in room {client.venue}/{client.room}"
    if client.venue != UNKNOWN_VENUE:
        return f"at venue {client.venue}"
    return "for the organisation"


def _instant(at: float, view: View) -> str:
    return view.wording.sentences.instant(at)


def _and(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"
