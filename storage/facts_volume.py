"""How many rows came on which date, in which hour, of which partition. Source: `operations.md` D.2, L-5."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from compute.calendar import day_end
from compute.checks import OUTAGE, VOLUME_CHECKS
from compute.company import Company
from compute.contracts.contract import INSTANT, Contract
from compute.contracts.feeds import ENGAGEMENT_FEEDS, GROWTH_FEEDS
from compute.facts import Facts
from compute.incidents import WATCH, Incident
from compute.months import Month
from compute.outages import HOUR, Clicks, hours_of, silences
from compute.publication import Run
from compute.volume import Judgement, Series, judge_volume
from storage.catalog import JUDGED, SILVER
from storage.lake import Lake

JUDGED_DAYS = 14  # a date is looked at again this long, and as long as an incident speaks of it
HISTORY_MONTHS = 4  # 8 weeks before the earliest date, and the month that they begin in
_CLICKS = next(feed for feed in ENGAGEMENT_FEEDS if feed.dataset == "click_events")


def gather_volumes(
    lake: Lake, company: Company, runs: Sequence[Run], incidents: Sequence[Incident]
) -> Mapping[str, Sequence[Judgement]]:
    """Judge the dates of each dataset, and of each partition of a topic, as far as was read since the first run."""
    found: dict[str, Sequence[Judgement]] = {}
    for feeds, flow in ((ENGAGEMENT_FEEDS, "engagement"), (GROWTH_FEEDS, "growth")):
        if span := _span(runs, flow):
            for feed in feeds:
                found |= _of_feed(lake, company, feed, span, incidents)
    return found


def _span(runs: Sequence[Run], flow: str) -> tuple[datetime, datetime] | None:
    """Return from when on, and until when, a pipeline's feeds were read by runs; None without one."""
    ours = [run for run in runs if run.flow in (flow, "aggregated")]
    return (min(run.started_at for run in ours), max(run.topic_mark for run in ours)) if ours else None


def _of_feed(
    lake: Lake, company: Company, feed: Contract, span: tuple[datetime, datetime], incidents: Sequence[Incident]
) -> dict[str, list[Judgement]]:
    days = _days(span, incidents, feed.dataset)
    rows = _rows(lake, feed, days[0]) if days else _NO_ROWS
    bounds, odd = company.volume.bounds.get(feed.dataset), _odd_dates(incidents, feed.dataset)

    def judged(by_date: Mapping[date, int], *, is_whole: bool) -> list[Judgement]:
        series = Series(by_date, feed.is_topic and is_whole, bounds if is_whole else None, odd)
        return [
            replace(
                judge_volume(day, series, company.volume, company.calendar.holidays),
                is_mature=day_end(day) + timedelta(hours=company.limits.late_hours) <= span[1],
            )
            for day in days
        ]

    whole = judged(_by_date(rows), is_whole=True)
    # What the whole topic lacks is not said of each of its partitions again.
    usual = {each.day for each in whole if each.verdict not in ("zero", "alert")}
    parts = rows.partition_by("partition", as_dict=True) if feed.is_topic else {}
    return {feed.dataset: whole} | {
        f"{feed.dataset}/{partition}": [each for each in judged(_by_date(part), is_whole=False) if each.day in usual]
        for (partition,), part in sorted(parts.items())
        if len(parts) > 1
    }


_NO_ROWS = pl.DataFrame(schema={"hour": INSTANT, "partition": pl.Int64, "rows": pl.Int64})


def _days(span: tuple[datetime, datetime], incidents: Sequence[Incident], dataset: str) -> list[date]:
    """Return the dates from the first to before the last one that are recent or inside an open incident."""
    first, last = (each.date() for each in span)
    recent = {last - timedelta(days=back) for back in range(1, JUDGED_DAYS + 1)}
    still = {_date_of(each) for each in _ours(incidents, dataset) if each.is_unresolved}
    return sorted(day for day in recent | still if first <= day < last)


def _ours(incidents: Sequence[Incident], dataset: str) -> list[Incident]:
    """Return the incidents of a dataset and its partitions that speak of a date or an hour."""
    known = (*VOLUME_CHECKS, OUTAGE)
    return [
        each
        for each in incidents
        if each.problem.check_id in known and each.problem.dataset.partition("/")[0] == dataset
    ]


def _date_of(incident: Incident) -> date:
    return date.fromisoformat(incident.problem.scope[:10])


def _odd_dates(incidents: Sequence[Incident], dataset: str) -> set[date]:
    """Return the dates inside incidents of a dataset that no replay has mended: they teach nothing."""
    return {_date_of(each) for each in _ours(incidents, dataset) if each.resolved_by != WATCH}


def _rows(lake: Lake, feed: Contract, since: date) -> pl.DataFrame:
    """Return accepted rows by hour of event time of a topic, received rows by that of arrival of a file feed."""
    if feed.is_topic:
        first = str(Month.of(since).plus(-HISTORY_MONTHS))
        rows = lake.open(SILVER[feed.dataset]).scan().filter(pl.col("month") >= first)
        at, partition = pl.col(feed.dated).cast(INSTANT), pl.col("_partition")
    else:
        rows, at, partition = lake.open(JUDGED[feed.dataset]).scan(), pl.col("_arrival"), pl.lit(0, dtype=pl.Int64)
    counted = rows.group_by(hour=at.dt.truncate("1h"), partition=partition).agg(rows=pl.len().cast(pl.Int64))
    return counted.collect()


def _by_date(rows: pl.DataFrame) -> Mapping[date, int]:
    return dict(rows.group_by(pl.col("hour").dt.date()).agg(pl.col("rows").sum()).rows())


def with_silences(lake: Lake, facts: Facts) -> Facts:
    """Add the hours that were judged, and those of them without a click; those of a silent date are that date's."""
    span = _span(facts.runs, "engagement")
    if span is None:
        return facts
    days = _days(span, facts.incidents, _CLICKS.dataset)
    zero = {each.day for each in facts.volumes.get(_CLICKS.dataset, ()) if each.verdict == "zero"}
    first, until = max(span[0], _begin(days[0] if days else span[1].date())), span[1]
    hours = [each for each in hours_of(first, until) if each.date() in {*days, until.date()} - zero]
    if not hours:
        return facts
    rows = _rows(lake, _CLICKS, hours[0].date())
    by_hour = dict(rows.group_by("hour").agg(pl.col("rows").sum()).rows())
    if not by_hour:
        return facts
    clicks = Clicks(by_hour, min(by_hour), _left_out(facts.incidents, by_hour))
    silent = silences(hours, clicks, facts.company.volume, facts.company.calendar.holidays)
    return replace(facts, silences=silent, judged_hours=frozenset(hours))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _left_out(incidents: Sequence[Incident], by_hour: Mapping[datetime, int]) -> set[datetime]:
    """Return the hours inside incidents that no replay has mended: of a date all, of an outage until the next click."""
    found: set[datetime] = set()
    for incident in _ours(incidents, _CLICKS.dataset):
        if incident.resolved_by == WATCH or incident.problem.dataset != _CLICKS.dataset:
            continue
        begin = _begin(_date_of(incident))
        if incident.problem.check_id == OUTAGE:
            hour = datetime.fromisoformat(incident.problem.scope)
            while hour not in by_hour and hour <= max(by_hour):
                found.add(hour)
                hour += HOUR
        else:
            found |= set(hours_of(begin, begin + timedelta(days=1)))
    return found
