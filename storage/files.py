"""Parquet files that a task wrote into a table's folder, described for the commit that takes them in."""

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from storage.catalog import Dataset
from storage.lake import Lake, by_partition
from storage.work import DataFile, Written


def write_files(lake: Lake, dataset: Dataset, rows: pl.DataFrame) -> list[DataFile]:
    """Write rows into the dataset's folder, a file per partition, under names that were never used."""
    column = dataset.partition_by
    parts = rows.partition_by(column, as_dict=True, include_key=False) if column else {("",): rows}
    folder = Path(lake.root) / dataset.name
    return [
        _write_file(folder, f"{column}={name}" if column else "", str(name), part, dataset.key)
        for (name,), part in sorted(parts.items())
    ]


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
    now, before = by_partition(dataset, rows), by_partition(dataset, stored)
    names, nothing = frozenset(partitions), rows.clear()
    same = {name for name in names if now.get(name, nothing).equals(before.get(name, nothing))}
    return Written(tuple(write_files(lake, dataset, rows)), names, frozenset(same))


def describe(
    path: Path, folder: Path, rows: int, partition: str = "", stats: dict[str, dict[str, Any]] | None = None
) -> DataFile:
    """Describe a file that lies in a table's folder."""
    return DataFile(
        path=str(path.relative_to(folder)),
        size=path.stat().st_size,
        rows=rows,
        partition=partition,
        modified_ms=int(time.time() * 1000),
        stats=json.dumps({"numRecords": rows, **(stats or {})}),
    )


def _write_file(folder: Path, subfolder: str, partition: str, rows: pl.DataFrame, key: Sequence[str]) -> DataFile:
    path = folder / subfolder / f"part-{uuid.uuid4()}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()), path, compression="zstd")
    texts = [name for name in key if rows.schema.get(name) == pl.String and rows.get_column(name).null_count() == 0]
    extremes = rows.select(pl.col(texts).min().name.suffix("|min"), pl.col(texts).max().name.suffix("|max")).row(
        0, named=True
    )
    stats = {
        "minValues": {name: extremes[f"{name}|min"] for name in texts},
        "maxValues": {name: extremes[f"{name}|max"] for name in texts},
        "nullCount": dict.fromkeys(texts, 0),
    }
    return describe(path, folder, rows.height, partition, stats)
