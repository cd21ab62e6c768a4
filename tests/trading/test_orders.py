"""Orders by hand: refused ones are counted and told; a price of 0 fills nothing; a price below 0 fills, at a cost."""

import warnings

import numpy as np
import pandas as pd
import pytest

import windrow
from windrow.trading.backtests import Rules
from windrow.trading.notices import warnings_of

#: Equal lines at first, then the price above its mean, which it is wherever it rises.
LINES = ("close", "sma:2")


def bars_of(closes, opens=None):
    times = pd.date_range("2020-01-01", periods=len(closes))
    frame = pd.DataFrame({"timestamp": times, "open": closes if opens is None else opens, "close": closes})
    return frame.astype({"open": float, "close": float})


def ran(closes, opens=None, **how):
    return windrow.backtest(bars_of(closes, opens), *LINES, traced=True, **how)


def orders_of(result):
    return result.orders[["side", "size", "price", "status"]].to_numpy().tolist()


REFUSED = (
    "most orders were refused in 1 of 1 backtests (3 of 3 orders in all), e.g. 100 shares at a price of about 60,000"
    " with 100,000 in cash: a position must be paid for; use a smaller size, more cash, or size='all-in'"
)


def test_refused_orders_are_counted_and_told_with_price_size_and_cash():
    with pytest.warns(UserWarning) as told:
        result = ran([60_000, 61_000, 62_000, 63_000, 64_000], side="long", size=100)
    assert [str(one.message) for one in told] == [REFUSED] and told[0].filename == __file__
    figures = result.figures.iloc[0]
    assert (figures.orders, figures.orders_refused, figures.trades_total, figures.pnl) == (3, 3, 0, 0)
    assert result.orders.status.tolist() == ["refused"] * 3 + ["open"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("cure", "pnl"), [({"size": 1}, 2_000.0), ({"cash": 1e8}, 200_000.0), ({"size": "all-in"}, 1e5 * 2 / 62)]
)
def test_each_cure_of_refused_orders_trades(cure, pnl):
    """Known at the close of 61,000, bought at 62,000, and worth 64,000 at the last close."""
    how = {"size": 100, **cure}
    assert ran([60_000, 61_000, 62_000, 63_000, 64_000], side="long", **how).figures.pnl[0] == pytest.approx(pnl)


@pytest.mark.filterwarnings("error")
def test_a_few_refused_orders_are_not_told():
    """In a falling market the run is short at once; only at last there is an order that the cash does not pay for."""
    result = ran([10, 9, 8, 9, 8, 7, 10], size=100, cash=850)
    assert (result.figures.orders[0], result.figures.orders_refused[0]) == (2, 1)


def test_the_price_in_a_warning_is_the_commonest():
    counts = {"backtests": 9, "backtests mostly refused": 4, "orders": 20, "orders refused": 13}
    [text] = warnings_of(counts | {"refused at 6e+04": 1, "refused at 3e-09": 3}, Rules(cash=5))
    assert text == (
        "most orders were refused in 4 of 9 backtests (13 of 20 orders in all), e.g. all cash at a price of about 3e-09"
        " with 5 in cash: all-in takes cash that is left, and a price above 0; use more --cash, or a --size in shares"
    )
    assert warnings_of({"backtests": 9, "orders": 20, "orders refused": 9}, Rules()) == []


#    open     10    11     0     0    14    15       a purchase is due at the third open, and is filled at the fifth
#    close    10    11    12    13    14    15
@pytest.mark.parametrize("entry", ["state", "cross"])
def test_an_order_waits_where_the_open_is_0(entry):
    with pytest.warns(UserWarning, match=r"^2 fills at a price of 0 had to wait until there was a price: an open or"):
        result = ran([10, 9, 12, 13, 14, 15], [10, 9, 12, 0, 0, 15], side="long", size=1, entry=entry)
    assert orders_of(result) == [["buy", 1.0, 15.0, "filled"]]
    assert result.figures.fills_postponed[0] == 2 and result.figures.orders[0] == 1


#    open     10     9    12     0     0     8        the averages cross back while the order waits: there is none left
#    close    10     9    12    13     8     7
def test_an_order_that_waits_is_withdrawn_where_the_averages_cross_back():
    with pytest.warns(UserWarning, match="had to wait"):
        result = ran([10, 9, 12, 13, 8, 7], [10, 9, 12, 0, 0, 8], side="long", size=1)
    assert orders_of(result) == [] and result.figures.fills_postponed[0] == 2


def test_an_order_that_waits_stays_where_the_averages_touch():
    """At the close of 13 after 13 the price is its mean: neither side."""
    with pytest.warns(UserWarning, match="had to wait"):
        result = ran([10, 9, 12, 12, 12], [10, 9, 12, 0, 12.5], side="long", size=1)
    assert orders_of(result) == [["buy", 1.0, 12.5, "filled"]]


def test_a_close_of_0_fills_nothing_either_and_what_waits_at_the_end_is_open():
    with pytest.warns(UserWarning, match="had to wait"):
        result = ran([10, 9, 0, 12, 0], side="both", fill="close", size=1)
    # Short at 9; the price of 0 is below its mean, 12 above, and the last one, of 0, below again.
    assert orders_of(result) == [["sell", 1.0, 9.0, "filled"], ["buy", 2.0, 12.0, "filled"], ["sell", 2.0, 0.0, "open"]]


# Oil in April 2020. Bought at -10 with slippage of 10 % at -9 (a buyer pays more), with 10 % commission on 9 a share.
def test_costs_cost_at_prices_below_0():
    how = {"size": 1, "cash": 100, "side": "long", "fill": "close", "commission": 0.1, "slippage": 0.1}
    result = ran([-12, -11, -10, -10, -11], **how)  # above its mean at the second bar, and below it at the last
    bought, sold = -11 + 1.1, -11 - 1.1
    assert result.orders.price.tolist() == pytest.approx([bought, sold])
    costs = 0.1 * abs(bought) + 0.1 * abs(sold)
    assert result.figures.closed_pnl[0] == pytest.approx(sold - bought - costs)
    assert result.equity.value.iloc[-1] == pytest.approx(100 + sold - bought - costs)
    traded, mean = abs(bought) + abs(sold), result.equity.value.mean()
    assert result.figures.turnover[0] == pytest.approx(traded / mean)


def test_a_round_trip_at_one_price_costs_whatever_its_sign():
    for price in (10.0, -10.0):
        lower = price - 1
        closes = [lower, price, price, lower, lower]
        opens = np.full(5, price)
        result = ran(closes, opens, size=1, cash=100, side="long", commission=0.1)
        assert result.figures.closed_pnl[0] == pytest.approx(-2.0), price


def test_all_in_opens_nothing_below_0():
    with pytest.warns(UserWarning, match="all-in takes cash that is left, and a price above 0; use more cash, or"):
        result = ran([-12, -11, -10, -9], side="long")
    assert set(result.orders.status) == {"refused", "open"} and result.figures.final_value[0] == 100_000


NO_VALUE = "in {} of them a line had no value by the last bar; use shorter windows, or {}"


#    close   10  11  12  13  12  |  11  10       2 bars of a test, which have no mean of 3 of their own
@pytest.mark.parametrize(
    ("how", "says", "cures"),
    [
        ({"cold": True}, f"1 of 2 backtests: {NO_VALUE.format(1, 'leave out cold=True')}", [{}, {"slow": "sma:2"}]),
        ({"split": None, "slow": "sma:9"}, f"1 of 1 backtests: {NO_VALUE.format(1, 'more bars')}", [{"split": None}]),
        ({"split": 0.2}, f"1 of 2 backtests: {NO_VALUE.format(1, 'longer parts')}", [{"split": 0.75}]),
        (
            {"entry": "cross", "split": None, "side": "long"},
            "1 of 1 backtests: their lines never called for it with entry='cross', side='long'",
            [{"split": None}],
        ),
    ],
)  # fmt: skip
def test_a_part_without_a_trade_is_told_and_each_cure_trades(how, says, cures):
    frame = bars_of([10, 11, 12, 13, 12, 11, 10])
    asked = {"fast": "sma:1", "slow": "sma:3", "split": 0.75}
    with pytest.warns(UserWarning) as told:
        windrow.sweep(frame, **asked | how)
    assert [str(one.message) for one in told] == [f"nothing was traded in {says}"]
    for cure in cures:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert (windrow.sweep(frame, **asked | cure).orders > 0).all()
