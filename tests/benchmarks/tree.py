"""What a process and all its descendants take: seconds, seconds of the processor, and the most memory at any time.

Memory is the proportional set size (PSS), so what processes share counts once. Descendants that outlive their parent,
as Ray's do, stay counted.
"""

import os
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
    """What a timed part took: wall and processor seconds; and the most memory of the process's whole life, in MiB."""

    wall: float
    cpu: float
    peak_mib: float


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


def measure(command: Sequence[str], env: dict[str, str], log: Path) -> Taken:
    """Run a command that speaks as `tests.benchmarks.timed` does, and return what its timed part took.

    Raises:
        RuntimeError: when it fails; its own words are in the log.
    """
    with log.open("w") as told:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True
        )
        tree, is_over = _Tree(process.pid), threading.Event()
        watch = threading.Thread(target=_watch, args=(tree, is_over))
        watch.start()
        try:
            before, after, wall = _followed(process, tree)
        finally:
            is_over.set()
            watch.join()
        if process.wait() or wall is None:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}; see {log}")
    return Taken(wall, after - before, tree.peak_kib / 1024)


def _followed(process: subprocess.Popen[str], tree: _Tree) -> tuple[float, float, float | None]:
    assert process.stdout
    assert process.stdin
    before = after = 0.0
    wall = None
    for line in process.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == "BEGIN":
            before = tree.cpu()
        elif word == "END":
            after, wall = tree.cpu(), float(rest)
        else:
            continue
        process.stdin.write("\n")
        process.stdin.flush()
    return before, after, wall


def _watch(tree: _Tree, is_over: threading.Event) -> None:
    while not is_over.is_set():
        tree.weigh()
        time.sleep(_SECONDS_BETWEEN)
