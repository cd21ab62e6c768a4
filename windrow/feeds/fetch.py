"""Inputs that only Hadoop's client can read -> files beside the task that reads them.

Parquet, zstd, and small files by the hundred go to tasks whole. Objects of S3 come the same way where the cluster's
Hadoop reads S3; elsewhere a task reads what it needs of them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from windrow.errors import InputError
from windrow.storage import hdfs
from windrow.storage.source import canonical, source_of


@contextmanager
def fetched(uris: Sequence[str]) -> Iterator[dict[str, str]]:
    """Where each of these inputs can be read; copies are removed afterwards.

    One start of Hadoop's client, some seconds, fetches all files whose names differ.
    """
    far = [uri for uri in dict.fromkeys(uris) if source_of(uri).through_hadoop]
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as folder:
        copies = dict(_get(far, Path(folder)))
        yield {uri: copies.get(uri, canonical(uri)) for uri in uris}


def _get(uris: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    waiting = list(uris)
    while waiting:
        by_name = {uri.rpartition("/")[2]: uri for uri in reversed(waiting)}
        place = folder / str(len(waiting))
        place.mkdir()
        if reason := hdfs.get(list(by_name.values()), place):
            raise InputError(
                f"{', '.join(by_name.values())[:300]}: cannot be fetched: {reason}; check that it is readable"
            )
        yield from ((uri, str(place / name)) for name, uri in by_name.items())
        waiting = [uri for uri in waiting if uri not in by_name.values()]
