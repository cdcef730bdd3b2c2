"""Parquet files that a task wrote into a table's folder, described for the commit that takes them in."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from storage.contents import translated
from storage.dataset import Dataset
from storage.lake import Lake
from storage.shape import by_partition, require_shape
from storage.store import Store
from storage.table import NO_POSITIONS
from storage.work import DataFile, Work, Written, folder_of

# Rows lie by bucket, or by metric: who reads a few of them passes over the groups that have none.
_ROWS_PER_GROUP = 131_072


def write_files(lake: Lake, dataset: Dataset, rows: pl.DataFrame) -> list[DataFile]:
    """Write rows into the dataset's folder, a file per partition, under names that were never used.

    Raises:
        LakeFull: when the disk has no room.
    """
    column = dataset.partition_by
    parts = rows.partition_by(column, as_dict=True, include_key=False) if column else {("",): rows}
    with translated(lake.store, dataset.name):
        return [_write_file(lake.store, dataset, str(name), part) for (name,), part in sorted(parts.items())]


def stream_file(lake: Lake, dataset: Dataset, partition: str, rows: pl.LazyFrame) -> DataFile:
    """Write the rows of one partition into the dataset's folder, batch by batch: none of them is held.

    Raises:
        LakeFull: when the disk has no room.
    """
    path, count = new_file(dataset, partition), 0
    shape = _arrow(pl.DataFrame(schema=rows.collect_schema())).schema
    with (
        translated(lake.store, dataset.name),
        lake.store.writing(f"{dataset.name}/{path}") as sink,
        pq.ParquetWriter(sink, shape, compression="zstd") as writer,
    ):
        for batch in rows.collect_batches(maintain_order=True):
            writer.write_table(_arrow(batch))
            count += batch.height
    return describe(lake.store, dataset, path, count, partition)


class Replacement:
    """Partitions of a table replaced part by part, each in memory by itself, and committed together.

    A partition whose rows are those that the table has already keeps its files.
    """

    def __init__(self, lake: Lake, dataset: Dataset) -> None:
        self._lake, self.table = lake, lake.open(dataset)
        self._counts = self.table.counts()
        self._files: list[DataFile] = []
        self._same: set[str] = set()
        self.rows = 0

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Give all rows of one partition.

        Raises:
            ContractViolation: when they are not the dataset's, or lie in another partition.
        """
        may_be_same = self._counts.get(name) == rows.height
        self._add(name, [(pl.lit(value=True), rows)], may_be_same=may_be_same)

    def add_parts(self, name: str, parts: Iterable[tuple[pl.Expr, pl.DataFrame]]) -> None:
        """Give all rows of one partition part by part: which of its rows they are, and they themselves.

        Raises:
            ContractViolation: when they are not the dataset's, or lie in another partition.
        """
        self._add(name, parts, may_be_same=name in self._counts)

    def _add(self, name: str, parts: Iterable[tuple[pl.Expr, pl.DataFrame]], *, may_be_same: bool) -> None:
        equal: list[pl.Expr] = []
        is_changed = not may_be_same
        for where, rows in parts:
            require_shape(self.table.dataset, rows, [name])
            self.rows += rows.height
            if not is_changed and self._has(name, where, rows):
                equal.append(where)
                continue
            if not is_changed:
                is_changed = True
                for before in equal:
                    self._write(self.table.read(self._of(name) & before))
            self._write(rows)
        if not is_changed:
            self._same.add(name)

    def _of(self, name: str) -> pl.Expr:
        column = self.table.dataset.partition_by
        return pl.col(column) == name if column else pl.lit(value=True)

    def _has(self, name: str, where: pl.Expr, rows: pl.DataFrame) -> bool:
        stored, key = self.table.rows_if_readable(self._of(name) & where), self.table.dataset.key
        return stored is not None and stored.height == rows.height and stored.sort(key).equals(rows.sort(key))

    def _write(self, rows: pl.DataFrame) -> None:
        if rows.height:
            self.table.created()
            self._files += write_files(self._lake, self.table.dataset, rows)

    def commit(self, keys: Mapping[str, str], work: Work, positions: Mapping[str, int] = NO_POSITIONS) -> int:
        """Commit what was given, with the keys of its partitions; returns the version.

        Raises:
            LakeBusy: when the table changed since this began.
        """
        return self.table.replace_files(self._files, keys, work, positions, self._same)


def write_changes(
    lake: Lake, dataset: Dataset, rows: pl.DataFrame, stored: pl.DataFrame, partitions: Iterable[str]
) -> Written:
    """Write rows into the dataset's folder, and tell which partitions hold just these rows already.

    Args:
        lake: where the table is.
        dataset: a table with partitions.
        rows: a shard's rows.
        stored: the shard's rows as the table has them now.
        partitions: the partitions that the shard speaks of, those included in which it has no row.
    """
    column = dataset.partition_by or ""
    heights = [dict(each.get_column(column).value_counts().iter_rows()) for each in (rows, stored)]
    made, held = ({name: each.get(name, 0) for name in partitions} for each in heights)
    alike = sorted(name for name in made if made[name] == held[name])
    # Only what is as many is worth the sorting that tells whether it is the same.
    now, before = (by_partition(dataset, each.filter(pl.col(column).is_in(alike))) for each in (rows, stored))
    same = frozenset(name for name in alike if name not in now or now[name].equals(before[name]))
    return Written(tuple(write_files(lake, dataset, rows)), made, same)


def new_file(dataset: Dataset, partition: str = "") -> str:
    """Return a path in the dataset's folder that was never used."""
    return f"{folder_of(dataset, partition)}part-{uuid.uuid4()}.parquet"


def describe(
    store: Store,
    dataset: Dataset,
    path: str,
    rows: int,
    partition: str = "",
    stats: dict[str, dict[str, Any]] | None = None,
) -> DataFile:
    """Describe a file that lies in a dataset's folder, as large as the store says it is."""
    return DataFile(
        path=path,
        size=store.size(f"{dataset.name}/{path}"),
        rows=rows,
        partition=partition,
        modified_ms=int(time.time() * 1000),
        stats=json.dumps({"numRecords": rows, **(stats or {})}),
    )


def _write_file(store: Store, dataset: Dataset, partition: str, rows: pl.DataFrame) -> DataFile:
    path = new_file(dataset, partition)
    with store.writing(f"{dataset.name}/{path}") as sink:
        pq.write_table(
            _arrow(rows),
            sink,
            compression="zstd",
            row_group_size=_ROWS_PER_GROUP,
            use_dictionary=_repeating(rows.schema),
        )
    told = [
        name for name in dataset.key if rows.schema.get(name) == pl.String and not rows.get_column(name).null_count()
    ]
    told += ["_bucket"] if "_bucket" in rows.schema else []
    lows, highs = (_extremes(told, part) for part in (rows.select(told).min(), rows.select(told).max()))
    stats = {
        "minValues": lows,
        "maxValues": highs,
        "nullCount": dict.fromkeys(told, 0),
    }
    return describe(store, dataset, path, rows.height, partition, stats)


def _repeating(schema: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns whose values are worth a dictionary, as Parquet names them: not numbers and instants."""
    return [
        f"{name}.list.element" if isinstance(dtype, pl.List) else name
        for name, dtype in schema.items()
        if not (dtype.is_integer() or isinstance(dtype, pl.Datetime))
    ]


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _extremes(names: Sequence[str], row: pl.DataFrame) -> dict[str, Any]:
    return dict(zip(names, row.row(0), strict=True)) if names else {}
