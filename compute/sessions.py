"""Click sessions from mergeable pieces, in any order, over any split, over midnight.

A *piece* is a stretch of one visit: its first and last click, its active time, its clicks and features. Clicks
become pieces of 30 minutes (two clicks in one such bin can never be parted, nor can a gap in it be capped), pieces of
a day become parts, parts become sessions: each time by the same `join`, which is exact because pieces of one visit
never overlap once equal bins are merged.
Source: `metrics.md` §7.1 "Click sessions" (M-53).
"""

import polars as pl

from compute.company import Company
from compute.schema import Schema, typed

IDLE_US = 30 * 60 * 1_000_000

PIECE: Schema = {
    "date": pl.Date,
    "account_id": pl.String,
    "user_id": pl.String,
    "session_id": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "active_us": pl.Int64,
    "clicks": pl.Int64,
    "features": pl.List(pl.String),
    "_bucket": pl.Int32,
}
PART: Schema = {"month": pl.String, **PIECE}  # as tables keep pieces of a day, and sessions
VISIT = ("account_id", "user_id", "session_id")
_START, _END = pl.col("started_at"), pl.col("ended_at")


def bins(clicks: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Return the PIECE of every visit and 30 minutes, from clicks in any order.

    Args:
        clicks: accepted clicks: VISIT columns, `timestamp`, `feature_name`, `_bucket`.
        company: aliases of features, as used = as sold.
    """
    at = pl.col("timestamp")
    return merge(
        clicks.select(
            *VISIT,
            started_at=at,
            ended_at=at,
            clicks=pl.lit(1, dtype=pl.Int64),
            features=canonical(pl.col("feature_name"), company),
            _bucket="_bucket",
        )
    )


def canonical(feature: pl.Expr, company: Company) -> pl.Expr:
    """Return features as sold: through the alias table, every other name as itself (U-105); no name is none."""
    return pl.when(feature != "").then(feature.replace(company.features.aliases))


def merge(pieces: pl.DataFrame) -> pl.DataFrame:
    """Merge what lies in one bin: clicks, or bins of the same visits from different splits."""
    is_list = pieces.schema["features"] == pl.List(pl.String)
    features = pl.col("features").explode() if is_list else pl.col("features")
    merged = pieces.group_by(*VISIT, _bin=_START.dt.epoch("us") // IDLE_US).agg(
        _START.min(), _END.max(), pl.col("clicks").sum(), features.drop_nulls().unique().sort(), pl.first("_bucket")
    )
    length = (_END - _START).dt.total_microseconds()
    return typed(merged.with_columns(date=_START.dt.date(), active_us=length), PIECE)


def day_parts(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join the pieces of each date by themselves: what a late click of a date changes, and nothing else."""
    return _join(pieces, [pl.col("date")])


def join(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join pieces to sessions.

    With a `session_id` all pieces of the visit are one session, gaps counting for 30 minutes at most; without one a
    gap above 30 minutes starts a new session. A session's date is that of its start.
    """
    return _join(pieces, [])


def _join(pieces: pl.DataFrame, within: list[pl.Expr]) -> pl.DataFrame:
    rows = pieces.sort(*VISIT, "started_at")
    is_same = pl.all_horizontal(
        [each.eq_missing(each.shift(1)) for each in (*map(pl.col, VISIT), *within)]
    ) & (pl.int_range(pl.len()) > 0)  # fmt: skip
    gap = (_START - _END.shift(1)).dt.total_microseconds()
    is_joined = is_same & (pl.col("session_id").is_not_null() | (gap <= IDLE_US))
    marked = rows.with_columns(
        _session=(~is_joined).cum_sum(),
        active_us=pl.col("active_us") + pl.when(is_joined).then(gap.clip(0, IDLE_US)).otherwise(0),
    )
    joined = marked.group_by("_session").agg(
        pl.first(*VISIT, "started_at", "_bucket"),
        pl.last("ended_at"),
        pl.col("active_us", "clicks").sum(),
        pl.col("features").explode().drop_nulls().unique().sort(),
    )
    return typed(joined.with_columns(date=_START.dt.date()), PIECE).sort("_bucket", *VISIT, "started_at")
