"""Sweeps: every pair's figures are those of a separate backtest, on the bars of its part alone, to the last bit."""

import json
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys.merge import Piece, Stretch
from windrow.errors import InputError
from windrow.sweeps import deflated, runs, splits
from windrow.sweeps import reduce as sweep
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.overall import Sums
from windrow.sweeps.ranking import Choice
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import Split, parse_split
from windrow.trading import signals
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.figures import EQUAL_TRADES
from windrow.trading.measures import Measures
from windrow.windows import Options, parse_indicator

DAY = 86_400 * 10**9
TOLD = Measures(backtrader=True)
RULES = [
    Rules(size=1, cash=1000),
    Rules(fill="close", side="long", entry="cross"),
    Rules(size=3, cash=40, commission=0.01, commission_per_order=0.5, entry="cross"),
]


class Series:
    """Bars in plain arrays, and in the pieces that a sweep gets."""

    def __init__(self, closes, first=0):
        self.closes = np.array(closes, float)
        self.opens = np.round(self.closes + np.arange(len(closes)) % 3 / 4, 2)
        self.times = (first + np.arange(len(closes)) * 17) * DAY

    def __len__(self):
        return len(self.closes)

    def pieces(self, columns, cuts=()):
        prices = {"open": self.opens, "close": self.closes}
        for at in np.split(np.arange(len(self)), sorted(cuts)):
            if len(at):
                yield Piece(self.times[at], [prices[name][at] for name in columns])


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
    """Bounds of each part, computed as plainly as possible."""
    if split.time is not None or split.share is not None:
        cut = sum(time < split.time for time in times.tolist()) if split.share is None else int(split.share * bars)
        return {"train": (0, max(0, cut - split.embargo)), "test": (cut, bars)}
    if split.sections == 1:
        return {"all": (0, bars)}
    bounds = [number * bars // split.sections for number in range(split.sections + 1)]
    walks = range(1, split.sections)
    begins = [0, *bounds] if split.rolling else [0] * (len(bounds) + 1)
    train = {f"train {k}": (begins[k], max(begins[k], bounds[k] - split.embargo)) for k in walks}
    return train | {f"test {k}": (bounds[k], bounds[k + 1]) for k in walks}


def one_by_one(series, grid, rules, split, warm):
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
    st.builds(parse_split, walks=st.integers(1, 5), rolling=st.booleans(), embargo=st.integers(0, 9)),
    st.builds(parse_split, share=st.sampled_from(["0.3", "0.77"]), embargo=st.integers(1, 40)),
    st.builds(Split, st.just(2), time=st.integers(0, 1200).map(lambda day: day * DAY), embargo=st.integers(1, 9)),
)
QUARTERS = st.integers(16, 40).map(lambda quarters: quarters / 4)
CLOSES = st.lists(QUARTERS, max_size=70)
GRIDS = [("sma:1..4", "sma:3..9/2"), ("ema:2,5", "sma:4..6"), ("wma:2..3", "ema:3..6"), ("sma:2,3,7", "max:3,7,8,20")]


@settings(max_examples=120, deadline=None)
@given(closes=CLOSES, split=SPLITS, warm=st.booleans(), data=st.data())
def test_every_pair_and_part_is_a_separate_backtest(closes, split, warm, data):
    series, rules = Series(closes), data.draw(st.sampled_from(RULES))
    grid = parse_grid(*data.draw(st.sampled_from(GRIDS)), any_order=data.draw(st.booleans()))
    cuts = data.draw(st.lists(st.integers(0, len(closes)), max_size=3))
    swept = Sweep(grid, rules, split=split, cold=not warm, shards=data.draw(st.integers(1, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_BARS", data.draw(st.sampled_from([1, 5, 512])))
        patch.setattr(runs, "_PAIRS", data.draw(st.sampled_from([1, 3, 512])))
        patch.setattr(splits, "_IN_MEMORY", data.draw(st.sampled_from([1, 20, 1000])))
        runs._chunks.cache_clear()
        shards = [list(swept.parts(series.pieces(swept.columns, cuts), shard)) for shard in range(swept.shards)]
        pairs = [swept.pairs(shard) for shard in range(swept.shards)]
        runs._chunks.cache_clear()
    found = {}
    for parts, its in zip(shards, pairs, strict=True):
        for part in parts:
            found.setdefault(part.name, {}).update(zip(its, part.figures, strict=True))
    expected = one_by_one(series, grid, rules, split, warm)
    assert found == {name: dict(zip(grid.pairs(), figures, strict=True)) for name, figures in expected.items()}


def test_parts_come_in_order_of_time():
    swept = Sweep(parse_grid("sma:1", "sma:2"), RULES[0], split=parse_split(walks=3))
    names = [part.name for part in swept.parts(Series(range(10, 30)).pieces(swept.columns))]
    assert names == ["train 1", "test 1", "train 2", "test 2", "train 3", "test 3"]


# A touch at the first bar of a warm test part, and then a death cross: of the sign that train ended with.
#
#     fast - slow      +  +  +  |  0  -
#     restarted        .  .  .  |  .  -     no sign before: no cross
def test_a_warm_test_part_crosses_from_the_sign_of_train():
    series = Series([5.0, 6.0, 7.0, 7.0, 3.0, 2.0, 2.0])
    rules = Rules(size=1, cash=1000, entry="cross")
    for warm, trades in ((True, 1), (False, 0)):
        swept = Sweep(parse_grid("sma:1", "sma:2"), rules, split=parse_split(share="0.5"), cold=not warm)
        _, test = swept.parts(series.pieces(swept.columns))
        assert test.figures[0]["trades_total"] == trades


#    close   5  6  7  |  8  8  8       bought at 8.8 at the first close of a warm test, and worth 8
def test_what_the_first_fill_of_a_warm_test_costs_is_a_drawdown_and_a_return():
    series = Series([5.0, 6.0, 7.0, 8.0, 8.0, 8.0])
    rules = Rules(size=1, cash=10, fill="close", side="long", slippage=0.1)
    swept = Sweep(parse_grid("sma:1", "sma:2"), rules, split=parse_split(share="0.5"))
    _, test = swept.parts(series.pieces(swept.columns))
    figures = test.figures[0]
    assert figures["max_drawdown_money"] == pytest.approx(0.8) and figures["max_drawdown"] == pytest.approx(0.08)
    assert figures["max_drawdown_bars"] == 3 and test.returns.count == 3
    assert test.returns.mean[0] == pytest.approx(-0.08 / 3)


def test_the_acceptance_figures_of_intcs_year(shared_data):
    """The issue's: 364 rows, 254 to train and 110 to test, ema 5..10 x 21..31."""
    bars = pd.read_csv(shared_data / "INTC_year.csv", parse_dates=["dt"])
    times = bars["dt"].to_numpy("datetime64[ns]").astype(np.int64)
    pieces = [Piece(times, [bars["close"].to_numpy(float), bars["open"].to_numpy(float)])]
    grid, split = parse_grid("ema:5..10", "ema:21..31"), parse_split(share="0.7")
    swept = Sweep(grid, Rules(size=100), split=split, cold=True, measures=TOLD)
    train, test = (dict(zip(swept.pairs(), part.figures, strict=True)) for part in swept.parts(pieces))
    best = sorted(train, key=lambda pair: (-round(train[pair]["pnl"], 6), pair))
    assert best[:5] == [(7, 21), (7, 22), (5, 24), (6, 23), (8, 21)]
    assert [round(train[pair]["pnl"], 6) for pair in best[:5]] == [83, 83, 50, 45, 43]
    assert best[-2:] == [(9, 25), (10, 25)] and {round(train[pair]["pnl"], 6) for pair in best[-2:]} == {-509}
    best = sorted(test, key=lambda pair: (-round(test[pair]["pnl"], 6), pair))
    assert best[:2] == [(7, 31), (10, 31)] and {round(test[pair]["pnl"], 6) for pair in best[:2]} == {359}
    expected = {
        "final_value": 100083, "trades_total": 15, "trades_closed": 14, "won": 7, "lost": 7, "closed_pnl": 71,
        "bt_sharpe_annual": -4.410461169, "bt_sqn": 0.186805286, "bt_max_drawdown_pct": 0.446855096,
        "bt_max_drawdown": 449,
    }  # fmt: skip
    assert {name: train[7, 21][name] for name in expected} == pytest.approx(expected, rel=3e-9)
    expected = {
        "pnl": 293, "trades_total": 4, "trades_closed": 3, "won": 2, "lost": 1, "closed_pnl": 154,
        "bt_sqn": 0.783244375, "bt_max_drawdown_pct": 0.176911544, "bt_max_drawdown": 177,
    }  # fmt: skip
    assert {name: test[7, 21][name] for name in expected} == pytest.approx(expected, rel=3e-9)
    assert test[7, 21]["bt_sharpe_annual"] is None and set(test[7, 21]["undefined"].values()) == {
        "a single calendar year"
    }


def streams(symbols, shards, reducers):
    """What each reducer gets: (symbol or shard of it, series), sorted; shards go to one reducer after another."""
    fields = [
        (name + (b"%%:%d" % shard if shards > 1 else b""), (number + shard) % reducers, series)
        for number, (name, series) in enumerate(sorted(symbols.items()))
        for shard in range(shards)
    ]
    for reducer in range(reducers):
        yield sorted(((field, series) for field, to, series in fields if to == reducer), key=lambda one: one[0])


def run_sweep(swept, choice, symbols, reducers=1, write=None):
    """The output of a sweep of whole symbols, its second step included, lines sorted."""
    lines = []
    for stream in streams(symbols, swept.shards, reducers):
        stretches = (
            Stretch([field], np.zeros(1, np.int64), number > 0, piece.times, piece.values)
            for field, series in stream
            for number, piece in enumerate(series.pieces(swept.columns))
        )
        lines += sweep.swept(swept, choice, stretches)
    if sweep.needs_uniting(swept, choice):
        lines = sweep.unite(swept, choice, (line.rstrip(b"\n") for line in sorted(lines)), write)
    return [(line.split(b"\t")[0], json.loads(line.split(b"\t")[1])) for line in lines]


def outcome(*how):
    """The lines, or why there are none."""
    try:
        return run_sweep(*how)
    except InputError as error:
        return str(error)


def plain_value(figures, objective):
    """What pairs are ranked by: infinite where a mean has no deviation; None for one that no order let trade."""
    if figures["orders_refused"] and not figures["trades_total"]:
        return None
    if figures["exposure"] is None:  # of no bars
        return None
    if objective == "sqn" and figures.get("undefined", {}).get("sqn") == EQUAL_TRADES:
        same = figures["closed_pnl"] / figures["trades_closed"]
        return 0.0 if abs(same) < 1e-9 else math.copysign(math.inf, same)
    return figures[objective]


def plain_best(values, ruined, pairs, many=1):
    """The best pairs by their values, ruined ones last, before them None, ties by (fast, slow)."""
    order = sorted(pairs, key=lambda pair: (ruined[pair], values[pair] is None, -(values[pair] or 0.0), pair))
    return order[:many]


SERIES = st.lists(QUARTERS, min_size=1, max_size=70).map(Series)
SYMBOLS = st.dictionaries(st.sampled_from([b"A", b"B%25", b"BRK.B", b"\xc3\x85"]), SERIES, min_size=1)
OBJECTIVE = st.sampled_from(["pnl", "sharpe", "sqn", "return"])


def plain_figures(swept, symbols):
    """{symbol: {part: {pair: figures}}}, each pair on its own."""
    pairs = swept.grid.pairs()
    return {
        name: {
            part: dict(zip(pairs, figures, strict=True))
            for part, figures in one_by_one(series, swept.grid, swept.rules, swept.split, not swept.cold).items()
        }
        for name, series in symbols.items()
    }


def without_chance(line):
    """A line without how likely it is better than luck: tests/sweeps/test_chance.py."""
    told = {name: value for name, value in line.items() if name not in ("trials", "deflated_sharpe")}
    reasons = told.pop("undefined", {})
    reasons.pop("deflated_sharpe", None)
    return told | ({"undefined": reasons} if reasons else {})


def a_sweep(data):
    return Sweep(
        parse_grid("sma:1,2,9,10", "sma:3,9..11/2"),  # whose texts do not sort as numbers do
        data.draw(st.sampled_from(RULES)),
        split=data.draw(SPLITS),
        shards=data.draw(st.integers(1, 4)),
    )


@settings(max_examples=40, deadline=None)
@given(symbols=SYMBOLS, data=st.data())
def test_all_lines_in_order_for_any_number_of_reducers(symbols, data):
    swept = a_sweep(data)
    lines = run_sweep(swept, Choice(), symbols, data.draw(st.integers(1, 3)))
    plain = plain_figures(swept, symbols)
    for name in symbols:
        expected = [
            {"fast": pair[0], "slow": pair[1], "part": part, **figures}
            for walk in swept.split.walks
            for part in filter(None, walk)
            for pair, figures in plain[name][part].items()
        ]
        assert [without_chance(line) for field, line in lines if field == name] == expected
    assert {field for field, _ in lines} == set(symbols)


@settings(max_examples=40, deadline=None)
@given(symbols=SYMBOLS, objective=OBJECTIVE, top=st.integers(1, 5), data=st.data())
def test_the_top_pairs_are_the_best_on_train_and_are_written_for_test_too(symbols, objective, top, data):
    swept = a_sweep(data)
    lines = run_sweep(swept, Choice(objective, top=top), symbols, data.draw(st.integers(1, 3)))
    for name, parts in plain_figures(swept, symbols).items():
        expected = []
        for train, test in swept.split.walks:
            values = {pair: plain_value(figures, objective) for pair, figures in parts[train].items()}
            ruined = {pair: figures["ruined"] for pair, figures in parts[train].items()}
            best = plain_best(values, ruined, swept.grid.pairs(), top)
            for part in filter(None, (train, test)):
                expected += [{"fast": one[0], "slow": one[1], "part": part, **parts[part][one]} for one in best]
        assert [without_chance(line) for field, line in lines if field == name] == expected


def test_a_null_objective_ranks_last():
    """Pairs that are never full never trade: their days all returned the same, so they have no Sharpe ratio."""
    series = Series(10 + np.cumsum(np.cos(np.arange(60) * 1.3)).round(2))
    swept = Sweep(parse_grid("sma:1,2", "sma:3,100"), RULES[0])
    lines = run_sweep(swept, Choice("sharpe", top=9), {b"A": series})
    sharpes = [line["sharpe"] for _, line in lines]
    assert sharpes[1] < sharpes[0] < 0 and sharpes[2:] == [None, None]
    assert [(line["fast"], line["slow"]) for _, line in lines][2:] == [(1, 100), (2, 100)]


def test_over_all_symbols_a_pair_without_an_objective_for_half_of_them_ranks_behind():
    def sums(fast, values):
        result = Sums(0, fast, 9, len(values))
        for value in values:
            result.train.add(value)
        return result

    pairs = [sums(1, [None, 9.0, None, 9.0]), sums(2, [None, 2.0, 1.0, 3.0]), sums(3, [2.0] * 4), sums(4, [None] * 4)]
    assert [result.fast for result in sorted(pairs, key=lambda result: result.order)] == [2, 3, 1, 4]


@settings(max_examples=60, deadline=None)
@given(symbols=SYMBOLS, objective=OBJECTIVE, data=st.data())
def test_the_best_pair_of_each_symbol_and_of_all(symbols, objective, data):
    swept = a_sweep(data)
    swept = Sweep(swept.grid, swept.rules, split=swept.split, shards=swept.shards)
    plain, pairs = plain_figures(swept, symbols), swept.grid.pairs()
    trains = [parts[train] for train, _ in swept.split.walks for parts in plain.values()]
    if all(plain_value(figures, objective) is None for part in trains for figures in part.values()):
        with pytest.raises(InputError, match=f"^--best --objective {objective}: no pair has it on any symbol: "):
            run_sweep(swept, Choice(objective, best=True), symbols)
        return
    lines = run_sweep(swept, Choice(objective, best=True), symbols, data.draw(st.integers(1, 3)))
    for number, (train, test) in enumerate(swept.split.walks):
        parts_of_line = {"all" if test is None else "train": train, **({"test": test} if test else {})}
        for name, parts in plain.items():
            line = [line for field, line in lines if field == name][number]
            values = {pair: plain_value(figures, objective) for pair, figures in parts[train].items()}
            [best] = plain_best(values, {pair: figures["ruined"] for pair, figures in parts[train].items()}, pairs)
            assert line["trials"] == len(pairs)
            if values[best] is None:
                assert (line["fast"], line["slow"]) == (None, None) and "all" not in line and "train" not in line
                assert line["undefined"]["fast"].startswith(f"no pair has {objective}: ")
                continue
            assert (line["fast"], line["slow"]) == best
            expected = {name: parts[part][best] for name, part in parts_of_line.items()}
            assert {name: line[name] for name in parts_of_line} == expected
            assert line.get("walk") == (number + 1 if len(swept.split.walks) > 1 else None)
        line = [line for field, line in lines if field == b""][number]
        orders = {pair: plain_order([parts[train][pair] for parts in plain.values()], objective) for pair in pairs}
        best = min(pairs, key=lambda pair: (*orders[pair], pair))
        if all(plain_value(parts[train][best], objective) is None for parts in plain.values()):
            assert (line["fast"], line["slow"]) == (None, None) and line["undefined"]["fast"].endswith(
                "on every symbol"
            )
            continue
        assert (line["fast"], line["slow"], line["symbols"], line["trials"]) == (*best, len(symbols), len(pairs))
        for name, part in parts_of_line.items():
            figures = [parts[part][best] for parts in plain.values()]
            mean, count = plain_mean(figures, objective)
            ruined = sum(one["ruined"] for one in figures)
            assert line[name] == {"symbols": count, objective: mean, "ruined": ruined}


def plain_mean(figures, objective):
    """The mean of the objective where it is a number, and of how many."""
    values = [one[objective] for one in figures if plain_value(one, objective) is not None]
    found = [Fraction(value) for value in values if value is not None]
    return float(sum(found) / len(found)) if found else None, len(found)


def plain_order(figures, objective):
    """What a pair is ranked by over all symbols: ruined anywhere, which side of all numbers, its mean."""
    values = [plain_value(one, objective) for one in figures]
    mean, count = plain_mean(figures, objective)
    up, down = (sum(value is not None and value == sign * math.inf for value in values) for sign in (1, -1))
    side = 2
    if 2 * (len(values) - values.count(None)) > len(values):
        side = 0
        if 2 * up > len(values) or (not count and up > down):
            side = -1
        elif 2 * down > len(values) or (not count and down > up):
            side = 1
    return any(one["ruined"] for one in figures), side, math.inf if mean is None else -mean


def test_trades_of_no_profit_are_known_of_a_pair_over_all_symbols():
    """On B all closed trades of sma:1, sma:3 had a profit of 0: as on B alone, that ranks as 0, not as unknown."""
    symbols = {b"A": Series([4.0]), b"B": Series([4.0, 4.0, 4.0, 6.25, 6.0, 6.25, 4.0, 6.0])}
    swept = Sweep(parse_grid("sma:1", "sma:3,9"), Rules(size=1, cash=1000))
    lines = run_sweep(swept, Choice("sqn", best=True), symbols)
    assert {name: (line["fast"], line["slow"]) for name, line in lines} == {
        b"": (1, 3),
        b"A": (None, None),
        b"B": (1, 3),
    }


@settings(max_examples=25, deadline=None)
@given(symbols=SYMBOLS, data=st.data())
def test_the_best_lines_are_the_same_bytes_for_any_number_of_reducers(symbols, data):
    one = Sweep(parse_grid("sma:1..3", "sma:3..5"), RULES[1], split=data.draw(SPLITS))
    several = Sweep(one.grid, one.rules, split=one.split, shards=data.draw(st.integers(2, 9)))
    choice = Choice(data.draw(st.sampled_from(["pnl", "sqn", "return"])), best=True)
    lines, of_several = (
        outcome(swept, choice, symbols, reducers)
        for swept, reducers in ((one, 1), (several, data.draw(st.integers(1, 3))))
    )
    assert of_several == lines
    if isinstance(lines, str):
        assert choice.objective == "sqn" or ": no bars; " in lines
        return
    assert all(-1e-9 <= (line["deflated_sharpe"] or 0) <= 1 for _, line in lines)
    for _, line in lines:
        assert (line["deflated_sharpe"] is None) == ("deflated_sharpe" in line.get("undefined", {}))


def test_there_is_no_deflated_ratio_of_a_value_that_fell_to_0_or_below():
    """Sold short at 30 and 20, less 5 %, 100 shares and the cash are worth -50 and 0."""
    rules = Rules(size=100, cash=100, slippage=0.05, fill="close")
    swept = Sweep(parse_grid("sma:1", "sma:2,3"), rules)
    lines = dict(run_sweep(swept, Choice(best=True), {b"A": Series([40.0, 30.0, 20.0, 19.0, 21.0])}))
    whys = [lines[name]["undefined"]["deflated_sharpe"] for name in (b"A", b"")]
    below = "its value was 0 or below before the last bar"
    assert whys == [below, f"{below} on 1 of 1 symbols"]
    assert [lines[name]["deflated_sharpe"] for name in (b"A", b"")] == [None, None]
    both = {b"A": Series([40.0, 30.0, 20.0, 19.0, 21.0]), b"B": Series([1.0, 1.1, 1.0, 1.2, 1.1, 1.3])}
    line = dict(run_sweep(swept, Choice(best=True), both))[b""]
    assert line["undefined"]["deflated_sharpe"] == f"{below} on 1 of 2 symbols" and line["all"]["ruined"] == 1


def test_the_deflated_ratio_of_all_symbols_is_that_of_the_only_one():
    closes = np.round(10 + np.cumsum(np.sin(np.arange(300) * 1.7)) / 4, 2)
    swept = Sweep(parse_grid("sma:1..5", "sma:6..9"), RULES[0], split=parse_split(walks=2))
    lines = run_sweep(swept, Choice(best=True), {b"A": Series(closes)})
    for all_symbols, its in ((lines[0], lines[2]), (lines[1], lines[3])):
        assert all_symbols[0] == b"" and its[0] == b"A" and its[1]["walk"] == all_symbols[1]["walk"]
        assert 0 < its[1]["deflated_sharpe"] < 1
        assert all_symbols[1]["deflated_sharpe"] == pytest.approx(its[1]["deflated_sharpe"], rel=1e-9)


def test_the_deflated_ratio_is_of_the_best_pairs_values_bar_by_bar():
    closes = np.round(10 + np.cumsum(np.sin(np.arange(200) * 1.7)) / 4, 2)
    series, rules = Series(closes), Rules(size=10, cash=1000, fill="close")
    swept = Sweep(parse_grid("sma:1..3", "sma:4..6"), rules)
    sharpes, of_pair = [], {}
    for fast, slow in swept.grid.pairs():
        value, held, values, averages = 1000.0, 0, [], [None, None]
        for bar, close in enumerate(closes):
            value += held * (close - closes[bar - 1]) if bar else 0.0
            averages = [np.mean(closes[bar + 1 - n : bar + 1]) if bar + 1 >= n else None for n in (fast, slow)]
            if None not in averages and abs(averages[0] - averages[1]) > 1e-9:
                held = 10 if averages[0] > averages[1] else -10
            values.append(value)
        returns = np.diff([1000.0, *values]) / [1000.0, *values[:-1]]
        apart = (returns - returns.mean()) / returns.std()
        of_pair[fast, slow] = deflated.Returns(
            200, returns.mean() / returns.std(), (apart**3).mean(), (apart**4).mean()
        )
        sharpes.append(of_pair[fast, slow].sharpe)
    line = run_sweep(swept, Choice(best=True), {b"A": series})[1][1]
    expected, _ = deflated.Tries(sharpes).deflated_sharpe(of_pair[line["fast"], line["slow"]])
    assert line["deflated_sharpe"] == pytest.approx(expected, rel=1e-9)
