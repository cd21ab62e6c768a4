"""windrow's jobs under Hadoop Streaming: in one process in every run of the tests, and on the one-machine cluster."""

import bz2
import contextlib
import json
import os
import re
import subprocess
import sys
import venv

import numpy as np
import pandas as pd
import pytest

from tests.cluster.conftest import BY_HADOOP, INDICATORS, ROOT, check, shuffled_rows, split_by, with_path

ALCOA = ["--window", "30d", "--step", "1d", "--column", "adj_close"]


def check_alcoa(ran):
    rows = [line.split(b"\t") for line in ran.lines]
    assert [row[1] for row in rows] == [b"2008-03-03", b"2008-03-04", b"2008-03-05"]
    assert [np.float32(row[2]) for row in rows] == [np.float32(v) for v in (33.529335, 34.529335, 35.396)]


def test_alcoas_figures(on_hadoop, shared_data):
    check_alcoa(on_hadoop(*ALCOA, shared_data / "yahoo_stock_AA_32_mini.csv"))


@pytest.mark.cluster
def test_alcoas_figures_on_the_cluster(on_cluster, hdfs, shared_data):
    place = hdfs.put("aa.csv", shared_data / "yahoo_stock_AA_32_mini.csv")
    check_alcoa(on_cluster(*ALCOA, place))


@pytest.mark.smoke
def test_kinds_of_files_together(on_hadoop, tmp_path):
    header, rows = shuffled_rows()
    frame = pd.DataFrame([row.split(",") for row in rows], columns=header.split(","))
    frame["close"] = frame["close"].astype(float)
    frame.iloc[0::3].to_parquet(tmp_path / "a b.parquet")
    frame.iloc[1::3].to_csv(tmp_path / "b.csv.zst", index=False)
    frame.iloc[2::3].to_csv(tmp_path / "c.csv.gz", index=False)
    check(on_hadoop(*INDICATORS, tmp_path))


@pytest.mark.parametrize("inputs", [1500, pytest.param(5000, marks=pytest.mark.full)])
def test_thousands_of_small_inputs(on_hadoop, tmp_path, inputs):
    header, rows = shuffled_rows()
    for number in range(inputs):
        (tmp_path / f"{number}.csv").write_text(f"{header}\n{rows[number % len(rows)]}\n")
    ran = on_hadoop(*INDICATORS, tmp_path)
    check(ran)
    assert f"{inputs - 1250:,} repeats dropped" in ran.err


@pytest.mark.cluster
@pytest.mark.full
def test_a_hundred_inputs_on_hdfs_are_handed_out_whole(on_cluster, hdfs):
    header, rows = shuffled_rows()
    for number in range(100):
        hdfs.put(f"in/{number}.csv", "\n".join([header, *rows[number::100]]).encode())
    check(on_cluster(*INDICATORS, hdfs.uri("in")))


def test_a_terminal_shows_how_far_maps_and_reduces_are(hadoop_local, tmp_path):
    terminal, stderr = os.openpty()
    command = [sys.executable, "-m", "jobs.moving_average", "-r", "hadoop", "-c", hadoop_local, ROOT / "data/bars.csv"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=tmp_path, env=with_path())
    os.close(stderr)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while piece := os.read(terminal, 1 << 16):
            shown += piece
    assert done.returncode == 0
    assert re.search(rb"map .*100%.*reduce .*100%", shown, re.DOTALL)


def test_tasks_say_how_far_they_are(on_hadoop):
    ran = on_hadoop("-v", ROOT / "data/bars.csv")
    assert re.search(r"\b1,250 bars read\b", ran.err)
    assert re.search(r"\b[0-9]+ lines written, of [1-5] symbols\b", ran.err)


def test_a_job_without_a_reducer(on_hadoop, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,\tx\n")
    ran = on_hadoop(bars, job="jobs.rejects")
    assert [json.loads(line) for line in ran.lines] == [
        {"file": str(bars), "reason": "number", "text": "AA,2020-01-02,\tx"}
    ]


def million_bars(rng):
    """Lines of 1,000,000 bars of 500 symbols in no order; S000 has half of them."""
    symbols = np.concatenate([np.zeros(500_000, int), 1 + np.arange(500_000) % 499])
    number = np.concatenate([np.arange(500_000), np.arange(500_000) // 499])
    times = (np.datetime64("2020-01-01T00:00", "m") + number).astype(str)
    prices = np.round(100 + np.cumsum(rng.normal(0, 0.05, 1_000_000)), 2)
    lines = [
        f"S{symbol:03d},{time}Z,{price}\n" for symbol, time, price in zip(symbols, times, prices.tolist(), strict=True)
    ]
    rng.shuffle(lines)
    return lines


@pytest.mark.cluster
@pytest.mark.parametrize("by_hadoop", [False, pytest.param(True, marks=pytest.mark.full)], ids=["ranges", "lines"])
def test_a_million_shuffled_bars_one_symbol_with_half_of_them(run_module, on_cluster, hdfs, tmp_path, by_hadoop):
    lines = million_bars(np.random.default_rng(7))
    text, packed = tmp_path / "bars.csv", tmp_path / "bars.csv.bz2"
    text.write_text("".join(["symbol,timestamp,close\n", *lines[:600_000]]))
    packed.write_bytes(bz2.compress("".join(["symbol,timestamp,close\n", *lines[600_000:]]).encode(), 1))
    for path in (text, packed):
        hdfs.put(f"in/{path.name}", path, blocksize=4 << 20 if path == text else 1 << 20)
    how = BY_HADOOP if by_hadoop else split_by(4 << 20)
    far = on_cluster("--indicator", "sma:20", "-v", "-D", "mapreduce.job.reduces=3", *how, hdfs.uri("in"))
    here = {
        runner: run_module("jobs.moving_average", "-r", runner, "--indicator", "sma:20", text, packed)
        for runner in ("local", "inline")
    }
    assert far.status == 0, far.err
    assert len(far.lines) == 1_000_000 - 500 * 19
    assert far.lines == here["local"].lines
    assert far.lines == here["inline"].lines
    splits = int(re.search(r"number of splits:(\d+)", far.err)[1])
    if by_hadoop:
        assert splits > text.stat().st_size / (4 << 20) + 2  # so that more than one was of the bz2
    else:
        assert splits >= 3


@pytest.mark.cluster
@pytest.mark.full
def test_nodes_with_a_bare_python(on_cluster, run_module, hdfs, tmp_path):
    venv.create(tmp_path / "bare", symlinks=True)
    conf = tmp_path / "mrjob.conf"
    conf.write_text(f"runners:\n  hadoop:\n    python_bin: {tmp_path}/bare/bin/python\n")
    header, rows = shuffled_rows()
    bars = hdfs.put("bars.csv", "\n".join([header, *rows]).encode(), blocksize=32768)
    options = ["-c", conf, *INDICATORS, bars]
    ran = on_cluster(*options)
    assert ran.status == 1
    assert "\nModuleNotFoundError: No module named 'numpy'\nthe Python of the cluster's nodes lacks it; ship" in ran.err
    packed = run_module("windrow.cli", "pack", tmp_path / "an environment.pyz")
    assert f"-r hadoop --environment '{tmp_path}/an environment.pyz'\n" in packed.out.decode()
    check(on_cluster("--environment", tmp_path / "an environment.pyz", *options))


def test_each_input_is_judged_for_itself(on_hadoop, tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(9):
        rows = "".join(f"S{number},2023-01-{day:02d},{day}\n" for day in range(1, 32))
        (tmp_path / f"in/{number}.csv").write_text("symbol,timestamp,close\n" + rows)
    bad = tmp_path / "in/bad.csv"
    bad.write_text("symbol,timestamp,close\n s0 ,2023-01-01,1\nB,noon,1\nB,2023-01-02,NA\n")
    options = ["--window", "31", "-D", "mapreduce.job.reduces=2", "--max-bad", "0.01"]
    ran = on_hadoop(*options, tmp_path / "in")
    assert ran.status == 1 and f"error: {bad}: 1 of 3 rows are invalid: 1 time" in ran.err
    bad.write_text("symbol,timestamp,close\ns0,2023-01-01,1\n" + "B,2023-01-02,NA\n")
    ran = on_hadoop(*options, "--max-missing", "0.5", tmp_path / "in")
    assert ran.lines == [f"S{number}\t2023-01-31\t16.0".encode() for number in range(9)]
    assert "warning: symbols differ only by case or by dots at the end" in ran.err and "'S0', 's0'" in ran.err
    assert "1 row without a needed value" in ran.err
