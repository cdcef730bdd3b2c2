"""Prometheus reads what the watch leaves, its own tools check the rules. Source: `operations.md` D.4."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.watch import watch
from storage.lake import Lake
from tests.conftest import ending, environment, start, techflow

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PLACE = ROOT / "deployments" / "prometheus"


def program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        # A developer may be without it; `.ci/run` installs it, so in CI its absence is a failure.
        reason = f"{name} not found (apt-get install prometheus)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return str(found)


def promtool(*words: str, cwd: Path = PLACE) -> None:
    done = subprocess.run([program("promtool"), *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_configuration_are_sound_and_the_rules_do_what_they_say() -> None:
    promtool("check", "rules", "techflow.rules.yml")
    promtool("check", "config", "prometheus.yml")
    promtool("test", "rules", "techflow.tests.yml")


def test_every_expression_of_the_dashboard_is_read_by_prometheus(tmp_path: Path) -> None:
    board = json.loads((ROOT / "deployments/grafana/techflow.json").read_text(encoding="utf-8"))
    records = [
        {"record": f"panel:{panel['id']}:{target['refId']}", "expr": target["expr"]}
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": records}]}))

    promtool("check", "rules", "panels.yml", cwd=tmp_path)


def test_the_older_text_format_is_understood_too(lake: Lake, tmp_path: Path) -> None:
    watch()
    text = (tmp_path / "metrics" / "techflow.prom").read_text(encoding="utf-8")

    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    # Its one complaint: the older format knows no help of a family whose samples end in _total.
    assert "techflow_rows_total no help text" == (done.stdout + done.stderr).strip() or done.returncode == 0


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as response:
        return json.load(response)["data"]


def wait_for(holds: Any, what: str, seconds: int = 120) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.3)


def test_prometheus_scrapes_the_endpoint_and_raises_a_silent_watch(
    lake: Lake, golden: Path, tmp_path: Path, prefect_home: Path
) -> None:
    served, asked = free_ports()
    env = environment(tmp_path, golden / "landing", prefect_home)
    watch(at="2024-02-07T12:00:00Z")  # the last evaluation is long ago
    config = yaml.safe_load((PLACE / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "5s", "scrape_timeout": "5s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(PLACE / "techflow.rules.yml")]
    config["scrape_configs"][0] |= {"scrape_timeout": "5s", "static_configs": [{"targets": [f"127.0.0.1:{served}"]}]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    script = Path(sys.executable).with_name("techflow")
    with ending() as started:
        started.append(start([str(script), "metrics", "--serve", str(served)], env))
        started.append(start([
            program("prometheus"), f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{asked}",
        ], env))  # fmt: skip

        open_ones = wait_for(lambda: ask(asked, "query?query=techflow_incidents_open")["result"], "a scrape")
        alerts = wait_for(
            lambda: [each for each in ask(asked, "alerts")["alerts"] if each["state"] == "firing"], "an alert"
        )
        targets = ask(asked, "targets")["activeTargets"]

    assert {"critical", "standard", "investor_report"} == {each["metric"]["class"] for each in open_ones}
    assert ["up"] == [each["health"] for each in targets]
    assert ["TechflowWatchSilent"] == [each["labels"]["alertname"] for each in alerts]


def test_a_port_that_is_taken_is_one_sentence(lake: Lake, tmp_path: Path, golden: Path, prefect_home: Path) -> None:
    env = environment(tmp_path, golden / "landing", prefect_home)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = techflow("metrics", "--serve", str(taken.getsockname()[1]), env=env, check=False)

    assert 1 == done.returncode
    assert done.stderr.startswith("not done: 127.0.0.1:")
    assert 1 == len(done.stderr.splitlines())
