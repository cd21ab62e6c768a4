"""The shuffle on one machine: every line reaches its reducer once, in order, however long the runs are."""

import json
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sort_keys.shuffle import partition
from windrow.runners import shuffle

rest = st.binary(max_size=8).map(lambda text: text.replace(b"\n", b""))
lines = st.lists(st.builds(lambda key, text: key + b"\t" + text + b"\n", st.sampled_from([b"A", b"AA", b"B"]), rest))


@given(outputs=st.lists(lines, max_size=4), reducers=st.integers(1, 3), run_bytes=st.sampled_from([1, 200, 1 << 20]))
def test_every_line_reaches_its_reducer_once_and_in_order(tmp_path_factory, outputs, reducers, run_bytes):
    folder = tmp_path_factory.mktemp("shuffle")
    paths = [str(folder / f"mapper{number}") for number in range(len(outputs))]
    with patch.multiple(shuffle, _RUN_BYTES=run_bytes, _READ_BYTES=1, _LEAST_READ=3):
        for path, output in zip(paths, outputs, strict=True):
            (folder / path).write_bytes(b"".join(output))
            shuffle.divide(path, reducers)
        for reducer in range(reducers):
            shuffle.gather(paths, reducer, str(folder / "input"))
            mine = [line for output in outputs for line in output if partition(line, reducers) == reducer]
            assert (folder / "input").read_bytes() == b"".join(sorted(mine))


@pytest.mark.parametrize("runs", [1, 3])
def test_a_run_is_written_when_it_is_long_enough(tmp_path, runs):
    path = tmp_path / "mapper"
    path.write_bytes(b"".join(b"A\t%05d\n" % number for number in range(3000)))
    with patch.object(shuffle, "_RUN_BYTES", (8 + shuffle._LINE_OVERHEAD) * 3000 // runs):
        shuffle.divide(str(path), 1)
    (parts,) = json.loads(path.read_text())
    assert len(parts) == runs
