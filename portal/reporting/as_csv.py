"""The report for a spreadsheet: one file, in which each record says of which section and table it
is. All records have as many fields as the widest (RFC 4180); a heading stands before each table.
"""

from __future__ import annotations

from portal.reporting.document import Cell, Report
from portal.spreadsheets import table
from portal.words import t


def to_csv(report: Report) -> str:
    """The whole report; no cell is taken for a formula."""
    records: list[tuple[Cell, ...]] = [
        (report.title, "", report.organisation),
        (report.title, "", report.period),
        (report.title, "", report.place),
        (report.title, "", report.moment),
    ]
    for section in report.sections:
        records += [(section.title, "", sentence) for sentence in section.sentences]
        for one in section.tables:
            records += [(section.title, one.caption, *row) for row in (one.headers, *one.rows)]
            if one.more:
                records.append((section.title, one.caption, t("report.left_out", count=one.more)))
    width = max(map(len, records))
    numbered = (t("report.column", number=number) for number in range(1, width - 1))
    header = (t("report.section"), t("report.table"), *numbered)
    return table(header, (record + ("",) * (width - len(record)) for record in records))
