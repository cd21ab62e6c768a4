"""Several places read at a time: each by a thread of its own, what they answer one by one."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Lock, Thread
from typing import TypeVar

Answer = TypeVar("Answer")


def interleaved(
    parts: Sequence[Generator[Answer, None, None] | Iterator[Answer]], most: int, waits: bool = False
) -> Iterator[Answer]:
    """The answers of all parts, each part's in order; at most so many parts at a time. What one raises is raised.

    Memory: two answers, and one of each part that is read. Where the caller stops early, or a part raises, the others
    end at their next answer; `waits`: until then this does not end either.

    >>> sorted(interleaved([iter("ab"), iter("c"), iter("")], 2))
    ['a', 'b', 'c']
    """
    ready: Queue[tuple[Answer | None, BaseException | None, bool]] = Queue(2)
    rest, stop, taking = list(parts), Event(), Lock()

    def put(answer: Answer | None = None, error: BaseException | None = None, is_end: bool = False) -> None:
        while not stop.is_set():
            with suppress(Full):
                ready.put((answer, error, is_end), timeout=0.1)
                return

    def take() -> Iterator[Answer] | None:
        with taking:
            return rest.pop(0) if rest else None

    def work() -> None:
        try:
            while (part := take()) is not None and not stop.is_set():
                for answer in part:
                    put(answer)
                    if stop.is_set():
                        break
                if isinstance(part, Generator):
                    part.close()
        except BaseException as error:
            put(error=error)
        put(is_end=True)

    threads = [Thread(target=work, daemon=True) for _ in range(min(most, len(parts)))]
    for thread in threads:
        thread.start()
    ended = 0
    try:
        while ended < len(threads):
            answer, error, is_end = ready.get()
            if error is not None:
                raise error
            ended += is_end
            if not is_end:
                yield answer  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads if waits else ():
            thread.join()
    for thread in threads:  # before anything forks
        thread.join()
