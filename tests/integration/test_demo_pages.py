"""`techflow demo --ui`: on a terminal it stays until Ctrl-C, and nothing of it is left then."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import environment

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


def read_until(terminal: int, words: str, seconds: int) -> str:
    deadline, seen = time.monotonic() + seconds, ""
    while words not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def listening(port: int) -> set[str]:
    """Return the addresses on which a port is listened on, as the kernel writes them."""
    rows = [line.split() for file in ("tcp", "tcp6") for line in Path("/proc/net", file).read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


def test_the_demo_shows_a_run_on_this_machine_alone_and_ends_cleanly(
    tmp_path: Path, ended: list[subprocess.Popen[bytes]]
) -> None:
    env = environment(tmp_path, tmp_path, tmp_path / "prefect", TERM="xterm")
    master, slave = pty.openpty()
    script = Path(sys.executable).with_name("techflow")
    demo = subprocess.Popen(
        [str(script), "--home", str(tmp_path), "demo", "golden", "--ui"],
        cwd=tmp_path, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    ended.append(demo)

    told = read_until(master, "until Ctrl-C", 400)

    port, run = re.search(r"http://127\.0\.0\.1:(\d+)/v2/runs/flow-run/([0-9a-f-]{36})", told).groups()
    assert "(Completed)" in told
    assert listening(int(port)) == {"0100007F"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/flow_runs/{run}", timeout=20) as response:
        found = json.load(response)
    assert ("aggregated 2024-02", "COMPLETED", True) == (
        found["name"], found["state_type"], found["deployment_id"] is not None,
    )  # fmt: skip
    page = urllib.request.Request(f"http://127.0.0.1:{port}/v2/runs", headers={"Accept": "text/html"})
    with urllib.request.urlopen(page, timeout=20) as response:
        assert 200 == response.status
    os.kill(demo.pid, signal.SIGINT)
    assert "server and worker have ended" in read_until(master, "have ended", 90)
    assert 0 == demo.wait(timeout=60)
    assert set() == listening(int(port))
    for descriptor in (master, slave):
        os.close(descriptor)


@pytest.mark.parametrize(("given", "said"), [(["UI=1"], True), ([], False)])
def test_make_demo_takes_ui(given: list[str], said: bool) -> None:
    words = ["make", "--dry-run", "--old-file=.venv/.installed", "demo", *given]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    assert said == ("demo --ui" in done.stdout)
