"""Exponential moving averages against their definition, TA-Lib and pandas."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import talib

from windrow.windows import ema
from windrow.windows.kernel import Options
from windrow.windows.window import CountWindow

Run = Callable[..., np.ndarray]


def by_definition(x: list[float], n: int, seed: float, first: int) -> list[float]:
    """e + alpha * (x - e) in these very operations, from `seed` at bar `first`."""
    averages, alpha = [seed], 2.0 / (n + 1)
    for value in x[first + 1 :]:
        averages.append(averages[-1] + alpha * (value - averages[-1]))
    return averages


def test_the_mean_of_the_first_bars_as_seed(
    run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int
) -> None:
    got = run("ema", str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    if bars <= len(series):
        seed = float(sum(map(printed, series[:bars])) / bars)
        assert got[bars - 1 :].tolist() == by_definition(series.tolist(), bars, seed, bars - 1)


def test_the_first_bar_as_seed(run: Run, series: np.ndarray, bars: int) -> None:
    got = run("ema", str(bars), series, ema_seed="first")
    assert got.tolist() == by_definition(series.tolist(), bars, series[0], 0)
    wanted = pd.Series(series).ewm(span=bars, adjust=False).mean().to_numpy()
    assert (np.abs(got - wanted) <= 1e-12 * np.maximum.accumulate(np.abs(series))).all()


def test_as_talib(run: Run, series: np.ndarray) -> None:
    for bars in (2, 7, 200, 300):
        got, wanted = run("ema", str(bars), series), talib.EMA(series, bars)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
        apart = np.nan_to_num(np.abs(got - wanted))
        assert (apart <= 1e-12 * np.maximum.accumulate(np.abs(series))).all()


@pytest.mark.parametrize("forgotten", [1, 8, 64])
@pytest.mark.parametrize("bars", [1, 2, 12, 26])
def test_long_series_in_pieces_have_the_bits_of_one_loop(monkeypatch, forgotten: int, bars: int) -> None:
    # After 1 or 8 bits most early starts are wrong, and must be found to be.
    monkeypatch.setattr(ema, "_FORGOTTEN", forgotten)
    monkeypatch.setattr(ema, "_PIECES", 2)
    again = []
    real = ema._smooth_one
    monkeypatch.setattr(ema, "_smooth_one", lambda *args: (again.append(args), real(*args)))
    rng = np.random.default_rng(bars)
    lengths = [5000, 1, 3000, 700, 12]
    series = [np.round(100 + np.cumsum(rng.normal(0, 0.1, length)), 2) for length in lengths]
    kernel = ema.EMA(CountWindow(bars), Options(ema_seed="first"))
    starts = np.cumsum([0, *lengths[:-1]])
    got = kernel.push(np.arange(sum(lengths)), np.concatenate(series), starts)
    wanted = [by_definition(one.tolist(), bars, one[0], 0) for one in series]
    assert got.tolist() == [value for one in wanted for value in one]
    if forgotten == 1 and bars > 2:
        assert len(again) > 20 + len(lengths)
