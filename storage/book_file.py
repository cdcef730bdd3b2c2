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
_ALIGNED: Mapping[Form, dict[str, Any]] = {
    form: {"align": "left", "indent": 1} if form == "text" else {"align": "right"} for form in _NUMBERS
}
# Of the front sheet: what is above a column, its form, its width.
_FRONT: tuple[tuple[str, Form, int], ...] = (
    ("difference", "money", 16), ("", "text", 12), ("here", "money", 18), ("must equal", "money", 18),
    ("check", "text", 66), ("look at", "text", 16),
)  # fmt: skip


class _Styles:
    """The formats of a workbook."""

    def __init__(self, book: Any) -> None:
        forms = {form: {"num_format": number, **_ALIGNED[form]} for form, number in _NUMBERS.items()}
        head = {"bold": True, "bg_color": "#DDE6EE", "bottom": 1, "text_wrap": True, "valign": "top"}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.note = book.add_format({"italic": True, "font_color": "#555555", "indent": 1})
        self.bold = book.add_format({"bold": True})
        self.link = book.add_format({"font_color": "#0B5394", "underline": 1})
        self.verdict = book.add_format({"align": "center"})
        self.good = book.add_format({"bg_color": "#D9EAD3"})
        self.bad = book.add_format({"bg_color": "#F4CCCC", "bold": True})
        self.forms = {form: book.add_format(given) for form, given in forms.items()}
        self.sums = {form: book.add_format(given | {"bold": True}) for form, given in forms.items()}
        self.heads = {form: book.add_format(head | _ALIGNED[form]) for form in forms}


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
        # Opened first: what cannot be written is refused before there are rows on their way.
        with path.open("wb") as target, xlsxwriter.Workbook(target, {"constant_memory": True}) as file:
            file.set_properties({"title": next(iter(facts)), "created": made_at.replace(tzinfo=None)})
            styles = _Styles(file)
            _write_front(file, styles, book, facts)
            for sheet in book.sheets:
                _write_sheet(file, styles, sheet)
    except OSError as error:
        raise BadSetting(f"{path} cannot be written ({error}): close it where it is open, or name another.") from error


def _write_front(file: Any, styles: _Styles, book: Book, facts: Mapping[str, str]) -> None:
    front = file.add_worksheet(FRONT)
    front.hide_gridlines(2)
    for row, (name, text) in enumerate(facts.items()):
        front.write_string(row, 0, name, styles.bold if row else styles.title)
        front.write_string(row, 1, text)
    head = len(facts) + 2
    first, last = head + 1, head + len(book.checks)
    front.write_string(head - 1, 0, "checks that differ", styles.bold)
    front.write_formula(head - 1, 2, f'=COUNTIF(B{first + 1}:B{last + 1},"differs")', styles.sums["count"], _OPEN)
    for place, (title, form, width) in enumerate(_FRONT):
        front.set_column(place, place, width)
        front.write_string(head, place, title, styles.heads[form])
    front.freeze_panes(head + 1, 0)
    for row, check in enumerate(book.checks, start=first):
        _write_check(front, styles, row, check)
    for row, (told, formula) in enumerate(book.verdicts, start=last + 2):
        front.write_formula(row, 1, f"={formula}", styles.verdict, _OPEN)
        front.write_string(row, 4, told, styles.forms["text"])
    for word, style in (("ok", styles.good), ("pass", styles.good), ("differs", styles.bad), ("FAIL", styles.bad)):
        front.conditional_format(first, 1, last + 2 + len(book.verdicts), 1, _says(word, style))
    _to_print(front)


def _to_print(page: Any) -> None:
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _is_off(styles: _Styles) -> dict[str, Any]:
    return {"type": "cell", "criteria": "!=", "value": 0, "format": styles.bad}


def _says(word: str, style: Any) -> dict[str, Any]:
    return {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": style}


def _write_check(front: Any, styles: _Styles, row: int, check: Check) -> None:
    money, name = styles.forms["money"], row + 1
    if check.there is None:
        front.write_string(row, 1, "not checked", styles.note)
    else:
        front.write_formula(row, 0, f"=ROUND(C{name}-D{name},2)", styles.sums["money"], _OPEN)
        front.write_formula(row, 1, f'=IF(A{name}=0,"ok","differs")', styles.verdict, _OPEN)
    front.write_formula(row, 2, f"={check.here}", money, _OPEN)
    if check.there is None:
        front.write_string(row, 3, check.reason, styles.note)
    elif isinstance(check.there, Decimal):
        front.write_number(row, 3, float(check.there), money)
    else:
        front.write_formula(row, 3, f"={check.there}", money, _OPEN)
    front.write_string(row, 4, check.told, styles.forms["text"])
    front.write_url(row, 5, f"internal:{check.at}", styles.link, check.at.partition("!")[0])


def _write_sheet(file: Any, styles: _Styles, sheet: Sheet) -> None:
    page = file.add_worksheet(sheet.name)
    page.write_string(0, 0, sheet.told, styles.note)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, _WIDTHS[column.form])
        cells = f"{letters(place)}{HEAD_ROW + 1}:{letters(place)}{sheet.last_row}"
        if column.is_summed:
            page.write_formula(SUM_ROW - 1, place, f"=SUM({cells})", styles.sums[column.form], _OPEN)
        if column.is_check:
            page.write_formula(SUM_ROW - 1, place, f"=SUMPRODUCT(ABS({cells}))", styles.sums[column.form], _OPEN)
            for first, last in ((SUM_ROW, SUM_ROW), (HEAD_ROW + 1, sheet.last_row)):
                page.conditional_format(f"{letters(place)}{first}:{letters(place)}{last}", _is_off(styles))
    for place, column in enumerate(sheet.columns):
        page.write_string(HEAD_ROW - 1, place, column.head or column.name, styles.heads[column.form])
    page.freeze_panes(HEAD_ROW, sheet.frozen)
    page.autofilter(HEAD_ROW - 1, 0, sheet.last_row - 1, len(sheet.columns) - 1)
    for row, values in enumerate(sheet.rows.iter_rows(named=True), start=HEAD_ROW):
        places = {column.name: f"{letters(place)}{row + 1}" for place, column in enumerate(sheet.columns)}
        for place, column in enumerate(sheet.columns):
            _write_cell(page, row, place, column, places, values, styles.forms[column.form])
    _to_print(page)
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
