"""What a measured process tells the one that measures it: where the timed part begins and ends, and a rerun's time."""

import sys
import time
from collections.abc import Callable


def timed(work: Callable[[], object]) -> None:
    """Do the work; before and after it wait until the measuring process has read the clocks."""
    _tell("BEGIN")
    begin = time.perf_counter()
    work()
    _tell(f"END {time.perf_counter() - begin}")


def timed_again(work: Callable[[], object]) -> None:
    """Do the work that has nothing left to do."""
    begin = time.perf_counter()
    work()
    _tell(f"AGAIN {time.perf_counter() - begin}")


def _tell(word: str) -> None:
    print(f"\n{word}", flush=True)  # noqa: T201
    sys.stdin.readline()
