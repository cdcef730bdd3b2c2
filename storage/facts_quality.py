"""What the alerts on data quality are measured from. Source: `operations.md`, "Configuration", `[alerts]`."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from compute.alert_measures import CHANGES, COHORT, Figures, Measures, Share
from compute.alerts import judge_alerts
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.facts import Facts
from compute.months import Month, month_of
from compute.retention import cohort_members
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    DISPOSITIONS,
    FIGURES,
    GAP_CASE,
    LATE_EVENTS,
    RECONCILIATION_ROW,
    SILVER,
    SNAPSHOT,
    SNAPSHOT_FIGURE,
)
from storage.lake import Lake

LATE_DAYS = 14  # a date is judged this long after a late event of it came
TRACKED_MONTHS = 2  # the newest months of a dataset whose nulls and accounts are counted, once a day
_CLICKS, _STATUSES = "click_events", "account_status_changes"


def with_alerts(lake: Lake, facts: Facts) -> Facts:
    """Add the readings of data quality with their verdicts."""
    return replace(facts, alerts=judge_alerts(gather_measures(lake, facts), facts.company))


def gather_measures(lake: Lake, facts: Facts) -> Measures:
    """Return what is measured at an instant."""
    snapshots = lake.read(SNAPSHOT).sort("draft").unique("month", keep="last")
    drafted = {Month.parse(each) for each in snapshots["month"]}
    names = sorted(map(str, drafted))
    is_new_day = facts.heartbeat is None or facts.heartbeat.date() < facts.now.date()
    tracked = [_tracked(lake, feed) for feed in FEEDS] if is_new_day else []
    return Measures(
        counts=lake.read(DISPOSITIONS),
        late=_late(lake, facts),
        transitions=_transitions(lake),
        variances=_variances(lake),
        drafted=_company(lake.read(SNAPSHOT_FIGURE, pl.col("snapshot_id").is_in(snapshots["snapshot_id"].to_list()))),
        upstream=_upstream(lake, drafted),
        margins=_margins(lake, names),
        cohorts=_cohorts(lake, names),
        nulls={key: part for nulls, _ in tracked for key, part in nulls.items()},
        accounts={key: count for _, accounts in tracked for key, count in accounts.items()},
    )


def _late(lake: Lake, facts: Facts) -> Mapping[date, Share]:
    """Return late and all accepted clicks of the dates that late ones came of lately, or that an incident is about."""
    day = pl.col("event_time").dt.date()
    audit = lake.read(LATE_EVENTS, (pl.col("dataset") == _CLICKS) & (pl.col("class") == "late"))
    recent = audit.filter(pl.col("arrival").is_between(facts.now - timedelta(days=LATE_DAYS), facts.now))
    still = [each.problem for each in facts.incidents if each.is_unresolved]
    open_dates = [date.fromisoformat(each.scope) for each in still if each.check_id == "late_arrival_ratio"]
    dates = sorted({*recent.select(day.unique()).to_series(), *open_dates})
    if not dates:
        return {}
    rows = lake.open(SILVER[_CLICKS]).scan().filter(pl.col("month").is_in({str(Month.of(each)) for each in dates}))
    clicks = dict(rows.group_by(pl.col("timestamp").dt.date()).agg(pl.len()).collect().rows())
    late = dict(audit.group_by(day).agg(pl.len()).rows())
    return {each: (late.get(each, 0), clicks.get(each, 0)) for each in dates}


def _transitions(lake: Lake) -> Mapping[str, Share]:
    cases = lake.read(GAP_CASE, columns=["event_date"]).select(month=month_of(pl.col("event_date")))
    counted = dict(cases.group_by("month").agg(pl.len()).rows())
    rows = lake.open(SILVER[_STATUSES]).counts()
    return {month: (counted.get(month, 0), count) for month, count in rows.items()}


def _variances(lake: Lake) -> Mapping[str, tuple[Decimal, Decimal]]:
    wide = pl.col("delta", "ledger").cast(pl.Decimal(38, 2))
    rows = lake.read(RECONCILIATION_ROW, columns=["month", "delta", "ledger"]).with_columns(wide)
    sums = rows.group_by("month").agg(pl.col("delta").sum().abs(), pl.col("ledger").sum().abs())
    return {month: (net, ledger) for month, net, ledger in sums.rows()}


def _company(figures: pl.DataFrame) -> Figures:
    rows = figures.filter((pl.col("grain") == "company_month") & (pl.col("grain_key") == "company"))
    return {(month, metric): value for month, metric, value in rows.select("month", "metric_id", "value").rows()}


def _upstream(lake: Lake, drafted: Collection[Month]) -> Figures:
    """Return the pipelines' figures of drafted months, and of those that their changes are compared with."""
    months = {str(each) for month in drafted for each in month.plus(-CHANGES - 1).until(month)}
    found: dict[tuple[str, str], Decimal | None] = {}
    for dataset in FIGURES.values():
        wanted = pl.col("month").is_in(months) & (pl.col("grain") == "company_month")
        found |= _company(lake.read(dataset, wanted))
    return found


def _margins(lake: Lake, months: list[str]) -> Mapping[str, list[Decimal]]:
    wanted = (pl.col("metric_id") == "M-27") & (pl.col("grain") == "account_month") & pl.col("month").is_in(months)
    rows = lake.read(FIGURES["profit"], wanted, ["month", "value"]).drop_nulls()
    return dict(rows.group_by("month").agg("value").rows())


def _cohorts(lake: Lake, months: list[str]) -> pl.DataFrame:
    """Return COHORT rows: what is published of a cohort in a month and the one before, and who came back."""
    nothing = pl.DataFrame(schema=COHORT)
    before = {month: str(Month.parse(month).plus(-1)) for month in months}
    wanted = (pl.col("metric_id") == "M-48.logo") & pl.col("month").is_in({*months, *before.values()})
    shares = lake.read(FIGURES["growth"], wanted, ["month", "grain_key", "value"]).drop_nulls("value")
    shares = shares.select("month", "value", cohort=pl.col("grain_key").str.split("|").list.last())
    if shares.is_empty():
        return nothing
    rows = lake.open(ACCOUNT_MONTH_TABLE).scan().filter("is_existing")
    members = cohort_members(rows.select("account_id", "month", "mrr", "mrr_quality")).collect()
    returned = rows.filter(pl.col("month").is_in(months) & (pl.col("movement") == "reactivation"))
    came_back = returned.select("account_id", "month").collect().join(members, on="account_id")
    sizes = members.group_by("cohort").agg(members=pl.len().cast(pl.Int64))
    counts = came_back.group_by("month", "cohort").agg(returned=pl.len().cast(pl.Int64))
    now = shares.filter(pl.col("month").is_in(months)).rename({"value": "share"})
    now = now.with_columns(before=pl.col("month").replace_strict(before, return_dtype=pl.String))
    then = shares.select("cohort", before="month", share_before="value")
    joined = now.join(then, on=["before", "cohort"]).join(sizes, on="cohort")
    filled = joined.join(counts, on=["month", "cohort"], how="left").with_columns(pl.col("returned").fill_null(0))
    return filled.select(list(COHORT)).sort("month", "cohort")


def _tracked(lake: Lake, feed: Contract) -> tuple[Mapping[tuple[str, str], Share], Mapping[tuple[str, str], int]]:
    """Return null values of optional fields, and distinct accounts, of the newest months of a feed's current rows."""
    table = lake.open(SILVER[feed.dataset])
    months = sorted(table.partitions())[-TRACKED_MONTHS:]
    optional = [each.name for each in feed.fields if each.need == "may" and each.name in table.dataset.schema]
    nulls, accounts = {}, {}
    for month in months:
        rows = table.scan().filter(pl.col("month") == month)
        told = rows.select(pl.len().alias("_rows"), pl.col(optional).null_count()).collect().row(0, named=True)
        if optional:
            cells = told["_rows"] * len(optional)
            nulls[feed.dataset, month] = (sum(told[name] for name in optional), cells)
        if feed.account:
            accounts[feed.dataset, month] = rows.select(pl.col(feed.account).n_unique()).collect().item()
    return nulls, accounts
