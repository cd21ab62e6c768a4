"""How inputs are shared among mappers: every byte once, whole files where they cannot be split."""

from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.runners import simulated
from windrow.runners.simulated import plan_tasks


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["csv", "csv.gz", "parquet", "zst", "txt"]), st.integers(0, 500)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 8),
    st.integers(10, 300),
)
def test_every_byte_is_in_exactly_one_range(tmp_path_factory, files, cores, most):
    folder = tmp_path_factory.mktemp("inputs")
    paths = [str(folder / f"{number}.{suffix}") for number, (suffix, _) in enumerate(files)]
    for path, (_, size) in zip(paths, files, strict=True):
        Path(path).write_bytes(b"x" * size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "SPLIT_BYTES", most)
        tasks = list(plan_tasks(paths, cores))
    ranges = [piece for task in tasks for piece in task]
    assert all(task for task in tasks)
    for path, (suffix, size) in zip(paths, files, strict=True):
        mine = [(piece.start, piece.start + piece.length) for piece in ranges if piece.path == path]
        edges = [0, *(end for _, end in mine)]
        assert [start for start, _ in mine] == edges[:-1] and edges[-1] == size
        assert len(mine) == 1 or suffix in ("csv", "txt", "parquet")
        assert suffix not in ("csv", "txt", "parquet") or all(end - start <= most for start, end in mine)


def test_small_files_share_a_task_and_a_large_one_is_shared(tmp_path):
    for number in range(1000):
        (tmp_path / f"{number}.csv").write_bytes(b"x" * 100)
    assert len(list(plan_tasks([str(path) for path in tmp_path.iterdir()], 4))) == 4
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    assert len(list(plan_tasks([str(tmp_path / "large")], 4))) == 4


@pytest.mark.parametrize(("size", "cores", "tasks"), [(1, 2, 1), (900, 2, 2), (4500, 2, 6), (4500, 4, 8), (9000, 1, 9)])
def test_every_core_gets_as_many_ranges(tmp_path, monkeypatch, size, cores, tasks):
    monkeypatch.setattr(simulated, "SPLIT_BYTES", 1000)
    (tmp_path / "bars.csv").write_bytes(b"x" * size)
    assert len(list(plan_tasks([str(tmp_path / "bars.csv")], cores))) == tasks


LINES = [
    f"S{number % 13},2008-03-{number % 28 + 1:02d}T{number // 28 % 24:02d}:{number // 672:02d},{number}.5"
    for number in range(3000)
]


@pytest.fixture
def plain(tmp_path, run_job):
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\n" + "\n".join(LINES))
    return path, run_job("--window", "3", path).lines


@pytest.mark.parametrize("split_bytes", [1000, 7777, 10**6])
@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_output_does_not_depend_on_the_splits(plain, run_job, monkeypatch, runner, split_bytes):
    monkeypatch.setattr(simulated, "SPLIT_BYTES", split_bytes)
    path, expected = plain
    done = run_job("-r", runner, "--window", "3", path)
    assert done.lines == expected and len(expected) == 3000 - 2 * 13


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_mappers_share_the_row_groups_of_a_parquet_file(plain, run_job, monkeypatch, tmp_path, runner):
    path = tmp_path / "bars.parquet"
    pq.write_table(pa_csv.read_csv(plain[0]), path, row_group_size=300)
    monkeypatch.setattr(simulated, "SPLIT_BYTES", -(-path.stat().st_size // 4))
    done = run_job("-r", runner, "--num-cores", "2", "--window", "3", "-D", "mapreduce.job.reduces=1", "-v", path)
    assert done.lines == plain[1] and "map tasks=4" in done.err


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("name", ["mapreduce.job.reduces", "mapred.reduce.tasks"])
@pytest.mark.parametrize("reducers", [1, 3, 8])
def test_as_many_reducers_as_asked(plain, run_job, tmp_path, runner, name, reducers):
    path, expected = plain
    done = run_job("-r", runner, "-D", f"{name}={reducers}", "--window", "3", "-o", tmp_path / "out", path)
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert done.status == 0 and len(parts) == reducers
    assert sorted(line for part in parts for line in part.read_bytes().splitlines()) == expected
    owners = [{line.split(b"\t")[0] for line in part.read_bytes().splitlines()} for part in parts]
    assert sum(map(len, owners)) == 13, "a symbol is in more than one part"
