"""The table `[checks]` of `lychgate.toml`: how long checks of the filter are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evidence.checks.settings import KEEP_DAYS
from lychgate import kinds
from lychgate.settings import Section


class Checks(Section):
    """The regular check that the filter works (docs/checks.md)."""

    keep_days: Annotated[int, kinds.whole(30, 4_000)] = Field(
        default=KEEP_DAYS,
        description="How long it is kept what was checked, when, by whom and with what result.",
    )
