"""A run that is killed between its files and its commit changes nothing; the next one does it all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment, start, techflow

pytestmark = pytest.mark.integration

KILLED_BEFORE_COMMIT = """
import os, signal
from storage.table import Table
commit = Table.replace_files
def killed(self, *given, **more):
    if self.dataset.name == "gold/account_month":
        os.kill(os.getpid(), signal.SIGKILL)
    return commit(self, *given, **more)
Table.replace_files = killed
from flows.aggregated import aggregated
aggregated(month="2024-01")
"""


def test_a_kill_between_files_and_commit_is_survived(
    tmp_path: Path, golden: Path, prefect_home: Path, ended: list[subprocess.Popen[bytes]]
) -> None:
    env = environment(tmp_path / "home", golden / "landing", prefect_home, TECHFLOW_EXECUTOR="inline")
    killed = start([sys.executable, "-c", KILLED_BEFORE_COMMIT], env)
    ended.append(killed)  # its Prefect server outlives it
    assert killed.wait(timeout=120) == -signal.SIGKILL
    folder = tmp_path / "home" / "lake" / "gold" / "account_month"
    orphans = set(folder.rglob("*.parquet"))
    assert orphans

    refused = techflow("export", "metrics", "2024-01", env=env, check=False)
    assert refused.returncode == 1
    assert "2024-01 has no draft yet" in refused.stderr

    techflow("run", "2024-01", env=env)

    metrics = techflow("export", "metrics", "2024-01", env=env).stdout
    assert "2024-01,,M-01,account_month,ACC_001,30000.00,money,billed,," in metrics
    assert metrics.count("M-01,account_month,ACC_001,") == 1
    assert orphans < set(folder.rglob("*.parquet"))
