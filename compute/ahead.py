"""A function applied to one thing after the other, some of them ahead of who takes the results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def ahead(function: Callable[[Thing], Result], things: Iterable[Thing]) -> Iterator[Result]:
    """Yield a function's results in the order of the things, as many at once as polars has threads.

    At most one thing more than there are threads is on its way, so that memory stays bounded.
    """
    threads = pl.thread_pool_size()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as hands:
        for thing in things:
            waiting.append(hands.submit(function, thing))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
