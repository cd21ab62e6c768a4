"""A file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from windrow.errors import OutputError


def private(path: str, flags: int) -> int:
    """An `opener` of files that only this user can read: temporary ones."""
    return os.open(path, flags, 0o600)


def refuse_taken(path: Path, force: bool) -> None:
    """Raise OutputError if `path` exists (unless `force`), is a directory, or has no parent directory."""
    if path.is_dir():
        raise OutputError(f"{path}: is a directory, but the output is one file: name a file in it")
    if path.exists() and not force:
        raise OutputError(f"{path}: already exists: choose another name, or replace it with --force")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: directory {path.parent} does not exist: create it first")


@contextmanager
def new_file(path: Path, force: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`, for writing; rename it to `path` when the block succeeds.

    An error or an interrupt inside the block removes what was written, and leaves an older file as it was.
    Raises OutputError if the path is taken (see `refuse_taken`) or cannot be written.
    """
    refuse_taken(path, force)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        refuse_taken(path, force)  # it may have appeared in the meantime
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # a read-only place refuses to remove even what does not exist
            part.unlink()
