"""A file that is replaced only where nobody else has replaced it in the meantime; directories that are exchanged."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from hashlib import file_digest
from pathlib import Path
from shutil import copyfileobj

from windrow.storage.newfile import hidden_beside

#: Of Linux's renameat2: paths are as the process sees them; both names stay, exchanged.
_HERE, _EXCHANGE = -100, 2
#: The system's words for a file system, or a kernel, that cannot.
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def revision_of(path: Path) -> str | None:
    """A digest of a file's bytes, as S3 has one; None if there is no file.

    Numbers of inodes are used again, and the clock of a file system stands still for some milliseconds.
    """
    try:
        with path.open("rb") as file:
            return file_digest(file, "blake2b").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def replace_if(final: Path, new: Path, revision: str | None) -> str | None:
    """Copies `new` to `final` where that is of this revision (None: where nothing is); the revision that it then has.

    None, and nothing replaced, where it is of another. It appears whole, by a rename, after its bytes are on the disk.
    Two that compare at one time would both find the old revision: a lock lets one compare and rename at a time.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    copy = hidden_beside(final, "part")
    try:
        with new.open("rb") as source, copy.open("xb") as file:
            copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        with _locked(final):
            if revision_of(final) != revision:
                return None
            copy.replace(final)
            return revision_of(final)
    finally:
        with suppress(OSError):  # it has its name
            copy.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """At most one process is in this block for a path; the lock of one that is killed ends with it."""
    place = path.with_name(f".{path.name}.lock")
    while True:
        with place.open("ab") as file:
            flock(file, LOCK_EX)
            if not _is_at(place, file.fileno()):
                continue  # who had it before removed this file; a third may have the lock of a newer one
            try:
                yield
            finally:
                place.unlink()
            return


def _is_at(place: Path, number: int) -> bool:
    try:
        return os.path.samestat(place.stat(), os.fstat(number))
    except FileNotFoundError:
        return False


def exchange(one: Path, other: Path) -> None:
    """Exchanges the names of two directories that are beside each other, at once.

    On a file system that cannot, `other` has a hidden name for a moment; a process that is killed just then leaves it
    under that name.
    """
    try:
        _exchange_at_once(one, other)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        aside = hidden_beside(other, "old")
        other.rename(aside)
        try:
            one.rename(other)
        except BaseException:
            aside.rename(other)
            raise
        aside.rename(one)


def _exchange_at_once(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:  # an old C library
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))
