"""`techflow demo --ui`: a Prefect server on this machine alone, the flows deployed, and a run to look at."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from rich.console import Console

from compute.errors import BadSetting

_HOST, _USUAL_PORT = "127.0.0.1", 4200
_PATIENCE_SECONDS = 120
_RUN_SECONDS = 1800
_POLL_SECONDS = 0.3


def show_pages(console: Console, home: Path, month: str) -> None:
    """Start a server and a worker, run the month through them, and say where to look.

    On a terminal both stay until Ctrl-C, so that more runs can be started from the pages; else they end at once.
    """
    # An end that is asked for by a signal is as clean as one by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = _port()
    url = f"http://{_HOST}:{port}"
    env = os.environ | {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_SERVER_UI_API_URL": f"{url}/api",  # the pages would ask port 4200 without it
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",  # into their files, while the terminal stays quiet
    }
    console.print(f"\nstarting a Prefect server at {url} …", style="dim")
    try:
        with _running(("server", "start", "--host", _HOST, "--port", str(port)), env, home) as server:
            _await_health(server, f"{url}/api/health", home)
            _run_and_stay(console, url, env, home, month)
    except KeyboardInterrupt:
        console.print("\nserver and worker have ended")


def _run_and_stay(console: Console, url: str, env: dict[str, str], home: Path, month: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.deploy import deploy

    with temporary_settings({PREFECT_API_URL: f"{url}/api"}):
        pool = next(name for kind, name, _ in deploy() if kind == "work pool")
        with _running(("worker", "start", "--pool", pool), env, home) as worker:
            console.print(f"running {month} through pool {pool} and a worker, all of it anew …", style="dim")
            for name, address in _run(month).items():
                console.print(f"[bold]{name:<9}[/] {url}/v2/{address}", soft_wrap=True)
            if console.is_terminal:
                console.print("\nServer and worker run until Ctrl-C.")
                # Polars has Ctrl-C start a blocked call anew, so a wait without end would never see it.
                while worker.poll() is None:
                    time.sleep(_POLL_SECONDS)


def _run(month: str) -> dict[str, str]:
    """Run the month through the worker; returns where to look, by what is there to see."""
    from prefect.client.schemas.objects import FlowRun
    from prefect.deployments import run_deployment

    # Anew, for a run that finds all done shows little.
    asked = {"month": month, "rebuild": True}
    run = run_deployment("aggregated/aggregated-monthly", parameters=asked, timeout=_RUN_SECONDS, poll_interval=1)
    run = cast("FlowRun", run)  # typed for async callers too
    page = f"runs/flow-run/{run.id}"
    return {
        "pages": "runs",
        "run": f"{page} ({run.state.name if run.state else 'not started'})",
        "artifacts": f"{page}?tab=Artifacts",
        "form": f"deployments/deployment/{run.deployment_id}/run",
    }


def _port() -> int:
    """Return Prefect's usual port when it is free, else any that is."""
    for port in (_USUAL_PORT, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((_HOST, port))
            return int(probe.getsockname()[1])
    raise BadSetting(f"No port is free on {_HOST}: end some programs that listen there.")


@contextmanager
def _running(words: tuple[str, ...], env: dict[str, str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Prefect program in a group of its own, its lines in a file of the home, and end it with its children."""
    (home / "prefect").mkdir(parents=True, exist_ok=True)
    with (home / "prefect" / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *words],
            env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        for end, seconds in ((signal.SIGINT, 30), (signal.SIGKILL, 5)):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, end)
                process.wait(timeout=seconds)


def _await_health(server: subprocess.Popen[bytes], url: str, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(_POLL_SECONDS)
    raise BadSetting(f"The Prefect server did not start: {home / 'prefect' / 'server.log'} says why.")
