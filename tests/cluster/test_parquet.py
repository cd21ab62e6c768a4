"""Parquet out under Hadoop: Hadoop's committer publishes one attempt of each task, and nothing else is left."""

import io
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import windrow
from tests.cluster.conftest import BY_HADOOP, INDICATORS, ROOT, SPECULATE_AT_ONCE, shuffled_rows
from tests.tables import arrow_rows, rows_of

BARS = ROOT / "data/bars.csv"
PARQUET = [*INDICATORS, "--output-format", "parquet"]


def expected():
    return rows_of((ROOT / "data/averages.tsv").read_bytes().splitlines())


def check_parts(parts, reducers):
    """Parts by name hold what the text does, a part a reducer."""
    assert sorted(parts) == [f"part-{number:05}.parquet" for number in range(reducers)]
    assert (
        arrow_rows(pa.concat_tables([pq.read_table(io.BytesIO(content)) for content in parts.values()])) == expected()
    )


def parts_in(names, read):
    """The parts of an output that consists of them and of what describes it."""
    names = [name for name in names if name[0] != "."]  # of a local file system: Hadoop's checksums
    assert {"_SUCCESS", "_windrow.json"} < set(names)
    return {name: read(name) for name in names if name[0] != "_"}


def parts_here(folder):
    return parts_in(os.listdir(folder), lambda name: (folder / name).read_bytes())


@pytest.mark.parametrize("reducers", [2, pytest.param(8, marks=pytest.mark.full)])
def test_parquet_in_and_out(on_hadoop, tmp_path, reducers):
    pq.write_table(pa_csv.read_csv(BARS), tmp_path / "bars.parquet", row_group_size=300)
    output = ["-D", f"mapreduce.job.reduces={reducers}", "-o", f"file://{tmp_path}/out"]
    ran = on_hadoop(*PARQUET, *output, tmp_path / "bars.parquet")
    assert (ran.status, ran.out) == (0, b""), ran.err
    check_parts(parts_here(tmp_path / "out"), reducers)
    assert len(windrow.read_output(tmp_path / "out")) == len(expected())


@pytest.mark.parametrize("fault", ["late reducer", "reducer"])
def test_a_reducer_that_fails_leaves_no_output(on_hadoop, tmp_path, fault):
    ran = on_hadoop(*PARQUET, "--fault", fault, "-o", f"file://{tmp_path}/out", BARS, job="tests.cluster.faulty")
    assert ran.status == 1 and "ZeroDivisionError: a reducer that nobody foresaw" in ran.err
    assert not os.listdir(tmp_path)


def test_a_refusal_of_the_sink_is_said_and_leaves_no_output(on_hadoop, tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nA,2008-03-05T10:00:00.123456789Z,1\n")
    output = f"file://{tmp_path}/out"
    ran = on_hadoop("--window", "1", "--output-format", "parquet", "-o", output, tmp_path / "bars.csv")
    assert ran.status == 1 and ran.err.startswith("error: A at 2008-03-05T10:00:00.123456789Z: it has nanoseconds: ")
    assert os.listdir(tmp_path) == ["bars.csv"]


def test_a_part_that_cannot_be_put_fails_the_task(on_hadoop, tmp_path):
    ran = on_hadoop(*PARQUET, "--cmdenv", "mapreduce_task_output_dir=file:/nowhere/below", "-o",
                    f"file://{tmp_path}/out", BARS)  # fmt: skip
    assert ran.status == 1 and "file:/nowhere/below/part-00000.parquet: cannot be written: put: " in ran.err
    assert not os.listdir(tmp_path)


@pytest.fixture
def on_going(cluster, hdfs, on_cluster):
    """Runs a function of the cluster while a job with two reducers goes on there; what the job said, once checked."""
    header, rows = shuffled_rows()
    for number in range(4):  # repeats are dropped, but by the reducer: its share is more than a pipe holds
        hdfs.put(f"in/{number}.csv", "\n".join([header, *rows]).encode())
    command = [*PARQUET, "-v", "--block-bars", 1, "-D", "mapreduce.job.reduces=2", "-o", hdfs.uri("out")]

    def run(happens, *options):
        with ThreadPoolExecutor() as threads:
            waiting = cluster.waiting("reducer")
            job = threads.submit(on_cluster, *command, *waiting, *options, hdfs.uri("in"), job="tests.cluster.faulty")
            happens(cluster)
        assert job.result().status == 0, job.result().err
        assert hdfs.list() == ["in", "out"]
        check_parts(parts_in(hdfs.list("out"), lambda name: hdfs.read(f"out/{name}")), 2)
        return job.result().err

    yield run
    cluster.mend()


@pytest.mark.cluster
@pytest.mark.parametrize("what", ["kill_python", pytest.param("kill_jvm", marks=pytest.mark.full)])
def test_a_killed_reducer(on_going, what):
    assert "Failed reduce tasks=1\n" in on_going(lambda cluster: getattr(cluster, what)("reducer"))


@pytest.mark.cluster
@pytest.mark.full
def test_a_killed_put(on_going):
    def kill_put(cluster):
        cluster.awake()  # no reducer waits: what is to be broken comes after it
        cluster.kill_put()

    assert "Failed reduce tasks=1\n" in on_going(kill_put, *BY_HADOOP)


@pytest.mark.cluster
@pytest.mark.full
def test_two_attempts_at_once(on_going):
    def both_write(cluster):
        held = cluster.hang_python("reducer")
        cluster.await_another_attempt("reducer", held)
        cluster.awake()

    said = on_going(both_write, *SPECULATE_AT_ONCE, "-D", "mapreduce.map.speculative=false")
    assert int(re.search(r"Launched reduce tasks=(\d+)", said)[1]) > 2
