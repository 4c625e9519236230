"""What checks go by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KEEP_DAYS: Final = 1_096
"""Three years."""


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How long runs are kept."""

    keep_days: float = KEEP_DAYS
