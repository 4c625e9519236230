"""What a forwarder says of its client; held against dnspython, and no octets may raise."""

from __future__ import annotations

from ipaddress import ip_address

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.wire import codes
from resolver.wire.introduction import (
    CLIENT_ID_OCTETS_MAX,
    Introduction,
    read_client_id,
    read_introduction,
)
from resolver.wire.query import QueryFault, iterate_options, scan_query


def options(*given: dns.edns.Option) -> bytes:
    query = dns.message.make_query("www.example.com", "A", use_edns=0, options=list(given))
    return scan_query(query.to_wire()).options


def subnet(octets: str) -> bytes:
    data = bytes.fromhex(octets)
    return b"\0\x08" + len(data).to_bytes(2) + data


@given(st.ip_addresses(), st.data())
def test_a_subnet_as_dnspython_writes_it(address: object, data: st.DataObject) -> None:
    text = str(address)
    bits = data.draw(st.integers(1, 128 if ":" in text else 32))
    option = dns.edns.ECSOption(text, bits)
    told = read_introduction(options(option), 0)
    assert told.bits == bits
    assert str(ip_address(told.address)) == str(ip_address(dns_address(option, len(told.address))))
    # RFC 7871 section 7.2.1: family, source and address as they were; the answer is for these.
    (echoed,) = iterate_options(told.echo)
    assert echoed[0] == codes.CLIENT_SUBNET
    assert echoed[1][:3] + b"\0" + echoed[1][4:] == iterate_options(options(option))[0][1]
    assert echoed[1][3] == bits


def dns_address(option: dns.edns.ECSOption, octets: int) -> bytes:
    return option.addrdata.ljust(octets, b"\0")


@pytest.mark.parametrize("octets", ["0001 00 00", "0002 00 00", "0000 00 00"])
def test_a_client_that_does_not_want_to_be_known(octets: str) -> None:
    """RFC 7871 section 7.1.2."""
    told = read_introduction(subnet(octets), 0)
    assert (told.address, told.bits) == (b"", 0)
    assert told.echo == subnet(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "0001 18",
        "0001 18 00 0a14",  # too few octets
        "0001 18 00 0a140305",  # too many
        "0001 17 00 0a1403",  # a bit behind the prefix
        "0001 21 00 0a14030500",  # longer than an address
        "0002 81 00" + "00" * 17,
        "0001 18 18 0a1403",  # a scope in a query
        "0003 08 00 0a",  # no such family
        "0000 08 00 0a",
        "0001 00 00 0a",
    ],
)
def test_a_malformed_subnet_is_a_format_error(octets: str) -> None:
    """RFC 7871 section 6."""
    with pytest.raises(QueryFault) as caught:
        read_introduction(subnet(octets), 0)
    assert (caught.value.what, caught.value.rcode) == ("client subnet", codes.FORMERR)


def test_two_subnets_are_a_format_error() -> None:
    with pytest.raises(QueryFault):
        read_introduction(subnet("0001 00 00") * 2, 0)


def test_a_client_id_is_read_from_its_option_alone() -> None:
    given = options(
        dns.edns.GenericOption(65073, b"aa:bb:cc:dd:ee:01"), dns.edns.GenericOption(10, b"cookie!!")
    )
    assert read_introduction(given, 0) == Introduction(others=given)
    told = read_introduction(given, 65073)
    assert told.client_id == "aa:bb:cc:dd:ee:01"
    assert iterate_options(told.others) == [(10, b"cookie!!")]


@pytest.mark.parametrize(
    ("code", "data", "text"),
    [
        (65074, b"Front Desk", "Front Desk"),
        (65073, b"qrvM3e4B", "qrvM3e4B"),
        (65001, bytes.fromhex("aabbccddee01"), "aa:bb:cc:dd:ee:01"),
        (65001, b"ABCDEF", "41:42:43:44:45:46"),
        (65074, b"\xff\x00", "ff:00"),
        (65074, b"\x1b[31m", "1b:5b:33:31:6d"),
        (65074, b"", ""),
        (65074, b"x" * (CLIENT_ID_OCTETS_MAX + 1), ""),
    ],
)
def test_client_ids_as_people_write_them(code: int, data: bytes, text: str) -> None:
    assert read_client_id(code, data) == text


@given(st.binary(max_size=64), st.sampled_from([0, 8, 10, 65001, 65073]))
def test_no_octets_raise_anything_else(octets: bytes, code: int) -> None:
    for given_octets in (octets, b"\0\x08" + len(octets).to_bytes(2) + octets):
        try:
            told = read_introduction(given_octets, code)
        except QueryFault as fault:
            assert fault.rcode == codes.FORMERR
            continue
        assert len(told.address) in (0, 4, 16) and told.bits <= 8 * len(told.address)
        assert told.client_id.isprintable()
