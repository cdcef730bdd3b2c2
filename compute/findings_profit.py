"""Findings on bills, expenses and salaries.

Source: `data.md` A.1, A.2, A.3; past due bills: `metrics.md` §3, "Payment status".
"""

from datetime import timedelta

import polars as pl

from compute.company import Company
from compute.contracts.expenses import SHARED
from compute.findings import Check, Frames, changes_in_order, issued, key_of, nearest, with_status_on
from compute.money import SUM, cents
from compute.months import month_after, month_before, month_of
from compute.mrr import state_bills
from compute.statuses import PAYING, UNKNOWN
from compute.wording import worded

UNPAID = ("Overdue", "Failed", "Unpaid")
_TOTAL = pl.col("total_monthly_revenue")


def second_bills(frames: Frames, _company: Company) -> pl.DataFrame:
    """REV-W03: each bill of an account's month but the first by date, void ones included."""
    group = ("account_id", "month")
    counted = frames.bills.with_columns(_first=pl.col("billing_date").min().over(group), _count=pl.len().over(group))
    return counted.filter(pl.col("billing_date") > pl.col("_first")).select(
        "month", "account_id", key=key_of("account_id", "billing_date"),
        evidence=worded("one of {} bills of {}, {}, total {}; the first is of {}",
                        "_count", "month", "payment_status", _TOTAL, "_first"),
    )  # fmt: skip


def leaping_bills(frames: Frames, company: Company) -> pl.DataFrame:
    """REV-W04: the state bill leaps by more than half, and neither seats, renewal nor features say why."""
    features = pl.col("additional_features").list.eval(pl.element().replace(company.features.aliases))
    bills = state_bills(frames.bills).select(
        "account_id", "month", total=_TOTAL.cast(SUM), features=features.list.unique().list.sort().list.join("\x1f")
    )
    before = bills.rename({"month": "_before", "total": "_prior", "features": "_sold"})
    compared = bills.with_columns(_before=month_before(pl.col("month"))).join(before, on=["account_id", "_before"])
    leaps = (pl.col("total") - pl.col("_prior")).abs() * 2 > pl.col("_prior")
    unexplained = compared.filter(leaps, pl.col("features") == pl.col("_sold"))
    for events in (frames.licences, frames.renewals):
        unexplained = unexplained.join(events, on=["account_id", "month"], how="anti")
    return unexplained.select(
        "month", "account_id", key=key_of("account_id", "month"),
        evidence=worded("total {} after {} in {}, without licence change, renewal or other features",
                        "total", "_prior", "_before"),
    )  # fmt: skip


def other_seats_billed(frames: Frames, _company: Company) -> pl.DataFrame:
    """REV-W05: a bill has other seats than the last licence change effective by its date."""
    last = changes_in_order(frames.licences).unique(["account_id", "effective_date"], keep="last", maintain_order=True)
    facts = last.select("account_id", "effective_date", "new_licenses")
    known = nearest(issued(frames.bills), facts, on=("billing_date", "effective_date"))
    return known.filter(pl.col("user_licenses") != pl.col("new_licenses")).select(
        "month", "account_id", key=key_of("account_id", "billing_date"),
        evidence=worded("{} licences billed, {} by the change effective {}",
                        "user_licenses", "new_licenses", "effective_date"),
    )  # fmt: skip


def long_past_due(frames: Frames, company: Company) -> pl.DataFrame:
    """Find state bills that are unpaid for longer than the grace, on which the status has not moved.

    The month is that of the first day beyond the grace, so that no clock decides.
    """
    grace = company.limits.past_due_grace_days
    unpaid = state_bills(frames.bills).filter(pl.col("payment_status").is_in(UNPAID))
    beyond = unpaid.with_columns(_beyond=pl.col("billing_date") + timedelta(days=grace + 1))
    known = with_status_on(beyond, frames, "_beyond")
    has_moved = (pl.col("status_since") > pl.col("billing_date")).fill_null(value=False)
    return known.filter(~has_moved, pl.col("status").is_in([*PAYING, UNKNOWN])).select(
        "account_id", month=month_of(pl.col("_beyond")), key=key_of("account_id", "billing_date"),
        evidence=worded("bill of {}, total {}, is {} for more than {} days without a status change",
                        "billing_date", _TOTAL, "payment_status", pl.lit(grace)),
    )  # fmt: skip


def costly_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """EXP-W04: the direct cost of an account's month is above three times its bill, 0 without one."""
    group = ["account_id", "month"]
    spent = frames.expenses.filter(pl.col("account_id") != SHARED).group_by(group).agg(
        _cost=pl.col("monthly_cost").cast(SUM).sum()
    )  # fmt: skip
    billed = state_bills(frames.bills).select(*group, _billed=_TOTAL.cast(SUM))
    compared = spent.join(billed, on=group, how="left").with_columns(pl.col("_billed").fill_null(0))
    return compared.filter(pl.col("_cost") > pl.col("_billed") * 3).select(
        *group, key=key_of(*group), evidence=worded("direct cost {} against {} billed", "_cost", "_billed")
    )


def missing_team_months(frames: Frames, _company: Company) -> pl.DataFrame:
    """SAL-W01: a team with heads in the month before has no row."""
    expected = frames.salaries.filter(pl.col("headcount") > 0).select(
        "team_id", _before="month", month=month_after(pl.col("month"))
    )
    return expected.join(frames.salaries, on=["team_id", "month"], how="anti").select(
        "month", account_id=pl.lit(None, dtype=pl.String), key=key_of("team_id", "month"),
        evidence=worded("the team has a row with heads in {} and none in {}", "_before", "month"),
    )  # fmt: skip


def leaping_teams(frames: Frames, _company: Company) -> pl.DataFrame:
    """SAL-W02: heads or total of a team differ by more than 30 % from the month before.

    The evidence names no amount: salaries by team are for the finance view alone (A.11).
    """
    teams = frames.salaries.select(
        "team_id", "month", heads=pl.col("headcount").cast(pl.Int64), paid=cents(pl.col("monthly_salary_total"))
    )
    before = teams.rename({"month": "_before", "heads": "_heads", "paid": "_paid"})
    compared = teams.with_columns(_before=month_before(pl.col("month"))).join(before, on=["team_id", "_before"])
    leaps = [(pl.col(now) - pl.col(then)).abs() * 10 > pl.col(then) * 3
             for now, then in (("heads", "_heads"), ("paid", "_paid"))]  # fmt: skip
    what = pl.concat_str(
        [pl.when(leap).then(pl.lit(name)) for leap, name in zip(leaps, ("headcount", "total"), strict=True)],
        separator=" and ", ignore_nulls=True,
    )  # fmt: skip
    return compared.filter(pl.any_horizontal(leaps)).select(
        "month", account_id=pl.lit(None, dtype=pl.String), key=key_of("team_id", "month"),
        evidence=worded("{}: more than 30 % from {}", what, "_before"),
    )  # fmt: skip


PROFIT_CHECKS: tuple[Check, ...] = (
    Check("REV-W03", "revenue", "a second bill of the account's month, void ones included",
          "M-01, M-20; gate second bill", "blocking", second_bills, "finance: acknowledges it"),
    Check("REV-W04", "revenue", "the bill differs by more than half from last month's, and nothing says why",
          "M-01, M-02, M-20", "footnote", leaping_bills),
    Check("REV-W05", "revenue", "other licences are billed than the last change says (XR-4)",
          "M-07, M-44", "footnote", other_seats_billed),
    Check("past_due", "revenue", "unpaid for more than past_due_grace_days without a status change",
          "M-01.at_risk, M-21", "footnote", long_past_due),
    Check("EXP-W04", "expenses", "direct cost above three times the bill",
          "account profit", "footnote", costly_accounts),
    Check("SAL-W01", "salaries", "a team of last month has no row",
          "profit; gate completeness", "blocking", missing_team_months,
          "finance: the team's row; one with headcount 0 and 0.00 ends a team"),
    Check("SAL-W02", "salaries", "heads or total differ by more than 30 % from last month",
          "profit", "footnote", leaping_teams),
)  # fmt: skip
