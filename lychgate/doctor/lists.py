"""The lists, and the index that is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from blocklists.sources import SourceFault
from categoriser.indexfile import IndexFault, open_index
from lychgate.doctor import Finding, Patient
from lychgate.listing import Listing

LOOKS_FOR = (
    "No lists in use, lists that were never fetched, grew stale or are held; an index that is lost."
)
OLD_SECONDS: Final = 14 * 86_400
_REFRESH: Final = "lychgate lists refresh"


def check(patient: Patient) -> Iterator[Finding]:
    """The index first, then each list."""
    configuration = patient.configuration
    if configuration is None:
        return
    listing = Listing(configuration)
    refresh = f"{_REFRESH}{patient.file}"
    try:
        statuses = [status for status in listing.status(patient.at) if status.enabled]
    except SourceFault as fault:
        for line in fault.faults:
            yield Finding("fault", line, "the choice of lists cannot be read", (refresh,))
        return
    if not statuses:
        yield Finding(
            "warning",
            "no published list is in use",
            "only the starter lists filter: well-known names, a few thousand instead of millions",
            (f"lychgate lists sources{patient.file}", f"lychgate init{patient.file}", refresh),
        )
    for status in statuses:
        if status.current is None:
            yield Finding(
                "warning",
                f"{status.id}: never fetched{f' ({status.problem})' if status.problem else ''}",
                "it filters nothing",
                (f"{refresh} {status.id}",),
            )
        elif status.stale:
            days = (status.checked_age_seconds or 0) / 86_400
            yield Finding(
                "warning",
                f"{status.id}: no word from its publisher for {days:.0f} days"
                f"{f' ({status.problem})' if status.problem else ''}",
                "new sites of its kind are not blocked",
                (f"{refresh} {status.id}", "systemctl status lychgate-lists.timer"),
            )
        if status.held is not None:
            reasons = "; ".join(str(getattr(found, "text", found)) for found in status.findings[:2])
            yield Finding(
                "warning",
                f"{status.id}: a new version is held back: {reasons or 'it looks wrong'}",
                "the version before stays until somebody decides",
                (
                    f"lychgate lists diff {status.id}{patient.file}",
                    f"lychgate lists accept {status.id} --reason WHY{patient.file}",
                ),
            )
    if statuses:
        yield _index(patient, refresh)


def _index(patient: Patient, refresh: str) -> Finding:
    assert patient.configuration is not None
    path = patient.configuration.index_file
    why = "only the starter lists filter"
    try:
        table = open_index(path)
    except IndexFault as fault:
        return Finding("fault", str(fault), why, (refresh,))
    except OSError as fault:
        return Finding("fault", f"{path}: {fault.strerror}", why, (refresh,))
    built = datetime.fromtimestamp(table.manifest.built_at, UTC)
    if patient.at - table.manifest.built_at > OLD_SECONDS:
        return Finding(
            "note",
            f"{path}: made on {built:%Y-%m-%d}",
            "perhaps no list changed since; perhaps the timer does not run",
            ("systemctl status lychgate-lists.timer", refresh),
        )
    return Finding("good", f"{path}: {len(table):,} names, made on {built:%Y-%m-%d}")
