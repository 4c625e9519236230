"""Numbers in addresses: of rules, of entries in the audit log."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path

NUMBER_MAX: Final = 2**53
"""No store gives a greater one, and SQLite knows none beyond 64 bits."""
_DIGITS_MAX: Final = 12

Number = Annotated[int, Path(ge=0, le=NUMBER_MAX)]
"""A number in a path."""


def number_in(text: str) -> int:
    """The number in a query parameter; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else 0
