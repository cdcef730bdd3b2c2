"""Queries: how long named reads took for whoever asked; kept, so that the watch can judge them.

Source: `operations.md` L-27.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import polars as pl

from compute.timings import Timing
from storage.errors import LakeBusy, LakeUnwritable
from storage.lake import Lake
from storage.recent import append_recent
from storage.watched import QUERIES
from storage.work import Work

KEPT = timedelta(days=29)  # the 28 days of the scoreboard, and the one that is not over
_TRIES = 5
_LOG = logging.getLogger(__name__)


@contextmanager
def timed_query(lake: Lake, name: str) -> Iterator[None]:
    """Measure a read by the clock of who waits for it, and keep how long it took; one that fails took no time.

    Args:
        lake: where it is kept.
        name: what is read: `report`, `export metrics`, `ledger`.
    """
    begin = time.perf_counter()
    yield
    keep_query(lake, Timing(name, datetime.now(UTC), round(time.perf_counter() - begin, 3)))


def keep_query(lake: Lake, timing: Timing) -> None:
    """Keep how long a query took. Who may only read the lake is answered all the same, with a line in the log."""
    work = Work("query", QUERIES.name, rows=1, seconds=timing.seconds, finished_at=timing.at.isoformat())
    for _ in range(_TRIES):
        try:
            _keep(lake, timing, work)
        except LakeBusy:  # another query was kept meanwhile
            continue
        except LakeUnwritable as error:
            _LOG.warning("the time of %s is not kept: %s", timing.name, error)
        return
    _LOG.warning("the time of %s is not kept: too many were kept at once", timing.name)


def _keep(lake: Lake, timing: Timing, work: Work) -> None:
    table = lake.open(QUERIES)
    row = {"name": timing.name, "at": timing.at, "seconds": timing.seconds}
    rows = pl.DataFrame([row], schema=dict(QUERIES.schema))
    append_recent(table, rows, pl.col("at") > timing.at - KEPT, work)


def queries(lake: Lake, since: datetime, until: datetime) -> list[Timing]:
    """Return the queries that ended between two instants, both inclusive."""
    rows = lake.read(QUERIES, pl.col("at").is_between(since, until)).sort("at", "name")
    return [Timing(**row) for row in rows.select("name", "at", "seconds").iter_rows(named=True)]
