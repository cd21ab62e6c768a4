"""Byte ranges and whole inputs -> parsed bars, in a task that opens or fetches them itself.

Of files on HDFS, over WebHDFS, and of objects on S3 a task reads the parts that it needs. What only Hadoop's client can
reach is copied whole to a file beside the task: objects of S3 too, if the cluster's Hadoop reads these.
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
from windrow.storage.open import named
from windrow.storage.source import Range, Source, source_of, unchanged


def read_ranges(ranges: Sequence[Range], settled: Settled, keep_texts: bool = False) -> Iterator[tuple[Bars, str]]:
    """The bars of these ranges, chunk by chunk, and the user's name for the input they come from.

    Memory: one chunk, and what its source prefetches. Raises InputError for an input that is damaged, or has changed
    since it was listed, and OSError for one that another node may read.
    """
    for asked in ranges:
        source = source_of(asked.path)
        source.expect(asked.path, asked.version)
        source.refuse_part(asked)
    with fetched([asked.path for asked in ranges]) as places:
        readable = [asked._replace(path=places[asked.path]) for asked in ranges]
        for read, asked in zip(_ahead(readable), ranges, strict=True):
            name, layout = settled.name(asked.path), settled.layout(asked.path)
            with named(read.path, name), unchanged(read.path, asked.version):
                for bars in read_bars(read.path, layout, read.start, read.start + read.length, keep_texts):
                    yield bars, name
                    del bars  # before the next ones are read


def _ahead(ranges: Sequence[Range]) -> Iterator[Range]:
    def by_source(piece: Range) -> Source:
        return source_of(piece.path)

    for source, group in groupby(ranges, by_source):
        yield from source.ahead(list(group))


@contextmanager
def fetched(uris: Sequence[str]) -> Iterator[dict[str, str]]:
    """Where each of these inputs can be read; copies are removed afterwards.

    Hadoop's client takes seconds to start; one start fetches all files with distinct names.
    """
    remote = [uri for uri in dict.fromkeys(uris) if source_of(uri).through_hadoop]
    with TemporaryDirectory(prefix="windrow-", dir=os.getcwd()) as folder:
        copies = dict(_get(remote, Path(folder))) if remote else {}
        yield {uri: copies.get(uri) or source_of(uri).opened_as(uri) for uri in uris}


def _get(uris: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    from windrow.storage import hdfs  # a task's start is part of its cost

    waiting = list(uris)
    while waiting:
        by_name = {uri.rpartition("/")[2]: uri for uri in reversed(waiting)}
        place = folder / str(len(waiting))
        place.mkdir()
        if reason := hdfs.get(list(by_name.values()), place):
            raise InputError(f"{', '.join(by_name.values())[:300]}: cannot be fetched: {reason}; check its permissions")
        yield from ((uri, str(place / name)) for name, uri in by_name.items())
        waiting = [uri for uri in waiting if uri not in by_name.values()]
