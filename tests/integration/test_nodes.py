"""A cluster of three nodes on this machine: what is lost there is made again, and where it does not fit it is refused."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from ray.cluster_utils import Cluster

from compute.cluster import ShardLost, in_flight, run_on_ray
from compute.connection import ClusterRefused, code, connect, require_same_code
from flows import user_days
from flows.job import start
from flows.place import place
from flows.user_days import bring_user_days
from storage.catalog import CLICK_SESSION, SESSION_PART, USER_DAY_TABLE
from storage.lake import Lake
from tests.benchmarks.clicks_lake import Shape, fill
from tests.integration.served import ROOT, wait_until

pytestmark = pytest.mark.integration
TABLES = (USER_DAY_TABLE, SESSION_PART, CLICK_SESSION)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Three nodes with a processor each; a driver on the first."""
    ray.shutdown()  # other tests have a Ray of their own
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    made.add_node(num_cpus=1)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def home(lake: Lake, nodes: Cluster, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    monkeypatch.setenv("TECHFLOW_EXECUTOR", "ray")
    return lake


@flow
def rollup() -> None:
    bring_user_days(start("engagement"))


def lines(run: Any) -> list[str]:
    """Return what a run has logged."""

    def read() -> list[str]:
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
        with get_client(sync_client=True) as client:
            return [each.message for each in client.read_logs(of_run, limit=200)]

    wait_until(lambda: any(line.startswith("click sessions") for line in read()), "the log to arrive", 60)
    return read()


def felled(function: Callable[[Any], Any], marks: Path, head: str) -> Callable[[Any], Any]:
    """Let one worker die, and later one node with all that it runs, when their files are written but not yet told."""

    def work(shard: Any) -> Any:
        written = function(shard)
        for mark in ("worker", "node"):
            if mark == "node" and ray.get_runtime_context().get_node_id() == head:
                continue  # the driver would die with it
            try:
                (marks / mark).touch(exist_ok=False)
            except FileExistsError:
                continue
            if mark == "node":
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    return work


def test_a_killed_worker_and_a_killed_node_cost_their_shards_a_second_try(
    home: Lake, nodes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(home, Shape(clicks=600_000))
    monkeypatch.setenv("TECHFLOW_LAKE_SHARED", "1")
    monkeypatch.setattr(user_days, "ROWS_PER_SHARD", 40_000)
    function, marks = user_days.write_user_days, tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setattr(user_days, "write_user_days", felled(function, marks, nodes.head_node.node_id))

    state = rollup(return_state=True)

    told = "\n".join(lines(state.state_details.flow_run_id))
    assert {"worker", "node"} == {each.name for each in marks.iterdir()}
    again = re.findall(r"gold/user_day: shard \d+ of (\d+) is tried again, 1 of 3: (.*)", told)
    assert 2 <= len(again), told
    assert {"its worker process died"} <= {why for _, why in again}

    here = Lake(str(tmp_path / "here"))
    monkeypatch.setenv("TECHFLOW_LAKE", here.root)
    monkeypatch.setenv("TECHFLOW_EXECUTOR", "inline")
    monkeypatch.setattr(user_days, "write_user_days", function)
    fill(here, Shape(clicks=600_000))
    rollup()
    for dataset in TABLES:
        there = home.read(dataset).sort(dataset.key)
        assert there.height
        assert there.equals(here.read(dataset).sort(dataset.key)), dataset.name
    # What the killed ones had written lies beside the table and belongs to nothing.
    files = list((Path(home.root) / USER_DAY_TABLE.name).rglob("*.parquet"))
    assert 2 <= len(files) - int(again[0][0]) <= len(again)


def test_a_lake_in_a_folder_is_refused_by_several_nodes(home: Lake) -> None:
    with pytest.raises(ClusterRefused, match=r"^The cluster has \d nodes and the lake is a folder, /.*LAKE_SHARED=1"):
        place(start("engagement"), 1)


def test_a_node_that_runs_other_code_is_refused_by_a_sentence_that_names_both(
    home: Lake, nodes: Cluster, tmp_path: Path
) -> None:
    for package in ("compute", "storage"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package)
    with (tmp_path / "other" / "compute" / "money.py").open("a", encoding="utf-8") as changed:
        changed.write("# other\n")
    ray.shutdown()
    connect(nodes.address)  # from a folder that is no checkout: Ray has workers look into the driver's
    require_same_code()
    other = nodes.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(tmp_path / "other")})
    try:
        with pytest.raises(ClusterRefused) as refused:
            place(start("engagement"), 1)
    finally:
        nodes.remove_node(other)

    told = re.fullmatch(
        r"This process runs (.*) and node (\S+) \((\w+)\) of the cluster runs (.*): install .*", str(refused.value)
    )
    assert told, refused.value
    ours, _, node, theirs = told.groups()
    assert (code(), other.node_id[:8]) == (ours, node)
    assert theirs != ours
    assert theirs.partition("(")[0] == ours.partition("(")[0]


def test_work_on_ray_is_interrupted_by_the_time_limit_of_its_task(home: Lake, nodes: Cluster, tmp_path: Path) -> None:
    beat = tmp_path / "beat"

    def beating(_: int) -> None:
        while True:
            beat.touch()
            time.sleep(0.05)

    @task(timeout_seconds=8)
    def heavy() -> None:
        run_on_ray(beating, [1, 2])

    @flow
    def limited() -> None:
        heavy()

    connect(nodes.address)
    began = time.monotonic()
    state = limited(return_state=True)

    assert state.is_failed()
    assert 8 <= time.monotonic() - began < 40
    wait_until(lambda: time.time() - beat.stat().st_mtime > 2, "the end of the work", 10)


def test_a_shard_that_always_ends_its_worker_is_given_up(nodes: Cluster) -> None:
    connect(nodes.address)
    told: list[str] = []

    def deadly(shard: int) -> int:
        if shard == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return shard

    with pytest.raises(
        ShardLost, match=r"^shard 2 of 3 was given up: it was lost 4 times, at last because its worker process died"
    ):
        run_on_ray(deadly, [1, 2, 3], on_lost=told.append)

    assert [f"shard 2 of 3 is tried again, {times} of 3: its worker process died" for times in (1, 2, 3)] == [
        line for line in told if line.startswith("shard")
    ]


class Parcel:
    """A shard that tells when it is sent."""

    def __init__(self, sent: list[int], number: int) -> None:
        self.sent, self.number = sent, number

    def __reduce__(self) -> tuple[Any, ...]:
        self.sent.append(self.number)
        return int, (self.number,)


def test_no_more_shards_are_there_at_once_than_the_processors_call_for(nodes: Cluster) -> None:
    connect(nodes.address)
    sent: list[int] = []
    most: list[int] = []
    room = in_flight(ray.cluster_resources()["CPU"])

    done = run_on_ray(lambda number: number, [Parcel(sent, number) for number in range(40)],
                      lambda done: most.append(len(sent) - done))  # fmt: skip

    assert list(range(40)) == done
    assert sent == sorted(set(sent))
    assert max(most) <= room < 10
