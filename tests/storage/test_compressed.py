"""Compressed parts: bytes that depend on the text alone, read whole or refused, on every runner and by every reader."""

import gzip
import io
import json
import random
import tracemalloc
from itertools import pairwise

import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.normalize import Normalize
from jobs.rejects import Rejects
from jobs.resample import Resample
from jobs.sectors import Sectors
from jobs.sweep import Sweep
from tests.rules import ROOT
from windrow.cli import main
from windrow.errors import InputError
from windrow.storage.compressed import ENDS, compressing, open_part

BARS = ROOT / "data/bars.csv"
PAIR = ["--fast", "ema:5", "--slow", "sma:24"]
HOW = [pytest.param(*one, id=one[0]) for one in ENDS.items()]
JOBS = {
    "averages": (MovingAverage, ["--indicator", "sma:3", "--indicator", "ema:5"]),
    "slices": (MovingAverage, ["--indicator", "sma:20", "--slices", "90d"]),
    "crosses": (Crossover, PAIR),
    "backtest": (Backtest, [*PAIR, "--orders", "--trades", "--equity"]),
    "portfolio": (Backtest, [*PAIR, "--orders", "--equity", "--portfolio", "equal"]),
    "sweep": (Sweep, ["--fast", "ema:3,5", "--slow", "sma:9,24", "--split", "0.7", "--best", "--equity"]),
    "sectors": (Sectors, ["--constituents", ROOT / "data/constituents.csv", "--averages", "2,5", "--equal"]),
    "scales": (Normalize, ["--column", "close"]),
}


def lines(number):
    rng = random.Random(7)
    return b"".join(b"SYM%03d\t%d\t%r\n" % (at // 5000, at, round(rng.random(), 6)) for at in range(number))


def compressed(pieces, end):
    file = io.BytesIO()
    with compressing(file, end) as text:
        for piece in pieces:
            text.write(piece)
    return file.getvalue()


def text_of(part):
    with open_part(part) as text:
        return text.read()


def texts(folder):
    """The text of every part of an output, by its name without the end of its compression."""
    ends = tuple(ENDS.values())
    return {
        part.name.removesuffix(ends[0]).removesuffix(ends[1]): text_of(part) for part in sorted(folder.glob("part-*"))
    }


@pytest.mark.parametrize(("how", "end"), HOW)
def test_bytes_depend_on_the_text_alone(tmp_path, how, end):
    text = lines(40_000)
    rng = random.Random(how)
    cuts = [0, *sorted(rng.sample(range(len(text)), 50)), len(text)]
    pieces = [text[begin:stop] for begin, stop in pairwise(cuts)]
    found = {compressed(one, end) for one in ([text], pieces, text.splitlines(keepends=True), [memoryview(text)])}
    assert len(found) == 1
    [content] = found
    assert len(content) < len(text) / 2
    (tmp_path / f"part{end}").write_bytes(content)
    assert text_of(tmp_path / f"part{end}") == text
    if how == "gzip":  # neither time nor name: RFC 1952
        assert content[:8] == b"\x1f\x8b\x08\0\0\0\0\0" and gzip.decompress(content) == text
    else:
        assert pa.CompressedInputStream(pa.BufferReader(content), "zstd").read() == text


@pytest.mark.parametrize(("how", "end"), HOW)
def test_a_part_that_is_cut_anywhere_is_refused(tmp_path, how, end):
    content, part = compressed([lines(50)], end), tmp_path / f"part-00000{end}"
    for cut in range(len(content)):
        part.write_bytes(content[:cut])
        with pytest.raises(InputError, match=f"^{part}: is truncated or damaged .* test it with `{how} -t`$"):
            text_of(part)
        with pytest.raises(InputError, match="truncated or damaged"):
            windrow.read_output(tmp_path)


def test_a_part_of_gzip_that_is_damaged_is_refused(tmp_path):
    content, part = bytearray(compressed([lines(50)], ".gz")), tmp_path / "part-00000.gz"
    content[-6] ^= 1  # of the checksum
    part.write_bytes(content)
    with pytest.raises(InputError, match="truncated or damaged"):
        text_of(part)


@pytest.mark.parametrize(("how", "end"), HOW)
def test_memory_is_flat(how, end):
    def peak(times):
        piece = random.Random(3).randbytes(1 << 20)
        tracemalloc.start()
        with compressing(Nowhere(), end) as text:
            for _ in range(times):
                text.write(piece)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(24) < peak(3) + (1 << 20)


class Nowhere(io.RawIOBase):
    """A file whose bytes are dropped."""

    def write(self, content):
        return len(content)


@pytest.mark.parametrize(("runner", "form"), [("local", "text"), ("inline", "csv")])
@pytest.mark.parametrize("job", JOBS)
def test_every_part_of_lines_is_that_of_a_run_without(run_job, tmp_path, job, runner, form):
    kind, options = JOBS[job]
    options = [*options, "-q", "-r", runner, "--output-format", form, "-D", "mapreduce.job.reduces=2", BARS]
    assert run_job(*options, "-o", tmp_path / "plain", job=kind).status == 0
    plain = texts(tmp_path / "plain")
    assert len(plain) >= 1 and any(plain.values())
    for how, end in ENDS.items():
        ran = run_job(*options, "--compress", how, "-o", tmp_path / how, job=kind)
        assert ran.status == 0, ran.err
        assert {part.name for part in (tmp_path / how).glob("part-*")} == {f"{name}{end}" for name in plain}
        assert texts(tmp_path / how) == plain
        assert json.loads((tmp_path / how / "_windrow.json").read_text())["compress"] == how


@pytest.mark.parametrize("form", ["text", "csv"])
@pytest.mark.parametrize(("how", "end"), HOW)
def test_outputs_are_read_by_name(run_job, tmp_path, how, end, form):
    cases = {
        "averages": (None,),
        "slices": (None,),
        "crosses": (None,),
        "backtest": (None, "orders", "trades", "equity"),
        "portfolio": (None, "portfolio"),
        "sweep": (None, "equity"),
        "sectors": (None, "symbols"),
    }
    for name, parts in cases.items():
        job, options = JOBS[name]
        options = ["-q", *options, "--output-format", form, "-D", "mapreduce.job.reduces=2", BARS, "-o"]
        assert run_job(*options, tmp_path / name / "plain", job=job).status == 0
        assert run_job("--compress", how, *options, tmp_path / name / "small", job=job).status == 0
        for part in parts:
            plain, small = (windrow.read_output(tmp_path / name / one, part=part) for one in ("plain", "small"))
            assert len(plain)
            assert_frame_equal(small, plain)
    one = tmp_path / "backtest/small" / f"part-00000-orders{'.csv' if form == 'csv' else ''}{end}"
    assert windrow.read_output(one)["side"].isin(["buy", "sell"]).all()


@pytest.mark.parametrize(("how", "end"), HOW)
def test_a_job_without_reducers_and_parts_without_lines(run_job, tmp_path, how, end):
    rejected = tmp_path / "a.csv"
    rejected.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,x\n")
    ran = run_job("-q", "--compress", how, "-o", tmp_path / "out", rejected, job=Rejects)
    assert ran.status == 0, ran.err
    assert [part.name for part in (tmp_path / "out").glob("part-*")] == [f"part-00000{end}"]
    assert windrow.read_output(tmp_path / "out").reason.tolist() == ["number"]
    options = ["-q", "--window", "999", "-D", "mapreduce.job.reduces=2", "--compress", how, "-o", tmp_path / "none"]
    assert run_job(*options, BARS).status == 0
    assert texts(tmp_path / "none") == {"part-00000": b"", "part-00001": b""}
    assert windrow.read_output(tmp_path / "none").empty


@pytest.mark.parametrize(("how", "end"), HOW)
def test_lines_are_inputs_of_jobs(run_job, tmp_path, how, end):
    options = ["-q", "--values", "open,high,low,close,volume", "--resample", "1w", BARS]
    assert run_job(*options, "-o", tmp_path / "plain", job=Resample).status == 0
    assert run_job(*options, "-o", tmp_path / "small", "--compress", how, job=Resample).status == 0
    again = ["-q", "--window", "3", "--columns", "symbol,timestamp,open,high,low,close,volume", "--delimiter", "tab"]
    expected = run_job(*again, tmp_path / "plain").out
    assert expected and run_job(*again, tmp_path / "small").out == expected


@pytest.mark.parametrize(("how", "end"), HOW)
def test_scaled_values_are_taken_back(run_job, tmp_path, how, end):
    options = ["-q", "--column", "close", "-D", "mapreduce.job.reduces=2", BARS]
    assert run_job(*options, "-o", tmp_path / "plain", job=Normalize).status == 0
    assert run_job(*options, "-o", tmp_path / "small", "--compress", how, job=Normalize).status == 0
    expected = run_job("-q", "--inverse", tmp_path / "plain", job=Normalize).out
    assert expected and run_job("-q", "--inverse", tmp_path / "small", job=Normalize).out == expected


@pytest.mark.parametrize(("how", "end"), HOW)
def test_pages_are_those_of_plain_lines(run_job, tmp_path, monkeypatch, how, end):
    for job in ("backtest", "sweep", "averages"):
        pages = []
        for name, more in (("plain", []), ("small", ["--compress", how])):
            folder = tmp_path / job / name
            folder.mkdir(parents=True)
            monkeypatch.chdir(folder)  # so that pages name the same output
            options = [*JOBS[job][1], *more, "-D", "mapreduce.job.reduces=2", BARS]
            assert run_job("-q", *options, "-o", "out", job=JOBS[job][0]).status == 0
            command = ["plot"] if job == "averages" else ["report"]
            assert main([*command, "out", "--bars", str(BARS), "-o", "page.html"]) == 0
            pages.append((folder / "page.html").read_text())
        assert pages[0] == pages[1] and "AAA" in pages[0]


@pytest.mark.parametrize(("how", "end"), HOW)
def test_a_page_of_a_truncated_output_is_refused(run_job, tmp_path, how, end):
    job, options = JOBS["backtest"]
    assert run_job("-q", *options, "--compress", how, "-o", tmp_path / "out", BARS, job=job).status == 0
    for name in ("part-00000", "part-00000-equity"):
        part = tmp_path / "out" / f"{name}{end}"
        content = part.read_bytes()
        part.write_bytes(content[:-9])
        with pytest.raises(InputError, match=f"^{part}: is truncated or damaged "):
            windrow.report(tmp_path / "out", BARS, out=tmp_path / "page.html")
        assert not (tmp_path / "page.html").exists()
        part.write_bytes(content)


def test_a_disk_that_is_full_is_said():
    for end in ENDS.values():
        with (
            pytest.raises(OSError, match="No space left"),
            open("/dev/full", "wb", buffering=0) as file,
            compressing(file, end) as text,
        ):
            text.write(random.Random(1).randbytes(1 << 20))
