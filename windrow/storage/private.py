"""Temporary files, which only this user can read, and what is published, which has the modes that the umask gives."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread


def private(path: str, flags: int) -> int:
    """An `opener` of files that only this user can read: temporary ones."""
    return os.open(path, flags, 0o600)


@contextmanager
def private_files() -> Iterator[None]:
    """Only this user can read the files that this process and its children make in this block, as in 0600.

    They are temporary, and have the bars of inputs that others perhaps must not read; what is published gets the modes
    that the user's umask gives (`LocalSource.commit`). Other threads than the main one leave the umask, which all
    threads share; their files are in folders that are private all the same.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def give_usual_modes(files: Iterable[Path]) -> None:
    """Gives files the modes that they would have without `private_files`."""
    umask = os.umask(0o077)
    os.umask(umask)
    for file in files:
        with suppress(PermissionError):  # a task on another machine wrote it, as another user
            file.chmod(0o666 & ~umask)
