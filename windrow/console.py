"""Lines and progress bars for the user, on standard error."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def say(*lines: str) -> None:
    """Writes lines to standard error: standard output is for the job's results."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


@contextmanager
def progress(title: str, total: int, shown: bool = True) -> Iterator[Callable[[int], object]]:
    """Yields a function that takes the steps just done and moves a progress bar, if standard error is a terminal.

    Nothing is shown if `shown` is False: for work so short that a progress bar would only flicker.
    """
    with _progress_bars(shown) as bars:
        if bars is None:
            yield int
            return
        task = bars.add_task(title, total=total)
        bars.refresh()
        yield lambda steps: bars.update(task, advance=steps, refresh=True)


@contextmanager
def shares(titles: Sequence[str], shown: bool = True) -> Iterator[Callable[[Sequence[int]], object]]:
    """Yields a function that takes the percentages done of several kinds of work, and moves a progress bar for each."""
    with _progress_bars(shown) as bars:
        if bars is None:
            yield list
            return
        tasks = [bars.add_task(title, total=100) for title in titles]
        bars.refresh()

        def show(done: Sequence[int]) -> None:
            for task, share in zip(tasks, done, strict=True):
                bars.update(task, completed=share)
            bars.refresh()

        yield show


@contextmanager
def _progress_bars(shown: bool) -> Iterator[Any]:
    """rich's, or None if there is nothing to show or no terminal to show it on."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Without a thread that refreshes it: the work may fork.
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
        yield bars
