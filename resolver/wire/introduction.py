"""What a forwarder says of the client that it asks for: EDNS client subnet, and a client id.

Only for queries of trusted forwarders: anybody can write anything into these options. Nothing read
here ever goes upstream. Pure.
"""

from struct import Struct as Layout
from typing import Final

from msgspec import Struct

from resolver.wire import codes
from resolver.wire.query import QueryFault, iterate_options

CLIENT_ID_OCTETS_MAX: Final = 130
"""A longer client id is none: a DUID has at most 130 (RFC 8415 section 11.1), a hardware address
6 or 8."""
_SUBNET: Final = Layout(">HBB").unpack_from
_OPTION: Final = Layout(">HH").pack
_ADDRESS_OCTETS: Final = {1: 4, 2: 16}
"""Of the families of addresses: IPv4 and IPv6."""


class Introduction(Struct, frozen=True, gc=False):
    """One client, as its forwarder described it. Equal ones are the same client."""

    address: bytes = b""
    """4 or 16 octets, zero behind the known bits; empty when no address was given."""
    bits: int = 0
    """How many of them are known: 32 or 128 for one machine, fewer for its network."""
    client_id: str = ""
    echo: bytes = b""
    """The option that the answer must have (RFC 7871 section 7.2.2)."""
    others: bytes = b""
    """All other options of the query."""


def read_introduction(options: bytes, client_id_option: int) -> Introduction:
    """Read the options of a query; `client_id_option` is a code, 0 for none.

    Raises `QueryFault` for a subnet that RFC 7871 section 6 wants answered with FORMERR.
    """
    address, bits, client_id, echo, others = b"", 0, "", b"", b""
    for code, data in iterate_options(options):
        if code == codes.CLIENT_SUBNET:
            if echo:
                raise QueryFault("client subnet", codes.FORMERR)
            address, bits = _read_subnet(data)
            # The scope says for whom the answer is meant, and a forwarder with a cache goes by it:
            # with 0 it would give one client's answer to all. So it is the whole of the source.
            echo = _OPTION(code, len(data)) + data[:3] + data[2:3] + data[4:]
        elif code == client_id_option and code:
            client_id = read_client_id(code, data)
        else:
            others += _OPTION(code, len(data)) + data
    return Introduction(address, bits, client_id, echo, others)


def _read_subnet(data: bytes) -> tuple[bytes, int]:
    """Address and known bits; RFC 7871 section 6."""
    if len(data) < 4:
        raise QueryFault("client subnet", codes.FORMERR)
    family, bits, scope = _SUBNET(data)
    given = data[4:]
    octets = _ADDRESS_OCTETS.get(family, 0)
    spare = -bits % 8
    if (
        bits > octets * 8
        or scope
        or len(given) != (bits + 7) // 8
        or (spare and given[-1] & (1 << spare) - 1)
    ):
        raise QueryFault("client subnet", codes.FORMERR)
    if not bits:  # The client does not want to be known: it is answered like the forwarder itself.
        return b"", 0
    return given.ljust(octets, b"\0"), bits


def read_client_id(code: int, data: bytes) -> str:
    """The client id in an option, as policy writes it; empty when it is none.

    Octets that are no text are written in hexadecimal with colons. Those of option 65001, where
    dnsmasq puts a hardware address (`--add-mac`), always are: one may look like text.
    """
    if len(data) > CLIENT_ID_OCTETS_MAX:
        return ""
    text = data.decode("ascii", "replace").strip()
    return text if code != codes.HARDWARE_ADDRESS and _is_text(text) else data.hex(":")


def _is_text(text: str) -> bool:
    return text.isascii() and text.isprintable()
