"""A bar that moves on the terminal while long work goes on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(title: str, total: int, shown: bool = True) -> Iterator[Callable[[int], object]]:
    """Gives a function to tell of each step done; it moves a bar on standard error, where that is a terminal.

    Nothing is shown where `shown` is False: for work so short that a bar would only flicker.
    """
    if not shown or not sys.stderr.isatty():
        yield int
        return
    from rich.console import Console
    from rich.progress import Progress

    # Without a thread to refresh it: the work may fork.
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(title, total=total)
        bar.refresh()
        yield lambda steps: bar.update(task, advance=steps, refresh=True)
