"""Calls that wait on a network, several at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

#: Concurrent requests, if there are many objects.
MANY = 16

In = TypeVar("In")

Out = TypeVar("Out")


def in_parallel(work: Callable[[In], Out], items: Sequence[In], most: int = MANY) -> Iterator[Out]:
    """The results of `work` for each item, in order, several at a time; after the first error no more are started.

    When this has ended, so has all work.
    """
    with ThreadPoolExecutor(min(most, max(1, len(items)))) as threads:
        waiting = [threads.submit(work, item) for item in items]
        try:
            for each in waiting:
                yield each.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
