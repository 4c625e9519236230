"""Plays the steps of a scenario on a stage and compares what comes back.

A stage is Lychgate with fake upstreams: in virtual time (`virtual.py`) or as a real process on
loopback (`loopback.py`). The player knows neither; it sends octets, waits within bounds, and parses
answers with dnspython. Besides what a scenario checks, some things hold for every answer: see
`_check_always`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from tests.scenarios.language import Check, Config, OutCheck, OutQuery, Query, Scenario, Step
from tests.scenarios.upstreams import Script, Seen, flags_of, parse_record

WAIT_SECONDS = 9.0
"""For an answer: longer than the deadline of a question at the upstreams."""


@dataclass(eq=False)
class Ticket:
    """A query that was sent and all that came back for it."""

    step: int
    query: Query
    octets: bytes
    sent_at: float
    answers: list[tuple[float, bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    checked: bool = False

    def take(self, octets: bytes, at: float) -> None:
        """An answer came."""
        self.answers.append((at, octets))
        self.arrived.set()


class Stage(Protocol):
    """Lychgate, with the scenario's upstreams behind it."""

    slack_seconds: float
    """By how much measured times and TTLs may differ from the scenario's."""
    silence_seconds: float
    """How long nothing must come before silence is believed."""
    merges_log: bool
    """Whether repeated questions count once (a slow machine makes the forwarder ask again)."""

    def now(self) -> float:
        """Seconds."""
        ...

    def send(self, ticket: Ticket) -> None:
        """Send the ticket's octets; answers go to `ticket.take`."""
        ...

    async def settle(self) -> None:
        """Let what is under way without waiting for time come to an end."""
        ...

    async def swap(self, config: Config) -> None:
        """Put another policy or other lists in place, and return when they hold."""
        ...

    def account(self, name: str) -> dict[str, str] | None:
        """What telemetry was told last about this name; None where it cannot be seen."""
        ...


async def play(scenario: Scenario, stage: Stage, script: Script) -> None:
    """Play all steps; AssertionError says what was different, and where."""
    tickets: list[Ticket] = []
    config = scenario.config
    logged = 0
    for step in scenario.steps:
        script.step = step.number
        match step.does:
            case Query() as query:
                for _ in range(query.repeat):
                    number = 0x1000 + 37 * len(tickets) & 0xFFFF
                    octets = query.octets if query.octets is not None else compose(query, number)
                    ticket = Ticket(step.number, query, octets, stage.now())
                    tickets.append(ticket)
                    stage.send(ticket)
            case Check() as check:
                for ticket in _find(tickets, check, step):
                    await _check(ticket, check, step, stage)
            case OutCheck() as check:
                logged = await _check_out(script, logged, check, step, stage)
            case Config() as change:
                config = merge(config, change)
                await stage.swap(config)
            case float() as seconds:
                await stage.settle()
                await asyncio.sleep(seconds)
    await stage.settle()
    for ticket in tickets:
        assert len(ticket.answers) <= 1, f"step {ticket.step}: answered more than once"
    assert not script.problems, "\n".join(dict.fromkeys(script.problems))


def merge(config: Config, change: Config) -> Config:
    """`config` with what a swap changes."""
    return Config(
        change.policy or config.policy,
        change.policy_more if change.policy else config.policy_more,
        change.lists or config.lists,
        change.settings or config.settings,
        change.forwards or config.forwards,
    )


def compose(query: Query, number: int) -> bytes:
    """The octets of a question."""
    message = dns.message.Message(id=number)
    message.flags = 0
    for flag in query.flags - {"DO"}:
        message.flags |= dns.flags.from_text(flag)
    message.set_opcode(dns.opcode.from_text(query.opcode))
    message.find_rrset(
        message.question,
        dns.name.from_text(query.name),
        dns.rdataclass.from_text(query.rclass),
        dns.rdatatype.from_text(query.rtype),
        create=True,
        force_unique=True,
    )
    if query.edns is not None:
        do = dns.flags.DO if "DO" in query.flags else 0
        message.use_edns(0, do, query.edns, options=_edns_options(query))
    return message.to_wire()


def _edns_options(query: Query) -> list[dns.edns.Option]:
    options: list[dns.edns.Option] = []
    if query.subnet:
        address, _, bits = query.subnet.partition("/")
        options.append(dns.edns.ECSOption(address, int(bits)))
    if query.option:
        code, _, text = query.option.partition("=")
        data = bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
        options.append(dns.edns.GenericOption(int(code), data))
    return options


def _find(tickets: list[Ticket], check: Check, step: Step) -> list[Ticket]:
    """The tickets a check is about: those of a step, or of the oldest step not yet checked."""
    open_ = [ticket for ticket in tickets if not ticket.checked]
    number = check.of if check.of is not None else (open_[0].step if open_ else None)
    found = [ticket for ticket in tickets if ticket.step == number]
    assert found, f"{step.where}: there is no query to check"
    for ticket in found:
        ticket.checked = True
    return found


async def _check(ticket: Ticket, check: Check, step: Step, stage: Stage) -> None:
    where = f"{step.where} (step {step.number}, query of step {ticket.step})"
    seconds = stage.silence_seconds if check.silence else WAIT_SECONDS
    try:
        await asyncio.wait_for(ticket.arrived.wait(), seconds)
    except TimeoutError:
        assert check.silence, f"{where}: no answer came within {seconds} s"
        return
    at, octets = ticket.answers[0]
    assert not check.silence, f"{where}: expected silence, got {octets.hex()}"
    try:
        answer = dns.message.from_wire(octets)
    except dns.exception.DNSException as fault:
        raise AssertionError(f"{where}: {fault!r} in {octets.hex()}") from fault
    differences = [
        *_check_always(ticket, octets, answer),
        *_compare(check, answer, stage.slack_seconds),
    ]
    if check.size_max is not None and len(octets) > check.size_max:
        differences.append(f"size: {len(octets)} octets, at most {check.size_max} expected")
    if check.after is not None:
        low, high = check.after
        took = at - ticket.sent_at
        if not low - 0.001 <= took <= high + stage.slack_seconds + 0.001:
            differences.append(f"after: {took:.3f} s, expected {low} to {high} s")
    told = check.action is not None or check.category is not None or check.status is not None
    account = stage.account(ticket.query.name) if told else None
    for word in ("action", "category", "status"):
        expected = getattr(check, word)
        if expected is not None and account is not None and account[word] != expected:
            differences.append(f"{word}: {account[word]!r}, expected {expected!r}")
    assert not differences, "\n".join([f"{where}:", *differences, "", str(answer)])


def _check_always(ticket: Ticket, octets: bytes, answer: dns.message.Message) -> list[str]:
    """What no answer may get wrong."""
    found = []
    query, sent = ticket.query, ticket.octets
    if octets[:2] != sent[:2]:
        found.append("the ID is not the query's (RFC 1035 section 4.1.1)")
    if not octets[2] & 0x80:
        found.append("QR is not set (RFC 1035 section 4.1.1)")
    if octets[2] & 0x79 != sent[2] & 0x79:
        found.append("opcode or RD is not the query's (RFC 1035 section 4.1.1)")
    if octets[4:6] == b"\0\1":
        end = sent.index(b"\0", 12) + 5 if query.octets is None else 0
        if octets[12:end] != sent[12:end] and end:
            found.append("the question is not the query's, octet for octet (RFC 4343 section 4.1)")
    elif query.octets is None and answer.rcode() not in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
        found.append("the question is missing (RFC 1035 section 4.1)")
    if query.octets is None and query.edns is None and answer.edns >= 0:
        found.append("OPT in answer to a query without (RFC 6891 section 7)")
    if query.transport == "udp" and query.octets is None:
        limit = min(max(query.edns or 512, 512), 1232)
        if len(octets) > limit:
            found.append(f"{len(octets)} octets over UDP, at most {limit} may be sent")
    return found


def _compare(check: Check, answer: dns.message.Message, slack: float) -> list[str]:
    found = []
    rcode = dns.rcode.to_text(answer.rcode())
    if rcode != check.rcode:
        found.append(f"rcode: {rcode}, expected {check.rcode}")
    flags = flags_of(answer)
    if flags != check.flags:
        found.append(f"flags: {' '.join(sorted(flags))}, expected {' '.join(sorted(check.flags))}")
    subnets = [o.to_text() for o in answer.options if isinstance(o, dns.edns.ECSOption)]
    wanted_subnets = [f"ECS {check.subnet}"] if check.subnet else []
    if check.subnet is not None and subnets != wanted_subnets:
        found.append(f"subnet: {subnets}, expected {wanted_subnets}")
    for section, records in check.sections.items():
        found += _compare_section(section, records, answer, slack)
    errors = [o for o in answer.options if isinstance(o, dns.edns.EDEOption)]
    same = len(errors) == len(check.errors) and all(
        error.code == code and text in (error.text or "")
        for error, (code, text) in zip(errors, check.errors, strict=True)
    )
    if not same:
        shown = "; ".join(f"{int(e.code)} {e.text or ''}" for e in errors) or "none"
        wanted = "; ".join(f"{code} {text}" for code, text in check.errors) or "none"
        found.append(f"EDE: {shown}, expected {wanted}")
    return found


def _compare_section(
    section: str, records: tuple[str, ...], answer: dns.message.Message, slack: float
) -> list[str]:
    actual = [
        (rrset.name, rrset.rdtype, rdata, rrset.ttl)
        for rrset in getattr(answer, section.lower())
        for rdata in rrset
    ]
    found = []
    for text in records:
        name, ttl, *rest = text.split(None, 2)
        lowest, highest = _ttl_range(ttl, slack)
        rrset = parse_record(f"{name} 0 {rest[0]}")
        key = (rrset.name, rrset.rdtype, rrset[0])
        match = next((record for record in actual if record[:3] == key), None)
        if match is None:
            found.append(f"{section}: {text} is missing")
            continue
        actual.remove(match)
        if not lowest <= match[3] <= highest:
            found.append(f"{section}: {text} has TTL {match[3]}")
    for name, rtype, rdata, ttl in actual:
        found.append(f"{section}: {name} {ttl} {dns.rdatatype.to_text(rtype)} {rdata} is too many")
    return found


def _ttl_range(text: str, slack: float) -> tuple[int, int]:
    if text == "*":
        return 0, 0x7FFFFFFF
    if text.startswith("<="):
        return 0, int(text[2:])
    return max(0, int(text) - round(slack)), int(text)


async def _check_out(script: Script, logged: int, check: OutCheck, step: Step, stage: Stage) -> int:
    """Compare what left for the upstreams since the last check; returns how much is logged now."""
    await stage.settle()
    for _ in range(20):
        if len(script.log) - logged >= len(check.queries):
            break
        await asyncio.sleep(0.05)
    seen, expected = script.log[logged:], list(check.queries)
    if stage.merges_log:
        seen, expected = list(dict.fromkeys(seen)), list(dict.fromkeys(expected))
    if check.some:
        same = all(any(_matches(query, one) for one in seen) for query in expected)
    else:
        same = len(seen) == len(expected) and all(
            _matches(query, one) for query, one in zip(expected, seen, strict=True)
        )
    shown = "\n".join(f"  {one}" for one in seen) or "  nothing"
    assert same, f"{step.where} (step {step.number}): this left for upstreams:\n{shown}"
    return len(script.log)


def _matches(query: OutQuery, seen: Seen) -> bool:
    return (
        (query.name.lower(), query.rtype) == (seen.name, seen.rtype)
        and query.upstream in ("", seen.upstream)
        and query.transport in ("", seen.transport)
        and (query.flags is None or query.flags == seen.flags)
    )


def needs(scenario: Scenario) -> dict[str, Any]:
    """Facts about a scenario by which a runner decides whether it can play it."""
    queries = [step.does for step in scenario.steps if isinstance(step.does, Query)]
    return {
        "longest": max([s.does for s in scenario.steps if isinstance(s.does, float)], default=0.0),
        "clock": scenario.clock is not None,
        "names": {query.name.lower() for query in queries},
        "clients": {query.client for query in queries},
        "behaviours": {reply.behaviour for reply in scenario.replies} - {""},
    }
