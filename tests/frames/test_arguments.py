"""Arguments that a function does not have: refused as options of jobs are, with what to use."""

import pandas as pd
import pytest

import windrow
from windrow.errors import UsageError

CLOSES = [10.0, 11, 12, 11, 9, 8]
BARS = pd.DataFrame({"timestamp": pd.date_range("2020-01-01", periods=6), "open": CLOSES, "close": CLOSES})
LINES = {"fast": "close", "slow": "sma:2"}


@pytest.mark.parametrize(("wrong", "message", "cured"), [
    ({"sizing": "shares"}, "sizing='shares': windrow.backtest has no argument sizing; size takes it: size=100 ",
     [{"size": 100}, {"size": "50%"}, {"size": "money:10000"}, {"size": "all-in"}]),
    ({"warm": True}, "warm=True: windrow.backtest has no argument warm; leave it out", [{}]),
    ({"comission": 0.1}, "comission=0.1: windrow.backtest has no argument comission; use commission",
     [{"commission": 0.1}]),
    ({"qqq": list(range(99))}, "qqq=list: windrow.backtest has no argument qqq; use one of bars, fast, slow, ", [{}]),
])  # fmt: skip
def test_names_that_there_are_not(wrong, message, cured):
    with pytest.raises(UsageError) as refused:
        windrow.backtest(BARS, **LINES, **wrong)
    assert str(refused.value).startswith(message)
    for right in cured:
        assert len(windrow.backtest(BARS, **LINES, **right)) == 1


def test_what_is_missing_or_too_much():
    with pytest.raises(
        UsageError, match=r"windrow.backtest: missing a required argument: 'slow': its arguments are bars"
    ):
        windrow.backtest(BARS, "close")
    with pytest.raises(
        UsageError, match=r"windrow.crossover: too many positional arguments: its arguments are bars, fast"
    ):
        windrow.crossover(BARS, "close", "sma:2", "open")
    with pytest.raises(UsageError, match=r"windrow.sweep has no argument windows; use"):
        windrow.sweep(BARS, windows=5)
    with pytest.raises(UsageError, match=r"windrow.moving_average has no argument colum; use column"):
        windrow.moving_average(BARS, "sma:2", colum="open")
