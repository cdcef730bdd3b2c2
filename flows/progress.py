"""How far long work is, as a bar on the run's page that moves with every part that is done."""

from collections.abc import Callable, Sequence

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from compute.cluster import Executor, Result, Shard, run


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
    """Run shards as `compute.cluster.run` does, and show in the run's artifacts how many are done.

    Args:
        name: the table that they make, as the artifact is called.
        executor: ray, or in this process.
        function: what is done with a shard.
        shards: what it is done with.
    """
    bar = Bar(name.rpartition("/")[2].replace("_", "-"), len(shards), f"tasks on {executor}")
    return run(executor, function, shards, bar.show)
