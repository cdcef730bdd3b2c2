"""A run that is killed again and again at random moments, with Ray under it, and then let finish (AT-31)."""

import contextlib
import os
import random
import signal
import sys
import tarfile
import time
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from storage.catalog import DATASETS
from storage.lake import Lake
from tests.conftest import EXAMPLES, environment, start, techflow

pytestmark = pytest.mark.integration
KILLS = 20
MONTHS = "2023-10..2024-03"
EXPORTS = ("metrics 2023-10..2024-03", "allocation 2023-10..2024-03", "completeness 2023-10..2024-03",
           "reconciliation 2023-10..2024-03", "dispositions", "gaps", "engagement_week")  # fmt: skip


def processes_of(home: Path) -> list[int]:
    """Return the processes whose environment names the home."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"TECHFLOW_HOME={home}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile, or is not ours
            continue
    return found


def wait_until_gone(home: Path, seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def test_twenty_kills_at_random_moments_leave_the_tables_of_one_quiet_run(
    tmp_path: Path, prefect_home: Path, prefect_api: None
) -> None:
    with tarfile.open(EXAMPLES / "faulty.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    company, script = tmp_path / "faulty", str(Path(sys.executable).with_name("techflow"))

    def home(name: str, executor: str) -> dict[str, str]:
        return environment(
            tmp_path / name, company / "landing", prefect_home, PREFECT_API_URL=str(PREFECT_API_URL.value()),
            TECHFLOW_EXECUTOR=executor, TECHFLOW_LEDGER=str(company / "ledger.sqlite"), TECHFLOW_PSEUDONYM_KEY="one key",
        )  # fmt: skip

    chance, log = random.Random(20), []
    for _ in range(KILLS):
        # A rebuild computes everything anew, so that every kill finds work under way.
        run = start([script, "run", MONTHS, "--rebuild"], home("killed", "ray"))
        moment = chance.uniform(2, 16)
        time.sleep(moment)
        ended = run.poll()
        with contextlib.suppress(ProcessLookupError):  # it had ended
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        log.append((round(moment, 1), "running" if ended is None else f"had ended with {ended}"))
        assert [] == wait_until_gone(tmp_path / "killed", 30), log
    print("\n".join(f"killed after {moment:>5} s: {state}" for moment, state in log))  # noqa: T201 - shown by -s

    techflow("run", MONTHS, env=home("killed", "ray"))
    techflow("run", MONTHS, env=home("quiet", "inline"))

    assert sum(state == "running" for _, state in log) >= KILLS // 2, "too few were hit while they ran"
    for words in EXPORTS:
        killed, quiet = (
            techflow("export", *words.split(), env=home(name, "inline")).stdout for name in ("killed", "quiet")
        )
        assert killed == quiet, words
    lake = Lake(str(tmp_path / "killed" / "lake"))
    for dataset in DATASETS:
        rows = lake.read(dataset, columns=list(dataset.key))
        assert not rows.is_duplicated().any(), dataset.name
    assert [] == wait_until_gone(tmp_path / "killed", 30)
