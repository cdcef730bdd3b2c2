"""The engagement figures of a month: active users, stickiness, hours, utilisation, adoption, sessions.

Distinct users never add up over days or accounts: each is counted anew from the user-days (AT-21).
Source: `metrics.md` §7.3.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import polars as pl

from compute.company_month import CompanyMonth
from compute.engagement_day import IS_ACTIVE, dated_within
from compute.figures import FIGURE, Column, Figure, column_frame, company_frame, divide, exact_sum, ratio
from compute.money import quotient
from compute.months import Month
from compute.schema import Schema, typed

ACCOUNT_DAY: Schema = {
    "month": pl.String,
    "date": pl.Date,
    "account_id": pl.String,
    "active_users": pl.Int64,
    "minutes": pl.Int64,
    "clicks": pl.Int64,
    "sessions": pl.Int64,
}
_MICROSECONDS_PER_HOUR = 3_600_000_000
_MINUTES, _SESSIONS, _MAU = pl.col("minutes"), pl.col("sessions"), pl.col("mau")


@dataclass(frozen=True, slots=True)
class EngagementInput:
    """What the engagement figures of one month are made from.

    Attributes:
        days: USER_DAY rows of the month.
        sessions: click sessions that start in the month.
        teams: current team activity of the month.
        rows: ACCOUNT_MONTH rows of the month's existing accounts.
        seen: accounts with an accepted click or usage session dated in the month or before.
        sums: the company's sums of the month.
    """

    days: pl.DataFrame
    sessions: pl.DataFrame
    teams: pl.DataFrame
    rows: pl.DataFrame
    seen: pl.Series
    sums: CompanyMonth


def engagement_figures(given: EngagementInput, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows of a month; account-days have a table of their own, and `day_figures`."""
    monthly = account_months(given, month)
    existing = monthly.join(given.rows, on="account_id", how="semi")
    account = pl.col("account_id")
    parts = [
        column_frame(monthly, "account_month", account, _MONTH_COLUMNS),
        column_frame(existing, "account_month", account, [ratio("M-44", _MAU, pl.col("licences"))]),
        _company_days(given, month),
        _features(given, monthly, month),
        _teams(given.teams, month),
        company_frame(str(month), _company(given, monthly, month)),
    ]
    return pl.concat(parts)


def day_figures(days: pl.DataFrame, metrics: Collection[str]) -> pl.DataFrame:
    """Return the account-day FIGURE rows of ACCOUNT_DAY rows, of the metrics that are wanted."""
    wanted = [column for column in USE_BY_DAY if column.metric_id in metrics]
    if not wanted:
        return pl.DataFrame(schema=FIGURE)
    return column_frame(days, "account_day", _day_key(pl.col("account_id")), wanted)


USE_BY_DAY = (
    Column("M-40", pl.col("active_users")),
    Column("M-43.hours", quotient(_MINUTES, pl.lit(60))),
    ratio("M-43.per_active_user", _MINUTES, 60 * pl.col("active_users")),
    Column("M-53", _SESSIONS),
)
_MONTH_COLUMNS = (
    Column("M-41.mau", _MAU),
    Column("M-41.wau", pl.col("wau")),
    Column("M-41.mau_28d", pl.col("mau_28d")),
    Column("M-43.hours", quotient(_MINUTES, pl.lit(60))),
    ratio("M-43.per_active_user", _MINUTES, 60 * _MAU),
    Column("M-53", _SESSIONS),
    Column("M-53.hours", quotient(pl.col("active_us"), pl.lit(_MICROSECONDS_PER_HOUR))),
    ratio("M-53.clicks_per_session", pl.col("session_clicks"), _SESSIONS),
)


def engaged(given: EngagementInput) -> pl.DataFrame:
    """Return the engagement accounts: those that exist, and those seen in a click or a usage session."""
    known = pl.concat([given.rows.get_column("account_id"), given.seen])
    return pl.DataFrame({"account_id": known.unique().sort()}, schema={"account_id": pl.String})


def account_days(given: EngagementInput, month: Month) -> pl.DataFrame:
    """Return an ACCOUNT_DAY row for every engagement account and day of the month, zeros included."""
    used = given.days.group_by("account_id", "date").agg(
        active_users=pl.col("user_id").filter(IS_ACTIVE).n_unique(),
        minutes=_MINUTES.sum(),
        clicks=pl.col("clicks").sum(),
    )
    begun = given.sessions.group_by("account_id", "date").agg(sessions=pl.len())
    return (
        engaged(given)
        .join(_dates(month), how="cross")
        .join(used, on=["account_id", "date"], how="left")
        .join(begun, on=["account_id", "date"], how="left")
        .with_columns(pl.col("active_users", "minutes", "clicks", "sessions").fill_null(0), month=pl.lit(str(month)))
        .pipe(typed, ACCOUNT_DAY)
        .sort("account_id", "date")
    )


def account_months(given: EngagementInput, month: Month) -> pl.DataFrame:
    """Return a row for every engagement account: distinct users, minutes, sessions; licences where it exists."""
    active = given.days.filter(IS_ACTIVE)
    sums = given.days.group_by("account_id").agg(_MINUTES.sum())
    users = active.group_by("account_id").agg(mau=pl.col("user_id").n_unique(), **_trailing(month))
    begun = given.sessions.group_by("account_id").agg(
        sessions=pl.len(), session_clicks=pl.col("clicks").sum(), active_us=pl.col("active_us").sum()
    )
    wide = engaged(given)
    for part in (users, sums, begun):
        wide = wide.join(part, on="account_id", how="left")
    counts = pl.col("mau", "wau", "mau_28d", "minutes", "sessions", "session_clicks", "active_us")
    return (
        wide.with_columns(counts.fill_null(0).cast(pl.Int64), month=pl.lit(str(month)))
        .join(given.rows.select("account_id", "licences", "mrr", "features"), on="account_id", how="left")
        .sort("account_id")
    )


def _trailing(month: Month) -> dict[str, pl.Expr]:
    """Return distinct users of the 7 and the 28 days that end on the month's last one (U-100)."""
    return {
        name: pl.col("user_id").filter(dated_within(month.last - timedelta(days=days - 1), month.last)).n_unique()
        for name, days in (("wau", 7), ("mau_28d", 28))
    }


def _dates(month: Month) -> pl.DataFrame:
    days = [month.first + timedelta(days=index) for index in range(month.days)]
    return pl.DataFrame({"date": days}, schema={"date": pl.Date})


def _day_key(name: pl.Expr) -> pl.Expr:
    return pl.concat_str(name, pl.col("date").dt.to_string("%Y-%m-%d"), separator="|")


def _company_days(given: EngagementInput, month: Month) -> pl.DataFrame:
    active = given.days.filter(IS_ACTIVE).group_by("date").agg(active_users=pl.col("user_id").n_unique())
    wide = _dates(month).join(active, on="date", how="left").with_columns(
        pl.col("active_users").fill_null(0), month=pl.lit(str(month))
    )  # fmt: skip
    return column_frame(wide, "company_day", _day_key(pl.lit("company")), [Column("M-40", pl.col("active_users"))])


def _company(given: EngagementInput, monthly: pl.DataFrame, month: Month) -> list[Figure]:
    active = given.days.filter(IS_ACTIVE)
    mau = Fraction(active.get_column("user_id").n_unique())
    users = active.select(**_trailing(month)).row(0, named=True)
    daily = active.group_by("date").agg(dau=pl.col("user_id").n_unique())
    workdays = [day for day in _dates(month).get_column("date") if day.weekday() < 5]
    minutes, sessions = exact_sum(monthly, "minutes"), exact_sum(monthly, "sessions")
    figures = [
        Figure("M-41.mau", mau),
        Figure("M-41.wau", Fraction(users["wau"])),
        Figure("M-41.mau_28d", Fraction(users["mau_28d"])),
        Figure("M-42", divide(exact_sum(daily, "dau"), month.days * mau)),
        Figure("M-42.b2b", divide(exact_sum(_on(daily, workdays), "dau"), len(workdays) * mau)),
        Figure("M-43.hours", minutes / 60),
        Figure("M-43.per_active_user", divide(minutes, 60 * mau)),
        Figure("M-44", divide(exact_sum(monthly, "mau"), given.sums.licences)),
        Figure("M-53", sessions),
        Figure("M-53.hours", exact_sum(monthly, "active_us") / _MICROSECONDS_PER_HOUR),
        Figure("M-53.clicks_per_session", divide(exact_sum(monthly, "session_clicks"), sessions)),
    ]
    return figures + _activation(given, monthly) + _adoption(given, mau)


def _on(daily: pl.DataFrame, days: list[date]) -> pl.DataFrame:
    return daily.filter(pl.col("date").is_in(days))


def _feature_users(days: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return the distinct users of every feature that was used, by `by`."""
    used = days.explode("features").drop_nulls("features")
    return used.group_by(*by, feature="features").agg(users=pl.col("user_id").n_unique()).sort(*by, "feature")


def _adoption(given: EngagementInput, mau: Fraction) -> list[Figure]:
    return [
        Figure("M-45", divide(Fraction(users), mau), key=f"company|{feature}")
        for feature, users in _feature_users(given.days).rows()
    ]


def _activation(given: EngagementInput, monthly: pl.DataFrame) -> list[Figure]:
    """Return, per licensed feature, the share of its accounts that used it: on R(a,m), with MRR(a,m) > 0."""
    licensed = (
        monthly.filter(pl.col("mrr") > 0)
        .select("account_id", feature=pl.col("features").list.unique())
        .explode("feature")
        .drop_nulls("feature")
    )
    used = _feature_users(given.days, "account_id").select("account_id", "feature", is_used=pl.lit(value=True))
    shares = (
        licensed.join(used, on=["account_id", "feature"], how="left")
        .group_by("feature")
        .agg(used=pl.col("is_used").count(), licensed=pl.len())
        .sort("feature")
    )
    return [
        Figure("M-45.activation", Fraction(used, accounts), key=f"company|{feature}")
        for feature, used, accounts in shares.rows()
    ]


def _features(given: EngagementInput, monthly: pl.DataFrame, month: Month) -> pl.DataFrame:
    wide = _feature_users(given.days, "account_id").join(monthly.select("account_id", "mau"), on="account_id")
    key = pl.concat_str("account_id", "feature", separator="|")
    return column_frame(
        wide.with_columns(month=pl.lit(str(month))), "account_month", key, [ratio("M-45", pl.col("users"), _MAU)]
    )


def _teams(teams: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return team activity as reported; it cannot be recomputed from clicks (A-9)."""
    users, hours = pl.col("active_users"), pl.col("total_session_time_hours")
    columns = (
        Column("M-46.active_users", users),
        Column("M-46.api_calls", pl.col("api_calls")),
        Column("M-46.reports", pl.col("reports_generated")),
        Column("M-46.hours", hours),
        ratio("M-46.hours_per_active_user", hours, users),
    )
    key = pl.concat_str(_day_key(pl.col("account_id")), "team_id", separator="|")
    return column_frame(teams.with_columns(month=pl.lit(str(month))), "team_day", key, columns)
