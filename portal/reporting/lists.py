"""Where category knowledge came from: the version in force of each list, with its checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from blocklists.sources import SourceFault
from blocklists.starters import list_files
from portal.services import Lists

STARTER: Final = "starter"


@dataclass(frozen=True, slots=True)
class ListInForce:
    """One list. Times are POSIX seconds; None: it came with the software."""

    id: str
    title: str
    version: str
    fetched_at: float | None
    sha256: str
    """Of the file as the publisher gave it."""
    entries: int | None
    licence: str


def lists_in_force(lists: Lists, at: float) -> tuple[ListInForce, ...]:
    """Every list that filters, those that ship first. Reads files: for a thread."""
    digest = hashlib.sha256()
    for file in list_files():
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    found = [ListInForce(STARTER, "", "", None, digest.hexdigest(), None, "Apache-2.0")]
    try:
        standing = lists.status(at)
    except SourceFault:
        return tuple(found)
    for one in standing:
        if not one.enabled or one.current is None:
            continue
        version = lists.shelf(one.id).find(one.current)
        reading = version.reading() if version else None
        found.append(
            ListInForce(
                one.id,
                one.title,
                one.current,
                version.at if version else None,
                reading.sha256 if reading else "",
                sum(one.entries.values()),
                one.licence,
            )
        )
    return tuple(found)
