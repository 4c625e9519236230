"""The resolvers that we ask: do they answer, as themselves, and truly?"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from categoriser.names import from_text
from lychgate.asking import NoAnswer, ask_upstream
from lychgate.composition import routes_of
from lychgate.doctor import Finding, Patient
from lychgate.faults import ConfigurationFault
from lychgate.machine import binds_of
from resolver.snapshot import DEFAULT_ROUTE
from resolver.upstream.transports import Endpoint
from resolver.wire import codes

LOOKS_FOR = (
    "Upstreams that are dead, not who they should be, or lie: answers for names that do not exist, "
    "and a network that catches all DNS on its way."
)
NAME: Final = "www.gov.uk"
UPSTREAMS_MAX: Final = 16
NOBODY: Final = Endpoint("udp", "192.0.2.53", 53)
"""An address of documentation (RFC 5737): whoever answers from there stands in between."""
_CHOOSE: Final = "lychgate upstreams   # choose others, as in upstream.preset"


def check(patient: Patient) -> Iterator[Finding]:
    """Ask each of them three questions."""
    configuration = patient.configuration
    if configuration is None:
        return
    try:
        routes = routes_of(configuration, binds_of(configuration.server))
    except ConfigurationFault as fault:
        yield from (
            Finding("fault", line, "nobody can be asked", (_CHOOSE,)) for line in fault.faults
        )
        return
    servers = routes[DEFAULT_ROUTE][:UPSTREAMS_MAX]
    dead = 0
    for server in servers:
        try:
            found = ask_upstream(server, from_text(NAME), codes.A)
        except NoAnswer as fault:
            dead += 1
            yield _dead(server, str(fault))
            continue
        if found.rcode != "NOERROR":
            dead += 1
            yield _dead(server, f"it answers {found.rcode} for {NAME}")
            continue
        yield Finding("good", f"{server.uri}: answers in {found.seconds * 1000:.0f} ms")
        yield from _liar(server)
    if servers and dead == len(servers):
        yield Finding(
            "fault",
            "no upstream answers",
            "nothing but blocked names and what is still remembered is answered",
            (_CHOOSE, "ping -c 3 9.9.9.9   # is there a way to the internet at all?"),
        )
    if any(_is_public(server) and server.scheme != "tls" for server in servers):
        yield from _interception()


def _dead(server: Endpoint, why: str) -> Finding:
    mend = {
        "certificate": "see the clock, the name after # and ca-certificates: lychgate doctor clock",
        "handshake": "let TCP port 853 through the firewall, or choose another upstream",
    }
    hint = next((text for word, text in mend.items() if f" {word}: " in why), _CHOOSE)
    return Finding("warning", f"{server.uri}: {why}", "the others have to carry all", (hint,))


def _liar(server: Endpoint) -> Iterator[Finding]:
    """A name that nobody has: `.invalid` never exists (RFC 6761), a random `.com` hardly."""
    for ending in ("invalid", "com"):
        name = f"lychgate-{secrets.token_hex(12)}.{ending}"
        try:
            found = ask_upstream(server, from_text(name), codes.A)
        except NoAnswer:
            continue
        if found.rcode == "NOERROR" and found.records:
            yield Finding(
                "warning",
                f"{server.uri}: says that {name} is at {found.records[-1][3]}; nobody has it",
                "typing errors lead to somebody's advertising, and mail goes astray",
                (_CHOOSE,),
            )
            return


def _interception() -> Iterator[Finding]:
    try:
        found = ask_upstream(NOBODY, from_text(NAME), codes.A)
    except NoAnswer:
        return
    yield Finding(
        "warning",
        f"somebody answered ({found.rcode}) in place of {NOBODY.host}, where nobody is",
        "your network catches DNS on its way: whom you ask is not who answers",
        (
            "ask your provider, or whoever runs the router, to let DNS of this machine through",
            "lychgate upstreams   # a preset with tls:// cannot be caught unnoticed",
        ),
    )


def _is_public(server: Endpoint) -> bool:
    return ip_address(server.host).is_global
