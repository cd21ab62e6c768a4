"""Messages on the terminal; how far work is, is in windrow/console/meter.py.

And what the system does to a command: it refuses to write, hangs up, or has closed a standard stream.
"""

import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import gettempdir
from threading import current_thread, main_thread
from typing import Any

from windrow.console.meter import SCREEN
from windrow.errors import UNPRINTABLE, OutputError, escaped, without_passwords

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


def several(count: int, noun: str) -> str:
    """A number of things in words.

    >>> several(1, "table"), several(2300, "catalog")
    ('1 table', '2,300 catalogs')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def say(*lines: str) -> None:
    """Writes lines, as `shown`, to standard error, if there is one: standard output is for the job's results."""
    _write(sys.stderr, lines)


def tell(*lines: str) -> None:
    """Writes lines, as `shown`, to standard output: what a command that is no job has to tell."""
    if sys.stdout:
        SCREEN.clear()  # it may be the same terminal
        sys.stdout.write(_joined(lines))


def _write(file: Any, lines: Sequence[str]) -> None:
    with suppress(OSError, ValueError):  # a terminal that has been closed: there is nobody to tell
        if file:
            SCREEN.clear()
            file.write(_joined(lines))


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{shown(line)}\n" for line in lines)


def shown(text: str) -> str:
    r"""A text as it may be printed: one line, nothing that a terminal obeys, no password of a URL.

    A name of a file, a symbol or a header may be any text; printed as it is, it could forge a line, or hide one.

    >>> print(shown("a\x1b[2J\n\u202eb.csv"))
    a\x1b[2J\n\u202eb.csv
    >>> print(shown("http://me:secret@host/bars"))
    http://***@host/bars
    """
    return escaped(without_passwords(text))


def shown_json(text: bytes) -> bytes:
    r"""JSON of the same values, in which these characters are escaped as JSON does it.

    >>> shown_json('{"text": "\x9b\u2028"}'.encode())
    b'{"text": "\\u009b\\u2028"}'
    """
    if text.isascii() and b"\x7f" not in text:
        return text
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()


@contextmanager
def stopped_like_interrupted() -> Iterator[None]:
    """Makes `kill`, and a terminal that is closed, clean up like Ctrl-C, on the cluster too.

    What `nohup` started does not stop for a terminal.
    """
    if current_thread() is not main_thread():  # other threads cannot handle signals
        yield
        return
    handlers = {signal.SIGTERM: signal.default_int_handler, signal.SIGHUP: _hung_up}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        del handlers[signal.SIGHUP]
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hung_up(number: int, _: object) -> None:
    """Interrupts, once: the shell and then the kernel tell of the same closed terminal."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def fill_closed_streams() -> None:
    """Opens nothing (/dev/null) where a standard stream is closed (`2>&-`); standard output stays None to Python.

    Otherwise the next file that is opened gets its number, and what a child process writes to its standard error
    becomes part of that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115  as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


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
