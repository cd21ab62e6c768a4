"""What the submitter of `-r hadoop` does with files on the cluster: by WebHDFS in milliseconds, or by Hadoop's client,
which starts a JVM for each question and takes a second or two.

    Files         the questions
    WebFiles      answers of WebHDFS, for files on HDFS where it was found
    ClientFiles   answers of `hadoop fs`, for files wherever it can reach
"""

import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from windrow.errors import InputError
from windrow.storage import hdfs
from windrow.storage.hdfs.places import OFF, PROPERTY, Found
from windrow.storage.hdfs.source import path_of
from windrow.storage.hdfs.web_error import WebError
from windrow.storage.source import Version

if TYPE_CHECKING:
    from windrow.storage.hdfs.web import Status

#: The most files that one start of Hadoop's client is asked about: its arguments are limited.
_STATS = 5000
_PIECE = 1 << 20

#: Files and their sizes, and folders.
Listed = tuple[dict[str, int], list[str]]


class Files(ABC):
    """What is on a cluster's file system. Methods raise InputError for what is not there, or refused."""

    @abstractmethod
    def listed(self, uris: Sequence[str], recursive: bool) -> Listed:
        """The files that are named, or in folders that are, and the folders in these."""

    @abstractmethod
    def versions(self, uris: Sequence[str]) -> dict[str, Version]:
        """Length and time of modification of each of these files."""

    @abstractmethod
    def head(self, uri: str, length: int) -> bytes:
        """The first bytes of a file, fewer if they cannot be read."""

    @abstractmethod
    def last_byte(self, uri: str, size: int) -> AbstractContextManager[Callable[[], bytes]]:
        """A function that gives the last byte of a file, asked for meanwhile."""

    @abstractmethod
    def names(self, folder: str) -> dict[str, bool]:
        """The names in a folder, and whether they are those of files."""

    @abstractmethod
    def exists(self, uri: str) -> bool:
        """Whether there is a file or folder."""

    @abstractmethod
    def pieces(self, uris: Sequence[str]) -> Iterator[bytes]:
        """The bytes of files, one after the other."""

    @abstractmethod
    def upload(self, places: Mapping[str, str], folder: str) -> None:
        """Copies files from here, place -> path, below a new folder."""

    @abstractmethod
    def remove(self, *uris: str) -> None:
        """Removes files and folders, as far as they are there."""

    @abstractmethod
    def rename(self, uri: str, new: str) -> None:
        """Gives a folder another name. Raises FileExistsError, with that folder removed, where something has it."""

    @abstractmethod
    def move(self, uris: Sequence[str], folder: str) -> None:
        """Moves files into a folder."""

    def matching(self, folder: str, pattern: str) -> list[str]:
        """URIs of the files in a folder whose names match, in order."""
        return [f"{folder}/{name}" for name, is_file in sorted(self.names(folder).items())
                if is_file and fnmatchcase(name, pattern)]  # fmt: skip


class WebFiles(Files):
    """Files on HDFS, over WebHDFS."""

    def __init__(self, found: Found) -> None:
        self._web = found.web()

    def listed(self, uris: Sequence[str], recursive: bool) -> Listed:
        """Asks for each folder once."""
        files: dict[str, int] = {}
        folders: list[str] = []
        waiting = list(reversed(uris))
        while waiting:
            uri = waiting.pop()
            with _told(uri, "listed"):
                for status in self._web.listed(path_of(uri)):
                    place = f"{uri.rstrip('/')}/{status.name}" if status.name else uri
                    if not status.is_folder:
                        files[place] = status.size
                    elif recursive:
                        waiting.append(place)
                    else:
                        folders.append(place)
        return files, folders

    def versions(self, uris: Sequence[str]) -> dict[str, Version]:
        """Lists the folders of files, unless it takes fewer requests to ask for each file."""
        by_folder: dict[str, list[str]] = {}
        for uri in uris:
            by_folder.setdefault(path_of(uri).rpartition("/")[0], []).append(uri)
        listed = {uri: status for folder, some in by_folder.items() for uri, status in self._in_folder(folder, some)}
        found: dict[str, Version] = {}
        for uri in uris:
            with _told(uri, "read"):
                status = listed.get(uri) or self._web.status(path_of(uri))
            found[uri] = {"size": status.size, "modified on HDFS": status.modified}
        return found

    def _in_folder(self, folder: str, uris: Sequence[str]) -> "Iterator[tuple[str, Status]]":
        """What the list of a folder tells of files in it, as far as it has been read: a request for each, or fewer."""
        names = {path_of(uri).rpartition("/")[2]: uri for uri in uris}
        with _told(uris[0], "read"):
            try:
                for some in islice(self._web.listed_by_parts(folder or "/"), len(uris) - 1):
                    yield from ((names.pop(one.name), one) for one in some if one.name in names)
                    if not names:
                        return
            except WebError as error:
                if not error.kind:  # else this user may read the files, but not list them
                    raise

    def head(self, uri: str, length: int) -> bytes:
        """One range."""
        with _told(uri, "read"):
            return self._web.read(path_of(uri), 0, length)

    @contextmanager
    def last_byte(self, uri: str, size: int) -> Iterator[Callable[[], bytes]]:
        """One range, when it is wanted."""
        with _told(uri, "read"):
            yield lambda: self._web.read(path_of(uri), size - 1, 1)

    def names(self, folder: str) -> dict[str, bool]:
        """Lists it."""
        with _told(folder, "listed"):
            return {status.name: not status.is_folder for status in self._web.listed(path_of(folder))}

    def exists(self, uri: str) -> bool:
        """Asks for its status."""
        with _told(uri, "read"):
            try:
                self._web.status(path_of(uri))
            except WebError as error:
                if error.is_missing:
                    return False
                raise
        return True

    def pieces(self, uris: Sequence[str]) -> Iterator[bytes]:
        """Ranges of a MiB."""
        for uri in uris:
            with _told(uri, "read"):
                size = self._web.status(path_of(uri)).size
                for start in range(0, size, _PIECE):
                    yield self._web.read(path_of(uri), start, min(_PIECE, size - start))

    def upload(self, places: Mapping[str, str], folder: str) -> None:
        """Writes each file."""
        with _told(folder, "written"):
            self._web.make_folder(path_of(folder))
            for place, path in places.items():
                self._web.write(path_of(place), Path(path))

    def remove(self, *uris: str) -> None:
        """Removes each."""
        for uri in uris:
            with _told(uri, "removed"):
                self._web.remove(path_of(uri))

    def rename(self, uri: str, new: str) -> None:
        """By HDFS's own rename, which refuses a name that is taken."""
        with _told(new, "written"):
            try:
                self._web.rename(path_of(uri), path_of(new))
            except WebError as error:
                if error.kind == "FileAlreadyExistsException":
                    self._web.remove(path_of(uri))
                    raise FileExistsError(new) from error
                raise

    def move(self, uris: Sequence[str], folder: str) -> None:
        """Renames each."""
        for uri in uris:
            with _told(folder, "written"):
                self._web.rename(path_of(uri), f"{path_of(folder)}/{uri.rpartition('/')[2]}")


@contextmanager
def _told(uri: str, done: str) -> Iterator[None]:
    try:
        yield
    except WebError as error:
        otherwise = "" if error.kind else f", or have Hadoop's client do it: -D {PROPERTY}={OFF}"
        cure = error.cure or f"check the path, its permissions, and that the cluster is up{otherwise}"
        raise InputError(f"{uri}: cannot be {done} over WebHDFS: {error}; {cure}") from None


class ClientFiles(Files):
    """Files wherever Hadoop's client can reach. `command` starts it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)

    def run(self, *arguments: str) -> bytes:
        """The output of a command of Hadoop's client; InputError with its message if it fails."""
        done = subprocess.run([*self._command, *arguments], capture_output=True)
        if done.returncode:
            lines = done.stderr.decode().splitlines()
            output = [line for line in lines if not line.startswith(("SLF4J", "log4j", "20"))]
            raise InputError(
                f"{' '.join(arguments[2:])[:300]}: `hadoop {' '.join(arguments[:2])}` failed:"
                f" {(output or ['it gave no reason'])[-1]}; check the path, its permissions, and that the cluster is up"
            )
        return done.stdout

    def listed(self, uris: Sequence[str], recursive: bool) -> Listed:
        """One call."""
        listed = self.run("fs", "-ls", *(["-R"] if recursive else []), *uris)
        return dict(hdfs.entries(listed, "-")), [uri for uri, _ in hdfs.entries(listed, "d")]

    def versions(self, uris: Sequence[str]) -> dict[str, Version]:
        """One call for thousands."""
        found: dict[str, Version] = {}
        for begin in range(0, len(uris), _STATS):
            some = uris[begin : begin + _STATS]
            lines = self.run("fs", "-stat", "%b %Y", *map(hdfs.literally, some)).decode().splitlines()
            for uri, line in zip(some, lines, strict=True):
                size, modified = map(int, line.split())
                found[uri] = {"size": size, "modified on HDFS": modified}
        return found

    def head(self, uri: str, length: int) -> bytes:
        """What it prints, as far as needed."""
        with subprocess.Popen(
            [*self._command, "fs", "-cat", uri], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as cat:
            assert cat.stdout is not None
            head = cat.stdout.read(length)
            cat.kill()
        return head

    @contextmanager
    def last_byte(self, uri: str, size: int) -> Iterator[Callable[[], bytes]]:
        """Asked for meanwhile, as the client takes seconds."""
        command = [*self._command, "fs", "-tail", uri]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
            try:
                yield lambda: tail.communicate()[0][-1:]
            finally:
                tail.kill()

    def names(self, folder: str) -> dict[str, bool]:
        """Lists it."""
        listed = self.run("fs", "-ls", folder)
        return {uri.rpartition("/")[2]: kind == "-" for kind in "-d" for uri, _ in hdfs.entries(listed, kind)}

    def exists(self, uri: str) -> bool:
        """Tests it."""
        return not subprocess.run([*self._command, "fs", "-test", "-e", uri], capture_output=True).returncode

    def pieces(self, uris: Sequence[str]) -> Iterator[bytes]:
        """What one call prints of all."""
        command = [*self._command, "fs", "-cat", *map(hdfs.literally, uris)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as cat:
            assert cat.stdout is not None
            while piece := cat.stdout.read(_PIECE):
                yield piece
        if cat.returncode:
            raise InputError(f"{uris[0]}: cannot be read; Hadoop's message is above")

    def upload(self, places: Mapping[str, str], folder: str) -> None:
        """All in one call: each takes a second or two."""
        with tempfile.TemporaryDirectory(prefix="windrow-") as gathered:
            for place, path in places.items():
                link = Path(gathered) / place.removeprefix(folder + "/")
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(Path(path).absolute())
            self.run("fs", "-mkdir", "-p", folder)
            self.run("fs", "-put", "-f", *map(str, Path(gathered).iterdir()), folder)

    def remove(self, *uris: str) -> None:
        """One call for all."""
        with suppress(InputError):
            self.run("fs", "-rm", "-R", "-f", "-skipTrash", *map(hdfs.literally, uris))

    def rename(self, uri: str, new: str) -> None:
        """Hadoop moves into what exists, so what is there then is looked at."""
        self.run("fs", "-mv", uri, new)
        inside = f"{new}/{uri.rpartition('/')[2]}"
        if self.exists(inside):
            self.remove(inside)
            raise FileExistsError(new)

    def move(self, uris: Sequence[str], folder: str) -> None:
        """One call for all."""
        if uris:
            self.run("fs", "-mv", *map(hdfs.literally, uris), folder)
