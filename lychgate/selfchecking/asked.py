"""Asking the resolver what a plan says, as one seat, and judging what comes back. Blocking.

Bounded: one question has `SECONDS_MAX` for each of two tries, and a resolver that stays silent
three times is asked no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from categoriser.names import NameFault, from_text
from evidence.checks.judging import Foreseen, Said, judge, judge_page
from evidence.checks.planning import Question
from evidence.checks.results import Result
from lychgate.asking import NoAnswer, ask
from lychgate.explaining import Ground, QuestionFault, explain_on
from lychgate.selfchecking.seats import Seat
from resolver.wire import codes

SECONDS_MAX: Final = 1.5
TRIES: Final = 2
SILENT_MAX: Final = 3
_PAGE_ADDRESS: Final = "page_address"


def ask_all(
    questions: Sequence[Question],
    seat: Seat,
    ground: Callable[[], Ground],
    clock: Callable[[], float],
    page: str,
) -> tuple[Result, ...]:
    """Ask everything, one after the other. `ground`: the policy as it is now. `page`: the address
    of the block page, empty for none.
    """
    results: list[Result] = []
    transports = _transports(seat)
    if all(one.outcome == "fail" for one in transports):
        return transports  # nobody is there: what else would be asked
    blocks: list[Said] = []
    silent = 0
    for question in questions:
        said, here, there = _put(question, seat, ground(), clock())
        result = judge(question, said, here, there)
        if result.outcome == "fail" and said.state != "silent":
            # A period may have begun, or a decision been made, between the two.
            said, here, there = _put(question, seat, ground(), clock())
            result = judge(question, said, here, there)
        results.append(result)
        if said.state == "blocked" and question.kind == "category":
            blocks.append(said)
        silent = silent + 1 if said.state == "silent" else 0
        if silent >= SILENT_MAX:
            left = len(questions) - len(results)
            text = f"The resolver is silent; {left} more were not asked."
            results.append(Result("answers", "", "", "well", "fail", text))
            break
    profile = ground().snapshot.policy.profiles.get(seat.profile)
    if page and seat.way != "machine" and profile is not None and profile.answer == _PAGE_ADDRESS:
        results.append(judge_page(blocks, page))
    return (*transports, *results)


def _transports(seat: Seat) -> tuple[Result, ...]:
    """Whether it answers over UDP and over TCP at all."""
    results = []
    for word, tcp in (("UDP", False), ("TCP", True)):
        said = _ask("localhost", seat, tcp=tcp)
        fine = said.rcode == "NOERROR"
        text = f"It answers over {word}." if fine else f"{word}: {said.problem or said.rcode}"
        results.append(Result("answers", "", "", "well", "pass" if fine else "fail", text))
    return tuple(results)


def _put(
    question: Question, seat: Seat, ground: Ground, at: float
) -> tuple[Said, Foreseen, Foreseen]:
    here = _foresee(question.name, ground, at, client=seat.seen_as)
    there = _foresee(question.name, ground, at, place=seat.place) if seat.place else here
    return _ask(question.name, seat), here, there


def _foresee(
    name: str, ground: Ground, at: float, *, client: str = "", place: str = ""
) -> Foreseen:
    try:
        found = explain_on(ground, name, codes.A, client=client, place=place, at=None, now=at)
    except QuestionFault:
        return Foreseen("forwarded")
    # A forwarder is served for clients whose own networks are not.
    happens: str = found.happens
    if happens == "refused":
        happens = {"block": "blocked", "warn": "warned"}.get(found.decision.action, "forwarded")
    return Foreseen(happens, found.decision.category or "")


def _ask(name: str, seat: Seat, *, tcp: bool = False) -> Said:
    try:
        wire = from_text(name)
    except NameFault as fault:
        return Said(problem=str(fault))
    problem = ""
    for _ in range(TRIES):
        try:
            found = ask(
                seat.server,
                wire,
                codes.A,
                tcp=tcp,
                source=seat.source,
                client=seat.client,
                timeout_seconds=SECONDS_MAX,
            )
        except NoAnswer as fault:
            problem = str(fault)
            continue
        return Said(
            rcode=found.rcode,
            addresses=tuple(data for _, _, kind, data in found.records if kind == "A"),
            aliases=tuple(data for _, _, kind, data in found.records if kind == "CNAME"),
            errors=tuple(code for code, _, _ in found.errors),
        )
    return Said(problem=problem)
