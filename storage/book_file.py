"""A workbook with live formulas as a file: a front sheet that lists its checks, and the sheets they speak of.

Rows go out one by one and none is held, so a sheet may be as long as there is room for. No formula carries a value
of ours: whoever opens the file computes it, and a check reads 0.00 because the sheet says so.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from compute.close_book import Book
from compute.errors import BadSetting
from compute.sheets import HEAD_ROW, SUM_ROW, Check, Column, Form, Sheet, formula_of, letters

FRONT = "Checks"
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384  # of a sheet
_NUMBERS: Mapping[Form, str] = {
    "text": "@", "money": "#,##0.00;[Red]-#,##0.00;0.00", "ratio": "0.00 %", "count": "#,##0", "day": "yyyy-mm-dd",
}  # fmt: skip
_WIDTHS: Mapping[Form, int] = {"text": 16, "money": 15, "ratio": 11, "count": 11, "day": 12}
_OPEN = ""  # a cell without a value is computed by whatever opens the file, and blank where nothing does
_HEADS = ("difference", "", "here", "must equal", "check", "look at")


class _Styles:
    """The formats of a workbook."""

    def __init__(self, book: Any) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.note = book.add_format({"italic": True, "font_color": "#555555"})
        self.bold = book.add_format({"bold": True})
        self.head = book.add_format(
            {"bold": True, "bg_color": "#DDE6EE", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self.link = book.add_format({"font_color": "#0B5394", "underline": 1})
        self.good = book.add_format({"bg_color": "#D9EAD3"})
        self.bad = book.add_format({"bg_color": "#F4CCCC", "bold": True})
        self.forms = {form: book.add_format({"num_format": number}) for form, number in _NUMBERS.items()}
        self.sums = {form: book.add_format({"num_format": number, "bold": True}) for form, number in _NUMBERS.items()}


def write_book(path: Path, book: Book, facts: Mapping[str, str], made_at: datetime) -> None:
    """Write a workbook; the same one gives the same bytes.

    Args:
        path: the file.
        book: its sheets and checks.
        facts: what the front sheet says of it, name → text; the first is its title.
        made_at: when the snapshot was made; the only time that the file carries.

    Raises:
        BadSetting: when a table is larger than a sheet, or the file cannot be written.
    """
    for sheet in book.sheets:
        if sheet.last_row > MOST_ROWS or len(sheet.columns) > MOST_COLUMNS:
            raise BadSetting(f"{sheet.rows.height} rows by {len(sheet.columns)} columns are more than a sheet holds.")
    try:
        with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as file:
            file.set_properties({"title": next(iter(facts)), "created": made_at.replace(tzinfo=None)})
            styles = _Styles(file)
            _write_front(file, styles, book, facts)
            for sheet in book.sheets:
                _write_sheet(file, styles, sheet)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise BadSetting(f"{path} cannot be written ({error}): close it where it is open, or name another.") from error


def _write_front(file: Any, styles: _Styles, book: Book, facts: Mapping[str, str]) -> None:
    front = file.add_worksheet(FRONT)
    for column, width in enumerate((14, 11, 18, 18, 64, 16)):
        front.set_column(column, column, width)
    front.hide_gridlines(2)
    line = 0
    for line, (name, text) in enumerate(facts.items()):
        front.write_string(line, 0, name, styles.bold if line else styles.title)
        front.write_string(line, 2, text)
    first = line + 5
    last = first + len(book.checks) - 1
    front.write_string(line + 2, 0, "checks that differ", styles.bold)
    front.write_formula(line + 2, 2, f'=COUNTIF(B{first + 1}:B{last + 1},"differs")', styles.sums["count"], _OPEN)
    front.write_row(line + 3, 0, _HEADS, styles.head)
    front.freeze_panes(line + 4, 0)
    # Rows go out in their order; the line between heads and checks stays for what frames them.
    for row, check in enumerate(book.checks, start=first):
        _write_check(front, styles, row, check)
    for row, (told, formula) in enumerate(book.verdicts, start=last + 2):
        front.write_formula(row, 1, f"={formula}", None, _OPEN)
        front.write_string(row, 4, told)
    front.conditional_format(first, 1, last + 1 + len(book.verdicts), 1, _says("ok", styles.good))
    front.conditional_format(first, 1, last + 1 + len(book.verdicts), 1, _says("pass", styles.good))
    for word in ("differs", "FAIL"):
        front.conditional_format(first, 0, last + 1 + len(book.verdicts), 1, _says(word, styles.bad))
    front.set_landscape()
    front.fit_to_pages(1, 0)


def _says(word: str, style: Any) -> dict[str, Any]:
    return {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": style}


def _write_check(front: Any, styles: _Styles, row: int, check: Check) -> None:
    money, name = styles.forms["money"], row + 1
    if check.there is None:
        front.write_string(row, 1, "not checked", styles.note)
    else:
        front.write_formula(row, 0, f"=ROUND(C{name}-D{name},2)", styles.sums["money"], _OPEN)
        front.write_formula(row, 1, f'=IF(A{name}=0,"ok","differs")', None, _OPEN)
    front.write_formula(row, 2, f"={check.here}", money, _OPEN)
    if check.there is None:
        front.write_string(row, 3, check.reason, styles.note)
    elif isinstance(check.there, Decimal):
        front.write_number(row, 3, float(check.there), money)
    else:
        front.write_formula(row, 3, f"={check.there}", money, _OPEN)
    front.write_string(row, 4, check.told)
    front.write_url(row, 5, f"internal:{check.at}", styles.link, check.at.partition("!")[0])


def _write_sheet(file: Any, styles: _Styles, sheet: Sheet) -> None:
    page = file.add_worksheet(sheet.name)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, _WIDTHS[column.form])
    page.write_string(0, 0, sheet.told, styles.note)
    for place, column in enumerate(sheet.columns):
        if column.is_summed:
            cells = f"{letters(place)}{HEAD_ROW + 1}:{letters(place)}{sheet.last_row}"
            page.write_formula(SUM_ROW - 1, place, f"=SUM({cells})", styles.sums[column.form], _OPEN)
    page.write_row(HEAD_ROW - 1, 0, [column.head or column.name for column in sheet.columns], styles.head)
    page.freeze_panes(HEAD_ROW, sheet.frozen)
    page.autofilter(HEAD_ROW - 1, 0, sheet.last_row - 1, len(sheet.columns) - 1)
    for row, values in enumerate(sheet.rows.iter_rows(named=True), start=HEAD_ROW):
        cells = {column.name: f"{letters(place)}{row + 1}" for place, column in enumerate(sheet.columns)}
        for place, column in enumerate(sheet.columns):
            _write_cell(page, row, place, column, cells, values, styles.forms[column.form])
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(HEAD_ROW - 1)


def _write_cell(
    page: Any, row: int, place: int, column: Column, cells: Mapping[str, str], values: Mapping[str, Any], style: Any
) -> None:
    if column.formula:
        formula = formula_of(column, cells, values)
        if formula is not None:
            page.write_formula(row, place, formula, style, _OPEN)
        return
    value = values[column.name]
    if value is None:
        return
    if column.form == "text":
        page.write_string(row, place, value, style)  # never a formula, whatever a record says
    elif column.form == "day":
        page.write_datetime(row, place, value, style)
    else:
        page.write_number(row, place, float(value), style)
