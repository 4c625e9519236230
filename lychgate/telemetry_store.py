"""The telemetry database of an installation."""

from __future__ import annotations

from evidence.store import EvidenceStore
from lychgate.config import Configuration


def evidence_of(configuration: Configuration) -> EvidenceStore | None:
    """What happened; opened when it is first asked, so that others can begin without it. None:
    telemetry is off.
    """
    if configuration.spool_directory is None:
        return None
    return EvidenceStore.at(configuration.telemetry_url)
