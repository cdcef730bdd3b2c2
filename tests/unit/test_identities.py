"""What must close exactly. Source: `operations.md` C.4 gate "identities" (AT-11, AT-67)."""

from decimal import Decimal

import polars as pl
import pytest

from compute.figures import FIGURE
from compute.identities import broken_identities, mrr_quality

COMPANY = {
    "M-01": 110, "M-02.opening": 100, "M-02.new": 20, "M-02.expansion": 5, "M-02.reactivation": 3,
    "M-02.contraction": 8, "M-02.churn": 10, "M-05": 3, "M-05.new": 1, "M-05.reactivated": 1, "M-05.churned": 1,
    "M-51.opening": 10, "M-51.new": 5, "M-51.upgrades": 2, "M-51.downgrades": 1, "M-51.churned": 4,
    "M-51.closing": 12, "M-20": 110, "M-22": 30, "M-23": 80, "M-24": 50, "M-25": 30, "M-24.unallocated": 5, "M-29": 25,
}  # fmt: skip
ACCOUNTS = {
    "A": {"M-01": 60, "M-20": 60, "M-22": 10, "M-23": 50, "M-24": 25, "M-25": 25},
    "B": {"M-01": 50, "M-20": 50, "M-22": 20, "M-23": 30, "M-24": 25, "M-25": 5},
}
BEFORE = {"M-01": Decimal(100), "M-05": Decimal(2)}


def broken(company: dict[str, int | None], *, allocated: int = 55, to_allocate: int = 55) -> list[str]:
    return broken_identities(figures(company).lazy(), BEFORE, Decimal(allocated), Decimal(to_allocate))


def figures(company: dict[str, int | None]) -> pl.DataFrame:
    rows = [("2024-01", name, "company_month", "company", value) for name, value in company.items()]
    rows += [("2024-01", name, "account_month", key, value)
             for key, values in ACCOUNTS.items() for name, value in values.items()]  # fmt: skip
    columns = ["month", "metric_id", "grain", "grain_key", "value"]
    frame = pl.DataFrame([(*row[:4], None if row[4] is None else Decimal(row[4])) for row in rows],
                         schema={name: FIGURE[name] for name in columns}, orient="row")  # fmt: skip
    return frame.with_columns(unit=pl.lit("money"), quality=pl.lit("billed"), null_reason=pl.lit(""),
                              footnote_ids=pl.lit("")).select(list(FIGURE))  # fmt: skip


def test_a_month_that_closes_breaks_none() -> None:
    assert [] == broken(dict(COMPANY))


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("M-02.opening", "opening MRR is the closing MRR before: 100, not 101"),
        ("M-02.churn", "MRR bridge: 109, not 110"),
        ("M-05.churned", "bridge of paying accounts: 2, not 3"),
        ("M-51.upgrades", "bridge of licences: 13, not 12"),
        ("M-29", "operating result: 25, not 26"),
        ("M-22", "sum of M-22 over accounts: 30, not 31"),
    ],
)
def test_a_figure_that_is_off_by_one_breaks_its_identity(metric: str, sentence: str) -> None:
    assert sentence in broken(COMPANY | {metric: COMPANY[metric] + 1})


def test_the_allocation_ledger_adds_up_to_what_was_to_be_allocated() -> None:
    assert ["sum of the allocation ledger: 54, not 55"] == broken(dict(COMPANY), allocated=54)


def test_a_null_term_breaks_nothing() -> None:
    assert [] == broken(COMPANY | {"M-02.churn": None, "M-29": None})


def test_mrr_that_is_not_billed_is_counted_by_how_it_is_known() -> None:
    rows = figures(dict(COMPANY)).with_columns(
        value=pl.when(grain_key="A").then(None).otherwise("value"),
        quality=pl.when(grain_key="B").then(pl.lit("carried_forward")).otherwise("quality"),
    )
    assert {"null": 1, "carried_forward": 1, "estimated": 0, "imputed": 0} == mrr_quality(rows.lazy())
