"""Sizes by hand: what a share of the equity, an amount of money and whole shares buy, and what they cannot."""

import numpy as np
import pandas as pd
import pytest

import windrow
from windrow.trading.backtests import Backtests, Rules

DAY = 86_400 * 10**9
#: Decided at the second close, filled at the third open, at 12; turned at the fourth open, at 24.
OPENS, TREND = [10.0, 10.0, 12.0, 24.0, 24.0], [-2, 1, -1, -1, -1]


def ran(opens=OPENS, trend=TREND, closes=None, **how):
    """A run's orders, as sizes and statuses, and what it holds at the end."""
    tests = Backtests(Rules(**{"cash": 1_000, **how}), 1, traced=True)
    opens = np.array(opens)
    closes = opens if closes is None else np.array(closes, np.float64)
    trace = tests.push(np.arange(len(opens)) * DAY, opens, closes, np.array(trend, np.int8)[:, None])
    status = [("filled", "closed-only", "refused", "open")[one] for one in trace.orders.status]
    return trace.orders.sizes.tolist(), status, tests


@pytest.mark.parametrize(
    ("size", "shares", "value"),
    [("all-in", 82.50825, 980.20), ("50%", 41.254125, 1_485.15), ("money:300", 25, 1_288.0), (10, 10, 1_116.4)],
)
def test_what_is_bought_costs_included(size, shares, value):
    """1,000 / 1.01 / 12, half of that, 300 / 12. Turned at 24 they are sold for 1 % less, and others sold short."""
    (bought, sold), status, tests = ran(size=size, commission=0.01)
    assert bought == pytest.approx(shares) and status == ["filled"] * 2
    held, _ = tests.position(0)
    cash = 1_000 - 12.12 * shares + 23.76 * shares
    short = {"all-in": cash / 1.01 / 24, "50%": cash / 2 / 1.01 / 24, "money:300": 12.5, 10: 10}[size]
    assert held == pytest.approx(-short) and sold == pytest.approx(shares + short)


def test_half_of_the_equity_sold_short_and_turned():
    """41.25 shares bring 490.10; the equity at 24 is 500, of which 9.90 goes, and half of the rest buys."""
    (sold, bought), _, tests = ran(trend=[-2, -1, 1, 1, 1], size="50%", commission=0.01)
    assert sold == pytest.approx(500 / 1.01 / 12)
    assert tests.position(0)[0] == pytest.approx(490.0990099 / 2 / 1.01 / 24)
    assert bought == pytest.approx(sold + tests.position(0)[0])


@pytest.mark.parametrize(("size", "shares"), [("all-in", 82), ("50%", 41), ("money:301", 25), (7, 7)])
def test_whole_shares_are_rounded_down(size, shares):
    sizes, _, tests = ran(size=size, commission=0.01, whole_shares=True)
    assert sizes[0] == shares and tests.position(0)[0] % 1 == 0


@pytest.mark.parametrize(("cash", "shares"), [(158.873, 13), (317.746, 26), (574.387, 47), (1_148.774, 94)])
def test_what_pays_for_just_whole_shares_buys_them_all(cash, shares):
    """In decimals cash / 1.01 / 12.10 is that whole number; in floats it is less."""
    assert cash / 1.01 / 12.1 < shares
    sizes, _, _ = ran([12.1] * 4, [-2, 1, 1, 1], cash=cash, commission=0.01, whole_shares=True)
    assert sizes == [shares]


@pytest.mark.parametrize(
    ("size", "cure"),
    [("all-in", {"whole_shares": False}), ("50%", {"cash": 1e6}), ("money:900", {"size": "money:9e4"})],
)
def test_less_than_a_whole_share_is_refused_and_told(size, cure):
    times = pd.date_range("2020-01-01", periods=5)
    closes = [60_000.0, 61_000.0, 62_000.0, 63_000.0, 64_000.0]
    frame = pd.DataFrame({"timestamp": times, "open": closes, "close": closes})
    how = {"side": "long", "size": size, "cash": 50_000, "whole_shares": True}
    with pytest.warns(UserWarning, match="a position takes a whole share at least, and has to be paid for; use more"):
        assert windrow.backtest(frame, "close", "sma:2", **how).orders_refused[0] == 3
    how = {"side": "long", "size": size, "cash": 50_000, "whole_shares": True} | cure
    if size == "money:900":
        how["cash"] = 1e6
    assert windrow.backtest(frame, "close", "sma:2", **how).orders_refused[0] == 0


def test_more_money_than_there_is_is_refused_at_the_close_that_orders_it():
    sizes, status, _ = ran(size="money:1000", commission=0.01)  # 1,010 with its costs
    assert status[0] == "refused" and np.isnan(sizes[0])
    assert ran(size="money:990", commission=0.01)[1][0] == "filled"


def test_nothing_is_taken_of_an_equity_below_0():
    """Short at 12 and at 100 below 0: what is held is bought back, and nothing more is."""
    opens = [10.0, 10.0, 12.0, 100.0, 100.0]
    for size in ("all-in", "50%"):
        _, status, tests = ran(opens, [-2, -1, 1, 1, 1], size=size)
        assert status[:2] == ["filled", "closed-only"] and tests.position(0)[0] == 0
        assert tests.figures()[0]["ruined"] == (tests.position(0)[1] <= 0)


def test_only_shares_are_opened_at_a_price_below_0():
    opens = [-10.0, -10.0, -9.0, -8.0, -8.0]
    for size, opened in (("all-in", 0), ("50%", 0), ("money:100", 0), (10, 10)):
        assert ran(opens, [-2, 1, 1, 1, 1], size=size)[2].position(0)[0] == opened


def test_short_only_is_the_mirror_of_long_only():
    """Against the lines turned over, the same orders on the other side."""
    random = np.random.default_rng(5)
    opens = 50 + np.cumsum(random.normal(0, 1, 300)).round(2)
    trend = np.sign(np.cumsum(random.integers(-1, 2, 300))).astype(np.int8)
    for entry in ("state", "cross"):
        _, _, short = ran(opens, trend, size=3, cash=1e6, side="short", entry=entry)
        _, _, long = ran(opens, -trend, size=3, cash=1e6, side="long", entry=entry)
        assert short.figures()[0]["pnl"] == pytest.approx(-long.figures()[0]["pnl"])
        assert short.figures()[0]["trades_total"] == long.figures()[0]["trades_total"] > 2
