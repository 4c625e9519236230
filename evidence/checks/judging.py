"""What an answer of the filter means, compared with what was expected. Pure.

A block is known by its extended DNS error (RFC 8914): an address of nowhere without one is not our
filter's answer. That a name does not exist, or could not be resolved, is no block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evidence.checks.planning import Question
from evidence.checks.results import Outcome, Result

BLOCKING_ERRORS: Final = frozenset({15, 16})
"""Extended errors of a block: Blocked, Censored."""
_NOWHERE: Final = frozenset({"0.0.0.0", "::"})

State = Literal["blocked", "unexplained", "open", "unresolved", "refused", "silent"]


@dataclass(frozen=True, slots=True)
class Said:
    """What came back."""

    problem: str = ""
    """Why nothing did; empty: something did."""
    rcode: str = ""
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()

    @property
    def state(self) -> State:
        """What it comes to."""
        if self.problem:
            return "silent"
        if BLOCKING_ERRORS.intersection(self.errors):
            return "blocked"
        if self.rcode == "REFUSED":
            return "refused"
        if self.rcode not in ("NOERROR", "NXDOMAIN"):
            return "unresolved"
        if self.addresses and _NOWHERE.issuperset(self.addresses):
            return "unexplained"
        return "unresolved" if self.rcode == "NXDOMAIN" else "open"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the policy in force says of a name."""

    happens: str
    """`blocked`, `warned`, `rewritten`, `forwarded`, `answered here` or `refused`."""
    category: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the filter is to answer with a block."""
        return self.happens in ("blocked", "warned")


def judge(question: Question, said: Said, here: Foreseen, there: Foreseen) -> Result:
    """One result. `here`: what the policy says for whoever asked; `there`: for the venue and
    profile that are checked, the same where the venue itself could be asked as.
    """
    outcome, text = _heard(question, said, here)
    if outcome in ("pass", "unsure") and there != here:
        trouble = _deviates(question, there)
        if trouble:
            outcome, text = "deviation", trouble
    expected = question.expected
    shown = ("warned" if there.happens == "warned" else "blocked") if there.is_closed else "open"
    return Result(
        question.kind,
        "" if question.hidden else question.name,
        question.category or there.category,
        shown if expected == "policy" else expected,
        outcome,
        text,
    )


def judge_page(blocks: Sequence[Said], page: str) -> Result:
    """Whether blocks lead to the block page."""
    wrong = [one for one in blocks if one.rcode == "NOERROR" and page not in one.addresses]
    wrong += [one for one in blocks if one.rcode not in ("NOERROR", "NXDOMAIN")]
    led = sum(page in one.addresses for one in blocks)
    if wrong or not led:
        return Result("page", "", "", "blocked", "fail", f"Blocks do not lead to {page}.")
    return Result("page", "", "", "blocked", "pass", f"Blocks lead to {page}.")


def _heard(question: Question, said: Said, here: Foreseen) -> tuple[Outcome, str]:
    """What was heard, against what was expected of it and what the policy says."""
    state = said.state
    if state == "silent":
        return "fail", f"No answer: {said.problem}."
    if state == "refused":
        return "fail", "The resolver refused to answer."
    if state == "unexplained":
        return "fail", "An address of nowhere without our reason: something else answers."
    if state == "blocked":
        if not here.is_closed:
            return "fail", "Blocked, though the policy in force opens it."
        if question.kind == "canary" and said.rcode != "NXDOMAIN":
            return "fail", "Blocked, but not by the answer that browsers and phones understand."
        if question.expected == "open":
            return "deviation", "Blocked by the policy, and should open."
        return "pass", "Blocked, with the reason."
    if here.is_closed:
        lacks = "It is" if state == "open" else f"Nothing was resolved ({said.rcode}), and it is"
        return "fail", f"{lacks} not blocked, though the policy in force blocks it."
    trouble = _deviates(question, here)
    if trouble:
        return "deviation", trouble
    if state == "unresolved":
        return "unsure", f"Not blocked; it could not be resolved ({said.rcode})."
    if here.happens == "rewritten":
        strict = question.strict
        led = [alias.rstrip(".") for alias in said.aliases]
        if not led or (strict and strict not in led):
            return "fail", "Not led to the strict host, though the policy in force wants it."
        return "pass", f"Led to {led[0]}."
    return "pass", "It opens." if question.expected == "open" else "It opens, as the policy says."


def _deviates(question: Question, foreseen: Foreseen) -> str:
    """How the policy itself differs from what must be; empty: it does not."""
    if question.expected == "blocked" and not foreseen.is_closed:
        return "Not blocked: the policy opens it, and it must be blocked."
    if question.expected == "open" and foreseen.is_closed:
        return "Blocked by the policy, and should open."
    if question.expected == "strict" and foreseen.happens == "forwarded":
        return "Safe search is off for this profile."
    return ""
