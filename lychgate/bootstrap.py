"""Find the addresses of list publishers by asking upstreams directly.

Where this machine's DNS is this very resolver, fetching must not depend on it: it may not be
running yet, or may block the name that is wanted. Each upstream is asked as `lychgate query` asks:
over UDP, and over TCP when the answer was cut; one that is reached over TLS, over TLS alone.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import Final

from categoriser.names import NameFault, from_text, to_text
from lychgate.asking import Answered, NoAnswer, ask_upstream
from lychgate.questions import read_type
from resolver.upstream.transports import Endpoint

SERVERS_MAX: Final = 4
"""So many servers are asked in turn; each has the time that `lychgate.asking` gives it."""
ALIASES_MAX: Final = 16

_FINAL: Final = frozenset({"NOERROR", "NXDOMAIN"})


def resolver_of(endpoints: Sequence[Endpoint]) -> Callable[[str], Sequence[str]]:
    """What asks `endpoints` for the IPv4 and IPv6 addresses of a host, the first that knows.

    It gives the two kinds by turns (a machine with only one of them has no long run of the other to
    fail on first). A name they do not know may be one of this network alone: then the machine's own
    resolver is asked, which has a hosts file and our conditional forwards. It raises OSError when
    nobody could tell.
    """

    def resolve(host: str) -> Sequence[str]:
        try:
            name = from_text(host)
        except NameFault as fault:
            raise OSError(f"{host[:80]!r}: not a host name: {fault}") from None
        troubles = []
        for endpoint in endpoints[:SERVERS_MAX]:
            try:
                ipv4, ipv6 = (_addresses(endpoint, name, word) for word in ("A", "AAAA"))
            except NoAnswer as trouble:
                troubles.append(str(trouble))
                continue
            both = chain.from_iterable(zip_longest(ipv4, ipv6))
            found = tuple(address for address in both if address is not None)
            return found or _machine(host)
        if not endpoints:
            return _machine(host)
        raise OSError("; ".join(troubles))

    return resolve


def _addresses(endpoint: Endpoint, name: bytes, word: str) -> list[str]:
    """Raises `NoAnswer` when this server does not know either way."""
    answered = ask_upstream(endpoint, name, read_type(word))
    if answered.rcode not in _FINAL:
        raise NoAnswer(f"{endpoint.uri}: answered {answered.rcode}")
    return _followed(answered, name, word)


def _followed(answered: Answered, name: bytes, word: str) -> list[str]:
    """Data of the type `word` at the end of the aliases that begin at `name`; other records that a
    server puts into its answer count for nothing."""
    owner = to_text(name.lower())
    aliases = {
        of.lower(): data.lower().rstrip(".")
        for of, _, kind, data in answered.records
        if kind == "CNAME"
    }
    for _ in range(ALIASES_MAX):
        if owner not in aliases:
            break
        owner = aliases[owner]  # oddly spelled ones match no owner; hosts are not spelled oddly
    return [data for of, _, kind, data in answered.records if kind == word and of.lower() == owner]


def _machine(host: str) -> tuple[str, ...]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(str(entry[4][0]) for entry in entries)
