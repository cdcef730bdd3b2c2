"""Weekly engagement: active users, hours, clicks and sessions by ISO week, against the four weeks before.

Source: `metrics.md` §1.1 (ISO weeks, no exported figure of `metrics` has this grain); the seed's weekly analysis.
"""

from collections.abc import Iterator

import polars as pl

from compute.engagement_day import IS_ACTIVE
from compute.figures import COMPANY
from compute.money import RATIO, quotient
from compute.schema import Schema, typed

TRAILING_WEEKS = 4
_ACCOUNTS_AT_ONCE = 5_000
_MEASURES = ("active_users", "hours", "clicks_per_user", "sessions_per_user")
WEEK: Schema = {
    "week": pl.String,
    "starts_on": pl.Date,
    "account_id": pl.String,
    "active_users": pl.Int64,
    "minutes": pl.Int64,
    "clicks": pl.Int64,
    "sessions": pl.Int64,
    "hours": RATIO,
    "clicks_per_user": RATIO,
    "sessions_per_user": RATIO,
    **{f"{name}_trailing": RATIO for name in _MEASURES},
    **{f"{name}_change": RATIO for name in _MEASURES},
}


def engagement_weeks(days: pl.DataFrame, sessions: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield a WEEK row for the company and for every account in every ISO week from the first to the last one used.

    They come in frames of bounded size: the company's, then those of so many accounts at a time.

    Args:
        days: USER_DAY rows of all months.
        sessions: click sessions of all months.

    Yields:
        Per-user figures are null in a week without active users. `…_trailing` is the mean of the four weeks before,
        null until there are four; `…_change` the figure over that mean, less one, null where that is null or 0.
    """
    if days.is_empty():
        return
    monday = pl.col("date").dt.truncate("1w")
    used, begun = days.with_columns(starts_on=monday), sessions.with_columns(starts_on=monday)
    first, last = used.select(pl.col("starts_on").min(), last=pl.col("starts_on").max()).row(0)
    mondays = pl.date_range(first, last, "1w", eager=True).alias("starts_on").to_frame()
    yield _rated(_weeks(used, begun, pl.lit(COMPANY)), mondays)
    accounts = _weeks(used, begun, pl.col("account_id")).sort("account_id")
    names = accounts.get_column("account_id").unique(maintain_order=True)
    for names_at_once in names.to_frame().iter_slices(_ACCOUNTS_AT_ONCE):
        yield _rated(accounts.join(names_at_once, on="account_id", how="semi"), mondays)


def _rated(weeks: pl.DataFrame, mondays: pl.DataFrame) -> pl.DataFrame:
    grid = weeks.select("account_id").unique().join(mondays, how="cross")
    filled = grid.join(weeks, on=["account_id", "starts_on"], how="left").with_columns(
        pl.col("active_users", "minutes", "clicks", "sessions").fill_null(0)
    )
    users = pl.col("active_users")
    rated = filled.sort("account_id", "starts_on").with_columns(
        hours=quotient(pl.col("minutes"), pl.lit(60)),
        clicks_per_user=quotient(pl.col("clicks"), users),
        sessions_per_user=quotient(pl.col("sessions"), users),
        week=pl.col("starts_on").dt.strftime("%G-W%V"),
    )
    trailing = rated.with_columns(_trailing(name) for name in _MEASURES)
    changes = trailing.with_columns(_change(name) for name in _MEASURES)
    return typed(changes, WEEK).sort("week", "account_id")


def _weeks(used: pl.DataFrame, begun: pl.DataFrame, account: pl.Expr) -> pl.DataFrame:
    by = [account.alias("account_id"), pl.col("starts_on")]
    sums = used.group_by(by).agg(
        active_users=pl.col("user_id").filter(IS_ACTIVE).n_unique(), minutes=pl.col("minutes").sum(),
        clicks=pl.col("clicks").sum(),
    )  # fmt: skip
    return sums.join(begun.group_by(by).agg(sessions=pl.len()), on=["account_id", "starts_on"], how="left")


def _trailing(name: str) -> pl.Expr:
    """Return the exact mean of the four weeks before; a week without users counts as 0."""
    value = pl.col(name).cast(RATIO).fill_null(0)
    before = [value.shift(weeks).over("account_id") for weeks in range(1, TRAILING_WEEKS + 1)]
    total = before[0] + before[1] + before[2] + before[3]
    return quotient(total, pl.lit(TRAILING_WEEKS)).alias(f"{name}_trailing")


def _change(name: str) -> pl.Expr:
    value, mean = pl.col(name).cast(RATIO), pl.col(f"{name}_trailing")
    return (quotient(value, mean) - 1).alias(f"{name}_change")
