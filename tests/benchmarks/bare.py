"""The in-process executor by itself: the shards of the rollup and its commits, without Prefect.

`python -m tests.benchmarks.bare LAKE WARM ROWS_PER_SHARD`, started by `bench`. Its start is the executor's own: the
interpreter, the imports, and a first small rollup with two commits.
"""

import sys
from functools import partial

import polars as pl

from compute.cluster import run_here
from compute.company import Company
from compute.months import Month
from storage.catalog import SESSION_PART, USER_DAY_TABLE
from storage.lake import Lake
from storage.plan import cuts
from storage.shards import CLICKS, USAGE, UserShard, write_user_days
from storage.work import changed_files
from tests.benchmarks.clicks_lake import MONTH, WORK
from tests.benchmarks.timed import timed, timed_again

_NOTHING = pl.DataFrame(schema={"account_id": pl.String, "date": pl.Date})
_KEYS = {MONTH: "benchmark"}


def roll_up(root: str, rows_per_shard: int) -> None:
    """Bring user-days and session parts of a lake up to date in this process."""
    lake = Lake(root)
    sources = [lake.open(dataset) for dataset in (CLICKS, USAGE)]
    targets = [lake.open(dataset) for dataset in (USER_DAY_TABLE, SESSION_PART)]
    if all(table.done(MONTH, _KEYS[MONTH]) for table in targets):
        return
    for table in targets:
        table.created()
    versions = {table.dataset.name: table.version for table in (*sources, *targets)}
    weights = [file for source in sources for file in source.weights()]
    shards = [
        UserShard(root, versions, cut, (), _NOTHING, Company())
        for cut in cuts(weights, (Month.parse(MONTH),), rows_per_shard)
    ]
    written = run_here(write_user_days, shards)
    for table in targets:
        files, same = changed_files(table.dataset, [part[table.dataset.name] for part in written], _KEYS)
        table.replace_files(files, _KEYS, WORK, {}, same)


def main(lake: str, warm: str, rows_per_shard: str) -> None:
    """Warm up, roll up, and roll up again when there is nothing to do."""
    work = partial(roll_up, rows_per_shard=int(rows_per_shard))
    work(warm)
    timed(lambda: work(lake))
    timed_again(lambda: work(lake))


if __name__ == "__main__":
    main(*sys.argv[1:])
