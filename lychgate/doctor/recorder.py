"""The log of events: whether somebody takes it in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.standing import STALE_SECONDS, read_standing
from lychgate.doctor import Finding, Patient

LOOKS_FOR = "A recorder of events that stands still or is behind: alerts and figures come late."
BACKLOG_BATCHES: Final = 100
"""A recorder that keeps up has a few waiting."""
_MEND: Final = ("systemctl restart lychgate-recorder && journalctl -u lychgate-recorder -n 50",)
_WHY: Final = "answers continue, but safeguarding leads are told late and figures have holes"


def check(patient: Patient) -> Iterator[Finding]:
    """What it wrote about itself last."""
    configuration = patient.configuration
    if configuration is None:
        return
    if configuration.spool_directory is None:
        yield Finding(
            "note",
            "telemetry is off: no event is kept",
            "there are no alerts, no figures and no reports",
            (f"set telemetry.enabled = true in {configuration.name}",),
        )
        return
    path = configuration.recorder_file
    said = read_standing(path)
    if said is None:
        yield Finding("warning", f"{path}: no word from a recorder", _WHY, _MEND)
        return
    age = patient.at - said.written_at
    if age > STALE_SECONDS:
        yield Finding(
            "warning", f"the recorder has said nothing for {age / 60:.0f} minutes", _WHY, _MEND
        )
    if said.backlog_batches > BACKLOG_BATCHES:
        waiting = f"{said.backlog_batches:,} batches, {said.backlog_octets / 1e6:,.0f} MB"
        yield Finding("warning", f"the recorder is behind: {waiting} wait", _WHY, _MEND)
    duties = [f"{word}: {duty.problem}" for word, duty in said.duties.items() if duty.problem]
    for problem in (*said.problems, *duties):
        yield Finding("warning", f"the recorder says: {problem[:200]}", _WHY, _MEND)
    if said.damaged_batches or said.new_databases:
        yield Finding(
            "warning",
            f"{said.damaged_batches} damaged batches and {said.new_databases} damaged databases "
            "were moved aside",
            "those events are missing from figures; the disk may be failing",
            ("dmesg | grep -i -E 'error|ata|nvme' | tail", f"ls -l {path.parent}"),
        )
    elif age <= STALE_SECONDS and not said.problems and not duties:
        yield Finding("good", "events are recorded")
