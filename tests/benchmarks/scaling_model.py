"""What the session rollup of a month costs on a cluster, from constants that `scaling.py` measures.

    seconds = start + plan + max(work, handing over) + commit
    work    = (events × (event + reading × (windows - 1)) + shards × shard) ÷ processors
    shards  = events ÷ rows a shard, at most one a bucket and date
    windows = shards ÷ buckets: what cuts a bucket by dates reads the bucket once for each

Nothing here is measured and nothing is read: it is arithmetic, for docs/scaling.md and its test.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONSTANTS = Path(__file__).parents[2] / "docs" / "scaling.json"  # as scaling.py measured them
BUCKETS, DATES = 64, 31
CORES_PER_NODE = 8
START_SECONDS = 10.0  # a cluster's first worker, on a quiet machine (ADR 4)
USD_PER_NODE_HOUR = 0.40  # an assumption: 8 virtual processors, 16 GiB, on demand
USD_PER_GB_MONTH = 0.023  # an assumption: an object store
GIB_PER_CORE = 2.0
MONTHS = (  # clicks, nodes: what the page tells of; no month has use for more than 248 nodes
    (10**7, 1), (10**8, 1), (10**9, 1), (10**9, 8), (10**10, 8), (10**10, 32), (10**11, 32), (10**11, 248),
)  # fmt: skip
TABLES = 3  # user-days, session parts, sessions: a file each for a shard


@dataclass(frozen=True, slots=True)
class Costs:
    """Constants of one machine, in seconds of one processor unless said otherwise.

    Attributes:
        event: to read, roll up and write a click.
        reading: to read a click that belongs to another shard of its bucket.
        shard: what a shard costs however few clicks it has.
        handing: the driver's time to hand a shard over and take its description.
        file: to add one file in a commit.
        commit: a commit of no file.
        rows_per_shard: clicks that a shard is cut to.
        stored_bytes: of a click in silver.
        memory_bytes: of a click while it is rolled up.
    """

    event: float
    reading: float
    shard: float
    handing: float
    file: float
    commit: float
    rows_per_shard: int
    stored_bytes: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Price:
    """What a month costs.

    Attributes:
        seconds: wall time.
        rows_per_shard: as the cut allows, above what is asked for when a month is too large for its buckets.
    """

    shards: int
    rows_per_shard: float
    work_seconds: float
    driver_seconds: float
    commit_seconds: float
    seconds: float
    usd: float
    storage_usd: float

    @property
    def bound(self) -> str:
        """What the wall time is made of most."""
        parts = {"work": self.work_seconds, "driver": self.driver_seconds, "commit": self.commit_seconds}
        return max(parts, key=parts.__getitem__)


def shards(events: int, costs: Costs) -> int:
    """Return into how many shards a month is cut.

    >>> costs = Costs(1e-6, 1e-7, 0.1, 1e-3, 1e-5, 0.01, 1_000_000, 30, 250)
    >>> shards(1, costs), shards(10**9, costs), shards(10**11, costs)
    (2, 1000, 1984)
    """
    return min(BUCKETS * DATES, max(2, math.ceil(events / costs.rows_per_shard)))


def processor_seconds(events: int, costs: Costs) -> float:
    """Return the work itself, on one processor."""
    count = shards(events, costs)
    windows = max(1.0, count / BUCKETS)
    return events * (costs.event + costs.reading * (windows - 1)) + count * costs.shard


def price(events: int, nodes: int, costs: Costs) -> Price:
    """Return what a month of so many events costs on so many worker nodes."""
    count = shards(events, costs)
    work = processor_seconds(events, costs) / min(nodes * CORES_PER_NODE, count)
    driver = count * costs.handing
    commit = TABLES * (costs.commit + count * costs.file)
    seconds = START_SECONDS + max(work, driver) + commit
    return Price(
        shards=count,
        rows_per_shard=events / count,
        work_seconds=work,
        driver_seconds=driver,
        commit_seconds=commit,
        seconds=seconds,
        usd=nodes * USD_PER_NODE_HOUR * seconds / 3600,
        storage_usd=events * costs.stored_bytes / 1e9 * USD_PER_GB_MONTH,
    )


def fits(events: int, costs: Costs) -> bool:
    """Tell whether a shard fits the memory of its processor."""
    return events / shards(events, costs) * costs.memory_bytes <= GIB_PER_CORE * 2**30


def tables(costs: Costs, runs: Sequence[dict[str, float]]) -> str:
    """Return the tables of docs/scaling.md: prediction against measurement, and the months that cannot be run here."""
    lines = ["| clicks | predicted, s | measured, s | measured ÷ predicted |", "|---|---|---|---|"]
    lines += [
        f"| {run['clicks']:,} | {run['predicted']:.1f} | {run['seconds']:.1f} | {run['seconds'] / run['predicted']:.2f} |"
        for run in runs
    ]
    lines += ["", "| clicks a month | nodes | shards | clicks a shard | fits | wall | of it driver | of it commits | computing, USD | keeping a month, USD |",
              "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for clicks, nodes in MONTHS:
        found = price(clicks, nodes, costs)
        lines.append(
            f"| {clicks:,} | {nodes} | {found.shards:,} | {found.rows_per_shard:,.0f} "
            f"| {'yes' if fits(clicks, costs) else 'no'} | {_wall(found.seconds)} | {found.driver_seconds:.1f} s "
            f"| {found.commit_seconds:.1f} s | {found.usd:,.3f} | {found.storage_usd:,.2f} |"
        )
    return "\n".join(lines)


def _wall(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 3600 else f"{seconds / 3600:.1f} h"
