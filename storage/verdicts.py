"""Verdicts, kept: an append-only table to which only what changed is added. Source: `operations.md` D.2.6."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta

import polars as pl

from compute.verdicts import Key, Verdict, news
from storage.lake import Lake
from storage.recent import append_recent
from storage.watched import VERDICTS
from storage.work import Work

KEPT = timedelta(days=400)  # a year of months and what they are compared with


def keep_verdicts(lake: Lake, found: Iterable[Verdict], work: Work) -> None:
    """Keep the verdicts that are news.

    Raises:
        LakeBusy: when another watch keeps some meanwhile.
    """
    table = lake.open(VERDICTS)
    last: dict[Key, Verdict] = {each.key: each for each in _verdicts(table.read().sort("at"))}
    fresh = news(found, last)
    if fresh:
        rows = pl.DataFrame([asdict(each) for each in fresh], schema=dict(VERDICTS.schema))
        append_recent(table, rows, pl.col("at") > fresh[0].at - KEPT, work)


def _verdicts(rows: pl.DataFrame) -> Iterable[Verdict]:
    return (Verdict(**row) for row in rows.iter_rows(named=True))
