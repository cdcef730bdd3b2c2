"""MRR movements: the class of an account-month, why, and whether an event explains it.

Source: `metrics.md` §4 (B.2).
"""

import polars as pl

from compute.figures import Reason
from compute.money import MONEY, SUM
from compute.months import Month, month_of
from compute.mrr import per_month
from compute.statuses import PAYING

MOVING = ("new", "expansion", "reactivation", "contraction", "churn")
_ENDS = ("Cancelled", "Expired", "Suspended")

_P, _C = pl.col("prior_mrr"), pl.col("mrr")


def with_class(rows: pl.DataFrame, first_month: Month | None) -> pl.DataFrame:
    """Add `movement` and `movement_amount`.

    Args:
        rows: `month, prior_mrr, mrr, has_paid_before`.
        first_month: the first observed month, in which every MRR is `first_observed`.
    """
    first = str(first_month) if first_month else None
    is_first = pl.lit(value=False) if first is None else pl.col("month") == first
    movement = (
        pl.when(_P.is_null() | _C.is_null()).then(pl.lit("unknown"))
        .when(is_first & (_C > 0)).then(pl.lit("first_observed"))
        .when(is_first | (_P == _C)).then(pl.lit("none"))
        .when((_P == 0) & pl.col("has_paid_before")).then(pl.lit("reactivation"))
        .when(_P == 0).then(pl.lit("new"))
        .when(_C == 0).then(pl.lit("churn"))
        .when(_P < _C).then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )  # fmt: skip
    amount = (
        pl.when(pl.col("movement") == "unknown").then(None)
        .when(pl.col("movement") == "none").then(pl.lit(0, dtype=SUM))
        .when(pl.col("movement") == "first_observed").then(_C.cast(SUM))
        .otherwise((_C.cast(SUM) - _P.cast(SUM)).abs())
    )  # fmt: skip
    return rows.with_columns(movement=movement).with_columns(movement_amount=amount.cast(MONEY))


def movement_reason(first_month: Month | None) -> pl.Expr:
    """Return why an account's movement figures are null; null where they are not."""
    early = pl.lit(value=True) if first_month is None else pl.col("month") <= str(first_month)
    return (
        pl.when(pl.col("movement") == "unknown").then(pl.lit(Reason.MISSING_INPUT.value))
        .when(early).then(pl.lit(Reason.INSUFFICIENT_HISTORY.value))
    )  # fmt: skip


def first_paying_month(days: pl.DataFrame) -> pl.DataFrame:
    """Return the first month at whose end an account's timeline says it pays: `account_id, first_paying_month`.

    Args:
        days: `account_id, change_date, status, until` as of `status.end_of_day`.
    """
    # A step of day d holds at the end of its month when no other day changes it before.
    lasts = pl.col("until").is_null() | (pl.col("until") > pl.col("change_date").dt.month_end())
    return (
        days.filter(pl.col("status").is_in(PAYING) & lasts)
        .group_by("account_id")
        .agg(first_paying_month=month_of(pl.col("change_date").min()))
    )


def events_by_month(steps: pl.DataFrame, licences: pl.DataFrame, renewals: pl.DataFrame) -> pl.DataFrame:
    """Return which kinds of event an account had in a month, as flags by `account_id, month`."""
    seats = pl.col("new_licenses") - pl.col("previous_licenses")
    value = pl.col("new_contract_value") - pl.col("previous_contract_value")
    dated = month_of(pl.col("change_date"))
    flags = pl.concat(
        [
            steps.select(
                "account_id", month=dated, starts=pl.col("status") == "Active", ends=pl.col("status").is_in(_ENDS)
            ),
            licences.select("account_id", "month", grows=seats > 0, shrinks=seats < 0),
            renewals.select("account_id", "month", grows=value > 0, shrinks=value < 0),
        ],
        how="diagonal",
    )
    names = ("starts", "ends", "grows", "shrinks")
    return flags.group_by("account_id", "month").agg(pl.col(names).fill_null(value=False).any())


def is_explained() -> pl.Expr:
    """Return whether an event of the month explains the movement, as a whole (U-59); null when nothing moved.

    Needs the flags of `events_by_month` and `has_other_features`.
    """
    movement = pl.col("movement")
    return (
        pl.when(movement.is_in(["new", "reactivation"])).then(pl.col("starts"))
        .when(movement == "churn").then(pl.col("ends"))
        .when(movement == "expansion").then(pl.col("grows") | pl.col("has_other_features"))
        .when(movement == "contraction").then(pl.col("shrinks") | pl.col("has_other_features"))
    )  # fmt: skip


def sub_reason() -> pl.Expr:
    """Return what moved: the new status of a churn; tier, seat, feature or price of a change; else null."""
    movement = pl.col("movement")
    return (
        pl.when((movement == "churn") & pl.col("status").is_in(_ENDS)).then(pl.col("status").str.to_lowercase())
        .when(~movement.is_in(["expansion", "contraction"])).then(None)
        .when(pl.col("tier") != pl.col("prior_tier")).then(pl.lit("tier"))
        .when(pl.col("licences") != pl.col("prior_licences")).then(pl.lit("seat"))
        .when(pl.col("feature_revenue") != pl.col("prior_feature_revenue")).then(pl.lit("feature"))
        .otherwise(pl.lit("price"))
    )  # fmt: skip


def committed_changes(
    licences: pl.DataFrame, renewals: pl.DataFrame, months: pl.DataFrame, notice_days: int
) -> pl.DataFrame:
    """Return signed MRR changes that are known at a month's end and act later, by `account_id, month` (M-04).

    Args:
        licences: current licence changes.
        renewals: current renewals with `term_months`.
        months: `month, ends_on`.
        notice_days: how long before its date a renewal counts.

    Source: `metrics.md` §5, M-04 (U-52, U-53, U-54).
    """
    ends_on = pl.col("ends_on")
    seats = licences.join(months.rename({"month": "at"}), how="cross").filter(
        (pl.col("change_date") <= ends_on) & (ends_on < pl.col("effective_date"))
    )
    notice = pl.duration(days=notice_days)
    renewed = renewals.join(months.rename({"month": "at"}), how="cross").filter(
        (pl.col("renewal_date") - notice <= ends_on) & (ends_on < pl.col("renewal_date"))
    )
    term = pl.col("term_months")
    change = per_month(pl.col("new_contract_value"), term) - per_month(pl.col("previous_contract_value"), term)
    parts = pl.concat(
        [
            seats.select("account_id", month="at", committed_change=pl.col("additional_revenue").cast(SUM)),
            renewed.select("account_id", month="at", committed_change=change.cast(SUM)),
        ]
    )
    return parts.group_by("account_id", "month").agg(pl.col("committed_change").sum())
