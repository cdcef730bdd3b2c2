"""Two runs at once on one lake: one commits, the other reads again; the tables are those of one run."""

import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from storage.catalog import BRONZE, SNAPSHOT
from storage.lake import Lake
from tests.conftest import environment, start, techflow

pytestmark = pytest.mark.integration


def test_two_runs_at_once_give_the_tables_of_one(
    tmp_path: Path, golden: Path, prefect_home: Path, prefect_api: None
) -> None:
    url = str(PREFECT_API_URL.value())

    def home(name: str) -> dict[str, str]:
        return environment(
            tmp_path / name, golden / "landing", prefect_home, PREFECT_API_URL=url, TECHFLOW_EXECUTOR="inline",
            TECHFLOW_LEDGER=str(golden / "ledger.sqlite"),
        )  # fmt: skip

    script = str(Path(sys.executable).with_name("techflow"))
    runs = [start([script, "run", "2024-01"], home("both")) for _ in range(2)]
    codes = [run.wait(timeout=120) for run in runs]
    techflow("run", "2024-01", env=home("one"))

    assert [0, 0] == codes
    lake = Lake(str(tmp_path / "both" / "lake"))
    assert 18 == lake.open(BRONZE["revenue"]).count()
    assert 1 == lake.read(SNAPSHOT).height
    for table in ("metrics 2024-01", "allocation 2024-01", "reconciliation 2024-01", "dispositions"):
        both, one = (techflow("export", *table.split(), env=home(name)).stdout for name in ("both", "one"))
        assert both == one
