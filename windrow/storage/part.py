"""A part of the output that a task writes itself: it appears whole once the task has succeeded, or not at all.

A task may be killed at any moment, retried, or run twice at once. On this machine a part has a hidden name until it is
complete. On Hadoop it is written beside the task and then copied to the attempt's own folder, over WebHDFS, to S3 by
boto3, or by Hadoop's client: Hadoop's committer promotes the files of one attempt of each task, and removes those of
the others.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from windrow.errors import OutputError
from windrow.storage.compressed import compressing, is_compressed
from windrow.storage.newfile import new_file

#: Set in the environment of tasks on Hadoop that write the lines of the output themselves.
OWN_LINES = "windrow_own_lines"
_TASK = "mapreduce_task_"
#: Schemes of S3, and the folder whose files exist only for Hadoop's client until they are committed.
_S3, _MAGIC = ("s3:", "s3a:", "s3n:"), "/__magic"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


@contextmanager
def own_part(suffix: str) -> Iterator[BinaryIO]:
    """A file for this task to write, published as part-NNNNN and the suffix when the block succeeds.

    A suffix that ends as compressed lines do has them compressed.
    Raises OutputError if it cannot be written here, and OSError if HDFS does not accept it: the next attempt may
    succeed.
    """
    name, folder = f"part-{int(os.environ[f'{_TASK}partition']):05}{suffix}", os.environ[f"{_TASK}output_dir"]
    if not _URI.match(folder):
        refuse_gone(folder)
        try:
            with new_file(Path(folder, name), force=True) as file, _text(file, name) as text:
                yield text
        except OutputError:
            refuse_gone(folder)
            raise
        return
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as beside:
        place = Path(beside, name)
        with place.open("wb") as file, _text(file, name) as text:
            yield text
        if reason := _sent(place, f"{folder}/{name}"):
            raise OSError(f"{folder}/{name}: cannot be written: {reason}")


def _sent(place: Path, uri: str) -> str:
    """Copies a part to the attempt's folder; why it failed, or ''. Imports what it needs: a task's start is a cost.

    Where S3 refuses this task, as where only Hadoop knows the credentials, Hadoop's client sends it.
    """
    refused = ""
    if writes_lines() and uri.lower().startswith(_S3) and _MAGIC not in uri:
        from windrow.storage import s3

        try:
            s3.upload({uri: place})
        except OutputError as error:
            refused = f"{error}; nor by Hadoop's client: "
        else:
            return ""
    from windrow.storage import hdfs

    try:
        # Where Hadoop writes no lines, it makes no folder for them.
        reason = hdfs.write(place, uri, makes_folder=writes_lines())
    except FileNotFoundError as error:
        reason = str(error)
    return reason and f"{refused}{reason}"


def _text(file: BinaryIO, name: str) -> AbstractContextManager[BinaryIO]:
    return compressing(file, Path(name).suffix) if is_compressed(name) else nullcontext(file)


def writes_lines() -> bool:
    """Whether this task writes its lines to a part itself: Java would take them back one by one."""
    return OWN_LINES in os.environ


def refuse_gone(folder: str) -> None:
    """Raises OutputError if the folder of a run's parts is gone: made again, it would lack what was in it."""
    if not Path(folder).exists():
        raise OutputError(
            f"{folder}: was removed while the job ran, with what was written there; find out what removes it, or choose"
            " another place with --output-dir"
        )


def of_this_task(number: int, folder: str) -> dict[str, str]:
    """A task's own environment variables, as Hadoop sets them: its number, and where it may write."""
    return {f"{_TASK}partition": str(number), f"{_TASK}output_dir": folder}
