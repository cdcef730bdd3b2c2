"""Deployments on a real Prefect server: set up twice, run through a process pool and a worker, lost and found."""

import re
import subprocess
import sys
import time
import urllib.error
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.conftest import techflow
from tests.integration.receivers import web
from tests.integration.served import Served, serving, wait_until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PIPELINES = {
    "aggregated": "aggregated-monthly", "profit": "profit-daily", "growth": "growth-weekly",
    "engagement": "engagement-daily",
}  # fmt: skip
DECLARED = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
STORY = {"investor-snapshot", "dispositions", "evidence", "held-rows", "findings", "tables"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), free_port) as served:
        yield served


def holdings(server: Served) -> dict[str, list[Any]]:
    """Return all that the server holds of pools, deployments and automations, the times of asking and use aside."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items() if name not in moving}
        return sorted(map(plain, value), key=repr) if isinstance(value, list) else value

    moving = ["updated", "last_polled", "status", "active_slots"]
    held = {what: plain(server.listed(what)) for what in ("work_pools", "deployments")}
    moving += ["id", "created"]  # the automation of a deployment's trigger is made anew each time
    return held | {"automations": plain(server.listed("automations"))}


def test_a_second_deploy_changes_nothing_and_says_so(server: Served) -> None:
    before = holdings(server)

    told = techflow("deploy", env=server.env).stdout.splitlines()

    assert before == holdings(server)
    assert {"new"} == {line.split()[0] for line in server.told.splitlines()[:-1]}
    assert {"unchanged"} == {line.split()[0] for line in told[:-2]}
    assert "Nothing changed: the server holds all of it already." == told[-2]
    assert len(told[:-2]) == sum(map(len, before.values())) == len(DECLARED) + 4
    pool = server.ask("work_pools/techflow-process")
    assert ("process", 4) == (pool["type"], pool["concurrency_limit"])
    # The pipelines take turns; what is short and must not wait for them has a queue of its own.
    assert 1 == server.ask("work_pools/techflow-process/queues/default")["concurrency_limit"]
    queues = {each["name"]: each["work_queue_name"] for each in server.listed("deployments")}
    assert ("watch", "validate", "micro-batch") == tuple(
        queues[name] for name in ("watch", "growth-validate", "engagement-micro-batch")
    )
    assert {"default"} == {queues[name] for name in ("profit-daily", "aggregated-on-upstream", "backfill", "upkeep")}
    assert (
        "30"
        == pool["base_job_template"]["variables"]["properties"]["env"]["default"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    )


def test_what_somebody_changed_is_brought_back_and_a_schedule_that_is_on_stays_on(server: Served) -> None:
    automation = server.automation("techflow lost runs")
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
    assert server.automation("techflow lost runs")["enabled"]
    assert 4 == server.ask("work_pools/techflow-process")["concurrency_limit"]
    after = server.ask("deployments/name/profit/profit-daily")["schedules"]
    assert [("0 4 * * *", "UTC", True)] == [
        (each["schedule"]["cron"], each["schedule"]["timezone"], each["active"]) for each in after
    ]
    server.ask(f"deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False}, "PATCH")


def test_prefects_own_command_makes_the_same_deployments(server: Served, tmp_path: Path) -> None:
    def content() -> dict[str, Any]:
        kept = ("name", "entrypoint", "parameters", "tags", "work_queue_name", "concurrency_options", "description")
        return {each["name"]: [each[name] for name in kept] for each in server.listed("deployments")}

    before = content()
    for each in server.listed("deployments"):
        server.ask(f"deployments/{each['id']}", method="DELETE")
    # The automation of a deployment's trigger outlives the deployment.
    server.ask(f"automations/{server.automation('techflow upstream has materialised')['id']}", method="DELETE")

    told = prefect("deploy", "--all", "--no-prompt", env=server.env)

    assert 0 == told.returncode, told.stdout
    assert before == content()
    assert ["techflow lost runs", "techflow silent watch", "techflow upstream has materialised"] == sorted(
        each["name"] for each in server.listed("automations")
    )

    # Why service levels are in a file of their own: when this passes, they can stand in prefect.yaml.
    limited = [{**each, "sla": [{"name": "starts", "within": 3600}]} for each in DECLARED]
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump({"pull": [], "deployments": limited}), encoding="utf-8")
    refused = prefect("deploy", "--all", "--no-prompt", "--prefect-file", str(file), env=server.env)
    assert 1 == refused.returncode
    assert "SLA configuration is currently only supported on Prefect Cloud." in refused.stdout


def prefect(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prefect", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_without_a_server_deploy_is_one_sentence(server: Served, free_port: int) -> None:
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


def test_deployments_make_the_snapshot_through_pool_and_worker(server: Served) -> None:
    server.ask("work_pools/techflow-process", {"is_paused": True}, "PATCH")
    asked = {name: server.run(known, month="2024-01") for name, known in PIPELINES.items()}
    with server.working():
        queue = "work_pools/techflow-process/queues/default"
        wait_until(lambda: server.ask(queue)["last_polled"], "a worker that asks")
        techflow("deploy", env=server.env)  # a pool that somebody paused stays so
        assert {"SCHEDULED"} == {server.state(run) for run in asked.values()}
        server.ask("work_pools/techflow-process", {"is_paused": False}, "PATCH")
        server.end(*asked.values(), seconds=300)

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
    on_ray = [each for each in artifacts if each["type"] == "progress" and each["description"].endswith("ray")]
    assert [("account-month", 100.0, "2 of 2 tasks on ray")] == [
        (bar["key"], bar["data"], bar["description"]) for bar in on_ray
    ]
    within = [run for run in server.listed("flow_runs") if run["parent_task_run_id"]]
    assert all("techflow" in run["tags"] for run in within)


def test_the_draft_is_made_once_the_last_of_the_three_has_materialised(server: Served) -> None:
    def gates() -> dict[str, str]:
        runs = (each for each in server.listed("flow_runs") if each["name"] == "ready 2024-02")
        return {each["id"]: each["state_name"] for each in runs if each["state_type"] == "COMPLETED"}

    with server.working(TECHFLOW_EXECUTOR="inline", TECHFLOW_HOME=str(server.place / "another")):
        assert ["COMPLETED"] == server.end(server.run("profit-daily", month="2024-02"))
        wait_until(lambda: len(gates()) == 1, "the gate after profit")
        assert ["COMPLETED"] == server.end(server.run("growth-weekly", month="2024-02"))
        wait_until(lambda: len(gates()) == 2, "the gate after growth")
        assert {"NotReady"} == set(gates().values())

        assert ["COMPLETED"] == server.end(server.run("engagement-daily", month="2024-02"))
        wait_until(lambda: len(gates()) == 3, "the gate after engagement")

    assert ["Completed", "NotReady", "NotReady"] == sorted(gates().values())
    told = {server.ask(f"flow_runs/{run}")["state"]["message"] for run, name in gates().items() if name == "NotReady"}
    assert "No draft yet: it waits for growth of 2024-02, engagement of 2024-02." in told
    metrics = techflow("--home", str(server.place / "another"), "export", "metrics", "2024-02", env=server.env).stdout
    assert "2024-02,,M-01,company_month" in metrics


@pytest.mark.parametrize("month", ["2024-13", "2024", "January", "2024-01..", "last..", ""])
def test_a_form_refuses_what_is_no_month(server: Served, month: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        server.run("aggregated-monthly", month=month)

    assert 409 == refused.value.code
    assert "month" in refused.value.read().decode()


def test_forms_tell_what_a_month_is(server: Served) -> None:
    for deployment in server.listed("deployments"):
        assert deployment["description"].endswith(".")
        assert "techflow" in deployment["tags"]
        if "month" not in deployment["parameter_openapi_schema"]["properties"]:
            assert "month" not in deployment["parameters"]
            continue
        month = deployment["parameter_openapi_schema"]["properties"]["month"]
        if deployment["name"] == "close":  # one month at a time
            assert re.search(month["pattern"], "2024-01")
            assert not re.search(month["pattern"], "2023-10..2024-03")
            continue
        assert (
            "2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of." == month["description"]
        )
        for good in ("2024-01", "2023-10..2024-03", "last", "this", "last..this", "2023-10..last"):
            assert re.search(month["pattern"], good)


def test_a_run_without_a_sign_of_life_is_marked_as_crashed_and_no_other(server: Served) -> None:
    with server.noticed_after(10.0):
        lost, ended, others = (running(server, tags) for tags in (["techflow"], ["techflow"], []))
        for run, tags in ((lost, ["techflow"]), (ended, ["techflow"]), (others, [])):
            emit(server, "prefect.flow-run.heartbeat", run, tags)
        server.ask(f"flow_runs/{ended}/set_state", {"state": {"type": "COMPLETED"}})

        wait_until(lambda: server.is_over(lost), "the lost run to be noticed", 90)

    states = [server.ask(f"flow_runs/{run}")["state_type"] for run in (lost, ended, others)]
    assert ["CRASHED", "COMPLETED", "RUNNING"] == states


def test_a_silent_watch_is_told_by_the_server_itself_once_per_silence(server: Served) -> None:
    name = "techflow silent watch"
    assert ["do-nothing"] == [action["type"] for action in server.automation(name)["actions"]]
    with web() as people, deployed_again(server):
        with temporary_settings({PREFECT_API_URL: server.url}):
            Webhook(url=f"http://127.0.0.1:{people.port}/machine/secret").save("machine")
            CustomWebhookNotificationBlock(
                name="chat", url=f"http://127.0.0.1:{people.port}/chat", json_data={"text": "{{subject}}: {{body}}"}
            ).save("chat")
        env = server.env | {"TECHFLOW_NOTIFY": "webhook/machine,custom-webhook/chat"}
        assert f"changed    automation {name}" in techflow("deploy", env=env).stdout.splitlines()
        assert "Nothing changed" in techflow("deploy", env=env).stdout

        with server.noticed_after(10.0, name):
            emit_evaluation(server)
            wait_until(lambda: len(people.taken) == 2, "the silence to be told", 60)
            time.sleep(12)  # once per silence, however long

    (event,), (chat,) = people.bodies("machine"), people.bodies("chat")
    assert ("1.0", "techflow.watch.silent") == (event["specversion"], event["type"])
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert chat["text"].startswith("The TechFlow watch is silent: The watch has not evaluated for two of its intervals")
    refused = techflow("deploy", env=server.env | {"TECHFLOW_NOTIFY": "slack-webhook/none"}, check=False)
    assert refused.stderr.startswith("not done: TECHFLOW_NOTIFY: slack-webhook/none is no block of the Prefect server")


@contextmanager
def deployed_again(server: Served) -> Iterator[None]:
    """Bring the server back to what is declared, whatever is set up within: tests come in any order."""
    try:
        yield
    finally:
        techflow("deploy", env=server.env)


def emit_evaluation(server: Served) -> None:
    body = {
        "id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": "techflow.watch.evaluated",
        "resource": {"prefect.resource.id": "techflow.watch"}, "payload": {},
    }  # fmt: skip
    server.ask("events", [body])


def running(server: Served, tags: list[str]) -> str:
    flow = server.ask("flows/", {"name": "aggregated"})["id"]
    run: str = server.ask("flow_runs/", {"flow_id": flow, "tags": tags, "state": {"type": "RUNNING"}})["id"]
    return run


def emit(server: Served, event: str, run: str, tags: list[str]) -> None:
    related = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    body = {
        "id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event, "resource": resource,
        "related": related, "payload": {},
    }  # fmt: skip
    server.ask("events", [body])
