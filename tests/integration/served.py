"""A Prefect server and a worker of a test's own, as processes that can be killed, and work that can be held.

Work is held by a file: as long as it lies there, the heavy work of a run beats instead of going on.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import EXAMPLES, end, ending, environment, start, techflow

ROOT = Path(__file__).parents[2]
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
# Python reads it before any program: the heavy work of every process of the test beats while the file is there.
HELD = """
import os, time
from pathlib import Path
import compute.cluster as cluster

place, run = Path(os.environ["TESTS_HOLD"]), cluster.run

def held(function):
    def work(shard):
        while (place / "hold").exists():
            (place / "beat").write_text(str(time.time()))
            time.sleep(0.05)
        return function(shard)
    return work

cluster.run = lambda executor, function, *given: run(executor, held(function), *given)
"""


@dataclass
class Served:
    """A Prefect server, its workers, and the environment in which commands use them."""

    url: str
    env: dict[str, str]
    place: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    told: str = ""  # what the first deploy said

    @property
    def server(self) -> subprocess.Popen[bytes]:
        """The process of the server that was started last."""
        return next(each for each in reversed(self.started) if "server" in map(str, each.args))  # type: ignore[arg-type]

    def ask(self, path: str, body: object = None, method: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/{path}", data=data, headers={"Content-Type": "application/json"}, method=method or None
        )
        for pause in (1, 2, 4, 8, 0):
            try:
                with urllib.request.urlopen(request, timeout=90) as response:
                    return json.loads(response.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503 or not pause:  # it is busy, and Prefect's own client tries again too
                    raise
            time.sleep(pause)
        return None

    def listed(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(f"{what}/filter", {})
        return found

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the server, again on what its database holds."""
        port = self.url.removesuffix("/api").rpartition(":")[2]
        words = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        server = self._start(words)
        wait_until(lambda: is_healthy(self.url), "a healthy server")
        return server

    def work(self, **more: str) -> subprocess.Popen[bytes]:
        """Start a worker of the pool; it stays until the test's server goes."""
        return self._start([sys.executable, "-m", "prefect", "worker", "start", "--pool", "techflow-process"], **more)

    @contextmanager
    def working(self, **more: str) -> Iterator[None]:
        """Have a worker within."""
        worker = self.work(**more)
        try:
            yield
        finally:
            end(worker)
            self.started.remove(worker)

    def _start(self, words: list[str], **more: str) -> subprocess.Popen[bytes]:
        self.started.append(start(words, self.env | more))
        return self.started[-1]

    def run(self, deployment: str, **parameters: object) -> str:
        """Ask for a run of a deployment; returns its id."""
        known = next(each for each in self.listed("deployments") if each["name"] == deployment)
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"deployments/{known['id']}/create_flow_run", body)["id"])

    def state(self, run: str) -> str:
        return str(self.ask(f"flow_runs/{run}")["state_type"])

    def is_over(self, run: str) -> bool:
        return self.state(run) in OVER

    def end(self, *runs: str, seconds: int = 180) -> list[str]:
        """Wait until the runs are over; returns their states."""
        wait_until(lambda: all(map(self.is_over, runs)), "the runs to end", seconds)
        return [self.state(run) for run in runs]

    def process(self, run: str) -> int:
        """Return the process of a run."""
        return int(self.ask(f"flow_runs/{run}")["infrastructure_pid"].rpartition(":")[2])

    @property
    def beat(self) -> float:
        """When the held work last beat; 0 when there was none."""
        with open_quietly(self.place / "beat") as text:
            return float(text or 0)

    @contextmanager
    def held(self) -> Iterator[Path]:
        """Hold the heavy work of the runs that begin within."""
        hold = self.place / "hold"
        hold.touch()
        (self.place / "beat").unlink(missing_ok=True)
        try:
            yield hold
        finally:
            hold.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the server's database for oneself."""
        with sqlite3.connect(self.place / "prefect" / "prefect.db", timeout=30, isolation_level=None) as database:
            database.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                database.execute("ROLLBACK")

    def automation(self, name: str) -> dict[str, Any]:
        (found,) = (each for each in self.listed("automations") if each["name"] == name)
        return found

    @contextmanager
    def noticed_after(self, seconds: float, name: str = "techflow lost runs") -> Iterator[None]:
        """Let an automation wait that long."""
        declared = self.automation(name)
        body = {name: value for name, value in declared.items() if name not in ("id", "created", "updated", "labels")}
        quick = body | {"trigger": body["trigger"] | {"within": seconds}}
        self.ask(f"automations/{declared['id']}", quick, "PUT")
        time.sleep(2)  # the server reads its automations again
        try:
            yield
        finally:
            self.ask(f"automations/{declared['id']}", body, "PUT")


@contextmanager
def open_quietly(path: Path) -> Iterator[str]:
    """Read a file that another process writes, or that is not there yet."""
    yield path.read_text() if path.exists() else ""


@contextmanager
def serving(place: Path, port: int, **more: str) -> Iterator[Served]:
    """Start a server, with all that `techflow deploy` makes on it; its runs are those of the golden company."""
    golden, url = EXAMPLES / "golden", f"http://127.0.0.1:{port}/api"
    (place / "held").mkdir()
    (place / "held" / "sitecustomize.py").write_text(HELD)
    env = environment(
        place / "home", golden / "landing", place / "prefect",
        PREFECT_API_URL=url, PREFECT_SERVER_UI_API_URL=url, PREFECT_WORKER_QUERY_SECONDS="1",
        TECHFLOW_LEDGER=str(golden / "ledger.sqlite"), **{"TECHFLOW_EXECUTOR": "ray", **more},
    )  # fmt: skip
    env |= {"PYTHONPATH": os.pathsep.join((str(place / "held"), str(ROOT))), "TESTS_HOLD": str(place)}
    with ending() as started:
        served = Served(url, env, place, started)
        served.serve()
        served.told = techflow("deploy", env=env).stdout
        yield served


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False


def wait_until(holds: Callable[[], Any], what: str, seconds: int = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.3)


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process alone, and not what it has started."""
    process.send_signal(signal.SIGKILL)
    process.wait()
