"""The metrics of a month as they are exported, in pieces: in order, each of bounded size.

An account-day is derived where it is read, so a month of them is made a metric and some accounts at a time; the
order is that of the whole table sorted. Source: `interface.md` "Exports", decision 10.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from compute.days import PROFIT_BY_DAY
from compute.details import DAY_METRICS, account_day_figures
from compute.exchange import at_once, metrics_table
from compute.months import Month
from storage.editions import Edition, details_sources, scan_figures_as
from storage.lake import Lake
from storage.pieces import ROWS_AT_ONCE, metric_counts
from storage.snapshots import Sources

_OF_PROFIT = {column.metric_id for column in PROFIT_BY_DAY}


def metric_pieces(lake: Lake, edition: Edition, month: Month) -> Iterator[pl.DataFrame]:
    """Return the rows of `metrics_table` of an edition, piece by piece."""
    sources = details_sources(lake, edition, month)
    figures = pl.concat([scan_figures_as(lake, edition), sources.teams])
    return (metrics_table(piece, edition.revision) for piece in pieces(figures, sources, month))


def pieces(figures: pl.LazyFrame, sources: Sources, month: Month, most: int = ROWS_AT_ONCE) -> Iterator[pl.DataFrame]:
    """Return FIGURE rows of a month, those by account and day among them, in pieces that follow each other.

    Args:
        figures: all of them but account-days.
        sources: of the account-days.
        month: the period.
        most: how many rows a piece has at most; what is not by day of one metric is never cut.
    """
    counts, by_day = metric_counts(figures), _day_counts(sources, month)
    totals = {name: counts.get(name, 0) + by_day.get(name, 0) for name in counts.keys() | by_day.keys()}
    for names in at_once(totals, most):
        others = figures.filter(pl.col("metric_id").is_in(names)).collect()
        wanted = [name for name in names if name in by_day]
        if sum(totals[name] for name in names) <= most:
            yield pl.concat([others, *_days(sources, month, wanted, None)])
        else:  # one metric, of which `account_day` stands before all other grains
            yield from _days(sources, month, wanted, most)
            yield others


def _day_counts(sources: Sources, month: Month) -> dict[str, int]:
    rows, days = (each.select(pl.len()).collect(engine="streaming").item() for each in (sources.rows, sources.days))
    return {name: rows * month.days if name in _OF_PROFIT else days for name in DAY_METRICS}


def _days(sources: Sources, month: Month, metrics: Sequence[str], most: int | None) -> Iterator[pl.DataFrame]:
    """Return the account-days of metrics in the order of their keys, so many at once, or all; nothing of no metric."""
    if not metrics:
        return
    if most is None:
        yield account_day_figures(sources.rows.collect(), sources.days.collect(), month, metrics)
        return
    for accounts in _accounts(sources).iter_slices(max(1, most // month.days)):
        names = accounts.get_column("account_id")
        # The bounds are what a reader of files can use: they lie by account.
        bounds = pl.col("account_id").is_between(pl.lit(names.min()), pl.lit(names.max()))
        rows, days = (
            each.filter(bounds & pl.col("account_id").is_in(names.implode())).collect()
            for each in (sources.rows, sources.days)
        )
        yield account_day_figures(rows, days, month, metrics)


def _accounts(sources: Sources) -> pl.DataFrame:
    """Return the accounts in the order of the keys of their days."""
    named = pl.concat([each.select("account_id") for each in (sources.rows, sources.days)])
    return named.unique().collect(engine="streaming").sort(pl.col("account_id") + "|")
