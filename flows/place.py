"""Where heavy work runs: in this process, or on a cluster that is fit for it."""

import uuid
from pathlib import Path
from typing import Literal

from compute.cluster import choose
from compute.connection import ClusterRefused, ask_nodes, connect, is_running, nodes, require_same_code
from flows.job import Job
from flows.settings import PREFIX


def place(job: Job, rows: int) -> tuple[Literal["ray", "inline"], str]:
    """Choose where work on so many rows runs, connect there, and say why.

    A cluster that others started is asked each time, since its nodes come and go: whether they run our code, and see
    the lake. The one that this process starts is this machine.

    Raises:
        NoCluster: when nobody answers at RAY_ADDRESS.
        ClusterRefused: when a node runs other code, or cannot see the lake.
    """
    executor, why = choose(job.executor, rows, is_running=is_running() or bool(job.ray_address))
    if executor == "ray":
        connect(job.ray_address)
        if job.ray_address:
            require_same_code()
            require_lake_everywhere(job)
    return executor, why


def require_lake_everywhere(job: Job) -> None:
    """See that a lake in a folder is there on every node: a task would make a folder of its own, and lose its files.

    Raises:
        ClusterRefused: when there are several nodes, unless the setting says that the folder is shared and it is.
    """
    known = nodes()
    if "://" in job.lake_root or len(known) == 1:
        return
    if not job.is_lake_shared:
        raise ClusterRefused(
            f"The cluster has {len(known)} nodes and the lake is a folder, {job.lake_root}: give one that they all "
            f"see, as --lake s3://…, or set {PREFIX}LAKE_SHARED=1 if the folder is mounted on each of them."
        )
    mark = Path(job.lake_root) / f".seen-{uuid.uuid4()}"
    mark.touch()
    place_of_mark = str(mark)
    try:
        seen = ask_nodes(lambda: Path(place_of_mark).exists())
    finally:
        mark.unlink()
    for node, is_seen in seen.items():
        if not is_seen:
            raise ClusterRefused(
                f"Node {node} does not see the lake at {job.lake_root}: mount it there, or unset {PREFIX}LAKE_SHARED."
            )
