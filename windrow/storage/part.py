"""A task's own part of the output: there whole once the task has ended well, and never otherwise.

A task may be killed at any moment, be tried again, or run twice at once. Here, a part has a hidden name until it is
whole. On Hadoop it is written beside the task and then put into the attempt's own folder: Hadoop's committer promotes
the files of one attempt of each task, and removes those of the others.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from windrow.storage import hdfs
from windrow.storage.newfile import new_file

_TASK = "mapreduce_task_"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


@contextmanager
def own_part(suffix: str) -> Iterator[BinaryIO]:
    """A file for this task to write, published as part-NNNNN and the suffix when the block ends well.

    Raises OutputError where it cannot be written here, and OSError where HDFS does not take it: the next attempt may
    fare better.
    """
    name, folder = f"part-{int(os.environ[f'{_TASK}partition']):05}{suffix}", os.environ[f"{_TASK}output_dir"]
    if not _URI.match(folder):
        with suppress(OSError):  # new_file says what is wrong
            Path(folder).mkdir(parents=True, exist_ok=True)
        with new_file(Path(folder, name), force=True) as file:
            yield file
        return
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as beside:
        place = Path(beside, name)
        with place.open("wb") as file:
            yield file
        if why := hdfs.put(place, f"{folder}/{name}"):
            raise OSError(f"{folder}/{name}: cannot be written: {why}")


def of_this_task(number: int, folder: str) -> dict[str, str]:
    """What a task is told, in its environment, of itself, as Hadoop tells it: its number, and where it may write."""
    return {f"{_TASK}partition": str(number), f"{_TASK}output_dir": folder}
