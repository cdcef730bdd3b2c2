"""The quarantine as a spreadsheet: a sheet per feed that people fill in, and what they filled in.

An empty verdict leaves a case open. Of a fix, only the fields that change are filled in.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import polars as pl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException

from compute.contracts.contract import Kind
from compute.contracts.feeds import BY_NAME
from compute.correction import as_text, changed_record, shown_record
from compute.errors import BadSetting
from compute.releases import VERDICTS, BadRelease
from storage.lake import Lake
from storage.quarantine import (
    Decision,
    find_cases,
    open_cases,
    payloads_of,
    place_in_words,
    plain_id,
    require_case,
    require_sound,
)

GUIDE = "How to"
MOST_LINES, MOST_CHARACTERS = 1_048_575, 32_767  # of a sheet, of a cell
HEADS = ("case", "month", "codes", "reason", "where", "verdict", "why")
_NEW = "new "
_WORDS = (
    ("What this is", "Every row that is held back from the figures. One sheet per feed, one line per case."),
    ("verdict", "accept: take the row as it is. discard: close the case without it. fix: take a corrected record."),
    ("why", "Needed with every verdict; it is kept with your name."),
    ("new …", "Of a fix: the fields that change, as they should be. Empty fields stay as they are; null empties one."),
    (
        "Lists, objects",
        'As JSON: ["Dashboard", "Reports"], {"cloud": 5000.00}. An instant has its offset: 2024-01-15T10:30:00Z.',
    ),
    ("Then", "techflow quarantine apply FILE.xlsx, all of it or nothing, and techflow run MONTH."),
    ("Masked values", "••• stands for a personal value. It stays as it is unless you give a new one."),
)


def write_workbook(lake: Lake, path: Path, meanings: dict[str, str]) -> int:
    """Write the open cases; returns how many.

    Raises:
        BadSetting: when there are more than a sheet holds, or the file cannot be written.
    """
    cases = open_cases(lake)
    if cases.height > MOST_LINES:
        raise BadSetting(f"{cases.height} open cases are more than a sheet holds: release them by id, or discard some.")
    try:
        _write_book(lake, path, cases, meanings)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise BadSetting(f"{path} cannot be written ({error}): close it where it is open, or name another.") from error
    return cases.height


def _write_book(lake: Lake, path: Path, cases: pl.DataFrame, meanings: dict[str, str]) -> None:
    payloads = payloads_of(lake, cases.iter_rows(named=True))
    with xlsxwriter.Workbook(str(path)) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6EE", "border": 1, "text_wrap": True, "valign": "top"})
        fill = book.add_format({"bg_color": "#FFF8DC", "border": 1, "valign": "top", "num_format": "@"})
        plain = book.add_format({"text_wrap": True, "valign": "top"})
        guide = book.add_worksheet(GUIDE)
        guide.set_column(0, 0, 16)
        guide.set_column(1, 1, 100)
        for index, (name, words) in enumerate(_WORDS):
            guide.write_row(index, 0, (name, words), plain)
        for (dataset,), mine in cases.group_by("dataset", maintain_order=True):
            rows = [(_told(case, meanings), payloads[case["case_id"]]) for case in mine.iter_rows(named=True)]
            _write_sheet(book, str(dataset), rows, (head, fill, plain))


def _told(case: dict[str, Any], meanings: dict[str, str]) -> tuple[str, ...]:
    """Return what is said of a case, in the order of HEADS."""
    reason = case["reason"] or "; ".join(meanings.get(code, code) for code in case["codes"])
    return case["case_id"], case["month"], ", ".join(case["codes"]), reason, place_in_words(case)


def _write_sheet(
    book: Any, dataset: str, cases: list[tuple[tuple[str, ...], bytes]], formats: tuple[Any, Any, Any]
) -> None:
    head, fill, plain = formats
    names = [field.name for field in BY_NAME[dataset].fields]
    sheet = book.add_worksheet(dataset)
    columns = [*HEADS, *(f"{kind}{name}" for name in names for kind in ("", _NEW))]
    sheet.write_row(0, 0, columns, head)
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 2, 14)
    sheet.set_column(3, 4, 36)
    sheet.set_column(5, len(columns), 18)
    sheet.data_validation(1, 5, max(1, len(cases)), 5, {"validate": "list", "source": list(VERDICTS)})
    for index, (told, payload) in enumerate(cases, start=1):
        shown = {name: as_text(value) for name, value in shown_record(payload, BY_NAME[dataset]).items()}
        for column, value in enumerate(told):
            sheet.write_string(index, column, value[:MOST_CHARACTERS], plain)
        for column, name in enumerate(columns[len(told) :], start=len(told)):
            is_filled_in = column < len(HEADS) or name.startswith(_NEW)
            value = "" if is_filled_in else shown.get(name, "")[:MOST_CHARACTERS]
            sheet.write_string(index, column, value, fill if is_filled_in else plain)


def read_workbook(lake: Lake, path: Path) -> list[Decision]:
    """Return what was decided in a filled-in workbook.

    Raises:
        BadSetting: when the file is none of ours.
        BadRelease: when a line cannot stand; names sheet and line.
    """
    lines = _filled_lines(path)
    cases = find_cases(lake, [filled["case"] for _, _, filled in lines if "case" in filled])
    fixed = [cases[plain_id(filled["case"])] for _, _, filled in lines
             if filled.get("verdict") == "fix" and plain_id(filled.get("case", "")) in cases]  # fmt: skip
    payloads, decisions, seen = payloads_of(lake, fixed), [], set[str]()
    for dataset, line, filled in lines:
        try:
            decision = _decision(dataset, filled, cases, payloads)
            _require_new(decision, seen)
        except BadRelease as error:
            raise BadRelease(f"{path.name}, sheet {dataset}, line {line}: {error} Nothing was released.") from error
        seen.add(decision.case_id)
        decisions.append(decision)
    return decisions


def _require_new(decision: Decision, seen: set[str]) -> None:
    if decision.case_id in seen:
        raise BadRelease(f"{decision.case_id} is decided on another line too.")


def _filled_lines(path: Path) -> list[tuple[str, int, dict[str, str]]]:
    """Return the lines that decide something: sheet, line, the cells that are filled in, by column."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, BadZipFile, InvalidFileException) as error:
        raise BadSetting(f"{path} is no spreadsheet that can be read ({error}).") from error
    found = []
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        columns = [str(name) for name in next(rows, ())]
        is_ours = tuple(columns[: len(HEADS)]) == HEADS
        if is_ours != (sheet.title in BY_NAME):
            what = "is named after no feed" if is_ours else "has not the columns of `techflow quarantine export`"
            raise BadSetting(f"{path}, sheet {sheet.title}: it {what}. Nothing was released.")
        if not is_ours:
            continue
        kinds = {f"{_NEW}{field.name}": field.kind for field in BY_NAME[sheet.title].fields}
        for line, values in enumerate(rows, start=2):
            cells = {name: _text(value, kinds.get(name)) for name, value in zip(columns, values, strict=False)}
            filled = {name: text for name, text in cells.items() if text}
            if "verdict" in filled or any(name.startswith(_NEW) for name in filled):
                found.append((sheet.title, line, filled | {"verdict": filled.get("verdict", "").lower()}))
    book.close()
    return found


def _text(value: Any, kind: Kind | None) -> str:
    """Return a cell as text; a spreadsheet keeps numbers to fifteen digits, and a day as midnight.

    >>> _text(datetime(2024, 1, 31), "date"), _text(datetime(2024, 1, 1), "month"), _text(0.1 + 0.2, "money")
    ('2024-01-31', '2024-01', '0.3')
    """
    if value is None:
        return ""
    if isinstance(value, datetime) and kind in ("date", "month"):
        return value.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m")
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value).strip() if kind is None else str(value)


def _decision(
    dataset: str, filled: dict[str, str], cases: dict[str, dict[str, Any]], payloads: dict[str, bytes]
) -> Decision:
    if "case" not in filled:
        raise BadRelease("it decides something, and its case is gone.")
    case = require_case(cases, filled["case"])
    if case["dataset"] != dataset:
        raise BadRelease(f"{case['case_id']} is a case of {case['dataset']}.")
    name, verdict, why = case["case_id"], filled["verdict"], filled.get("why", "")
    changes = {column.removeprefix(_NEW): text for column, text in filled.items() if column.startswith(_NEW)}
    if bool(changes) != (verdict == "fix"):
        raise BadRelease("a fix needs new values, and new values need the verdict fix.")
    payload = changed_record(payloads.get(name, b""), BY_NAME[dataset], changes) if changes else None
    decision = Decision(name, verdict, why, payload)
    require_sound(case, decision)
    return decision
