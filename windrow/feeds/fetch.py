"""Inputs on HDFS -> files beside the task that reads them whole: Parquet, zstd, and small files by the hundred.

Objects of S3 come the same way where the cluster's Hadoop reads S3; elsewhere a task reads what it needs of them.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from windrow.errors import InputError
from windrow.feeds.settle import bare
from windrow.storage import hdfs
from windrow.storage.s3 import is_s3

_FAR = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*:/")


@contextmanager
def fetched(uris: Sequence[str]) -> Iterator[dict[str, str]]:
    """Where each of these files can be read; copies of those on HDFS are removed afterwards.

    One start of Hadoop's client, some seconds, brings all files whose names differ.
    """
    far = [uri for uri in dict.fromkeys(uris) if _FAR.match(uri) and not (is_s3(uri) and hdfs.CLIENT not in os.environ)]
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as folder:
        copies = dict(_get(far, Path(folder)))
        yield {uri: copies.get(uri, uri if is_s3(uri) else bare(uri)) for uri in uris}


def _get(uris: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    waiting = list(uris)
    while waiting:
        by_name = {uri.rpartition("/")[2]: uri for uri in reversed(waiting)}
        place = folder / str(len(waiting))
        place.mkdir()
        if said := hdfs.get(list(by_name.values()), place):
            raise InputError(
                f"{', '.join(by_name.values())[:300]}: cannot be fetched: {said}; check that it is readable"
            )
        yield from ((uri, str(place / name)) for name, uri in by_name.items())
        waiting = [uri for uri in waiting if uri not in by_name.values()]
