"""Partition and group on the symbol, sort on (symbol, timestamp)."""

from collections.abc import Sequence
from zlib import crc32

from sort_keys.keys import SLICE, split_slice

#: Reads the key's first field only; Hadoop's default would hash (symbol, timestamp) and split symbols.
PARTITIONER = "org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner"

#: Hadoop sorts on both fields with its default byte comparator (a key's byte order is its order) and
#: partitions on the first, whose hash differs between a symbol's slices. Grouping is done by the reducer, which
#: reads the first field of each line.
HADOOP_OPTIONS = {
    "stream.num.map.output.key.fields": "2",
    "stream.map.output.field.separator": "\t",
    "mapreduce.partition.keypartitioner.options": "-k1,1",
    "mapreduce.map.output.key.field.separator": "\t",
    # Tasks get every option in their environment, and the list of inputs may be longer than a variable can be.
    "stream.jobconf.truncate.limit": "20000",
}

#: For jobs without a reducer, to whose lines Streaming would add a tab.
MAP_ONLY_OPTIONS = {"stream.map.output": "keyonlytext"}


def partition(line: bytes, reducers: int) -> int:
    r"""The reducer (0-based) that gets a shuffled line: a hash of its symbol, the same in every process.

    A symbol's slices go to one reducer after another, so that all get equally many.

    >>> partition(b"AA\t8000000000000000\t...", 3) == partition(b"AA\t8000000000000001\t...", 3)
    True
    >>> [partition(b"AA%%:%d\t80" % number, 3) for number in (7, 8, 9, 10)]
    [1, 2, 0, 1]
    """
    return _partition(line[: line.index(b"\t")], reducers)


def partitions(lines: Sequence[bytes], reducers: int) -> list[int]:
    r"""What `partition` returns for each; mostly none is of a slice, which is checked for all of them at once.

    >>> partitions([b"AA\t...", b"BB\t...", b"AA%:1\t..."], 3)
    [0, 1, 1]
    """
    fields = [one[: one.index(b"\t")] for one in lines]
    if SLICE in b"\t".join(fields):
        return [_partition(field, reducers) for field in fields]
    return [crc32(field) % reducers for field in fields]


def _partition(field: bytes, reducers: int) -> int:
    symbol, number = split_slice(field)
    return (crc32(symbol) + number) % reducers
