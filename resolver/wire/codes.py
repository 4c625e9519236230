"""Numbers of the DNS protocol that this resolver handles by name (IANA DNS parameters).

Only numbers that code here decides on are listed; every other type passes through untouched.
"""

from typing import Final

# Record types.
A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
PTR: Final = 12
HINFO: Final = 13
TXT: Final = 16
AAAA: Final = 28
DNAME: Final = 39
OPT: Final = 41
SVCB: Final = 64
HTTPS: Final = 65
IXFR: Final = 251
AXFR: Final = 252
MAILB: Final = 253
MAILA: Final = 254
ANY: Final = 255

TYPE_NAMES: Final = {
    A: "A",
    NS: "NS",
    CNAME: "CNAME",
    SOA: "SOA",
    PTR: "PTR",
    HINFO: "HINFO",
    15: "MX",
    TXT: "TXT",
    AAAA: "AAAA",
    33: "SRV",
    DNAME: "DNAME",
    SVCB: "SVCB",
    HTTPS: "HTTPS",
    ANY: "ANY",
}
TYPE_NUMBERS: Final = {word: number for number, word in TYPE_NAMES.items()}

IN: Final = 1

# Response codes (RFC 1035 4.1.1, RFC 6891 9).
NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
BADVERS: Final = 16

RCODE_NAMES: Final = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    BADVERS: "BADVERS",
}

# Header flags, as bits of the 16-bit word after the ID.
QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010

# EDNS options (RFC 6891, RFC 7828, RFC 7871, RFC 8914).
CLIENT_SUBNET: Final = 8
TCP_KEEPALIVE: Final = 11
EXTENDED_ERROR: Final = 15
LOCAL_USE: Final = range(65001, 65535)
"""Options that each network may use as it likes (RFC 6891 section 9)."""
HARDWARE_ADDRESS: Final = 65001
"""Of those, what dnsmasq uses for a hardware address in octets."""

# Extended DNS Error codes (RFC 8914 section 4).
EDE_STALE_ANSWER: Final = 3
EDE_FORGED_ANSWER: Final = 4
EDE_BLOCKED: Final = 15
EDE_CENSORED: Final = 16
EDE_PROHIBITED: Final = 18
EDE_STALE_NXDOMAIN: Final = 19
EDE_NOT_SUPPORTED: Final = 21
EDE_NO_REACHABLE_AUTHORITY: Final = 22
EDE_NETWORK_ERROR: Final = 23

UDP_SIZE_OCTETS: Final = 1232
"""What we advertise and never exceed over UDP: no fragments (DNS flag day 2020)."""
PLAIN_UDP_SIZE_OCTETS: Final = 512
"""The limit for a client without EDNS (RFC 1035 section 4.2.1)."""
