"""Work spread over processes and machines, through Ray.

A shard is what one task works on; a task reads, computes and writes by itself and returns a small description.
`run_here` is the specification, `run_on_ray` must equal it.
"""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from compute.connection import connect, nodes, processors
from compute.errors import PermanentError

Shard = TypeVar("Shard")
Result = TypeVar("Result")
Executor = Literal["auto", "ray", "inline"]

# Rows from which Ray is faster on two cores, measured by tests/benchmarks/break_even.py (ADR 4).
COLD_BREAK_EVEN_ROWS = 5_000_000  # a cluster must first be started
WARM_BREAK_EVEN_ROWS = 50_000  # one is running
_POLL_SECONDS = 0.05
_LOOK_SECONDS = 5.0  # how soon nodes that came or went are seen
_TRIES_AGAIN = 3
_REASONS = {
    "WorkerCrashedError": "its worker process died",
    "OutOfMemoryError": "its node ran out of memory and ended its worker",
    "ObjectLostError": "its result was lost with its node",
}


class ShardLost(PermanentError):
    """A shard was lost with its worker or node more often than it is tried again; nothing was committed."""


def _told_nobody(_fact: object) -> None:
    """Take how many shards are done, or what was lost, and tell nobody."""


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
    on_lost: Callable[[str], None] = _told_nobody,
) -> list[Result]:
    """Apply a function to every shard where `choose` said, results in the order of the shards.

    Args:
        executor: ray, or in this process.
        function: what is done with a shard.
        shards: what it is done with.
        on_done: told how many shards are done, whenever that has changed.
        on_lost: told what was lost with a worker or a node, and what becomes of it.
    """
    if executor == "ray":
        return run_on_ray(function, shards, on_done, on_lost)
    return run_here(function, shards, on_done)


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
    on_lost: Callable[[str], None] = _told_nobody,
) -> list[Result]:
    """Apply a function to every shard on the cluster, results in the order of the shards.

    Two shards for each of the cluster's processors are there at once: one runs, one waits beside it; the rest waits
    here. A lost worker or node costs its shard, which is tried again; an error of the function is raised as soon as it
    is there, and the rest is cancelled.

    Raises:
        ShardLost: when the same shard is lost again and again.
    """
    connect()
    work, cluster = _FanOut(function, shards, on_lost), _Watched(on_lost)
    try:
        while work.is_open:
            work.fill(cluster.room())
            if work.collect():
                on_done(len(work.results))
            else:
                # A Python sleep, so that a cancelled run or a timeout gets through; ray.get would block it.
                time.sleep(_POLL_SECONDS)
    except BaseException:
        work.cancel()
        raise
    return [work.results[index] for index in range(len(shards))]


def in_flight(processors: float) -> int:
    """Return how many shards are on a cluster at once; one that grows from nothing must see that it is wanted.

    >>> in_flight(16), in_flight(0)
    (32, 2)
    """
    return max(2, 2 * int(processors))


class _FanOut(Generic[Shard, Result]):
    """Shards that wait, run and are done; by their number."""

    def __init__(
        self, function: Callable[[Shard], Result], shards: Sequence[Shard], on_lost: Callable[[str], None]
    ) -> None:
        import ray  # noqa: PLC0415

        # Ray would try a lost task again by itself, and tell nobody.
        self._remote = ray.remote(num_cpus=1, max_retries=0)(function)
        self._ray, self._shards, self._on_lost = ray, shards, on_lost
        self._waiting, self._losses = deque(range(len(shards))), Counter[int]()
        self._running: dict[Any, int] = {}
        self.results: dict[int, Result] = {}

    @property
    def is_open(self) -> bool:
        return len(self.results) < len(self._shards)

    def fill(self, room: int) -> None:
        """Hand shards over, up to so many."""
        while self._waiting and len(self._running) < room:
            index = self._waiting.popleft()
            self._running[self._remote.remote(self._shards[index])] = index

    def collect(self) -> bool:
        """Take what is done, have tried again what was lost; tells whether there was anything."""
        done, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for reference in done:
            index = self._running.pop(reference)
            try:
                self.results[index] = self._ray.get(reference)
            except _lost() as error:
                self._losses[index] += 1
                self._on_lost(_loss(index, len(self._shards), self._losses[index], error))
                self._waiting.appendleft(index)
        return bool(done)

    def cancel(self) -> None:
        """End what runs."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)


class _Watched:
    """The cluster as it grows and shrinks."""

    def __init__(self, on_lost: Callable[[str], None]) -> None:
        self._on_lost, self._nodes = on_lost, nodes()
        self._room, self._looked = 0, -math.inf

    def room(self) -> int:
        """Return how many shards may be there at once; tells of nodes that are gone."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return self._room
        known, self._nodes = self._nodes, nodes()
        for node in known.keys() - self._nodes.keys():
            self._on_lost(f"node {known[node]} is gone, {len(self._nodes)} are left")
        self._room, self._looked = in_flight(processors()), time.monotonic()
        return self._room


def _lost() -> tuple[type[Exception], ...]:
    """Return the errors that speak of a worker or a node, not of the shard."""
    from ray import exceptions  # noqa: PLC0415

    return (
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.LocalRayletDiedError,
        exceptions.ObjectLostError,
        exceptions.OutOfMemoryError,
    )


def _loss(index: int, count: int, times: int, error: Exception) -> str:
    """Return what happened to a shard that was lost.

    Raises:
        ShardLost: when it may not be tried again.
    """
    shard, reason = f"shard {index + 1} of {count}", _REASONS.get(type(error).__name__, "its node was lost")
    if times > _TRIES_AGAIN:
        raise ShardLost(
            f"{shard} was given up: it was lost {times} times, at last because {reason}. Nothing was committed. "
            "A shard that always ends its worker needs more memory for each processor, or a look at Ray's logs."
        ) from error
    return f"{shard} is tried again, {times} of {_TRIES_AGAIN}: {reason}"
