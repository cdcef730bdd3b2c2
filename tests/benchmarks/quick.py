"""How quick is what people wait for? Prints a table with the bar that each line is held to; run by hand.

    .venv/bin/python tests/benchmarks/quick.py [TIMES]

All in one go on the faulty company, each command in a process of its own as a user starts it, the short ones several
times (median): an empty Prefect flow tells what of a run is Prefect's own start. The bars are for a machine that does
nothing else; on a busy one the processor's seconds say more.
"""

import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from tests.conftest import EXAMPLES, environment

MONTHS = "2023-10..2024-03"
COLD, ABOVE_EMPTY, ANSWER = 45.0, 3.0, 1.5
EMPTY_FLOW = "from prefect import flow\n\n\n@flow\ndef empty() -> None:\n    pass\n\n\nempty()\n"


Taken = tuple[float, float]


def seconds(words: list[str], env: dict[str, str], times: int = 1) -> Taken:
    """Return the median time of a command, and that of the processor in it and its children."""
    waited, worked = [], []
    for _ in range(times):
        begin, before = time.perf_counter(), _processor()
        subprocess.run(words, env=env, check=True, capture_output=True)
        waited.append(time.perf_counter() - begin)
        worked.append(_processor() - before)
    return statistics.median(waited), statistics.median(worked)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print the table."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    techflow = str(Path(sys.executable).with_name("techflow"))
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(EXAMPLES / "faulty.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        home, script = Path(folder) / "faulty", Path(folder) / "empty.py"
        script.write_text(EMPTY_FLOW, encoding="utf-8")
        env = environment(home, home / "landing", Path(folder) / "prefect")
        empty = [sys.executable, str(script)]
        seconds(empty, env)  # makes Prefect's database
        print(f"{'':<20} {'seconds':>8} {'of cpu':>8} {'bar':>8}")  # noqa: T201
        line("run, cold", seconds([techflow, "run", MONTHS], env), COLD)
        nothing = seconds(empty, env, times)
        line("empty Prefect flow", nothing)
        line("run, nothing new", seconds([techflow, "run", MONTHS], env, times), nothing[0] + ABOVE_EMPTY)
        line("export metrics", seconds([techflow, "export", "metrics", "2024-01"], env, times), ANSWER)
        line("status", seconds([techflow, "status"], env, times), ANSWER)


def line(what: str, taken: Taken, bar: float | None = None) -> None:
    """Print a line: seconds, those of the processor, bar, and whether it is held."""
    verdict = "" if bar is None else f"{bar:>8.1f}  {'ok' if taken[0] <= bar else 'TOO SLOW'}"
    print(f"{what:<20} {taken[0]:>8.1f} {taken[1]:>8.1f} {verdict}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
