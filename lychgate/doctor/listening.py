"""Who has the addresses that Lychgate is to listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from lychgate.doctor import Finding, Patient
from lychgate.doctor.resolver_state import page
from lychgate.kinds import write_bind
from lychgate.machine import binds_of, check_listening
from lychgate.occupied import who_listens
from resolver.listeners import ListenFault

LOOKS_FOR = "Another program on port 53, or an address that this machine does not have."


def check(patient: Patient) -> Iterator[Finding]:
    """Ours, somebody else's, or free."""
    configuration = patient.configuration
    if configuration is None:
        return
    binds = binds_of(configuration.server)
    runs = page(configuration, "/healthz") is not None
    for bind in binds:
        found = who_listens(bind, socket.SOCK_DGRAM)
        if found.name == "lychgate" or (runs and found.address and not found.name):
            yield Finding("good", f"{write_bind(bind)}: a resolver of ours listens")
            continue
        try:
            check_listening([bind], None)
        except ListenFault as fault:
            what, *mend = str(fault).splitlines()
            why = "Lychgate cannot start, or this address is answered unfiltered by somebody else"
            yield Finding("fault", what, why, tuple(line.strip() for line in mend))
            continue
        yield Finding("note", f"{write_bind(bind)}: free; nobody listens")
    if all(bind.host.startswith(("127.", "::1")) for bind in binds):
        yield Finding(
            "warning",
            "server.listen has loopback addresses only",
            "other devices at the venue cannot ask",
            (f'set server.listen = ["0.0.0.0:53", "[::]:53"] in {configuration.name}',),
        )
