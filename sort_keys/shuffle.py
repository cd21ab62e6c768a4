"""Partition and group on the symbol, sort on (symbol, timestamp)."""

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
    return partition_of(line[: line.index(b"\t")], reducers)


def partition_of(field: bytes, reducers: int) -> int:
    """The same, of a key's first field."""
    if SLICE not in field:  # asked for each of many symbols, so this comes first
        return crc32(field) % reducers
    symbol, number = split_slice(field)
    return (crc32(symbol) + number) % reducers
