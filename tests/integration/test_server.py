"""Deployments on a real Prefect server, process work pool and worker."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import environment, start, techflow

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PIPELINES = ("aggregated", "profit", "growth", "engagement")


def prefect(*words: str, env: dict[str, str], timeout: int = 180) -> str:
    script = Path(sys.executable).with_name("prefect")
    done = subprocess.run(
        [str(script), *words], env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"no Prefect server at {url}")


def listed(url: str, what: str) -> list[dict[str, Any]]:
    """Return what the server knows of a kind of object."""
    request = urllib.request.Request(
        f"{url}/{what}/filter", data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        found: list[dict[str, Any]] = json.load(response)
        return found


def test_a_deployment_makes_the_snapshot_through_server_pool_and_worker(
    tmp_path: Path, golden: Path, free_port: int, ended: list[subprocess.Popen[bytes]]
) -> None:
    url = f"http://127.0.0.1:{free_port}/api"
    env = environment(
        tmp_path / "home",
        golden / "landing",
        tmp_path / "prefect",
        PREFECT_API_URL=url,
        PREFECT_SERVER_UI_API_URL=url,
        TECHFLOW_LEDGER=str(golden / "ledger.sqlite"),
        TECHFLOW_EXECUTOR="ray",
    )
    script = Path(sys.executable).with_name("prefect")
    ended.append(start([str(script), "server", "start", "--host", "127.0.0.1", "--port", str(free_port)], env))
    wait_until_healthy(url)

    prefect("work-pool", "create", "techflow-process", "--type", "process", env=env)
    prefect("deploy", "--all", "--no-prompt", env=env)
    prefect("deployment", "run", "aggregated/aggregated-monthly", "-p", "month=2024-01", env=env)
    prefect("worker", "start", "--pool", "techflow-process", "--run-once", env=env)

    metrics = techflow("export", "metrics", "2024-01", env=env).stdout
    assert "2024-01,,M-01,account_month,ACC_001,30000.00,money,billed,," in metrics
    prefect("deployment", "run", "profit/profit-daily", "-p", "month=2024-01", env=env)
    prefect("deployment", "run", "growth/growth-weekly", "-p", "month=2024-01", env=env)
    prefect("deployment", "run", "engagement/engagement-daily", "-p", "month=2024-01", env=env)
    prefect("worker", "start", "--pool", "techflow-process", "--run-once", env=env)
    states = {run["name"]: run["state_type"] for run in listed(url, "flow_runs")}
    assert dict.fromkeys((f"{name} 2024-01" for name in PIPELINES), "COMPLETED") == states
    assert {"investor-snapshot", "dispositions", "evidence"} == {each["key"] for each in listed(url, "artifacts")}
    runs = techflow("export", "runs", env=env).stdout
    assert "aggregated,gold/account_month,2023-10..2024-01,ray,2," in runs
