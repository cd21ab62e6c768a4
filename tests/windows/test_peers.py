"""Every indicator that TA-Lib or pandas has too, on 200 series: random walks of prices as markets have them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import talib

from tests.windows.prices import largest_so_far, run
from windrow.windows import parse_indicator

SERIES = 200
Bars = dict[str, np.ndarray]
Peer = Callable[[Bars, int], np.ndarray]


def series(seed: int) -> tuple[Bars, int]:
    """Bars, and a window; by turns of cents, of a coin's 8 places, of an index, and with halts and ties."""
    rng = np.random.default_rng(seed)
    bars, n = int(rng.integers(120, 400)), int(rng.integers(2, 30))
    start, places = [(50.0, 2), (0.00042, 8), (31_234.5, 1), (7.0, 1)][seed % 4]
    close = np.round(start * np.exp(np.cumsum(rng.normal(0, 0.02, bars))), places)
    if seed % 4 == 3:
        close[40:60] = close[40]
    high = np.round(close * (1 + rng.uniform(0, 0.02, bars)), places)
    low = np.round(close * (1 - rng.uniform(0, 0.02, bars)), places)
    return {"close": close, "high": high, "low": low, "volume": np.rint(rng.uniform(1, 1e6, bars))}, n


def macd(bars: Bars, n: int) -> np.ndarray:
    apart = talib.EMA(bars["close"], n) - talib.EMA(bars["close"], 2 * n)
    signal = np.concatenate([apart[: 2 * n - 1], talib.EMA(apart[2 * n - 1 :], 9)])
    return np.array([apart, signal, apart - signal])


def vwap(bars: Bars, n: int) -> np.ndarray:
    typical = (bars["high"] + bars["low"] + bars["close"]) / 3
    sums = pd.DataFrame({"money": typical * bars["volume"], "volume": bars["volume"]}).rolling(n).sum()
    return (sums["money"] / sums["volume"]).to_numpy()


def hma(bars: Bars, n: int) -> np.ndarray:
    inner = 2 * wma(bars["close"], n // 2) - talib.WMA(bars["close"], n)
    return np.concatenate([inner[: n - 1], wma(inner[n - 1 :], int(n**0.5))])


def wma(values: np.ndarray, n: int) -> np.ndarray:
    return talib.WMA(values, n) if n > 1 else values


#: By text, with the window at {0} and twice that at {1}.
PEERS: dict[str, Peer] = {
    "dema:{0}": lambda bars, n: talib.DEMA(bars["close"], n),
    "tema:{0}": lambda bars, n: talib.TEMA(bars["close"], n),
    "hma:{0}": hma,
    "kama:{0}": lambda bars, n: talib.KAMA(bars["close"], n),
    "macd:{0},{1},9": macd,
    "atr:{0}": lambda bars, n: talib.ATR(bars["high"], bars["low"], bars["close"], n),
    "donchian:{0}.upper": lambda bars, n: talib.MAX(bars["high"], n),
    "donchian:{0}.lower": lambda bars, n: talib.MIN(bars["low"], n),
    "vwap:{0}": vwap,
    "median:{0}": lambda bars, n: pd.Series(bars["close"]).rolling(n).median().to_numpy(),
    "quantile:{0},0.9": lambda bars, n: pd.Series(bars["close"]).rolling(n).quantile(0.9).to_numpy(),
    "halflife:{0}": lambda bars, n: pd.Series(bars["close"]).ewm(halflife=n, min_periods=n).mean().to_numpy(),
    "bollinger:{0},2.middle": lambda bars, n: talib.SMA(bars["close"], n),
}


def compared(text: str, peer: Peer) -> list[tuple[np.ndarray, np.ndarray, Bars]]:
    """Ours and the peer's values of each series, NaN at the same bars, and the bars."""
    found = []
    for seed in range(SERIES):
        bars, n = series(seed)
        indicator = text.format(n, 2 * n)
        ours = run(indicator, *(bars[name] for name in parse_indicator(indicator).columns("close")))
        theirs = peer(bars, n)
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        found.append((ours, theirs, bars))
    return found


@pytest.mark.parametrize("text", PEERS)
def test_within_1e_12_of_the_largest_price_so_far(text: str) -> None:
    # TA-Lib's KAMA has running sums of floats: its efficiency is off by a price's rounding over a few ticks.
    most = 1e-10 if text.startswith("kama") else 1e-12
    for ours, theirs, bars in compared(text, PEERS[text]):
        assert (np.nan_to_num(np.abs(ours - theirs)) <= most * largest_so_far(bars["close"])).all()


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("roc:{0}", lambda bars, n: talib.ROC(bars["close"], n)),
        ("roc:{0}", lambda bars, n: 100 * pd.Series(bars["close"]).pct_change(n).to_numpy()),
    ],
    ids=["TA-Lib", "pandas"],
)
def test_rates_within_1e_12_of_100_percent(text: str, peer: Peer) -> None:
    for ours, theirs, _ in compared(text, peer):
        assert (np.nan_to_num(np.abs(ours - theirs)) <= 1e-12 * 100).all()


def test_rsi_within_what_float_differences_of_prices_are_off_by() -> None:
    for ours, theirs, bars in compared("rsi:{0}", lambda bars, n: talib.RSI(bars["close"], n)):
        change = np.abs(np.diff(bars["close"])).max()
        assert (np.nan_to_num(np.abs(ours - theirs)) <= 1e-12 * 100 * bars["close"].max() / change).all()


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("bollinger:{0},2", lambda bars, n: np.array(talib.BBANDS(bars["close"], n, 2, 2))),
        ("zscore:{0}", lambda bars, n: _zscore(pd.Series(bars["close"]), n)),
    ],
    ids=["TA-Lib", "pandas"],
)
def test_deviations_within_the_root_of_what_their_squares_are_off_by(text: str, peer: Peer) -> None:
    for ours, theirs, bars in compared(text, peer):
        flat = np.broadcast_to(pd.Series(bars["close"]).rolling(2).std().rolling(30).max() == 0, ours.shape)
        np.testing.assert_allclose(ours[~flat], theirs[~flat], rtol=1e-5, atol=1e-5)


def _zscore(close: "pd.Series[float]", n: int) -> np.ndarray:
    rolling = close.rolling(n)
    scores = (close - rolling.mean()) / rolling.std()
    return scores.fillna(0.0).where(rolling.count() >= n).to_numpy()  # 0 / 0 in flat windows
