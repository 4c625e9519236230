"""The service: the memo, what may be remembered, who is turned away; and no octets may raise."""

from __future__ import annotations

from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver import clients as clients_module
from resolver import service as service_module
from resolver.limits import Limits
from resolver.service import Answer
from resolver.wire import codes
from resolver.wire.reply import ReplyFault, scan_reply
from tests.resolver import hostile
from tests.resolver.venue import (
    LEARNER,
    LUNCH_STARTS,
    STAFF,
    Desk,
    packet,
    snapshot,
    upstream_packet,
    upstream_reply,
)

NAME = "www.example.com"
ADDRESS = upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1", f"{NAME} 90 A 192.0.2.2")
SHOUTED = packet("WWW.Example.com")


def ttls(octets: bytes) -> list[int]:
    message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    return [rrset.ttl for rrset in message.answer]


def remembered(desk: Desk, octets: bytes, address: str = LEARNER) -> Answer | None:
    return desk.record(address).memo.get(octets[2:])


def warm(desk: Desk, octets: bytes | None = None) -> Answer:
    """Ask twice: the second answer comes from the cache and is memoised."""
    octets = octets or packet(NAME)
    desk.fetch(ADDRESS, NAME)
    assert desk.receive(octets)
    answer = remembered(desk, octets)
    assert answer is not None
    return answer


class TestMemo:
    def test_a_first_answer_is_not_kept_a_second_is(self) -> None:
        desk = Desk()
        desk.fetch(ADDRESS, NAME)
        assert remembered(desk, packet(NAME)) is None
        desk.receive(packet(NAME))
        answer = remembered(desk, packet(NAME))
        assert answer is not None
        assert b"\x12\x34" + answer.tail == desk.sent[-1]

    def test_a_block_is_kept_at_once(self) -> None:
        desk = Desk()
        desk.ask("bets.example")
        answer = remembered(desk, packet("bets.example"))
        assert answer is not None and answer.outcome.status == "blocked"

    def test_the_letters_case_is_part_of_the_question(self) -> None:
        """RFC 4343: each client gets its own spelling back."""
        desk = Desk()
        warm(desk)
        assert remembered(desk, SHOUTED) is None
        (sent,) = desk.receive(SHOUTED)
        assert sent[12:29] == SHOUTED[12:29]
        assert remembered(desk, SHOUTED) is not None

    def test_ttls_run_down_each_second_and_never_grow(self) -> None:
        desk = Desk()
        answer = warm(desk)
        began = desk.at
        seen = []
        for tenth in range(0, 540):
            at = began + tenth / 10
            if at >= answer.good_until:
                break
            if at >= answer.fresh_until:
                answer.refresh(at)
            seen.append(ttls(b"\0\0" + answer.tail))
        assert seen == [[60 - tenth // 10, 90 - tenth // 10] for tenth in range(540)]

    def test_an_answer_in_the_middle_of_a_second_turns_with_the_cache(self) -> None:
        desk = Desk()
        desk.fetch(ADDRESS, NAME)
        desk.at += 0.75
        desk.receive(packet(NAME))
        answer = remembered(desk, packet(NAME))
        assert answer is not None
        assert answer.fresh_until == desk.at + 0.25
        answer.refresh(answer.fresh_until)
        assert ttls(b"\0\0" + answer.tail) == [59, 89]

    def test_it_stands_until_the_prefetch_is_due(self) -> None:
        desk = Desk()
        began = desk.at
        answer = warm(desk)
        assert answer.good_until == pytest.approx(began + 54)

    def test_ttls_end_at_the_edge_of_the_timetable(self) -> None:
        desk = Desk()
        desk.at = LUNCH_STARTS + 3590
        desk.fetch(upstream_reply("social.example", "A", "social.example 600 A 192.0.2.1"),
                   "social.example")  # fmt: skip
        assert ttls(desk.sent[-1]) == [10]
        desk.receive(packet("social.example"))
        answer = remembered(desk, packet("social.example"))
        assert answer is not None
        assert answer.good_until == LUNCH_STARTS + 3600
        answer.refresh(desk.at + 4)
        assert ttls(b"\0\0" + answer.tail) == [6]

    def test_no_remembered_ttl_reaches_beyond_the_edge(self) -> None:
        """Not even by a part of a second: answer and edge need not be on the same beat."""
        desk = Desk()
        desk.at = LUNCH_STARTS + 3590.25
        desk.fetch(upstream_reply("social.example", "A", "social.example 600 A 192.0.2.1"),
                   "social.example")  # fmt: skip
        desk.receive(packet("social.example"))
        answer = remembered(desk, packet("social.example"))
        assert answer is not None
        at = desk.at
        while at < answer.good_until:
            if at >= answer.fresh_until:
                answer.refresh(at)
            (ttl,) = ttls(b"\0\0" + answer.tail)
            assert ttl == int(LUNCH_STARTS + 3600 - at)
            at += 0.125

    def test_clients_alike_to_policy_share_and_others_do_not(self) -> None:
        desk = Desk()
        warm(desk)
        assert remembered(desk, packet(NAME), "10.1.77.1") is not None
        assert remembered(desk, packet(NAME), STAFF) is None

    def test_a_swap_drops_it(self) -> None:
        desk = Desk()
        warm(desk)
        held = desk.service.records
        desk.service.swap(snapshot())
        assert desk.service.records is held  # listeners hold on to it
        assert remembered(desk, packet(NAME)) is None

    def test_an_answer_that_comes_after_a_swap_is_not_kept_for_the_new_one(self) -> None:
        desk = Desk()
        desk.ask("localhost")
        assert desk.receive(packet(NAME)) == []
        desk.service.swap(snapshot(listed={"gambling": [NAME]}))
        desk.upstream.answer(ADDRESS)
        assert ttls(desk.sent[-1]) == [60, 90]  # begun under the old one, ended under it
        assert remembered(desk, packet(NAME)) is None
        assert desk.ask(NAME).rcode() == codes.NXDOMAIN

    @pytest.mark.parametrize(
        "option", [dns.edns.GenericOption(10, b"cookie!!"), dns.edns.GenericOption(12, bytes(99))]
    )
    def test_not_for_queries_with_options(self, option: dns.edns.Option) -> None:
        """A cookie or padding of varying length would fill it with single uses."""
        desk = Desk()
        query = dns.message.make_query("bets.example", "A", use_edns=0, options=[option])
        desk.receive(query.to_wire())
        assert not desk.record().memo

    def test_a_truncated_answer_is_never_kept(self) -> None:
        desk = Desk()
        lines = [f"{NAME} 60 A 192.0.2.{n}" for n in range(60)]
        sent = desk.fetch(upstream_reply(NAME, "A", *lines), NAME)
        assert sent[2] & 2 and len(sent) <= 512
        desk.receive(packet(NAME))
        assert desk.sent[-1][2] & 2
        assert not desk.record().memo
        (whole,) = desk.receive(packet(NAME), transport="tcp")
        assert len(ttls(whole)) == 60

    def test_nothing_that_came_over_tcp_is_kept(self) -> None:
        """It tells of a keepalive and may be larger than UDP carries."""
        desk = Desk()
        (octets,) = desk.receive(packet("bets.example", edns=1232), transport="tcp")
        assert any(o.otype == 11 for o in dns.message.from_wire(octets).options)
        assert not desk.record().memo

    def test_failures_are_not_kept(self) -> None:
        desk = Desk()
        desk.receive(packet(NAME))
        desk.upstream.answer(None)
        assert dns.message.from_wire(desk.sent[-1]).rcode() == codes.SERVFAIL
        assert not desk.record().memo

    def test_two_generations(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is asked again moves up; what is not is gone after two fillings. Never more."""
        monkeypatch.setattr(clients_module, "MEMO_ANSWERS_MAX", 10)
        desk = Desk()
        desk.ask("popular.bets.example")
        for number in range(100):
            desk.ask(f"n{number}.bets.example")
            audience = desk.record().audience
            assert len(audience.memo) <= 10 and len(audience.older) <= 10
            assert desk.record().memo is audience.memo  # records hold on to it
            if remembered(desk, packet("popular.bets.example")) is None:
                hits = len(desk.service.hits)
                assert desk.ask("popular.bets.example").rcode() == codes.NXDOMAIN
                assert len(desk.service.hits) == hits + 1  # found in the older half
        assert packet("n0.bets.example")[2:] not in {**audience.memo, **audience.older}

    def test_the_older_half_ages_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clients_module, "MEMO_ANSWERS_MAX", 1)
        desk = Desk()
        warm(desk)
        desk.ask("bets.example")
        assert remembered(desk, packet(NAME)) is None
        desk.at += 7.5
        (octets,) = desk.receive(packet(NAME, number=0xBEEF))
        assert octets[:2] == b"\xbe\xef"
        assert ttls(octets) == [53, 83]


class TestClients:
    def test_addresses_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service_module, "CLIENTS_MAX", 10)
        desk = Desk()
        for number in range(50):
            desk.record(f"10.1.3.{number}")
            assert len(desk.service.records) <= 10

    def test_audiences_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service_module, "AUDIENCES_MAX", 1)
        desk = Desk()
        for address in (LEARNER, STAFF, LEARNER, STAFF):
            desk.ask("bets.example", address=address)
            assert len(desk.service.audiences) == 1

    def test_events_are_bounded_and_the_loss_is_counted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service_module, "EVENTS_MAX", 3)
        desk = Desk()
        for number in range(5):
            assert desk.ask(f"n{number}.bets.example").rcode() == codes.NXDOMAIN
        assert (len(desk.service.events), desk.service.events_dropped) == (3, 2)

    def test_a_scoped_address_is_the_address(self) -> None:
        assert Desk().record("fe80::1%eth0").served

    def test_a_view_that_is_over_is_taken_afresh(self) -> None:
        desk = Desk()
        assert desk.ask("social.example").rcode() == codes.NXDOMAIN
        audience = desk.record().audience
        before = audience.perspective
        desk.at = LUNCH_STARTS
        assert desk.receive(packet("social.example")) == []  # allowed: on its way upstream
        assert audience.perspective is not before
        desk.receive(packet("social.example"))
        assert audience.perspective.view.valid_until > desk.at


class TestLimits:
    def desk(self, rate: int = 5) -> Desk:
        return Desk(limits=Limits(queries_per_second=rate))

    def test_tokens_come_back_after_a_second(self) -> None:
        desk = self.desk()
        record = desk.record()
        for second in range(3):
            allowed = 0
            for tenth in range(10):
                desk.at += 0.1 if second or tenth else 0
                record.tokens -= 1
                allowed += record.tokens >= 0 or record.may_ask(desk.at)
            assert allowed == 5

    def test_every_second_one_is_told_to_use_tcp(self) -> None:
        """Slip: an honest client comes back over TCP, a forged source gets half and no more."""
        desk = self.desk()
        octets = packet(NAME, edns=1232)
        for _ in range(10):
            desk.service.turn_away(octets, desk.record(), desk.sent.append)
        assert len(desk.sent) == 5 and desk.service.limited == 10
        for sent in desk.sent:
            message = dns.message.from_wire(sent)
            assert message.flags & dns.flags.TC and message.rcode() == codes.NOERROR
            assert len(sent) <= len(octets)  # it amplifies nothing

    def test_strangers_are_refused_and_never_use_a_memo(self) -> None:
        """RFC 8914 section 4.19: Prohibited."""
        desk = Desk(limits=Limits(served=(ip_network("10.1.9.0/24"),)))
        record = desk.record(LEARNER)
        assert (record.served, record.tokens) == (False, 0)
        assert record.memo is not record.audience.memo
        assert not record.may_ask(desk.at + 100)
        for _ in range(2):
            desk.service.turn_away(packet(NAME, edns=1232), record, desk.sent.append)
        (sent,) = desk.sent
        message = dns.message.from_wire(sent)
        assert message.rcode() == codes.REFUSED
        assert [int(o.code) for o in message.options if isinstance(o, dns.edns.EDEOption)] == [18]

    @given(hostile.packets([packet(NAME), packet(NAME, edns=1232)]))
    def test_turning_away_never_raises(self, octets: bytes) -> None:
        desk = self.desk()
        for _ in range(2):
            desk.service.turn_away(octets, desk.record(), desk.sent.append)
        for sent in desk.sent:
            assert sent[:2] == octets[:2] and sent[2] & 0x80


GOOD = [
    packet(NAME),
    packet("bets.example", "AAAA", edns=1232),
    packet("www.google.com", "HTTPS", edns=512),
    packet("a.localhost", edns=4096),
    packet(NAME, "ANY"),
    dns.message.make_query(NAME, "TXT", want_dnssec=True, pad=64).to_wire(),
]
REPLIES = [
    upstream_packet(NAME, "A", f"{NAME} 60 A 192.0.2.1"),
    upstream_packet(NAME, "A", f"{NAME} 60 CNAME bets.example.", "bets.example 5 A 10.0.0.1"),
    upstream_packet(NAME, "HTTPS", f"{NAME} 60 HTTPS 1 . ipv4hint=192.0.2.1"),
    upstream_packet(NAME, "A", authority=("com 9 SOA a.com. b.com. 1 2 3 4 5",), rcode=3),
]


def check_answer(sent: bytes, octets: bytes) -> None:
    assert sent[:2] == octets[:2]
    assert sent[2] & 0x80
    assert len(sent) <= 1232
    message = dns.message.from_wire(sent)
    if message.question:
        assert sent[12:].startswith(octets[12 : 12 + len(message.question[0].name.to_wire()) + 4])


class TestAnyOctets:
    """The contract: no octets may raise; at most one answer; never a word to a response."""

    desk = Desk()

    @settings(max_examples=1000)
    @given(hostile.packets(GOOD), st.sampled_from(["udp", "tcp"]))
    def test_queries(self, octets: bytes, transport: str) -> None:
        desk = self.desk
        desk.at += 0.01
        waiting = len(desk.upstream.asked)
        sent = desk.receive(octets, transport=transport)
        if len(octets) < 12 or octets[2] & 0x80:
            assert sent == []
        else:
            assert len(sent) + len(desk.upstream.asked) - waiting == 1
        if len(desk.upstream.asked) > waiting:
            desk.upstream.asked = desk.upstream.asked[-1:]
            before = len(desk.sent)
            desk.upstream.answer(None)
            sent = desk.sent[before:]
            assert len(sent) == 1
        for answer in sent:
            check_answer(answer, octets)

    @settings(max_examples=1000)
    @given(hostile.packets(REPLIES), st.sampled_from(["A", "AAAA", "HTTPS"]), st.booleans())
    def test_replies(self, octets: bytes, qtype: str, authentic: bool) -> None:
        """What an upstream says passes the scan or not; what passes makes a readable answer."""
        try:
            reply = scan_reply(octets, 12 + len(from_text(NAME)) + 4)
        except ReplyFault:
            return
        desk = Desk()
        query = packet(NAME, qtype, edns=1232, flags=codes.RD | (codes.AD if authentic else 0))
        assert desk.receive(query) == []
        desk.upstream.answer(reply)
        (sent,) = desk.sent
        assert sent[:2] == query[:2] and len(sent) <= 1232
        assert sent[12 : 12 + 21] == query[12 : 12 + 21]
        for seconds in (0.0, 0.5, 3.0, 100.0):
            desk.at += seconds
            desk.receive(query)
            if desk.upstream.asked:
                desk.upstream.answer(None)

    def test_faults_are_counted_by_words_of_the_code(self) -> None:
        desk = Desk()
        for octets in (b"", packet(NAME) + b"x", packet(NAME)[:20], b"\0\0\x80" + bytes(9)):
            desk.receive(octets)
        assert desk.service.faults == {"short": 1, "trailing": 1, "name": 1, "response": 1}
        assert not desk.service.events
