"""Whether devices at the venue are told to ask us, which nobody can see from here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lychgate.doctor import Finding, Patient
from lychgate.doctor.resolver_state import page

LOOKS_FOR = (
    "Devices that do not ask us: DHCP that hands out another resolver. Only you can look there."
)
_QUERIES: Final = re.compile(r"lychgate_queries_total(?:\{[^}]*\})? ([0-9.e+]+)")
_CLIENTS: Final = re.compile(r"lychgate_client_addresses(?:\{[^}]*\})? ([0-9.e+]+)")
_TRY: Final = (
    "on a device at the venue: nslookup bet365.com   # it must name this machine, and find nothing",
    "there: ipconfig /all (Windows) or resolvectl (Linux) shows the resolvers it was given",
    "lychgate dhcp   # the lines for common routers",
)


def check(patient: Patient) -> Iterator[Finding]:
    """How many addresses have asked, as far as the resolver tells."""
    if patient.configuration is None:
        return
    said = page(patient.configuration, "/metrics")
    if said is None:
        return  # told by another check
    text = "\n".join(said[1])
    queries = sum(float(found) for found in _QUERIES.findall(text))
    clients = sum(float(found) for found in _CLIENTS.findall(text))
    if clients <= 2:
        yield Finding(
            "note",
            f"{clients:.0f} addresses have asked so far, {queries:,.0f} queries",
            "if there are devices at the venue now, they ask somebody else and are not filtered",
            _TRY,
        )
    else:
        yield Finding("good", f"{clients:.0f} addresses ask, {queries:,.0f} queries so far")
