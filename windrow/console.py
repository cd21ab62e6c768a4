"""Messages and progress bars on the terminal."""

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import gettempdir
from typing import Any

from windrow.errors import OutputError

#: What the system may refuse a command, through no fault of the code, and the fix.
FIXES = {
    errno.EPIPE: "the program that reads it has ended; let it read to the end, or write to a file",
    errno.ENOSPC: "free some space, or use another place (-o, or TMPDIR for temporary files)",
    errno.EDQUOT: "free some space, or use another place (-o, or TMPDIR for temporary files)",
    errno.EFBIG: "raise the limit (ulimit -f), or write less",
    errno.EROFS: "use a place that can be written to",
    errno.EACCES: "change its permissions, or use another place",
    errno.EPERM: "change its permissions, or use another place",
}


#: How Python's tempfile begins the message that there is no place.
_NO_TEMPORARY = "No usable temporary directory"
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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


@contextmanager
def refusals() -> Iterator[None]:
    """Raises OutputError where the system refuses to write: a closed pipe, a full disk, a read-only place."""
    try:
        yield
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        refused = refusal_of(error)
        if refused is None:
            raise
        _discard_unwritten_output()
        raise refused from error


def refusal_of(error: OSError) -> OutputError | None:
    """What the system's refusal to write means, and the fix; None for any other error."""
    said = str(error.strerror)
    if said.startswith(_NO_TEMPORARY):
        return OutputError(
            "temporary files: no directory for them can be written to, or has space left"
            f" ({said.partition(' in ')[2]} were tried); free some space, or set TMPDIR to another place"
        )
    if error.errno not in FIXES:
        return None
    place = error.filename or "the output"
    if error.errno in _OF_A_DISK:  # shutil names the file that it copied from
        place = f"the output, or a file in {_temporary()}"
    return OutputError(f"{place}: cannot be written: {error.strerror}; {FIXES[error.errno]}")


def _temporary() -> str:
    try:
        return gettempdir()
    except FileNotFoundError:  # it is full, and nowhere else is a place
        return os.environ.get("TMPDIR", "TMPDIR")


def _discard_unwritten_output() -> None:
    """Python would try to write the rest of standard output again as it exits, and fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
