"""The close workbook as a file. What its formulas come to is tested where LibreOffice computes them."""

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from compute.close_book import Book, ClosedMonth, close_book
from compute.company import Company
from compute.errors import BadSetting
from compute.months import Month
from storage.book_file import FRONT, write_book
from tests.bookkeeping import JAN, LEDGER, NOON, books, month_of
from tests.company import Books, bill

CLOSE = Company().close


@pytest.fixture(scope="module")
def given() -> Books:
    return books()


def test_no_formula_carries_a_value_and_no_text_is_a_formula(given: Books, tmp_path: Path) -> None:
    path = tmp_path / "formulas.xlsx"
    write_book(path, close_book(month_of(given, JAN, {"=1+1": "5.00"}), CLOSE), {"Close": ""}, NOON)
    pages, values = (openpyxl.load_workbook(path, data_only=is_value) for is_value in (False, True))
    formulas = [cell.coordinate for cell in pages[FRONT]["A"] if cell.data_type == "f"]
    assert formulas
    assert {None} == {values[FRONT][place].value for place in formulas}
    named = pages["Reconciliation"]["A4"]
    assert ("s", "=1+1") == (named.data_type, named.value)  # what an account is called


def test_the_same_snapshot_gives_the_same_bytes_in_whatever_order_its_rows_lie(given: Books, tmp_path: Path) -> None:
    """AT-80."""
    month = month_of(given, JAN, LEDGER)
    upside_down = ClosedMonth(*(getattr(month, each.name).reverse() for each in fields(ClosedMonth)))
    paths = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for path, each in zip(paths, (month, upside_down), strict=True):
        write_book(path, close_book(each, CLOSE), {"Close": ""}, NOON)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_check_is_against_the_signed_figure_or_says_why_there_is_none(given: Books) -> None:
    """The first observed month has no movements, and nobody has compared it with a ledger."""

    def there(book: Book) -> dict[str, object]:
        return {check.told: check.reason or check.there for check in book.checks}

    january, december = (close_book(month_of(given, *asked), CLOSE) for asked in ((JAN, LEDGER), ("2023-12",)))
    moved = {name: there(january)[f"{name} of the bridge = M-02.{name}"] for name in ("new", "contraction", "churn")}
    assert {"new": Decimal("400.33"), "contraction": Decimal("19.80"), "churn": Decimal("300.00")} == moved
    assert "insufficient_history" == there(december)["new of the bridge = M-02.new"]
    assert "not compared" == there(december)["revenue is compared with the ledger"]
    assert () == december.verdicts


@pytest.mark.parametrize("lines", [{"revenue": [bill("ACC_1", "2024-01-05", 5.0)]}, {}])
def test_a_month_with_nothing_to_share_has_a_workbook(lines: dict[str, Any], tmp_path: Path) -> None:
    """AT-84."""
    few = Books(lines, (Month(2024, 1),))
    write_book(tmp_path / "few.xlsx", close_book(month_of(few, JAN), CLOSE), {"Close": ""}, NOON)
    pages = openpyxl.load_workbook(tmp_path / "few.xlsx")
    assert ["Checks", "Accounts", "Bridge", "Allocation", "Shares", "Reconciliation"] == pages.sheetnames
    assert "=SUM(C4:C4)" == pages["Shares"]["B4"].value


def test_a_file_that_cannot_be_written_is_named(given: Books, tmp_path: Path) -> None:
    book = close_book(month_of(given, JAN), CLOSE)
    with pytest.raises(BadSetting, match="cannot be written"):
        write_book(tmp_path / "no" / "close.xlsx", book, {"Close": ""}, NOON)
