"""Jobs over S3: the bytes, warnings and refusals of the same local files, whatever happens on the way."""

import bz2
import gzip
import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import zstandard

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.normalize import Normalize
from jobs.rejects import Rejects
from jobs.sweep import Sweep
from tests.invariance import pairwise
from windrow import cli
from windrow.errors import WindrowError
from windrow.runners.simulated import plan_tasks
from windrow.storage import s3

ROOT = Path(__file__).parents[3]
PAIR = ("--fast", "ema:7", "--slow", "sma:21")
JOBS = {
    "averages": (MovingAverage, "--indicator", "sma:20", "--indicator", "ema:12"),
    "slices": (MovingAverage, "--indicator", "sma:20", "--slices", "90d"),
    "parquet": (MovingAverage, "--output-format", "parquet"),
    "crosses": (Crossover, *PAIR),
    "backtests": (Backtest, *PAIR, "--orders", "--equity"),
    "sweep": (Sweep, "--fast", "sma:3..9/3", "--slow", "sma:20,30"),
    "rejects": (Rejects,),
}
PACKED = {
    ".csv": bytes,
    ".csv.gz": gzip.compress,
    ".csv.bz2": bz2.compress,
    ".csv.zst": zstandard.ZstdCompressor().compress,
    ".parquet": None,
}
RUNS = list(itertools.product(JOBS, PACKED, ["inline", "local"], ["folder", "pattern", "names"]))


def write_bars(folder, suffix, files=3):
    """The sample bars in files of a kind; one row of each, if it is text, is invalid."""
    folder.mkdir(exist_ok=True)
    header, *rows = (ROOT / "data/bars.csv").read_text().splitlines()
    for number in range(files):
        place = folder / f"bars {number}+{suffix}"
        mine = rows[number::files]
        if suffix == ".parquet":
            frame = pd.DataFrame([row.split(",") for row in mine], columns=header.split(","))
            frame.astype(dict.fromkeys(("open", "high", "low", "close", "volume"), float)).to_parquet(place)
        else:
            place.write_bytes(PACKED[suffix]("\n".join([header, *mine, "S,no time,1,1,1,1,1\n"]).encode()))
    return folder


def send(bucket, folder, prefix="bars/"):
    return [bucket.put(f"{prefix}{path.name}", path.read_bytes()) for path in sorted(folder.iterdir())]


def contents(output):
    """Names and bytes of a local output."""
    return {path.name: path.read_bytes() for path in Path(output).iterdir()}


def written(bucket, prefix):
    return {key.removeprefix(prefix): bucket.get(key) for key in bucket.shown() if key.startswith(prefix)}


@pytest.mark.parametrize("run", pairwise(RUNS), ids="-".join)
def test_jobs_write_the_bytes_that_they_write_from_local_files(bucket, tmp_path, run_job, run):
    name, suffix, runner, spelling = run
    job, *options = JOBS[name]
    folder = write_bars(tmp_path / "bars", suffix)
    names = send(bucket, folder)
    places = {"folder": [f"{bucket.uri}/bars"], "pattern": [f"{bucket.uri}/b*/*{suffix}"], "names": names}[spelling]
    options += ["-r", runner, "-D", "mapreduce.job.reduces=2", *([] if job is Rejects else ["--max-bad", "1"])]
    here = run_job(*options, "-o", tmp_path / "out", folder, job=job)
    far = run_job(*options, "-o", f"{bucket.uri}/out/", *places, job=job)
    assert far.status == here.status == 0, far.err
    assert far.told.replace(bucket.uri, str(tmp_path)) == here.told
    expected = {
        name: text.replace(bytes(folder), f"{bucket.uri}/bars".encode())
        for name, text in contents(tmp_path / "out").items()
    }
    assert written(bucket, "out/") == expected
    assert len([name for name in expected if name.startswith("part-")]) >= 1 and "_SUCCESS" in expected
    printed = [] if name == "parquet" else [run_job(*options, *where, job=job).out for where in ([folder], places)]
    assert [out.replace(bytes(folder), f"{bucket.uri}/bars".encode()) for out in printed[:1]] == printed[1:]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_what_s3_refuses_for_now_and_connections_that_break_change_no_byte(bucket, tmp_path, run_job, runner, fault):
    folder = write_bars(tmp_path / "bars", ".csv.gz")
    send(bucket, folder)
    here = run_job("-r", runner, "-o", tmp_path / "out", folder, "--max-bad", "1")
    bucket.rules((".", fault, 1))
    far = run_job("-r", runner, "-o", f"{bucket.uri}/out", f"{bucket.uri}/bars/", "--max-bad", "1")
    assert (far.status, far.told) == (0, here.told) and len(bucket.log("GET .*bars")) > 6
    bucket.rules()
    assert written(bucket, "out/") == contents(tmp_path / "out")


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("fault", ["short", "whole", "another"])
def test_answers_that_are_not_what_was_asked_for_change_no_byte_or_fail_the_job(
    bucket, tmp_path, run_job, fault, suffix, monkeypatch
):
    monkeypatch.setattr("windrow.storage.s3.reading._LONGEST_WAIT", 0.01)
    folder = write_bars(tmp_path / "bars", suffix, files=1)
    (uri,) = send(bucket, folder)
    runner = "local" if suffix == ".csv" else "inline"
    here = run_job("-r", runner, "--window", "3", "--max-bad", "1", folder)
    bucket.rules(("GET .*bars", fault, 2))
    far = run_job("-r", runner, "--window", "3", "--max-bad", "1", uri)
    assert (far.status, far.lines, far.told) == (0, here.lines, here.told) and far.lines
    bucket.rules(("GET .*bars", fault))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    refused = run_job("-r", runner, "--window", "3", "--max-bad", "1", "-o", tmp_path / "out", uri)
    assert refused.status == 1 and refused.err.startswith(f"error: {uri}: asked for bytes ")
    assert "S3 answered 2 times with other bytes (" in refused.err and not (tmp_path / "out").exists()


def test_objects_of_one_key_in_two_buckets_have_their_own_columns(bucket, tmp_path, run_job):
    other = f"{bucket.name}-2"
    s3.client().create_bucket(Bucket=other)
    texts = [b"symbol,timestamp,close\nA,2020-01-01,1\n", b"close,timestamp,symbol\n2,2020-01-02,A\n"]
    bucket.put("bars.csv", texts[0])
    s3.client().put_object(Bucket=other, Key="bars.csv", Body=texts[1])
    ran = run_job("-r", "local", "--window", "2", f"{bucket.uri}/bars.csv", f"s3a://{other}/bars.csv")
    assert (ran.status, ran.out) == (0, b"A\t2020-01-02\t1.5\n")


@pytest.mark.parametrize("key", ["2020/ES 1+%20.csv", "[a]*?/Ωé.csv", "x,y/{b}.csv.gz"])
def test_a_symbol_comes_from_an_objects_name(bucket, run_job, key):
    text = b"date,close\n2020-01-01,3\n"
    uri = bucket.put(key, gzip.compress(text) if key.endswith("gz") else text)
    ran = run_job("--window", "1", "--symbol-from-filename", uri)
    symbol = key.rpartition("/")[2].partition(".")[0].replace("%", "%25")
    assert (ran.status, ran.out.decode()) == (0, f"{symbol}\t2020-01-01\t3.0\n")


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_each_object_is_judged_for_itself(bucket, run_job, runner):
    good = b"symbol,timestamp,close\n" + b"".join(b"A,2020-01-%02d,%d\n" % (day, day) for day in range(1, 32))
    for number in range(9):
        bucket.put(f"in/{number}.csv", good)
    bad = bucket.put("in/bad.csv", good + b"A,noon,1\n")
    ran = run_job("-r", runner, "--max-bad", "0.03", "--window", "31", f"{bucket.uri}/in/")
    assert ran.status == 1 and f"error: {bad}: 1 of 32 rows are invalid: 1 time" in ran.err
    bad = bucket.put("in/bad.csv.gz", gzip.compress(b"symbol,timestamp,close\nA,noon,1\n"))
    ran = run_job("-r", runner, "--max-bad", "0.5", "--window", "31", f"{bucket.uri}/in/")
    assert ran.status == 1 and f"error: {bad}: none of its 1 rows is valid: 1 time" in ran.err


def test_a_prefix_that_names_the_symbol(bucket, run_job):
    uris = [bucket.put(f"symbol={name}/part-0.csv", b"date,close\n2020-01-01,3\n") for name in ("AA", "BB")]
    ran = run_job("--window", "1", "--symbol-from-filename", *uris)
    assert (ran.status, ran.out) == (0, b"AA\t2020-01-01\t3.0\nBB\t2020-01-01\t3.0\n")


@pytest.mark.parametrize("objects", [60, pytest.param(5000, marks=pytest.mark.full)])
def test_many_small_objects(bucket, run_job, objects):
    bucket.fill("many/", objects)
    ran = run_job("-q", "-r", "local", "--indicator", "sum:1", "--on-conflict", "largest", f"{bucket.uri}/many/*.csv")
    assert ran.status == 0 and len(ran.lines) == len({(number % 7, number % 28) for number in range(objects)})


def test_objects_without_a_bar_are_skipped_with_a_warning(bucket, run_job):
    empty = bucket.put("a.csv.gz", gzip.compress(b"")), bucket.put("b.csv", b"symbol,timestamp,close\n")
    bucket.put("c.csv", b"symbol,timestamp,close\nA,2020-01-01,1\n")
    ran = run_job("-q", "--window", "1", bucket.uri)
    assert ran.err == "".join(f"warning: {uri}: has no rows; skipped\n" for uri in empty)


def test_an_object_that_was_cut_to_nothing_or_at_a_line_says_so(bucket, run_job):
    uri = bucket.put("c.csv", b"symbol,timestamp,close\nA,2020-01-01,1")
    ran = run_job("-q", "--window", "1", uri)
    assert (ran.status, ran.out) == (0, b"A\t2020-01-01\t1.0\n")
    cut = "its last line has no line end; it is read, but a file that was cut short looks the same"
    assert ran.err == f"warning: {uri}: {cut}\n"
    nothing = bucket.put("a.csv.gz")
    ran = run_job("-q", "--window", "1", nothing, uri)
    assert ran.status == 1 and ran.err.startswith(f"error: {nothing}: is truncated or damaged (it has 0 bytes);")


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zst", ".parquet"])
def test_a_damaged_object_is_refused_by_name(bucket, tmp_path, run_job, suffix):
    folder = write_bars(tmp_path / "bars", suffix, 1)
    (path,) = folder.iterdir()
    uri = bucket.put(path.name, path.read_bytes()[:-3000])
    ran = run_job("-r", "local", uri, "--max-bad", "1")
    assert (
        ran.status == 1
        and ran.err.startswith((f"error: {uri}: is truncated or damaged", f"error: {uri}: is truncated, damaged"))
        and ran.out == b""
    )


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_an_object_that_changes_after_submission_is_refused_by_name(bucket, run_job, monkeypatch, runner):
    uri = bucket.put("bars.csv", b"symbol,timestamp,close\nA,2020-01-01,1\n")

    def change(*args):
        planned = list(plan_tasks(*args))
        bucket.put("bars.csv", b"timestamp,symbol,close\n2020-01-01,A,1\n")
        return planned

    monkeypatch.setattr("windrow.runners.simulated.plan_tasks", change)
    ran = run_job("-r", runner, "--window", "1", "-o", f"{bucket.uri}/out", uri)
    assert ran.status == 1 and ran.err.startswith(f"error: {uri}: has changed since the job was submitted (")
    assert bucket.shown() == ["bars.csv"] and bucket.uploads() == 0


def test_a_refused_run_leaves_no_output(bucket, tmp_path, run_job):
    uri = bucket.put("bars.csv", b"symbol,timestamp,close\nA,2020-01-01,1\nA,2020-01-01,2\n")
    ran = run_job("--window", "1", "-o", f"{bucket.uri}/out", uri)
    assert ran.status == 1 and "conflict" in ran.err and bucket.shown() == ["bars.csv"]


def test_an_output_that_exists_is_refused_before_any_work(bucket, run_job):
    bucket.put("out/part-00000", b"precious")
    ran = run_job("-o", f"{bucket.uri}/out", "/nowhere/bars.csv")
    assert ran.status == 1
    assert ran.err == (
        f"error: {bucket.uri}/out: exists and is not empty (it contains out/part-00000): a job writes to a new"
        " directory only; remove it, or choose another with --output-dir\n"
    )


@pytest.mark.parametrize(
    ("sent", "status", "left"), [(signal.SIGINT, 130, 0), (signal.SIGTERM, 130, 0), (signal.SIGKILL, -9, None)]
)
def test_a_job_that_is_stopped_while_it_writes_leaves_nothing_visible(bucket, sent, status, left):
    bucket.rules(("PUT .*partNumber", "slow"))
    command = [
        sys.executable,
        "-m",
        "jobs.moving_average",
        "-r",
        "local",
        "-o",
        f"{bucket.uri}/out",
        ROOT / "data/bars.csv",
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as job:
        while job.poll() is None and not bucket.log("partNumber"):
            time.sleep(0.05)
        job.send_signal(sent)
        said = job.stderr.read()
    assert job.returncode == status and bucket.shown() == []
    assert left is None or (bucket.uploads() == left and said == b"stopped; nothing was written\n")


def test_outputs_are_read_drawn_and_reported_from_s3(bucket, tmp_path, run_job):
    bars = bucket.put("bars.csv", (ROOT / "data/bars.csv").read_bytes())
    for name, job, options in (("out", MovingAverage, ()), ("bt", Backtest, (*PAIR, "--orders", "--equity"))):
        for place in (tmp_path / name, f"{bucket.uri}/{name}"):
            assert run_job(*options, "-o", place, bars, job=job).status == 0
    here = windrow.read_output(tmp_path / "out")
    assert len(here) > 1000 and windrow.read_output(f"{bucket.uri}/out/").equals(here)
    assert windrow.read_output(f"{bucket.uri}/out/part-00000", columns=["sma:20"]).equals(here)
    for command in ("plot", "report"):
        name = {"plot": "out", "report": "bt"}[command]
        pages = [tmp_path / f"{command}-{where}.html" for where in ("here", "far")]
        for page, output in zip(pages, (str(tmp_path / name), f"{bucket.uri}/{name}"), strict=True):
            assert cli.main([command, output, "--bars", bars, "-o", str(page)]) == 0
        assert pages[0].read_bytes() == pages[1].read_bytes()


def test_an_output_on_s3_that_is_not_whole_is_not_read(bucket):
    uri = bucket.put("out/part-00000", b"A\t2020-01-01\t1.0\n").rpartition("/")[0]
    with pytest.raises(WindrowError, match=r"/out: is incomplete: it has no _SUCCESS, which a job writes last"):
        windrow.read_output(uri)
    with pytest.raises(WindrowError, match=r"/none: contains no output of a job"):
        windrow.read_output(f"{bucket.uri}/none")
    bucket.put("out/_SUCCESS")
    bucket.put("out/part-00001", b"A\t2020-01-02")
    with pytest.raises(WindrowError, match=rf"^{uri}/part-00001: its last line has no end"):
        windrow.read_output(uri)


@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_what_was_scaled_onto_s3_is_taken_back_from_there(run_job, bucket, tmp_path, kind):
    scaled = ["--column", "close", "--method", "returns", "--output-format", kind, ROOT / "data/bars.csv"]
    assert run_job(*scaled, "-o", tmp_path / "here", job=Normalize).status == 0
    there = f"{bucket.uri}/there"
    assert run_job(*scaled, "-o", there, job=Normalize).status == 0
    back = run_job("-q", "--inverse", there, job=Normalize)
    assert (back.status, len(back.lines)) == (0, 1250), back.err
    assert back.lines == run_job("-q", "--inverse", tmp_path / "here", job=Normalize).lines
