"""HDFS as a source: `-r hadoop` lists files and publishes outputs; tasks open files over WebHDFS, or fetch copies."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from windrow.errors import InputError, OutputError
from windrow.storage.hdfs.command import put
from windrow.storage.hdfs.places import OFF, PROPERTY, Found, of_task
from windrow.storage.hdfs.web_error import WebError
from windrow.storage.local import without_host
from windrow.storage.source import Range, Source, Version, refuse_changed

if TYPE_CHECKING:
    from windrow.storage.hdfs.web import Status


class HadoopSource(Source):
    """Files at hdfs:// and at every scheme that windrow does not know."""

    schemes = ("hdfs",)

    def __init__(self) -> None:
        self._last: tuple[str, Status] | None = None

    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """Raises InputError: see `_refuse`."""
        _refuse(argument)

    def size(self, uri: str) -> int:
        """Bytes of a file, for a task."""
        return self._known(uri).size

    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """A file, for a task; it reads ahead, and no request crosses the end of a block."""
        from windrow.storage.ahead import Ahead  # a task's start is part of its cost

        web, path, status = _reached(uri).web(), path_of(uri), self._known(uri)

        def get(start: int, length: int) -> bytes:
            try:
                return web.read(path, start, min(length, status.size - start))
            except WebError as error:
                raise _unreadable(uri, error) from error

        return cast(BinaryIO, Ahead(status.size, get, end, grid=status.block))

    def _known(self, uri: str) -> "Status":
        """What HDFS told last of a file, if that was the last one that it was asked for."""
        if self._last is None or self._last[0] != uri:
            self._asked(uri)
        assert self._last is not None
        return self._last[1]

    def _asked(self, uri: str) -> "Status":
        """What HDFS tells of a file now."""
        found = _reached(uri)
        try:
            self._last = uri, found.web().status(path_of(uri))
        except WebError as error:
            raise _unreadable(uri, error) from error
        return self._last[1]

    def canonical(self, uri: str) -> str:
        """The path, without scheme and host, which tasks and submitter may spell differently."""
        return without_host(uri)

    def opened_as(self, uri: str) -> str:
        """The URI as it is."""
        return uri

    def latest(self, uri: str) -> Version:
        """Length and time of modification of the file that is there now, for a task."""
        status = self._asked(uri)
        return {"size": status.size, "modified on HDFS": status.modified}

    def check(self, uri: str, version: Version) -> None:
        """Raises InputError unless the file is still that version."""
        if version:
            refuse_changed(uri, version, self.latest(uri))

    def refuse_part(self, asked: Range) -> None:
        """Where a task was told of WebHDFS but does not reach it: those of all other parts would copy the file, too."""
        if self.through_hadoop and asked.length < int(asked.version.get("size", 0)):
            raise OSError(
                f"{asked.path}: WebHDFS is not reached from {os.uname().nodename}, and each of its tasks would copy all"
                f" of it for a part; let the cluster's nodes reach its address, or have Hadoop read it:"
                f" -D {PROPERTY}={OFF}"
            )

    def refuse_taken(self, output: str) -> None:
        """Raises OutputError: see `refuse_unwritable`."""
        self.refuse_unwritable(output)

    def refuse_unwritable(self, output: str) -> None:
        """Raises OutputError: `-r hadoop` publishes outputs itself."""
        raise OutputError(
            f"{output}: can only be written by Hadoop; run the job with -r hadoop, or choose a directory on this"
            " machine with --output-dir"
        )

    @property
    def through_hadoop(self) -> bool:
        """Unless this is a task that was told of WebHDFS, and reaches it."""
        return of_task() is None


def write(place: Path, uri: str, makes_folder: bool = False) -> str:
    """Copies a local file to HDFS by what this task can reach: WebHDFS, or `command.put`; why it failed, or ''."""
    found = of_task()
    if found is None or not found.has(uri):
        return put(place, uri, makes_folder)
    try:
        found.web().write(path_of(uri), place)
    except WebError as error:
        return str(error)
    return ""


def path_of(uri: str) -> str:
    """The path of a URI, which nothing in it is decoded in.

    >>> path_of("hdfs://one:8020/bars/a%20b.csv"), path_of("hdfs:/bars")
    ('/bars/a%20b.csv', '/bars')
    """
    return without_host(uri)


def _reached(uri: str) -> Found:
    found = of_task()
    if found is None or not found.has(uri):
        _refuse(uri)
    return found


def _unreadable(uri: str, error: WebError) -> InputError:
    return InputError(
        f"{uri}: cannot be read over WebHDFS: {error}; check its permissions, and that the cluster is healthy, or have"
        f" Hadoop read it: -D {PROPERTY}={OFF}"
    )


def _refuse(uri: str) -> NoReturn:
    raise InputError(f"{uri}: can only be read by Hadoop; run the job with -r hadoop, or copy the file to this machine")


SOURCE = HadoopSource()
