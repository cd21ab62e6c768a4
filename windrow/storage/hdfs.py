"""Hadoop's client, as tasks call it: the node that a task runs on may have it at another place, or none on its path."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from windrow.storage.s3.names import is_s3

#: Tells a task where the submitter's Hadoop client is, for nodes that have none on their path.
CLIENT = "windrow_hadoop_client"


def get(uris: Sequence[str], folder: Path) -> str:
    """Copies files on HDFS into a folder here by one start of the client, some seconds; why it failed, or nothing."""
    return _failure("-get", *map(_literally, uris), str(folder))


def put(place: Path, uri: str) -> str:
    """Copies a file from here to HDFS, into a folder that is there; why it failed, or nothing.

    On S3 a folder is there from its first object on, so it is made: the client puts nothing into none.
    """
    said = _failure("-mkdir", "-p", uri.rpartition("/")[0]) if is_s3(uri) else ""
    return said or _failure("-put", str(place), uri)


def _literally(uri: str) -> str:
    r"""A name as the client takes it, which reads patterns.

    >>> print(_literally("s3a://bucket/[1]*.csv"))
    s3a://bucket/\[1\]\*.csv
    """
    return re.sub(r"[\\*?\[\]{}^]", r"\\\g<0>", uri)


def _failure(*arguments: str) -> str:
    done = subprocess.run([*_client(), "fs", *arguments], capture_output=True)
    if not done.returncode:
        return ""
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2] or f"exit status {done.returncode}"


def _client() -> list[str]:
    homes = [os.environ[name] for name in ("HADOOP_HOME", "HADOOP_COMMON_HOME") if name in os.environ]
    for place in (shutil.which("hadoop"), *(f"{home}/bin/hadoop" for home in homes)):
        if place and os.access(place, os.X_OK):
            return [place]
    return os.environ.get(CLIENT, "hadoop").split()
