"""Sweeps: every pair's figures are those of a backtest of its own, on the bars of its part alone, to the last bit."""


import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys.merge import Piece
from windrow import signals
from windrow.backtest import Backtests, Rules
from windrow.sweeps import runs, splits
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.runs import Prices, Sweep
from windrow.sweeps.splits import Split, parse_split
from windrow.windows import Options, parse_indicator

DAY = 86_400 * 10**9
RULES = [
    Rules(size=1, cash=1000),
    Rules(fill="close", side="long", entry="cross", sizing="all-in"),
    Rules(size=3, cash=40, commission=0.01, commission_per_order=0.5, entry="cross"),
]


class Series:
    """Bars in plain arrays, and what a sweep gets of them: opens, then closes, in pieces."""

    def __init__(self, closes, first=0):
        self.closes = np.array(closes, float)
        self.opens = np.round(self.closes + np.arange(len(closes)) % 3 / 4, 2)
        self.times = (first + np.arange(len(closes)) * 17) * DAY

    def __len__(self):
        return len(self.closes)

    def pieces(self, cuts=()):
        for at in np.split(np.arange(len(self)), sorted(cuts)):
            if len(at):
                yield Piece(self.times[at], [self.opens[at], self.closes[at]])


PRICES = Prices(averaged=1, opens=0, closes=1)


def by_itself(series, rules, pair, begin, end, warm):
    """Figures of one pair on bars [begin, end): kernels over the bars alone, one backtest, one push."""
    start = 0 if warm else begin
    lines = [
        parse_indicator(text).kernel(Options()).push(series.times[start:end], series.closes[start:end], np.array([0]))
        for text in pair
    ]
    trend = signals.trend(*lines)
    signs = np.zeros(1, np.int8)
    for sign in trend[: begin - start]:
        signs[0] = sign if sign in (1, -1) else signs[0]
    tests = Backtests(rules, 1, signs=signs)
    if end > begin:
        at = slice(begin, end)
        tests.push(series.times[at], series.opens[at], series.closes[at], trend[begin - start :, None])
    return tests.figures()[0]


def parts_of(split, bars, times):
    """Bounds of each part, in the plainest words."""
    if split.time is not None:
        cut = sum(time < split.time for time in times.tolist())
        return {"train": (0, cut), "test": (cut, bars)}
    if split.share is not None:
        cut = int(split.share * bars)
        return {"train": (0, cut), "test": (cut, bars)}
    if split.sections == 1:
        return {"all": (0, bars)}
    bounds = [number * bars // split.sections for number in range(split.sections + 1)]
    walks = range(1, split.sections)
    train = {f"train {k}": (0, bounds[k]) for k in walks}
    return train | {f"test {k}": (bounds[k], bounds[k + 1]) for k in walks}


def one_by_one(series, grid, rules, split, warm=False):
    """What a sweep should give: {part: [figures of each pair]}."""
    pairs = [(f"{grid.fast.kind}:{fast}", f"{grid.slow.kind}:{slow}") for fast, slow in grid.pairs()]
    return {
        part: [by_itself(series, rules, pair, *bounds, warm) for pair in pairs]
        for part, bounds in parts_of(split, len(series), series.times).items()
    }


SPLITS = st.one_of(
    st.just(Split()),
    st.sampled_from(["0.3", "0.5", "0.77"]).map(lambda share: parse_split(share=share)),
    st.integers(0, 1200).map(lambda day: Split(2, time=day * DAY)),
    st.integers(1, 5).map(lambda walks: parse_split(walks=walks)),
)
CLOSES = st.lists(st.integers(16, 40).map(lambda quarters: quarters / 4), max_size=70)
GRIDS = [("sma:1..4", "sma:3..9/2"), ("ema:2,5", "sma:4..6"), ("wma:2..3", "ema:3..6"), ("sma:2,3,7", "max:3,7,8,20")]


@settings(max_examples=120, deadline=None)
@given(closes=CLOSES, split=SPLITS, warm=st.booleans(), data=st.data())
def test_every_pair_and_part_is_a_backtest_of_its_own(closes, split, warm, data):
    series, rules = Series(closes), data.draw(st.sampled_from(RULES))
    grid = parse_grid(*data.draw(st.sampled_from(GRIDS)), any_order=data.draw(st.booleans()))
    cuts = data.draw(st.lists(st.integers(0, len(closes)), max_size=3))
    swept = Sweep(grid, rules, PRICES, split, warm, shards=data.draw(st.integers(1, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_BARS", data.draw(st.sampled_from([1, 5, 512])))
        patch.setattr(runs, "_PAIRS", data.draw(st.sampled_from([1, 3, 512])))
        patch.setattr(splits, "_IN_MEMORY", data.draw(st.sampled_from([1, 20, 1000])))
        runs._chunks.cache_clear()
        shards = [list(swept.parts(series.pieces(cuts), shard)) for shard in range(swept.shards)]
        pairs = [swept.pairs(shard) for shard in range(swept.shards)]
        runs._chunks.cache_clear()
    found = {}
    for parts, its in zip(shards, pairs, strict=True):
        for part in parts:
            found.setdefault(part.name, {}).update(zip(its, part.figures, strict=True))
    expected = one_by_one(series, grid, rules, split, warm)
    assert found == {name: dict(zip(grid.pairs(), figures, strict=True)) for name, figures in expected.items()}


def test_parts_come_in_order_of_time():
    swept = Sweep(parse_grid("sma:1", "sma:2"), RULES[0], PRICES, parse_split(walks=3))
    names = [part.name for part in swept.parts(Series(range(10, 30)).pieces())]
    assert names == ["train 1", "test 1", "train 2", "test 2", "train 3", "test 3"]


# A touch at the first bar of a warm test part, and then a death cross: of the sign that train ended with.
#
#     fast - slow      +  +  +  |  0  -
#     restarted        .  .  .  |  .  -     no sign before: no cross
def test_a_warm_test_part_crosses_from_the_sign_of_train():
    series = Series([5.0, 6.0, 7.0, 7.0, 3.0, 2.0, 2.0])
    rules = Rules(size=1, cash=1000, entry="cross")
    for warm, trades in ((True, 1), (False, 0)):
        swept = Sweep(parse_grid("sma:1", "sma:2"), rules, PRICES, parse_split(share="0.5"), warm)
        _, test = swept.parts(series.pieces())
        assert test.figures[0]["trades_total"] == trades


def test_the_acceptance_figures_of_intcs_year(shared_data):
    """The issue's: 364 rows, 254 to train and 110 to test, ema 5..10 x 21..31."""
    bars = pd.read_csv(shared_data / "INTC_year.csv", parse_dates=["dt"])
    times = bars["dt"].to_numpy("datetime64[ns]").astype(np.int64)
    pieces = [Piece(times, [bars["open"].to_numpy(float), bars["close"].to_numpy(float)])]
    swept = Sweep(parse_grid("ema:5..10", "ema:21..31"), Rules(), PRICES, parse_split(share="0.7"))
    train, test = (dict(zip(swept.pairs(), part.figures, strict=True)) for part in swept.parts(pieces))
    best = sorted(train, key=lambda pair: (-round(train[pair]["pnl"], 6), pair))
    assert best[:5] == [(7, 21), (7, 22), (5, 24), (6, 23), (8, 21)]
    assert [round(train[pair]["pnl"], 6) for pair in best[:5]] == [83, 83, 50, 45, 43]
    assert best[-2:] == [(9, 25), (10, 25)] and {round(train[pair]["pnl"], 6) for pair in best[-2:]} == {-509}
    best = sorted(test, key=lambda pair: (-round(test[pair]["pnl"], 6), pair))
    assert best[:2] == [(7, 31), (10, 31)] and {round(test[pair]["pnl"], 6) for pair in best[:2]} == {359}
    expected = {
        "final_value": 100083, "trades_total": 15, "trades_closed": 14, "won": 7, "lost": 7, "closed_pnl": 71,
        "sharpe": -4.410461169, "sqn": 0.186805286, "max_drawdown_pct": 0.446855096, "max_drawdown": 449,
    }  # fmt: skip
    assert {name: train[7, 21][name] for name in expected} == pytest.approx(expected, rel=3e-9)
    expected = {
        "pnl": 293, "trades_total": 4, "trades_closed": 3, "won": 2, "lost": 1, "closed_pnl": 154, "sqn": 0.783244375,
        "max_drawdown_pct": 0.176911544, "max_drawdown": 177,
    }  # fmt: skip
    assert {name: test[7, 21][name] for name in expected} == pytest.approx(expected, rel=3e-9)
    assert test[7, 21]["sharpe"] is None and test[7, 21]["undefined"] == {"sharpe": "a single calendar year"}
