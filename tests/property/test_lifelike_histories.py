"""Laws on companies that live: timeline, MRR, movements, shares and days as the naive rules say; sums that must agree.

Source: AT-11, AT-12, AT-16, AT-17, AT-42.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.account_month import Records, account_month
from compute.allocation import UNALLOCATED, allocation, sources
from compute.company_month import WHOLE_COMPANY, bridges
from compute.figures import FIGURE_KEY, Reason
from compute.months import Month
from compute.movements import MOVING
from compute.status import end_of_day, status_timeline
from compute.statuses import DEFAULT_GRAPH
from tests.company import Books
from tests.property import plain_rules, plain_timeline
from tests.property.histories import ACCOUNTS, BEGIN, LAST, MONTHS, Lines, companies, walks

EVERY_MONTH = Month.of(BEGIN).until(LAST)
OUTCOME = ("status", "mrr", "mrr_quality", "movement", "movement_amount", "licences")
CASE_COLUMNS = ("kind", "from", "to", "verdict", "imputed", "candidates", "earliest", "event_date")
REASONS = {reason.value for reason in Reason}


def books_of(lines: Lines) -> Books:
    """Return the books over the months of the bills; without any bill, over all months that have evidence."""
    books = Books(lines, MONTHS)
    return books if books.first_month else Books(lines, EVERY_MONTH)


def records_of(books: Books, **other: pl.DataFrame) -> Records:
    silver = books.silver
    frames = {
        "bills": silver["revenue"], "changes": silver["account_status_changes"], "steps": books.steps,
        "licences": silver["license_changes"], "renewals": silver["subscription_renewals"],
        "expenses": silver["expenses"],
    }  # fmt: skip
    return Records(**{**frames, **other})


def months_of(books: Books) -> tuple[Month, ...]:
    return MONTHS if books.first_month else EVERY_MONTH


def status_rows(books: Books, account: str) -> list[dict[str, Any]]:
    """Return an account's status rows in order of arrival."""
    rows = books.silver["account_status_changes"].filter(pl.col("account_id") == account)
    return rows.sort("_arrival", "_file", "_batch_id", "_row").to_dicts()


def arrived(changes: list[dict[str, Any]]) -> pl.DataFrame:
    """Return status rows as silver has them: each key once, none that stays where it was."""
    place = {"_arrival": datetime(2030, 1, 1, tzinfo=UTC), "_file": "a", "_batch_id": "b", "_bucket": 0}
    keys = {
        tuple(row[name] for name in ("account_id", "change_date", "previous_status", "new_status")) for row in changes
    }
    rows = [
        {
            "account_id": account,
            "change_date": date.fromisoformat(on),
            "previous_status": before,
            "new_status": new,
            "_row": number,
            **place,
        }
        for number, (account, on, before, new) in enumerate(sorted(keys, key=lambda key: (key[3][::-1], str(key))))
        if before != new
    ]
    schema = {"account_id": pl.String, "change_date": pl.Date, "previous_status": pl.String, "new_status": pl.String,
              "_row": pl.Int64, "_arrival": pl.Datetime("us", "UTC"), "_file": pl.String, "_batch_id": pl.String, "_bucket": pl.Int32}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(ACCOUNTS).flatmap(walks))
def test_every_day_and_every_gap_is_that_of_the_naive_timeline(changes: list[dict[str, Any]]) -> None:
    rows = arrived(changes)
    steps, cases = status_timeline(rows, DEFAULT_GRAPH)

    found = cases.drop("account_id", "latest").select(CASE_COLUMNS).rows()
    assert sorted(plain_timeline.gaps(rows.to_dicts()), key=repr) == sorted(found, key=repr)
    days = {row["change_date"] + timedelta(days=shift) for row in rows.to_dicts() for shift in (-1, 0, 1)}
    for day in days:
        past = steps.filter(pl.col("change_date") <= day).get_column("status").to_list()
        assert plain_timeline.status_on(rows.to_dicts(), day) == (past[-1] if past else "Unknown"), day
        held = end_of_day(steps).filter(
            (pl.col("change_date") <= day) & (pl.col("until").is_null() | (pl.col("until") > day))
        )
        assert past[-1:] == held.get_column("status").to_list()


@settings(deadline=None, max_examples=50)
@given(companies())
def test_every_account_month_is_that_of_the_naive_rules(lines: Lines) -> None:
    """AT-12; what was before the first month counts for who has paid before (U-51)."""
    books = books_of(lines)
    steps = [
        {"account_id": account, "change_date": on, "status": plain_timeline.status_on(rows, on)}
        for account in ACCOUNTS
        for rows in [status_rows(books, account)]
        for on in sorted({row["change_date"] for row in rows})
    ]
    schema = {"account_id": pl.String, "change_date": pl.Date, "status": pl.String}

    expected = plain_rules.account_months(books.silver, pl.DataFrame(steps, schema=schema), EVERY_MONTH)

    months = {str(month) for month in months_of(books)}
    found = {
        (row["account_id"], row["month"]): tuple(row[name] for name in OUTCOME) for row in books.existing.to_dicts()
    }
    assert {key: value for key, value in expected.items() if key[1] in months} == found


@settings(deadline=None, max_examples=15)
@given(companies())
def test_an_imputed_step_never_changes_mrr(lines: Lines) -> None:
    """AT-42: without the imputed steps every MRR and every movement is the same."""
    books = books_of(lines)
    real = records_of(books, steps=books.steps.filter(~pl.col("is_imputed")))

    without = account_month(real, months_of(books), books.first_month, books.company)

    columns = ("month", "account_id", "mrr", "mrr_quality", "movement", "movement_amount", "licences", "revenue")
    assert books.rows.select(columns).equals(without.select(columns))


@settings(deadline=None, max_examples=15)
@given(companies(), st.integers(0, 10**6))
def test_the_order_of_the_rows_of_silver_does_not_matter(lines: Lines, seed: int) -> None:
    books = books_of(lines)
    silver = {name: frame.sample(fraction=1, shuffle=True, seed=seed) for name, frame in books.silver.items()}
    changes = silver["account_status_changes"]
    steps, cases = status_timeline(changes, books.company.status_graph)
    shuffled = records_of(books, bills=silver["revenue"], changes=changes, steps=steps.sample(fraction=1, shuffle=True, seed=seed),
                          licences=silver["license_changes"], renewals=silver["subscription_renewals"],
                          expenses=silver["expenses"])  # fmt: skip

    rows = account_month(shuffled, months_of(books), books.first_month, books.company)

    assert books.cases.equals(cases)
    assert books.steps.equals(steps)
    assert books.rows.equals(rows)


@settings(deadline=None, max_examples=20)
@given(companies())
def test_bridges_close_for_the_company_and_every_tier(lines: Lines) -> None:
    """AT-11; nulls count as nothing, so a tier with an unknown movement is left out."""
    books = books_of(lines)

    table = bridges(books.existing)

    first = str(books.first_month)
    for row in table.filter(~pl.col("has_unknown")).to_dicts():
        gain, loss = row["new"] + row["expansion"] + row["reactivation"], row["contraction"] + row["churn"]
        assert row["opening"] + row["first_observed"] + gain - loss == row["closing"], row
        assert row["month"] == first or row["first_observed"] == 0
    columns = ["opening", "first_observed", *MOVING, "closing"]
    for month in table.get_column("month").unique():
        of_month = table.filter(pl.col("month") == month)
        tiers = of_month.filter(pl.col("tier") != WHOLE_COMPANY).select(pl.col(columns).sum())
        assert of_month.filter(pl.col("tier") == WHOLE_COMPANY).select(columns).rows() == tiers.rows()


@settings(deadline=None, max_examples=12)
@given(companies(), st.sampled_from(MONTHS[1:]))
def test_each_figure_stands_once_with_a_value_or_a_reason_and_the_identities_hold(lines: Lines, month: Month) -> None:
    """AT-11, AT-16, AT-17."""
    books = books_of(lines)
    table = books.figure_table(str(month))
    figures = books.figures(str(month))

    assert not table.select(FIGURE_KEY).is_duplicated().any()
    for value, reason, quality in table.select("value", "null_reason", "quality").rows():
        assert (value is None) == (reason in REASONS) == (quality == "unavailable")
        assert value is None or (reason == "" and value.is_finite())
    for *plus, closing in (
        ("+M-02.opening", "+M-02.new", "+M-02.expansion", "+M-02.reactivation", "-M-02.contraction", "-M-02.churn", "M-01"),
        ("+M-05.opening", "+M-05.new", "+M-05.reactivated", "-M-05.churned", "M-05"),
        ("+M-51.opening", "+M-51.new", "+M-51.upgrades", "-M-51.downgrades", "-M-51.churned", "M-51.closing"),
        ("+M-25", "-M-24.unallocated", "M-29"),
        ("+M-02.opening", "+M-02.net_new", "M-01"),
    ):  # fmt: skip
        parts = [(1 if name[0] == "+" else -1, figures[name[1:], "company"]) for name in plus]
        if all(isinstance(value, Decimal) for value in (figures[closing, "company"], *(value for _, value in parts))):
            assert sum(Fraction(sign) * Fraction(value) for sign, value in parts) == figures[closing, "company"], (
                closing
            )
    for name in ("M-01", "M-20", "M-21", "M-22", "M-23", "M-24", "M-25", *(f"M-02.{each}" for each in MOVING)):
        of_accounts = table.filter((pl.col("metric_id") == name) & (pl.col("grain") == "account_month"))
        if isinstance(figures[name, "company"], Decimal):
            assert figures[name, "company"] == (of_accounts.get_column("value").sum() or 0), name


@settings(deadline=None, max_examples=15)
@given(
    companies(),
    st.sampled_from(MONTHS[1:]),
    st.dictionaries(st.sampled_from([*ACCOUNTS, "ACC_8"]), st.integers(0, 900)),
)
def test_shares_and_days_are_those_of_the_naive_split(lines: Lines, month: Month, minutes: dict[str, int]) -> None:
    """AT-17."""
    books = books_of(lines)
    rows = books.rows.filter(pl.col("month") == str(month))
    shared = sources(books.of("salaries", month), books.of("expenses", month), books.company)
    used = pl.DataFrame(list(minutes.items()), schema={"account_id": pl.String, "minutes": pl.Int64}, orient="row")

    ledger = allocation(str(month), rows, shared, used)

    of_profit = rows.to_dicts()
    known = {row["account_id"] for row in of_profit}
    active = {name: count for name, count in minutes.items() if count > 0 and name in known}
    billed = {row["account_id"]: cents(row["revenue"]) for row in of_profit if row["revenue"]}
    equal = {row["account_id"]: 1 for row in of_profit if row["is_existing"] and row["mrr"]}
    expected = {}
    for source in shared.to_dicts():
        driver = (active if source["is_cogs_team"] else {}) or billed or equal or {UNALLOCATED: 1}
        for account, share in plain_timeline.split(cents(source["amount"]), driver).items():
            expected[source["source"], account] = share
    assert expected == {(row["source"], row["account_id"]): cents(row["amount"]) for row in ledger.to_dicts()}

    figures = books.figures(str(month))
    for row in of_profit:
        assert_days(books, row, month, figures)


def assert_days(books: Books, row: dict[str, Any], month: Month, figures: Any) -> None:
    account = row["account_id"]
    rows, every = status_rows(books, account), [month.first.replace(day=day) for day in range(1, month.days + 1)]
    inferred = row["status_source"] == "inferred_from_billing"
    paying = [day for day in every if inferred or plain_timeline.status_on(rows, day) in ("Active", "Past Due")]
    for name, amount, over in (("M-20", row["revenue"], paying), ("M-22", row["direct_cost"], every)):
        expected: dict[Any, Any] = dict.fromkeys(every, "missing_input")
        if amount is not None:
            shares = plain_timeline.days_of(cents(amount), month, over)
            expected = {day: Decimal(share) / 100 for day, share in shares.items()}
        assert expected == {day: figures[name, f"{account}|{day}"] for day in every}


def cents(amount: Decimal) -> int:
    return int(amount * 100)
