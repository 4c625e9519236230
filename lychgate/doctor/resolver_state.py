"""Whether the resolver runs, and what it says of itself."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Final

from lychgate.config import Configuration
from lychgate.doctor import Finding, Patient
from lychgate.kinds import write_bind
from resolver.listeners import Bind

LOOKS_FOR = "A resolver that does not run, is not ready, or goes on with an older policy; and why."
SECONDS_MAX: Final = 2.0
_LINES_MAX: Final = 20
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_START: Final = "systemctl restart lychgate-resolver && journalctl -u lychgate-resolver -n 50"


def check(patient: Patient) -> Iterator[Finding]:
    """Ask `/readyz`."""
    configuration = patient.configuration
    if configuration is None:
        return
    said = page(configuration, "/readyz")
    if configuration.metrics.listen is None:
        yield Finding(
            "note",
            "metrics.listen is off, so nobody can ask the resolver how it does",
            "monitoring and this command know less",
            (f'set metrics.listen = "127.0.0.1:9353" in {configuration.name}',),
        )
    elif said is None:
        yield Finding(
            "fault",
            f"no resolver says how it does on {write_bind(configuration.metrics.listen)}",
            "when it does not run, nobody at the venue can open any page",
            (_START, f"lychgate check-config{patient.file}"),
        )
    else:
        code, lines = said
        if code != 200:
            yield Finding(
                "fault",
                "the resolver says that it is not ready",
                "it answers under an old policy, or not at all",
                (_START,),
            )
        for line in lines[2:_LINES_MAX]:
            yield Finding(
                "warning", f"the resolver says: {line}", "it goes on with what it had before"
            )
        if code == 200 and not lines[2:]:
            yield Finding("good", "the resolver is ready")


def why_not_ready(configuration: Configuration) -> str:
    """Why the resolver is not ready under the policy as it is now; nothing: it is."""
    said = page(configuration, "/readyz")
    if said is None:
        return "the resolver does not answer /readyz"
    code, lines = said
    return "" if code == 200 else "; ".join(["the resolver is not ready", *lines[2:_LINES_MAX]])


def page(configuration: Configuration, path: str) -> tuple[int, list[str]] | None:
    """The status and lines of a status page; None when there is none."""
    bind = configuration.metrics.listen
    if bind is None:
        return None
    near = Bind(_EVERYWHERE.get(bind.host, bind.host), bind.port)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{write_bind(near)}{path}", timeout=SECONDS_MAX) as found:
            return found.status, found.read(1 << 22).decode(errors="replace").splitlines()
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read(1 << 16).decode(errors="replace").splitlines()
    except (OSError, ValueError):
        return None
