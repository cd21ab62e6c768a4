"""The best pair over all symbols by the median of its objectives: exact, and the same for any shards and reducers."""

import re
from math import inf
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sweeps.test_ranking import sums
from tests.sweeps.test_reduce import OBJECTIVE, SERIES, Series, outcome, plain_figures, plain_value, run_sweep
from windrow.errors import UsageError
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.overall import Sums
from windrow.sweeps.ranking import Choice
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import parse_split
from windrow.sweeps.tally import Numbers
from windrow.trading.backtests import Rules

SYMBOLS = st.lists(SERIES, min_size=1, max_size=5).map(
    lambda series: dict(zip([b"A", b"B", b"C", b"D", b"E"], series, strict=False))
)
HALF = parse_split(share="0.5")


def plain_median(values):
    """Of the numbers among these, of which some may be infinite; None without any."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return 0.0 if (low, high) == (-inf, inf) else low if low == high else median([low, high])


@settings(max_examples=60, deadline=None)
@given(symbols=SYMBOLS, objective=OBJECTIVE, rules=st.sampled_from([Rules(size=1, cash=1000), Rules(side="long")]))
def test_the_best_pair_has_the_largest_median(symbols, objective, rules):
    swept = Sweep(parse_grid("sma:1..3", "sma:3..5"), rules, split=HALF)
    lines = outcome(swept, Choice(objective, best=True, across="median"), symbols)
    plain = plain_figures(swept, symbols)
    values, ruined = {}, {}
    for pair in swept.grid.pairs():
        figures = [parts["train"][pair] for parts in plain.values()]
        values[pair] = [plain_value(one, objective) for one in figures]
        ruined[pair] = any(one["ruined"] for one in figures)
    known = {pair: len(its) - its.count(None) for pair, its in values.items()}
    if not any(known.values()):
        assert isinstance(lines, str)
        return
    few = {pair: 2 * known[pair] <= len(symbols) for pair in values}
    medians = {pair: plain_median(its) for pair, its in values.items()}
    worth = {pair: -inf if middle is None else middle for pair, middle in medians.items()}
    best = min(values, key=lambda pair: (ruined[pair], few[pair], -worth[pair], pair))
    [line] = [line for field, line in lines if field == b""]
    if medians[best] is None:
        assert line["fast"] is None
        return
    assert ((line["fast"], line["slow"]), line["across"]) == (best, "median")
    told = None if abs(medians[best]) == inf else medians[best]
    assert (line["train"]["symbols"], line["train"][objective]) == (known[best], told)
    assert (told is None) == ("train" in line.get("undefined", {}))
    on_test = [parts["test"][best] for parts in plain.values()]
    numbers = [one[objective] for one in on_test if plain_value(one, objective) is not None]
    assert line["test"][objective] == plain_median(numbers)


@settings(max_examples=20, deadline=None)
@given(symbols=SYMBOLS, data=st.data())
def test_it_is_the_same_bytes_for_any_shards_and_reducers(symbols, data):
    choice = Choice(data.draw(OBJECTIVE), best=True, across="median")
    grid = parse_grid("sma:1..3", "sma:3..5")
    shards, reducers = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 3))
    several = outcome(Sweep(grid, split=HALF, shards=shards), choice, symbols, reducers)
    assert repr(several) == repr(outcome(Sweep(grid, split=HALF), choice, symbols))


def test_one_symbol_of_a_hundred_times_the_profit_does_not_choose():
    """sma:1 over sma:3 is right twice a bit, sma:2 over sma:3 on one symbol a lot."""
    rising, wild = [10.0, 10.5, 10.0, 11.0, 10.5, 12.0, 11.5], [10.0, 40.0, 5.0, 90.0, 80.0, 5.0, 300.0]
    symbols = {b"A": Series(rising), b"B": Series(rising), b"C": Series(wild)}
    swept = Sweep(parse_grid("sma:1,2", "sma:3"), Rules(side="long"))
    plain = {
        pair: [one["all"][pair]["pnl"] for one in plain_figures(swept, symbols).values()] for pair in [(1, 3), (2, 3)]
    }
    chosen = {}
    for across, middle in (("mean", lambda pnls: sum(pnls) / 3), ("median", median)):
        line = dict(run_sweep(swept, Choice(best=True, across=across), symbols))[b""]
        chosen[across] = line["fast"], line["slow"]
        assert chosen[across] == max(plain, key=lambda pair: middle(plain[pair]))
        assert line["all"]["pnl"] == pytest.approx(middle(plain[chosen[across]]))


def test_a_median_is_of_signs_too_and_has_no_sign_of_0():
    def of(numbers, **counts):
        made = sums(1, **counts)
        made.train = Numbers(numbers)
        return made

    ranked = [of([1.0], upwards=2), of([9.0], upwards=1), of([3.0, 4.0]), of([3.0], level=2), of([9.0], downwards=2)]
    assert [one.value for one in ranked] == [inf, inf, 3.5, 0.0, -inf]
    assert of([], upwards=1, downwards=1).value == 0.0 and of([]).value is None
    for numbers in ([0.0, -0.0], [-0.0, 0.0], [-0.0]):
        made = Numbers()
        for number in numbers:
            made.add(number)
        assert repr(made.median()) == "0.0"
    sent = Sums.of(of([3.0, 0.1], level=1).to_json(), "median")
    assert (sent.value, sent.level) == (0.1, 1)
    assert Numbers([1e308, 1.5e308]).median() == 1.25e308  # whose sum is beyond the largest


def test_across_is_of_the_best_pair_over_all_symbols():
    for message, how in (
        ("--across median: is of the best pair over all symbols; add --best, or leave it out", {"across": "median"}),
        ("--across mode: not one of mean, median; use one of them", {"across": "mode", "best": True}),
    ):
        with pytest.raises(UsageError, match=re.escape(message)):
            Choice(**how)
