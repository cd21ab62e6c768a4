"""Hadoop's command: what it prints, and what tasks do by it. On a task's node it may be at another place than on the
submitter's machine, or not on the path.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from windrow.errors import InputError
from windrow.storage.source import canonical, data_among, last_part, source_of, warn_of_skipped

#: The environment variable with the submitter's Hadoop client, for nodes that have none on their path.
CLIENT = "windrow_hadoop_client"
#: Characters by which an argument names several files or directories.
_GLOB = re.compile(r"[*?\[\]{}]")


def is_glob(uri: str) -> bool:
    """Whether a URI has characters by which it may name several files for Hadoop.

    >>> is_glob("hdfs:///bars/{a,b}.csv"), is_glob("hdfs:///bars/a.csv")
    (True, False)
    """
    return _GLOB.search(uri) is not None


def entries(listed: bytes, kind: str) -> Iterator[tuple[str, int]]:
    """The files (`-`) or the directories (`d`), and their sizes, in what `hadoop fs -ls` printed."""
    fields = (line.split(None, 7) for line in listed.decode().splitlines() if line[:1] == kind)
    return ((field[7], int(field[4])) for field in fields)


def inputs_in(
    files: Mapping[str, int], folders: Sequence[str], arguments: Sequence[str], recursive: bool = False
) -> dict[str, int]:
    """The inputs that arguments name, and their sizes, among the files and folders that were listed for them.

    Raises InputError for a directory without files; warns of what is in a directory, but is none.
    """
    asked = set(map(canonical, arguments))
    roots = [_GLOB.split(one, maxsplit=1)[0].rpartition("/")[0] if is_glob(one) else one for one in asked]
    found = {uri: size for uri, size in files.items() if canonical(uri) in asked or not _is_hidden(uri, roots)}
    below = () if recursive else folders
    skipped = [*(uri for uri in files if uri not in found and not recursive), *(f"{uri}/" for uri in below)]
    by_folder: dict[str, list[str]] = {}
    for uri in skipped:
        folder, name = uri.removesuffix("/").rsplit("/", 1)
        by_folder.setdefault(folder, []).append(name + "/" * uri.endswith("/"))
    for folder, names in by_folder.items():
        warn_of_skipped(folder, names)
    for argument in arguments:
        within = f"{canonical(argument).rstrip('/')}/"
        if not is_glob(argument) and not any(f"{canonical(uri)}/".startswith(within) for uri in found):
            raise InputError(
                f"{argument}: is a directory without files; a directory means the files in it, not those in"
                " subdirectories, nor those whose names begin with _ or .; name the files"
            )
    kept = data_among(list(found), set(map(last_part, arguments)), arguments[0])
    return {uri: found[uri] for uri in kept}


def _is_hidden(uri: str, roots: Sequence[str]) -> bool:
    """Whether a file, or a directory below the roots that it is in, is hidden by its name."""
    path = canonical(uri)
    within = [path[len(root) :] for root in roots if path.startswith(f"{root.rstrip('/')}/")]
    shortest = min(within, key=len, default=path.rpartition("/")[2])
    return any(part[:1] in ("_", ".") for part in shortest.split("/") if part)


def get(uris: Sequence[str], folder: Path) -> str:
    """Copies files from HDFS into a local folder by one start of the client, some seconds; why it failed, or ''."""
    return _failure("-get", *map(literally, uris), str(folder))


def put(place: Path, uri: str, makes_folder: bool = False) -> str:
    """Copies a local file to HDFS, into a folder that exists or, if it `makes_folder`, may not; why it failed, or ''.

    On S3 a folder exists only once it has an object, so it is created first: the client refuses a missing folder.
    """
    makes_folder = makes_folder or source_of(uri).remote
    reason = _failure("-mkdir", "-p", uri.rpartition("/")[0]) if makes_folder else ""
    return reason or _failure("-put", str(place), uri)


def literally(uri: str) -> str:
    r"""A name escaped for the client, which expands patterns.

    >>> print(literally("s3a://bucket/[1]*.csv"))
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
