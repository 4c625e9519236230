"""The store of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lychgate.doctor import Finding, Level, Patient
from lychgate.office import Office
from policy.commands.journal import verify_journal
from policy.store import StoreFault

LOOKS_FOR = "A store that is missing, of another version, damaged, or not the one that rules."
_WHY: Final = "the resolver goes on with the policy it read last, and nobody can change anything"


def check(patient: Patient) -> Iterator[Finding]:
    """Open it, let the database check itself, follow the chain of the audit log."""
    configuration = patient.configuration
    if configuration is None:
        return
    office = Office(configuration)
    for warning in office.warnings:
        yield Finding("note", warning, "whoever changes the store waits in vain")
    try:
        faults = office.check()
        verdict = office.ask(verify_journal)
    except StoreFault as fault:
        level, why, mend = _advice(fault, patient, has_policy=configuration.policy_file is not None)
        yield Finding(level, str(fault), why, mend)
        return
    for line in faults:
        yield Finding("fault", f"{office.where}: {line}", _WHY, _restore(patient))
    if verdict.broken is not None:
        yield Finding(
            "fault",
            f"{office.where}: audit log: entry {verdict.broken.number}: {verdict.broken.why}",
            "somebody changed the history by hand; it proves nothing any more",
            (f"lychgate audit verify{patient.file}", *_restore(patient)),
        )
    if not faults and verdict.broken is None:
        yield Finding(
            "good", f"{office.where}: sound, {verdict.entries:,} entries in its audit log"
        )


def _advice(
    fault: StoreFault, patient: Patient, *, has_policy: bool
) -> tuple[Level, str, tuple[str, ...]]:
    if fault.kind == "gone":
        if has_policy:
            return "note", "a policy document rules instead", ()
        make = (f"lychgate init{patient.file}", f"lychgate store create{patient.file}")
        return "warning", "the policy that ships filters; nobody can decide anything", make
    if fault.kind == "older":
        return "fault", _WHY, (f"lychgate migrate{patient.file}",)
    if fault.kind == "newer":
        why = "a newer Lychgate changed it; this one would lose what it does not know"
        return "fault", why, ("install the newer Lychgate again", *_restore(patient))
    if fault.kind == "corrupt":
        return "fault", _WHY, _restore(patient)
    if fault.kind == "permission":
        state = patient.configuration.state_directory if patient.configuration else "."
        return "fault", _WHY, (f"chown -R lychgate:lychgate {state}",)
    return "fault", _WHY, ("lychgate store check",)


def _restore(patient: Patient) -> tuple[str, ...]:
    configuration = patient.configuration
    folder = "" if configuration is None else f"{configuration.state_directory}/backups"
    return (
        f"ls -t {folder}",
        "systemctl stop lychgate-resolver lychgate-portal",
        f"lychgate restore ARCHIVE --force{patient.file}",
    )
