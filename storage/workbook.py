"""The quarantine as a spreadsheet: a sheet per feed that people fill in, and what they filled in.

An empty verdict leaves a case open. Of a fix, only the fields that change are filled in.
"""

from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import xlsxwriter

from compute.contracts.feeds import BY_NAME
from compute.errors import BadSetting
from compute.releases import VERDICTS
from storage.lake import Lake
from storage.quarantine import (
    BadRelease,
    Decision,
    changed_record,
    find_case,
    open_cases,
    payload_of,
    place_in_words,
    shown_record,
)

GUIDE = "How to"
HEADS = ("case", "month", "codes", "reason", "where", "verdict", "why")
_NEW = "new "
_WORDS = (
    ("What this is", "Every row that is held back from the figures. One sheet per feed, one line per case."),
    ("verdict", "accept: take the row as it is. discard: close the case without it. fix: take a corrected record."),
    ("why", "Needed with every verdict; it is kept with your name."),
    ("new …", "Of a fix: the fields that change, as they should be. Empty fields stay as they are; null empties one."),
    ("Then", "techflow quarantine apply FILE.xlsx, and techflow run MONTH."),
    ("Masked values", "••• stands for a personal value. It stays as it is unless you give a new one."),
)


def write_workbook(lake: Lake, path: Path, meanings: dict[str, str]) -> int:
    """Write the open cases; returns how many."""
    cases = open_cases(lake)
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
            _write_sheet(lake, book, str(dataset), mine, meanings, (head, fill, plain))
    return cases.height


def _write_sheet(
    lake: Lake, book: Any, dataset: str, cases: pl.DataFrame, meanings: dict[str, str], formats: tuple[Any, Any, Any]
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
    sheet.data_validation(1, 5, max(1, cases.height), 5, {"validate": "list", "source": list(VERDICTS)})
    for index, case in enumerate(cases.iter_rows(named=True), start=1):
        shown = dict(shown_record(payload_of(lake, case), BY_NAME[dataset]))
        reason = case["reason"] or "; ".join(meanings.get(code, code) for code in case["codes"])
        told = (case["case_id"], case["month"], ", ".join(case["codes"]), reason, place_in_words(case))
        for column, value in enumerate(told):
            sheet.write_string(index, column, value, plain)
        for column, name in enumerate(columns[5:], start=5):
            is_filled_in = column < len(HEADS) or name.startswith(_NEW)
            sheet.write_string(
                index, column, "" if is_filled_in else shown.get(name, ""), fill if is_filled_in else plain
            )


def read_workbook(lake: Lake, path: Path) -> list[Decision]:
    """Return what was decided in a filled-in workbook.

    Raises:
        BadSetting: when the file is none of ours.
        BadRelease: when a line cannot stand; names sheet and line.
    """
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise BadSetting(f"{path} is no spreadsheet that can be read ({error}).") from error
    decisions = []
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        columns = [str(name) for name in next(rows, ())]
        if sheet.title not in BY_NAME:
            continue
        if tuple(columns[: len(HEADS)]) != HEADS:
            raise BadSetting(f"{path}, sheet {sheet.title}: the columns are not those of `techflow quarantine export`.")
        for line, values in enumerate(rows, start=2):
            filled = {name: str(value) for name, value in zip(columns, values, strict=False) if value not in (None, "")}
            if "case" in filled and ("verdict" in filled or any(name.startswith(_NEW) for name in filled)):
                try:
                    decisions.append(_decision(lake, sheet.title, filled))
                except BadRelease as error:
                    raise BadRelease(f"{path.name}, sheet {sheet.title}, line {line}: {error}") from error
    return decisions


def _decision(lake: Lake, dataset: str, filled: dict[str, str]) -> Decision:
    verdict, why = filled.get("verdict", ""), filled.get("why", "")
    changes = {name.removeprefix(_NEW): value for name, value in filled.items() if name.startswith(_NEW)}
    if verdict not in VERDICTS:
        raise BadRelease(f"the verdict is one of {', '.join(VERDICTS)}.")
    if (verdict == "fix") != bool(changes):
        raise BadRelease("a fix needs new values, and new values need the verdict fix.")
    if verdict != "fix":
        return Decision(filled["case"], verdict, why)
    payload = payload_of(lake, find_case(lake, filled["case"]))
    return Decision(filled["case"], verdict, why, changed_record(payload, BY_NAME[dataset], changes))
