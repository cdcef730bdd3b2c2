"""A month in pieces is the month: the same rows, the same order, the same hash, however small the pieces are.

Source: `operations.md` S-1, `interface.md` "Exports".
"""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.account_month import ACCOUNT_MONTH
from compute.details import account_day_figures
from compute.engagement import ACCOUNT_DAY
from compute.exchange import content_hash, metrics_table, to_csv
from compute.figures import FIGURE
from compute.money import MONEY, sum_of_squares
from compute.months import Month
from storage import pieces as cut
from storage.exported import pieces
from storage.snapshots import Sources

MONTH = Month(2024, 2)
# As keys of account-days "ACC_1|…" comes after "ACC_10|…", while "ACC_1" comes before "ACC_10".
ACCOUNTS = ("ACC_1", "ACC_10", "ACC_2", "ACC_20", "ACC_1-A")


def figure(metric_id: str, grain: str, key: str, value: str = "1.5") -> dict[str, Any]:
    return {"month": str(MONTH), "metric_id": metric_id, "grain": grain, "grain_key": key, "value": Decimal(value),
            "unit": "money", "quality": "billed", "null_reason": "", "footnote_ids": ""}  # fmt: skip


FIGURES = pl.DataFrame(
    [
        *(figure(name, "account_month", account) for name in ("M-20", "M-01", "M-23") for account in ACCOUNTS),
        *(figure(name, "company_month", "company") for name in ("M-20", "M-01", "M-99")),
        figure("M-45", "team_day", "ENG_1|2024-02-01"),
    ],
    schema=FIGURE,
)


def sources() -> Sources:
    months = [
        {"month": str(MONTH), "account_id": account, "revenue": Decimal("29.03"), "direct_cost": Decimal(cost),
         "paying_days": 7}
        for cost, account in enumerate(ACCOUNTS)
    ]  # fmt: skip
    days = [
        {"month": str(MONTH), "date": MONTH.first, "account_id": account, "active_users": number, "minutes": 9,
         "clicks": 1, "sessions": 2}
        for number, account in enumerate((*ACCOUNTS, "ACC_3"))
    ]  # fmt: skip
    frames = (pl.DataFrame(months, schema=ACCOUNT_MONTH), pl.DataFrame(days, schema=ACCOUNT_DAY))
    rows, by_day = (frame.lazy() for frame in frames)
    return Sources(rows, by_day, pl.LazyFrame(schema=FIGURE))


@pytest.mark.parametrize("most", [1, 29, 60, 200, 10_000])
def test_pieces_one_after_the_other_are_the_table_sorted(most: int) -> None:
    given = sources()
    whole = pl.concat([FIGURES, account_day_figures(given.rows.collect(), given.days.collect(), MONTH)])

    cut_up = [metrics_table(piece) for piece in pieces(FIGURES.lazy(), given, MONTH, most)]

    assert to_csv(metrics_table(whole)) == to_csv(pl.concat(cut_up))
    assert max(piece.height for piece in cut_up) <= max(most, 29, len(ACCOUNTS) + 1)


def test_the_hash_of_parts_is_that_of_the_whole_s1(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = content_hash([FIGURES], {"estimated": "from a contract"})

    monkeypatch.setattr(cut, "ROWS_AT_ONCE", 3)
    parts = [part for _, part in cut.by_metric(FIGURES.sample(fraction=1, shuffle=True, seed=1).lazy())]

    assert len(parts) > 1
    assert whole == content_hash(parts, {"estimated": "from a contract"})


@pytest.mark.parametrize("edges", [[], ["b"], ["b", "c"]])
def test_every_text_lies_in_just_one_range(edges: list[str]) -> None:
    texts = pl.DataFrame({"name": ["", "a", "b", "ba", "c", "z"]})

    found = texts.with_columns(
        pl.sum_horizontal(each.cast(pl.Int64) for each in cut.ranges("name", edges)).alias("count")
    )

    assert [1] * 6 == found.get_column("count").to_list()


def test_the_parts_of_a_month_cover_it_and_the_company_goes_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "ACCOUNTS_AT_ONCE", 2)
    of_accounts, company = (FIGURES.filter(pl.col("grain") == grain) for grain in ("account_month", "company_month"))
    accounts = pl.DataFrame({"account_id": ACCOUNTS})

    def chosen(some: pl.DataFrame) -> pl.DataFrame:
        return of_accounts.filter(pl.col("grain_key").is_in(some.get_column("account_id").implode()))

    parts = list(cut.figure_parts(company, accounts, chosen))

    whole = pl.concat([company, of_accounts])
    assert len(parts) == 3
    for where, rows in parts:
        assert whole.filter(where).sort(FIGURE.keys()).equals(rows.sort(FIGURE.keys()))
    assert whole.height == sum(rows.height for _, rows in parts)


def test_squares_of_the_largest_amounts_add_up_exactly() -> None:
    largest = Decimal("9999999999999999.99")

    assert (
        1000 * largest.as_integer_ratio()[0] ** 2
        == sum_of_squares(pl.Series([largest] * 1000, dtype=MONEY)) * largest.as_integer_ratio()[1] ** 2
    )
