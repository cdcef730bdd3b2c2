"""The report as a spreadsheet for finance: the figures as numbers, and every table of the report on a sheet.

Source: `operations.md` E.2 ("XLSX optional"); the same snapshot gives the same bytes.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from compute.report.document import Chart, Document, Table

_FORMS = {"money": "#,##0.00", "ratio": "0.0000", "count": "#,##0", "hours": "#,##0.0"}


def write_report_book(path: Path, document: Document, figures: pl.DataFrame, made_at: datetime) -> None:
    """Write the workbook.

    Args:
        path: the file.
        document: the report.
        figures: public figures, columns of the `metrics` export.
        made_at: when the snapshot was made; the only time that the file carries.
    """
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"title": document.title, "created": made_at.replace(tzinfo=None)})
        head = book.add_format({"bold": True, "bottom": 1})
        _write_figures(book, head, figures)
        for block in document.blocks:
            tables = [part.table if isinstance(part, Chart) else part for part in block.parts
                      if isinstance(part, Chart | Table)]  # fmt: skip
            if tables:
                _write_block(book, head, block.title, tables)


def _write_figures(book: Any, head: Any, figures: pl.DataFrame) -> None:
    sheet, forms = (
        book.add_worksheet("Figures"),
        {unit: book.add_format({"num_format": form}) for unit, form in _FORMS.items()},
    )
    sheet.write_row(0, 0, figures.columns, head)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(figures.columns) - 1, 18)
    value, unit = figures.columns.index("value"), figures.columns.index("unit")
    for line, row in enumerate(figures.iter_rows(), start=1):
        sheet.write_row(line, 0, row)
        if row[value]:
            # A spreadsheet keeps fifteen digits; the CSV beside it has all of them.
            sheet.write_number(line, value, float(row[value]), forms[row[unit]])


def _write_block(book: Any, head: Any, title: str, tables: list[Table]) -> None:
    sheet, line = book.add_worksheet(title[:31]), 0
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 16, 16)
    for table in tables:
        sheet.write_string(line, 0, table.caption, head)
        sheet.write_row(line + 1, 0, table.heads, head)
        for offset, row in enumerate(table.rows, start=2):
            sheet.write_row(line + offset, 0, [cell.text for cell in row])
        line += len(table.rows) + 3
