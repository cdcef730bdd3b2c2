"""What a process and all its descendants take: seconds, seconds of the processor, and the most memory at any time.

Memory is the proportional set size (PSS), so what processes share counts once. Descendants that outlive their parent,
as Ray's do, stay counted.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SECONDS_BETWEEN = 0.1


@dataclass(frozen=True, slots=True)
class Taken:
    """What a timed part took.

    Attributes:
        wall: seconds by the clock.
        cpu: seconds of the processor.
        peak_mib: the most memory of the process's whole life.
        start: seconds from the start of the process to that of the timed part: imports, servers, the warm-up.
        again: seconds of the same once more, when there is nothing to do; only of what can tell.
    """

    wall: float
    cpu: float
    peak_mib: float
    start: float
    again: float | None


class _Tree:
    """The processes below one, as last seen."""

    def __init__(self, root: int) -> None:
        self._root, self._known, self._cpu, self.peak_kib = root, {root}, dict[int, float](), 0
        self._lock = threading.Lock()

    def cpu(self) -> float:
        """Return the processor seconds of all that were ever seen, as of now."""
        with self._lock:
            self._look()
            return sum(self._cpu.values())

    def weigh(self) -> None:
        """Look at how much memory they hold together."""
        with self._lock:
            self._look()
            known = set(self._known)
        self.peak_kib = max(self.peak_kib, sum(map(_pss_kib, known)))

    def kill(self) -> None:
        """End all that still live, the newest first."""
        with self._lock:
            self._look()
            for pid in sorted(self._known, reverse=True):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _look(self) -> None:
        stats = {int(path.name): _stat(path) for path in Path("/proc").iterdir() if path.name.isdecimal()}
        found = {pid: each for pid, each in stats.items() if each}
        grown = True
        while grown:
            below = {pid for pid, each in found.items() if int(each[1]) in self._known}
            grown = not below <= self._known
            self._known |= below
        for pid in self._known & found.keys():
            self._cpu[pid] = (int(found[pid][11]) + int(found[pid][12])) / _TICKS


def _stat(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measure(command: Sequence[str], env: dict[str, str], log: Path, limit: float) -> Taken:
    """Run a command that speaks as `tests.benchmarks.timed` does, and return what its timed part took.

    Args:
        command: what is run.
        env: its environment.
        log: where its own words go.
        limit: seconds after which it is ended, with all that it started.

    Raises:
        RuntimeError: when it fails; its own words are in the log.
        TimeoutError: when it takes too long.
    """
    begin = time.perf_counter()
    pipe = subprocess.PIPE
    with (
        log.open("w") as told,
        subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=told, text=True) as process,
    ):
        tree, is_over = _Tree(process.pid), threading.Event()
        watch = threading.Thread(target=_watch, args=(tree, is_over, begin + limit))
        watch.start()
        try:
            taken = _followed(process, tree, begin)
        finally:
            is_over.set()
            watch.join()
    if process.returncode and time.perf_counter() - begin > limit:
        raise TimeoutError(f"took more than {limit:.0f} s, see {log}")
    if process.returncode or taken is None:
        raise RuntimeError(f"ended with {process.returncode}, see {log}")
    return taken


def _followed(process: subprocess.Popen[str], tree: _Tree, begin: float) -> Taken | None:
    assert process.stdout
    assert process.stdin
    start = before = after = 0.0
    wall = again = None
    for line in process.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == "BEGIN":
            start, before = time.perf_counter() - begin, tree.cpu()
        elif word == "END":
            after, wall = tree.cpu(), float(rest)
        elif word == "AGAIN":
            again = float(rest)
        else:
            continue
        process.stdin.write("\n")
        process.stdin.flush()
    return None if wall is None else Taken(wall, after - before, tree.peak_kib / 1024, start, again)


def _watch(tree: _Tree, is_over: threading.Event, end: float) -> None:
    while not is_over.wait(_SECONDS_BETWEEN):
        tree.weigh()
        if time.perf_counter() > end:
            tree.kill()
