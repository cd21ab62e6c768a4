"""jobs/resample.py, beside pandas with the exchange's calendar: 20 symbols, 30 days with all that makes days differ."""

import json

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.normalize import Normalize
from jobs.resample import Resample
from tests.conftest import ROOT
from windrow import read_output

NEW_YORK = "America/New_York"
#: Clocks went back on 2 November, 27 November was a holiday, and 28 November half a day.
FIRST, LAST = "2025-10-20", "2025-12-01"
PRICES = ["open", "high", "low", "close", "adj_close"]
VALUES = "open,high,low,close,volume,vwap,mean_adj_close,bars"


@pytest.fixture(scope="module")
def calendar():
    return exchange_calendars.get_calendar("XNYS", start="2025-09-01", end="2026-01-31")


@pytest.fixture(scope="module")
def minutes(calendar):
    """Minute bars with gaps and late opens, and some before and after sessions."""
    times = pd.DatetimeIndex(
        np.concatenate([
            pd.date_range(row.open - pd.Timedelta("30min"), row.close + pd.Timedelta("20min"), freq="1min").asi8
            for row in calendar.schedule.loc[FIRST:LAST].itertuples()
        ]),
        tz="UTC",
    )  # fmt: skip
    assert len(calendar.schedule.loc[FIRST:LAST]) == 30
    random, frames = np.random.default_rng(7), []
    for number in range(20):
        kept = random.random(len(times)) < 0.9
        day = times.tz_convert(NEW_YORK).normalize()
        kept &= ~((day == day[random.integers(len(day))]) & (random.random() < 0.8))  # a day without any
        late = pd.Series(random.integers(0, 120, len(day.unique())), day.unique()).reindex(day).to_numpy()
        kept &= times.tz_convert(NEW_YORK) >= day + pd.Timedelta("9h") + pd.to_timedelta(late, "min")
        close = np.round(50 + number + random.normal(0, 0.05, len(times)).cumsum(), 2)
        frame = pd.DataFrame(
            {"symbol": f"S{number:02}", "timestamp": times, "open": close + 0.01, "high": close + 0.07}
        )
        frame = frame.assign(low=close - 0.05, close=close, adj_close=close * 0.93).round(4)
        volume = random.integers(0, 5_000, len(times)) * (random.random(len(times)) < 0.7)
        frames.append(frame.assign(volume=np.where(day == day[-1], 0, volume))[kept])
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def inputs(minutes, tmp_path_factory):
    """The same bars as CSV in order of time, and as Parquet in two files in any order."""
    folder = tmp_path_factory.mktemp("minutes")
    minutes.sort_values("timestamp", kind="stable").to_csv(folder / "bars.csv", index=False)
    (folder / "parquet").mkdir()
    shuffled = minutes.sample(frac=1, random_state=1)
    shuffled[::2].to_parquet(folder / "parquet/one.parquet")
    shuffled[1::2].to_parquet(folder / "parquet/two.parquet")
    return folder


@pytest.fixture(scope="module")
def in_sessions(minutes, calendar):
    """The bars in sessions, with the session's day."""
    parts = []
    for day, row in calendar.schedule.loc[FIRST:LAST].iterrows():
        inside = (minutes["timestamp"] >= row["open"]) & (minutes["timestamp"] < row["close"])
        parts.append(minutes[inside].assign(day=day))
    return pd.concat(parts)


def aggregated(groups):
    frame = groups.agg(
        open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"),
        volume=("volume", "sum"), traded=("traded", "sum"), mean_adj_close=("adj_close", "mean"),
        bars=("close", "size"),
    )  # fmt: skip
    frame.insert(5, "vwap", frame.pop("traded") / frame["volume"])
    return frame[frame["bars"] > 0].reset_index()


def with_pandas(bars, span, label):
    """What pandas makes of bars in sessions: within each session from its open on, or by days."""
    bars = bars.assign(traded=(bars["high"] + bars["low"] + bars["close"]) / 3 * bars["volume"])
    if span in ("5min", "1h", "7min"):
        parts = []
        for day, its in bars.groupby("day"):
            open_at = day.tz_localize(NEW_YORK) + pd.Timedelta("9h30min")
            its = its.assign(timestamp=its["timestamp"].dt.tz_convert(NEW_YORK))
            by_time = pd.Grouper(key="timestamp", freq=span, label=label, origin=open_at)
            if span == "1h":
                by_time = pd.Grouper(key="timestamp", freq=span, label=label, offset="30min")
            parts.append(aggregated(its.groupby(["symbol", by_time])).assign(day=day))
        found = pd.concat(parts, ignore_index=True)
        return found.assign(timestamp=found["timestamp"].dt.tz_convert("UTC").astype("datetime64[ns, UTC]"))
    freq = {"1d": "D", "1w": "W-MON", "1mo": "MS"}[span]
    if label == "right":
        freq = {"1d": "D", "1w": "W-SUN", "1mo": "ME"}[span]
    sides = {} if label == "right" else {"closed": "left", "label": "left"}
    by_day = bars.groupby(["symbol", pd.Grouper(key="day", freq=freq, **sides)])
    return aggregated(by_day).rename(columns={"day": "timestamp"})


@pytest.mark.parametrize(
    ("span", "label"),
    [("5min", "left"), ("7min", "right"), ("1h", "right"), ("1d", "left"), ("1d", "right")]
    + [(span, label) for span in ("1w", "1mo") for label in ("left", "right")],
)
def test_larger_bars_are_those_of_pandas(run_job, inputs, minutes, in_sessions, calendar, tmp_path, span, label):
    how = ["--resample", span, "--calendar", "XNYS", "--labels", label, "--values", VALUES]
    ran = run_job(*how, "-o", tmp_path / "out", inputs / "bars.csv", job=Resample)
    assert ran.status == 0, ran.err
    assert f"; {len(minutes) - len(in_sessions):,} bars outside of sessions\n" in ran.err
    found, expected = read_output(tmp_path / "out"), with_pandas(in_sessions, span, label)
    if "day" in expected and label == "right":  # a last span ends with its session
        ends = expected.pop("day").map(calendar.schedule["close"])
        expected["timestamp"] = expected["timestamp"].where(expected["timestamp"] < ends, ends)
    expected = expected.drop(columns="day", errors="ignore").sort_values(["symbol", "timestamp"], ignore_index=True)
    assert found["timestamp"].tolist() == expected["timestamp"].tolist()
    assert found["symbol"].tolist() == expected["symbol"].tolist()
    for name in ("open", "high", "low", "close", "volume", "bars"):
        assert found[name].tolist() == expected[name].tolist(), name
    for name in ("vwap", "mean_adj_close"):  # which pandas rounds more than once
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-13)
    assert found["vwap"].isna().any()


def test_hours_of_a_day_are_sessions_where_there_is_no_calendar(run_job, inputs, minutes, calendar, tmp_path):
    hours = ["--session", "09:30-16:00", "--timezone", NEW_YORK]
    for name, how in (("hours", hours), ("calendar", ["--calendar", "XNYS"])):
        ran = run_job("--resample", "1h", *how, "-o", tmp_path / name, inputs / "bars.csv", job=Resample)
        assert ran.status == 0, ran.err
    by_hours, by_calendar = (read_output(tmp_path / name) for name in ("hours", "calendar"))
    half = calendar.schedule["close"]["2025-11-28"]
    on_half = (by_hours["timestamp"].dt.date == half.date()).to_numpy()
    pd.testing.assert_frame_equal(by_hours[~on_half], by_calendar[~on_half])
    late = (minutes["timestamp"] >= half) & (minutes["timestamp"].dt.date == half.date())
    assert by_hours["bars"][on_half].sum() == by_calendar["bars"][on_half].sum() + late.sum() > late.sum() > 0


RUNS = {
    "blocks of one": ["--block-bars", "1", "bars.csv"],
    "slots and reducers": ["--slot", "1h", "-D", "mapreduce.job.reduces=5", "bars.csv"],
    "local": ["-r", "local", "-D", "mapreduce.job.reduces=3", "bars.csv"],
    "parquet": ["--block-bars", "100", "parquet"],
}


@pytest.mark.parametrize("run", RUNS)
def test_the_same_bytes_however_the_bars_come(run_job, inputs, tmp_path, run):
    how = ["-q", "--symbols", "S00,S01,S02,S03,S04", "--calendar", "XNYS", "--resample", "1h", "--values", VALUES]
    plain = run_job(*how, inputs / "bars.csv", job=Resample)
    *options, name = RUNS[run]
    again = run_job(*how, *options, inputs / name, job=Resample)
    assert plain.lines and again.lines == plain.lines


@pytest.mark.parametrize(("view", "freq"), [("week", "W-MON"), ("month", "MS")])
def test_views_are_the_means_of_each_days_mean(run_job, inputs, in_sessions, tmp_path, view, freq):
    ran = run_job("--view", view, "--calendar", "XNYS", "-o", tmp_path / "out", inputs / "bars.csv", job=Resample)
    assert ran.status == 0, ran.err
    found = read_output(tmp_path / "out")
    days = in_sessions.groupby(["symbol", "day"])["adj_close"].mean().reset_index(level="symbol")
    expected = days.groupby("symbol").resample(freq, closed="left", label="left")["adj_close"].agg(["mean", "size"])
    np.testing.assert_allclose(found["mean_adj_close"], expected["mean"], rtol=1e-13)
    assert found["days"].tolist() == expected["size"].tolist()
    assert list(found) == ["symbol", "timestamp", "mean_adj_close", "days"]
    assert found["timestamp"].tolist() == expected.index.get_level_values("day").tolist()


def test_the_view_of_days_has_all_values(run_job, inputs, tmp_path):
    how = ["--calendar", "XNYS", inputs / "bars.csv"]
    view = run_job("-q", "--view", "day", *how, job=Resample)
    assert view.out == run_job("-q", "--values", VALUES, *how, job=Resample).out
    run_job("-q", "--view", "day", "-o", tmp_path / "out", *how, job=Resample)
    assert list(read_output(tmp_path / "out"))[2:] == VALUES.split(",")
    told = json.loads((tmp_path / "out/_windrow.json").read_text())["resample"]
    assert told["spans"] == ["1d"] and told["calendar"] == "XNYS" and told["labels"] == "left"


def test_other_jobs_take_larger_bars(run_job, tmp_path):
    """Averages and crosses of weeks are those of the weeks that this job writes."""
    bars = ROOT / "data/bars.csv"
    weeks = run_job("-q", "--resample", "1w", "--values", "close,vwap", bars, job=Resample)
    path = tmp_path / "weeks.csv"
    path.write_text("symbol,timestamp,close,vwap\n" + weeks.out.decode().replace("\t", ","))
    jobs = {MovingAverage: ["--window", "4"], Crossover: ["--fast", "sma:3", "--slow", "ema:8"], Normalize: []}
    for job, options in jobs.items():
        for column in ("close", "vwap"):
            how = ["-q", *options, "--column", column]
            assert run_job(*how, "--resample", "1w", bars, job=job).out == run_job(*how, path, job=job).out
    assert run_job("-q", "--window", "30d", "--resample", "1w", bars).lines


def test_without_a_calendar_days_are_those_of_the_time_zone(run_job, tmp_path):
    path, times = tmp_path / "hours.csv", pd.date_range("2025-11-01T22:00Z", periods=60, freq="h")
    rows = [f"AA,{time.isoformat()},{number}" for number, time in enumerate(times)]
    path.write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    days = ["2025-11-01", "2025-11-02", "2025-11-03", "2025-11-04"]
    for zone, closes, bars in (("UTC", [1, 25, 49, 59], [2, 24, 24, 10]), (NEW_YORK, [5, 30, 54, 59], [6, 25, 24, 5])):
        ran = run_job("-q", "--values", "close,bars", "--timezone", zone, path, job=Resample)
        lines = [f"AA\t{day}\t{close:.1f}\t{count:.1f}" for day, close, count in zip(days, closes, bars, strict=True)]
        assert ran.out.decode().splitlines() == lines


def test_capitals_mean_nothing_in_names_of_values_and_exchanges(run_job):
    bars = ROOT / "data" / "minute_bars.csv"
    want = run_job(
        "-q", "--resample", "1d", "--calendar", "XNYS", "--values", "close,last_open,bars", bars, job=Resample
    )
    found = run_job(
        "-q", "--resample", "1d", "--calendar", "xnys", "--values", "Close, Last Open,BARS", bars, job=Resample
    )
    assert want.status == 0 and want.out
    assert (found.status, found.out) == (0, want.out), found.err
