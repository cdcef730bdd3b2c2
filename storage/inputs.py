"""The records that a manifest pins, month by month: from the version itself, or from the copy that was kept of it.

Of what several snapshots pin alike there is one copy. Its name follows from the version's log, which is kept for good
when its files are gone.
Source: `operations.md` S-9.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from storage.catalog import SILVER
from storage.contents import UNREADABLE
from storage.copies import Kept, copied, copy_name, is_kept, keep
from storage.dataset import Dataset
from storage.errors import VersionGone
from storage.lake import Lake
from storage.work import Work

INPUTS: Mapping[str, Kept] = {dataset.name: Kept(dataset, is_whole=True) for dataset in SILVER.values()}


@dataclass(frozen=True, slots=True)
class Pinned:
    """The rows of a month as a version has them, and whether its files are gone and a copy gave them."""

    rows: pl.DataFrame
    is_copy: bool


def keep_inputs(lake: Lake, versions: Mapping[str, int], work: Work) -> None:
    """Copy the records that a manifest pins, every month of them: statuses and cohorts are made from all.

    Args:
        lake: where they are.
        versions: of each table, by name.
        work: recorded with the commits.

    Raises:
        VersionGone: when they can no longer be read; what cannot be kept is not certified.
    """
    for name, kept in INPUTS.items():
        table = lake.open(kept.source, versions[name])
        prints = sorted(table.partitions().items())
        rows = {copy_name(month, files): kept.rows(table, month) for month, files in prints}
        try:
            keep(lake, kept, rows, work)
        except UNREADABLE as error:
            raise VersionGone(dataset=name, version=versions[name]) from error


def pinned_rows(lake: Lake, dataset: Dataset, version: int, month: str) -> Pinned:
    """Return the rows of a month as a version has them.

    Raises:
        VersionGone: when they can no longer be read and nothing was copied; the message names the version.
    """
    table = lake.open(dataset, version)
    rows = table.rows_if_readable(pl.col("month") == month)
    if rows is not None:
        return Pinned(rows, is_copy=False)
    kept, name = INPUTS[dataset.name], copy_name(month, table.partitions()[month])
    if not is_kept(lake, kept, name):
        raise VersionGone(dataset=dataset.name, version=version)
    return Pinned(copied(lake, kept, name).collect(), is_copy=True)
