"""What a user did in an account on a date: clicks, active minutes, features. Every engagement figure rests on it.

Source: `metrics.md` §7.1; minutes over midnight: `data.md` A.8.
"""

from datetime import date, timedelta

import polars as pl

from compute.company import Company
from compute.months import month_of
from compute.schema import Schema, typed
from compute.stretches import scattered, stretches

USER_DAY: Schema = {
    "month": pl.String,
    "date": pl.Date,
    "account_id": pl.String,
    "user_id": pl.String,
    "clicks": pl.Int64,
    "qualifying_clicks": pl.Int64,
    "usage_sessions": pl.Int64,
    "minutes": pl.Int64,
    "features": pl.List(pl.String),
    "_bucket": pl.Int32,
}
_WHO = ("account_id", "user_id", "_bucket")
_START, _END = pl.col("session_start"), pl.col("session_end")

# An active user has a qualifying click, or active minutes; 0 minutes make none (U-102).
IS_ACTIVE = (pl.col("qualifying_clicks") > 0) | (pl.col("minutes") > 0)


def user_days(pieces: pl.DataFrame, sessions: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Return the USER_DAY rows of whole users, in order of bucket, date and name.

    Args:
        pieces: the `bins` of accepted clicks, in any order.
        sessions: usage sessions.
        company: aliases of features, as used = as sold.
    """
    day, used = ("date", *_WHO), pl.concat([_sessions(sessions, company), _minutes(sessions)], how="diagonal")
    clicked = _clicked(pieces)
    is_scattered = scattered(clicked, day)
    alone, used = clicked.filter(~is_scattered), pl.concat([clicked.filter(is_scattered), used], how="diagonal")
    met = pl.concat([alone.join(used, on=day, how="semi"), used], how="diagonal")
    counts = pl.col("clicks", "qualifying_clicks", "usage_sessions", "minutes").sum()
    added = met.group_by(day).agg(counts, pl.col("features").explode().drop_nulls().unique().sort())
    days = pl.concat([alone.join(used, on=day, how="anti"), added], how="diagonal").with_columns(
        pl.col("usage_sessions", "minutes").fill_null(0), month=month_of(pl.col("date"))
    )
    return typed(days, USER_DAY).sort("_bucket", "date", "account_id", "user_id", maintain_order=True)


def _clicked(pieces: pl.DataFrame) -> pl.DataFrame:
    one = stretches([pieces.get_column(name) for name in ("account_id", "user_id", "date")])
    return one.first(pieces, "date", *_WHO).with_columns(
        clicks=one.total(pieces.get_column("clicks").to_numpy()),
        qualifying_clicks=one.total(pieces.get_column("qualifying_clicks").to_numpy()),
        features=one.union(pieces.get_column("qualifying_features")).cast(pl.List(pl.String)),
    )


def _sessions(sessions: pl.DataFrame, company: Company) -> pl.DataFrame:
    features = pl.col("features_used").list.eval(pl.element().replace(company.features.aliases))
    return sessions.select(*_WHO, date=_START.dt.date(), usage_sessions=pl.lit(1, dtype=pl.Int64), features=features)


def _minutes(sessions: pl.DataFrame) -> pl.DataFrame:
    """Split active minutes over UTC dates by elapsed microseconds, the odd minute to the larger remainder.

    A session lasts 24 hours at most, so it touches two dates at most; a tie goes to the earlier one. Open or of zero
    length: all on the start date; one that ends at 00:00 gives nothing to that date (U-103).
    """
    midnight = (_START.dt.truncate("1d") + timedelta(days=1)).alias("_midnight")
    total = pl.col("total_active_time_minutes")
    elapsed = (_END - _START).dt.total_microseconds().fill_null(0)
    after = (_END - midnight).dt.total_microseconds().fill_null(0).clip(0)
    share = total * after
    # The earlier date gets its floor, and the odd minute unless the later one's remainder is larger.
    odd_goes_later = (share % elapsed) * 2 > elapsed
    later = pl.when(after > 0).then(share // elapsed + odd_goes_later.cast(pl.Int64)).otherwise(0)
    split = sessions.select(*_WHO, date=_START.dt.date(), minutes=total, _later=later)
    first = split.select(*_WHO, "date", minutes=pl.col("minutes") - pl.col("_later"))
    second = split.filter(pl.col("_later") > 0).select(*_WHO, pl.col("date") + timedelta(days=1), minutes="_later")
    return pl.concat([first, second])


def spanned_dates(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the (account_id, date) pairs that usage sessions speak of: L-2."""
    last = pl.coalesce(_END - timedelta(microseconds=1), _START)
    both = pl.concat(
        [sessions.select("account_id", date=_START.dt.date()), sessions.select("account_id", date=last.dt.date())]
    )
    return both.unique()


def dated_within(first: date, last: date) -> pl.Expr:
    """Return where a row's `date` lies in a span, both ends included."""
    return pl.col("date").is_between(first, last)
