"""A file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from windrow.errors import OutputError
from windrow.storage.source import is_uri

#: Bytes of a file's own name in a hidden one: names of up to 255 leave too little for the rest.
_OWN_NAME = 100


def hidden_beside(path: Path, kind: str) -> Path:
    """A hidden path beside `path` that no other process gives, in another container or on another machine either.

    Process ids are not enough: containers on one volume, and machines on one share, have the same.
    """
    name = os.fsdecode(os.fsencode(path.name)[:_OWN_NAME])
    return path.with_name(f".{name}.{os.uname().nodename[:32]}-{os.getpid()}-{uuid4().hex[:12]}.{kind}")


def refuse_taken(path: Path, force: bool) -> None:
    """Raise OutputError if `path` exists (unless `force`), is a directory or a URI, or has no parent directory."""
    if is_uri(str(path)):
        raise OutputError(f"{path}: is a URI, but this file is written on this machine; name a path")
    if path.is_dir():
        raise OutputError(f"{path}: is a directory, but the output is one file: name a file in it")
    if path.exists() and not force:
        raise OutputError(f"{path}: already exists: choose another name, or replace it with --force")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: directory {path.parent} does not exist: create it first")


@contextmanager
def new_file(path: Path, force: bool = False) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`, for writing; rename it to `path` when the block succeeds.

    An error or an interrupt inside the block removes what was written, and leaves an older file as it was. Of two that
    write one path, each writes a file of its own, and unless `force` only the first to end gives it the name.
    Raises OutputError if the path is taken (see `refuse_taken`) or cannot be written.
    """
    part = hidden_beside(path, "part")
    made = False
    try:
        refuse_taken(path, force)
        made = True  # before it is: a signal may come in between, and its name is nobody else's
        with part.open("xb") as file:
            yield file
        _name(part, path, force)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        if made:
            with suppress(OSError):  # it has its name
                part.unlink()


def _name(part: Path, path: Path, force: bool) -> None:
    """Gives a complete file its name."""
    refuse_taken(path, force)  # it may have appeared in the meantime
    if force:
        part.replace(path)
        return
    try:
        os.link(part, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        refuse_taken(path, force)
        raise
    except OSError:  # a file system without links
        part.replace(path)
