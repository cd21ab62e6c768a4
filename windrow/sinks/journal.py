"""The journal of a load: how many records are in the stream, so that a load that was stopped goes on there.

Lines of JSON, appended: what is loaded, then the stream, once it is there, then how many records are in it. A line that
is cut off was being written as the load stopped, and counts as not written.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from windrow.errors import InputError, OutputError
from windrow.times import SECOND

_VERSION = 1
_BEGINS = b'{"windrow":'
_AGAIN = "go on with the same files and options, or name another journal with --journal to load these too"


class Journal:
    """How far a load is. Only one process has it open.

    resumed: whether it began before, so that records may be in the stream that no line tells of. making: how it makes
    the stream, None if that was there before. stream: what tells that from others, once it was there. done: how many
    records from the first on are in it, as was noted at `at` (ns, by this machine's clock; 0 before the stream).
    """

    def __init__(self, path: Path, file: BinaryIO, lines: list[Mapping[str, Any]]) -> None:
        self.path, self._file, self._kept = path, file, 0
        self.resumed = any("stream" in line for line in lines)
        self.making: list[Any] | None = next((line["makes"] for line in reversed(lines) if "makes" in line), None)
        self.stream: str | None = next((line["stream"] for line in lines if "stream" in line), None)
        self.done: int = next((line["done"] for line in reversed(lines) if "done" in line), 0)
        self.at: int = next((line["at"] for line in reversed(lines) if "at" in line), 0)

    def note(self, **fields: Any) -> None:
        """Appends a line."""
        self._file.write(orjson.dumps(fields) + b"\n")
        self._file.flush()

    def makes(self, making: list[Any]) -> None:
        """Notes how the stream is being made, whose retention and encryption a load that goes on must see to."""
        self.making = making
        self.note(makes=making)
        self.keep()

    def found(self, stream: str) -> None:
        """Notes which stream it is. Raises InputError if it was another."""
        if self.stream is None:
            self.stream, self.at = stream, time.time_ns()
            self.note(stream=stream, at=self.at)
            self.keep()
        elif self.stream != stream:
            raise InputError(
                f"{self.path}: is the journal of a load into another stream, {self.stream!r}, not {stream!r}; a load"
                " goes on in its own; delete the journal to load all into this one"
            )

    def took(self, done: int) -> None:
        """Notes how many records are in the stream."""
        self.done, self.at = done, time.time_ns()
        self.note(done=done, at=self.at)
        if self.at > self._kept + SECOND:
            self.keep()

    def keep(self) -> None:
        """Returns once all lines outlast a loss of power."""
        os.fsync(self._file.fileno())
        self._kept = time.time_ns()


@contextmanager
def journal(path: Path, records: int, digest: str) -> Iterator[Journal]:
    """The journal of a load of so many records; a new one where there is none.

    Raises InputError if it is of other records, damaged, or open elsewhere; OutputError if it cannot be written.
    """
    loads = {"windrow": _VERSION, "records": records, "digest": digest}
    try:
        file = path.open("ab+")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; name another place with --journal") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{path}: is the journal of a load that is running; wait for it, or name another with --journal"
            ) from None
        lines = _lines(path, file)
        found = Journal(path, file, lines)
        if not lines:
            found.note(**loads)
        elif lines[0] != loads:
            raise InputError(
                f"{path}: is the journal of a load of other bars, {lines[0]['records']:,} where there are {records:,}"
                f" now, or as many from other files or columns; {_AGAIN}"
            )
        yield found
        found.keep()


def _lines(path: Path, file: BinaryIO) -> list[Mapping[str, Any]]:
    """The lines of a journal; what was cut off is removed."""
    file.seek(0)
    text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    begun = not whole and (text.startswith(_BEGINS) or _BEGINS.startswith(text))
    try:
        lines = [orjson.loads(line) for line in whole.splitlines()]
        known = not lines or (lines[0].keys() == {"windrow", "records", "digest"} and lines[0]["windrow"] == _VERSION)
        known = known and all(line.keys() <= {"makes", "stream", "done", "at"} for line in lines[1:])
    except (ValueError, AttributeError):
        known = False
    if not known or (text and not lines and not begun):
        raise InputError(
            f"{path}: is no journal of a load, or damaged; name another file with --journal, and, if it was one, load"
            " into a stream that has none of the records yet"
        )
    file.truncate(len(whole))
    return lines
