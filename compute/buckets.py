"""Account buckets: a stable hash that spreads accounts over shards, the same in every version and process."""

import zlib
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

BUCKETS = 64


def bucket_of(*names: str) -> int:
    """Return the bucket of an account, or of an account and a user: a user is whole, an account may spread.

    >>> bucket_of("ACC_001") == bucket_of("ACC_001") and 0 <= bucket_of("ACC_002", "USER_1") < BUCKETS
    True
    """
    return zlib.crc32("\0".join(names).encode()) % BUCKETS


def with_bucket(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Add `_bucket`, from the columns that name account and user; 0 for datasets, and rows, without them."""
    if not names:
        return rows.with_columns(_bucket=pl.lit(0, dtype=pl.Int32))
    distinct = rows.select(names).unique().drop_nulls()
    buckets = distinct.with_columns(
        pl.Series("_bucket", [bucket_of(*row) for row in distinct.iter_rows()], dtype=pl.Int32)
    )
    placed = rows.join(buckets, on=list(names), how="left", maintain_order="left")
    return placed.with_columns(pl.col("_bucket").fill_null(0))


def bucket_ranges(shards: int) -> list[tuple[int, int]]:
    """Cut the buckets into ranges of about equal width, first inclusive, last exclusive.

    >>> bucket_ranges(2)
    [(0, 32), (32, 64)]
    """
    edges = [BUCKETS * index // shards for index in range(shards + 1)]
    return list(pairwise(edges))
