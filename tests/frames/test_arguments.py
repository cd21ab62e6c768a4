"""Arguments that a function does not take: refused as options of jobs are, with what to write."""

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import windrow
from tests.conftest import ROOT
from windrow.errors import InputError, OutputError, UsageError
from windrow.sweeps.ranking import OBJECTIVES

CLOSES = [10.0, 11, 12, 11, 9, 8]
BARS = pd.DataFrame({"timestamp": pd.date_range("2020-01-01", periods=6), "open": CLOSES, "close": CLOSES})
LINES = {"fast": "close", "slow": "sma:2"}
PAIRS = {"fast": "sma:1", "slow": "sma:2"}


@pytest.mark.parametrize(("wrong", "message", "cured"), [
    ({"sizing": "shares"}, "sizing='shares': windrow.backtest has no argument sizing; size takes it: size=100 ",
     [{"size": 100}, {"size": "50%"}, {"size": "money:10000"}, {"size": "all-in"}]),
    ({"warm": True}, "warm=True: windrow.backtest has no argument warm; leave it out", [{}]),
    ({"comission": 0.1}, "comission=0.1: windrow.backtest has no argument comission; use commission",
     [{"commission": 0.1}]),
    ({"stake": 10}, "stake=10: windrow.backtest has no argument stake; use size", [{"size": 10}]),
    ({"qqq": list(range(99))}, "qqq=list: windrow.backtest has no argument qqq; use one of bars, fast, slow, ", [{}]),
])  # fmt: skip
def test_names_that_there_are_not(wrong, message, cured):
    with pytest.raises(UsageError) as refused:
        windrow.backtest(BARS, **LINES, **wrong)
    assert str(refused.value).startswith(message)
    for right in cured:
        assert len(windrow.backtest(BARS, **LINES, **right)) == 1


def test_what_is_missing_or_too_much_and_what_to_write():
    bars = pd.read_csv(ROOT / "data" / "bars.csv", parse_dates=["timestamp"])
    for call, says in {
        lambda: windrow.backtest(bars, "close"): "windrow.backtest: missing a required argument: 'slow'; write e.g. ",
        lambda: windrow.crossover(bars, "close", "sma:2", "open"): "windrow.crossover: too many positional arguments; ",
        lambda: windrow.sweep(bars): "windrow.sweep: missing a required argument: 'fast'; write e.g. windrow.sweep(",
        lambda: windrow.moving_average(): "windrow.moving_average: missing a required argument: 'bars'; write e.g. ",
    }.items():
        with pytest.raises(UsageError) as refused:
            call()
        assert str(refused.value).startswith(says)
        assert len(eval(str(refused.value).partition("; write e.g. ")[2], {"windrow": windrow, "bars": bars})) > 0
    with pytest.raises(UsageError, match=r"windrow.sweep has no argument train; use split"):
        windrow.sweep(bars, train=0.7)
    with pytest.raises(UsageError, match=r"windrow.sweep has no argument windows; use"):
        windrow.sweep(bars, windows=5)
    with pytest.raises(UsageError, match=r"windrow.moving_average has no argument colum; use column"):
        windrow.moving_average(bars, "sma:2", colum="open")


@pytest.mark.parametrize(("name", "value", "message", "cured"), [
    ("fast", 1, "fast=1: is of type int, and a line is a text, an average and its window; write e.g. fast='sma:1'",
     "sma:1"),
    ("fast", None, "fast=None: is of type NoneType, and a line is a text, an average and its window; write e.g. "
     "fast='sma:20'", "sma:20"),
    ("commission", "0.1%", "commission='0.1%': is of type str, and is to be a number; give one, e.g. 0.001 for 0.1 %",
     0.001),
    ("cash", "1e5", "cash='1e5': is of type str, and is to be a number; give one", np.float32(1e5)),
    ("cash", True, "cash=True: is of type bool, and is to be a number; give one", np.int64(100)),
    ("traced", "no", "traced='no': is of type str, and is to be True or False; give one", np.False_),
    ("column", 5, "column=5: is of type int, and is to be a text; give one", "close"),
    ("portfolio", True, "portfolio=True: is neither 'equal' nor weights; give the weight of each symbol", "equal"),
    ("portfolio", {"bars": "20 %"}, "portfolio: the weight '20 %' of bars is no number; write 20 % as 0.2",
     {"bars": 0.2}),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:nothing was traded")
def test_values_of_other_types(name, value, message, cured):
    with pytest.raises(UsageError) as refused:
        windrow.backtest(BARS, **LINES | {name: value})
    assert str(refused.value).startswith(message)
    assert len(windrow.backtest(BARS, **LINES | {name: cured})) > 0


def test_lines_and_indicators_that_are_no_texts():
    with pytest.raises(UsageError, match=r"fast=5: is of type int, and a line is a text, .*; write e.g. fast='sma:5'"):
        windrow.crossover(BARS, 5, 20)
    with pytest.raises(UsageError, match=r"slow=2: is of type int"):
        windrow.crossover(BARS, ["close"], [2])
    with pytest.raises(UsageError, match=r"indicators=2: is a window, of which indicator is not said; use 'sma:2'"):
        windrow.moving_average(BARS, 2)
    with pytest.raises(UsageError, match=r"is an argument of its own; leave out the brackets: 'sma:2', 'ema:3'"):
        windrow.moving_average(BARS, ["sma:2", "ema:3"])
    assert windrow.moving_average(BARS, "sma:2", "ema:3").columns[2:].tolist() == ["sma:2", "ema:3"]


@pytest.mark.parametrize(("function", "given", "message"), [
    (windrow.report, ("out", "bars.csv", "page.html"), "windrow.report: too many positional arguments; write e.g. "),
    (windrow.plot, ("out",), "windrow.plot: missing a required argument: 'bars'; write e.g. windrow.plot("),
    (windrow.read_output, (), "windrow.read_output: missing a required argument: 'path'; write e.g. windrow.read_ou"),
])  # fmt: skip
def test_pages_and_outputs_say_what_to_write(function, given, message):
    with pytest.raises(UsageError) as refused:
        function(*given)
    assert str(refused.value).startswith(message)
    arguments = str(refused.value).partition(f"; write e.g. windrow.{function.__name__}")[2]
    inspect.signature(function).bind(*eval(f"(lambda *args, **named: args){arguments}"),
                                     **eval(f"(lambda *args, **named: named){arguments}"))  # fmt: skip


class Other:
    def to_pandas(self):
        return BARS


@pytest.mark.parametrize(("bars", "message"), [
    ("bars.csv", "bars='bars.csv': is a text, and bars are a DataFrame; if it names a file, read that, e.g. with pd."),
    (Path("bars.csv"), "bars='bars.csv': is a text, and bars are a DataFrame"),
    (BARS.to_dict(), "bars: is of type dict, and is to be a DataFrame of pandas; make one of it, with pd.DataFrame"),
    (Other(), f"bars: is of type {__name__}.Other, and is to be a DataFrame of pandas; make one of it, with bars.to_"),
    (None, "bars: is of type NoneType, and is to be a DataFrame of pandas; "),
])  # fmt: skip
def test_bars_that_are_no_frame(bars, message, tmp_path):
    for function in windrow.moving_average, windrow.crossover, windrow.backtest, windrow.sweep:
        with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
            function(bars, "sma:1") if function is windrow.moving_average else function(bars, **PAIRS)
    cures = {
        "pd.DataFrame": pd.DataFrame,
        "bars.to_pandas()": Other.to_pandas,
        "pd.read_csv": _through_a_file(tmp_path),
    }
    with pytest.raises(UsageError) as refused:
        windrow.crossover(bars)
    cure = cures[str(refused.value).rpartition("with ")[2]]
    if bars is not None:
        assert len(windrow.crossover(cure(bars), **LINES)) == 1


def _through_a_file(folder):
    BARS.to_csv(folder / "bars.csv", index=False)
    return lambda name: pd.read_csv(folder / name, parse_dates=["timestamp"])


def test_times_that_are_texts_are_told_by_the_name_of_their_column_with_what_to_write():
    bars = pd.DataFrame({"Ticker": "AA", "Date": BARS["timestamp"].astype(str), "Close": CLOSES})
    message = r"column Date: it is of type .*: a bar's time is a datetime; convert it with bars\['Date'\] = pd\.to"
    with pytest.raises(InputError, match=message) as refused:
        windrow.moving_average(bars, "sma:2")
    exec(str(refused.value).partition("convert it with ")[2], {"bars": bars, "pd": pd})
    assert len(windrow.moving_average(bars, "sma:2")) == 5


def test_columns_are_told_as_the_frame_has_them():
    bars = BARS.rename(columns={"timestamp": "Date", "close": "Close"}).drop(columns="open")
    with pytest.raises(
        UsageError, match=r"^the frame's columns are Date, Close, and orders are filled at the next ope"
    ):
        windrow.backtest(bars, **LINES)


@pytest.mark.parametrize(("wrong", "message", "cures"), [
    ({"split": 70}, "split=70: the share of a series' bars to train on is a decimal above 0", [{"split": 0.7}]),
    ({"split": 0.7, "walk_forward": 2}, "split=0.7, walk_forward=2: a series is split one way; use one of them",
     [{"split": 0.7}, {"walk_forward": 2}]),
    ({"equity": True}, "equity=True: is of the best pairs on their tests; add best=True, or leave it out",
     [{"equity": True, "best": True, "split": 0.5}, {}]),
    ({"equity": True, "best": True}, "equity=True: is of tests, but all bars are one part; add split, split_at or",
     [{"equity": True, "best": True, **cut} for cut in ({"split": 0.5}, {"split_at": "2020-01-04"}, {"walk_forward": 1})
     ]),
    ({"rolling": True}, "rolling=True: is of walks from train to test; add walk_forward=N, or leave it out",
     [{"rolling": True, "walk_forward": 2}, {}]),
    ({"embargo": 1}, "embargo=1: is between train and test, but all bars are one part; add split, split_at or walk_f",
     [{"embargo": 1, "split": 0.7}]),
    ({"objective": "cagr"}, "objective='cagr': not one of pnl, sharpe, sqn, return; use one of them",
     [{"objective": objective} for objective in OBJECTIVES]),
    ({"size": "half"}, "size='half': is no size; give all-in, shares such as 100", [{"size": "all-in"}, {"size": 100}]),
    ({"fast": "sma:9"}, "fast='sma:9', slow='sma:2': no pair is left: the fast window is shorter than the slow one;"
     " exchange the two, or keep such pairs with any_order=True", [{"fast": "sma:9", "any_order": True}]),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:nothing was traded")
def test_errors_name_arguments_and_each_cure_works(wrong, message, cures):
    with pytest.raises(UsageError) as refused:
        windrow.sweep(BARS, **PAIRS | wrong)
    assert str(refused.value).startswith(message)
    for cure in cures:
        assert len(windrow.sweep(BARS, **PAIRS | cure).figures) > 0


def test_warnings_name_arguments():
    adjusted = BARS.assign(adj_close=BARS["close"])
    for run in windrow.backtest, windrow.sweep:
        with pytest.warns(UserWarning, match="where a split is a loss; use adjusted=True to scale them"):
            run(adjusted, **PAIRS)
        with pytest.warns(UserWarning, match="use a smaller size, more cash, or size='all-in'"):
            result = run(BARS, **PAIRS, size=1e9)
        assert "use a smaller size, more cash, or size='all-in'" in result.warnings[0]


def test_what_results_refuse_names_arguments(tmp_path):
    swept = windrow.sweep(BARS, **PAIRS)
    with pytest.raises(
        UsageError, match=r"^equity: is of tests, and the sweep has none; give it split, split_at or wal"
    ):
        swept.equity  # noqa: B018
    for cut in ({"split": 0.7}, {"split_at": "2020-01-04"}, {"walk_forward": 1}):
        assert len(windrow.sweep(BARS, **PAIRS, **cut).equity) > 0
    for result in swept, windrow.backtest(BARS, **PAIRS):
        page = result.report(tmp_path / f"{type(result).__name__}.html")
        with pytest.raises(OutputError, match=r"already exists: choose another name, or replace it with force=True$"):
            result.report(page)
        assert result.report(page, force=True) == page

        with pytest.raises(AttributeError, match=f"'{type(result).__name__}' object has no attribute 'gain'"):
            result.gain  # noqa: B018


def test_every_argument_is_described():
    for function in windrow.moving_average, windrow.crossover, windrow.backtest, windrow.sweep:
        text = inspect.getdoc(function)
        sections = re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
        assert sections == ["Parameters", "Returns", "Raises", "Notes", "Examples"], function.__name__
        described = re.split(r"^Parameters\n-+$|^Returns\n-+$", text, flags=re.MULTILINE)[1]
        names = set(re.findall(r"\w+", " ".join(re.findall(r"^\S.*$", described, re.MULTILINE))))
        known = set(inspect.signature(function).parameters)
        if function is windrow.sweep:  # whose rules are those of a backtest
            known = known - set(inspect.signature(windrow.backtest).parameters) | {"bars", "fast", "slow"}
        assert known <= names, function.__name__


def test_a_symbol_has_one_weight():
    with pytest.raises(UsageError, match="portfolio: has the symbol bars again; give each symbol one weight"):
        windrow.backtest(BARS, **LINES, portfolio=pd.Series([0.5, 0.1], ["bars", "bars"]))
    assert len(windrow.backtest(BARS, **LINES, portfolio=pd.Series({"bars": 0.5}))) == 2


@pytest.mark.parametrize("function", [windrow.report, windrow.plot])
def test_pages_that_are_there_name_the_argument_in_python(tmp_path, function):
    (tmp_path / "page.html").touch()
    with pytest.raises(OutputError, match=r"already exists: choose another name, or replace it with force=True$"):
        function("out", "bars.csv", out=tmp_path / "page.html")
    with pytest.raises(InputError) as raised:  # options of jobs stay theirs
        function(tmp_path / "out", "bars.csv", out=tmp_path / "page.html", force=True)
    assert "=True" not in str(raised.value)


@pytest.mark.parametrize(
    ("asked", "cure"),
    [("std:1", "use std:2, or longer, or ddof=0"), ("zscore:1", "use zscore:2, or longer, or ddof=0")],
)
def test_a_deviation_that_no_window_has_is_refused(asked, cure):
    bars = pd.DataFrame({"symbol": "A", "timestamp": pd.date_range("2024-01-01", periods=3), "close": [1.0, 2.0, 4.0]})
    with pytest.raises(
        UsageError, match=f"^{asked}: a window of 1 bar has no deviation over n - 1, as of a sample; {cure}$"
    ):
        windrow.moving_average(bars, asked)
    assert windrow.moving_average(bars, asked, ddof=0)[asked].tolist() == [0.0, 0.0, 0.0]
    assert len(windrow.moving_average(bars, asked.replace("1", "2"))) == 2
    assert len(windrow.moving_average(bars, "bollinger:1")) == 3  # which is over n
