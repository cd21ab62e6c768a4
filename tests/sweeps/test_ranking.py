"""How pairs rank, by hand: ruined ones last, undefined ones by the sign of their mean, refused ones as none."""

import pytest

from windrow.sweeps.overall import Sums
from windrow.sweeps.ranking import standing
from windrow.trading.figures import EQUAL_DAYS, EQUAL_TRADES, NO_DAY_BELOW


def figures(**given):
    usual = {
        "pnl": 0.0,
        "final_value": 1_000.0,
        "closed_pnl": 0.0,
        "trades_total": 3,
        "orders_refused": 0,
        "ruined": False,
    }
    return {**usual, **given}


def undefined(**reasons):
    return {**dict.fromkeys(reasons), "undefined": reasons}


#: From the best to the worst.
RANKED = {
    "pnl": [
        figures(pnl=5.0),
        figures(pnl=-5.0),
        figures(pnl=0.0, trades_total=0, orders_refused=9),  # never traded, as no order was paid for
        figures(pnl=9.0, ruined=True),
        figures(pnl=-9.0, ruined=True),
    ],
    "sqn": [
        figures(closed_pnl=6.0, **undefined(sqn=EQUAL_TRADES)),  # two wins of 3
        figures(sqn=2.0),
        figures(sqn=0.0),
        figures(sqn=-2.0),
        figures(closed_pnl=-6.0, **undefined(sqn=EQUAL_TRADES)),
        figures(closed_pnl=6.0, ruined=True, **undefined(sqn=EQUAL_TRADES)),
    ],
    "sharpe": [
        figures(**{"return": 0.1}, **undefined(sharpe=EQUAL_DAYS, sortino=NO_DAY_BELOW)),  # each day as much
        figures(sharpe=1.0),
        figures(sharpe=-1.0),
        figures(**{"return": 0.0}, **undefined(sharpe=EQUAL_DAYS, sortino=NO_DAY_BELOW)),  # never traded
    ],
}


@pytest.mark.parametrize("objective", RANKED)
def test_pairs_rank_in_this_order(objective):
    ranked = RANKED[objective]
    standings = [standing(one, objective) for one in ranked]
    assert standings == sorted(standings) and len(set(standings)) == len(standings)


def test_trades_that_all_earned_nothing_rank_as_0():
    none = figures(closed_pnl=1e-12, **undefined(sqn=EQUAL_TRADES))
    assert standing(none, "sqn") == standing(figures(sqn=0.0), "sqn")


def sums(fast, mean=None, of=0, **counts):
    made = Sums(0, fast, 9, 4, **counts)
    for _ in range(of):
        made.train.add(mean)
    return made


def test_pairs_rank_in_this_order_over_four_symbols():
    ranked = [
        sums(1, upwards=3),
        sums(2, 5.0, of=2, upwards=2),  # a mean, as upwards on most symbols it is not
        sums(3, 4.0, of=3, downwards=1),
        sums(4, -1.0, of=4),
        sums(5, downwards=3),
        sums(6, 9.0, of=2),  # on half of them: behind the others
        sums(7),
        sums(8, 9.0, of=4, ruined=1),
    ]
    assert [one.fast for one in sorted(ranked, key=lambda one: one.order)] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_sums_keep_their_counts_on_the_way():
    one, other = (
        sums(1, 5.0, of=2, upwards=1, ruined=1, why="b"),
        sums(1, lost=2, ruined_on_test=3, downwards=4, why="a"),
    )
    both = Sums.of(one.to_json()).plus(Sums.of(other.to_json()))
    found = (both.series, both.upwards, both.downwards, both.ruined, both.ruined_on_test, both.lost, both.why)
    assert found == (8, 1, 4, 1, 3, 2, "a") and both.value == 5.0
