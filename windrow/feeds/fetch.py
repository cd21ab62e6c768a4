"""Inputs on HDFS -> files beside the task that reads them whole: Parquet, zstd, and small files by the hundred."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from windrow.errors import InputError
from windrow.feeds.settle import bare

_FAR = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*:/")
#: Tells a task where the submitter's Hadoop client is, for nodes that have none on their path.
CLIENT = "windrow_hadoop_client"


@contextmanager
def fetched(uris: Sequence[str]) -> Iterator[dict[str, str]]:
    """Where each of these files can be read; copies of those on HDFS are removed afterwards.

    One start of Hadoop's client, some seconds, brings all files whose names differ.
    """
    far = [uri for uri in dict.fromkeys(uris) if _FAR.match(uri)]
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as folder:
        copies = dict(_get(far, Path(folder)))
        yield {uri: copies.get(uri, bare(uri)) for uri in uris}


def _get(uris: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    waiting = list(uris)
    while waiting:
        by_name = {uri.rpartition("/")[2]: uri for uri in reversed(waiting)}
        place = folder / str(len(waiting))
        place.mkdir()
        done = subprocess.run([*_client(), "fs", "-get", *by_name.values(), str(place)], capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise InputError(
                f"{', '.join(by_name.values())[:300]}: cannot be fetched: {said}; check that it is readable"
            )
        yield from ((uri, str(place / name)) for name, uri in by_name.items())
        waiting = [uri for uri in waiting if uri not in by_name.values()]


def _client() -> list[str]:
    homes = [os.environ[name] for name in ("HADOOP_HOME", "HADOOP_COMMON_HOME") if name in os.environ]
    for place in (shutil.which("hadoop"), *(f"{home}/bin/hadoop" for home in homes)):
        if place and os.access(place, os.X_OK):
            return [place]
    return os.environ.get(CLIENT, "hadoop").split()
