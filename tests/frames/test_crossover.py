"""crossover(frame): to the bit what the job writes for the same bars, and refusals by name."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import windrow
from jobs.crossover import Crossover
from windrow.errors import ConflictError, InputError, UsageError

BARS = Path(__file__).parents[2] / "data" / "bars.csv"
PAIRS = [
    (["sma:50"], ["sma:200"]),
    (["sma:5"], ["sma:20"]),
    (["close", "ema:7", "max:3d"], ["sma:10", "wma:21", "sma:2"]),
]


@pytest.fixture
def job(tmp_path_factory, run_job):
    """What the job writes of a file, as `read_output` reads it."""

    def run(path, fasts, slows, *args):
        out = tmp_path_factory.mktemp("job") / "out"
        lines = [arg for pair in zip(fasts, slows, strict=True) for arg in ("--fast", pair[0], "--slow", pair[1])]
        done = run_job(*lines, *args, "-q", "-o", out, path, job=Crossover)
        assert done.status == 0, done.err
        return windrow.read_output(out)

    return run


def assert_same_bits(ours, theirs):
    assert list(ours) == list(theirs)
    for name in ours:
        if name in ("price", "fast", "slow"):
            assert [value.hex() for value in ours[name]] == [value.hex() for value in theirs[name]]
        elif name == "timestamp":
            assert ours[name].astype("int64").tolist() == theirs[name].astype("int64").tolist()
        else:
            assert ours[name].dtype == theirs[name].dtype
            assert ours[name].tolist() == theirs[name].tolist()


@pytest.mark.parametrize(("fasts", "slows"), PAIRS)
@pytest.mark.parametrize("seed", ["sma", "first"])
def test_the_same_bits_as_the_job_on_the_sample(job, fasts, slows, seed):
    frame = pd.read_csv(BARS, parse_dates=["timestamp"])
    theirs = job(BARS, fasts, slows, "--ema-seed", seed)
    assert len(theirs) >= 4
    assert_same_bits(windrow.crossover(frame.sample(frac=1, random_state=1), fasts, slows, ema_seed=seed), theirs)
    if len(fasts) == 1:
        assert_same_bits(windrow.crossover(frame, fasts[0], slows[0], ema_seed=seed), theirs)


def test_the_lines_without_names_are_the_jobs(job):
    frame = pd.read_csv(BARS, parse_dates=["timestamp"])
    assert_same_bits(windrow.crossover(frame), job(BARS, [], []))


bar = st.tuples(
    st.sampled_from(["AA", "NA", "b\tc", "é", "%", "!"]),
    st.dates(pd.Timestamp(1900, 1, 1).date(), pd.Timestamp(2100, 1, 1).date()),
    st.sampled_from([1.0, 1.5, 2.0, 2.25, 1 / 3, 7.01]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bars=st.lists(bar, min_size=3, max_size=40, unique_by=lambda row: row[:2]), repeats=st.integers(0, 3))
def test_the_same_bits_as_the_job(tmp_path_factory, job, bars, repeats):
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    bars = bars + bars[:repeats]
    lines = "".join(f"{symbol},{day},{close!r}\n" for symbol, day, close in bars)
    path.write_text("symbol,timestamp,close\n" + lines, encoding="utf-8", newline="")
    frame = pd.DataFrame(bars, columns=["symbol", "timestamp", "close"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"]).dt.as_unit("ns")
    lines = ["close", "ema:2", "max:400d"], ["sma:2", "sma:3", "close"]
    assert_same_bits(windrow.crossover(frame, *lines), job(path, *lines))
    assert_same_bits(windrow.crossover(frame, "close", "sma:2"), job(path, ["close"], ["sma:2"]))


def frame(**columns):
    dates = pd.date_range("2024-01-02", periods=4, tz="America/New_York")
    return pd.DataFrame({"symbol": "A", "timestamp": dates, "close": [3.0, 2.0, 3.0, 1.0], **columns})


def test_zones_are_kept():
    found = windrow.crossover(frame(), "close", "sma:2")
    assert found["timestamp"].tolist() == frame()["timestamp"].tolist()[2:]
    assert found["signal"].tolist() == ["golden", "death"] and "pair" not in found


@pytest.mark.parametrize("bars", [frame(), frame().iloc[:0]], ids=["no cross", "no bars"])
def test_nothing_found_is_a_frame_without_rows(bars):
    found = windrow.crossover(bars, ["close", "sma:2"], ["sma:9", "sma:9"])
    assert found.empty and list(found) == ["symbol", "timestamp", "signal", "price", "fast", "slow", "pair"]
    assert found["signal"].dtype == found["pair"].dtype == "str" and found["price"].dtype == float


@pytest.mark.parametrize(("how", "error", "message"), [
    ({"fast": "close", "slow": "close"}, UsageError, "fast='close', slow='close': a line never crosses itself"),
    ({"fast": ["close", "ema:2"], "slow": "sma:2"}, UsageError, "fast='close ema:2', slow='sma:2': "),
    ({"fast": "open", "slow": "sma:2"}, UsageError, "line 'open': a line is an indicator"),
    ({"column": "open"}, UsageError, "column='open': the frame's columns are symbol, timestamp, close"),
    ({"ema_seed": "last"}, UsageError, "ema_seed='last': "),
    ({"on_conflict": "first"}, UsageError, "on_conflict='first': "),
    ({"bars": frame(close=[1.0, None, 2.0, 3.0])}, InputError, "column 'close': it holds nan and 0 more invalid"),
    ({"bars": frame(timestamp=[pd.Timestamp(0)] * 4)}, ConflictError, "2 bars differ from another"),
])  # fmt: skip
def test_wrong_options_and_bars_are_refused(how, error, message):
    with pytest.raises(error, match=f"^{message}"):
        windrow.crossover(**{"bars": frame()} | how)


def test_conflicts_can_be_settled():
    twice = pd.concat([frame(), frame(close=9.0)])
    assert windrow.crossover(twice, "close", "sma:2", on_conflict="smallest")["price"].tolist() == [3.0, 1.0]
    assert windrow.crossover(twice, "close", "sma:2", on_conflict="largest").empty
