"""How rules and exceptions stand at an instant: running, to come, over.

Works on raw documents, so that 50,000 rules are looked through without being built. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from lychgate.instants import read_instant, write_instant
from policy.reading import Faults, Table
from policy.types import ApprovedException

State = Literal["open", "to come", "over"]

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def ends_at(body: Mapping[str, Any], key: str, zone: ZoneInfo) -> float:
    """When something ends, in POSIX seconds; `math.inf` for never."""
    if key not in body:
        return math.inf
    found = Table(dict(body), "", Faults("store")).instant(key, zone, whole_day=True)
    return math.inf if found is None else found


def end_of(text: str, now: float, zone: ZoneInfo, where: str) -> str:
    """An end as typed, as the policy has it: a bare date stays one, and means that whole day.

    Raises `lychgate.instants.InstantFault`.
    """
    at = read_instant(text, now, zone, where, whole_day=True)
    return text if _DAY.fullmatch(text) else write_instant(at, zone)


def state_of(exception: ApprovedException, at: float) -> State:
    """Whether it holds."""
    if exception.until <= at:
        return "over"
    return "to come" if exception.start > at else "open"
