"""Who is asking, by address."""

from __future__ import annotations

import math
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.leases import Lease, Leases
from policy.networks import NetworkTable, plain_address, plain_network
from policy.policy import Policy
from policy.types import Client, Network

from .college import packed, policy


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.20.1.5", Client("ellesmere-port", None, None, "learners")),
        ("10.20.3.40", Client("ellesmere-port", "it-suite", None, "learners")),
        ("10.20.4.9", Client("ellesmere-port", "youth-club", None, "young")),
        ("10.20.3.7", Client("ellesmere-port", "it-suite", "tutor-laptop", "staff")),
        ("10.20.3.12", Client("ellesmere-port", "it-suite", "loan-laptop", "learners", math.inf)),
        ("10.30.255.255", Client("crewe", None, None, "learners")),
        ("203.0.113.7", Client("partner", None, None, "guests")),
        ("203.0.113.8", Client("unknown", None, None, "learners")),
        ("fd00:20::1", Client("ellesmere-port", None, None, "learners")),
        ("fd00:21::1", Client("unknown", None, None, "learners")),
        # RFC 4291 section 2.5.5.2: how a dual-stack socket shows an IPv4 client.
        ("::ffff:10.20.3.7", Client("ellesmere-port", "it-suite", "tutor-laptop", "staff")),
        ("::ffff:10.30.0.1", Client("crewe", None, None, "learners")),
        # The deprecated IPv4-compatible form is not the IPv4 address.
        ("::10.30.0.1", Client("unknown", None, None, "learners")),
    ],
)
def test_identify(address: str, client: Client) -> None:
    """Device above room above venue; a stranger is filtered as the default profile."""
    assert policy().identify(packed(address)) == client


@pytest.mark.parametrize("octets", [b"", b"\x0a", b"\x0a\x14\x03", bytes(17)])
def test_an_odd_address_is_a_stranger(octets: bytes) -> None:
    """Never an exception: the address comes from outside."""
    assert policy().identify(octets).venue == "unknown"


def test_rooms_inside_rooms() -> None:
    """Among rooms the longest prefix wins; a room is above its venue even with a shorter one."""
    college = policy(
        '[venues.big]\nnetworks = ["10.40.0.128/25"]\n'
        '[venues.big.rooms.hall]\nnetworks = ["10.40.0.0/24"]\n'
        '[venues.big.rooms.stage]\nnetworks = ["10.40.0.16/28"]\n'
    )
    rooms = [college.identify(packed(f"10.40.0.{n}")).room for n in (1, 17, 32, 200)]
    assert rooms == ["hall", "stage", "hall", "hall"]


def test_a_device_on_no_known_network() -> None:
    """It keeps its own profile, and is at the venue "unknown"."""
    college = policy('[devices.far]\naddresses = ["198.51.100.9"]\nprofile = "staff"\n')
    assert college.identify(packed("198.51.100.9")) == Client("unknown", None, "far", "staff")


addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
# Few different bits, so that networks nest and addresses fall into them.
near = st.integers(0, 255).map(lambda low: IPv4Address((10 << 24) + low))
near_v6 = st.integers(0, 255).map(lambda low: IPv6Address((0xFD << 120) + low))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A network around one of the near addresses."""
    address = draw(near | near_v6)
    length = draw(st.integers(address.max_prefixlen - 9, address.max_prefixlen) | st.just(0))
    return ip_network(f"{address}/{length}", strict=False)


@given(st.lists(networks(), max_size=8), near | near_v6 | addresses)
def test_longest_prefix(written: list[Network], address: IPv4Address | IPv6Address) -> None:
    """The table finds what walking over all networks finds."""
    table = NetworkTable((network, str(network)) for network in written)
    plain = ip_address(plain_address(address.packed))
    holding = {network for network in written if plain in network}
    expected = [str(n) for n in sorted(holding, key=lambda n: -n.prefixlen)]
    assert list(table.find_all(address.packed)) == expected
    assert table.find(address.packed) == (expected[0] if expected else None)


def test_mapped_networks_are_ipv4_networks() -> None:
    """A network written in mapped form holds the IPv4 clients it means."""
    mapped = ip_network("::ffff:10.20.0.0/112")
    assert plain_network(mapped) == IPv4Network("10.20.0.0/16")
    assert NetworkTable([(mapped, "here")]).find(packed("10.20.3.4")) == "here"
    wider = ip_network("::/0")
    assert plain_network(wider) == wider


@given(st.lists(networks(), max_size=8), near | near_v6 | addresses, st.data())
def test_what_is_around_a_network(
    written: list[Network], address: IPv4Address | IPv6Address, data: st.DataObject
) -> None:
    """Of what is known in part, only networks that hold all of it count."""
    bits = data.draw(st.integers(0, address.max_prefixlen))
    table = NetworkTable((network, str(network)) for network in written)
    known = ip_network(f"{address}/{bits}", strict=False)
    if known.version == 6 and known.network_address.ipv4_mapped is not None:
        return
    around = {
        n
        for n in written
        if n.version == known.version and n.supernet_of(known)  # type: ignore[arg-type]
    }
    expected = [str(n) for n in sorted(around, key=lambda n: -n.prefixlen)]
    found = table.find_around(known.network_address.packed, bits)
    assert found == (expected[0] if expected else None)


AT = 1_772_532_000.0
MORE = """
[devices.tablet]
client_ids = ["AA-BB-CC-DD-EE-01", "Front Desk"]
profile = "staff"
[devices.it-07]
hostnames = ["IT-SUITE-07"]
profile = "guests"
[devices.both]
addresses = ["10.20.3.90"]
hostnames = ["both"]
profile = "young"
"""
MAC = "aa:bb:cc:dd:ee:01"


def leased(*leases: Lease) -> Policy:
    return policy(MORE).with_leases(Leases(leases, AT))


def test_a_device_is_where_its_lease_is() -> None:
    """By host name, hardware address, DHCP client id; in the room that the address is in."""
    college = leased(
        Lease(packed("10.20.3.50"), "", "it-suite-07.college.example"),
        Lease(packed("10.20.1.51"), MAC, "anything"),
        Lease(packed("fd00:20::9"), "", "", "front desk"),
        Lease(packed("10.20.3.52"), "aa:bb:cc:dd:ee:02", "it-suite-08"),
    )
    found = [college.identify(packed(f"{a}")) for a in ("10.20.3.50", "10.20.1.51", "fd00:20::9")]
    assert found == [
        Client("ellesmere-port", "it-suite", "it-07", "guests"),
        Client("ellesmere-port", None, "tablet", "staff"),
        Client("ellesmere-port", None, "tablet", "staff"),
    ]
    assert college.identify(packed("10.20.3.52")).device is None
    assert college.hostname(packed("10.20.3.52")) == "it-suite-08"
    assert college.hostname(packed("10.20.3.53")) == ""


def test_a_machine_cannot_call_itself_another() -> None:
    """What is written for an address stands above its hardware address, that above its name."""
    college = leased(
        Lease(packed("10.20.3.7"), MAC, "it-suite-07"),  # the tutor's laptop, by its address
        Lease(packed("10.20.3.60"), MAC, "it-suite-07"),
        Lease(packed("10.20.3.90"), "", "it-suite-07"),
    )
    devices = [college.identify(packed(f"10.20.3.{n}")).device for n in (7, 60, 90)]
    assert devices == ["tutor-laptop", "tablet", "both"]


def test_leases_are_of_the_new_policy_alone() -> None:
    before = policy(MORE)
    after = before.with_leases(Leases([Lease(packed("10.20.3.50"), "", "it-suite-07")], AT))
    assert before.identify(packed("10.20.3.50")).device is None
    assert after.identify(packed("10.20.3.50")).device == "it-07"
    assert after.rulebook is before.rulebook and after.fingerprint == before.fingerprint


FORWARDER = packed("203.0.113.7")
"""At the partner's."""


@pytest.mark.parametrize(
    ("address", "bits", "client_id", "client"),
    [
        ("10.20.3.7", 32, "", Client("ellesmere-port", "it-suite", "tutor-laptop", "staff")),
        ("10.20.3.12", 32, "", Client("ellesmere-port", "it-suite", "loan-laptop", "learners",
                                      math.inf)),
        ("10.20.4.0", 24, "", Client("ellesmere-port", "youth-club", None, "young")),
        ("10.20.4.0", 23, "", Client("ellesmere-port", None, None, "learners")),
        ("fd00:20::", 64, "", Client("ellesmere-port", None, None, "learners")),
        # Nobody's: as the forwarder.
        ("192.168.1.5", 32, "", Client("partner", None, None, "guests")),
        ("10.0.0.0", 8, "", Client("partner", None, None, "guests")),
        ("", 0, "", Client("partner", None, None, "guests")),
        # A client id is above the address, in the place of the address.
        ("", 0, "FRONT desk", Client("partner", None, "tablet", "staff")),
        ("10.20.4.9", 32, MAC, Client("ellesmere-port", "youth-club", "tablet", "staff")),
        ("10.20.3.12", 32, MAC, Client("ellesmere-port", "it-suite", "tablet", "staff")),
        ("10.20.4.0", 24, "unheard of", Client("ellesmere-port", "youth-club", None, "young")),
        ("::ffff:10.20.3.7", 128, "", Client("ellesmere-port", "it-suite", "tutor-laptop",
                                             "staff")),
        ("::ffff:10.20.4.0", 120, "", Client("ellesmere-port", "youth-club", None, "young")),
    ],
)  # fmt: skip
def test_identify_behind_a_forwarder(
    address: str, bits: int, client_id: str, client: Client
) -> None:
    given = packed(address) if address else b""
    assert policy(MORE).identify_behind(FORWARDER, given, bits, client_id) == client


@given(st.binary(max_size=20), st.integers(0, 160), st.text(max_size=20))
def test_nothing_a_forwarder_says_raises(address: bytes, bits: int, client_id: str) -> None:
    assert policy(MORE).identify_behind(FORWARDER, address, bits, client_id).profile
