"""MRR by account and month: bill, carry-forward, contract, or nothing.

Source: `metrics.md` §2.1, §2.2, §3 (B.1).
"""

import polars as pl

from compute.contracts.revenue import VOID
from compute.contracts.subscription_renewals import with_term
from compute.figures import RANKS, Quality
from compute.money import MONEY, SUM
from compute.months import Month, month_of
from compute.statuses import PAYING, UNKNOWN


def state_bills(bills: pl.DataFrame) -> pl.DataFrame:
    """Return R(a,m): of an account's bills of a month, void ones left out, the one dated last (U-42)."""
    return (
        bills.filter(pl.col("payment_status") != VOID)
        .sort("account_id", "billing_date")
        .unique(["account_id", "month"], keep="last", maintain_order=True)
    )


def births(bills: pl.DataFrame, changes: pl.DataFrame, licences: pl.DataFrame, renewals: pl.DataFrame) -> pl.DataFrame:
    """Return birth(a): the month of an account's first evidence, `account_id, birth` (U-40)."""
    found = evidence(bills.lazy(), changes.lazy(), licences.lazy(), renewals.lazy())
    return found.group_by("account_id").agg(pl.col("birth").min()).sort("account_id").collect()


def evidence(
    bills: pl.LazyFrame, changes: pl.LazyFrame, licences: pl.LazyFrame, renewals: pl.LazyFrame
) -> pl.LazyFrame:
    """Return what makes accounts: each record's account, and its month as `birth`.

    Evidence is a bill of any payment status, a status event, a licence change (the earlier of its dates) or a
    renewal.
    """
    agreed = month_of(pl.min_horizontal("change_date", "effective_date"))
    return pl.concat(
        [
            bills.select("account_id", birth="month"),
            changes.select("account_id", birth="month"),
            licences.select("account_id", birth=agreed),
            renewals.select("account_id", birth="month"),
        ]
    )


def contract_values(changes: pl.DataFrame, renewals: pl.DataFrame, default_term: int) -> pl.DataFrame:
    """Return what contracts say of MRR, by day: `account_id, signed_on, contract_mrr`, sorted, one row a day.

    On one day a renewal beats a status event; of two status events the later arrival counts (U-44).
    """
    events = changes.drop_nulls("contract_value").select(
        "account_id", signed_on="change_date", value="contract_value", term=pl.lit(default_term, dtype=pl.Int64),
        _rank=pl.lit(0), _arrival="_arrival", _file="_file", _batch_id="_batch_id", _row="_row",
    )  # fmt: skip
    renewed = with_term(renewals).select(
        "account_id", signed_on="renewal_date", value="new_contract_value", term="term_months",
        _rank=pl.lit(1), _arrival="_arrival", _file="_file", _batch_id="_batch_id", _row="_row",
    )  # fmt: skip
    return (
        pl.concat([events, renewed])
        .sort("account_id", "signed_on", "_rank", "_arrival", "_file", "_batch_id", "_row")
        .unique(["account_id", "signed_on"], keep="last", maintain_order=True)
        # Both sides have scale 2, so the quotient is rounded once, half-even, to cents.
        .select("account_id", "signed_on", contract_mrr=per_month(pl.col("value"), pl.col("term")))
    )


def per_month(value: pl.Expr, term: pl.Expr) -> pl.Expr:
    """Return round₂(value / term), HALF_EVEN."""
    return value.cast(SUM) / term.cast(SUM)


def with_mrr(grid: pl.DataFrame, first_month: Month | None) -> pl.DataFrame:
    """Add `mrr` and `mrr_quality` to every account-month.

    Args:
        grid: the same accounts in every month, months without gaps; columns `month, account_id, birth, status,
            is_open_gap, bill_total, licence_revenue, contract_mrr`. Before its first month no account has MRR.
        first_month: the first observed month; None when there is no bill, which sets no bound.

    Returns:
        The grid sorted by month and account; `mrr` null where nothing is known.
    """
    opening = pl.col("month") < (str(first_month) if first_month else "")
    months = grid.sort("month", "account_id").with_columns(
        _is_before=(pl.col("month") < pl.col("birth")) | opening
    ).partition_by("month", maintain_order=True)  # fmt: skip
    if not months:
        return grid.with_columns(mrr=pl.lit(None, dtype=MONEY), mrr_quality=pl.lit(None, dtype=pl.String))
    count = months[0].height
    prior = pl.DataFrame(
        {"prior": [0] * count, "prior_rank": [RANKS[Quality.BY_STATUS]] * count},
        schema={"prior": pl.Int64, "prior_rank": pl.Int64},
    ).cast({"prior": SUM})
    solved = []
    for month in months:
        known = month.hstack(prior).with_columns(mrr=_mrr(), _rank=_rank())
        prior = known.select(prior=pl.col("mrr").cast(SUM), prior_rank="_rank")
        solved.append(known)
    names = {rank: name for name, rank in RANKS.items()}
    return (
        pl.concat(solved)
        .with_columns(
            mrr=pl.col("mrr").cast(MONEY),
            mrr_quality=pl.col("_rank").replace_strict(names, return_dtype=pl.String),
        )
        .drop("_is_before", "_rank", "prior", "prior_rank")
    )


def _rank_of(quality: Quality) -> pl.Expr:
    return pl.lit(RANKS[quality], dtype=pl.Int64)


# The rules of metrics.md §3, in order: condition, value, quality. The first that holds counts.
_NOTHING = pl.lit(0, dtype=SUM)
_PRIOR = pl.col("prior")
_CARRIED = pl.max_horizontal(_NOTHING, _PRIOR + pl.col("licence_revenue"))
_WORSE = pl.max_horizontal("prior_rank", _rank_of(Quality.CARRIED_FORWARD))
_RULES: tuple[tuple[pl.Expr, pl.Expr, pl.Expr], ...] = (
    (pl.col("_is_before"), _NOTHING, _rank_of(Quality.BY_STATUS)),
    (~pl.col("status").is_in([*PAYING, UNKNOWN]), _NOTHING, _rank_of(Quality.BY_STATUS)),
    (pl.col("bill_total").is_not_null(), pl.col("bill_total").cast(SUM), _rank_of(Quality.BILLED)),
    (_PRIOR > 0, _CARRIED, _WORSE),
    (pl.col("is_open_gap") & (_PRIOR == 0), _NOTHING, _rank_of(Quality.IMPUTED)),
    (pl.col("contract_mrr").is_not_null(), pl.col("contract_mrr").cast(SUM), _rank_of(Quality.ESTIMATED)),
)


def _mrr() -> pl.Expr:
    return _first_rule(1, pl.lit(None, dtype=SUM))


def _rank() -> pl.Expr:
    return _first_rule(2, _rank_of(Quality.UNAVAILABLE))


def _first_rule(part: int, otherwise: pl.Expr) -> pl.Expr:
    result = otherwise
    for rule in reversed(_RULES):
        result = pl.when(rule[0].fill_null(value=False)).then(rule[part]).otherwise(result)
    return result
