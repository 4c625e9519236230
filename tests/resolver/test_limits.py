"""Limits: who is served, and how much, by the longest network."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from resolver.limits import QUERIES_PER_SECOND, Limits
from tests.resolver.venue import packed


@pytest.mark.parametrize(
    ("address", "served"),
    [
        ("127.0.0.1", True),
        ("10.255.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("169.254.1.1", True),
        ("8.8.8.8", False),
        ("0.0.0.0", False),
        ("::1", True),
        ("::2", False),
        ("fd12::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True),  # a dual-stack socket shows IPv4 clients so
        ("::ffff:8.8.8.8", False),
    ],
)
def test_private_networks_only_unless_told_otherwise(address: str, served: bool) -> None:
    """RFC 5358: an open resolver is a weapon."""
    assert Limits().serves(packed(address)) == served


def test_what_is_served_can_be_set() -> None:
    limits = Limits(served=(ip_network("203.0.113.0/24"),))
    assert limits.serves(packed("203.0.113.9"))
    assert not limits.serves(packed("127.0.0.1"))


def test_the_longest_network_sets_the_rate() -> None:
    limits = Limits(
        queries_per_second=50,
        by_network=(
            (ip_network("10.0.0.0/8"), 100),
            (ip_network("10.7.0.0/16"), 5_000),  # a partner venue behind one router
            (ip_network("10.7.0.9/32"), 1),
            (ip_network("fd00::/8"), 200),
        ),
    )
    rates = {a: limits.rate(packed(a)) for a in ("10.1.1.1", "10.7.1.1", "10.7.0.9", "192.168.0.1")}
    assert rates == {"10.1.1.1": 100, "10.7.1.1": 5_000, "10.7.0.9": 1, "192.168.0.1": 50}
    assert limits.rate(packed("fd00::1")) == 200
    assert Limits().rate(packed("10.1.1.1")) == QUERIES_PER_SECOND
