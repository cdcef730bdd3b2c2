"""Gold in another engine: DuckDB reads what the pipelines wrote, to the cent, without anything of ours.

Its delta extension comes from the net, so the log is read by Delta's own library, the files that it lists by DuckDB.
"""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.export import BY_MONTH
from storage.catalog import ACCOUNT_DAY_TABLE, DATASETS
from storage.dataset import Dataset
from storage.lake import Lake

pytestmark = pytest.mark.integration


def written(lake: Lake) -> Iterator[tuple[Dataset, DeltaTable]]:
    for dataset in DATASETS:
        if DeltaTable.is_deltatable(f"{lake.root}/{dataset.name}"):
            yield dataset, DeltaTable(f"{lake.root}/{dataset.name}")


def duck(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Return a database in which every table of gold that has rows is a view."""
    database = duckdb.connect()
    for dataset, table in written(lake):
        layer, _, name = dataset.name.partition("/")
        files = table.file_uris()
        if layer == "gold" and files:
            options = "hive_partitioning = true, hive_types_autocast = false"
            database.execute(f"CREATE VIEW {name} AS FROM read_parquet({files}, {options})")
    return database


def assert_plain_delta_in_utc(lake: Lake) -> None:
    tables = list(written(lake))

    assert {dataset.name for dataset, _ in tables} >= {"gold/account_day", "gold/account_month", "snapshot/manifest"}
    for dataset, table in tables:
        protocol = table.protocol()
        assert protocol.min_reader_version <= 2, dataset.name
        assert protocol.min_writer_version <= 4, dataset.name
        assert not protocol.reader_features, dataset.name
        assert not protocol.writer_features, dataset.name
        assert all(field.metadata.get("comment") for field in table.schema().fields), dataset.name
        types = {field.name: field.type for field in table.schema().fields}
        instants = {name for name, dtype in dataset.schema.items() if dtype == pl.Datetime("us", "UTC")}
        # Delta's `timestamp` is an instant in UTC; without a zone it would be `timestamp_ntz`, a table feature.
        assert instants == {name for name, type_ in types.items() if "timestamp" in str(type_)}, dataset.name
        assert all('"timestamp"' in str(types[name]) for name in instants), dataset.name


def test_gold_reads_the_same_in_another_engine(lake: Lake) -> None:
    aggregated("2024-01")
    database, january = duck(lake), Month(2024, 1)
    figures = BY_MONTH["metrics"](lake, january)
    is_closing = (pl.col("metric_id") == "M-01") & (pl.col("grain") == "company_month")
    exported = Decimal(str(figures.filter(is_closing).get_column("value").item()))

    closing = "SELECT closing FROM mrr_bridge WHERE month = '2024-01' AND tier = 'company'"
    summed = "SELECT sum(mrr) FROM account_month WHERE month = '2024-01' AND is_existing"
    figure = (
        "SELECT value FROM growth_figure WHERE month = '2024-01' AND metric_id = 'M-01' AND grain = 'company_month'"
    )
    found = [database.sql(query).fetchall() for query in (closing, summed, figure)]

    assert [[(exported,)]] * 3 == found
    assert exported > 0

    # Every amount is a decimal there too, and the same one.
    amounts = "SELECT account_id, mrr, revenue, direct_cost FROM account_month WHERE month = '2024-01'"
    ours = pl.read_delta(f"{lake.root}/gold/account_month").filter(pl.col("month") == "2024-01")
    theirs = database.sql(amounts)
    assert ["VARCHAR", *["DECIMAL(18,2)"] * 3] == [str(each) for each in theirs.types]
    assert sorted(ours.select("account_id", "mrr", "revenue", "direct_cost").rows()) == sorted(theirs.fetchall())

    days, ours = "SELECT count(*), sum(minutes), sum(clicks) FROM account_day", lake.read(ACCOUNT_DAY_TABLE)
    assert (ours.height, *ours.select("minutes", "clicks").sum().row(0)) == database.sql(days).fetchall()[0]
    assert_plain_delta_in_utc(lake)
