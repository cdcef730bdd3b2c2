"""What the watch last saw of the broker, kept for whoever reads the scoreboard. Source: `operations.md` L-25."""

import polars as pl

from compute.lag import Lag, PartitionLag
from storage.lake import Lake
from storage.shape import ALL
from storage.watched import LAG
from storage.work import Work

_NOWHERE = ("", -1)  # topic and partition of the line that tells why nobody answered


def keep_lag(lake: Lake, lag: Lag, work: Work) -> None:
    """Keep what was seen, in place of what was seen before."""
    rows = [(lag.at, each.topic, each.partition, each.unread, each.seconds, each.state, "") for each in lag.partitions]
    if lag.problem or not rows:
        rows.append((lag.at, *_NOWHERE, 0, None, "", lag.problem))
    frame = pl.DataFrame(rows, schema=dict(LAG.schema), orient="row")
    lake.open(LAG).replace(frame, {ALL: lag.at.isoformat()}, work)


def last_lag(lake: Lake) -> Lag | None:
    """Return what was last seen; None when the watch never asked a broker."""
    rows = lake.read(LAG).sort("topic", "partition")
    if rows.is_empty():
        return None
    seen = rows.filter(pl.col("topic") != "").select("topic", "partition", "unread", "seconds", "state")
    partitions = tuple(PartitionLag(**row) for row in seen.iter_rows(named=True))
    return Lag(rows.item(0, "at"), partitions, "".join(rows.get_column("problem")))
