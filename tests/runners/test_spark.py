"""windrow's jobs under Spark, on two cores of this machine: what -r local writes, counts and refuses."""

import gzip
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import psutil
import pytest

import windrow
from windrow.cli import main as windrow_command
from windrow.runners.spark import summed
from windrow.runners.spark_driver import explain

pytestmark = [pytest.mark.spark, pytest.mark.one_python]
ROOT = Path(__file__).parents[2]
INDICATORS = ["--indicator", "sma:20", "--indicator", "ema:12"]
ON_TWO_CORES = ["-r", "spark", "--spark-master", "local[2]"]


@pytest.fixture
def on_spark(run_module):
    """Runs a job under Spark."""
    return lambda *args, job="jobs.moving_average", **kw: run_module(job, *ON_TWO_CORES, *args, **kw)


@pytest.fixture
def mixed(tmp_path):
    """The sample bars in no order, in files of three kinds."""
    header, *rows = (ROOT / "data/bars.csv").read_text().splitlines()
    random.Random(3).shuffle(rows)
    folder = tmp_path / "bars, shuffled"
    folder.mkdir()
    (folder / "a.csv").write_text("\n".join([header, *rows[0::3]]))
    (folder / "b.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows[1::3]]).encode()))
    frame = pd.DataFrame([row.split(",") for row in rows[2::3]], columns=header.split(","))
    numbers = dict.fromkeys(header.split(",")[2:], float)
    frame.astype(numbers).to_parquet(folder / "c.parquet")
    return folder


def test_one_reducer_prints_the_lines_in_order_and_says_what_local_does(on_spark, run_module, mixed):
    ran = on_spark(*INDICATORS, "-D", "mapreduce.job.reduces=1", mixed)
    here = run_module("jobs.moving_average", "-r", "local", "--num-cores", "2", *INDICATORS, mixed)
    assert ran.status == 0, ran.err
    assert ran.out == (ROOT / "data/averages.tsv").read_bytes()
    assert ran.told == here.told


def test_three_reducers_write_the_parts_that_local_does(on_spark, run_module, mixed, tmp_path):
    options = [*INDICATORS, "-D", "mapreduce.job.reduces=3", "-o"]
    ran = on_spark("-v", *options, tmp_path / "far", mixed)
    assert ran.status == 0, ran.err
    assert ran.out == b"" and "NativeCodeLoader" in ran.err  # -v: what Spark says
    run_module("jobs.moving_average", "-r", "local", *options, tmp_path / "here", mixed)
    far, here = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("far", "here"))
    assert far == here and "part-00002" in far
    assert windrow.read_output(tmp_path / "far").columns.tolist() == ["symbol", "timestamp", "sma:20", "ema:12"]


@pytest.mark.parametrize(
    ("how", "suffix"),
    [(["--output-format", "parquet"], ".parquet"), (["--compress", "gzip"], ".gz")],
    ids=["parquet", "gzip"],
)
def test_slices_in_parts_of_tasks_are_what_local_writes(on_spark, run_module, mixed, tmp_path, how, suffix):
    options = [*INDICATORS, "--slices", "90d", *how, "-D", "mapreduce.job.reduces=2", "-o"]
    ran = on_spark(*options, tmp_path / "far", mixed)
    assert ran.status == 0, ran.err
    run_module("jobs.moving_average", "-r", "local", *options, tmp_path / "here", mixed)
    far, here = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("far", "here"))
    assert far == here
    assert {name for name in far if name[0] != "_"} == {
        f"part-0000{number}{which}{suffix}" for number in range(2) for which in ("", "-inner")
    }


def test_a_portfolio_and_all_beside_it_are_what_inline_writes(on_spark, run_module, mixed, tmp_path):
    options = ["--fast", "ema:3", "--slow", "sma:8", "--portfolio", "equal", "--rebalance", "month", "--orders"]
    options += ["--trades", "--equity", "-D", "mapreduce.job.reduces=3", "-o"]
    ran = on_spark(*options, tmp_path / "far", mixed, job="jobs.backtest")
    here = run_module("jobs.backtest", "-r", "inline", *options, tmp_path / "here", mixed)
    assert (ran.status, here.status) == (0, 0), ran.err
    far, here = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("far", "here"))
    assert far == here
    for kind in ("", "-portfolio", "-orders", "-trades", "-equity"):
        assert any(far[f"part-{number:05}{kind}"] for number in range(3))


def test_attempts_run_again_count_once_and_steps_follow_each_other(on_spark, run_module, mixed, tmp_path):
    marks, out = tmp_path / "marks", tmp_path / "out"
    marks.mkdir()
    again = ["--spark-master", "local[2,3]", "--marks", marks, "-o", out]  # a reducer and a mapper of Spark's task
    ran = on_spark(*INDICATORS, "-D", "mapreduce.job.reduces=2", *again, mixed, job="tests.runners.stumbles")
    here = run_module("tests.runners.stumbles", "-r", "local", "--num-cores", "2", *INDICATORS, mixed)
    assert ran.status == 0, ran.err
    assert len(list(marks.iterdir())) >= 2 + 2 + 2 + 2  # every task of both steps has stumbled
    assert sorted(path.name for path in out.iterdir()) == ["_SUCCESS", "_windrow.json", "part-00000", "part-00001"]
    lines = b"".join(path.read_bytes() for path in sorted(out.glob("part-*"))).splitlines()
    assert sorted(lines) == here.lines
    assert ran.told == here.told


@pytest.mark.full
def test_mappers_run_again_for_a_lost_executor_count_once(run_module, mixed, tmp_path):
    """Three JVMs more, on loopback. Where each update is added, the lost mapper's bars are counted twice."""
    options = ["-r", "spark", "--spark-master", "local-cluster[2,1,1024]", "--spark-tmp-dir", tmp_path / "shared"]
    near = [f"spark.driver.{name}=127.0.0.1" for name in ("host", "bindAddress")]
    options += ["--task-python-bin", sys.executable, "-D", near[0], "-D", near[1], "-D", "spark.ui.enabled=false"]
    env = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "127.0.0.1"}
    ran = run_module("tests.runners.stumbles", *options, "--lost", tmp_path / "lost", *INDICATORS, mixed, env=env)
    here = run_module("tests.runners.stumbles", "-r", "local", "--num-cores", "2", *INDICATORS, mixed)
    shutil.rmtree(Path(find_spec("pyspark").origin).parent / "work", ignore_errors=True)  # the executors' folders
    assert ran.status == 0, ran.err
    assert (tmp_path / "lost").exists()
    assert (ran.lines, ran.told) == (here.lines, here.told)
    assert not list((tmp_path / "shared").iterdir())


def test_a_job_without_a_reducer(on_spark, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,\tx\n")
    ran = on_spark(bars, job="jobs.rejects")
    assert [json.loads(line) for line in ran.lines] == [
        {"file": str(bars), "reason": "number", "text": "AA,2020-01-02,\tx"}
    ]
    assert ran.err.endswith("\n1 of 2 rows are invalid\n") and "expected a time as" in ran.err


def test_a_conflict_is_said_in_a_line_and_leaves_nothing(on_spark, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-01,2\n")
    ran = on_spark("--window", "1", "-o", tmp_path / "deep/out", bars)
    assert ran.status == 1
    assert ran.err.startswith("error: 1 conflict, different bars at one symbol and time: AA at 2020-01-01 has")
    assert ran.err.count("\n") == 1 and [path.name for path in tmp_path.iterdir()] == ["bars.csv"]


def test_an_input_that_changes_while_a_worker_reads_it_is_refused(on_spark, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,2\n")
    before = bars.stat().st_size
    ran = on_spark("--window", "1", "--appends-to", bars, "-o", tmp_path / "out", bars, job="tests.cluster.faulty")
    says = f"error: {bars}: has changed since the job was submitted (from {before} to {before + 15} bytes); inputs must"
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, b"", 1) and ran.err.startswith(says), ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]


def test_what_a_task_refuses_is_said_in_a_line_and_leaves_nothing(on_spark, tmp_path):
    numbers = random.Random(1)
    rows = [f"A,2020-01-01,{numbers.random()}\n" for _ in range(400_000)]  # submission sees the first 8 MB
    bars = tmp_path / "bars.csv.gz"
    bars.write_bytes(gzip.compress("".join(["symbol,timestamp,close\n", *rows]).encode(), 1)[:-5000])
    ran = on_spark("-o", tmp_path / "out", bars)
    assert ran.status == 1
    assert ran.err.startswith(f"error: {bars}: is truncated or damaged") and ran.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv.gz"]


def test_an_output_that_exists_is_refused_before_spark_starts(run_job, tmp_path):
    (tmp_path / "part-00000").touch()
    ran = run_job(*ON_TWO_CORES, "-o", tmp_path, ROOT / "data/bars.csv")
    assert ran.status == 1 and "exists and is not empty" in ran.err


def test_an_error_that_nobody_foresaw_is_a_traceback_of_the_job(on_spark, tmp_path):
    ran = on_spark("--fault", "mapper", "-o", tmp_path / "out", ROOT / "data/bars.csv", job="tests.cluster.faulty")
    assert ran.status == 1
    lines = ran.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and "/pyspark/" not in ran.err
    assert re.search(f'\n  File "{ROOT}/tests/cluster/faulty.py", line [0-9]+, in map_bars\n', ran.err)
    assert lines[-3].startswith("ZeroDivisionError: a mapper that nobody foresaw")
    assert lines[-2:] == [
        "to see more: run it again with -v",
        "error: a task failed; its traceback or last output is above",
    ]
    assert not list(tmp_path.iterdir())


def test_a_reducers_memory_does_not_grow_with_its_symbol(on_spark, tmp_path):
    """A list of the lines that it writes would take 100 MB more, one of its bars 40."""
    bars = tmp_path / "bars.parquet"
    windrow_command(["sample", str(bars), "--symbols", "1", "--bars", "1500000", "--spacing", "1s", "--quiet"])
    options = ["-D", "mapreduce.job.reduces=1", "-D", "spark.python.worker.reuse=false", "-o", tmp_path / "out"]
    ran = on_spark(*options, bars, job="tests.runners.peak")
    assert ran.status == 0, ran.err
    assert int(ran.err.split()[0]) < 30, ran.err


@pytest.mark.parametrize("begun", [False, True], ids=["while Spark starts", "while a task runs"])
def test_ended_by_a_signal_it_leaves_neither_output_nor_a_jvm(tmp_path, begun):
    folder, nap = tmp_path / "folder", tmp_path / "nap"
    folder.mkdir()
    marked = {**os.environ, "TMPDIR": str(folder)}  # every process of this run has it
    options = [*ON_TWO_CORES, "--nap", nap, "-o", folder / "out", ROOT / "data/bars.csv"]
    command = [sys.executable, "-m", "tests.runners.stumbles", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, env=marked) as job:
        while not (nap.exists() if begun else [c for c in psutil.Process(job.pid).children() if c.name() == "java"]):
            assert job.poll() is None
            time.sleep(0.02)
        job.send_signal(signal.SIGTERM)
        said = job.stderr.read().decode()
    assert (job.returncode, said) == (130, "stopped; nothing was written\n")
    end = time.monotonic() + 10
    while left := [process for process in psutil.process_iter() if has(process, f"TMPDIR={folder}\0")]:
        assert time.monotonic() < end, left
        time.sleep(0.1)
    assert not list(folder.iterdir())


def has(process, variable):
    """Whether a process was started with it in its environment."""
    try:
        return variable in Path(f"/proc/{process.pid}/environ").read_text()
    except (OSError, UnicodeDecodeError):  # it has ended, or is somebody else's
        return False


def test_without_java_or_pyspark_it_says_how_to_get_them(run_module, tmp_path):
    asked = ["jobs.moving_average", *ON_TWO_CORES, ROOT / "data/bars.csv"]
    ran = run_module(*asked, env={**os.environ, "JAVA_HOME": "/nowhere"})
    assert ran.status == 2
    assert ran.err == (
        "error: -r spark: needs Java, but there is no /nowhere/bin/java; install Java 17, or set JAVA_HOME"
        " to its folder\n"
    )
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyspark'] = None\n")
    ran = run_module(*asked, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert ran.status == 2
    assert ran.err == (
        "error: -r spark: needs pyspark, which is not installed here; install it with: pip install 'windrow[spark]'\n"
    )


@pytest.mark.parametrize(("options", "message"), [
    (["--spark-deploy-mode", "cluster"], "--spark-deploy-mode cluster: Spark's driver runs in this process"),
    (["--max-output-files", "2"], "each reducer writes one file; use -D mapreduce.job.reduces=2 instead"),
])  # fmt: skip
def test_options_of_mrjobs_that_mean_nothing_here(run_job, options, message):
    ran = run_job(*ON_TWO_CORES, *options, ROOT / "data/bars.csv")
    assert ran.status == 2 and message in ran.err


def test_no_other_runner_loads_pyspark():
    program = (
        "import sys, windrow.mapreduce.barjob, windrow.runners.local, windrow.runners.hadoop;"
        " print('pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout == b"False\n"


def test_each_tasks_counters_are_added_once():
    told = {(0, "mapper", 0): {"windrow": {"bars": 2}}, (0, "mapper", 1): {"windrow": {"bars": 3}, "other": {"a": 1}}}
    assert summed(told, 0) == {"windrow": {"bars": 5}, "other": {"a": 1}}
    assert summed(told, 1) == {}


def test_a_failure_without_a_traceback_is_sparks_first_words():
    said = "An error occurred while calling o1.x.\n: org.apache.spark.SparkException: Job aborted: a lost node.\n\tat x"
    assert explain(said) == "Spark failed the job: Job aborted: a lost node.\nto see more: run it again with -v"
