"""Messages and progress bars on the terminal."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def say(*lines: str) -> None:
    """Speaks to the user, on standard error: standard output is the job's."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


@contextmanager
def progress(title: str, total: int, shown: bool = True) -> Iterator[Callable[[int], object]]:
    """Gives a function to tell of each step done; it moves a bar on standard error, where that is a terminal.

    Nothing is shown where `shown` is False: for work so short that a bar would only flicker.
    """
    with _bars(shown) as bars:
        if bars is None:
            yield int
            return
        task = bars.add_task(title, total=total)
        bars.refresh()
        yield lambda steps: bars.update(task, advance=steps, refresh=True)


@contextmanager
def shares(titles: Sequence[str], shown: bool = True) -> Iterator[Callable[[Sequence[int]], object]]:
    """Gives a function to tell how many per cent of each of some kinds of work are done, each with a bar as above."""
    with _bars(shown) as bars:
        if bars is None:
            yield list
            return
        tasks = [bars.add_task(title, total=100) for title in titles]
        bars.refresh()

        def tell(done: Sequence[int]) -> None:
            for task, share in zip(tasks, done, strict=True):
                bars.update(task, completed=share)
            bars.refresh()

        yield tell


@contextmanager
def _bars(shown: bool) -> Iterator[Any]:
    """rich's, or None where there is nothing to show."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Without a thread to refresh it: the work may fork.
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
        yield bars
