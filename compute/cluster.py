"""Work spread over processes and machines. The one file that speaks Ray.

A shard is what one task works on; a task reads, computes and writes by itself and returns a small description.
`run_here` is the specification, `run_on_ray` must equal it.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

Shard = TypeVar("Shard")
Result = TypeVar("Result")
Executor = Literal["auto", "ray", "inline"]

# Rows from which Ray is faster on two cores, measured by tests/benchmarks/break_even.py (ADR 4).
COLD_BREAK_EVEN_ROWS = 5_000_000  # a cluster must first be started
WARM_BREAK_EVEN_ROWS = 50_000  # one is running
_POLL_SECONDS = 0.05


def _told_nobody(_done: int) -> None:
    """Take how many shards are done, and tell nobody."""


def choose(executor: Executor, rows: int, *, is_running: bool) -> tuple[Literal["ray", "inline"], str]:
    """Choose where to run, and say why.

    Args:
        executor: what the user asks for.
        rows: how many rows the work reads.
        is_running: a cluster is already there, so starting one costs nothing.
    """
    if executor != "auto":
        return executor, "asked for"
    limit = WARM_BREAK_EVEN_ROWS if is_running else COLD_BREAK_EVEN_ROWS
    if rows >= limit:
        return "ray", f"{rows:,} rows are at or above the break-even of {limit:,}"
    return "inline", f"{rows:,} rows are below the break-even of {limit:,}"


def run(
    executor: Executor,
    function: Callable[[Shard], Result],
    shards: Sequence[Shard],
    on_done: Callable[[int], None] = _told_nobody,
) -> list[Result]:
    """Apply a function to every shard where `choose` said, results in the order of the shards.

    Args:
        executor: ray, or in this process.
        function: what is done with a shard.
        shards: what it is done with.
        on_done: told how many shards are done, whenever that has changed.
    """
    return (run_on_ray if executor == "ray" else run_here)(function, shards, on_done)


def run_here(
    function: Callable[[Shard], Result], shards: Sequence[Shard], on_done: Callable[[int], None] = _told_nobody
) -> list[Result]:
    """Apply a function to every shard in this process, results in the order of the shards."""
    results = []
    for shard in shards:
        results.append(function(shard))
        on_done(len(results))
    return results


def run_on_ray(
    function: Callable[[Shard], Result],
    shards: Sequence[Shard],
    on_done: Callable[[int], None] = _told_nobody,
    *,
    in_flight: int = 64,
) -> list[Result]:
    """Apply a function to every shard on the cluster, results in the order of the shards.

    At most `in_flight` shards are on the cluster at once. A lost worker or node costs its task, which is tried
    again; an error of the function is raised as soon as it is there, and the rest is cancelled.
    """
    import ray  # noqa: PLC0415

    _connect()
    remote = ray.remote(num_cpus=1, max_retries=3)(function)
    results: dict[int, Result] = {}
    waiting = list(enumerate(shards))
    running: dict[Any, int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < in_flight:
                index, shard = waiting.pop(0)
                running[remote.remote(shard)] = index
            done, _ = ray.wait(list(running), num_returns=len(running), timeout=0)
            for reference in done:
                results[running[reference]] = ray.get(reference)
                del running[reference]
            if done:
                on_done(len(results))
            else:
                # A Python sleep, so that a cancelled run or a timeout gets through; ray.get would block it.
                time.sleep(_POLL_SECONDS)
    except BaseException:
        for reference in running:
            ray.cancel(reference, force=True)
        raise
    return [results[index] for index in range(len(shards))]


def is_running() -> bool:
    """Tell whether this process is connected to a cluster."""
    import sys  # noqa: PLC0415

    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def _connect() -> None:
    """Connect to the cluster of RAY_ADDRESS, or start one on this machine and keep it for the process."""
    import ray  # noqa: PLC0415

    if ray.is_initialized():
        return
    with _kept_sigterm():
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
            runtime_env={"env_vars": {"POLARS_MAX_THREADS": "1"}},
        )


@contextmanager
def _kept_sigterm() -> Iterator[None]:
    """Keep the SIGTERM handler that ray.init replaces: Prefect cancels runs through it."""
    try:
        before = signal.getsignal(signal.SIGTERM)
        yield
        signal.signal(signal.SIGTERM, before)
    except ValueError:  # not the main thread: there is no handler to keep
        return
