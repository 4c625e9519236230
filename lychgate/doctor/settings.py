"""The settings, and the files they name."""

from __future__ import annotations

from collections.abc import Iterator

from lychgate.doctor import Finding, Patient

LOOKS_FOR = "Faults in lychgate.toml and the files it names: whatever `serve` would refuse."
WITHOUT_SETTINGS = True
_WHY = "with a fault in its settings Lychgate does not start"


def check(patient: Patient) -> Iterator[Finding]:
    """What `check-config` says."""
    from lychgate.checking import check as check_all
    from lychgate.faults import ConfigurationFault

    yield from (Finding("fault", line, _WHY, (_MEND,)) for line in patient.faults)
    if patient.configuration is None:
        return
    try:
        checked = check_all(patient.configuration)
    except ConfigurationFault as fault:
        command = f"lychgate check-config{patient.file}   # after each change, until it is content"
        yield from (Finding("fault", line, _WHY, (command,)) for line in fault.faults)
        return
    for line in checked.warnings:
        yield Finding("warning", line, "it filters, but not with all that it should")
    if not checked.warnings:
        yield Finding("good", f"{patient.configuration.name}: it can be served")


_MEND = "edit the file; docs/configuration.md has every setting; lychgate check-config lists faults"
