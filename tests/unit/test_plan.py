"""How work is cut: everything once, nothing above the bound that can be cut, and the same rows however it is cut.

Source: AT-90 (one account makes half of all events).
"""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.buckets import BUCKETS
from compute.company import Company
from compute.months import Month
from storage.catalog import SESSION_PART, USER_DAY_TABLE
from storage.dataset import Dataset
from storage.lake import Lake
from storage.plan import Cut, cuts
from storage.shards import CLICKS, USAGE, UserShard, write_user_days
from storage.work import FileWeight
from tests.benchmarks.clicks_lake import MONTH, Shape, fill

MONTHS = Month(2024, 1).until(Month(2024, 4))
NOBODY = pl.DataFrame(schema={"account_id": pl.String, "date": pl.Date})
buckets = st.tuples(st.integers(0, BUCKETS - 1), st.integers(0, BUCKETS - 1)).map(sorted)
weights = st.lists(
    st.builds(
        lambda month, rows, span: FileWeight(str(month), rows, *span),
        st.sampled_from(MONTHS), st.integers(0, 5_000), buckets,
    ), max_size=12,
)  # fmt: skip


def covered(pieces: list[Cut]) -> Counter[tuple[Month, int, int]]:
    """Return how often each day of each month and bucket is in a piece."""
    return Counter(
        (month, bucket, day)
        for cut in pieces
        for month in cut.months
        for bucket in range(cut.first_bucket, cut.last_bucket)
        for day in range((month.last - month.first).days + 1)
        if cut.first <= month.first + timedelta(days=day) <= cut.last
    )


@settings(deadline=None, max_examples=25)
@given(weights, st.integers(1, 3_000))
def test_every_day_of_every_bucket_is_in_just_one_piece(files: list[FileWeight], most: int) -> None:
    found = covered(cuts(files, MONTHS, most))

    days = sum((month.last - month.first).days + 1 for month in MONTHS)
    assert {1} == set(found.values())
    assert BUCKETS * days == len(found)


def test_small_months_are_taken_together_and_a_large_one_is_cut_by_buckets() -> None:
    small = [FileWeight(str(month), 640, 0, 63) for month in MONTHS[:3]]  # 10 rows a bucket
    large = FileWeight(str(MONTHS[3]), 64_000, 0, 63)

    pieces = cuts([*small, large], MONTHS, 1_000)

    assert [MONTHS[:3]] * 2 + [MONTHS[3:]] * 64 == [cut.months for cut in pieces]


def test_a_bucket_that_is_too_large_by_itself_is_cut_by_dates() -> None:
    files = [FileWeight("2024-01", 1_000, 0, 63), FileWeight("2024-01", 4_000, 9, 9)]

    pieces = [cut for cut in cuts(files, MONTHS[:1], 1_000) if cut.first_bucket == 9]

    assert [(10, 1, 6), (10, 7, 12), (10, 13, 18), (10, 19, 24), (10, 25, 31)] == [
        (cut.last_bucket, cut.first.day, cut.last.day) for cut in pieces
    ]


@pytest.mark.parametrize("whale", [0.2, 0.5])
def test_rows_are_the_same_however_the_work_is_cut(tmp_path: Path, whale: float) -> None:
    lake = Lake(str(tmp_path))
    count = fill(lake, Shape(3_000, whale=whale))

    whole, cut = rolled(lake, count * 2), rolled(lake, 20)

    assert all(whole[dataset].equals(cut[dataset]) for dataset in whole)
    assert count == whole[USER_DAY_TABLE.name].get_column("clicks").sum()


def test_the_log_of_a_table_tells_what_lies_in_which_bucket(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    count = fill(lake, Shape(2_500, file_rows=1_000))

    files = lake.open(CLICKS).weights()

    held = (
        lake.read(CLICKS)
        .group_by(third=(pl.col("_bucket") > 20).cast(pl.Int8) + (pl.col("_bucket") > 41))
        .agg(rows=pl.len(), first=pl.col("_bucket").min(), last=pl.col("_bucket").max())
    )
    assert count == held.get_column("rows").sum()
    assert sorted(held.select("rows", "first", "last").rows()) == sorted(
        (file.rows, file.first_bucket, file.last_bucket) for file in files
    )


def rolled(lake: Lake, most: int) -> dict[str, pl.DataFrame]:
    """Return what tasks of at most so many rows write, in order."""
    tables = [lake.open(dataset) for dataset in (CLICKS, USAGE, USER_DAY_TABLE, SESSION_PART)]
    versions = {table.dataset.name: table.version for table in tables}
    pieces = cuts(tables[0].weights(), (Month.parse(MONTH),), most)
    shards = [UserShard(lake.root, versions, cut, (), NOBODY, Company()) for cut in pieces]
    written = [write_user_days(shard) for shard in shards]

    def rows(dataset: Dataset) -> pl.DataFrame:
        files = [f"{lake.root}/{dataset.name}/{file.path}" for each in written for file in each[dataset.name].files]
        return pl.read_parquet(files, hive_partitioning=False).sort(dataset.key)

    return {dataset.name: rows(dataset) for dataset in (USER_DAY_TABLE, SESSION_PART)}
