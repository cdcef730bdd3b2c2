"""Deployments on a real Prefect server: set up twice, run through a process pool and a worker, lost and found."""

import json
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES, ending, environment, start, techflow

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PIPELINES = ("aggregated", "profit", "growth", "engagement")
STORY = {"investor-snapshot", "dispositions", "evidence", "held-rows", "findings", "tables"}


@dataclass(frozen=True)
class Server:
    """A Prefect server of this module, and the environment in which commands use it."""

    url: str
    env: dict[str, str]
    told: str  # what the first deploy said

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/{path}", data=data, headers={"Content-Type": "application/json"}, method=method or None
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or b"null")

    def listed(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(f"{what}/filter", {})
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Server]:
    golden, place = EXAMPLES / "golden", tmp_path_factory.mktemp("served")
    url = f"http://127.0.0.1:{free_port}/api"
    env = environment(
        place / "home",
        golden / "landing",
        place / "prefect",
        PREFECT_API_URL=url,
        PREFECT_SERVER_UI_API_URL=url,
        PREFECT_WORKER_QUERY_SECONDS="1",
        TECHFLOW_LEDGER=str(golden / "ledger.sqlite"),
        TECHFLOW_EXECUTOR="ray",
    )
    words = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(free_port)]
    with ending() as started:
        started.append(start(words, env))
        wait_until(lambda: is_healthy(url), "a healthy server")
        yield Server(url, env, techflow("deploy", env=env).stdout)


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False


def wait_until(holds: Any, what: str, seconds: int = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.3)


def holdings(server: Server) -> dict[str, list[Any]]:
    """Return all that the server holds of pools, deployments and automations, the times of asking and use aside."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            moving = ("updated", "last_polled", "status", "active_slots")
            return {name: plain(each) for name, each in value.items() if name not in moving}
        return sorted(map(plain, value), key=repr) if isinstance(value, list) else value

    return {what: plain(server.listed(what)) for what in ("work_pools", "deployments", "automations")}


def test_a_second_deploy_changes_nothing_and_says_so(server: Server) -> None:
    before = holdings(server)

    told = techflow("deploy", env=server.env).stdout.splitlines()

    assert before == holdings(server)
    assert 8 * ["new"] == [line.split()[0] for line in server.told.splitlines()[:8]]
    assert {"unchanged"} == {line.split()[0] for line in told[:8]}
    assert "Nothing changed: the server holds all of it already." == told[8]
    assert [6, 1] == [len(before["deployments"]), len(before["automations"])]
    pool = server.ask("work_pools/techflow-process")
    assert ("process", 3) == (pool["type"], pool["concurrency_limit"])
    # The pipelines take turns; the watch and the micro-batch have places of their own, and wait for none of them.
    assert 1 == server.ask("work_pools/techflow-process/queues/default")["concurrency_limit"]
    queues = {each["name"]: each["work_queue_name"] for each in server.listed("deployments")}
    own = {"watch": "watch", "engagement-micro-batch": "micro-batch"}
    assert own == {name: queue for name, queue in queues.items() if queue != "default"}
    assert (
        "30"
        == pool["base_job_template"]["variables"]["properties"]["env"]["default"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    )


def test_what_somebody_changed_is_brought_back_and_a_schedule_that_is_on_stays_on(server: Server) -> None:
    automation = server.listed("automations")[0]
    deployment = server.ask("deployments/name/profit/profit-daily")
    schedule = deployment["schedules"][0]
    server.ask(f"automations/{automation['id']}", {"enabled": False}, "PATCH")
    server.ask("work_pools/techflow-process", {"concurrency_limit": 7}, "PATCH")
    server.ask(f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": True}, "PATCH")

    told = techflow("deploy", env=server.env).stdout.splitlines()

    assert not schedule["active"]
    assert {"changed    work pool techflow-process", "changed    automation techflow lost runs"} == {
        line for line in told if line.startswith("changed")
    }
    assert server.listed("automations")[0]["enabled"]
    assert 2 == server.ask("work_pools/techflow-process")["concurrency_limit"]
    after = server.ask("deployments/name/profit/profit-daily")["schedules"]
    assert [("0 4 * * *", "UTC", True)] == [
        (each["schedule"]["cron"], each["schedule"]["timezone"], each["active"]) for each in after
    ]
    server.ask(f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False}, "PATCH")


def test_without_a_server_deploy_is_one_sentence(server: Server, free_port: int) -> None:
    nowhere = {name: value for name, value in server.env.items() if name != "PREFECT_API_URL"}

    for env, sentence in (
        (nowhere, "PREFECT_API_URL is not set: start a server"),
        (
            server.env | {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
            "No Prefect server answers at http://127.0.0.1:9/api",
        ),
    ):
        done = techflow("deploy", env=env, check=False)
        assert (1, "") == (done.returncode, done.stdout)
        assert done.stderr.startswith(f"not done: {sentence}")
        assert 1 == len(done.stderr.splitlines())


def test_deployments_make_the_snapshot_through_pool_and_worker(server: Server) -> None:
    with ending() as started:
        started.append(
            start([sys.executable, "-m", "prefect", "worker", "start", "--pool", "techflow-process"], server.env)
        )
        asked = {name: ask_for(server, name, "2024-01") for name in PIPELINES}
        wait_until(lambda: all(is_over(server, run) for run in asked.values()), "the runs to end", 300)

    found = {name: server.ask(f"flow_runs/{run}") for name, run in asked.items()}
    assert {name: (f"{name} 2024-01", "COMPLETED") for name in PIPELINES} == {
        name: (run["name"], run["state_type"]) for name, run in found.items()
    }
    spans = sorted((run["start_time"], run["end_time"]) for run in found.values())
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans)), "one at a time"
    metrics = techflow("export", "metrics", "2024-01", env=server.env).stdout
    assert "2024-01,,M-01,account_month,ACC_001,30000.00,money,billed,," in metrics
    runs = techflow("export", "runs", env=server.env).stdout
    assert re.search("^(aggregated|profit|growth|engagement),gold/account_month,.*,ray,2,", runs, re.MULTILINE)
    artifacts = server.listed("artifacts")
    assert {each["key"] for each in artifacts if each["flow_run_id"] == asked["aggregated"]} >= STORY
    bars = {each["key"]: each for each in artifacts if each["type"] == "progress"}
    assert {"account-month": (100.0, "2 of 2 tasks on ray")} == {
        name: (bar["data"], bar["description"]) for name, bar in bars.items()
    }
    within = [run for run in server.listed("flow_runs") if run["parent_task_run_id"]]
    assert all("techflow" in run["tags"] for run in within)


def ask_for(server: Server, pipeline: str, month: str) -> str:
    kind = next(each for each in server.listed("deployments") if each["entrypoint"] == f"flows.{pipeline}.{pipeline}")
    run = server.ask(
        f"deployments/{kind['id']}/create_flow_run", {"parameters": {"month": month}, "state": {"type": "SCHEDULED"}}
    )
    return str(run["id"])


def is_over(server: Server, run: str) -> bool:
    return server.ask(f"flow_runs/{run}")["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.mark.parametrize("month", ["2024-13", "2024", "January", "2024-01..", "last..", ""])
def test_a_form_refuses_what_is_no_month(server: Server, month: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask_for(server, "aggregated", month)

    assert 409 == refused.value.code
    assert "month" in refused.value.read().decode()


def test_forms_tell_what_a_month_is(server: Server) -> None:
    for deployment in server.listed("deployments"):
        assert deployment["description"].endswith(".")
        assert "techflow" in deployment["tags"]
        if deployment["name"] in ("watch", "engagement-micro-batch"):
            continue  # they are not asked for months
        month = deployment["parameter_openapi_schema"]["properties"]["month"]
        assert (
            "2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of." == month["description"]
        )
        for good in ("2024-01", "2023-10..2024-03", "last", "this", "last..this", "2023-10..last"):
            assert re.search(month["pattern"], good)


def test_a_run_without_a_sign_of_life_is_marked_as_crashed_and_no_other(server: Server) -> None:
    with noticed_after(server, 10.0):
        lost, ended, others = (running(server, tags) for tags in (["techflow"], ["techflow"], []))
        for run, tags in ((lost, ["techflow"]), (ended, ["techflow"]), (others, [])):
            emit(server, "prefect.flow-run.heartbeat", run, tags)
        server.ask(f"flow_runs/{ended}/set_state", {"state": {"type": "COMPLETED"}})

        wait_until(lambda: is_over(server, lost), "the lost run to be noticed", 90)

    states = [server.ask(f"flow_runs/{run}")["state_type"] for run in (lost, ended, others)]
    assert ["CRASHED", "COMPLETED", "RUNNING"] == states


@contextmanager
def noticed_after(server: Server, seconds: float) -> Iterator[None]:
    """Let the automation of lost runs wait that long."""
    declared = server.listed("automations")[0]
    body = {name: value for name, value in declared.items() if name not in ("id", "created", "updated", "labels")}
    quick = body | {"trigger": body["trigger"] | {"within": seconds}}
    server.ask(f"automations/{declared['id']}", quick, "PUT")
    time.sleep(2)  # the server reads its automations again
    try:
        yield
    finally:
        server.ask(f"automations/{declared['id']}", body, "PUT")


def running(server: Server, tags: list[str]) -> str:
    flow = server.ask("flows/", {"name": "aggregated"})["id"]
    run: str = server.ask("flow_runs/", {"flow_id": flow, "tags": tags, "state": {"type": "RUNNING"}})["id"]
    return run


def emit(server: Server, event: str, run: str, tags: list[str]) -> None:
    related = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    body = {
        "id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event, "resource": resource,
        "related": related, "payload": {},
    }  # fmt: skip
    server.ask("events", [body])
