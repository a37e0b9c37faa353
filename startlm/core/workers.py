"""Both cores at work: the same function on many items, in threads, its results in the order of the items."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Iterable, Iterator, TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")

MOST = 4  # workers: each holds what it works on in memory
AHEAD = 2  # items of each worker that are begun before their turn


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work` of each item, in order, on every core: for numpy, which lets other threads run; plain Python code gains nothing."""
    count = min(cores(), MOST)
    if count == 1:
        yield from map(work, items)
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="startlm") as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > AHEAD * count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
