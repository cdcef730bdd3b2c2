"""A run that ends between two commits is finished by the next one, and nothing is doubled."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.catalog import BRONZE, LANDED_FILE
from storage.lake import Lake
from storage.landing import arrivals, land
from storage.table import Table
from storage.work import Work

FIRST, LATER = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)


class Killed(Exception):
    pass


def test_rows_that_landed_before_a_crash_land_once_and_keep_their_arrival(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "landing" / "revenue"
    folder.mkdir(parents=True)
    (folder / "unstamped.ndjson").write_bytes(b'{"a": 1}\n{"a": 2}\n')
    lake, work = Lake(str(tmp_path / "lake")), Work(flow="test", dataset="bronze/revenue")
    append = Table.append

    def killed_at_the_sighting(table: Table, *words: object) -> int:
        if table.dataset is LANDED_FILE:
            raise Killed
        return append(table, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Table, "append", killed_at_the_sighting)
    with pytest.raises(Killed):
        land(lake, str(tmp_path / "landing"), "revenue", as_of=FIRST, now=FIRST, work=work)
    monkeypatch.undo()

    landing = land(lake, str(tmp_path / "landing"), "revenue", as_of=LATER, now=LATER, work=work)

    assert 2 == lake.open(BRONZE["revenue"]).count()
    assert 0 == landing.rows
    assert [FIRST] == arrivals(lake, "revenue").get_column("_arrival").to_list()
