"""Laws that hold on any history: bridges, allocation, order, and agreement with a naive implementation.

Source: AT-11, AT-12, AT-17, AT-42.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.account_month import Records, account_month
from compute.allocation import UNALLOCATED
from compute.company import Company
from compute.company_month import SEAT_MOVEMENTS, bridges
from compute.money import MONEY, allocate
from compute.months import Month
from compute.movements import MOVING
from compute.status import STEP
from compute.statuses import STATUSES
from tests.company import Books, bill, change, cost, renewal, seats, team
from tests.property import plain_rules

MONTHS = Month(2024, 1).until(Month(2024, 5))
ACCOUNTS = ("ACC_1", "ACC_2", "ACC_3")

accounts = st.sampled_from(ACCOUNTS)
dates = st.builds(
    lambda month, day: f"{month}-{day:02d}", st.sampled_from([str(month) for month in MONTHS]), st.integers(1, 28)
)
amounts = st.integers(0, 40_000).map(lambda cents: cents / 100)
bills = st.builds(
    bill, accounts, dates, amounts,
    payment_status=st.sampled_from(["Paid", "Paid", "Failed", "Refunded", "Void", "Written Off"]),
    subscription_tier=st.sampled_from(["Starter", "Professional"]), user_licenses=st.integers(1, 30),
    additional_features=st.sampled_from([[], ["API Access"]]),
)  # fmt: skip
changes = st.builds(
    change, accounts, dates, st.sampled_from([None, *STATUSES]), st.sampled_from(STATUSES),
    contract_value=st.sampled_from([None, 1200.0]),
)  # fmt: skip
licences = st.builds(seats, accounts, dates, st.just(5), st.sampled_from([3, 9]), st.just(0.0)).map(
    lambda row: row | {"additional_revenue": 7.5 if row["new_licenses"] > 5 else -7.5}
)
renewals = st.builds(renewal, accounts, dates, st.just(100.0), amounts)
costs = st.builds(
    cost, st.sampled_from([*ACCOUNTS, None, "ACC_9"]), dates, amounts, st.sampled_from(["Infrastructure", "Marketing"])
)
teams = st.builds(
    team, st.sampled_from(["T1", "T2"]), st.sampled_from(["Data Engineering", "Support"]),
    st.sampled_from([str(month) for month in MONTHS]), st.integers(1, 900).map(float), st.just(1),
)  # fmt: skip
histories = st.fixed_dictionaries(
    {
        "revenue": st.lists(bills, max_size=12),
        "account_status_changes": st.lists(changes, max_size=8),
        "license_changes": st.lists(licences, max_size=4),
        "subscription_renewals": st.lists(renewals, max_size=3),
        "expenses": st.lists(costs, max_size=6),
        "salaries": st.lists(teams, max_size=6),
    }
)
slow = settings(deadline=None, max_examples=60)


@slow
@given(histories)
def test_status_mrr_and_movements_are_those_of_the_naive_implementation(history: dict[str, Any]) -> None:
    """AT-12."""
    books = Books(history, MONTHS)

    expected = plain_rules.account_months(books.silver, books.steps, MONTHS)
    columns = ("status", "mrr", "mrr_quality", "movement", "movement_amount", "licences")
    got = {
        (row["account_id"], row["month"]): tuple(row[name] for name in columns)
        for row in books.existing.filter(pl.col("month") >= str(MONTHS[0])).iter_rows(named=True)
    }
    assert expected == got


@settings(deadline=None, max_examples=15)
@given(histories)
def test_company_is_the_sum_of_its_accounts_and_a_month_of_its_days(history: dict[str, Any]) -> None:
    """AT-17."""
    books = Books(history, MONTHS)

    for month in MONTHS[1:4]:
        table = books.figure_table(str(month))
        ledger = books.ledger(month)
        for metric_id in ("M-20", "M-22", "M-23"):
            by_grain = {grain: part for (grain,), part in
                        table.filter(pl.col("metric_id") == metric_id).partition_by("grain", as_dict=True).items()}  # fmt: skip
            company = by_grain["company_month"].get_column("value").item()
            if company is not None:
                parts = by_grain.get("account_month", table.head(0)).get_column("value")
                days = by_grain.get("account_day", table.head(0)).get_column("value")
                assert company == (parts.sum() or 0) == (days.sum() or 0)
        figures = books.figures(str(month))
        shared = sum((row["amount"] for row in ledger.to_dicts()), Decimal(0))
        assert shared == figures["M-24", "company"] + figures["M-24.unallocated", "company"]  # type: ignore[operator]
        whole, loaded = figures["M-29", "company"], figures["M-25", "company"]
        if isinstance(whole, Decimal) and isinstance(loaded, Decimal):
            unallocated = ledger.filter(pl.col("account_id") == UNALLOCATED).get_column("amount").sum() or 0
            assert loaded - unallocated == whole


@settings(deadline=None, max_examples=30)
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(history: dict[str, Any], random: Any) -> None:
    books = Books(history, MONTHS)
    shuffled = {name: random.sample(rows, len(rows)) for name, rows in history.items()}
    # A revision depends on arrival; here all arrive at once, so rows of one key must be one row.
    keys = {name: len({tuple(str(row.get(key)) for key in ("account_id", "team_id", "billing_date", "change_date",
            "effective_date", "renewal_date", "expense_date", "salary_month")) for row in rows}) for name, rows in history.items()}  # fmt: skip

    if all(keys[name] == len(rows) for name, rows in history.items()):
        assert books.rows.equals(Books(shuffled, MONTHS).rows)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any), st.integers(0, 10**12))
def test_shares_add_up_and_each_is_within_a_cent(weights: list[int], cents: int) -> None:
    frame = pl.DataFrame(
        {"source": "s", "key": [f"k{index}" for index in range(len(weights))], "amount": cents, "weight": weights}
    )

    shares = allocate(frame, source="source", amount="amount", weight="weight", key="key")

    assert cents == shares.get_column("share").sum()
    for row in shares.to_dicts():
        assert abs(row["share"] * sum(weights) - cents * row["weight"]) < sum(weights)
    again = allocate(frame.reverse(), source="source", amount="amount", weight="weight", key="key")
    assert shares.sort("key").equals(again.sort("key"))


def test_bridges_hold_on_a_hundred_thousand_histories() -> None:
    """AT-11: for the company and every tier, every month; logos and seats too."""
    rows = random_account_months(100_000, seed=20240101)
    # An account whose MRR is once unknown takes the whole month's bridge with it: it is left out.
    known = rows.filter(~(pl.col("mrr").is_null() | pl.col("prior_mrr").is_null()).any().over("account_id"))

    bridge = bridges(known.filter(pl.col("month") > "2024-01"))

    total = pl.col("opening") + pl.col("new") + pl.col("expansion") + pl.col("reactivation")
    assert bridge.height > 10
    assert bridge.filter(total - pl.col("contraction") - pl.col("churn") != pl.col("closing")).is_empty()
    tiers = (
        bridge.filter(pl.col("tier") != "company").group_by("month").agg(pl.col("opening", "closing", *MOVING).sum())
    )
    whole = bridge.filter(pl.col("tier") == "company").select("month", "opening", "closing", *MOVING)
    assert tiers.sort("month").cast(whole.schema).equals(whole.sort("month"))
    closing = whole.select(month=pl.col("month"), closing="closing").sort("month")
    opening = whole.select("opening").to_series()
    assert opening.to_list()[1:] == closing.get_column("closing").to_list()[:-1]
    _logos_and_seats(known.filter(pl.col("month") > "2024-01"))


def _logos_and_seats(rows: pl.DataFrame) -> None:
    is_class = {name: pl.col("movement") == name for name in MOVING}
    logos = rows.group_by("month").agg(
        opening=(pl.col("prior_mrr") > 0).sum(), closing=(pl.col("mrr") > 0).sum(),
        **{name: is_class[name].sum() for name in ("new", "reactivation", "churn")},
    )  # fmt: skip
    came = pl.col("opening") + pl.col("new") + pl.col("reactivation") - pl.col("churn").cast(pl.Int64)
    assert logos.filter(came != pl.col("closing")).is_empty()
    moved = rows.drop_nulls("licences").select("prior_licences", "licences", **SEAT_MOVEMENTS)
    seated = pl.col("prior_licences") + pl.col("new") + pl.col("upgrades") - pl.col("downgrades") - pl.col("churned")
    assert moved.filter(seated != pl.col("licences")).is_empty()


def random_account_months(count: int, seed: int) -> pl.DataFrame:
    """Return ACCOUNT_MONTH rows of one-account histories: bills that come, go, change and move between tiers."""
    random = np.random.default_rng(seed)
    months = [str(month) for month in MONTHS]
    size = count * len(months)
    names = np.repeat([f"ACC_{number}" for number in range(count)], len(months))
    first = pl.DataFrame(
        {"account_id": ["ACC_X"], "month": ["2024-01"], "total": [100], "tier": ["Starter"], "seats": [1]}
    )
    drawn = pl.DataFrame(
        {
            "account_id": names,
            "month": np.tile(months, count),
            "total": random.integers(0, 5, size) * 1000 + random.integers(0, 2, size),
            "tier": random.choice(["Starter", "Professional", "Enterprise"], size),
            "seats": random.integers(0, 20, size),
            "there": random.random(size) < 0.6,
        }
    ).filter(pl.col("there"))
    both = pl.concat([first, drawn.drop("there")], how="vertical_relaxed")
    empty = Books({}, MONTHS).silver
    revenue = both.select(
        "account_id", "month", subscription_tier="tier", user_licenses=pl.col("seats").cast(pl.Int64),
        total_monthly_revenue=(pl.col("total").cast(pl.Decimal(38, 2)) / 100).cast(MONEY),
        monthly_revenue=pl.lit(0).cast(MONEY), feature_revenue=pl.lit(0).cast(MONEY),
        additional_features=pl.lit([], dtype=pl.List(pl.String)), payment_status=pl.lit("Paid"),
        billing_date=(pl.col("month") + "-15").str.to_date(),
    )  # fmt: skip
    records = Records(
        bills=revenue, changes=empty["account_status_changes"], steps=pl.DataFrame(schema=STEP),
        licences=empty["license_changes"], renewals=empty["subscription_renewals"], expenses=empty["expenses"],
    )  # fmt: skip
    return account_month(records, MONTHS, MONTHS[0], Company())
