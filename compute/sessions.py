"""Click sessions from mergeable pieces, in any order, over any split, over midnight.

A *piece* is a stretch of one visit: its first and last click, its active time, its clicks and features. Clicks
become pieces of 30 minutes (two clicks in one such bin can never be parted, nor can a gap in it be capped), pieces of
a day become parts, parts become sessions: each time by the same `join`, which is exact because pieces of one visit
never overlap once equal bins are merged.
Source: `metrics.md` §7.1 "Click sessions" (M-53).
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compute.company import Company
from compute.schema import Schema, typed
from compute.stretches import Places, Stretches, microseconds, stretches

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


def bins(clicks: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Return the pieces of every visit and 30 minutes: one, or several where its clicks do not lie together.

    Args:
        clicks: accepted clicks in any order: VISIT columns, `timestamp`, `event_type`, `feature_name`, `_bucket`.
        company: aliases of features, as used = as sold; the event types that do not qualify.

    Returns:
        PIECE columns, features as an enum, and what user-days ask beside them: `qualifying_clicks` and
        `qualifying_features`.
    """
    at, names = clicks.get_column("timestamp").rechunk(), clicks.get_column("feature_name")
    one = stretches([*map(clicks.get_column, VISIT), _bin(at)])
    # A deny-list: unknown types qualify (U-101).
    qualifies = ~clicks.get_column("event_type").is_in(company.vocabulary.non_qualifying_event_types).to_numpy()
    is_named = names.is_not_null().to_numpy()
    features, numbers, is_used = as_sold(names.drop_nulls(), company), one.numbers[is_named], qualifies[is_named]
    started, ended = one.least(at), one.most(at)
    return one.first(clicks, *VISIT, "_bucket").with_columns(
        date=started.dt.date(),
        started_at=started,
        ended_at=ended,
        active_us=(ended - started).dt.total_microseconds(),
        clicks=one.sizes,
        features=one.distinct(features, numbers),
        qualifying_clicks=one.total(qualifies),
        qualifying_features=one.distinct(features.filter(pl.Series(is_used)), numbers[is_used]),
    )


def canonical(feature: pl.Expr, company: Company) -> pl.Expr:
    """Return features as sold: through the alias table, every other name as itself (U-105); no name is none."""
    return feature.replace({**company.features.aliases, "": None})


def as_sold(features: pl.Series, company: Company) -> pl.Series:
    """Return features as sold, as an enum: as `canonical` does, but every name is looked up once."""
    used = features.unique()
    sold = pl.select(canonical(pl.lit(used), company)).to_series()
    names = sold.cast(pl.Enum(sold.drop_nulls().unique().sort()))
    return names.gather(features.cast(pl.Enum(used)).to_physical())


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
    """Return joined pieces in the order of bucket, date where it matters, visit and start."""
    # A stable sort makes use of how rows lie: a user's are together already.
    rows = pieces.select(list(PIECE)).sort("_bucket", *within, *VISIT, "started_at", maintain_order=True)
    visits = stretches([rows.get_column(name) for name in (*within, *VISIT)])
    is_parted, active_us = _activity(rows, visits)
    one = visits.cut(is_parted)
    joined = one.first(rows, *VISIT, "started_at", "_bucket").with_columns(
        ended_at=one.most(rows.get_column("ended_at")),
        active_us=one.total(active_us),
        clicks=one.total(rows.get_column("clicks").to_numpy()),
        features=one.union(rows.get_column("features")),
    )
    return typed(joined.with_columns(date=pl.col("started_at").dt.date()), PIECE)


def _activity(rows: pl.DataFrame, visits: Stretches) -> tuple[NDArray[np.bool_], Places]:
    """Return by row whether a new session begins with it, for the gap before it, and the active time that it adds."""
    started, ended, active = (rows.get_column(name) for name in ("started_at", "ended_at", "active_us"))
    # Pieces of one bin lie together now, in whatever order and splits their clicks came: they count as one.
    one = visits.cut(stretches([_bin(started)]).is_first)
    begin, end = (microseconds(each) for each in (one.least(started), one.most(ended)))
    gap = begin - np.append(begin[:1], end[:-1])
    is_late = rows.get_column("session_id").is_null().to_numpy()[one.starts] & (gap > IDLE_US)
    idle = np.where(visits.is_first[one.starts] | is_late, 0, np.minimum(gap, IDLE_US))
    is_parted, added = np.zeros(rows.height, dtype=np.bool_), np.zeros(rows.height, dtype=np.int64)
    is_parted[one.starts] = is_late
    added[one.starts] = np.where(one.sizes > 1, end - begin, active.to_numpy()[one.starts]) + idle
    return is_parted, added


def _bin(at: pl.Series) -> pl.Series:
    return pl.Series(microseconds(at) // IDLE_US)
