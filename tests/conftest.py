"""What all tests share: the example companies, and processes that end with the test that started them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)  # how long an example takes is the machine's affair
settings.register_profile("long", print_blob=True)  # --hypothesis-profile=long: many examples, by hand
collect_ignore_glob = ["benchmarks/peers/*"]  # each speaks to an engine that its own environment has
EXAMPLES = Path(__file__).parent / "examples"
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@pytest.fixture
def golden() -> Path:
    """The golden company: landing files and ledgers."""
    return EXAMPLES / "golden"


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Prefect home of the tests' own; the user's is untouched."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def free_port() -> int:
    return int(a_port())


def a_port() -> str:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def environment(home: Path, landing: Path, prefect_home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a subprocess that runs the pipelines."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TECHFLOW_", "PREFECT_", "KAFKA_"))}
    return {
        **kept,
        **QUIET,
        "PREFECT_HOME": str(prefect_home),
        "TECHFLOW_HOME": str(home),
        "TECHFLOW_LANDING": str(landing),
        **more,
    }


def techflow(*words: str, env: dict[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the console script as a user does."""
    script = Path(sys.executable).with_name("techflow")
    done = subprocess.run([str(script), *words], env=env, capture_output=True, text=True, timeout=300, check=False)
    if check and done.returncode:
        raise AssertionError(f"techflow {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def start(words: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own."""
    return subprocess.Popen(
        words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


@contextlib.contextmanager
def ending() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are started within; they and their children end with it, the last first."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        yield started
    finally:
        for process in reversed(started):
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that `start` started, and its children."""
    for how in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test started."""
    with ending() as started:
        yield started
