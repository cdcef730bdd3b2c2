"""The way onto a cluster: that of an address, or one of this process's own, and whether its nodes are fit for us.

With `cluster.py`, which runs shards there, the only file that speaks Ray.
"""

import hashlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from compute.errors import PermanentError, TransientError

Answer = TypeVar("Answer")
AUTO = "auto"  # the cluster of the machine that this process is on
_ANSWER_SECONDS = 60.0  # a node that runs nothing yet starts a worker first
_REACH_SECONDS = 10.0
_POLL_SECONDS = 0.05


class NoCluster(TransientError):
    """Nobody answers at the cluster's address, or a node of it does not answer."""


class ClusterRefused(PermanentError):
    """The cluster and this process do not fit: token, versions, code, or a lake that its nodes cannot see."""


def connect(address: str = "") -> None:
    """Connect this process to a cluster, once; it stays connected to its end.

    Args:
        address: host:port, or auto for the one of this machine; without one a cluster is started for this process.

    Raises:
        NoCluster: when none answers there.
        ClusterRefused: when it is of another version of Ray or Python, or wants another token, or when none can be
            started from here.
    """
    import ray  # noqa: PLC0415

    if ray.is_initialized():
        return
    if address:
        _require_answer(address)
    else:
        _require_startable(sys.executable)
    logging.getLogger("ray").setLevel(logging.ERROR)  # configure_logging=False leaves the user's logging alone
    try:
        with _kept_sigterm():
            ray.init(
                address=address or "local",
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                runtime_env={"env_vars": {"POLARS_MAX_THREADS": "1"}},
            )
    except (ray.exceptions.AuthenticationError, ConnectionError) as error:
        if not address:
            raise
        raise _refused(address, error) from error
    except RuntimeError as error:
        if "Version mismatch" not in str(error):
            raise
        told = " ".join(str(error).split())
        raise ClusterRefused(f"{told} Install the versions of constraints.txt on both.") from error


def is_running() -> bool:
    """Tell whether this process is connected to a cluster."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def nodes() -> dict[str, str]:
    """Return the nodes that are alive, by id: how people call them."""
    import ray  # noqa: PLC0415

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return {node["NodeID"]: f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})" for node in alive}


def processors() -> float:
    """Return the processors of the cluster, those in use included."""
    import ray  # noqa: PLC0415

    return float(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]


def ask_nodes(question: Callable[[], Answer]) -> dict[str, Answer]:
    """Put a question to every node, the one that only manages among them; returns the answers, by name.

    Args:
        question: travels by value when it is defined within a function, so that it needs no code of ours there.

    Raises:
        NoCluster: when a node does not answer.
    """
    import ray  # noqa: PLC0415
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

    remote, asked = ray.remote(num_cpus=0, max_retries=0)(question), nodes()
    waiting: dict[str, Any] = {
        name: remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
        for node, name in asked.items()
    }
    began = time.monotonic()
    while len(ray.wait(list(waiting.values()), num_returns=len(waiting), timeout=0)[0]) < len(waiting):
        if time.monotonic() - began > _ANSWER_SECONDS:
            break
        time.sleep(_POLL_SECONDS)  # a Python sleep: a cancelled run gets through
    return {name: _answer(name, reference) for name, reference in waiting.items()}


def _answer(node: str, reference: Any) -> Any:
    from ray import exceptions, get  # noqa: PLC0415

    try:
        return get(reference, timeout=0)
    except exceptions.RayTaskError:
        raise
    except exceptions.RayError as error:
        raise NoCluster(
            f"Node {node} of the cluster does not answer ({type(error).__name__}): `ray status` there says more."
        ) from error


def require_same_code() -> None:
    """See that every node runs the code of this process.

    Raises:
        ClusterRefused: when one does not; the sentence names both.
    """
    ours = code()

    def theirs() -> str:  # by value: a node may have none of our code, or older
        try:
            from compute.connection import code  # noqa: PLC0415
        except ImportError:
            return "no techflow-pipelines"
        return code()

    for node, found in ask_nodes(theirs).items():
        if found != ours:
            raise ClusterRefused(
                f"This process runs {ours} and node {node} of the cluster runs {found}: install the same on both."
            )


def code() -> str:
    """Return which code runs here: our version, a digest of the sources that tasks run, and the engine's version."""
    digest = hashlib.sha256()
    for package in ("compute", "storage"):
        for name, source in sorted(_sources(files(package), package)):
            digest.update(f"{name}\0{source}\0".encode())
    ours = f"techflow-pipelines {version('techflow-pipelines')} (source {digest.hexdigest()[:12]})"
    return f"{ours} with polars {version('polars')}"


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, str]]:
    for each in folder.iterdir():
        if each.name.endswith(".py"):
            yield f"{name}/{each.name}", each.read_text(encoding="utf-8")
        elif each.is_dir():
            yield from _sources(each, f"{name}/{each.name}")


def _require_answer(address: str) -> None:
    """Find out in seconds what ray.init takes minutes for."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise NoCluster(
            f"No Ray cluster answers at {address} ({error}): start one there, correct RAY_ADDRESS, or unset it."
        ) from error


def _require_startable(python: str) -> None:
    """Refuse what Ray itself would wait for without end."""
    if " " in python:
        raise ClusterRefused(
            f"Ray starts no worker from a Python in a path with a space ({python}): move the checkout with its .venv, "
            "or use --executor inline."
        )


def _refused(address: str, error: Exception) -> PermanentError | TransientError:
    if address == AUTO and isinstance(error, ConnectionError):
        return NoCluster("No Ray cluster runs on this machine: start one, correct RAY_ADDRESS, or unset it.")
    return ClusterRefused(
        f"The Ray cluster at {address} does not let this process in: set RAY_AUTH_MODE=token and its token as "
        "RAY_AUTH_TOKEN, or name the file that holds it as RAY_AUTH_TOKEN_PATH."
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
