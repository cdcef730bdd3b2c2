"""Do growth and profit grow in proportion to the accounts? Prints a table and keeps JSON; run by hand.

    .venv/bin/python tests/benchmarks/growth.py [--figured MONTHS] [--json FILE] [ACCOUNTS ...]

Lays down silver of a company of so many accounts over 24 months (`lives.py`), then runs the product's own tasks
inline, each in a process of its own: timeline, join, bridge, and of the last months growth, allocation, profit,
engagement, aggregated, draft and `export metrics`. Each line: a stage's seconds without the start of Prefect, by the
clock and of the processor, the peak memory of its process, and the ratios from size to size.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from tests.benchmarks.lives import MONTHS, fill
from tests.conftest import ending, environment, start


def _stages() -> Mapping[str, Callable[..., object]]:
    """Return what each stage does with a job and the months that have figures."""
    from compute.months import Month
    from flows.account_month import join_account_months, write_bridges, write_timeline
    from flows.aggregated import stale_aggregated, write_aggregated_figures
    from flows.draft import merge_snapshot
    from flows.engagement import stale_engagement, write_engagement_figures
    from flows.growth import stale_growth, write_growth_figures
    from flows.profit import stale_profit, write_allocation, write_profit_figures
    from storage.evidence import first_observed

    return {
        "timeline": lambda job, _months: write_timeline(job, "benchmark"),
        "join": lambda job, _months: join_account_months(job, MONTHS, first_observed(job.lake), "benchmark"),
        "bridge": lambda job, _months: write_bridges(job, MONTHS, "benchmark"),
        "growth": lambda job, months: write_growth_figures(job, stale_growth(job, months)),
        "allocation": lambda job, months: write_allocation(job, stale_profit(job, months)),
        "profit": lambda job, months: write_profit_figures(job, stale_profit(job, months)),
        "engagement": lambda job, months: write_engagement_figures(job, stale_engagement(job, months)),
        "aggregated": lambda job, months: write_aggregated_figures(job, stale_aggregated(job, months)),
        "draft": lambda job, months: [merge_snapshot(job, Month.parse(str(each)), {}) for each in months],
    }


STAGES = ("timeline", "join", "bridge", "growth", "allocation", "profit", "engagement", "aggregated", "draft")


def run_stage(name: str, figured: int) -> None:
    """Run one stage in a flow of its own, and print its seconds by the clock and of the processor."""
    from prefect import flow

    from flows.job import start as start_job

    @flow(name="benchmark")
    def benchmark() -> dict[str, float]:
        job, stage = start_job("benchmark"), _stages()[name]
        begin, busy = time.perf_counter(), time.process_time()
        stage(job, MONTHS[-figured:])
        return {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - busy}

    print(json.dumps(benchmark()))  # noqa: T201


def measure(words: list[str], env: dict[str, str]) -> tuple[dict[str, float], str]:
    """Return a process' seconds by the clock and of the processor, its peak MiB, and what it printed."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(words, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(words)} ended with {status}")
        out.seek(0)
        seconds, busy = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime
        return {"seconds": seconds, "cpu": busy, "mib": usage.ru_maxrss / 1024}, out.read()


def measure_all(accounts: int, figured: int) -> dict[str, dict[str, float]]:
    """Return seconds and peak MiB of every stage for a company of so many accounts."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(str(home / "lake"), accounts)
        env = environment(home, home, home / "prefect", TECHFLOW_EXECUTOR="inline")
        with _server(env) as api:
            for name in STAGES:
                words = [sys.executable, "-m", "tests.benchmarks.growth", "--stage", name, "--figured", str(figured)]
                whole, said = measure(words, env | {"PREFECT_API_URL": api})
                found[name] = whole | json.loads(said.splitlines()[-1])
                _tell(accounts, name, found[name])
        techflow = str(Path(sys.executable).with_name("techflow"))
        words = [techflow, "export", "metrics", str(MONTHS[-1]), "--out", str(home / "metrics.csv")]
        found["export"], _ = measure(words, env)
        _tell(accounts, "export", found["export"])
    return found


@contextlib.contextmanager
def _server(env: Mapping[str, str]) -> Iterator[str]:
    """Run a Prefect server, so that no stage pays for one; returns where it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    words = [sys.executable, "-m", "prefect", "server", "start", "--no-ui", "--port", str(port)]
    with ending() as started:
        started.append(start(words, dict(env)))
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{api}/health") as answer:
                if answer.status == HTTPStatus.OK:
                    break
            time.sleep(0.5)
        yield api


def _tell(accounts: int, stage: str, found: Mapping[str, float]) -> None:
    times = f"{found['seconds']:>8.1f} s {found['cpu']:>8.1f} s of processor"
    print(f"{accounts:>9,} {stage:<11} {times} {found['mib']:>7.0f} MiB", flush=True)  # noqa: T201


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("accounts", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--figured", type=int, default=2, help="how many months have figures and a draft")
    parser.add_argument("--stage", help="run this stage alone, on the lake of the environment")
    parser.add_argument("--json", type=Path, help="keep what was measured")
    given = parser.parse_args()
    if given.stage:
        run_stage(given.stage, given.figured)
        return
    results = {accounts: measure_all(accounts, given.figured) for accounts in given.accounts}
    for less, more in zip(given.accounts, given.accounts[1:], strict=False):
        print(f"{less:,} to {more:,} accounts")  # noqa: T201
        for name, now in results[more].items():
            times = {unit: now[unit] / results[less][name][unit] for unit in now}
            print(f"  {name:<11} {times['cpu']:>6.1f} times the processor, {times['mib']:>5.1f} the memory")  # noqa: T201
    if given.json:
        given.json.write_text(json.dumps({"figured": given.figured, "accounts": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
