"""The writes of a forward test, one by one, so that a test can end the process at each; and who may make them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from windrow.errors import OutputError
from windrow.storage.private import private

_LOCK = "lock"


class Disk:
    """Writes that are on the disk when they return."""

    def write(self, path: Path, data: bytes) -> None:
        """Writes a whole file."""
        with open(path, "wb", opener=private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, before: Path, after: Path) -> None:
        """Gives a file the name of another, which it replaces."""
        os.replace(before, after)
        self._sync_folder(after.parent)

    def append(self, path: Path, at: int, data: bytes) -> None:
        """Writes behind the first `at` bytes of a file, and nothing else remains there."""
        is_new = not path.exists()
        with open(path, "wb" if is_new else "r+b", opener=private) as file:
            file.truncate(at)
            file.seek(at)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            self._sync_folder(path.parent)

    def _sync_folder(self, folder: Path) -> None:
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else has this directory in the meantime. Raises OutputError where somebody has."""
    with open(folder / _LOCK, "a+b", opener=private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read(100).decode(errors="replace").strip() or "unknown"
            raise OutputError(
                f"{folder}: is in use by another process ({owner}), and a forward test is one process; end that one, or"
                " give this one another directory by --state"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()} on {os.uname().nodename}".encode())
        file.flush()
        yield


def is_own(name: str) -> bool:
    """Whether a file is the lock."""
    return name == _LOCK
