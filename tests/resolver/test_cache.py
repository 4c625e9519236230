"""The cache: how long an entry lives, what may replace it, and that it is bounded."""

from __future__ import annotations

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver.cache import FAILURE_SECONDS, UNANSWERED_SECONDS, Cache, CacheSettings, cache_key
from resolver.wire import codes, compose
from resolver.wire.reply import Reply
from tests.resolver.venue import question, upstream_reply

AT = 1_000_000.0
NAME = "www.example.com"
KEY = cache_key(from_text(NAME), b"\0\1", False, False)
SOA = "example.com {} SOA ns.example.com. admin.example.com. 1 2 3 4 {}"


def address(ttl: int) -> Reply:
    return upstream_reply(NAME, "A", f"{NAME} {ttl} A 192.0.2.1")


def negative(rcode: int, ttl: int, minimum: int, *answers: str) -> Reply:
    return upstream_reply(NAME, "A", *answers, authority=(SOA.format(ttl, minimum),), rcode=rcode)


FAILURE = upstream_reply(NAME, "A", rcode=codes.SERVFAIL)


def lives(reply: Reply, **settings: int) -> float:
    return Cache(CacheSettings(**settings)).put(KEY, reply, "up", AT).expires_at - AT


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (address(60), 60),
        (address(0), 0),
        (address(10_000_000), 86_400),
        (upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1", f"{NAME} 9 A 192.0.2.2"), 9),
        (upstream_reply(NAME, "A"), 0),  # no SOA: "SHOULD NOT be cached"
        (negative(codes.NXDOMAIN, 300, 60), 60),
        (negative(codes.NXDOMAIN, 30, 60), 30),
        (negative(codes.NXDOMAIN, 9999, 9999), 900),
        (negative(codes.NOERROR, 300, 60), 60),
        # The chain ends nowhere: the denial counts, and so does the alias that leads to it.
        (negative(codes.NOERROR, 300, 60, f"{NAME} 3600 CNAME x.example.com."), 60),
        (negative(codes.NXDOMAIN, 300, 60, f"{NAME} 3600 CNAME x.example.com."), 60),
        (negative(codes.NOERROR, 300, 60, f"{NAME} 7 CNAME x.example.com."), 7),
        (negative(codes.NXDOMAIN, 300, 60, f"{NAME} 7 CNAME x.example.com."), 7),
        (FAILURE, FAILURE_SECONDS),
        (upstream_reply(NAME, "A", rcode=codes.REFUSED), FAILURE_SECONDS),
    ],
)
def test_how_long_an_entry_lives(reply: Reply, seconds: float) -> None:
    """RFC 2308 section 5, RFC 9520 section 3.2."""
    assert lives(reply) == seconds


def test_bounds_are_kept_for_entry_and_octets_alike() -> None:
    reply = upstream_reply(
        NAME,
        "A",
        f"{NAME} 5 A 192.0.2.1",
        f"{NAME} 100 A 192.0.2.2",
        f"{NAME} 99999 A 192.0.2.3",
        authority=("example.com 7 NS ns.example.com.",),
    )
    cache = Cache(CacheSettings(ttl_seconds_min=30, ttl_seconds_max=600))
    entry = cache.put(KEY, reply, "up", AT)
    sections = entry.reply.sections
    assert entry.expires_at == AT + 30
    assert [ttl for _, ttl in sections.ttls] == [30, 100, 600, 30]
    octets = compose.answer(question(NAME), 0, 3, 1, sections.body, ())
    message = dns.message.from_wire(b"\0\0" + octets, one_rr_per_rrset=True)
    assert [rrset.ttl for rrset in (*message.answer, *message.authority)] == [30, 100, 600, 30]
    assert [ttl for _, ttl in reply.sections.ttls] == [5, 100, 99999, 7]  # the reply is not changed


@given(
    st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=4),
    st.integers(0, 3600),
    st.integers(1, 604_800),
)
def test_any_ttls_end_within_bounds(ttls: list[int], low: int, high: int) -> None:
    high = max(low, high)
    lines = [f"{NAME} {min(ttl, 0x7FFFFFFF)} A 192.0.2.{n}" for n, ttl in enumerate(ttls)]
    cache = Cache(CacheSettings(ttl_seconds_min=low, ttl_seconds_max=high))
    entry = cache.put(KEY, upstream_reply(NAME, "A", *lines), "up", AT)
    assert low <= entry.expires_at - AT <= high
    assert all(low <= ttl <= high for _, ttl in entry.reply.sections.ttls)


def test_a_stub_keeps_no_denial_longer_than_we_do() -> None:
    """RFC 2308 section 5: also when SOA TTL and minimum are far apart."""
    cache = Cache(CacheSettings())
    entry = cache.put(KEY, negative(codes.NXDOMAIN, 3600, 60), "up", AT)
    assert [ttl for _, ttl in entry.reply.sections.ttls] == [60]


def test_an_entry_serves_stale_for_a_while_and_then_is_gone() -> None:
    cache = Cache(CacheSettings(stale_seconds_max=100))
    cache.put(KEY, address(60), "up", AT)
    assert cache.get(KEY, AT + 59.9) is not None
    assert cache.get(KEY, AT + 159.9) is not None
    assert cache.get(KEY, AT + 160) is None
    assert len(cache) == 0


def test_a_failure_never_replaces_an_answer() -> None:
    cache = Cache(CacheSettings())
    known = cache.put(KEY, address(60), "up", AT)
    known.refreshing = True
    failed = cache.put(KEY, FAILURE, "up", AT + 61)
    assert failed.reply is FAILURE  # who asked is told
    assert cache.get(KEY, AT + 61) is known
    assert not known.refreshing  # so that it will be fetched again
    assert cache.put_failure(KEY, "", AT + 61).reply.errors
    assert cache.get(KEY, AT + 61) is known
    denied = cache.put(KEY, negative(codes.NXDOMAIN, 60, 60), "up", AT + 62)
    assert cache.get(KEY, AT + 62) is denied  # that is an answer


def test_silence_is_remembered_shortly() -> None:
    """RFC 9520 section 3.2: at least a second."""
    cache = Cache(CacheSettings(ttl_seconds_min=300))
    assert cache.put_failure(KEY, "", AT).expires_at == AT + UNANSWERED_SECONDS
    assert cache.put(KEY, address(60), "up", AT + 1).expires_at == AT + 301


def test_do_and_cd_and_type_are_kept_apart() -> None:
    """RFC 4035 sections 3.2 and 4.7."""
    name = from_text(NAME)
    keys = {
        cache_key(name, qtype, dnssec_ok, checking_disabled)
        for qtype in (b"\0\1", b"\0\x1c")
        for dnssec_ok in (False, True)
        for checking_disabled in (False, True)
    }
    assert len(keys) == 8


@pytest.mark.parametrize("ttl", [9, 10, 600])
@pytest.mark.parametrize("hits_min", [0, 2])
def test_only_what_lives_a_while_is_fetched_in_time(ttl: int, hits_min: int) -> None:
    cache = Cache(CacheSettings(prefetch_hits_min=hits_min))
    entry = cache.put(KEY, address(ttl), "up", AT)
    expected = AT + ttl * 0.9 if hits_min and ttl >= 10 else float("inf")
    assert entry.prefetch_at == expected


def test_it_is_bounded_and_keeps_what_is_asked_for() -> None:
    """Whatever comes: never more than its bound, and a name asked again and again stays."""
    cache = Cache(CacheSettings(entries_max=100))
    reply = address(60)
    cache.put(b"popular", reply, "up", AT)
    for number in range(2_000):
        cache.put(b"%d" % number, reply, "up", AT)
        assert len(cache) <= 100
        assert cache.get(b"popular", AT) is not None
    cache.clear()
    assert len(cache) == 0


@settings(max_examples=50)
@given(st.integers(4, 40), st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=100))
def test_no_order_of_events_breaks_the_bound(
    entries_max: int, events: list[tuple[bool, int]]
) -> None:
    cache = Cache(CacheSettings(entries_max=entries_max))
    reply = address(60)
    for is_put, number in events:
        key = b"%d" % number
        if is_put:
            cache.put(key, reply, "up", AT)
            assert cache.get(key, AT) is not None
        else:
            cache.get(key, AT)
        assert len(cache) <= entries_max
