"""The formats that a report is written in, and the file that each makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from portal.reporting.as_csv import to_csv
from portal.reporting.as_html import to_html
from portal.reporting.document import Report
from portal.reporting.printing import print_pdf, what_is_missing

Format = Literal["html", "pdf", "csv"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
}


def formats_here() -> tuple[Format, ...]:
    """Those that can be made in this installation."""
    missing = what_is_missing()
    return tuple(word for word in FORMATS if word != "pdf" or not missing)


def file_name(report: Report, format: Format) -> str:
    """`lychgate-report-2026-09-01-to-2026-12-18.pdf`."""
    return f"lychgate-report-{report.days}.{format}"


async def write(report: Report, format: Format) -> bytes:
    """The octets of the file. Raises `portal.reporting.printing.PrintFault` for PDF."""
    if format == "csv":
        return to_csv(report).encode()
    html = to_html(report)
    return html.encode() if format == "html" else await print_pdf(html)
