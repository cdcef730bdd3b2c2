"""What breaks beside the pipelines: server, its database, worker, and a run that somebody cancels.

The lake is the same after each as if nothing had been, and the operator sees what happened.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.catalog import DATASETS
from storage.lake import Lake
from tests.conftest import techflow
from tests.integration.served import Served, killed, serving, wait_until

pytestmark = pytest.mark.integration
BILL = "2024-01,,M-01,account_month,ACC_001,30000.00,money,billed,,"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("faults"), free_port, TECHFLOW_EXECUTOR="inline") as served:
        yield served


@pytest.fixture
def home(server: Served, tmp_path: Path) -> dict[str, str]:
    """A lake of the test's own for its workers and commands."""
    return {"TECHFLOW_HOME": str(tmp_path / "home")}


def versions(home: dict[str, str]) -> dict[str, int]:
    lake = Lake(f"{home['TECHFLOW_HOME']}/lake")
    return {dataset.name: lake.open(dataset).version for dataset in DATASETS}


def figures(server: Served, home: dict[str, str]) -> str:
    return techflow("export", "metrics", "2024-01", env=server.env | home).stdout


def at_work(server: Served) -> None:
    """Wait until the held work of a run beats."""
    wait_until(lambda: server.beat, "work that is held")


def test_a_cancelled_run_ends_as_cancelled_and_so_does_its_work_on_ray(server: Served, home: dict[str, str]) -> None:
    with server.working(**home, TECHFLOW_EXECUTOR="ray"):
        with server.held():
            run = server.run("aggregated-monthly", month="2024-01")
            at_work(server)
            before = versions(home)
            asked = time.time()
            server.ask(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})

            assert ["CANCELLED"] == server.end(run, seconds=60)
            last = server.beat
            assert last - asked < 10, "its work on Ray goes on for too long"
            time.sleep(1)
            assert last == server.beat, "a task on Ray outlives its run"
        assert before == versions(home)

        assert ["COMPLETED"] == server.end(server.run("aggregated-monthly", month="2024-01"))
    assert BILL in figures(server, home)


def test_a_run_outlasts_a_server_that_is_started_again(server: Served, home: dict[str, str]) -> None:
    with server.working(**home), server.held() as hold:
        run = server.run("aggregated-monthly", month="2024-01")
        at_work(server)
        killed(server.server)
        hold.unlink()
        time.sleep(3)  # the run goes on and finds nobody
        server.serve()

        assert ["COMPLETED"] == server.end(run)
    assert BILL in figures(server, home)


def test_a_run_that_a_longer_outage_ended_is_marked_and_the_next_finishes_its_work(
    server: Served, home: dict[str, str]
) -> None:
    # As patient as a run is after a minute.
    with server.noticed_after(20.0), server.working(**home, PREFECT_CLIENT_MAX_RETRIES="0"):
        with server.held() as hold:
            lost = server.run("aggregated-monthly", month="2024-01")
            at_work(server)
            process = server.process(lost)
            killed(server.server)
            hold.unlink()
            wait_until(lambda: not is_alive(process), "the end of the run's process")
        server.serve()

        assert ["CRASHED"] == server.end(lost)

    with server.working(**home):
        assert ["COMPLETED"] == server.end(server.run("aggregated-monthly", month="2024-01"))
    assert BILL in figures(server, home)


def is_alive(process: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def test_a_run_outlasts_a_database_that_somebody_else_has_locked(server: Served, home: dict[str, str]) -> None:
    with server.working(**home), server.held() as hold:
        run = server.run("aggregated-monthly", month="2024-01")
        at_work(server)
        with server.locked():
            hold.unlink()
            time.sleep(8)

        assert ["COMPLETED"] == server.end(run)
    assert BILL in figures(server, home)


def test_a_run_whose_worker_is_killed_crashes_at_its_next_line_and_a_new_worker_takes_the_next(
    server: Served, home: dict[str, str]
) -> None:
    with server.held() as hold:
        worker = server.work(**home)
        lost = server.run("aggregated-monthly", month="2024-01")
        at_work(server)
        killed(worker)
        waiting = server.run("aggregated-monthly", month="2024-01")
        hold.unlink()  # it goes on until it has something to say, which nobody reads
        assert ["CRASHED"] == server.end(lost)
    assert "SCHEDULED" == server.state(waiting)

    with server.working(**home):
        assert ["COMPLETED"] == server.end(waiting)
    assert BILL in figures(server, home)


def test_a_run_that_is_killed_with_its_worker_is_marked_and_the_next_finishes_its_work(
    server: Served, home: dict[str, str]
) -> None:
    with server.noticed_after(20.0), server.held():
        worker = server.work(**home)
        lost = server.run("aggregated-monthly", month="2024-01")
        at_work(server)
        killed(worker)
        os.kill(server.process(lost), signal.SIGKILL)

        waiting = server.run("aggregated-monthly", month="2024-01")
        assert ["CRASHED"] == server.end(lost)
    found = server.ask(f"flow_runs/{lost}")["state"]
    assert found["message"].startswith("No sign of life for two minutes")
    assert "SCHEDULED" == server.state(waiting)

    with server.working(**home):
        assert ["COMPLETED"] == server.end(waiting)
    assert BILL in figures(server, home)


def test_without_its_server_a_command_is_one_sentence(server: Served, home: dict[str, str]) -> None:
    nowhere = server.env | home | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

    done = techflow("run", "2024-01", env=nowhere, check=False)

    assert 1 == done.returncode
    assert "not done: No Prefect server answers at http://127.0.0.1:9/api" in done.stderr
    assert {-1} == set(versions(home).values())
