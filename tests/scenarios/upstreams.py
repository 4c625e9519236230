"""What the fake upstreams of a scenario answer, whichever runner asks them.

Replies are built with dnspython, so the code under test never reads its own writing. The script
knows which step is being played, logs every question that reached an upstream, and remembers which
of its entries were used: an entry nobody needed is a fault of the scenario. It has no sockets and
no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.scenarios.language import FakeReply, Scenario


@dataclass(frozen=True)
class Seen:
    """A question that reached an upstream."""

    upstream: str
    transport: str
    name: str
    rtype: str
    flags: frozenset[str]

    def __str__(self) -> str:
        flags = "".join(f" {flag}" for flag in sorted(self.flags))
        return f"{self.name} {self.rtype} to {self.upstream} over {self.transport}{flags}"


@dataclass(frozen=True)
class Reaction:
    """What an upstream does: octets (None: nothing will come) after so many seconds."""

    octets: bytes | None
    delay_seconds: float
    behaviour: str


class Script:
    """The upstreams of one scenario while it is played."""

    def __init__(self, scenario: Scenario) -> None:
        self.step = 0
        self.log: list[Seen] = []
        self.problems: list[str] = []
        self.used: set[str] = set()
        self._replies = scenario.replies

    def react(self, upstream: str, transport: str, packet: bytes) -> Reaction:
        """The reaction of `upstream` to these octets (a whole query, its ID included)."""
        query = dns.message.from_wire(packet)
        question = query.question[0]
        if query.options:
            self.problems.append(f"{upstream} was sent EDNS options: {query.options}")
        name = question.name.to_text(omit_final_dot=True).lower()
        rtype = dns.rdatatype.to_text(question.rdtype)
        self.log.append(Seen(upstream, transport, name, rtype, flags_of(query)))
        for reply in self._replies:
            if (
                reply.upstream == upstream
                and reply.first <= self.step <= reply.last
                and reply.transport in ("", transport)
                and reply.name.lower() in ("*", name)
                and reply.rtype in ("*", rtype)
            ):
                self.used.add(reply.where)
                return Reaction(_octets(reply, query), reply.delay_seconds, reply.behaviour)
        self.problems.append(
            f"step {self.step}: {upstream} was asked {name} {rtype} over {transport}, "
            "for which the scenario has no answer"
        )
        return Reaction(None, 0.0, "SILENCE")


def flags_of(message: dns.message.Message) -> frozenset[str]:
    """The flags of a message, QR left out, DO put in."""
    words = set(dns.flags.to_text(message.flags).split()) - {"QR"}
    if message.ednsflags & dns.flags.DO:
        words.add("DO")
    return frozenset(words)


def _octets(reply: FakeReply, query: dns.message.Message) -> bytes | None:
    if reply.behaviour == "SILENCE" or reply.behaviour == "REFUSES_TCP":
        return None
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.from_text(reply.rcode))
    for flag in reply.flags:
        response.flags |= dns.flags.from_text(flag)
    if reply.errors:
        options: list[dns.edns.Option] = [
            dns.edns.EDEOption(dns.edns.EDECode.make(code), text or None)
            for code, text in reply.errors
        ]
        response.use_edns(0, payload=1232, options=options)
    for section, text in reply.records:
        getattr(response, section.lower() if section != "ANSWER" else "answer").append(
            parse_record(text)
        )
    if reply.behaviour == "WRONG_ID":
        response.id ^= 0x5555
    if reply.behaviour == "WRONG_NAME":
        response.question[0].name = dns.name.from_text("forged.example.")
    if reply.behaviour == "WRONG_CASE":
        asked = response.question[0].name
        response.question[0].name = dns.name.Name([_swap_case(label) for label in asked.labels])
    octets = response.to_wire(max_size=65535)
    return octets[:-7] if reply.behaviour == "GARBAGE" else octets


def _swap_case(label: bytes) -> bytes:
    return label.swapcase()


def parse_record(text: str) -> dns.rrset.RRset:
    """`www.example.com. 300 [IN] A 192.0.2.1` as an RRset of one record."""
    words = text.split(None, 3)
    if words[2] == "IN":
        words = [*words[:2], *text.split(None, 4)[3:]]
    name, ttl, rtype = words[:3]
    rdata = words[3] if len(words) > 3 else ""
    return dns.rrset.from_text(dns.name.from_text(name), int(ttl), "IN", rtype, rdata)
