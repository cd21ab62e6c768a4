"""Byte ranges and whole inputs -> parsed bars, in the task that opens them itself."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from windrow.bars.columns import Bars
from windrow.feeds.fetch import fetched
from windrow.feeds.files import read_bars
from windrow.feeds.settle import Settled
from windrow.storage.open import named
from windrow.storage.source import Range, Source, source_of


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
