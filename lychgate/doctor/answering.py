"""Whether a client gets answers: questions as any device asks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from categoriser.names import from_text
from lychgate.asking import Answered, NoAnswer, ask
from lychgate.doctor import Finding, Patient
from lychgate.explaining import explain
from lychgate.kinds import write_bind
from resolver.setup import SnapshotFault
from resolver.wire import codes

LOOKS_FOR = (
    "A resolver that gives no answer, none to allowed names, or the right one to blocked ones."
)
ALLOWED: Final = "www.gov.uk"
"""An essential: whatever the policy, it must be found."""
BLOCKED: Final = "bet365.com"
"""In the starter lists: blocked by every policy that blocks gambling."""
_RESTART: Final = "systemctl restart lychgate-resolver && journalctl -u lychgate-resolver -n 50"
_OURS: Final = frozenset({4, 15, 16, 17})
"""Extended errors that say: this is the filter (RFC 8914)."""


def check(patient: Patient) -> Iterator[Finding]:
    """One name that must be found, and one that the policy may block."""
    configuration = patient.configuration
    if configuration is None:
        return
    server = configuration.own_server
    try:
        ask(server, from_text("localhost"), codes.A, tcp=False)
    except NoAnswer as fault:
        yield Finding(
            "fault",
            f"no answer from our own address: {fault}",
            "nobody at the venue can open any page",
            (_RESTART, f"lychgate query localhost --server {write_bind(server)}"),
        )
        return
    try:
        found = ask(server, from_text(ALLOWED), codes.A, tcp=False)
        trouble = "" if found.rcode == "NOERROR" else f"{found.rcode}{_reason(found)}"
        good = f"{ALLOWED} was answered in {found.seconds * 1000:.0f} ms"
    except NoAnswer as fault:
        trouble = str(fault)
    if trouble:
        yield Finding(
            "fault",
            f"{ALLOWED} is not found: {trouble}",
            "blocked names stay blocked, but nothing else can be opened",
            (f"lychgate doctor upstreams{patient.file}",),
        )
    else:
        yield Finding("good", good)
    yield from _blocked(patient)


def _blocked(patient: Patient) -> Iterator[Finding]:
    configuration = patient.configuration
    if configuration is None:
        return
    try:
        wanted = explain(configuration, BLOCKED, codes.A, "127.0.0.1", None, patient.at).happens
    except SnapshotFault:
        return  # the settings' check tells it
    try:
        found = ask(configuration.own_server, from_text(BLOCKED), codes.A, tcp=False)
    except NoAnswer as fault:
        yield Finding("warning", f"{BLOCKED}: {fault}", "the filter could not be tried")
        return
    is_blocked = any(code in _OURS for code, _, _ in found.errors) or found.rcode == "REFUSED"
    if wanted == "blocked" and not is_blocked:
        yield Finding(
            "fault",
            f"{BLOCKED} should be blocked for this machine, and was answered with {found.rcode}",
            "the filter does not filter, or somebody else answers on our address",
            (
                f"lychgate explain {BLOCKED}{patient.file}",
                f"lychgate doctor listening{patient.file}",
            ),
        )
    elif wanted == "blocked":
        yield Finding("good", f"{BLOCKED} is blocked, as the policy says")
    else:
        yield Finding(
            "note",
            f"{BLOCKED} is {wanted} for this machine",
            "if that is not what you meant, see its venue and profile",
            (f"lychgate explain {BLOCKED}{patient.file}",),
        )


def _reason(found: Answered) -> str:
    return "".join(
        f" ({meaning}{': ' + text if text else ''})" for _, meaning, text in found.errors
    )
