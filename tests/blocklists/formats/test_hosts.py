"""Hosts files, with the odd lines of real lists."""

from __future__ import annotations

import pytest

from blocklists.entries import ADDRESS, NOT_A_NAME, NOT_A_SINK
from tests.blocklists.formats.answers import answers


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("0.0.0.0 bet365.com", ["bet365.com"]),
        ("0.0.0.0 BET365.com\r", ["bet365.com"]),
        ("  0.0.0.0   bet365.com  ", ["bet365.com"]),
        ("127.0.0.1\tBet365.com.  # brand", ["bet365.com"]),
        ("127.0.0.7 p19-sign.tiktokcdn-us.com", ["p19-sign.tiktokcdn-us.com"]),
        ("::1 bet365.com", ["bet365.com"]),
        (":: a.com b.com", ["a.com", "b.com"]),
        ("0.0.0.0 s213490.florenfile.com:183", ["s213490.florenfile.com"]),
        ("0.0.0.0 xxxhindi.to en", ["xxxhindi.to", "en"]),
        ("0.0.0.0 sportfogadás.com", ["xn--sportfogads-t7a.com"]),
        ("0.0.0.0 0.0.0.0", []),
        ("127.0.0.1 localhost localhost.localdomain", []),
        ("127.0.0.1 localhost.localdomain", []),
        ("255.255.255.255 broadcasthost", []),
        ("fe80::1%lo0 localhost", []),
        ("ff02::1 ip6-allnodes", []),
        ("192.0.2.1 bet365.com", [NOT_A_SINK]),
        ("bet365.com", [NOT_A_NAME]),
        ("0.0.0.0", []),
        ("0.0.0.0 159.89.198.98", [ADDRESS]),
        ("0.0.0.0 bad name\x00", ["bad", NOT_A_NAME]),
        (f"0.0.0.0 {'a.' * 126}com", [NOT_A_NAME]),
        ("# 0.0.0.0 bet365.com", []),
        ("", []),
    ],
)
def test_hosts(line: str, result: list[str]) -> None:
    assert answers("hosts", line) == result
