"""The curve of the pairs that walks have chosen: their backtests on tests, chained, whatever the shards."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import windrow
from tests.sweeps.test_reduce import SYMBOLS, Series, outcome, parts_of, run_sweep
from windrow.errors import InputError, UsageError
from windrow.sweeps import runs
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.ranking import Choice
from windrow.sweeps.reduce import check
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import Split, parse_split
from windrow.trading import signals
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.buy_and_hold import BuyAndHold
from windrow.trading.curves import Curve
from windrow.windows import Options, parse_indicator

DAY = 86_400 * 10**9
BEST = Choice(best=True, equity=True)
GRID = parse_grid("sma:1..3", "sma:3..6")
RULES = [Rules(), Rules(size=3, cash=40, entry="cross"), Rules(size=1, cash=20, fill="close", commission=0.01)]
SPLITS = st.one_of(
    st.builds(
        parse_split, walks=st.integers(1, 5), rolling=st.booleans(), embargo=st.sampled_from([0, 0, 1, 3, 9, 40])
    ),
    st.builds(parse_split, share=st.sampled_from(["0.3", "0.77"]), embargo=st.sampled_from([0, 2])),
    st.builds(Split, st.just(2), time=st.integers(0, 1200).map(lambda day: day * DAY)),
)


def values_on_test(swept, series, pair, begin, end):
    """A pair's values at the closes of a test, by a backtest of its own; of no pair the cash."""
    if pair == (None, None) or begin == end:
        return np.full(end - begin, swept.rules.cash)
    start = begin if swept.cold else 0
    lines = [
        parse_indicator(f"sma:{window}").kernel(Options()).push(
            series.times[start:end], series.closes[start:end], np.array([0])
        )
        for window in pair
    ]  # fmt: skip
    trend, sign = signals.trend(*lines), np.zeros(1, np.int8)
    for one in trend[: begin - start]:
        sign[0] = one if one in (1, -1) else sign[0]
    tests, at = Backtests(swept.rules, 1, signs=sign, traced=True), slice(begin, end)
    trend = trend[begin - start :, None]
    return tests.push(series.times[at], series.opens[at], series.closes[at], trend).values[:, 0]


def chained(swept, series, pairs):
    """Values at all tests' bars, one after the other: what each bar's value was to the one before, multiplied."""
    bounds, value, found = parts_of(swept.split, len(series), series.times), swept.rules.cash, []
    for walk, pair in zip(swept.split.walks, pairs, strict=True):
        level, alive = value, value > 1e-9
        for one in values_on_test(swept, series, pair, *bounds[walk.test]).tolist():
            value = level * (one / swept.rules.cash) if alive else level
            found.append(value)
    return found


class Written(dict):
    """The curves that are written: times, values and those of buying and holding, by symbol."""

    def __call__(self, symbol, times, values, bought):
        for kept, some in zip(self.setdefault(symbol, ([], [], [])), (times, values, bought), strict=True):
            kept.extend(some.tolist())


@settings(max_examples=40, deadline=None)
@given(symbols=SYMBOLS, split=SPLITS, rules=st.sampled_from(RULES), cold=st.booleans(), data=st.data())
def test_the_curve_chains_the_backtests_of_the_chosen_pairs(symbols, split, rules, cold, data):
    swept = Sweep(GRID, rules, split=split, cold=cold, shards=data.draw(st.sampled_from([1, 2, 5, 20])))
    written = Written()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_BARS", data.draw(st.sampled_from([1, 7, 512])))
        patch.setattr(runs, "_PAIRS", data.draw(st.sampled_from([1, 3, 512])))
        runs._chunks.cache_clear()
        try:
            lines = run_sweep(swept, BEST, symbols, data.draw(st.integers(1, 3)), written)
        except InputError as error:
            assert "no pair has it on any symbol" in str(error)
            return
        finally:
            runs._chunks.cache_clear()
    for name, series in symbols.items():
        its = [line for field, line in lines if field == name]
        bounds = parts_of(split, len(series), series.times)
        begin = bounds[split.walks[0].test][0]
        times, values, bought = written.get(name, ([], [], []))
        assert times == series.times[begin:].tolist()
        expected = chained(swept, series, [(line["fast"], line["slow"]) for line in its])
        assert values == pytest.approx(expected, rel=1e-12, abs=1e-9)
        held = BuyAndHold(rules)
        bars = zip(series.opens[begin:, None], series.closes[begin:, None], strict=True)
        assert bought == [held.push(*bar)[0] for bar in bars]
        assert [("stitched" in line) for line in its] == [False] * (len(its) - 1) + [bool(times)]
        if times:
            curve = Curve(rules.cash)
            curve.push(np.array(times), np.array(values), np.array(bought))
            told = its[-1]["stitched"]
            assert told == curve.figures() and told["final_value"] == values[-1]
            assert list(its[-1])[-1] in ("stitched", "undefined")


@settings(max_examples=20, deadline=None)
@given(symbols=SYMBOLS, split=SPLITS, data=st.data())
def test_it_is_the_same_bytes_for_any_shards_and_reducers(symbols, split, data):
    one, several = Written(), Written()
    shards, reducers = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 3))
    lines = outcome(Sweep(GRID, split=split), BEST, symbols, 1, one)
    assert repr(outcome(Sweep(GRID, split=split, shards=shards), BEST, symbols, reducers, several)) == repr(lines)
    assert isinstance(lines, str) or repr(sorted(several.items())) == repr(sorted(one.items()))


#     closes   10 11 10 | 11 10  9 |  8 20 30 | 30 31 29       no train | sold at 8: 100, -20, -120 | stays there
def test_a_walk_without_a_best_pair_and_what_is_worth_nothing_are_level():
    closes = [10.0, 11.0, 10.0, 11.0, 10.0, 9.0, 8.0, 20.0, 30.0, 30.0, 31.0, 29.0]
    rules, split = Rules(size=10, cash=100, fill="close"), parse_split(walks=3, embargo=3)
    written = Written()
    lines = run_sweep(Sweep(parse_grid("sma:1", "sma:2"), rules, split=split), BEST, {b"A": Series(closes)}, 1, written)
    assert written[b"A"][1] == [100.0, 100.0, 100.0, 100.0, -20.0, -120.0, -120.0, -120.0, -120.0]
    its = [line for field, line in lines if field == b"A"]
    assert [line["fast"] for line in its] == [None, 1, 1] and its[-1]["stitched"]["ruined"]
    assert its[0]["undefined"]["fast"] == "no pair has pnl: no bars"


def test_frames_return_it_beside_the_lines():
    closes = 20 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.02, 120)))
    bars = pd.DataFrame({"symbol": "AA", "timestamp": pd.date_range("2024-01-01", periods=120), "close": closes})
    how = {"fill": "close", "walk_forward": 3, "rolling": True, "embargo": 2, "best": True}
    found = windrow.sweep(bars, "sma:1..3", "sma:3..6", equity=True, **how)
    figures, equity = found.figures, found.equity
    assert equity.columns.tolist() == ["symbol", "timestamp", "value", "buy_and_hold"]
    assert equity["timestamp"].tolist() == bars["timestamp"].tolist()[30:] and set(equity["symbol"]) == {"AA"}
    [final] = figures["stitched_final_value"].dropna()
    assert final == equity["value"].iloc[-1]
    plain = windrow.sweep(bars, "sma:1..3", "sma:3..6", **how).figures
    pd.testing.assert_frame_equal(plain, figures[plain.columns], check_dtype=False)


def test_it_is_of_best_pairs_on_tests():
    with pytest.raises(UsageError, match=re.escape("--equity: is of the best pairs on their tests; add --best, or")):
        Choice(equity=True)
    with pytest.raises(
        UsageError, match="--equity: is of tests, but all bars are one part; add --split, --split-at or"
    ):
        check(Sweep(GRID), BEST)
