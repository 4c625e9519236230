"""Passes: who went on past which warning, and until when.

Not a decision of the organisation but what a learner makes of one: a warning may be passed for some
minutes. So passes stand apart from all else in a policy, change often, and a policy with others is
made without building anything anew (`Policy.with_passes`). An address that is no known device's is
a device for as long as its pass lasts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from typing import Final

from publicsuffixlist import PublicSuffixList

from policy.networks import plain_address
from policy.patterns import read_pattern
from policy.reading import Table
from policy.types import Client, Pass

WARN_MINUTES_MAX: Final = 480
"""A working day: whoever needs a site for longer asks for an exception."""

DEVICE: Final = "device:"


class Passes:
    """All passes of one policy, by whom they are for. Immutable."""

    __slots__ = ("_by_who",)

    def __init__(self, passes: Iterable[Pass] = ()) -> None:
        by_who: dict[str | bytes, tuple[Pass, ...]] = {}
        for each in passes:
            key = _key(each.who)
            by_who[key] = (*by_who.get(key, ()), each)
        self._by_who = by_who

    def held_by(self, client: Client, packed_address: bytes) -> Client:
        """The client with its passes; the very same one when it has none. The address has 4 or 16
        octets; empty when it is not known.
        """
        if not self._by_who:
            return client
        mine: tuple[Pass, ...] = ()
        if client.device is not None:
            mine = self._by_who.get(f"{DEVICE}{client.device}", ())
        elif packed_address:
            mine = self._by_who.get(plain_address(packed_address), ())
        return replace(client, passes=mine) if mine else client

    def concerned(self, other: Passes) -> frozenset[str | bytes]:
        """Whose passes differ: `device:D`, or packed addresses (IPv4 as four octets)."""
        mine, others = self._by_who, other._by_who
        return frozenset(
            who for who in mine.keys() | others.keys() if mine.get(who) != others.get(who)
        )

    def __len__(self) -> int:
        return sum(len(passes) for passes in self._by_who.values())


NO_PASSES: Final = Passes()


def read_passes(document: Table) -> Passes:
    """Passes of a raw document as a resolver reads it from the store; faults are noted.

    A device that is no longer there is no fault: nothing is opened for anybody by its pass.
    """
    found = []
    for _, table in document.tables("passes"):
        table.number("id")
        who, text, until = table.text("who"), table.text("site"), table.seconds("until")
        site = read_pattern(table.faults, table.at("site"), text, wildcards=False)
        if not who.startswith(DEVICE) and not _is_address(who):
            table.faults.add(table.at("who"), f"{who[:60]!r} is nobody", "allowed: an address")
        elif site is not None:
            found.append(Pass(site, who, until))
        table.finish()
    return Passes(found)


def site_of(name: str) -> str:
    """The site that a name is a part of, as a pattern: what somebody registered, with all below it,
    since no page comes from one name alone; of a name that the public registers below, it alone.
    """
    registered = _suffixes().privatesuffix(name)
    return f"={name}" if registered is None else str(registered)


@cache
def _suffixes() -> PublicSuffixList:
    """With those of hosting companies: two sites of one host are two sites."""
    return PublicSuffixList()


def _key(who: str) -> str | bytes:
    return who if who.startswith(DEVICE) else plain_address(ip_address(who).packed)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
