"""Options of kernels: what they do to rolling windows, and what is refused."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from windrow.errors import UsageError
from windrow.windows import Indicator, Options, kernels, parse_indicator

DAY = 86_400_000_000_000
Run = Callable[..., np.ndarray]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_periods": 0}, "--min-periods 0: a window holds 1 bar or more; use 1 or more, or leave it out"),
        ({"ddof": -1}, "--ddof -1: it is subtracted from the number of bars; use 0 or more"),
        ({"ema_seed": "last"}, "--ema-seed last: not one of sma, first; use one of them"),
        ({"step_ns": -1}, "--step of -1 ns: a step goes forward in time; use a step above 0"),
    ],
)
def test_options_out_of_range(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Options(**options)  # type: ignore[arg-type]
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("indicator", "message"),
    [
        ("sma:5", "--min-periods 6: sma:5 holds at most 5 bars; use 1 to 5"),
        ("ema:30d", "ema:30d: an ema is smoothed over a number of bars; use e.g. ema:20"),
        ("wma:30d", "wma:30d: a wma is weighted over a number of bars; use e.g. wma:20"),
        ("wma:10001", "wma:10001: a wma takes 1 to 10,000 bars; use a window in that range"),
    ],
)
def test_what_does_not_go_together(indicator: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_indicator(indicator).kernel(Options(min_periods=6))
    assert str(raised.value) == message


def test_min_periods_is_not_for_ema_and_wma(run: Run) -> None:
    prices = [1.0, 2.0, 4.0, 4.0, 5.0]
    for kind in ("ema", "wma"):
        np.testing.assert_array_equal(run(kind, "4", prices, min_periods=1), run(kind, "4", prices))
        assert run(kind, "4", prices, min_periods=9).shape == (5,)


@pytest.mark.parametrize("text", ["sma", "sma:", "SMA:20", "tma:5", ":5"])
def test_a_text_that_is_not_an_indicator(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_indicator(text)
    kinds = ", ".join(kernels())
    expected = f"indicator {text!r}: an indicator is KIND:WINDOW, with KIND one of {kinds}; use e.g. sma:20 or max:30d"
    assert str(raised.value) == (expected if text != "sma:" else str(_error_of_window("")))


@pytest.mark.parametrize(("text", "meant"), [("20", "sma:20"), ("rsi14", "rsi:14"), ("7d", "sma:7d")])
def test_a_window_alone_has_the_indicator_that_may_be_meant(text: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"; use e.g. {meant} or max:30d$"):
        parse_indicator(text)
    assert str(parse_indicator(meant)).split(":")[0] == meant.split(":")[0]


def _error_of_window(text: str) -> UsageError:
    with pytest.raises(UsageError) as raised:
        parse_indicator(f"sma:{text}")
    return raised.value


def test_an_indicator_reads_back() -> None:
    for kind in kernels():
        assert str(parse_indicator(f"{kind}:20")) == f"{kind}:20"
    assert parse_indicator("max:30d") == Indicator("max", parse_indicator("sma:30d").window)


def test_a_time_window_is_full_once_its_span_has_passed(run: Run) -> None:
    #  day   0  1  2  3  4  5        window of 3 days
    #        |--------|              full at day 3: 3 days since the first bar
    #        |-----|                 with a step of 1 day, already at day 2
    prices = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert np.isnan(run("sma", "3d", prices)).tolist() == [True, True, True, False, False, False]
    assert run("sma", "3d", prices, step_ns=DAY).tolist()[2:] == [2.0, 3.0, 4.0, 5.0]
    assert run("sma", "3d", prices, step_ns=9 * DAY).tolist() == [1.0, 1.5, 2.0, 3.0, 4.0, 5.0]


def test_a_full_time_window_outputs_whatever_it_holds(run: Run) -> None:
    days = [0, 1, 2, 3, 9, 10]
    assert run("sum", "3d", [1.0] * 6, days).tolist()[3:] == [3.0, 1.0, 2.0]
    # --min-periods holds at every bar: after the gap too.
    assert np.nan_to_num(run("sum", "3d", [1.0] * 6, days, min_periods=2)).tolist() == [0, 2, 3, 3, 0, 2]


@pytest.mark.parametrize("kind", ["sma", "sum", "min", "max", "std"])
@pytest.mark.parametrize("least", [1, 2, 5])
def test_min_periods_as_in_pandas(run: Run, kind: str, least: int) -> None:
    rng = np.random.default_rng(8)
    days = np.cumsum(rng.choice([1, 1, 2, 9, 40], 200))
    prices = np.round(rng.uniform(10, 20, 200), 2)
    frame = pd.Series(prices, pd.to_datetime(days * DAY))
    for window, peer in (("30d", frame.rolling("30D", min_periods=least)), ("7", frame.rolling(7, least))):
        wanted = getattr(peer, {"sma": "mean"}.get(kind, kind))().to_numpy()
        got = run(kind, window, prices, days, min_periods=least)
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-7)


def test_time_windows_hold_the_bars_that_pandas_counts(run: Run) -> None:
    days = np.cumsum(np.random.default_rng(9).choice([1, 2, 9, 40], 300))
    ones = np.ones(300)
    wanted = pd.Series(ones, pd.to_datetime(days * DAY)).rolling("30D").count().to_numpy()
    assert run("sum", "30d", ones, days, min_periods=1).tolist() == wanted.tolist()
