"""Frames as people have them: yfinance's, by its versions, and names in any case."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import windrow
from windrow.errors import InputError, UsageError
from windrow.frames.naming import named

DAYS = pd.DatetimeIndex(["2023-01-12", "2023-01-13", "2023-01-17"], name="Date")
PRICES = {"Open": [36.1, 36.6, 36.55], "High": [37.0, 37, 38], "Low": [36.0, 36, 36], "Close": [36.6, 36.5, 37.25]}
PLAIN = pd.DataFrame({"symbol": "AAA", "timestamp": DAYS, **{name.lower(): its for name, its in PRICES.items()}})


def single(**more):
    """What yfinance.Ticker("AAA").history() returns."""
    return pd.DataFrame({**PRICES, "Volume": [1200, 1350, 1100], **more}, index=DAYS)


def download(*symbols, by="Price", absent=()):
    """What yfinance.download(symbols) returns, or with group_by="ticker"; all but the first lack the days `absent`."""
    parts = {symbol: (single() * (number + 1)).drop(index=DAYS[list(absent)] if number else []) for number, symbol in
             enumerate(symbols)}  # fmt: skip
    frame = pd.concat(parts, axis=1, names=["Ticker", "Price"]).sort_index()
    return frame if by == "Ticker" else frame.swaplevel(axis=1).sort_index(axis=1)


def averages(bars, **how):
    return windrow.moving_average(bars, "sma:2", **how)


def test_capitals_and_an_index_of_dates():
    right = averages(PLAIN.drop(columns="symbol"))
    pd.testing.assert_frame_equal(averages(single()), right)
    pd.testing.assert_frame_equal(averages(single().reset_index()), right)
    pd.testing.assert_frame_equal(averages(single().rename(columns={"Close": "Last"})), right)
    traded = windrow.backtest(single(), "close", "sma:2", side="long").figures
    plain = windrow.backtest(PLAIN.drop(columns="symbol"), "close", "sma:2", side="long")
    pd.testing.assert_frame_equal(traded, plain.figures)


def test_an_index_of_dates_is_the_time_whatever_columns_of_dates_there_are():
    other = single().assign(trade_date=DAYS - pd.Timedelta("7D"))
    pd.testing.assert_frame_equal(averages(other), averages(single()))


def test_a_column_by_its_name_in_any_case():
    for name in ("Open", "open", "OPEN"):
        assert averages(single(), column=name)["sma:2"].tolist() == [36.35, 36.575]


def test_adjusted_closes_in_capitals():
    adjusted = single(**{"Adj Close": [18.3, 18.25, 18.625]})
    assert averages(adjusted, column="adj_close")["sma:2"].tolist() == [18.275, 18.4375]
    assert averages(adjusted, column="open", adjusted=True)["sma:2"].tolist() == [18.175, 18.2875]


@pytest.mark.parametrize("by", ["Price", "Ticker"])
@pytest.mark.parametrize("names", [True, False])
def test_two_levels_of_columns(by, names):
    frame = download("AAA", "BBB", by=by, absent=[1])
    frame = frame if names else frame.rename_axis(columns=[None, None])
    assert frame["Close", "BBB"].isna().any() if by == "Price" else frame["BBB", "Close"].isna().any()
    other = PLAIN.assign(symbol="BBB", **{name.lower(): np.array(its) * 2 for name, its in PRICES.items()}).drop(
        index=1
    )
    long = pd.concat([PLAIN, other])
    pd.testing.assert_frame_equal(averages(frame), averages(long))
    for run in (windrow.backtest, windrow.sweep):
        ours, theirs = run(frame, "sma:1", "sma:2", side="long"), run(long, "sma:1", "sma:2", side="long")
        pd.testing.assert_frame_equal(ours.figures, theirs.figures)
    pd.testing.assert_frame_equal(windrow.crossover(frame, "close", "sma:2"), windrow.crossover(long, "close", "sma:2"))
    stacked = frame.stack(1 if by == "Price" else 0, future_stack=True).dropna()
    if names:
        pd.testing.assert_frame_equal(averages(stacked), averages(long))


def test_one_symbol_of_two_levels():
    pd.testing.assert_frame_equal(averages(download("AAA")), averages(PLAIN))


def test_zones_are_kept():
    frame = download("AAA", "BBB")
    frame.index = frame.index.tz_localize("America/New_York")
    assert str(averages(frame)["timestamp"].dt.tz) == "America/New_York"


def test_a_symbol_without_one_of_the_values_is_refused():
    frame = download("AAA", "BBB")
    frame.loc[DAYS[1], ("Open", "BBB")] = np.nan
    averages(frame)  # which needs no opens
    with pytest.raises(InputError, match="column 'open': it holds nan"):
        windrow.backtest(frame, "close", "sma:2")


def test_names_that_may_be_two():
    with pytest.raises(UsageError, match="has the columns 'Close', 'CLOSE', each of which may be 'close'"):
        averages(single(CLOSE=1.0))
    with pytest.raises(UsageError, match="has the columns 'Close', 'CLOSE'"):
        windrow.backtest(single(CLOSE=1.0), "close", "sma:2")
    assert averages(single(close=[1.0, 2.0, 4.0]))["sma:2"].tolist() == [1.5, 3.0]  # it has that very name


def test_a_date_and_a_time_of_day_are_not_read_as_dates():
    frame = single().reset_index().assign(Time="09:30")
    with pytest.raises(UsageError, match="the columns Date and Time: a bar's time is a date and a time of day"):
        averages(frame)


def test_levels_of_which_none_is_of_values():
    frame = download("AAA", "BBB").rename(columns={"Close": "Paid"}, level=0)
    with pytest.raises(UsageError, match="it is not clear which is of symbols") as refused:
        averages(frame)
    assert "bars.stack('Ticker', future_stack=True).reset_index()" in str(refused.value)
    cured = frame.stack("Ticker", future_stack=True).reset_index()
    assert averages(cured, column="Paid")["symbol"].tolist() == ["AAA", "AAA", "BBB", "BBB"]


def test_symbols_that_are_names_of_values():
    """LOW and OPEN are symbols of the New York exchanges: the levels' names tell."""
    assert averages(download("LOW", "OPEN"))["symbol"].unique().tolist() == ["LOW", "OPEN"]
    with pytest.raises(UsageError, match="not clear which is of symbols"):
        averages(download("LOW", "OPEN").rename_axis(columns=[None, None]))


def test_symbols_in_an_index_are_symbols():
    frame = pd.concat([PLAIN, PLAIN.assign(symbol="BBB")])
    expected = averages(frame)
    assert expected["symbol"].unique().tolist() == ["AAA", "BBB"]
    for name in ("symbol", "Ticker"):
        pd.testing.assert_frame_equal(averages(frame.rename(columns={"symbol": name}).set_index(name)), expected)


def test_texts_that_may_be_symbols_are_never_one_series():
    frame = PLAIN.assign(asset=["A", "B", "A"]).drop(columns="symbol")
    asked = frame.rename(columns={"asset": "symbol"})
    for kind in ("category", "object", "string", "string[pyarrow]"):
        texts = frame.astype({"asset": kind})
        for its in (texts, texts.set_index("asset"), texts.set_index("asset").rename_axis(None)):
            with pytest.raises(
                UsageError, match="must be clear which symbol a bar belongs to; rename what has the symbols"
            ):
                averages(its)
        assert averages(asked.astype({"symbol": kind}))["symbol"].tolist() == ["A"]


def test_days_of_arrow_are_times_and_complex_numbers_are_none():
    days = PLAIN.assign(timestamp=PLAIN["timestamp"].dt.date.astype(pd.ArrowDtype(pa.date32())))
    pd.testing.assert_frame_equal(averages(days), averages(PLAIN))
    with pytest.raises(InputError, match="column 'close': it does not hold numbers"):
        averages(PLAIN.assign(close=PLAIN["close"] + 1j))


def test_a_frame_with_windrow_s_names_is_not_copied():
    assert named(PLAIN, ["close"]) is PLAIN
