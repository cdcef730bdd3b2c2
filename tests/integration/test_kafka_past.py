"""A batch beside a long past: nothing of the past is read again (L-25)."""

from pathlib import Path

import polars as pl
import pytest

from flows.micro_batch import micro_batch
from flows.profit import profit
from storage.catalog import BRONZE, DEAD_LETTER, DISPOSITIONS, JUDGED, SILVER
from storage.lake import Lake
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.mixture import START, click

pytestmark = pytest.mark.integration
MONTH = 31 * 86_400_000  # milliseconds of January


def sent(first: int, begin: int) -> list[Sent]:
    """Return 300 clicks a minute apart, every hundredth of them twice, and a record that is none for its lack of a user."""
    clicks = [(number, begin + (number - first) * 60_000) for number in range(first, first + 300)]
    twice = [each for each in clicks if each[0] % 100 == 0]
    records = [Sent(click(number, at), number % 2, at) for number, at in [*clicks, *twice]]
    return [*records, Sent(click(first, begin).replace(b'"USER_0"', b"null"), 0, begin)]


def test_a_batch_reads_no_file_of_the_months_before_it(
    topics: Kafka, lake: Lake, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.servers)
    profit("2024-01")  # the accounts
    topics.send(CLICKS, sent(0, START))
    micro_batch()
    before = lake.read(DEAD_LETTER, pl.col("dataset") == CLICKS)
    for table in (BRONZE[CLICKS], JUDGED[CLICKS], SILVER[CLICKS]):
        for path in (Path(lake.root) / table.name).rglob("*.parquet"):
            path.unlink()
    topics.send(CLICKS, sent(300, START + MONTH))

    assert 304 == micro_batch()[CLICKS]

    counts = lake.read(DISPOSITIONS, (pl.col("dataset") == CLICKS) & (pl.col("code") == ""))
    assert {
        (month, disposition): rows for month in ("2024-01", "2024-02")
        for disposition, rows in (("accepted", 300), ("duplicate", 3), ("rejected", 1))
    } == {(month, disposition): rows for month, disposition, rows in counts.select("month", "disposition", "rows").rows()}  # fmt: skip
    letters = lake.read(DEAD_LETTER, pl.col("dataset") == CLICKS)
    assert (1, 2) == (before.height, letters.height)
    assert 2 == letters.get_column("payload_sha256").n_unique()
    assert before.equals(letters.filter(pl.col("row") == before.item(0, "row")))
