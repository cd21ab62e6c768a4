"""moving_average(frame): to the bit what the job writes for the same bars, and refusals by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import windrow
from sort_keys import merge
from windrow.errors import ConflictError, InputError, UsageError

BARS = Path(__file__).parents[2] / "data" / "bars.csv"
INDICATORS = ["sma:2", "ema:3", "max:3d", "sum:1", "std:2", "wma:2"]
bar = st.tuples(
    st.sampled_from(["AA", "NA", "b\tc", "é", "TRUE"]),
    st.datetimes(pd.Timestamp(1900, 1, 1), pd.Timestamp(2100, 1, 1)) | st.dates().map(pd.Timestamp),
    st.integers(-(10**9), 10**9).map(lambda cents: cents / 100) | st.floats(1e-15, 1e15) | st.just(0.0),
)


def in_years(bars):
    return [row for row in bars if 1678 <= row[1].year <= 2261]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bars=st.lists(bar, min_size=3, max_size=30, unique_by=lambda row: row[:2]).map(in_years).filter(bool),
       repeats=st.integers(0, 3), step=st.sampled_from([None, "2", "30d"]))  # fmt: skip
def test_the_same_bits_as_the_job(tmp_path_factory, run_job, bars, repeats, step):
    folder = tmp_path_factory.mktemp("job")
    bars = bars + bars[:repeats]
    lines = "".join(f"{symbol},{time.isoformat()},{close!r}\n" for symbol, time, close in bars)
    (folder / "bars.csv").write_text("symbol,timestamp,close\n" + lines, encoding="utf-8", newline="")
    args = [arg for indicator in INDICATORS for arg in ("--indicator", indicator)] + (["--step", step] if step else [])
    done = run_job(*args, "-q", "-o", folder / "out", folder / "bars.csv")
    assert done.status == 0, done.err
    frame = pd.DataFrame(bars, columns=["symbol", "timestamp", "close"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
    ours, theirs = windrow.moving_average(frame, *INDICATORS, step=step), windrow.read_output(folder / "out")
    assert ours["symbol"].tolist() == theirs["symbol"].tolist()
    assert ours["timestamp"].astype("int64").tolist() == theirs["timestamp"].astype("int64").tolist() or ours.empty
    for name in INDICATORS:
        assert [value.hex() for value in ours[name]] == [value.hex() for value in theirs[name]]


def frame(**columns):
    dates = pd.date_range("2008-03-03", periods=3)
    return pd.DataFrame({"symbol": "A", "timestamp": dates, "close": [1.0, 2.0, 4.0], **columns})


def test_order_and_index_of_the_frame_do_not_matter():
    expected = windrow.moving_average(frame(), "sma:2")
    assert expected["sma:2"].tolist() == [1.5, 3.0]
    pd.testing.assert_frame_equal(windrow.moving_average(frame().iloc[::-1], "sma:2"), expected)
    pd.testing.assert_frame_equal(windrow.moving_average(frame().set_axis([0, 0, 0]), "sma:2"), expected)


def test_zones_are_kept_and_a_day_is_24_hours():
    moments = pd.to_datetime(["2021-03-13 12:00", "2021-03-14 12:00", "2021-03-15 12:00"]).tz_localize(
        "America/New_York"
    )
    found = windrow.moving_average(frame(timestamp=moments), "sum:1d")
    assert found["timestamp"].tolist() == moments[2:].tolist() and found["sum:1d"].tolist() == [4.0]
    naive = windrow.moving_average(frame(), "sma:1")["timestamp"]
    assert naive.dt.tz is None and naive.tolist() == frame()["timestamp"].tolist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_of_time(unit):
    found = windrow.moving_average(frame(timestamp=frame()["timestamp"].dt.as_unit(unit)), "sma:1")
    assert found["timestamp"].tolist() == frame()["timestamp"].tolist()


def test_without_a_symbol_column_all_bars_belong_to_one_symbol():
    alone = frame().set_index("timestamp")[["close"]]
    assert windrow.moving_average(alone, "sma:3")["sma:3"].tolist() == [7 / 3]


def test_symbols_of_any_kind():
    for symbols in (
        ["NA", "NA", "TRUE"],
        [7203, 7203, 9984],
        pd.Categorical(["A", "A", "B"], categories=["Z", "B", "A"]),
        pd.Series([" A", "A ", "B"], dtype="str"),
        pd.Series(["A", "A", "B"], dtype=pd.ArrowDtype(pa.string())),
    ):
        found = windrow.moving_average(frame(symbol=symbols), "sma:2")
        assert found["symbol"].tolist() == [str(symbols[0]).strip()] and found["sma:2"].tolist() == [1.5]


def test_symbols_are_told_apart_by_their_texts():
    for symbols in ([1, "1", "B"], [1, 1.0, True], ["B", "A", "B"]):
        found = windrow.moving_average(frame(symbol=pd.Series(symbols, dtype=object)), "sma:1")
        assert found["symbol"].tolist() == sorted(map(str, symbols))
    alike = [chr(65 + n // 40) * (1 + n // 80) for n in range(2000)]  # long runs, of texts of several lengths
    for rows in (alike, alike[::-1], alike[::2] + alike[1::2]):
        times = pd.date_range("2008-03-03", periods=len(rows))
        found = windrow.moving_average(pd.DataFrame({"symbol": rows, "timestamp": times, "close": 1.5}), "sma:3")
        expected = [text for text in sorted(set(rows)) for _ in range(rows.count(text) - 2)]
        assert found["symbol"].tolist() == expected


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_of_arrow(zone):
    times = frame()["timestamp"].dt.tz_localize(zone) + pd.Timedelta("9h")
    ours = windrow.moving_average(frame(timestamp=times.astype(pd.ArrowDtype(pa.timestamp("us", zone)))), "sma:1")
    theirs = windrow.moving_average(frame(timestamp=times), "sma:1")
    assert ours["timestamp"].astype("int64").tolist() == theirs["timestamp"].astype("int64").tolist()


def test_no_bars_give_no_rows():
    for zone in (None, "UTC"):
        empty = frame(timestamp=frame()["timestamp"].dt.tz_localize(zone)).iloc[:0]
        found = windrow.moving_average(empty, "sma:2")
        assert found.empty and list(found) == ["symbol", "timestamp", "sma:2"]
        assert found["timestamp"].dtype == ("datetime64[ns]" if zone is None else "datetime64[ns, UTC]")


@pytest.mark.parametrize(("columns", "error", "message"), [
    ({"symbol": ["A", None, "B"]}, InputError, "column symbol: empty or missing"),
    ({"symbol": ["A", "", "B"]}, InputError, "column symbol: empty or missing"),
    ({"symbol": pd.Categorical(["A", None, "B"])}, InputError, "column symbol: empty or missing"),
    ({"close": [1.0, None, 2.0]}, InputError, "column 'close': it holds nan and 0 more invalid values"),
    ({"close": pd.array([1, None, 2], dtype="Int64")}, InputError, "column 'close': it holds nan and 0 more invalid"),
    ({"close": [2e15, np.inf, 9e-16]}, InputError, "column 'close': it holds 2000000000000000.0 and 2 more invalid"),
    ({"close": ["a", "b", "c"]}, InputError, "column 'close': it does not hold numbers"),
    ({"timestamp": ["a", "b", "c"]}, InputError, "column timestamp: it is of type (str|object): a bar's"),
    ({"timestamp": [pd.NaT, pd.Timestamp(0), pd.Timestamp(1)]}, InputError, "column timestamp: missing in some rows"),
    ({"timestamp": np.array(["1500", "2000", "2001"], "datetime64[s]")}, InputError, "column timestamp: .*1678-2261"),
    ({"timestamp": [pd.Timestamp(0)] * 3}, ConflictError,
     "2 bars differ from another bar of their symbol and time, e.g. A at 1970-01-01 00:00:00, 1.0 and 2.0:"),
])  # fmt: skip
def test_invalid_bars_are_refused(columns, error, message):
    with pytest.raises(error, match=f"^{message}"):
        windrow.moving_average(frame(**columns), "sma:2")


def test_values_out_of_range_are_refused_and_the_cure_keeps_the_others():
    bars = frame(close=[2e15, 0.0, 1e-15])
    with pytest.raises(InputError) as refusal:
        windrow.moving_average(bars, "sma:2")
    assert str(refusal.value) == (
        "column 'close': it holds 2000000000000000.0 and 0 more invalid values: a value, be it a price or a volume, is"
        " 0 or 1e-15..1e15 in magnitude; keep the other rows only, e.g. with"
        " bars[bars['close'].eq(0) | bars['close'].abs().between(1e-15, 1e15)]"
    )
    kept = eval(str(refusal.value).rpartition("with ")[2], {"bars": bars})
    assert windrow.moving_average(kept, "sum:2")["sum:2"].tolist() == [1e-15]


@pytest.mark.parametrize(("how", "message"), [
    ({"column": "open"}, "column='open': the frame's columns are symbol, timestamp, close"),
    ({"on_conflict": "first"}, "on_conflict='first': not one of fail, smallest, largest; use one of them"),
    ({"step": "x"}, ""), ({"min_periods": 5}, ""), ({"ddof": -1}, ""),
])  # fmt: skip
def test_invalid_options_are_refused(how, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        windrow.moving_average(frame(), "sma:2", **how)


def test_conflicts_can_be_settled():
    same = frame(timestamp=[pd.Timestamp(0)] * 3)
    for side, value in (("smallest", 1.0), ("largest", 4.0)):
        assert windrow.moving_average(same, "sma:1", on_conflict=side)["sma:1"].tolist() == [value]


def test_symbols_are_found_by_the_names_that_they_have_in_files():
    times = pd.date_range("2020-01-01", periods=2)
    bars = pd.DataFrame({"Ticker": ["A", "B"], "timestamp": times, "close": [1.0, 2.0]})
    assert windrow.moving_average(bars, "sma:1")["symbol"].tolist() == ["A", "B"]


def test_text_in_no_known_symbol_column_is_refused_not_averaged_over():
    times = pd.date_range("2020-01-01", periods=2)
    bars = pd.DataFrame({"instrument": ["A", "B"], "timestamp": times, "close": [1.0, 2.0]})
    with pytest.raises(UsageError, match=r"the frame has none of the columns symbol.* but text in instrument"):
        windrow.moving_average(bars, "sma:1")


@pytest.mark.parametrize("bars", [1, 7, 300])
def test_rows_do_not_depend_on_how_many_bars_are_taken_at_a_time(monkeypatch, bars):
    frame = pd.read_csv(BARS, parse_dates=["timestamp"]).sample(frac=1, random_state=1)
    averages = windrow.moving_average(frame, "sma:5", "max:30d")
    crosses = windrow.crossover(frame, ["sma:5", "close"], ["sma:20", "ema:9"])
    monkeypatch.setattr(merge, "_STRETCH_BARS", bars)
    pd.testing.assert_frame_equal(windrow.moving_average(frame, "sma:5", "max:30d"), averages)
    pd.testing.assert_frame_equal(windrow.crossover(frame, ["sma:5", "close"], ["sma:20", "ema:9"]), crosses)


def test_two_equal_indicators_are_two_columns():
    found = windrow.moving_average(frame(), "sma:2", "sma:2")
    assert list(found) == ["symbol", "timestamp", "sma:2", "sma:2"]
    assert found.iloc[:, 2].tolist() == found.iloc[:, 3].tolist() == [1.5, 3.0]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_bars_at_a_zones_midnight_are_a_day_apart_across_a_change_of_clocks(zone):
    days = pd.date_range("2024-03-01", periods=20, tz=zone)
    bars = pd.DataFrame({"symbol": "A", "timestamp": days, "close": np.arange(1.0, 21)})
    frame = windrow.moving_average(bars, "sum:7d")
    # The first full week ends with the eighth bar; a sum is of seven bars: 7 n - 21 up to bar n.
    assert frame["sum:7d"].tolist() == [7.0 * n - 21 for n in range(8, 21)]
    assert frame["timestamp"].tolist() == days[7:].tolist()


def test_blanks_around_symbols_are_trimmed():
    bars = pd.DataFrame({"symbol": [" A", "A\t", "A\u00a0"], "timestamp": pd.date_range("2024-03-01", periods=3)})
    frame = windrow.moving_average(bars.assign(close=[1.0, 2.0, 6.0]), "sma:3")
    assert frame["symbol"].tolist() == ["A"] and frame["sma:3"].tolist() == [3.0]
