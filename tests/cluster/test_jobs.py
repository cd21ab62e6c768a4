"""windrow's jobs under Hadoop Streaming: in one process in every run of the tests, and on the one-machine cluster."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DATA = Path(__file__).parent.parent.parent / "data"
INDICATORS = ["--indicator", "sma:20", "--indicator", "ema:12"]


@pytest.fixture
def on_hadoop(run_module, hadoop_local, tmp_path_factory):
    """Runs the main job under Hadoop Streaming in one process, which links a job's files into its current directory."""
    folder = tmp_path_factory.mktemp("here")
    return lambda *args: run_module("jobs.moving_average", "-r", "hadoop", "-c", hadoop_local, *args, cwd=folder)


@pytest.fixture
def on_cluster(run_module, cluster):
    """Runs the main job on the cluster."""
    return lambda *args: run_module("jobs.moving_average", "-r", "hadoop", "-c", cluster.conf, *args)


def expected():
    return sorted((DATA / "averages.tsv").read_bytes().splitlines())


def shuffled_rows():
    header, *rows = (DATA / "bars.csv").read_text().splitlines()
    random.Random(3).shuffle(rows)
    return header, rows


def check(ran, lines=None):
    assert ran.status == 0, ran.err
    assert ran.lines == (expected() if lines is None else lines)


def check_alcoa(ran):
    rows = [line.split(b"\t") for line in ran.lines]
    assert [row[1] for row in rows] == [b"2008-03-03", b"2008-03-04", b"2008-03-05"]
    assert [np.float32(row[2]) for row in rows] == [np.float32(v) for v in (33.529335, 34.529335, 35.396)]


ALCOA = ["--window", "30d", "--step", "1d", "--column", "adj_close"]


def test_alcoas_figures(on_hadoop, shared_data):
    check_alcoa(on_hadoop(*ALCOA, shared_data / "yahoo_stock_AA_32_mini.csv"))


@pytest.mark.parametrize("reducers", [1, 3])
def test_shuffled_lines_in_several_files(on_hadoop, tmp_path, reducers):
    header, rows = shuffled_rows()
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text("\n".join([header, *rows[number::3]]) + "\n")
    ran = on_hadoop(*INDICATORS, "--block-bars", 7, "-D", f"mapreduce.job.reduces={reducers}", tmp_path)
    check(ran)
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err


def test_whole_files_of_every_kind(on_hadoop, tmp_path):
    header, rows = shuffled_rows()
    frame = pd.DataFrame([row.split(",") for row in rows], columns=header.split(","))
    frame["close"] = frame["close"].astype(float)
    frame.iloc[0::3].to_parquet(tmp_path / "a b.parquet")
    frame.iloc[1::3].to_csv(tmp_path / "b.csv.zst", index=False)
    frame.iloc[2::3].to_csv(tmp_path / "c.csv.gz", index=False)
    check(on_hadoop(*INDICATORS, tmp_path))


def test_five_thousand_small_inputs(on_hadoop, tmp_path):
    header, rows = shuffled_rows()
    for number in range(5000):
        (tmp_path / f"{number}.csv").write_text(f"{header}\n{rows[number % len(rows)]}\n")
    ran = on_hadoop(*INDICATORS, tmp_path)
    check(ran)
    assert "3,750 repeats dropped" in ran.err


def test_an_output_directory_appears_described_and_is_not_overwritten(on_hadoop, tmp_path):
    output = f"file://{tmp_path}/out"
    assert on_hadoop(*INDICATORS, "-o", output, DATA / "bars.csv").status == 0
    import windrow

    frame = windrow.read_output(tmp_path / "out")
    assert list(frame.columns) == ["symbol", "timestamp", "sma:20", "ema:12"] and len(frame) == 1195
    ran = on_hadoop(*INDICATORS, "-o", output, DATA / "bars.csv")
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith(f"error: {output}: exists;") and "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["A,2020-01-01,1", "A,2020-01-02T10:00,2"], "but also a time of day: 2020-01-02T10:00:00Z"),
        (
            ["A,2020-01-01,1", "A,2020-01-01,2"],
            "1 conflict, two different bars at one symbol and time: A at 2020-01-01",
        ),
        (["A,2020-01-01,1", "A,2020-01-02,x"], "1 of 2 lines are no bars: 1 number"),
    ],
    ids=["mixed", "conflict", "bad"],
)
def test_a_refusal_is_its_message_alone_and_leaves_nothing(on_hadoop, tmp_path, rows, says):
    bars = tmp_path / "bars.csv"
    bars.write_text("\n".join(["symbol,timestamp,close", *rows]) + "\n")
    ran = on_hadoop("--window", 1, "-o", f"file://{tmp_path}/out", bars)
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith("error: ") and says in ran.err and "Traceback" not in ran.err
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".crc")] == ["bars.csv"]


def test_a_missing_input_is_named(on_hadoop, tmp_path):
    ran = on_hadoop(f"file://{tmp_path}/nothere")
    assert ran.status == 1 and "nothere" in ran.err and "No such file or directory" in ran.err
    assert ran.err.startswith("error: ") and "Traceback" not in ran.err


@pytest.mark.cluster
def test_alcoas_figures_on_the_cluster(on_cluster, hdfs, shared_data):
    place = hdfs.put("aa.csv", shared_data / "yahoo_stock_AA_32_mini.csv")
    check_alcoa(on_cluster(*ALCOA, place))


@pytest.mark.cluster
def test_small_splits_cut_lines_and_hide_headers(on_cluster, hdfs):
    header, rows = shuffled_rows()
    hdfs.put("bars.csv", "\n".join([header, *rows]).encode())
    ran = on_cluster(*INDICATORS, "-D", "mapreduce.job.maps=4", "-D", "mapreduce.job.reduces=3", hdfs.uri())
    check(ran)
    assert "1,250 bars of 5 symbols" in ran.err


@pytest.mark.cluster
@pytest.mark.parametrize("what", ["kill_python", "kill_jvm"])
@pytest.mark.parametrize("kind", ["mapper", "reducer"])
def test_a_killed_task_changes_neither_bytes_nor_counters(cluster, hdfs, on_cluster, tmp_path, what, kind):
    from concurrent.futures import ThreadPoolExecutor

    header, rows = shuffled_rows()
    hdfs.put("bars.csv", "\n".join([header, *rows]).encode())
    with ThreadPoolExecutor() as threads:
        job = threads.submit(on_cluster, *INDICATORS, hdfs.uri())
        getattr(cluster, what)(kind)
        ran = job.result()
    check(ran)
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err


@pytest.mark.cluster
def test_a_damaged_gzip_is_named_and_leaves_nothing(on_cluster, hdfs):
    import gzip

    header, rows = shuffled_rows()
    whole = gzip.compress("\n".join([header, *rows * 200]).encode())
    assert len(whole) > 1 << 19  # so that its first bytes, read at submission, do not show it
    hdfs.put("in/bars.csv.gz", whole[:-1000])
    ran = on_cluster("-o", hdfs.uri("out"), hdfs.uri("in"))
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith(f"error: {hdfs.uri('in')}: is truncated or damaged") and "Traceback" not in ran.err
    assert hdfs.list() == ["in"]


@pytest.mark.cluster
def test_a_hundred_inputs_on_hdfs_are_handed_out_whole(on_cluster, hdfs):
    header, rows = shuffled_rows()
    for number in range(100):
        hdfs.put(f"in/{number}.csv", "\n".join([header, *rows[number::100]]).encode())
    check(on_cluster(*INDICATORS, hdfs.uri("in")))
