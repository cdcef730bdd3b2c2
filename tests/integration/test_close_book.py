"""The close workbook, its formulas computed by LibreOffice: every check reads 0.00, and a changed cell shows.

Source: `operations.md` C.3, C.4 gate "identities"; `metrics.md` §4.3, §6.3.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from compute.close_book import close_book
from compute.company import Company
from storage.book_file import write_book
from tests.bookkeeping import JAN, LEDGER, NOON, books, month_of
from tests.integration.sheets import checks, computed, differing

pytestmark = pytest.mark.integration


def changed(book: Path, sheet: str, place: str, by: float) -> Path:
    """Return a copy of a workbook in which a number is another one."""
    pages = openpyxl.load_workbook(book)
    pages[sheet][place].value += by
    copy = book.with_name(f"{sheet}-{place}.xlsx")
    pages.save(copy)
    return copy


def found(pages: Any, sheet: str, account: str, head: str) -> str:
    """Return the place of a cell by its account and its column's head."""
    page = pages[sheet]
    (column,) = [cell.column_letter for cell in page[3] if cell.value == head]
    (row,) = [cell.row for cell in page["A"] if cell.value == account]
    return f"{column}{row}"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder, given = tmp_path_factory.mktemp("books"), books()

    def write(name: str, ledger: dict[str, str] | None = None) -> Path:
        path = folder / f"{name}.xlsx"
        write_book(path, close_book(month_of(given, name, ledger), Company().close), {f"Close of {name}": ""}, NOON)
        return path

    return write


def test_every_check_reads_nothing_and_a_changed_cell_shows(written: Callable[..., Path]) -> None:
    good = written(JAN, LEDGER)
    pages = openpyxl.load_workbook(good)
    cases = {
        ("Accounts", found(pages, "Accounts", "ACC_1", "MRR"), 1.50): {
            "MRR of all accounts = M-01", "each account's movement leads from its MRR before to its MRR",
            "opening and movements of each tier are the MRR of its accounts",
        },
        ("Accounts", found(pages, "Accounts", "ACC_3", "moved by"), 0.01): {
            "each account's movement leads from its MRR before to its MRR", "churn of the bridge = M-02.churn",
            "closing of the bridge = M-01", "opening and movements of each tier are the MRR of its accounts",
        },
        ("Shares", found(pages, "Shares", "ACC_2", "T1"), 0.01): {
            "allocated of all accounts = M-24", "fully loaded profit of all accounts = M-25",
            "the shares of each source are its amount", "all shares = M-24 + M-24.unallocated",
        },
        ("Reconciliation", found(pages, "Reconciliation", "ACC_4", "ledger"), -0.01): {
            "each difference is the one that was judged",
        },
        ("Accounts", found(pages, "Accounts", "ACC_4", "revenue"), -5.00): {
            "revenue of all accounts = M-20", "contribution of all accounts = M-23",
            "fully loaded profit of all accounts = M-25", "each pipeline side is the revenue",
        },
    }  # fmt: skip
    broken = [changed(good, *case) for case in cases]
    first, *others = computed(good.parent, good, *broken)

    weighed = {"RC-2: net within 1 % of the ledger", "RC-3: gross within 1 % of the ledger"}  # 10.00 of 720.63
    lines = checks(first)
    assert weighed == differing(first)
    assert {0} == {left for told, (left, *_) in lines.items() if told not in weighed}
    assert 25 < len(lines)
    assert (0, "ok", 730.63, 730.63) == lines["MRR of all accounts = M-01"]
    assert (0, "ok", 600, 600) == lines["opening of the bridge = M-02.opening"]
    for case, page in zip(cases, others, strict=True):
        assert cases[case] | weighed == differing(page), case


def test_what_has_no_figure_is_not_checked_and_says_why(written: Callable[..., Path]) -> None:
    """The first observed month has no movements, and nobody has compared it with a ledger."""
    path = written("2023-12")
    (book,) = computed(path.parent, path)
    lines = checks(book)
    assert set() == differing(book)
    assert (None, "not checked", 0, "insufficient_history") == lines["new of the bridge = M-02.new"]
    assert (None, "not checked", 0, "not compared") == lines["revenue is compared with the ledger"]
    assert (0, "ok", 600, 600) == lines["closing of the bridge = M-01"]
