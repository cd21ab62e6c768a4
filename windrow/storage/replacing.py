"""A file that is replaced only where nobody else has replaced it in the meantime."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from hashlib import file_digest
from pathlib import Path
from shutil import copyfileobj

from windrow.storage.newfile import hidden_beside


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
