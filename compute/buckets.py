"""Account buckets: a stable hash that spreads accounts over shards, the same in every version and process."""

import zlib
from itertools import pairwise

import polars as pl

BUCKETS = 64


def bucket_of(account: str) -> int:
    """Return an account's bucket.

    >>> bucket_of("ACC_001") == bucket_of("ACC_001") and 0 <= bucket_of("ACC_002") < BUCKETS
    True
    """
    return zlib.crc32(account.encode()) % BUCKETS


def with_bucket(rows: pl.DataFrame, account: str | None) -> pl.DataFrame:
    """Add `_bucket`, from the account column; 0 for datasets without one."""
    if account is None:
        return rows.with_columns(_bucket=pl.lit(0, dtype=pl.Int32))
    names = rows.get_column(account).unique().to_list()
    buckets = pl.DataFrame(
        {account: names, "_bucket": [bucket_of(name) for name in names]},
        schema={account: pl.String, "_bucket": pl.Int32},
    )
    return rows.join(buckets, on=account, how="left", maintain_order="left")


def bucket_ranges(shards: int) -> list[tuple[int, int]]:
    """Cut the buckets into ranges of about equal width, first inclusive, last exclusive.

    >>> bucket_ranges(2)
    [(0, 32), (32, 64)]
    """
    edges = [BUCKETS * index // shards for index in range(shards + 1)]
    return list(pairwise(edges))
