"""Lease files as the servers write them."""

from __future__ import annotations

import math
from ipaddress import ip_address

from policy.leases import Lease, Malformed, read

NEVER = math.inf
GONE = -math.inf


def leases(word: str, text: str) -> list[tuple[str, str, str, str, float] | int]:
    """Leases with readable addresses; the line of what is malformed."""
    return [
        item.line if isinstance(item, Malformed) else (str(ip_address(item.address)), *item[1:])
        for item in read(text.splitlines(keepends=True), word)
    ]


def test_dnsmasq() -> None:
    text = """\
1772535600 aa:bb:cc:dd:ee:01 10.20.3.40 IT-SUITE-07 01:aa:bb:cc:dd:ee:01
0 06-aa:bb:cc:dd:ee:02 10.20.3.41 * *
1772535600 aa:bb:cc:dd:ee:03 10.20.3.42 evil\x1b[31m ff:01
not a lease
1772535600 aa:bb:cc:dd:ee:04 10.20.3.999 x *
\u0661\u0662 aa:bb:cc:dd:ee:04 10.20.3.43 x *

duid 00:01:00:01:2c:aa:bb:cc:aa:bb:cc:dd:ee:00
1772535600 T12345 fd00:20::40 IT-SUITE-07 00:01:00:01:11:22
"""
    assert leases("dnsmasq", text) == [
        ("10.20.3.40", "aa:bb:cc:dd:ee:01", "IT-SUITE-07", "01:aa:bb:cc:dd:ee:01", 1772535600.0),
        ("10.20.3.41", "aa:bb:cc:dd:ee:02", "", "", NEVER),
        ("10.20.3.42", "aa:bb:cc:dd:ee:03", "", "ff:01", 1772535600.0),
        4,
        5,
        6,
        ("fd00:20::40", "", "IT-SUITE-07", "00:01:00:01:11:22", 1772535600.0),
    ]


def test_kea_version_4() -> None:
    text = """\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.20.3.40,aa:bb:cc:dd:ee:01,01:aa:bb:cc:dd:ee:01,3600,1772535600,1,1,1,it-suite-07.college.example.,0,,0
10.20.3.41,aa:bb:cc:dd:ee:02,,4294967295,5067499295,1,0,0,forever,0,{ "a": 1&#x2c "b": 2 },0
10.20.3.42,aa:bb:cc:dd:ee:03,,3600,1772535600,1,0,0,a&#x2cb,0,,0
10.20.3.43,aa:bb:cc:dd:ee:04,,3600,1772535600,1,0,0,declined,1,,0
10.20.3.40,aa:bb:cc:dd:ee:01,,0,1772535600,1,1,1,deleted,0,,0
10.20.3.44,aa:bb:cc:dd:ee:05
10.20.3.45,aa:bb:cc:dd:ee:06,,soon,1772535600,1,0,0,x,0,,0
"""
    assert leases("kea", text) == [
        ("10.20.3.40", "aa:bb:cc:dd:ee:01", "it-suite-07.college.example", "01:aa:bb:cc:dd:ee:01",
         1772535600.0),
        ("10.20.3.41", "aa:bb:cc:dd:ee:02", "forever", "", NEVER),
        ("10.20.3.42", "aa:bb:cc:dd:ee:03", "", "", 1772535600.0),
        ("10.20.3.43", "aa:bb:cc:dd:ee:04", "declined", "", GONE),
        ("10.20.3.40", "aa:bb:cc:dd:ee:01", "deleted", "", GONE),
        7,
        8,
    ]  # fmt: skip


def test_kea_version_6() -> None:
    text = """\
address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state
fd00:20::40,00:01:00:01:11:22,3600,1772535600,1,1800,0,7,128,1,1,tablet,aa:bb:cc:dd:ee:01,0
fd00:20:1::,00:01:00:01:11:22,3600,1772535600,1,1800,2,7,56,0,0,,,0
"""
    assert leases("kea", text) == [
        ("fd00:20::40", "aa:bb:cc:dd:ee:01", "tablet", "00:01:00:01:11:22", 1772535600.0)
    ]


def test_kea_without_a_header_says_so() -> None:
    assert leases("kea", "10.20.3.40,aa:bb:cc:dd:ee:01,,3600,1772535600,1,1,1,x,0\n") == [1]
    assert leases("kea", "address,hwaddr\n10.20.3.40,aa:bb:cc:dd:ee:01\n") == [2]


def test_isc() -> None:
    text = r"""
# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
server-duid "\000\001\000\001";
failover peer "p" state {
  my state normal at 4 2026/03/05 12:00:00;
}
lease 10.20.3.40 {
  starts 4 2026/03/05 11:00:00;
  ends 4 2026/03/05 12:00:00;
  cltt 4 2026/03/05 11:00:00;
  binding state active;
  next binding state free;
  hardware ethernet aa:bb:cc:dd:ee:01;
  uid "\001\252\273\"\\";
  set vendor-class-identifier = "MSFT 5.0 {";
  client-hostname "IT-SUITE-07";
}
lease 10.20.3.41 {
  ends never;
  hardware ethernet aa:bb:cc:dd:ee:02;
  client-hostname "evil\033[31m";
}
lease 10.20.3.42 {
  ends epoch 1772712000; # Thu Mar  5 12:00:00 2026
  binding state free;
}
lease 10.20.3.43 {
  ends 4 2026/02/31 12:00:00;
}
lease elsewhere {
}
lease 10.20.3.44 {
  binding state active;
lease 10.20.3.45 {
  uid 01:aa:bb;
}
lease 10.20.3.46 {
"""
    assert leases("isc", text) == [
        ("10.20.3.40", "aa:bb:cc:dd:ee:01", "IT-SUITE-07", "01:aa:bb:22:5c", 1772712000.0),
        ("10.20.3.41", "aa:bb:cc:dd:ee:02", "", "", NEVER),
        ("10.20.3.42", "", "", "", GONE),
        28,
        31,
        33,
        ("10.20.3.45", "", "", "01:aa:bb", NEVER),
    ]


def test_isc_version_6() -> None:
    text = r"""
ia-na "\001\000\000\000\000\001\000\001\021\042" {
  cltt 4 2026/03/05 11:00:00;
  iaaddr fd00:20::40 {
    binding state active;
    ends 4 2026/03/05 12:00:00;
  }
}
ia-pd "\001\000\000\000\000\001" {
  iaprefix fd00:20:1::/56 {
    binding state active;
  }
}
"""
    assert leases("isc", text) == [("fd00:20::40", "", "", "00:01:00:01:11:22", 1772712000.0)]


def test_a_lease_of_today_reads_the_same_from_all() -> None:
    """The three servers' words for one machine."""
    one = Lease(ip_address("10.0.0.9").packed, "aa:bb:cc:dd:ee:01", "PC", "", 1772712000.0)
    files = {
        "dnsmasq": "1772712000 aa:bb:cc:dd:ee:01 10.0.0.9 PC *",
        "kea": "address,hwaddr,valid_lifetime,expire,hostname\n"
        "10.0.0.9,AA:BB:CC:DD:EE:01,60,1772712000,PC",
        "isc": "lease 10.0.0.9 {\n ends 4 2026/03/05 12:00:00;\n"
        ' hardware ethernet aa:bb:cc:dd:ee:01;\n client-hostname "PC";\n}',
    }
    assert all(list(read(text.split("\n"), word)) == [one] for word, text in files.items())
