"""Files as they lie in the lake's folder."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from storage.dataset import Dataset
from storage.files import write_files
from storage.lake import Lake

CLICK = Dataset(
    name="test/click",
    schema={
        "account_id": pl.String, "features": pl.List(pl.String), "offset": pl.Int64, "at": pl.Datetime("us", "UTC"),
    },
    key=("account_id",),
    description="A click.",
)  # fmt: skip


def test_what_repeats_has_a_dictionary_and_numbers_and_instants_have_none(tmp_path: Path) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    rows = pl.DataFrame([("ACC_1", ["export"], 1, at), ("ACC_2", ["export"], 2, at)], CLICK.schema, orient="row")

    (file,) = write_files(Lake(str(tmp_path)), CLICK, rows)

    group = pq.ParquetFile(tmp_path / CLICK.name / file.path).metadata.row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    assert {"account_id", "features.list.element"} == {
        each.path_in_schema for each in columns if "RLE_DICTIONARY" in each.encodings
    }
    assert 4 == len(columns)
