"""How far long work is: a bar on the run's page that moves with the parts that are done, and a line now and then."""

import time
from collections.abc import Callable, Sequence

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from compute.cluster import Executor, Result, Shard, run
from flows.job import say, warn

_BAR_SECONDS, _LINE_SECONDS = 0.5, 5.0  # thousands of parts must not make thousands of calls


class Bar:
    """A progress artifact: so many of so many parts.

    Args:
        key: how the artifact is called.
        every: how many parts there are.
        parts: what they are, and where.
    """

    def __init__(self, key: str, every: int, parts: str) -> None:
        self._every, self._parts = every, parts
        self._bar = create_progress_artifact(0.0, key=key, description=f"0 of {every} {parts}")

    def show(self, done: int) -> None:
        """Show how many are done."""
        told = f"{done} of {self._every} {self._parts}"
        update_progress_artifact(self._bar, 100 * done / self._every, told)  # type: ignore[arg-type] # typed for async callers too


def run_shown(
    name: str, executor: Executor, function: Callable[[Shard], Result], shards: Sequence[Shard]
) -> list[Result]:
    """Run shards as `compute.cluster.run` does; show how many are done, and say what was lost on the way.

    Args:
        name: the table that they make, as the artifact is called.
        executor: ray, or in this process.
        function: what is done with a shard.
        shards: what it is done with.
    """
    parts = f"tasks on {executor}"
    bar = Bar(name.rpartition("/")[2].replace("_", "-"), len(shards), parts)
    shown = said = time.monotonic()

    def show(done: int) -> None:
        nonlocal shown, said
        now = time.monotonic()
        if done == len(shards) or now - shown >= _BAR_SECONDS:
            bar.show(done)
            shown = now
        if done < len(shards) and now - said >= _LINE_SECONDS:
            say(f"{name}: {done} of {len(shards)} {parts}")
            said = now

    return run(executor, function, shards, show, lambda fact: warn(f"{name}: {fact}"))
