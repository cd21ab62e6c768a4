"""windrow's jobs by -r emr: the submitted steps run on a real Hadoop, and give the bytes of -r local."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.sweep import Sweep
from tests.cluster.conftest import INDICATORS, ROOT, averages, shuffled_rows, with_path
from tests.runners.emr.conftest import keys, read
from tests.streams.test_jobs import bar

BARS = ROOT / "data/bars.csv"
RULE = ["--fast", "sma:5", "--slow", "sma:20"]
GRID = ["--fast", "sma:3,5", "--slow", "sma:10..20/5"]
#: By name: the job, its options, and the parts of its output that the tasks write themselves.
JOBS = {
    "crossover": (Crossover, RULE, []),
    "sweep": (Sweep, GRID, []),
    "best of a sweep, in two steps": (Sweep, [*GRID, "--best", "--shards", "2"], []),
    "backtest with its orders": (Backtest, [*RULE, "--orders"], ["-orders"]),
    "slices": (MovingAverage, [*INDICATORS, "--slices", "100d"], ["-inner"]),
}

IN_CI = ("crossover", "best of a sweep, in two steps")


def put_bars(emulator):
    header, rows = shuffled_rows()
    for number in range(2):
        text = "\n".join([header, *rows[number::2]]) + "\n"
        emulator.client("s3").put_object(Bucket="bars", Key=f"in/{number}.csv", Body=text.encode())


def lines_of(parts):
    return sorted(line for part in parts for line in part.splitlines())


def by_kind(parts):
    """Lines of an output's parts by the ends of their names: of text, orders, slices ..."""
    kinds = {}
    for name, content in parts.items():
        if name[:1] not in ("_", "."):
            kinds.setdefault(re.sub(r"part-\d+", "", name), []).append(content)
    return {kind: lines_of(contents) for kind, contents in kinds.items()}


def test_the_main_job_prints_its_lines_and_leaves_nothing(on_emr, emulator):
    put_bars(emulator)
    ran = on_emr(*INDICATORS, "s3://bars/in/")
    assert ran.status == 0, ran.err
    assert ran.lines == averages()
    assert "1,250 bars of 5 symbols -> 1,195 lines" in ran.err
    [arguments] = [step.args for step in emulator.steps()]
    assert "-lazyOutput" in arguments and "windrow_own_lines=1" in arguments
    assert (keys(emulator, "bars"), len(emulator.clusters())) == (["in/0.csv", "in/1.csv"], 1)
    assert not [key for key in keys(emulator, "work") if not key.startswith("jobs/logs/")]
    assert emulator.clusters()[0].state == "TERMINATED"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in IN_CI else [pytest.mark.full]) for name in JOBS]
)
def test_a_job_writes_what_it_writes_here(on_emr, run_job, emulator, tmp_path, name):
    job, options, kinds = JOBS[name]
    put_bars(emulator)
    assert run_job("-r", "local", "-q", *options, "-o", tmp_path / "out", BARS, job=job).status == 0
    ran = on_emr("-q", *options, "-o", "s3://bars/a/out", "s3://bars/in/*.csv", job=job.__module__)
    assert (ran.status, ran.err) == (0, "")
    names = [key for key in keys(emulator, "bars") if not key.startswith("in/")]
    there = {key.removeprefix("a/out/"): read(emulator, "bars", key) for key in names}
    here = {part.name: part.read_bytes() for part in (tmp_path / "out").iterdir()}
    assert by_kind(there) == by_kind(here)
    assert all(f"{kind}" in by_kind(there) for kind in kinds)
    assert json.loads(there["_windrow.json"]) == json.loads(here["_windrow.json"]) and there["_SUCCESS"] == b""


def test_a_portfolio_and_all_beside_it_are_the_bytes_of_inline(on_emr, run_job, emulator, tmp_path):
    """Hadoop numbers reducers in its own way: which of the parts has a symbol, or the portfolio, is not compared."""
    put_bars(emulator)
    options = [*RULE, "--portfolio", "equal", "--rebalance", "month", "--orders", "--trades", "--equity"]
    options += ["-q", "-D", "mapreduce.job.reduces=2"]
    assert run_job(*options, "-o", tmp_path / "out", BARS, job=Backtest).status == 0
    ran = on_emr(*options, "-o", "s3://bars/a/out", "s3://bars/in/*.csv", job="jobs.backtest")
    assert (ran.status, ran.err) == (0, "")
    names = [key for key in keys(emulator, "bars") if key.startswith("a/out/part-")]
    there = {key.removeprefix("a/out/"): read(emulator, "bars", key) for key in names}
    here = {part.name: part.read_bytes() for part in (tmp_path / "out").glob("part-*")}
    kinds = ("", "-portfolio", "-orders", "-trades", "-equity")
    assert there.keys() == here.keys() == {f"part-0000{number}{kind}" for number in (0, 1) for kind in kinds}
    assert by_kind(there) == by_kind(here) and all(by_kind(here).values())
    whole = [b"".join(parts[f"part-0000{number}-portfolio"] for number in (0, 1)) for parts in (there, here)]
    assert whole[0] == whole[1]  # in order of time


def test_a_terminal_shows_state_and_how_far_maps_and_reduces_are(emulator, conf, tmp_path):
    """Its reducers wait until the maps' end was shown: a step tells how far it is every second only."""
    (gate := tmp_path / "gate").touch()
    terminal, stderr = os.openpty()
    command = [sys.executable, "-m", "tests.cluster.faulty", "-r", "emr", "-c", conf, *INDICATORS, BARS]
    command += ["--wait-for", gate, "--waits", "reducer"]
    (patience := threading.Timer(120, lambda: gate.unlink(missing_ok=True))).start()
    env = {**with_path(), **emulator.env}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=tmp_path, env=env) as job:
        os.close(stderr)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while piece := os.read(terminal, 1 << 16):
                shown += piece
                if re.search(rb"map .*100%", shown):
                    gate.unlink(missing_ok=True)
    patience.cancel()
    assert job.returncode == 0, shown
    assert re.search(rb"cluster j-\w+: (starting|waiting|running).*step 1 of 1 \(s-\w+\): running", shown, re.DOTALL)
    assert re.search(rb"map .*100%.*reduce ", shown, re.DOTALL)


def test_files_of_this_machine_parquet_in_and_out(on_emr, emulator, tmp_path):
    table = pa_csv.read_csv(BARS)
    pq.write_table(table.slice(0, 600), tmp_path / "bars.parquet")
    pq.write_table(table.slice(600), tmp_path / "more.parquet")
    (tmp_path / "more.parquet").rename(tmp_path / "b #1.parquet")
    emulator.client("s3").upload_file(str(tmp_path / "bars.parquet"), "bars", "in/bars.parquet")
    output = ["--output-format", "parquet", "-o", "s3://bars/out"]
    ran = on_emr(*INDICATORS, *output, "s3://bars/in/bars.parquet", tmp_path / "b #1.parquet")
    assert ran.status == 0, ran.err
    assert keys(emulator, "bars") == [
        "in/bars.parquet",
        *(f"out/{name}" for name in ("_SUCCESS", "_windrow.json", "part-00000.parquet", "part-00001.parquet")),
    ]
    assert "\ns3://bars/out: written; read it with: python -c " in ran.err


def test_a_stream_is_read_here_and_nodes_need_no_rights_to_it(kinesis, on_emr, run_job):
    kinesis.put([(f"S{n % 3}", bar(f"S{n % 3}", f"2023-01-{n // 3 + 1:02}", n + 0.5)) for n in range(60)])
    want = run_job("-q", "--window", "3", "--share", "1", kinesis.uri)
    ran = on_emr("-q", "--window", "3", "--share", "1", kinesis.uri)
    assert want.status == 0 and (ran.status, ran.lines) == (0, want.lines), ran.err
