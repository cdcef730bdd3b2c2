"""Small tables that grow by a line at a time and are read often: every hundredth commit leaves what is recent alone."""

import polars as pl

from storage.table import Table
from storage.work import Work

_REWRITTEN_EVERY = 100  # commits: each adds a small file, and readers read them all


def append_recent(table: Table, rows: pl.DataFrame, recent: pl.Expr, work: Work) -> None:
    """Add rows to a table, whose older ones may go.

    Args:
        table: as it was read.
        rows: what is new.
        recent: which of the rows that are there are still wanted.
        work: recorded with the commit.

    Raises:
        LakeBusy: when somebody else added to it since it was opened.
    """
    if table.version % _REWRITTEN_EVERY:
        table.append(rows, work)
    else:
        table.rewrite(pl.concat([table.read(recent), rows]).unique(table.dataset.key), work)
