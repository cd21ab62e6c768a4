"""The main job from files to lines: the figures of the original, every layout, an independent oracle."""

import bz2
import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.csv as csv_reader
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.oracle import moving_means, read_lines
from windrow.windows import kernels

DATA = Path(__file__).parents[2] / "data"
RUNNERS = ["inline", "local"]

# The window (t - 30d, t] over 32 daily bars: full once 30 days are covered, so at the last three of them.
#
#    Feb 3                                      Mar 3  4  5
#    |==========================================|
#      |===========================================|
#        |============================================|


@pytest.mark.parametrize("runner", RUNNERS)
def test_alcoas_prices_give_the_three_figures_of_the_original_job(run_job, shared_data, runner):
    ran = run_job(
        "-r", runner, "--window", "30d", "--step", "1d", "--column", "adj_close",
        shared_data / "yahoo_stock_AA_32_mini.csv",
    )  # fmt: skip
    rows = [line.split(b"\t") for line in ran.lines]
    assert ran.status == 0
    assert [row[:2] for row in rows] == [[b"AA", b"2008-03-03"], [b"AA", b"2008-03-04"], [b"AA", b"2008-03-05"]]
    assert [np.float32(row[2]) for row in rows] == [np.float32(v) for v in (33.529335, 34.529335, 35.396)]


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_daily_step_and_a_window_of_30_days_on_the_projects_own_bars(run_job, tmp_path, runner):
    prices = [str(10 + day % 7) + ".25" for day in range(32)]
    first = datetime(2008, 2, 3, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range(32)]
    bars = tmp_path / "bars.csv"
    rows = [f"NYSE,AA,{day:%Y-%m-%d},{price}\n" for day, price in zip(days, prices, strict=True)]
    bars.write_text("exchange,stock_symbol,date,adj close\n" + "".join(reversed(rows)))
    ran = run_job("-r", runner, "--window", "30d", "--step", "1d", "--column", "adj_close", bars)
    dates = [line.split(b"\t")[1] for line in ran.lines]
    assert dates == [b"2008-03-03", b"2008-03-04", b"2008-03-05"]
    expected = [
        sum(float(price) for price in prices[end - 29 : end + 1]) / 30 for end in (29, 30, 31)
    ]  # these sums of quarters are exact
    assert [float(line.split(b"\t")[2]) for line in ran.lines] == expected


def bars_of(path, column="close"):
    with path.open() as file:
        return [
            (row["symbol"], datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), row[column])
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    ("window", "oracle"), [("20", 20), ("1", 1), ("300", 300), ("30d", timedelta(days=30)), ("1w", timedelta(days=7))]
)
def test_means_equal_school_arithmetic(run_job, runner, window, oracle):
    ran = run_job("-r", runner, "--window", window, DATA / "bars.csv")
    assert ran.status == 0
    assert read_lines(ran.lines) == moving_means(bars_of(DATA / "bars.csv"), oracle)


def test_minutes_across_two_hours_equal_school_arithmetic(run_job):
    ran = run_job("--window", "2h", DATA / "minute_bars.csv")
    bars = bars_of(DATA / "minute_bars.csv")
    assert read_lines(ran.lines) == moving_means(bars, timedelta(hours=2))
    assert ran.lines[0].startswith(b"AAA\t2024-01-02T16:30:00Z\t")


EXPECTED = {
    "averages.tsv": (["sma:20", "ema:12"], "bars.csv", 20),
    "minute_averages.tsv": (["sma:1h", "std:1h"], "minute_bars.csv", timedelta(hours=1)),
}


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("expected", EXPECTED)
def test_the_sample_bars_give_the_expected_outputs(run_job, runner, expected):
    indicators, bars, window = EXPECTED[expected]
    ran = run_job("-r", runner, *(f"--indicator={name}" for name in indicators), DATA / bars)
    lines = sorted((DATA / expected).read_bytes().splitlines())
    assert ran.lines == lines
    means = [b"\t".join(line.split(b"\t")[:3]) for line in lines if line.split(b"\t")[2]]
    assert read_lines(means) == moving_means(bars_of(DATA / bars), window)


LAYOUTS = {
    "generic": ("symbol,timestamp,open,high,low,close,volume", "{s},{d},1,2,1,{c},9", []),
    "exchange": ("exchange,stock_symbol,date,open,high,low,close,volume,adj close", "N,{s},{d},1,2,1,{c},9,1", []),
    "name last": ("date,open,high,low,close,volume,Name", "{d},1,2,1,{c},9,{s}", []),
    "dt sym": ("dt,sym,open,high,low,close,vol", "{d},{s},1,2,1,{c},9.0", []),
    "yahoo": ("Date,Open,High,Low,Close,Adj Close,Volume", "{d},1,2,1,{c},1,9", ["--symbol", "AA"]),
    "yahoo by file": ("Date,Open,High,Low,Close,Adj Close,Volume", "{d},1,2,1,{c},1,9", ["--symbol-from-filename"]),
    "no header": (None, "{s},{d},{c}", ["--columns", "symbol,timestamp,close"]),
    "windows": ("\ufeffSymbol,Timestamp,Close\r", '"{s}","{d}","{c}"\r', []),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_prints_symbol_date_value(run_module, tmp_path, layout):
    header, row, options = LAYOUTS[layout]
    days = [f"2020-03-{day:02d}" for day in range(1, 31)]
    rows = [row.format(s="AA", d=day, c=f"{5 + i}.5") for i, day in enumerate(days)]
    bars = tmp_path / "AA.csv"
    bars.write_text("\n".join([header, *rows] if header else rows) + "\n", newline="\n")
    ran = run_module("jobs.moving_average", "--window", 20, *options, bars)
    assert ran.status == 0, ran.err
    expected = [f"AA\t{days[i]}\t{5 + i - 9.5 + 0.5}".encode() for i in range(19, 30)]
    assert ran.out.splitlines() == expected


def test_several_indicators_are_one_column_each_in_the_order_given(run_job):
    ran = run_job("--indicator", "sum:3", "--indicator", "max:2", "--indicator", "sma:3", DATA / "bars.csv")
    first, second = ([line.split(b"\t") for line in ran.lines if line.startswith(b"AAA\t")])[:2]
    closes = [float(text) for name, _, text in bars_of(DATA / "bars.csv") if name == "AAA"]
    assert first == [b"AAA", b"2023-01-03", b"", repr(max(closes[:2])).encode(), b""]
    assert float(second[4]) == pytest.approx(float(second[2]) / 3, rel=1e-15)


def test_files_with_different_headers_run_together(run_job, tmp_path):
    (tmp_path / "one.csv").write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,2\n")
    (tmp_path / "two.csv").write_text("date,close,Name\n2020-01-03,6,AA\n")
    ran = run_job("--window", "3", tmp_path / "one.csv", tmp_path / "two.csv")
    assert ran.lines == [b"AA\t2020-01-03\t3.0"]


#: 46248 + 43500 = 89748, written with ten places; cents above 9e9; 8 places above 9e6; 16 digits; a day's volumes.
SUMS = [
    ("0.0000046248", "0.0000043500", b"8.9748e-6"),
    ("12345678901.23", "0.04", b"12345678901.27"),
    ("98765432.12345678", "1.10000001", b"98765433.22345679"),
    ("0.1234567890123456", "0.1234567890123456", b"0.2469135780246912"),
    ("29000000000000", "0.000000000000001", b"29000000000000.0"),
    ("1e15", "-999999999999999.9", b"0.1"),
    ("1e-15", "2e-15", b"3e-15"),
]


def compressed_or_not(folder, suffix, text):
    """A file of bars, by what its name ends with."""
    path = folder / f"bars{suffix}"
    packers = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.ZstdCompressor().compress}
    if suffix == ".parquet":
        pq.write_table(csv_reader.read_csv(io.BytesIO(text)), path)
    else:
        path.write_bytes(packers[suffix.removeprefix(".csv")](text))
    return path


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".parquet", "-"])
def test_sums_are_those_of_the_numbers_as_printed(run_job, tmp_path, runner, suffix):
    rows = "".join(f"S{at},2020-01-01,{one}\nS{at},2020-01-02,{other}\n" for at, (one, other, _) in enumerate(SUMS))
    text = f"symbol,timestamp,close\n{rows}".encode()
    place = "-" if suffix == "-" else compressed_or_not(tmp_path, suffix, text)
    options = ["-q", "-r", runner, "--indicator", "sum:2", "--indicator", "sma:2"]
    ran = run_job(*options, place, stdin=text if suffix == "-" else b"")
    assert ran.status == 0, ran.err
    found = [line.split(b"\t") for line in ran.lines]
    assert [row[2] for row in found] == [total for _, _, total in SUMS]
    assert [float(row[3]) for row in found] == [float(sum(map(Fraction, pair[:2])) / 2) for pair in SUMS]


def test_standard_input_is_a_feed(run_job):
    ran = run_job("--window", "2", "-", stdin=b"symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,2\n")
    assert (ran.status, ran.lines) == (0, [b"AA\t2020-01-02\t1.5"])


def test_min_periods_and_ema_seed_and_ddof_reach_the_kernels(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,3\n")
    indicators = ["--indicator", "sma:5", "--indicator", "ema:3", "--indicator", "std:2"]
    ran = run_job(*indicators, "--min-periods", 1, "--ema-seed", "first", "--ddof", 0, bars)
    assert ran.lines == [b"AA\t2020-01-01\t1.0\t1.0\t0.0", b"AA\t2020-01-02\t2.0\t2.0\t1.0"]


def test_bars_without_a_full_window_end_well_but_say_so(run_job):
    ran = run_job("--window", "1000", DATA / "bars.csv")
    assert (ran.status, ran.out) == (0, b"")
    assert "warning: no output: no window was ever full" in ran.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--window", "0"], "window 0"),
        (["--window", "20x"], "20x"),
        (["--indicator", "foo:3"], f"with KIND one of {', '.join(kernels())}"),
        (["--window", "3", "--indicator", "sma:2"], "--window 3: given beside --indicator"),
        (["--block-bars", "0"], "--block-bars 0"),
        (["--max-bad", "2"], "--max-bad 2.0"),
        (["--timezone", "Mars/Olympus"], "--timezone Mars/Olympus"),
        (["--slot", "often"], "often"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_options_are_refused_by_name_with_status_2(run_job, args, says):
    ran = run_job(*args, DATA / "bars.csv")
    assert (ran.status, ran.out) == (2, b"")
    assert ran.err.startswith("error: ") and says in ran.err and "Traceback" not in ran.err


def test_help_shows_our_options_first_then_how_to_run(run_module):
    ran = run_module("jobs.moving_average", "--help")
    text = ran.out.decode()
    headings = [text.index(title) for title in ("Moving averages:", "Reading bars:", "Moving bars", "Running:")]
    assert headings == sorted(headings)
    assert text.startswith("usage: windrow moving-average [options] FILE...")
    assert "--settled" not in text


def test_a_file_given_twice_is_read_twice_and_its_repeats_are_counted(run_job):
    once, twice = run_job(DATA / "bars.csv"), run_job(DATA / "bars.csv", DATA / "bars.csv")
    assert twice.lines == once.lines
    assert "1,250 repeats dropped" in twice.err


@pytest.mark.parametrize(
    ("args", "says"), [(["-", "-"], "-: given more than once"), (["--symbol-from-filename", "-"], "no file name")]
)
def test_what_standard_input_cannot_do_is_refused(run_job, args, says):
    ran = run_job(*args, stdin=b"timestamp,close\n2020-01-01,1\n")
    assert (ran.status, ran.out) == (2, b"") and says in ran.err


@pytest.mark.parametrize("reducers", [1, 2, 3, 8])
def test_the_conflict_named_is_the_first_by_key_whoever_reduces_it(run_job, tmp_path, reducers):
    bars = tmp_path / "bars.csv"
    rows = [f"{symbol},2020-01-01,{price}\n" for symbol in ("B", "A Z", "A", "A,") for price in (1, 2)]
    quoted = "".join(rows).replace("A,,", '"A,",')
    bars.write_text("symbol,timestamp,close\n" + quoted)
    ran = run_job("-D", f"mapreduce.job.reduces={reducers}", bars)
    assert ran.status == 1
    assert "4 conflicts, different bars at one symbol and time: A at 2020-01-01 has close 1.0 and 2.0;" in ran.err


@pytest.mark.parametrize("reducers", ["0", "-1", "x", "1.5"])
def test_a_number_of_reducers_that_is_none_is_refused(run_job, reducers):
    ran = run_job("-D", f"mapreduce.job.reduces={reducers}", DATA / "bars.csv")
    assert (ran.status, ran.out) == (2, b"") and f"-D mapreduce.job.reduces={reducers}: a job has at least 1" in ran.err


@pytest.mark.parametrize("runner", ["dataproc"])
def test_a_runner_that_is_not_there_yet_is_refused(run_job, runner):
    ran = run_job("-r", runner, DATA / "bars.csv")
    assert (ran.status, ran.out) == (2, b"") and f"-r {runner}: is not a runner" in ran.err
