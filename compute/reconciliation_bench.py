"""The reconciliation as finance works it off: its open rows, how old they are, what was said of them.

Source: `operations.md` C.3 "Explanations".
"""

from datetime import datetime

import polars as pl

from compute.company_promises import Close
from compute.contracts.contract import INSTANT
from compute.money import MONEY, RATIO, quotient
from compute.reconciliation import is_open, must_be_explained
from compute.reconciliation_acts import explained
from compute.schema import Schema, typed

OPENED: Schema = {"month": pl.String, "account_id": pl.String, "since": INSTANT}
WORKBENCH: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "class": pl.String,
    "pipeline": MONEY,
    "ledger": MONEY,
    "delta": MONEY,
    "ratio": RATIO,
    "rc4": pl.String,
    "since": INSTANT,
    "days": pl.Int64,
    "code": pl.String,
    "standing": pl.String,
    "because": pl.String,
    "by": pl.String,
    "expires_at": INSTANT,
}
_ROW = ["month", "account_id"]


def newly_open(compared: pl.DataFrame, opened: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Return the open rows that were never seen open before: OPENED rows, to be kept for good.

    A row that agrees for a while and then does not keeps its age: closing early gains nothing.

    Args:
        compared: RECONCILIATION rows.
        opened: OPENED rows, all there are.
        at: the wall clock.
    """
    fresh = compared.filter(is_open()).join(opened, on=_ROW, how="anti")
    return fresh.with_columns(since=pl.lit(at, dtype=INSTANT)).pipe(typed, OPENED)


def workbench(
    compared: pl.DataFrame, explanations: pl.DataFrame, opened: pl.DataFrame, close: Close, now: datetime
) -> pl.DataFrame:
    """Return the open rows with their age and their explanation: WORKBENCH rows, the greatest difference first.

    `ratio` is Δ / ledger, null where the ledger has nothing. `rc4` is blocks, or explained, or empty for a row that
    does not have to be.

    Args:
        compared: RECONCILIATION rows.
        explanations: EXPLANATION rows, all there are.
        opened: OPENED rows, all there are.
        close: for what is material.
        now: the wall clock.
    """
    said = explained(compared, explanations, now).drop("delta")
    rows = (
        compared.filter(is_open())
        .with_columns(_asks=must_be_explained(close))
        .join(said, on=_ROW, how="left")
        .join(opened.group_by(_ROW).agg(pl.col("since").min()), on=_ROW, how="left")
    )
    stands = (pl.col("standing") == "stands").fill_null(value=False)
    rc4 = pl.when(pl.col("_asks") & stands).then(pl.lit("explained")).when("_asks").then(pl.lit("blocks"))
    return (
        rows.with_columns(
            ratio=quotient(pl.col("delta"), pl.col("ledger")),
            rc4=rc4.otherwise(pl.lit("")),
            days=(pl.lit(now, dtype=INSTANT) - pl.col("since")).dt.total_days(),
        )
        .sort("month", pl.col("delta").abs(), "account_id", descending=[False, True, False])
        .pipe(typed, WORKBENCH)
    )
