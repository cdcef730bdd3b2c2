"""How far heavy work is, as a bar on the run's page that moves with every finished shard."""

from collections.abc import Callable, Sequence

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from compute.cluster import Executor, Result, Shard, run


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
    key, every = name.rpartition("/")[2].replace("_", "-"), len(shards)
    bar = create_progress_artifact(0.0, key=key, description=f"0 of {every} tasks on {executor}")

    def show(done: int) -> None:
        told = f"{done} of {every} tasks on {executor}"
        update_progress_artifact(bar, 100 * done / every, told)  # type: ignore[arg-type] # typed for async callers too

    return run(executor, function, shards, show)
