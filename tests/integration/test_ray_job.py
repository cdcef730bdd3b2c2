"""A cluster with a token, as people start one: who is let in, and a run that is submitted to it as a job."""

import csv
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ending, environment, start, techflow
from tests.integration.served import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration
RAY = str(Path(sys.executable).with_name("ray"))
TOKEN, WRONG = "0123456789abcdef0123456789abcdef", "f" * 32
KNOCK = "import sys; from compute.connection import connect, nodes; connect(sys.argv[1]); print(len(nodes()), 'nodes')"


@dataclass
class Head:
    address: str
    jobs: str
    env: dict[str, str]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    place = tmp_path_factory.mktemp("head")
    env = environment(
        place / "home", EXAMPLES / "golden" / "landing", place / "prefect", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN,
        PYTHONPATH=str(ROOT), TECHFLOW_EXECUTOR="ray", TECHFLOW_LEDGER=str(EXAMPLES / "golden" / "ledger.sqlite"),
    )  # fmt: skip
    port, jobs, agent, client = free_ports(4)
    words = [RAY, "start", "--head", "--block", "--num-cpus=1", f"--port={port}", "--dashboard-host=127.0.0.1",
             f"--dashboard-port={jobs}", f"--dashboard-agent-listen-port={agent}",
             f"--ray-client-server-port={client}"]  # fmt: skip
    with ending() as started:
        started.append(start(words, env))
        made = Head(f"127.0.0.1:{port}", f"http://127.0.0.1:{jobs}", env)
        wait_until(lambda: answers(f"{made.jobs}/api/jobs/"), "the job server", 120)
        yield made


def answers(url: str) -> bool:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(asked, timeout=2):
            return True
    except OSError:
        return False


def knock(head: Head, **more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", KNOCK, head.address]
    return subprocess.run(words, env=head.env | more, capture_output=True, text=True, timeout=200, check=False)


def test_a_token_opens_and_another_is_one_sentence(head: Head) -> None:
    admitted = knock(head)
    assert "1 nodes\n" == admitted.stdout, admitted.stderr

    refused = knock(head, RAY_AUTH_TOKEN=WRONG)

    assert 1 == refused.returncode
    told = f"ClusterRefused: The Ray cluster at {head.address} does not let this process in: set RAY_AUTH_MODE=token"
    assert told in refused.stderr


def test_a_run_that_is_submitted_as_a_job_works_on_the_cluster_that_it_is_a_job_of(head: Head) -> None:
    words = [RAY, "job", "submit", "--address", head.jobs, "--", str(Path(sys.executable).with_name("techflow"))]

    done = subprocess.run(
        [*words, "run", "2024-01"], env=head.env, capture_output=True, text=True, timeout=400, check=False
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "account_month: 2 tasks on ray (asked for)" in done.stdout
    runs = csv.DictReader(techflow("export", "runs", env=head.env).stdout.splitlines())
    assert [("ray", "2")] == [(run["executor"], run["tasks"]) for run in runs if run["dataset"] == "gold/account_month"]
