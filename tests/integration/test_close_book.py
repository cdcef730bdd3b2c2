"""The close workbook, its formulas computed by LibreOffice: every check reads 0.00, and a changed cell shows.

Source: `operations.md` C.3, C.4 gate "identities"; `metrics.md` §4.3, §6.3.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from compute.allocation import sources
from compute.close_book import ClosedMonth, close_book
from compute.company import Company as Rules
from compute.months import Month
from compute.reconciliation import reconcile
from compute.reconciliation_acts import EXPLANATION
from compute.reconciliation_bench import OPENED, workbench
from compute.reconciliation_ledger import LEDGER_AMOUNT
from flows.commands.close import write_workbook
from storage.book_file import FRONT, write_book
from tests.company import Books, bill, change, cost, team
from tests.integration.closed import JAN, Company
from tests.property.lakes import plain_flows

pytestmark = pytest.mark.integration
NOON = datetime(2024, 2, 5, 12, tzinfo=UTC)
Cells = dict[str, tuple[Any, ...]]


@pytest.fixture(scope="module", autouse=True)
def flows_without_prefect() -> Iterator[None]:
    with plain_flows():
        yield


def computed(folder: Path, *books: Path) -> list[Any]:
    """Return workbooks as LibreOffice computes them; no formula carries a value before."""
    program = shutil.which("soffice")
    if not program:
        # A developer may be without it; `.ci/run` installs it, so in CI its absence is a failure.
        reason = "soffice not found (apt-get install libreoffice-calc-nogui)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    words = [f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx"]
    out = ["--outdir", str(folder / "computed"), *map(str, books)]
    subprocess.run([str(program), *words, *out], check=True, capture_output=True, timeout=300)
    return [openpyxl.load_workbook(folder / "computed" / book.name, data_only=True) for book in books]


def checks(book: Any) -> Cells:
    """Return the lines of the front sheet below its heads: check → difference, verdict, here, must equal."""
    rows = list(book[FRONT].iter_rows(values_only=True, max_col=5))
    (head,) = [line for line, row in enumerate(rows) if row[0] == "difference"]
    return {row[4]: row[:4] for row in rows[head + 1 :] if row[4]}


def differing(book: Any) -> set[str]:
    return {told for told, (left, verdict, *_) in checks(book).items() if verdict in ("differs", "FAIL") or left}


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
def books() -> Books:
    """January of four accounts: one grows, one shrinks, one leaves, one comes."""
    bills = [
        *(bill(f"ACC_{number}", "2023-12-05", 100.0 * number) for number in (1, 2, 3)),
        bill("ACC_1", "2024-01-05", 150.10, subscription_tier="Enterprise"), bill("ACC_2", "2024-01-05", 180.20),
        bill("ACC_4", "2024-01-05", 400.33),
    ]  # fmt: skip
    changes = [
        *(change(f"ACC_{number}", "2023-12-01", None, "Active") for number in (1, 2, 3)),
        change("ACC_3", "2024-01-20", "Active", "Cancelled"), change("ACC_4", "2024-01-02", None, "Active"),
    ]  # fmt: skip
    costs = [
        cost("ACC_1", "2024-01-15", 12.34), cost("ACC_2", "2024-01-15", 0.00), cost("ACC_4", "2024-01-15", 1.00),
        cost(None, "2024-01-31", 1000.00), cost(None, "2024-01-31", 77.77, "Sales"),
    ]  # fmt: skip
    teams = [team("T1", "Data Engineering", "2024-01", 5000.01, 3)]
    lines = {"revenue": bills, "account_status_changes": changes, "expenses": costs, "salaries": teams}
    return Books(lines, Month(2023, 12).until(Month(2024, 1)))


def month_of(books: Books, name: str, ledger: dict[str, str] | None = None) -> ClosedMonth:
    month, close = Month.parse(name), Rules().close
    rows = books.rows.filter(pl.col("month") == name)
    posted = [(account, Decimal(amount), "v1", "0" * 64) for account, amount in (ledger or {}).items()]
    amounts = pl.DataFrame(posted, schema=LEDGER_AMOUNT, orient="row")
    compared = reconcile(name, rows if ledger else rows.clear(), amounts, close)
    said = workbench(compared, pl.DataFrame(schema=EXPLANATION), pl.DataFrame(schema=OPENED), close, NOON)
    shared = sources(books.of("salaries", month), books.of("expenses", month), books.company)
    return ClosedMonth(books.figure_table(name), rows, books.ledger(month), shared, compared, said)


LEDGER = {"ACC_1": "150.10", "ACC_2": "180.20", "ACC_4": "390.33", "ACC_9": "0.00"}


@pytest.fixture(scope="module")
def written(books: Books, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("books")

    def write(name: str, ledger: dict[str, str] | None = None, to: str = "") -> Path:
        path = folder / f"{to or name}.xlsx"
        write_book(path, close_book(month_of(books, name, ledger), Rules().close), {f"Close of {name}": ""}, NOON)
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


def test_no_formula_carries_a_value_and_no_text_is_a_formula(written: Callable[..., Path]) -> None:
    path = written(JAN, {"=1+1": "5.00"}, to="formulas")
    pages, values = (openpyxl.load_workbook(path, data_only=is_value) for is_value in (False, True))
    formulas = [cell.coordinate for cell in pages[FRONT]["A"] if cell.data_type == "f"]
    assert formulas
    assert {None} == {values[FRONT][place].value for place in formulas}
    assert "s" == pages["Reconciliation"]["A4"].data_type  # what an account is called
    assert "=1+1" == pages["Reconciliation"]["A4"].value


def test_the_same_snapshot_gives_the_same_bytes_in_whatever_order_its_rows_lie(books: Books, tmp_path: Path) -> None:
    """AT-80."""
    given = month_of(books, JAN, LEDGER)
    upside_down = ClosedMonth(*(getattr(given, each.name).reverse() for each in fields(ClosedMonth)))
    paths = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for path, month in zip(paths, (given, upside_down), strict=True):
        write_book(path, close_book(month, Rules().close), {"Close": ""}, NOON)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_certified_edition_keeps_its_workbook_and_a_draft_has_its_own(closed: Company, tmp_path: Path) -> None:
    rules = Rules()

    def book(name: str, stand: str) -> Path:
        write_workbook(closed.lake, rules, Month.parse(JAN), stand, path := tmp_path / name)
        return path

    before = book("before.xlsx", "draft").read_bytes()
    closed.spend(50_000.00)
    closed.bring()
    first, draft = book("r1.xlsx", "r1"), book("d2.xlsx", "draft")
    assert before == first.read_bytes()

    certified, drafted = computed(tmp_path, first, draft)
    assert set() == differing(certified) | differing(drafted)
    told = {
        book[FRONT]["B2"].value: checks(book)["direct cost of all accounts = M-22"][2] for book in (certified, drafted)
    }
    assert ["r1, CERTIFIED; snapshot 2024-01-d1", "d2, VALIDATED; snapshot 2024-01-d2"] == list(told)
    assert 50_000 == round(told["d2, VALIDATED; snapshot 2024-01-d2"] - told["r1, CERTIFIED; snapshot 2024-01-d1"], 2)
