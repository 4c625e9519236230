"""Trusted forwarders and the clients behind them: who is who, what is shared, what is bounded."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import dns.edns
import dns.message
import dns.rcode
import pytest
from hypothesis import given

from policy.leases import Lease, Leases
from resolver import clients as clients_module
from resolver import service as service_module
from resolver.limits import Limits, Trust
from resolver.service import Service
from resolver.wire import codes
from tests.resolver import hostile
from tests.resolver.venue import LEARNER, STAFF, Desk, packed, packet, snapshot, upstream_reply

FORWARDER, OTHER = "10.9.0.1", "10.9.0.2"
TRUST = Trust((ip_network("10.9.0.0/30"),), 65073)
MORE = '[devices.tablet]\nclient_ids = ["AA-BB-CC-DD-EE-01"]\nprofile = "staff"\n'
NAME = "social.example"
"""Blocked for learners, open to staff."""
REPLY = upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1")


class ForwardedDesk(Desk):
    """A desk at which some forwarders are believed."""

    def __init__(self, trust: Trust = TRUST, limits: Limits | None = None) -> None:
        plain = snapshot(MORE)
        leases = Leases([Lease(packed(LEARNER), "", "IT-SUITE-07")], 0.0)
        state = replace(plain, policy=plain.policy.with_leases(leases))
        super().__init__(state)
        self.service = Service(
            state,
            self.cache,
            self.upstream,  # type: ignore[arg-type]
            limits or Limits(),
            lambda: self.at,
            trust,
        )


def query(
    client: str | None = None,
    *more: dns.edns.Option,
    bits: int = 32,
    name: str = NAME,
    number: int = 7,
) -> bytes:
    """What a forwarder sends for a client."""
    options = [*([] if client is None else [dns.edns.ECSOption(client, bits)]), *more]
    message = dns.message.make_query(name, "A", use_edns=0, options=options)
    message.id = number
    return message.to_wire()


def client_id(text: str) -> dns.edns.Option:
    return dns.edns.GenericOption(65073, text.encode())


def rcode(octets: bytes) -> int:
    return dns.message.from_wire(octets).rcode()


def subnets(octets: bytes) -> list[str]:
    found = dns.message.from_wire(octets).options
    return [o.to_text() for o in found if isinstance(o, dns.edns.ECSOption)]


def warm(desk: Desk, octets: bytes, address: str = FORWARDER) -> None:
    """Ask for the open name until it is remembered."""
    desk.receive(octets, address)
    if desk.upstream.asked:
        desk.upstream.answer(REPLY)
    desk.receive(octets, address)


def test_each_client_has_its_own_answer_first_and_remembered() -> None:
    desk = ForwardedDesk()
    for _ in range(3):
        warm(desk, query(STAFF))
        assert rcode(desk.sent[-1]) == codes.NOERROR
        assert subnets(desk.sent[-1]) == [f"ECS {STAFF}/32 scope/32"]
        desk.receive(query(LEARNER), FORWARDER)
        assert rcode(desk.sent[-1]) == codes.NXDOMAIN
        assert subnets(desk.sent[-1]) == [f"ECS {LEARNER}/32 scope/32"]
    assert desk.service.hits


def test_a_remembered_answer_is_noted_for_the_client_and_not_for_the_forwarder() -> None:
    desk = ForwardedDesk()
    for _ in range(2):
        desk.receive(query(LEARNER, number=9), FORWARDER)
    ((_, record, answer),) = desk.service.hits
    assert (record.address, record.hostname) == (LEARNER, "IT-SUITE-07")
    assert record.audience.perspective.client.venue == "harbour"
    assert answer.outcome.status == "blocked"
    assert desk.sent[-1] == desk.sent[-2]


def test_ttls_run_down_in_what_a_forwarder_is_given() -> None:
    desk = ForwardedDesk()
    warm(desk, query(STAFF))
    desk.at += 5
    (octets,) = desk.receive(query(STAFF), FORWARDER)
    assert [rrset.ttl for rrset in dns.message.from_wire(octets).answer] == [55]
    desk.at += 60
    assert desk.receive(query(STAFF), FORWARDER) == []  # it is over: asked upstream again


def test_forwarders_share_no_memo_with_each_other_or_with_clients() -> None:
    """The same octets mean another client when another forwarder says them."""
    desk = ForwardedDesk()
    octets = query(STAFF)
    warm(desk, octets)
    hits = len(desk.service.hits)
    desk.receive(octets, OTHER)
    assert len(desk.service.hits) == hits
    for address in (LEARNER, STAFF, FORWARDER, OTHER):
        assert octets[2:] not in desk.record(address).memo
    (answer,) = desk.receive(octets, LEARNER)
    assert rcode(answer) == codes.NXDOMAIN and subnets(answer) == []


def test_nobody_else_is_believed() -> None:
    desk = ForwardedDesk()
    warm(desk, query(STAFF))
    (answer,) = desk.receive(query(STAFF, client_id("aa:bb:cc:dd:ee:01")), LEARNER)
    assert rcode(answer) == codes.NXDOMAIN and subnets(answer) == []
    assert desk.record(LEARNER).behind is None


def test_without_an_option_the_forwarder_is_the_client() -> None:
    desk = ForwardedDesk()
    for octets in (packet(NAME), query(None), packet(NAME)):
        (answer,) = desk.receive(octets, FORWARDER)
        assert rcode(answer) == codes.NXDOMAIN and subnets(answer) == []
    assert len(desk.service.hits) == 1


def test_a_client_id_finds_the_device() -> None:
    desk = ForwardedDesk()
    octets = query(LEARNER, client_id("AA:BB:CC:DD:EE:01"))
    warm(desk, octets)
    assert rcode(desk.sent[-1]) == codes.NOERROR
    *_, (_, record, _, _, _, _) = desk.service.events
    client = record.audience.perspective.client
    assert (client.venue, client.device, client.profile) == ("harbour", "tablet", "staff")
    desk.receive(query(LEARNER, client_id("AA:BB:CC:DD:EE:02")), FORWARDER)
    assert rcode(desk.sent[-1]) == codes.NXDOMAIN


def test_a_network_is_written_as_one() -> None:
    desk = ForwardedDesk()
    desk.receive(query("10.1.9.0", client_id("front desk"), bits=24), FORWARDER)
    desk.upstream.answer(REPLY)
    ((_, record, _, _, _, _),) = desk.service.events
    assert (record.address, record.hostname) == ("10.1.9.0/24", "front desk")
    assert subnets(desk.sent[-1]) == ["ECS 10.1.9.0/24 scope/24"]


def test_nothing_of_it_goes_upstream() -> None:
    """Identical questions of different clients are one question to the upstream."""
    desk = ForwardedDesk()
    desk.receive(query(STAFF), FORWARDER)
    desk.receive(query("10.1.9.77", client_id("x")), FORWARDER)
    asked = {(ask.question, ask.key) for ask, _ in desk.upstream.asked}
    assert len(asked) == 1


def test_a_cookie_beside_it_is_not_remembered() -> None:
    desk = ForwardedDesk()
    for _ in range(2):
        desk.receive(query(LEARNER, dns.edns.GenericOption(10, b"cookie!!")), FORWARDER)
    assert not desk.service.hits


def test_a_malformed_subnet_is_refused_and_counted() -> None:
    desk = ForwardedDesk()
    octets = query(LEARNER).replace(b"\0\1\x20\0", b"\0\1\x1f\0")
    (answer,) = desk.receive(octets, FORWARDER)
    assert rcode(answer) == codes.FORMERR
    assert desk.service.faults == {"client subnet": 1}
    (answer,) = desk.receive(octets, LEARNER)  # nobody's word is not even read
    assert rcode(answer) == codes.NXDOMAIN


def test_a_swap_forgets_who_is_behind() -> None:
    desk = ForwardedDesk()
    for _ in range(2):
        desk.receive(query(LEARNER), FORWARDER)
    behind = desk.record(FORWARDER).behind
    assert behind is not None and len(behind) == 1
    desk.service.swap(snapshot(MORE))
    after = desk.record(FORWARDER).behind
    assert after is not None and after is not behind and not after.clients and len(after) == 0


def test_over_tcp_it_is_the_same_but_nothing_is_kept() -> None:
    desk = ForwardedDesk()
    for _ in range(2):
        (answer,) = desk.receive(query(LEARNER), FORWARDER, "tcp")
        assert rcode(answer) == codes.NXDOMAIN
        assert subnets(answer) == [f"ECS {LEARNER}/32 scope/32"]
    assert not desk.service.hits


def test_clients_behind_a_forwarder_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "CLIENTS_BEHIND_MAX", 10)
    desk = ForwardedDesk()
    for number in range(50):
        desk.receive(query(f"10.1.3.{number}"), FORWARDER)
        behind = desk.record(FORWARDER).behind
        assert behind is not None and 0 < len(behind.clients) <= 10


def test_answers_behind_a_forwarder_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients_module, "MEMO_ANSWERS_MAX", 10)
    desk = ForwardedDesk()
    popular = query(LEARNER)
    desk.receive(popular, FORWARDER)
    for number in range(60):
        desk.receive(query(LEARNER, name=f"n{number}.social.example"), FORWARDER)
        hits = len(desk.service.hits)
        desk.receive(popular, FORWARDER)
        assert len(desk.service.hits) == hits + 1  # asked again, it moves up before it is lost
        behind = desk.record(FORWARDER).behind
        assert behind is not None and len(behind) <= 20


def test_forwarders_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "FORWARDERS_MAX", 1)
    desk = ForwardedDesk()
    for address in (FORWARDER, OTHER, FORWARDER, OTHER):
        (answer,) = desk.receive(query(LEARNER), address)
        assert rcode(answer) == codes.NXDOMAIN
        assert len(desk.service.forwarders) == 1


def test_a_forwarder_that_is_not_served_is_nobody() -> None:
    desk = ForwardedDesk(limits=Limits(served=(ip_network("10.1.0.0/16"),)))
    record = desk.record(FORWARDER)
    assert not record.served and record.behind is None


class TestAnyOctets:
    """No octets of a forwarder may raise; at most one answer."""

    desk = ForwardedDesk()

    @given(hostile.packets([query(LEARNER), query("fd00::7", client_id("x"), bits=128)]))
    def test_handling_never_raises(self, octets: bytes) -> None:
        sent = self.desk.receive(octets, FORWARDER)
        assert len(sent) <= 1
        self.desk.upstream.asked.clear()
