"""Which addresses lists may be fetched from."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as some

from blocklists.addresses import (
    ADDRESSES_MAX,
    AddressFault,
    find_addresses,
    read_address,
    refusal,
)

HOME = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.0.0.0", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("224.0.0.251", "multicast"),
        ("10.0.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("100.64.0.1", "not public"),
        ("255.255.255.255", "private"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("ff0e::1", "multicast"),
        ("fd00::1", "private"),
        ("2001:db8::1", "private"),
        ("::ffff:127.0.0.1", "loopback"),  # mapped
        ("::10.0.0.1", "private"),  # compatible
        ("2002:0a00:0001::1", "private"),  # 6to4
        ("64:ff9b::169.254.169.254", "link-local"),  # NAT64
    ],
)
def test_addresses_inside_are_refused(text: str, reason: str) -> None:
    assert refusal(ip_address(text), ()) == reason


@pytest.mark.parametrize(
    "text",
    [
        "9.9.9.9",
        "172.32.0.1",
        "2620:fe::fe",
        "::ffff:9.9.9.9",
        "64:ff9b::9.9.9.9",
        "2002:909:909::",
    ],
)
def test_public_addresses_are_not(text: str) -> None:
    assert refusal(ip_address(text), ()) == ""


@pytest.mark.parametrize("text", ["10.20.3.4", "::ffff:10.20.3.4", "fd12::1"])
def test_allowed_networks_are_open(text: str) -> None:
    assert refusal(ip_address(text), HOME) == ""
    assert refusal(ip_address("10.21.0.1"), HOME) == "private"


@given(some.ip_addresses(v=4))
def test_no_wrapping_opens_what_is_closed(address: object) -> None:
    inner = ip_address(str(address))
    number = int(inner)
    for wrapped in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert refusal(ip_address(wrapped.to_bytes(16, "big")), ()) == refusal(inner, ())


def test_addresses_are_found_once_each_and_only_good_ones() -> None:
    given = ["9.9.9.9", "10.0.0.1", "9.9.9.9", "2620:fe::fe", "rubbish", "fe80::1%eth0"]
    assert find_addresses("dns.example", lambda host: given, ()) == ("9.9.9.9", "2620:fe::fe")


def test_their_number_is_bounded() -> None:
    many = [f"9.9.9.{number}" for number in range(100)]
    assert len(find_addresses("dns.example", lambda host: many, ())) == ADDRESSES_MAX


def test_an_address_written_out_is_not_looked_up() -> None:
    def never(host: str) -> list[str]:
        raise AssertionError(host)

    assert find_addresses("9.9.9.9", never, ()) == ("9.9.9.9",)
    with pytest.raises(AddressFault, match="use public addresses") as caught:
        find_addresses("10.0.0.1", never, ())
    assert not caught.value.retryable


def test_a_name_without_addresses() -> None:
    with pytest.raises(AddressFault, match="dns.example: has no address") as caught:
        find_addresses("dns.example", lambda host: [], ())
    assert caught.value.retryable


def test_the_machine_reads_old_spellings_of_loopback_and_they_are_refused() -> None:
    with pytest.raises(AddressFault, match="loopback"):
        find_addresses("0x7f.1", None, ())


@pytest.mark.parametrize("text", ["", "lists.example", "10.0.0", "fe80::1%eth0", "[::1]"])
def test_what_is_no_address(text: str) -> None:
    assert read_address(text) is None
