"""Copies of rows as they stand, where nothing changes them: a table of copies, and how rows come into it.

A copy is named by what it copies, so a second attempt finds it, and one of something else stands beside it. Rows go
from file to file as a stream; a month of clicks is never held.
Source: `operations.md` S-9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from storage.contents import key_number
from storage.dataset import Dataset
from storage.files import stream_file
from storage.lake import Lake
from storage.table import Table
from storage.work import Work

KEPT_AS = "kept_as"
_DIGITS = 12  # of a fingerprint, in the name of a copy


@dataclass(frozen=True, slots=True)
class Kept:
    """What is copied of a table, and where to.

    Attributes:
        month: the column that tells which rows belong to a month, or to a snapshot.
        grains: of figures, the grains that are copied; all without.
        is_whole: bookkeeping columns are copied too: rules read them.
    """

    source: Dataset
    month: str = "month"
    grains: tuple[str, ...] = ()
    is_whole: bool = False

    @property
    def target(self) -> Dataset:
        """The table of the copies."""
        source = self.source
        columns = {name: kind for name, kind in source.schema.items() if self.is_whole or name[0] != "_"}
        return Dataset(
            name=f"certified/{source.name.partition('/')[2]}",
            schema={KEPT_AS: pl.String} | columns,
            key=(KEPT_AS, *source.key),
            partition_by=KEPT_AS,
            description=f"As it stood when its month was certified. {source.description}",
            is_append_only=True,
        )

    def rows(self, table: Table, of: str) -> pl.LazyFrame:
        """Return the rows of the source that are copied of a month, or of a snapshot."""
        found = table.scan().filter(pl.col(self.month) == of)
        return found.filter(pl.col("grain").is_in(self.grains)) if self.grains else found


def copy_name(of: str, fingerprint: str) -> str:
    """Return the name of a copy of a partition that has these files."""
    return f"{of}-{fingerprint[:_DIGITS]}"


def keep(lake: Lake, kept: Kept, rows: Mapping[str, pl.LazyFrame], work: Work) -> None:
    """Copy rows under names of their own, in one commit; a copy that is there stays.

    Raises:
        LakeBusy: when somebody else copied meanwhile.
    """
    table = lake.open(kept.target)
    fresh = {name: found for name, found in rows.items() if not table.done(name, name)}
    if not fresh:
        return
    table.created()
    columns = [name for name in kept.target.schema if name != KEPT_AS]
    files = [stream_file(lake, kept.target, name, found.select(columns)) for name, found in fresh.items()]
    told = replace(work, dataset=kept.target.name, rows=sum(file.rows for file in files))
    table.append_files([file for file in files if file.rows], {name: key_number(name) for name in fresh}, told)


def is_kept(lake: Lake, kept: Kept, name: str) -> bool:
    """Tell whether there is a copy of this name."""
    return lake.open(kept.target).done(name, name)


def copied(lake: Lake, kept: Kept, name: str) -> pl.LazyFrame:
    """Return the rows of a copy, lazily."""
    return lake.open(kept.target).scan().filter(pl.col(KEPT_AS) == name).drop(KEPT_AS)
