"""The profit feeds of the sample: bills three times a month, expenses and salaries on the second of the next month.

Amounts are whole cents throughout; parts of a cost add up to it.
"""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from compute.months import Month
from compute.sample.growth import with_arrival
from compute.sample.life import Life
from compute.sample.lines import day, line, money, raw, text, whole
from compute.sample.market import DIRECT, ONBOARDING, OWN_TEAMS, SHARED_COSTS, SOLD, Cost
from compute.sample.request import Request

_LISTS = ["[" + ", ".join(f'"{SOLD[bit].sold}"' for bit in range(len(SOLD)) if mask >> bit & 1) + "]"
          for mask in range(1 << len(SOLD))]  # fmt: skip
HIRING_SHARE = 0.25  # a team never grows faster in a month


def bills(lives: list[Life], request: Request) -> pl.DataFrame:
    """Return the bills: `account_id, …, arrival, line`; `month` and `is_first` beside them."""
    rows = [
        (life.prospect.account_id, life.prospect.tier.name, bill.seats * bill.seat_cents, bill.seats, bill.features,
         bill.feature_cents, bill.on, bill.payment, index == 0 and not life.prospect.is_customer)
        for life in lives for index, bill in enumerate(life.bills)
    ]  # fmt: skip
    schema = {
        "account_id": pl.String, "subscription_tier": pl.String, "monthly_revenue": pl.Int64,
        "user_licenses": pl.Int64, "features": pl.Int64, "feature_revenue": pl.Int64, "billing_date": pl.Date,
        "payment_status": pl.String, "is_first": pl.Boolean,
    }  # fmt: skip
    members = {
        "account_id": text("account_id"), "subscription_tier": text("subscription_tier"),
        "monthly_revenue": money("monthly_revenue"), "user_licenses": whole("user_licenses"),
        "additional_features": raw("additional_features"), "feature_revenue": money("feature_revenue"),
        "total_monthly_revenue": money("total_monthly_revenue"), "billing_date": day("billing_date"),
        "payment_status": text("payment_status"),
    }  # fmt: skip
    lists = pl.Series(_LISTS, dtype=pl.String)
    frame = pl.DataFrame(rows, schema, orient="row").with_columns(
        additional_features=lists.gather(pl.Series([row[4] for row in rows], dtype=pl.UInt32)),
        total_monthly_revenue=pl.col("monthly_revenue") + pl.col("feature_revenue"),
        month=pl.col("billing_date").dt.strftime("%Y-%m"),
    )
    arrived = with_arrival(frame, "billing_date", thrice_a_month, request)
    return arrived.with_columns(line=line(members)).sort("arrival", "billing_date", "account_id")


def thrice_a_month(billed_on: date) -> datetime:
    """Return the 11th, the 21st or the first of the next month after a day; 06:00."""
    following = (billed_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    drop = next((billed_on.replace(day=each) for each in (11, 21) if billed_on.day < each), following)
    return datetime.combine(drop, time(6), UTC)


def month_totals(bills: pl.DataFrame) -> dict[str, int]:
    """Return what is billed in each month, cents."""
    return dict(bills.group_by("month").agg(pl.col("total_monthly_revenue").sum()).rows())


def expenses(bills: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return the expenses: for each bill its direct costs, for each month the shared ones."""
    totals = month_totals(bills)
    parts = [_direct(bills.filter(pl.col("month") == str(month)), month, request) for month in request.months]
    parts += [_shared(month, totals.get(str(month), 0), request) for month in request.months]
    rows = pl.concat(parts)
    members = {
        "account_id": text("account_id"), "expense_category": text("expense_category"),
        "monthly_cost": money("monthly_cost"), "cost_breakdown": raw("cost_breakdown"),
        "expense_date": day("expense_date"),
    }  # fmt: skip
    arrived = with_arrival(rows, "expense_date", second_of_next, request)
    return arrived.with_columns(line=line(members)).sort("arrival", "expense_category", "account_id", nulls_last=False)


def _direct(bills: pl.DataFrame, month: Month, request: Request) -> pl.DataFrame:
    random = request.stream("expense", month.year * 12 + month.number)
    billed = bills.select("account_id", "total_monthly_revenue", "is_first").sort("account_id")
    costs = [(cost, billed) for cost in DIRECT] + [(ONBOARDING, billed.filter("is_first"))]
    return pl.concat([
        _rows(cost, of.get_column("account_id"),
              of.get_column("total_monthly_revenue").to_numpy() * cost.share * random.uniform(0.8, 1.2, of.height),
              month)
        for cost, of in costs
    ])  # fmt: skip


def _shared(month: Month, total: int, request: Request) -> pl.DataFrame:
    random = request.stream("expense", month.year * 12 + month.number + 100_000)
    nobody = pl.Series("account_id", [None], dtype=pl.String)
    return pl.concat([
        _rows(cost, nobody, np.array([total * cost.share * random.uniform(0.9, 1.1)]), month)
        for cost in SHARED_COSTS
    ])  # fmt: skip


def _rows(cost: Cost, accounts: pl.Series, cents: np.ndarray, month: Month) -> pl.DataFrame:
    names, weights = zip(*cost.parts, strict=True)
    amount = np.maximum(1, cents.round()).astype(np.int64)
    shares = {name: (amount * weight).astype(np.int64) for name, weight in zip(names[1:], weights[1:], strict=True)}
    first = amount - sum(shares.values(), np.zeros_like(amount))
    frame = pl.DataFrame({"account_id": accounts, "monthly_cost": amount, names[0]: first, **shares})
    return frame.select(
        "account_id",
        "monthly_cost",
        expense_category=pl.lit(cost.category),
        cost_breakdown=line({name: money(name) for name in names}),
        expense_date=pl.lit(month.last),
    )


def salaries(bills: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return the salaries: teams grow with what is billed, a raise comes in January, nobody is let go."""
    totals = month_totals(bills)
    rows = [row for index in range(len(OWN_TEAMS)) for row in _team(index, totals, request)]
    schema = {
        "team_id": pl.String, "team_name": pl.String, "monthly_salary_total": pl.Int64, "headcount": pl.Int64,
        "cost_per_engineer": pl.Int64, "salary_month": pl.String, "paid_on": pl.Date,
    }  # fmt: skip
    members = {
        "team_id": text("team_id"), "team_name": text("team_name"),
        "monthly_salary_total": money("monthly_salary_total"), "headcount": whole("headcount"),
        "cost_per_engineer": money("cost_per_engineer"), "salary_month": text("salary_month"),
    }  # fmt: skip
    arrived = with_arrival(pl.DataFrame(rows, schema, orient="row"), "paid_on", second_of_next, request)
    return arrived.with_columns(line=line(members)).sort("arrival", "team_id")


def _team(index: int, totals: dict[str, int], request: Request) -> list[tuple[object, ...]]:
    team, random = OWN_TEAMS[index], request.stream("salary", index)
    head_cents = round(team.head_cents * random.uniform(0.96, 1.04) / 100) * 100
    rows: list[tuple[object, ...]] = []
    heads = 0
    for month in request.months:
        wanted = max(1, round(totals.get(str(month), 0) * team.share / head_cents))
        heads = wanted if heads == 0 else max(heads, min(wanted, heads + int(heads * HIRING_SHARE)))
        if month.number == 1 and rows:
            head_cents = round(head_cents * 1.035 / 100) * 100
        rows.append((team.team_id, team.name, heads * head_cents, heads, head_cents, str(month), month.last))
    return rows


def second_of_next(day_of_month: date) -> datetime:
    """Return the second of the month after a day, 06:00."""
    following = (day_of_month.replace(day=1) + timedelta(days=32)).replace(day=2)
    return datetime.combine(following, time(6), UTC)


def ledger(bills: pl.DataFrame) -> pl.DataFrame:
    """Return what accounting posts of each account and month: the bill, or 0 for one that was refunded."""
    amount = pl.when(pl.col("payment_status") == "Refunded").then(0).otherwise("total_monthly_revenue")
    posted = (pl.col("month") + "-01").str.to_date().dt.offset_by("1mo").dt.strftime("%Y-%m-03T17:00:00Z")
    rows = bills.select("account_id", period="month", amount=amount, ledger_version=pl.lit(1), posted_at=posted)
    return rows.with_columns(amount=money("amount")).sort("period", "account_id")
