"""Trades by hand, in the ranges of bars, and as frames; tests/trading/test_exact_backtests.py has them of any rules."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import windrow
from windrow.errors import UsageError
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.signals import NOT_FULL
from windrow.trading.trade_book import CLOSED_BY, Extremes

DAY = 86_400 * 10**9
#: Bought at 12, sold and sold short at 14, and closed at the last open.
OPENS, CLOSES = [10.0, 11.0, 12.0, 13.0, 14.0, 9.0, 10.0], [10.5, 11.5, 11.5, 15.0, 14.5, 9.5, 10.5]
LOWS, HIGHS = [10.0, 11.0, 11.0, 13.0, 8.0, 9.0, 8.5], [10.5, 11.5, 12.5, 16.0, 15.0, 20.0, 11.0]
TREND = [NOT_FULL, 1, 1, -1, -1, 1, 1]


def frame(**columns):
    times = pd.date_range("2020-01-01", periods=len(OPENS))
    return pd.DataFrame({"symbol": "AA", "timestamp": times, "open": OPENS, "close": CLOSES, **columns})


def traded(rules, ranges=None, cuts=(), opens=OPENS, closes=CLOSES, trends=(TREND,)):
    tests = Backtests(rules, len(trends), traced=True)
    times, signs = np.arange(len(closes)) * DAY, np.array(trends, np.int8).T
    rows = []
    for begin, end in pairwise([0, *cuts, len(closes)]):
        cut = slice(begin, end)
        columns = (np.array(column)[cut] for column in (times, opens, closes, signs))
        if trace := tests.push(*columns, Extremes(*(np.array(one)[cut] for one in ranges)) if ranges else None):
            rows += zip(*(column.tolist() for column in trace.trades), strict=True)
    return rows + list(zip(*(column.tolist() for column in tests.open_trades()), strict=True))


def excursions(rows):
    return [(round(row[-3], 6), round(row[-2], 6), CLOSED_BY[row[-1]]) for row in rows]


def test_excursions_are_those_of_closes_from_the_entry_to_the_exit_before_costs():
    rows = traded(Rules(size=10, cash=1_000, commission=0.01))
    assert excursions(rows) == [
        (round(-0.5 / 12, 6), round(3 / 12, 6), "cross"), (round(-0.5 / 14, 6), round(4.5 / 14, 6), "cross"),
        (0.0, round(0.5 / 10, 6), "open"),
    ]  # fmt: skip
    profits = [20 - 0.1 * 26, 40 - 0.1 * 24, 5 - 0.1 * 10]
    assert [row[7] for row in rows] == pytest.approx(profits)
    assert [row[8] for row in rows] == pytest.approx([profits[0] / 120, profits[1] / 140, profits[2] / 100])


def test_excursions_of_ranges_take_the_bars_that_a_position_was_held_in():
    """At the open: the range of the entry's bar counts, and that of the exit's does not. At the close: the reverse."""
    rules = Rules(size=10, cash=1_000)
    assert excursions(traded(rules, (LOWS, HIGHS))) == [
        (round(-1 / 12, 6), round(4 / 12, 6), "cross"), (round(-6 / 14, 6), round(6 / 14, 6), "cross"),
        (round(-1.5 / 10, 6), round(1 / 10, 6), "open"),
    ]  # fmt: skip
    at_close = traded(Rules(size=10, cash=1_000, fill="close"), (LOWS, HIGHS))
    assert excursions(at_close) == [
        (round(-0.5 / 11.5, 6), round(4.5 / 11.5, 6), "cross"), (round(-5 / 15, 6), round(7 / 15, 6), "cross"),
        (round(-1 / 9.5, 6), round(1.5 / 9.5, 6), "open"),
    ]  # fmt: skip


PRICES = st.lists(st.integers(800, 1_200).map(lambda cents: cents / 100), min_size=30, max_size=30)


@settings(max_examples=100, deadline=None)
@given(PRICES, PRICES, PRICES, PRICES, st.lists(st.integers(0, 30), max_size=5), st.integers(0, 9), st.booleans())
def test_excursions_of_ranges_are_the_same_however_bars_come(opens, closes, ones, others, cuts, seed, late):
    rules = Rules(size=10, cash=1_000, fill="close" if late else "next-open")
    ranges = (
        [min(pair) for pair in zip(ones, others, strict=True)],
        [max(pair) for pair in zip(ones, others, strict=True)],
    )
    trends = np.random.default_rng(seed).integers(-1, 2, (2, 30)).tolist()
    given = {"ranges": ranges, "opens": opens, "closes": closes}
    alone = traded(rules, **given, trends=trends[:1])
    for row in alone:
        _, entered, exited, side, _, entry, exit_, *_, adverse, favourable, why = row
        begin, end = entered // DAY + late, exited // DAY + (late or CLOSED_BY[why] == "open")
        seen = [*ranges[0][begin:end], *ranges[1][begin:end], exit_]
        moves = [side * (price - entry) / entry for price in seen]
        assert (adverse, favourable) == pytest.approx((min(0, *moves), max(0, *moves)), abs=1e-12)
    both = traded(rules, **given, trends=trends, cuts=sorted(cuts))
    assert [row for row in both if row[0] == 0] == alone


def test_a_ruined_run_says_so_and_a_reversal_is_two_trades():
    found = windrow.backtest(frame()[:2], "close", "sma:2", stop_at_ruin=True, traced=True)
    assert found.trades.empty and set(found.trades.columns) >= {"entry_time", "mae", "closed_by"}
    closes = [10.0, 9.0, 8.0, 30.0, 31.0, 32.0]
    times = pd.date_range("2020-01-01", periods=6)
    bars = pd.DataFrame({"timestamp": times, "open": closes, "close": closes})
    found = windrow.backtest(bars, "close", "sma:2", size=10, cash=100, stop_at_ruin=True, traced=True)
    assert found.trades[["side", "entry_price", "exit_price", "pnl", "bars", "closed_by"]].to_numpy().tolist() == [
        ["short", 8.0, 31.0, -230.0, 2, "ruin"]
    ]
    assert found.trades.mae.tolist() == [-23 / 8]


def test_trades_add_up_to_the_figures():
    found = windrow.backtest(frame(), "close", "sma:2", size=10, cash=1_000, commission=0.002, traced=True)
    closed, figures = found.trades[found.trades.closed_by != "open"], found.figures.iloc[0]
    assert len(closed) == figures.trades_closed > 0 and len(found.trades) == figures.trades_total
    assert closed.pnl.sum() == figures.closed_pnl
    assert (closed["return"].max(), closed["return"].min()) == (figures.best_trade, figures.worst_trade)
    assert closed.bars.mean() == figures.average_bars_held


def test_frames_take_the_ranges_of_bars_where_they_have_them():
    how = {"size": 10, "cash": 1_000, "traced": True}
    ranged = windrow.backtest(frame(low=LOWS, high=HIGHS), "close", "sma:2", **how, excursions="range")
    closes = windrow.backtest(frame(low=LOWS, high=HIGHS), "close", "sma:2", **how)
    assert (ranged.trades.mae <= closes.trades.mae).all() and (ranged.trades.mae < closes.trades.mae).any()
    assert ranged.trades.drop(columns=["mae", "mfe"]).equals(closes.trades.drop(columns=["mae", "mfe"]))
    told = (
        "columns are symbol, timestamp, open, close, and excursions='range' takes low and high; add them, or leave it"
    )
    with pytest.raises(UsageError, match=told):
        windrow.backtest(frame(), "close", "sma:2", **how, excursions="range")
    with pytest.raises(UsageError, match="excursions='lows': is neither 'close' nor 'range'; use one of them"):
        windrow.backtest(frame(low=LOWS, high=HIGHS), "close", "sma:2", **how, excursions="lows")
