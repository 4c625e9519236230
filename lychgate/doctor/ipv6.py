"""Ways around the filter by IPv6: routers announce resolvers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from lychgate.doctor import Finding, Patient
from lychgate.machine import RESOLV_CONF, SYSTEMD_RESOLV_CONF, binds_of, read_resolvers
from resolver.upstream.routes import has_ipv6_route

LOOKS_FOR = "IPv6 at the venue whose router hands out another resolver (RFC 8106), past the filter."
SOURCES: Final[tuple[Path, ...]] = (RESOLV_CONF, SYSTEMD_RESOLV_CONF)
_MEND: Final = (
    "in the router: turn RDNSS in router advertisements off, or put this machine's address there",
    "from a device: resolvectl dns, or ipconfig /all; no resolver but this machine may be there",
    "rdisc6 eth0   # shows what routers announce (apt-get install ndisc6)",
)


def check(patient: Patient) -> Iterator[Finding]:
    """What this machine was told by IPv6, and whether we listen there."""
    if patient.configuration is None:
        return
    listening = binds_of(patient.configuration.server)
    ours = {ip_address(bind.host) for bind in listening}
    announced = {
        address
        for path in SOURCES
        for endpoint in read_resolvers(path)
        if (address := ip_address(endpoint.host.partition("%")[0])).version == 6
        and not address.is_loopback
        and address not in ours
    }
    why = "devices ask that one first, and are not filtered"
    if announced:
        shown = ", ".join(sorted(map(str, announced)))
        yield Finding(
            "warning", f"this network hands out other resolvers by IPv6: {shown}", why, _MEND
        )
    by_ipv6 = any(":" in bind.host and not bind.host.startswith("::1") for bind in listening)
    if has_ipv6_route() and not by_ipv6:
        yield Finding(
            "warning",
            "this network has IPv6, and Lychgate does not listen on it",
            "routers announce a resolver by IPv6 beside the one of DHCP",
            (f'add "[::]:53" to server.listen in {patient.configuration.name}', *_MEND[:2]),
        )
    elif not announced:
        yield Finding("good", "no other resolver is announced by IPv6 to this machine")
