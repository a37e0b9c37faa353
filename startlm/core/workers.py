"""Every core at work: one function on many items, its results in the order of the items.

`in_threads` is for numpy, which lets other threads run meanwhile. Plain Python code gains from processes only: a `Crew` is
some of them, started anew (a fork would copy locks that other threads hold, and the caller's main module is none of theirs).
They answer bytes with bytes, and end when their input ends: with this process, whatever ends it.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Callable, Iterable, Iterator, TypeVar

from .errors import StartLMError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 4  # workers: each holds what it works on in memory
AHEAD = 2  # items of each worker that are begun before their turn
ROOT = Path(__file__).resolve().parents[2]


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """How many workers there are: a processor each, MOST at most."""
    return min(MOST, processors())


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], *, release: Callable[[], None] = lambda: None) -> Iterator[Result]:
    """`work` of each item, in order, on every core. An error comes in its turn, after the results of the items before.

    Where it ends early, work that has begun is waited for: `release` is called first, and frees what that work may wait for itself.
    """
    count, begun = cores(), deque[Future[Result]]()
    if count == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(count, thread_name_prefix="startlm") as pool:
        try:
            for future in _begin(pool, work, items):
                begun.append(future)
                if len(begun) > AHEAD * count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        except BaseException:
            release()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Future[Result]]:
    try:
        for item in items:
            yield pool.submit(work, item)
    except StartLMError as error:
        failed: Future[Result] = Future()
        failed.set_exception(error)
        yield failed


# ----------------------------------------------------------------- processes

class Crew:
    """Processes that run `function` of `module` with one argument, which must call `serve`; one for each core. Use it in a `with`.

    Raises OSError where this machine does not allow one more process or file: none of them is left then.
    """

    def __init__(self, module: str, function: str, argument: str) -> None:
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {module} import {function}; {function}(sys.argv[1])"
        # a group of their own: Ctrl-C is for this process, which then ends them; -P: no module of the current folder comes between
        command = [sys.executable, "-P", "-c", code, argument]
        self._killed = False
        self._all: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        try:
            for _ in range(cores()):
                self._all.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0))
                self._free.put(self._all[-1])
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for process in self._all:
            with suppress(OSError):  # what is left in a pipe of one that is gone
                process.communicate()

    def kill(self) -> None:
        """End them all, also one that is halted; whoever waits for an answer of theirs gets none."""
        self._killed = True
        for process in self._all:
            process.kill()

    def ready(self) -> bool:
        """Whether all of them have started; to be asked until it says so."""
        outputs: list[Any] = [process.stdout for process in self._all]
        if len(select.select(outputs, [], [], 0)[0]) < len(outputs):
            return False
        for output in outputs:
            _receive(output)
        return True

    def ask(self, message: bytes) -> bytes | None:
        """What one of them answers, when they are ready; None where it is gone. Any number of threads may ask at once.

        Raises CancelledError after `kill`: nobody waits for the answer any more.
        """
        process = self._free.get()
        try:
            _send(process.stdin, message)  # type: ignore[arg-type]
            answer = _receive(process.stdout)  # type: ignore[arg-type]
        except OSError:
            answer = None
        finally:
            self._free.put(process)
        if answer is None and self._killed:
            raise CancelledError
        return answer


def serve(answer: Callable[[bytes], bytes]) -> None:
    """In a process of a Crew: answer each message until there are no more."""
    _send(sys.stdout.buffer, b"")
    while (message := _receive(sys.stdin.buffer)) is not None:
        _send(sys.stdout.buffer, answer(message))


def _send(stream: BinaryIO, message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "big") + message)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes | None:
    head = stream.read(8)
    size = int.from_bytes(head, "big")
    message = stream.read(size) if len(head) == 8 else b""
    return message if len(head) == 8 and len(message) == size else None
