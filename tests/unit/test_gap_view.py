"""What a person sees of status gaps. Source: `data.md` C.2, U-48; `operations.md` C.4 gate "gaps"."""

from datetime import date
from decimal import Decimal
from typing import Any

from compute.gap_view import gap_view
from compute.months import Month
from tests.company import Books, bill, change

MONTHS = Month(2024, 1).until(Month(2024, 4))


def books() -> Books:
    """ACC_1 jumps over a lawful edge and has no bill in February, ACC_2 two ways, ACC_3 starts where nothing can."""
    return Books(
        {
            "account_status_changes": [
                change("ACC_1", "2024-01-10", None, "Trial"), change("ACC_1", "2024-03-20", "Active", "Past Due"),
                change("ACC_2", "2024-01-05", None, "Lead"), change("ACC_2", "2024-02-20", "Expired", "Active"),
                change("ACC_3", "2024-04-02", "Active", "Lead"),
            ],
            "revenue": [bill("ACC_1", "2024-03-05", 70.0), bill("ACC_9", "2024-01-15", 1.0)],
        },
        MONTHS,
    )  # fmt: skip


def view(month: Month | None = None) -> list[dict[str, Any]]:
    given = books()
    return gap_view(given.cases, given.rows, "accounts", month).to_dicts()


def test_a_case_says_what_stands_in_for_the_missing_row_and_what_closes_it() -> None:
    found = {(row["account_id"], row["kind"]): row for row in view()}

    one = found["ACC_1", "chain_break"]
    assert ("Trial → Active", "impute", "unique_path", "Active imputed, dated 2024-03-20") == (
        one["jump"], one["verdict"], one["confidence"], one["stands_in"],
    )  # fmt: skip
    assert (date(2024, 1, 10), date(2024, 3, 20), "2024-01..2024-03") == (one["earliest"], one["latest"], one["months"])
    assert (Decimal("70.00"), "accounts") == (one["mrr"], one["owner"])
    assert "send the real row from Trial: it replaces what was imputed" == one["next"]

    two = found["ACC_2", "chain_break"]
    assert ("none", "Unknown from 2024-01-05 to 2024-02-19") == (two["confidence"], two["stands_in"])
    assert "send the row between Lead and Expired: Active or Trial" == two["next"]

    three = found["ACC_3", "illegal_edge"]
    assert ("contradiction", "nothing") == (three["verdict"], three["stands_in"])
    assert ("2024-04", "correct the row of 2024-04-02: no way leads to Lead") == (three["months"], three["next"])


def test_a_case_touches_mrr_only_where_no_bill_states_it() -> None:
    """AT-42: of the imputed step the status counts and the trials change, of Unknown without a bill the MRR too."""
    found = {(row["account_id"], row["kind"]): row["metrics"] for row in view()}

    assert "M-16, M-16.n90, M-17, M-50, M-52" == found["ACC_1", "chain_break"]
    assert "M-01, M-50, M-52" == found["ACC_2", "chain_break"]
    assert "M-50, M-52" == found["ACC_3", "illegal_edge"]


def test_the_view_of_a_month_has_what_touches_it_the_greatest_mrr_first() -> None:
    assert [("ACC_1", Decimal("0.00")), ("ACC_2", None)] == [
        (row["account_id"], row["mrr"]) for row in view(Month(2024, 2))
    ]
    assert ["ACC_3", "ACC_3"] == [row["account_id"] for row in view(Month(2024, 4))]
