"""Whole jobs over bad inputs: the message, the exit status, and that nothing is lost or left behind."""

import bz2
import contextlib
import gzip
import os
import random
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

HEADER = "symbol,timestamp,close\n"
ROWS = "".join(f"A,2008-03-{day:02d},{day}.5\n" for day in range(1, 29))
BIG = HEADER + "".join(
    f"S{number % 9},{1700 + number // 336}-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d},{number % 977}.25\n"
    for number in range(60_000)
)
PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@cache
def packed(suffix, copies=1):
    """BIG, with its rows several times, compressed."""
    return PACK[suffix]((BIG + BIG.partition("\n")[2] * (copies - 1)).encode())


@pytest.fixture(params=["inline", "local"])
def job(request, run_job, tmp_path, monkeypatch):
    """Runs the job on one runner; whatever happens, only its output may be left behind."""
    temporary, work = tmp_path / "tmp", tmp_path / "work"
    temporary.mkdir()
    work.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(work)

    def run(*args, stdin=b"", window="2"):
        before = set(work.iterdir())
        done = run_job("-r", request.param, "--window", window, *args, stdin=stdin)
        assert not list(temporary.iterdir()), "left in the temporary directory"
        if done.status:
            assert set(work.iterdir()) == before, "left beside the output"
            assert done.out == b"", "printed although it failed"
        assert "Traceback" not in done.err
        return done

    return run


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return name


def refused(done, *parts, status=1):
    """A failure that says all of these, in one message."""
    assert done.status == status
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    for part in parts:
        assert part in done.err


def test_good_bars(job):
    done = job(write("a.csv", HEADER + ROWS))
    assert done.status == 0 and len(done.lines) == 27 and done.lines[0] == b"A\t2008-03-02\t2.0"
    assert done.err.splitlines()[0] == "28 bars of 1 symbol -> 27 lines"


def test_files_that_are_not_there(job):
    refused(job("none.csv"), "error: none.csv: does not exist; give files of bars")
    refused(job("x" * 300), "cannot be read: File name too long")
    told = "error: --recursive none.csv: --recursive takes no value, so none.csv is taken for an input"
    refused(job("--recursive", "none.csv", write("a.csv", HEADER + ROWS)), told, status=2)
    assert len(job("--recursive", "a.csv").lines) == 27
    refused(job("a.csv", "none.csv", "--recursive"), "error: none.csv: does not exist")
    refused(job("--recursive", "none*.csv"), "error: none*.csv: matches no file")
    refused(job(""), "the name of an input is empty")


def test_directories(job):
    os.mkdir("folder")
    refused(job("folder"), "error: folder: is a directory without files")
    write("folder/_b.csv", "no bars")
    write("folder/a.csv", HEADER + ROWS)
    assert len(job("folder").lines) == 27


def test_empty_files(job):
    empty, bare = write("empty.csv", ""), write("bare.csv", HEADER)
    refused(job(empty), "error: no valid row in any input: ", "empty.csv: no rows read; an input needs a header")
    refused(job(bare, empty), "error: no valid row in any input: ", "bare.csv")
    done = job(empty, bare, write("a.csv", HEADER + ROWS))
    assert done.status == 0 and len(done.lines) == 27
    for name in (empty, bare):
        assert f"{name}: has no rows; skipped" in done.err


def test_no_bar_at_all(job):
    refused(
        job(write("a.csv", HEADER + "A,x,1\nA,2008-03-05,x\n"), "--max-bad", "1"),
        "error: no valid row in any input: 2 rows read, all invalid: 1 time (the time does not parse: 'x' in column",
        "; 1 number (a value is not a number: 'x' in column 'close', expected a number as 1234.5); a job needs bars",
    )


def test_bars_but_no_output(job):
    done = job(write("a.csv", HEADER + ROWS), window="99")
    assert done.status == 0 and done.out == b"" and "warning: no output: no window was ever full" in done.err


def test_max_bad(job):
    path = write("a.csv", HEADER + ROWS + 'A,x,1\nA,"x,1\n')
    refused(
        job(path),
        f"{path}: 2 of 30 rows are invalid: 1 quote (a quote that is not closed on its line, or a stray carriage"
        " return: 'A,\"x,1'); 1 time (the time does not parse: 'x' in column",
        "2023-01-31T09:30); --max-bad 0.001",
    )
    done = job(path, "--max-bad", "0.1")
    assert done.status == 0 and "2 invalid rows" in done.err and len(done.lines) == 27


def test_conflicts_have_the_same_message_in_any_order(job):
    lines = [*ROWS.splitlines(), "A,2008-03-05,9", "A,2008-03-06,9", "B,2008-03-05,1", "B,2008-03-05,2"]
    messages = set()
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        half = len(lines) // 2
        paths = [
            write(f"{i}.csv", HEADER + "\n".join(part) + "\n") for i, part in enumerate((lines[:half], lines[half:]))
        ]
        done = job(*paths)
        refused(
            done,
            "error: 3 conflicts, different bars at one symbol and time: A at 2008-03-05 has close 5.5 and 9.0;",
        )
        messages.add(done.err)
    assert len(messages) == 1
    largest = job(*paths, "--on-conflict", "largest", window="1")
    assert b"A\t2008-03-05\t9.0" in largest.lines and b"B\t2008-03-05\t2.0" in largest.lines
    assert b"B\t2008-03-05\t1.0" in job(*paths, "--on-conflict", "smallest", window="1").lines


def test_repeats_are_dropped_and_counted(job):
    done = job(write("a.csv", HEADER + ROWS), write("b.csv", HEADER + ROWS))
    assert (
        done.status == 0
        and len(done.lines) == 27
        and done.err.splitlines()[0] == "56 bars of 1 symbol -> 27 lines; 28 repeats dropped"
    )


@pytest.mark.parametrize(
    "lines", [["A,2008-03-01,1", "A,2008-03-02T10:00Z,1"], ["A,2008-03-02T10:00Z,1", "A,2008-03-01,1"]]
)
def test_dates_and_times_of_day_in_one_input(job, lines):
    refused(job(write("a.csv", HEADER + "\n".join(lines))), "a.csv: contains ", "but also a", "all in one form")


def test_a_mixture_far_into_a_file(job):
    refused(
        job(write("a.csv", BIG + "A,2008-03-02T10:00Z,1\n"), "-o", "out"),
        "but also a time of day: 2008-03-02T10:00:00Z",
    )


def test_a_file_of_dates_and_a_file_of_times(job):
    done = job(write("a.csv", HEADER + "A,2008-03-01,1\n"), write("b.csv", HEADER + "A,2008-03-02T10:00Z,2\n"))
    assert done.out == b"A\t2008-03-02T10:00:00Z\t1.5\n"


def test_columns(job):
    path = write("a.csv", "Date,Open,Close\n2008-03-04,1,2\n2008-03-05,3,5\n")
    refused(job(path), "a.csv: has no symbol column among date, open, close", "--symbol-from-filename")
    assert job(path, "--symbol", "X").out == b"X\t2008-03-05\t3.5\n"
    assert job(path, "--symbol-from-filename", "--column", "open").out == b"a\t2008-03-05\t2.0\n"
    refused(
        job(path, "--symbol", "X", "--column", "high"),
        "a.csv: has no column 'high'; its columns are date, open, close",
    )
    refused(job(path, "--symbol", "X", "--column", "date"), "a.csv: column 'date' holds the time, not a value")
    refused(job(path, "--symbol", ""), "--symbol '': is empty; a bar needs a symbol", status=2)
    refused(job(path, "--symbol", "\udcff"), "is not valid UTF-8", status=2)


def test_lines_that_other_readers_stumble_over(job):
    text = (
        "\ufeff"
        + HEADER
        + "A,1960-01-01,1\r\n\r\n"
        + HEADER
        + "\ufeff"
        + HEADER
        + "A,2100-01-01,3\n"
        + "A\tB,1960-01-01,5\n"
        "A\tB,2100-01-01,7\nNA,1960-01-01,1\nNA,2100-01-01,1"
    )
    done = job(write("a.csv", text))
    assert done.lines == [b"A\t2100-01-01\t2.0", b"A%09B\t2100-01-01\t6.0", b"NA\t2100-01-01\t1.0"] and not done.status
    done = job(write("b.csv", 'symbol,timestamp,close,note\nA,1960-01-01,1,"a\nb"\nA,1960-01-02,1,\n'), window="1")
    refused(done, "2 of 3 rows are invalid: 1 quote", "1 fields")


@pytest.mark.parametrize("suffix", PACK)
def test_compressed(job, suffix):
    path = write(f"a.csv{suffix}", packed(suffix))
    plain = job(write("b.csv", BIG))
    assert job(path).lines == plain.lines
    half = BIG.index("\n", len(BIG) // 2) + 1
    write(path, PACK[suffix](BIG[:half].encode()) + PACK[suffix](BIG[half:].encode()))
    assert job(path).lines == plain.lines


@pytest.mark.parametrize("suffix", PACK)
def test_truncated_or_damaged(job, suffix):
    whole = packed(suffix, 7)  # so long that submission sees nothing of it
    for content in (
        whole[:-5],
        whole[: len(whole) // 2],
        whole[:20],
        b"",
        whole[:-40] + b"\0" * 40,
        b"no such thing",
    ):
        refused(job(write(f"a.csv{suffix}", content), "-o", "out"), f"a.csv{suffix}: is truncated or damaged")


@pytest.mark.parametrize("suffix", PACK)
def test_nothing_under_a_compressed_name(job, suffix):
    """It was an input without rows, skipped beside others, exit 0."""
    good, nothing = write("a.csv", HEADER + ROWS), write(f"b.csv{suffix}", b"")
    refused(
        job(nothing, good, "-o", "out"), f"error: {Path.cwd()}/b.csv{suffix}: is truncated or damaged (it has 0 bytes)"
    )
    assert job(good, write("c.csv", b"")).status == 0  # of a plain file nobody can know


CUT = "its last line has no line end; it is read, but a file that was cut short looks the same"


@pytest.mark.parametrize("end", ["", ",note", "\r"])
def test_a_last_line_without_its_end_is_read_and_told(job, end):
    done = job(write("a.csv", HEADER + ROWS.rstrip("\n") + end), "-q")
    assert (done.status, len(done.lines)) == ((0, 27) if end != ",note" else (1, 0))
    assert f"warning: {Path.cwd()}/a.csv: {CUT}\n" in done.err


def test_every_input_that_looks_cut_is_told_up_to_five(job):
    cut = [write(f"{number}.csv", HEADER + ROWS.replace("A", f"S{number}").rstrip("\n")) for number in range(8)]
    done = job("-q", *cut, write("whole.csv", HEADER + ROWS))
    assert len(done.lines) == 9 * 27
    told = [f"warning: {Path.cwd()}/{number}.csv: {CUT}" for number in range(5)]
    assert done.err.splitlines() == [*told, "warning: so have the last lines of 3 more inputs"]


def test_what_is_not_plain_says_itself_where_it_ends(job):
    for suffix, pack in PACK.items():
        assert job("-q", write(f"a.csv{suffix}", pack((HEADER + ROWS).rstrip("\n").encode()))).err == ""
    assert job("-q", stdin=(HEADER + ROWS).encode()).err == ""
    assert job("-q", stdin=(HEADER + ROWS).rstrip("\n").encode()).err == f"warning: -: {CUT}\n"


def test_damaged_parquet(job):
    count = 200_000
    pq.write_table(
        pa.table(
            {
                "symbol": ["A"] * count,
                "date": pa.array(range(count), pa.timestamp("s")),
                "close": np.random.default_rng(1).random(count),
            }
        ),
        "a.parquet",
    )
    with open("a.parquet", "rb") as file:
        whole = file.read()
    assert job("a.parquet").status == 0
    for content in (
        b"",
        b"PAR1",
        whole[:-5],
        whole[:1000],
        whole[: len(whole) // 2] + whole[len(whole) // 2 + 99 :],
    ):
        refused(
            job(write("a.parquet", content), "-o", "out"),
            "a.parquet: is truncated or damaged, or not a Parquet file",
        )


def test_compressed_under_a_plain_name(job):
    refused(job(write("a.csv", gzip.compress(BIG.encode()))), "a.csv: begins with ", "rename it to end in .gz")


def test_standard_input(job):
    for args in ((), ("-",)):
        assert len(job(*args, stdin=(HEADER + ROWS).encode()).lines) == 27
    refused(job("-", stdin=b""), "error: no valid row in any input: -: no rows read;")
    refused(job("-", stdin=b"symbol,close\nA,1\n"), "error: -: has no time column")
    refused(
        job("-", stdin=(HEADER + ROWS + "A,2020-02-01T10:00,1\n").encode()), "error: -: contains dates, but also a time"
    )


def test_an_output_whose_place_is_taken(job):
    path = write("a.csv", HEADER + ROWS)
    os.mkdir("full")
    write("full/x", "x")
    os.symlink("nowhere", "dangling")
    refused(job("-o", "full", path), "error: full: exists and is not empty; a job writes a new directory only")
    for name in (path, "dangling"):
        refused(job("-o", name, path), f"error: {name}: exists and is a file")
    refused(
        job("-o", "hdfs:///out", path), "error: hdfs:///out: can only be written by Hadoop; run the job with -r hadoop"
    )
    refused(job("-o", "a.csv/out", path), "error: a.csv/out: cannot be created: Not a directory")
    refused(job("-o", "x" * 300, path), "cannot be created: File name too long")
    refused(job("-o", "new/below/out", write("bad.csv", HEADER + "A,x,1\n")), "no valid row in any input")


def test_an_output_appears_whole(job):
    path = write("a.csv", HEADER + ROWS)
    os.mkdir("real")
    os.symlink("real", "link")
    for place in ("new/below/out", "link"):
        assert job("-o", place, path).status == 0
        assert {"_SUCCESS", "_windrow.json"} < set(os.listdir(place))
        assert (
            b"".join((Path(place) / part).read_bytes() for part in sorted(os.listdir(place)) if part[0] == "p")
            == job(path).out
        )
    assert os.path.islink("link") and sorted(os.listdir()) == ["a.csv", "link", "new", "real"]


@pytest.mark.parametrize(
    "options",
    [
        ["--window", "0"],
        ["--window", "x"],
        ["--indicator", "foo:3"],
        ["--indicator", "sma:2"],
        ["--max-bad", "2"],
        ["--slot", "x"],
        ["--block-bars", "0"],
        ["--timezone", "Mars/Phobos"],
        ["--no-such-option"],
        ["--time-unit", "h"],
        ["--on-conflict", "first"],
        ["--step", "0"],
        ["--min-periods", "0"],
        ["--max-bad", "nan"],
    ],
)
def test_wrong_options(job, options):
    try:
        status = job(write("a.csv", HEADER + ROWS), *options).status
    except SystemExit as left:  # argparse's own refusals
        status = left.code
    assert status == 2


NAMES = [
    "a b.csv",
    "[a]*?.csv",
    "$HOME `x` 'q' \"d\".csv",
    "é😀.csv",
    "line\nbreak.csv",
    "-dash.csv",
    "a,b;c#d%20.csv",
    "\udcff.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files(job, name):
    write(name, HEADER + ROWS)
    assert len(job(f"./{name}").lines) == 27


def exit_of(job_class, *args, runner):
    """A job in a process of its own, because tasks are to die there."""
    code = f"import sys; from tests_job import {job_class} as job; sys.exit(job.main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "-r", runner, "--window", "2", *args], capture_output=True, text=True
    )


@pytest.fixture
def dying(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tests_job.py").write_text(
        "import os, signal\nfrom jobs.moving_average import MovingAverage\n"
        "class Killed(MovingAverage):\n"
        "    def map_bars(self, bars, source):\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "class Raises(MovingAverage):\n"
        "    def map_bars(self, bars, source):\n        raise ZeroDivisionError('a bug in a task')\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path)
    write("a.csv", HEADER + ROWS)
    return tmp_path


def test_a_killed_task(dying):
    done = exit_of("Killed", "-o", "out", "a.csv", runner="local")
    assert done.returncode == 1 and not os.path.exists("out") and not os.listdir("tmp")
    assert (
        f"a task was killed by signal {signal.SIGKILL.value} (SIGKILL); if nobody sent it, memory ran out"
        in done.stderr
    )


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_bug_in_a_task_shows_its_traceback_once(dying, runner):
    done = exit_of("Raises", "-o", "out", "a.csv", runner=runner)
    assert done.returncode == 1 and not os.path.exists("out") and not os.listdir("tmp")
    assert done.stderr.count("ZeroDivisionError: a bug in a task") == done.stderr.count("Traceback") == 1


@pytest.mark.processes
@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_line_of_200_megabytes_in_300_of_memory(dying, runner):
    with open("huge.csv", "wb") as file:
        file.write(b"symbol,timestamp,close\nA,2008-03-05,1\nA,2008-03-06,2\n")
        for _ in range(200):
            file.write(b"x" * 10**6)
        file.write(b"\nA,2008-03-07,3\n")
    command = [
        sys.executable,
        "-m",
        "jobs.moving_average",
        "-r",
        runner,
        "--max-bad",
        "0.5",
        "--window",
        "2",
        "huge.csv",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.02)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert sorted(out.splitlines()) == ["A\t2008-03-06\t1.5", "A\t2008-03-07\t2.5"]
    assert "3 bars of 1 symbol -> 2 lines; 1 invalid row" in err
    assert 30e6 < peak < 300e6


def memory_of(pid):
    """Bytes of a process and all below it, shared pages counted once."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total
