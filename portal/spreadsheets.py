"""Tables for spreadsheets: CSV that no spreadsheet takes for formulas.

A cell that begins with one of `= + - @`, a tab or a line end would be run as a formula by whoever
opens the file (CWE-1236); names of the internet and what people write may begin so. Such a cell
gets an apostrophe in front, which spreadsheets show as text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.responses import Response

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With the full-width forms, which some take for the same."""


def safe_cell(value: object) -> str:
    """A value as text that is no formula."""
    text = "" if value is None else str(value)
    if isinstance(value, int | float):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole table, quoted everywhere (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A table as a file to keep; `name` is ours."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(table(header, rows), media_type="text/csv; charset=utf-8", headers=headers)
