"""The partition: the symbol alone decides, the same in every process."""

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys import shuffle
from sort_keys.keys import encode_slice, encode_symbol
from tests.sort_keys.checks import HARD_SYMBOLS, SYMBOLS, TIMES, assert_red, check_partition, mutant

PAIRS = st.lists(st.tuples(SYMBOLS, TIMES), max_size=30).map(
    lambda pairs: pairs + [(s, t + 1) for s, t in pairs if t < 9]
)
REDUCERS = st.integers(1, 40)


@settings(max_examples=200, deadline=None)
@given(PAIRS, REDUCERS)
def test_a_symbol_has_one_reducer(pairs, reducers):
    check_partition(pairs, reducers)


def test_control_a_partition_on_the_whole_key_tears_symbols_apart():
    whole = mutant(shuffle, ('line.index(b"\\t")]', 'line.index(b"\\t", line.index(b"\\t") + 1)]')).partition
    assert_red(lambda pairs, reducers: check_partition(pairs, reducers, whole), PAIRS, REDUCERS)


@settings(max_examples=100, deadline=None)
@given(PAIRS, REDUCERS, st.lists(st.integers(0, 99), min_size=30, max_size=60), st.booleans())
def test_many_lines_are_parted_as_each_is(pairs, reducers, numbers, sliced):
    fields = [encode_symbol(symbol) for symbol, _ in pairs]
    if sliced:
        fields[::2] = [encode_slice(field, number) for field, number in zip(fields[::2], numbers, strict=False)]
    lines = [field + b"\t8000000000000000\t%:1\n" for field in fields]
    assert shuffle.partitions(lines, reducers) == [shuffle.partition(line, reducers) for line in lines]


def test_every_reducer_gets_its_share():
    owners = [shuffle.partition(b"S%04d\t8000000000000000\t" % i, 7) for i in range(7000)]
    assert all(800 < owners.count(reducer) < 1200 for reducer in range(7))


def test_other_processes_agree():
    lines = [symbol.encode("unicode_escape").replace(b"\\", b"/") + b"\t" for symbol in HARD_SYMBOLS]
    code = f"from sort_keys.shuffle import partition; print([partition(line, 9) for line in {lines!r}])"
    found = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found == [f"{[shuffle.partition(line, 9) for line in lines]}\n"] * 2


def test_hadoop_sorts_on_both_fields_and_partitions_on_the_first():
    assert shuffle.HADOOP_OPTIONS["stream.num.map.output.key.fields"] == "2"
    assert shuffle.HADOOP_OPTIONS["mapreduce.partition.keypartitioner.options"] == "-k1,1"
    assert shuffle.PARTITIONER.endswith("KeyFieldBasedPartitioner")
