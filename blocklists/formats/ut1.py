"""Archives of the University of Toulouse (UT1): a tar of folders, one for each category.

``blacklists/gambling/domains`` is a plain list whose label is the folder, ``gambling``. ``urls``
are pages and ``expressions`` are patterns, neither of which DNS sees: each line is a reject, so
that it is counted. All other files (``usage``, licences) and links (other words for a folder that
is there) are passed over. Line numbers are those of the file inside the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from blocklists.entries import NOT_FOR_DNS, PATTERN, Entry, Reject
from blocklists.formats import FormatFault, plain
from blocklists.lines import LineFault, decoded
from blocklists.tarstream import Member, TarFault, looks_like_tar, members

_LABEL: Final = re.compile(r"\w[\w.+-]{0,79}").fullmatch
_REASONS: Final = {"urls": NOT_FOR_DNS, "expressions": PATTERN}


def recognise_octets(head: bytes) -> bool:
    """Whether a file that begins so is a tar archive."""
    return looks_like_tar(head)


def read_octets(file: BinaryIO) -> Iterator[Entry | Reject]:
    """Entries and rejects, member by member; a reject's text begins with the member's path. Raises
    `FormatFault` when the archive is damaged.
    """
    try:
        for member in members(file):
            *folders, word = member.path.split("/")
            label = folders[-1].lower() if folders else ""
            if label in ("", "."):
                label = ""
            elif not _LABEL(label):
                continue
            where = f"{label}/{word}" if label else word
            if word == "domains":
                yield from _read_domains(member, label, where)
            elif word in _REASONS:
                yield from _read_others(member, where, _REASONS[word])
    except (TarFault, LineFault) as fault:
        raise FormatFault(f"list: {fault}") from None


def _read_domains(member: Member, label: str, where: str) -> Iterator[Entry | Reject]:
    overlong: list[Reject] = []
    for item in plain.read_labelled(decoded(member, overlong), label):
        if overlong:
            yield from _placed(overlong, where)
        if isinstance(item, Entry):
            yield item
        else:
            yield item._replace(text=f"{where}: {item.text}")
    yield from _placed(overlong, where)


def _read_others(member: Member, where: str, reason: str) -> Iterator[Reject]:
    overlong: list[Reject] = []
    for number, line in enumerate(decoded(member, overlong), 1):
        if overlong:
            yield from _placed(overlong, where)
        elif text := line.strip():
            yield Reject(number, f"{where}: {text}", reason)


def _placed(rejects: list[Reject], where: str) -> Iterator[Reject]:
    """These rejects with their place in the archive; the list is emptied."""
    for reject in rejects:
        yield reject._replace(text=f"{where}: {reject.text}")
    rejects.clear()
