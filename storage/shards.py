"""What runs inside a task: read a shard, apply one pure rule, write its Parquet files, describe them.

Frames live and die here; only names, versions and descriptions travel.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from compute.account_month import Records, account_month
from compute.company import Company
from compute.months import Month
from storage.catalog import ACCOUNT_MONTH_TABLE, SILVER, STATUS_STEP, Dataset
from storage.lake import Lake
from storage.work import DataFile


@dataclass(frozen=True, slots=True)
class AccountShard:
    """A range of account buckets, first inclusive, last exclusive, and what to make of it.

    Attributes:
        versions: the version of every table that is read, by name.
        months: the months wanted, without gaps.
        first_month: the first observed month over all accounts.
    """

    lake: str
    versions: Mapping[str, int]
    first_bucket: int
    last_bucket: int
    months: tuple[Month, ...]
    first_month: Month | None
    company: Company


ACCOUNT_INPUTS: Mapping[str, Dataset] = {
    "bills": SILVER["revenue"],
    "changes": SILVER["account_status_changes"],
    "steps": STATUS_STEP,
    "licences": SILVER["license_changes"],
    "renewals": SILVER["subscription_renewals"],
    "expenses": SILVER["expenses"],
}


def write_account_month(shard: AccountShard) -> list[DataFile]:
    """Join the records of a shard's accounts and write them; returns the files' descriptions."""
    lake = Lake(shard.lake)
    mine = pl.col("_bucket").is_between(shard.first_bucket, shard.last_bucket, closed="left")
    frames = {
        name: lake.open(dataset, version=shard.versions[dataset.name]).read(mine)
        for name, dataset in ACCOUNT_INPUTS.items()
    }
    rows = account_month(Records(**frames), shard.months, shard.first_month, shard.company)
    return write_files(lake, ACCOUNT_MONTH_TABLE, rows)


def write_files(lake: Lake, dataset: Dataset, rows: pl.DataFrame) -> list[DataFile]:
    """Write rows into the dataset's folder, a file per partition, under names that were never used."""
    column = dataset.partition_by
    parts = rows.partition_by(column, as_dict=True, include_key=False) if column else {("",): rows}
    return [
        _write_file(Path(lake.root) / dataset.name, f"{column}={name}" if column else "", str(name), part, dataset.key)
        for (name,), part in sorted(parts.items())
    ]


def _write_file(folder: Path, subfolder: str, partition: str, rows: pl.DataFrame, key: Sequence[str]) -> DataFile:
    path = folder / subfolder / f"part-{uuid.uuid4()}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()), path, compression="zstd")
    texts = [name for name in key if rows.schema.get(name) == pl.String]
    extremes = rows.select(pl.col(texts).min().name.suffix("|min"), pl.col(texts).max().name.suffix("|max")).row(
        0, named=True
    )
    stats = {
        "numRecords": rows.height,
        "minValues": {name: extremes[f"{name}|min"] for name in texts},
        "maxValues": {name: extremes[f"{name}|max"] for name in texts},
        "nullCount": {name: rows.get_column(name).null_count() for name in texts},
    }
    return DataFile(
        path=str(path.relative_to(folder)),
        size=path.stat().st_size,
        rows=rows.height,
        partition=partition,
        modified_ms=int(time.time() * 1000),
        stats=json.dumps(stats),
    )
