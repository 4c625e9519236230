"""What a report is, before it is HTML, PDF, CSV or JSON: sections with sentences and tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from portal.charts import Bar, bars
from portal.words import t

Cell = str | int | float


WORD_CHARACTERS_MAX: Final = 20
"""Longer words may have to be broken within a column."""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """One table. Texts may be hostile: whoever shows it escapes."""

    id: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0
    """Rows that were left out."""
    charted: int | None = None
    """The column that is shown as bars too; the first one names them."""

    @staticmethod
    def is_long(cell: Cell) -> bool:
        """Whether a word of it may be broken: only where it must, for that makes printing slow."""
        return isinstance(cell, str) and any(
            len(word) > WORD_CHARACTERS_MAX for word in cell.split()
        )

    @property
    def chart(self) -> Markup:
        """Bars; nothing when there is nothing to compare."""
        if self.charted is None or len(self.rows) < 2:
            return Markup("")
        number = self.charted
        given = [Bar(str(row[0]), float(row[number]), f"{row[number]:,}") for row in self.rows]
        text = t("report.chart_text", count=len(given), what=self.headers[number])
        return bars(f"chart-{self.id}", self.caption, text, given)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report."""

    id: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[ReportTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    title: str
    organisation: str
    period: str
    """In words."""
    days: str
    """The first and the last day as in `2026-09-01-to-2026-12-18`: for the name of a file."""
    place: str
    """The venues it is about, in words."""
    at: float
    """When the figures were read, in POSIX seconds."""
    zone: ZoneInfo
    """The organisation's clock."""
    sections: tuple[Section, ...]

    @property
    def moment(self) -> str:
        """When the figures were read, in words."""
        read = datetime.fromtimestamp(self.at, self.zone)
        return t("report.made", at=f"{read:%Y-%m-%d %H:%M}")
