"""Small JSON files beside the databases: written whole, by rename, and read within a bound.

They say how something stands to whoever has no database open, such as `/metrics`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

Content = TypeVar("Content", bound=msgspec.Struct)


def write_small(path: Path, content: msgspec.Struct) -> None:
    """Write one, by rename: nobody reads half of it. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(content))
    part.replace(path)


def read_small(path: Path, kind: type[Content], octets_max: int) -> Content | None:
    """What was written last; None when there is nothing, too much, or nothing that can be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(octets_max + 1)
        return None if len(octets) > octets_max else msgspec.json.decode(octets, type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None
