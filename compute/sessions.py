"""Click sessions from mergeable pieces, in any order, over any split, over midnight.

A *piece* is a stretch of one visit: its first and last click, its active time, its clicks and features. Clicks
become pieces of 30 minutes (two clicks in one such bin can never be parted, nor can a gap in it be capped), pieces of
a day become parts, parts become sessions: each time by the same `join`, which is exact because pieces of one visit
never overlap once equal bins are merged.
Source: `metrics.md` §7.1 "Click sessions" (M-53).
"""

import numpy as np
import polars as pl

from compute.company import Company
from compute.schema import Schema, typed
from compute.stretches import scattered, stretches

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
            features=as_sold(clicks.get_column("feature_name"), company),
            _bucket="_bucket",
        )
    )


def canonical(feature: pl.Expr, company: Company) -> pl.Expr:
    """Return features as sold: through the alias table, every other name as itself (U-105); no name is none."""
    return feature.replace({**company.features.aliases, "": None})


def as_sold(features: pl.Series, company: Company) -> pl.Series:
    """Return features as sold, as an enum: as `canonical` does, but every name is looked up once."""
    used = features.drop_nulls().unique()
    sold = pl.select(canonical(pl.lit(used), company)).to_series()
    return features.replace_strict(used, sold, return_dtype=pl.Enum(sold.drop_nulls().unique().sort()))


def merge(pieces: pl.DataFrame) -> pl.DataFrame:
    """Merge what lies in one bin: clicks, or bins of the same visits from different splits."""
    key = (*VISIT, "_bin")
    merged = _merged(pieces.with_columns(_bin=_START.dt.epoch("us") // IDLE_US), key)
    is_scattered = scattered(merged, key)
    if is_scattered.any():
        again = _merged(merged.filter(is_scattered).sort(key), key)
        merged = pl.concat([merged.filter(~is_scattered), again])
    length = (_END - _START).dt.total_microseconds()
    return typed(merged.with_columns(date=_START.dt.date(), active_us=length), PIECE)


def _merged(pieces: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    one = stretches(pieces, key)
    return one.first(*key, "_bucket").with_columns(
        started_at=one.least("started_at"),
        ended_at=one.most("ended_at"),
        clicks=one.total(one.rows.get_column("clicks").to_numpy()),
        features=one.distinct(one.rows.get_column("features")),
    )


def day_parts(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join the pieces of each date by themselves: what a late click of a date changes, and nothing else."""
    return _join(pieces, ("date",))


def join(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join pieces to sessions.

    With a `session_id` all pieces of the visit are one session, gaps counting for 30 minutes at most; without one a
    gap above 30 minutes starts a new session. A session's date is that of its start.
    """
    return _join(pieces, ())


def _join(pieces: pl.DataFrame, within: tuple[str, ...]) -> pl.DataFrame:
    visits = stretches(pieces.sort("_bucket", *VISIT, "started_at"), (*VISIT, *within))
    gap = visits.rows.select((_START - _END.shift(1)).dt.total_microseconds().fill_null(0)).to_series().to_numpy()
    is_parted = visits.rows.get_column("session_id").is_null().to_numpy() & (gap > IDLE_US)
    one = visits.cut(np.flatnonzero(is_parted))
    idle = np.clip(gap, 0, IDLE_US)
    idle[one.starts] = 0
    joined = one.first(*VISIT, "started_at", "_bucket").with_columns(
        ended_at=one.most("ended_at"),
        active_us=one.total(one.rows.get_column("active_us").to_numpy() + idle),
        clicks=one.total(one.rows.get_column("clicks").to_numpy()),
        features=one.distinct(one.rows.get_column("features")),
    )
    return typed(joined.with_columns(date=_START.dt.date()), PIECE)
