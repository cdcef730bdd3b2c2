"""What a measured process tells the one that measures it: where the timed part begins and where it ends."""

import sys
import time
from collections.abc import Callable


def timed(work: Callable[[], object]) -> None:
    """Do the work; before and after it wait until the measuring process has read the clocks."""
    _tell("BEGIN")
    begin = time.perf_counter()
    work()
    _tell(f"END {time.perf_counter() - begin}")


def _tell(word: str) -> None:
    print(f"\n{word}", flush=True)  # noqa: T201
    sys.stdin.readline()
