"""Errors of larger bars: what fails, and each cure of its message, which must end well and be right.

As tests/test_cures.py does, whose last test sees which functions are followed here. Of closes of 10, 12, 11 and 15 on
the first four days of 2020 the means of two are 11, 11.5 and 13; New York traded on the second and the third.
"""

from pathlib import Path

import pytest

import windrow
from jobs.moving_average import MovingAverage
from jobs.normalize import Normalize
from jobs.resample import Resample
from jobs.sweep import Sweep
from tests.conftest import ROOT
from tests.test_cures import MEAN, ROWS, TIMED, Case, csv, lines
from windrow.errors import InputError
from windrow.paper.best import best_of

pytestmark = pytest.mark.one_python

GRID = ["--best", "--fast", "ema:3", "--slow", "sma:5,8"]
DAYS = ["--resample", "1d"]
TRADED = ["AA\t2020-01-03\t11.5"]
CLOSES = ["AA\t2020-01-01\t10.0", "AA\t2020-01-02\t12.0", "AA\t2020-01-03\t11.0", "AA\t2020-01-04\t15.0"]
MANY = csv("symbol,timestamp,open,volume", [(name, day, 1, 6 * 10**13 * two) for name, day, _, two in ROWS])
OLD = csv(more="AA,1920-01-01,1,1\n")
CASES = {
    "windows/periods.py:parse_span": Case([*MEAN, "--resample", "day"], "give one, e.g. 5min", [[*MEAN, *DAYS]]),
    "windows/periods.py:parse_span of a day": Case([*MEAN, "--resample", "24h"], "give 1d, or", [[*MEAN, *DAYS]]),
    "windows/periods.py:parse_span too long": Case(
        [*MEAN, "--resample", "99999d"], "give a shorter span", [[*MEAN, *DAYS]]
    ),
    "windows/values.py:rule_of": Case(
        [*MEAN, *DAYS, "--column", "price"], "then _ and a column, e.g. last_price",
        [[*MEAN, *DAYS, "--column", "last_price"]], bars=csv("symbol,timestamp,open,price"),
    ),
    "mapreduce/resampling.py:resampling_of": Case(
        [*MEAN, "--calendar", "XNYS"], "e.g. --resample 1d, or", [[*MEAN, "--calendar", "XNYS", *DAYS]], TRADED
    ),
    "mapreduce/resampling.py:resampling_of nothing": Case([*MEAN, "--calendar", "XNYS"], "or leave it out", [MEAN]),
    "mapreduce/resampling.py:resampling_of both": Case(
        [*MEAN, *DAYS, "--session", "09:00-10:00", "--calendar", "XNYS"], "give one of the two",
        [[*MEAN, *DAYS, "--session", "09:00-10:00"]], bars=TIMED,
    ),
    "mapreduce/resampling.py:resampling_of slices": Case(
        [*MEAN, *DAYS, "--slices", "2d"], "leave one out", [[*MEAN, *DAYS], [*MEAN, "--slices", "2d"]],
        reads=lambda ran: sorted(lines(ran)),
    ),
    "mapreduce/resampling.py:check": Case(
        [*MEAN, *DAYS, "--label", "right"], "give --labels right", [[*MEAN, *DAYS, "--labels", "right"]]
    ),
    "mapreduce/resampling.py:_refuse_dates": Case(
        [*MEAN, "--resample", "1h"], "so their bars are of days or more; give 1d", [[*MEAN, *DAYS]]
    ),
    "mapreduce/resampling.py:_refuse_dates of hours": Case(
        [*MEAN, *DAYS, "--session", "09:30-16:00"], "no hours of a day apply to; leave it out", [[*MEAN, *DAYS]]
    ),
    "mapreduce/resampling.py:_refuse_dates of ends": Case(
        [*MEAN, *DAYS, "--closed", "right"], "have no begin or end; leave it out", [[*MEAN, *DAYS]]
    ),
    "mapreduce/resampling.py:warnings_of": Case(
        [*MEAN, *DAYS, "--calendar", "XNYS"], "check the times of the bars, and --timezone",
        [[*MEAN, *DAYS, "--calendar", "XNYS", "--timezone", "America/New_York"]], TRADED, bars=TIMED,
    ),
    "sessions.py:__post_init__ of hours": Case(
        [*MEAN, *DAYS, "--session", "9-16"], "give HH:MM-HH:MM, e.g. 09:30-16:00",
        [[*MEAN, *DAYS, "--session", "09:30-16:00"]], bars=TIMED,
    ),
    "sessions.py:__post_init__ of exchanges": Case(
        [*MEAN, *DAYS, "--calendar", "NEW_YORK"], "e.g. XNYS for", [[*MEAN, *DAYS, "--calendar", "XNYS"]], TRADED
    ),
    "sessions.py:between": Case(
        [*MEAN, *DAYS, "--calendar", "XNYS"], "take bars of known years by --from and --to",
        [[*MEAN, *DAYS, "--calendar", "XNYS", "--from", "1950-01-01"]], TRADED, bars=OLD,
    ),
    "windows/resample.py:_beyond": Case(
        [*MEAN, "--resample", "2d", "--column", "volume"], "scale the column, e.g. --scale volume=1e-3",
        [[*MEAN, "--resample", "2d", "--column", "volume", "--scale", "volume=1e-15"]],
        ["AA\t2020-01-03\t1.44"], bars=MANY,
    ),
    "windows/views.py:view_of": Case(
        ["--view", "month", "--values", "close"], "give one of the two", [["--values", "close"]], CLOSES, Resample
    ),
    "windows/views.py:view_of twice": Case(
        ["--values", "close,close"], "give each name once", [["--values", "close"]], CLOSES, Resample
    ),
    "jobs/resample.py:cures": Case(
        [], "choose others with --values, e.g. --values close,bars, or if it is there by another name, use --rename",
        [["--values", "close"]], CLOSES, Resample, bars=csv("symbol,timestamp,high,close"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_cure_of_a_message_ends_well_and_is_right(run_job, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    Path("AA.csv").write_text(case.bars)
    failed = run_job("-q", *case.fails, case.file, job=case.job)
    assert failed.status in (1, 2) and failed.out == b"" and case.says in failed.err, failed.err
    for cure in case.cures:
        ran = run_job("-q", *cure, case.file, job=case.job)
        assert (ran.status, case.reads(ran)) == (0, case.right), (cure, ran.err)


@pytest.mark.parametrize(
    ("how", "bars", "warning"),
    [
        (["--resample", "5min"], TIMED, "--resample 5min: each larger bar is made of one bar"),
        (["--calendar", "XNYS", *DAYS, "--timezone", "America/New_York"],
         csv(rows=[(name, f"{day}T09:{minute}", one, two) for name, day, one, two in ROWS for minute in (28, 29, 30)]),
         "--calendar XNYS: 10 of 12 bars are outside of sessions, more than half"),
        ([*DAYS, "--column", "vwap"],
         csv("symbol,timestamp,high,low,close,volume", [(*row[:3], 1, 2, 0) for row in ROWS] * 2, range(6)),
         "--resample 1d: 4 larger bars without any volume have no vwap, and are left out"),
    ],
)  # fmt: skip
def test_what_larger_bars_lose_is_told(run_job, tmp_path, how, bars, warning):
    path = tmp_path / "AA.csv"
    path.write_text(bars)
    ran = run_job("-q", "--window", "1", *how, path)
    assert ran.status == 0 and f"warning: {warning}" in ran.err


@pytest.mark.parametrize(
    ("job", "how"),
    [
        (Resample, ["--timezone", "America/New_York"]),
        (Resample, ["--calendar", "XNYS"]),
        (Resample, ["--session", "09:30-16:00"]),
        (Normalize, ["--timezone", "America/New_York", "--column", "close", "--fit-until", "2024-01-03"]),
    ],
)
def test_dates_beside_times_are_refused_where_days_are_not_those_of_utc(run_job, tmp_path, job, how):
    """mapreduce/resampling.py:_refuse_mixed: a date is midnight UTC, the day before in New York, in no session."""
    dates, times = tmp_path / "dates.csv", tmp_path / "times.csv"
    dates.write_text("symbol,timestamp,close\nAA,2024-01-02,1\nAA,2024-01-03,2\n")
    times.write_text("symbol,timestamp,close\nAA,2024-01-04T15:00Z,3\nAA,2024-01-04T15:30Z,4\n")
    values = ["--values", "close"] if job is Resample else []
    ran = run_job("-q", *values, *how, dates, times, job=job)
    assert ran.status == 1 and "dates.csv: has dates, but other inputs have times" in ran.err
    if job is Resample:
        larger = run_job("-q", *values, *how, "--output-format", "parquet", "-o", tmp_path / "out", times, job=job)
        assert larger.status == 0
        both = run_job("-q", *values, "--resample", "1mo", dates, tmp_path / "out" / "part-00000.parquet", job=job)
        assert both.lines == [b"AA\t2024-01-01\t4.0"]
        assert run_job("-q", *values, dates, times, job=job).lines[0] == b"AA\t2024-01-02\t1.0"
    else:
        assert run_job("-q", *how[2:], dates, times, job=job).status == 0


def test_larger_bars_that_are_counted_alone_are_read_as_an_output(run_job, tmp_path):
    (tmp_path / "AA.csv").write_text(TIMED)
    assert run_job("--values", "bars", "-o", tmp_path / "out", tmp_path / "AA.csv", job=Resample).status == 0
    assert windrow.read_output(tmp_path / "out").columns.tolist() == ["symbol", "timestamp", "bars"]


def test_outputs_of_larger_bars_are_not_drawn_over_the_inputs(run_job, tmp_path, monkeypatch):
    """The error of frames/description.py:refuse_larger, and its cure: the larger bars as a folder of bars."""
    monkeypatch.chdir(tmp_path)
    bars = str(ROOT / "data/bars.csv")
    for job, options, out in ((MovingAverage, ["--window", "3"], "averages"), (Sweep, GRID, "sweep")):
        assert run_job("-q", "--resample", "1w", *options, "-o", out, bars, job=job).status == 0
    for refused in (lambda: windrow.plot("averages", bars, out="page.html"), lambda: best_of("sweep")):
        with pytest.raises(InputError, match=r"of larger bars \(--resample 1w\), .* with --columns and --delimiter"):
            refused()
    values = "open,high,low,close,volume"
    run_job("-q", "--resample", "1w", "--values", values, "-o", "weeks", bars, job=Resample)
    how = ["-q", "--columns", f"symbol,timestamp,{values}", "--delimiter", "tab", "--window", "3"]
    assert run_job(*how, "-o", "again", "weeks").status == 0
    assert windrow.read_output("again").equals(windrow.read_output("averages"))
    assert windrow.plot("again", "weeks", out="page.html")
