"""Rebinding: the quick look at an address agrees with `ipaddress`, at every network's edges."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver.rebinding import PRIVATE, Rebinding
from tests.resolver.venue import packed

NAME = from_text("www.example.com")
EDGES = [
    number.to_bytes(network.max_prefixlen // 8)
    for network in PRIVATE
    for base in (int(network.network_address), int(network.broadcast_address))
    for number in (base - 1, base, base + 1)
    if 0 <= number < 1 << network.max_prefixlen
]


def is_private(octets: bytes) -> bool:
    address = ip_address(octets)
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in PRIVATE if network.version == plain.version)


@given(
    st.one_of(
        st.sampled_from(EDGES),
        st.binary(min_size=4, max_size=4),
        st.binary(min_size=16, max_size=16),
        st.binary(min_size=4, max_size=4).map(lambda four: bytes(10) + b"\xff\xff" + four),
    )
)
def test_it_agrees_with_ipaddress(octets: bytes) -> None:
    found = Rebinding().find([octets], NAME)
    assert found == (octets if is_private(octets) else None)


@pytest.mark.parametrize("octets", EDGES, ids=lambda octets: str(ip_address(octets)))
def test_edges(octets: bytes) -> None:
    assert (Rebinding().find([octets], NAME) is not None) == is_private(octets)


def test_the_first_private_address_is_told() -> None:
    addresses = [packed(a) for a in ("192.0.2.1", "10.0.0.1", "127.0.0.1")]
    assert Rebinding().find(addresses, NAME) == packed("10.0.0.1")
    assert Rebinding().find([], NAME) is None


@pytest.mark.parametrize(
    ("zone", "allowed"),
    [
        ("example.com", True),
        ("www.example.com", True),
        ("ample.com", False),
        ("com.example", False),
    ],
)
def test_zones_that_may_lead_inside(zone: str, allowed: bool) -> None:
    rebinding = Rebinding(allowed_zones=frozenset({from_text(zone)}))
    assert (rebinding.find([packed("10.0.0.1")], NAME) is None) == allowed
