"""Buying and holding against a run whose lines always call for a long position; and wherever pushes end."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.test_exact_backtests import arrays, below_0, rules, same_bits, series
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.buy_and_hold import BuyAndHold


@settings(max_examples=400, deadline=None)
@given(series() | below_0, rules, st.data())
def test_it_is_a_run_that_is_always_to_be_long(drawn, rules, data):
    bars, _ = drawn
    times, opens, closes, _ = arrays(bars, [[1] * len(bars)])
    always = Backtests(replace(rules, side="long", entry="state", stop_at_ruin=False), 1, traced=True)
    trace = always.push(times, opens, closes, np.ones((len(bars), 1), np.int8))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(bars)), max_size=4)))
    account = BuyAndHold(rules)
    found = [
        account.push(opens[begin:end], closes[begin:end])
        for begin, end in pairwise([0, *cuts, len(bars)])
        if begin < end
    ]
    assert same_bits(np.concatenate(found), trace.values[:, 0])
    assert same_bits(trace.bought, trace.values[:, 0])


def test_it_goes_on_from_a_state_whether_or_not_it_has_bought():
    rules = Rules(size=2, cash=10)
    opens = closes = np.array([9.0, 8.0, 6.0, 4.0, 3.0])
    whole = BuyAndHold(rules).push(opens, closes)
    assert whole.tolist() == [10, 10, 10, 10, 10]  # refused at closes of 9, 8 and 6; ordered at 4, bought at 3
    for cut in range(1, 5):
        before, after = BuyAndHold(rules), BuyAndHold(rules)
        first = before.push(opens[:cut], closes[:cut])
        after.restore(before.state())
        assert np.concatenate([first, after.push(opens[cut:], closes[cut:])]).tolist() == whole.tolist()
