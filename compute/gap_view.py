"""Status gaps as those see them who close them: what is missing, what stands in for it, which figures it touches.

Source: `data.md` C.2; `operations.md` C.4 gate "gaps".
"""

from collections.abc import Sequence

import polars as pl

from compute.money import MONEY
from compute.months import Month, month_of
from compute.schema import Schema, typed
from compute.wording import worded

GAP: Schema = {
    "account_id": pl.String,
    "kind": pl.String,
    "jump": pl.String,
    "verdict": pl.String,
    "confidence": pl.String,
    "earliest": pl.Date,
    "latest": pl.Date,
    "stands_in": pl.String,
    "months": pl.String,
    "mrr": MONEY,
    "metrics": pl.String,
    "owner": pl.String,
    "next": pl.String,
}
_COUNTS, _TRIALS, _MRR = ("M-50", "M-52"), ("M-16", "M-16.n90", "M-17"), ("M-01",)
_BEGINS = pl.coalesce("earliest", "event_date")
_IS_IMPUTED = pl.col("verdict") == "impute"


def touching(cases: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return the CASE rows that touch a month: from that of `earliest`, if empty of the event, to that of the event."""
    return cases.filter((month.last >= _BEGINS) & (pl.col("event_date") >= month.first))


def gap_view(cases: pl.DataFrame, rows: pl.DataFrame, owner: str, month: Month | None = None) -> pl.DataFrame:
    """Return GAP rows, the greatest MRR first.

    Args:
        cases: CASE rows.
        rows: ACCOUNT_MONTH rows of their accounts.
        owner: the role that moves them on.
        month: only cases that touch it, with their MRR in it; without one that of the month of the event.
    """
    chosen = cases if month is None else touching(cases, month)
    first, last = month_of(_BEGINS), month_of(pl.col("event_date"))
    of_gap = chosen.with_columns(_first=first, _last=last, _of=last if month is None else pl.lit(str(month)))
    known = rows.select("account_id", _of="month", mrr="mrr")
    imputed = _imputed_accounts(of_gap, rows)
    return (
        of_gap.join(known, on=["account_id", "_of"], how="left")
        .join(imputed, on=["account_id", "kind", "event_date"], how="left")
        .with_columns(
            jump=pl.concat_str("from", "to", separator=" → "),
            confidence=pl.when(_IS_IMPUTED).then(pl.lit("unique_path")).otherwise(pl.lit("none")),
            stands_in=_stands_in(),
            months=pl.when(pl.col("_first") == pl.col("_last"))
            .then("_last")
            .otherwise(pl.concat_str("_first", "_last", separator="..")),
            metrics=_metrics(),
            owner=pl.lit(owner),
            next=_next(),
        )
        .sort(pl.col("mrr").fill_null(0), "account_id", "event_date", "kind", descending=[True, False, False, False])
        .pipe(typed, GAP)
    )


def _imputed_accounts(of_gap: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the gaps in which an MRR is the gap's own 0.00, for want of a bill (U-48)."""
    guessed = rows.filter(pl.col("mrr_quality") == "imputed").select("account_id", "month")
    within = of_gap.join(guessed, on="account_id").filter(pl.col("month").is_between("_first", "_last"))
    return within.select("account_id", "kind", "event_date", _is_mrr=pl.lit(value=True)).unique()


def _day(day: pl.Expr) -> pl.Expr:
    return day.dt.to_string("%Y-%m-%d")


def _stands_in() -> pl.Expr:
    """Return what the timeline has in place of the missing row."""
    imputed = worded("{} imputed, dated {}", "imputed", _day(pl.col("event_date")))
    unknown = worded("Unknown from {} to {}", _day(pl.col("earliest")), _day(pl.col("latest").dt.offset_by("-1d")))
    return (
        pl.when(_IS_IMPUTED).then(imputed)
        .when(pl.col("kind") == "chain_break").then(unknown)
        .otherwise(pl.lit("nothing"))
    )  # fmt: skip


def _metrics() -> pl.Expr:
    """Return the metrics that a gap touches; MRR only where no bill states it (AT-42)."""
    path = pl.concat_str("from", "imputed", "to", separator=" ")
    trials = pl.when(_IS_IMPUTED & path.str.contains("Trial", literal=True)).then(pl.lit(_listed(_TRIALS)))
    mrr = pl.when("_is_mrr").then(pl.lit(_listed(_MRR)))
    return pl.concat_str(mrr, trials, pl.lit(_listed(_COUNTS)), separator=", ", ignore_nulls=True)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _next() -> pl.Expr:
    """Return what closes the case."""
    way = pl.col("candidates").str.replace_all(" | ", " or ", literal=True)
    return (
        pl.when(_IS_IMPUTED).then(worded("send the real row from {}: it replaces what was imputed", "from"))
        .when(pl.col("verdict") == "ambiguous").then(worded("send the row between {} and {}: {}", "from", "to", way))
        .otherwise(worded("correct the row of {}: no way leads to {}", _day(pl.col("event_date")), "to"))
    )  # fmt: skip
