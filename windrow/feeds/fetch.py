"""Byte ranges and whole inputs -> parsed bars, in a task that opens them itself, or fetches them.

What only Hadoop's client can read becomes a file beside the task: Parquet, zstd, and small files by the hundred go to
tasks whole. Objects of S3 come the same way where the cluster's Hadoop reads S3; elsewhere a task reads what it needs
of them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from windrow.bars.columns import Bars
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import Settled
from windrow.storage import hdfs
from windrow.storage.open import named
from windrow.storage.source import Range, Source, canonical, source_of


def read_ranges(ranges: Sequence[Range], settled: Settled, keep_texts: bool = False) -> Iterator[tuple[Bars, str]]:
    """Bars of these ranges, chunk by chunk, and what the user calls the input they come from.

    Memory: one chunk, and what its source fetches ahead. Raises InputError for an input that is damaged, or another
    than the one that was listed.
    """
    for one in ranges:
        source_of(one.path).expect(one.path, one.version)
    with fetched([one.path for one in ranges]) as places:
        readable = [one._replace(path=places[one.path]) for one in ranges]
        for read, one in zip(_ahead(readable), ranges, strict=True):
            name, layout = settled.name(one.path), settled.layout(one.path)
            with named(read.path, name):
                for bars in read_bars(read.path, layout, read.start, read.start + read.length, keep_texts):
                    yield bars, name


def _ahead(ranges: Sequence[Range]) -> Iterator[Range]:
    def source(one: Range) -> Source:
        return source_of(one.path)

    for its, group in groupby(ranges, source):
        yield from its.ahead(list(group))


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
            raise InputError(f"{', '.join(by_name.values())[:300]}: cannot be fetched: {reason}; check its permissions")
        yield from ((uri, str(place / name)) for name, uri in by_name.items())
        waiting = [uri for uri in waiting if uri not in by_name.values()]
