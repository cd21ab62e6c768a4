"""The contract of every kernel, found by discovery: a new one is tested without a line here."""

import pickle
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from math import isqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow import windows
from windrow.errors import UsageError
from windrow.windows import Indicator, Kernel, Options, kernels, parse_indicator

SECOND = 1_000_000_000


def possible(window: str) -> Iterator[str]:
    for kind in kernels():
        try:
            parse_indicator(f"{kind}:{window}").kernel(Options())
        except UsageError:
            continue
        yield f"{kind}:{window}"


BY_COUNT = [indicator for window in ("1", "2", "5", "40") for indicator in possible(window)]
BY_TIME = [indicator for window in ("1s", "7s", "2min", "session") for indicator in possible(window)]
OPTIONS = [Options(), Options(min_periods=1), Options(ema_seed="first", ddof=0, step_ns=3 * SECOND)]


def test_every_kind_is_found_and_held_to_the_contract() -> None:
    modules = [
        import_module(f"windrow.windows.{file.stem}") for file in sorted(Path(windows.__file__).parent.glob("*.py"))
    ]
    classes = [(module, one) for module in modules for one in vars(module).values() if isinstance(one, type)]
    kinds = [one.kind for module, one in classes if one.__module__ == module.__name__ and hasattr(one, "kind")]
    assert kinds == list(kernels()) and all(kernels()[kind].kind == kind for kind in kinds)
    with pytest.raises(KeyError):
        kernels()["kernel"]
    assert {parse_indicator(text).kind for text in BY_COUNT + BY_TIME} == set(kernels())
    assert {parse_indicator(text).kind for text in BY_TIME} >= {"sma", "sum", "min", "max", "std"}


Bars = tuple[np.ndarray, np.ndarray, np.ndarray]


def columns_for(text: str, values: np.ndarray) -> list[np.ndarray]:
    """What a kernel of this kind takes where the prices are `values`: high, low and the rest are made of them."""
    rng = np.random.default_rng(len(values))
    made = {
        "high": np.maximum(values, np.roll(values, 1)),
        "low": np.minimum(values, np.roll(values, 1)),
        "close": values,
        "volume": np.where(rng.random(len(values)) < 0.1, 0.0, np.rint(rng.uniform(1, 1e6, len(values)))),
    }
    return [made[name] for name in parse_indicator(text).columns("close")]


def push_all(text: str, kernel: Kernel, bars: Bars) -> np.ndarray:
    times, values, starts = bars
    return kernel.push(times, *columns_for(text, values), starts=starts)


@st.composite
def bars_of_symbols(draw: st.DrawFn) -> Bars:
    """Times, values and starts of a few symbols: cents, 17 digits, tokens and spikes, at irregular seconds."""
    lengths = draw(st.lists(st.integers(1, 30), min_size=1, max_size=8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = sum(lengths)
    times = np.concatenate([np.cumsum(rng.integers(1, 6, length)) for length in lengths]) * SECOND
    values = np.round(rng.uniform(1, 100, n), 2)
    odd = rng.random(n)
    values[odd < draw(st.sampled_from([0, 0.3]))] *= np.pi
    values[odd > 1 - draw(st.sampled_from([0, 0.05]))] = 1e15
    tokens = (odd > 0.3) & (odd < draw(st.sampled_from([0.3, 0.6])))
    values[tokens] = np.round(values[tokens] / 1e7, 10)
    return times.astype(np.int64), values, np.cumsum([0, *lengths[:-1]])


def push_in_blocks(text: str, kernel: Kernel, bars: Bars, cuts: list[int]) -> np.ndarray:
    times, values, starts = bars
    columns, results = columns_for(text, values), []
    for begin, end in pairwise([0, *sorted(cuts), len(times)]):
        inside = starts[(starts >= begin) & (starts < end)] - begin
        results.append(kernel.push(times[begin:end], *(each[begin:end] for each in columns), starts=inside))
    return np.concatenate(results, axis=-1)


def assert_same_bits(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_array_equal(np.nan_to_num(a).view(np.int64), np.nan_to_num(b).view(np.int64))


@pytest.mark.parametrize("text", BY_COUNT + BY_TIME)
@settings(max_examples=25, deadline=None)
@given(bars=bars_of_symbols(), data=st.data())
def test_any_blocks_give_the_bits_of_the_whole(text: str, bars: Bars, data: st.DataObject) -> None:
    indicator, options = parse_indicator(text), data.draw(st.sampled_from(OPTIONS))
    whole = push_all(text, indicator.kernel(options), bars)
    anywhere = st.integers(0, len(bars[0])) | st.sampled_from(bars[2].tolist())
    cuts = data.draw(st.lists(anywhere, max_size=8))
    assert_same_bits(push_in_blocks(text, indicator.kernel(options), bars, cuts), whole)
    assert_same_bits(push_in_blocks(text, indicator.kernel(options), bars, list(range(len(bars[0])))), whole)


@pytest.mark.parametrize("text", BY_COUNT + BY_TIME)
@settings(max_examples=10, deadline=None)
@given(bars=bars_of_symbols())
def test_symbols_know_nothing_of_each_other(text: str, bars: Bars) -> None:
    times, values, starts = bars
    together = push_all(text, parse_indicator(text).kernel(Options()), bars)
    first, columns = np.array([0]), columns_for(text, values)
    apart = [
        parse_indicator(text).kernel(Options()).push(times[a:b], *(each[a:b] for each in columns), starts=first)
        for a, b in pairwise([*starts, len(times)])
    ]
    assert_same_bits(together, np.concatenate(apart, axis=-1))


@pytest.mark.parametrize("text", BY_COUNT)
def test_a_thousand_short_symbols(text: str) -> None:
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 60, 1000)
    n, starts = int(lengths.sum()), np.cumsum(lengths) - lengths
    bars = np.arange(n), np.round(rng.uniform(1, 100, n), 2), starts
    whole, columns = push_all(text, parse_indicator(text).kernel(Options()), bars), columns_for(text, bars[1])
    for symbol in (0, 1, 500, 999):
        cut = slice(starts[symbol], starts[symbol] + lengths[symbol])
        kernel = parse_indicator(text).kernel(Options())
        alone = kernel.push(bars[0][cut], *(each[cut] for each in columns), starts=np.array([0]))
        assert_same_bits(whole[..., cut], alone)


#: Of kinds that hold more than a window's bars: how many of a window of n, and how many floats of each.
HELD: dict[str, Callable[[int], tuple[int, int]]] = {
    "macd": lambda n: (26, 1),  # the slow ema's
    "hma": lambda n: (n + isqrt(n), 1),
    "rsi": lambda n: (n, 2),  # gains and losses
}


@pytest.mark.parametrize("text", BY_COUNT + BY_TIME)
def test_the_window_bounds_the_state(text: str) -> None:
    kernel = parse_indicator(text).kernel(Options())
    rng = np.random.default_rng(2)
    n = {"1": 1, "2": 2, "5": 5, "40": 40, "1s": 1, "7s": 7, "2min": 120, "session": 86_400}[text.partition(":")[2]]
    bound, floats = HELD.get(kernel.kind, lambda n: (n, len(kernel.inputs) or 1))(n)
    empty = len(pickle.dumps(kernel))
    for begin in range(0, 20_000, 500):
        times = np.arange(begin, begin + 500) * SECOND  # one bar a second
        push_all(text, kernel, (times, np.round(rng.uniform(1, 100, 500), 2), np.array([0][begin:], np.int64)))
        assert kernel.state_bars <= bound
        # a time and a value of each column per bar, nothing else
        assert len(pickle.dumps(kernel)) <= empty + 100 + 8 * (1 + floats) * bound


@pytest.mark.parametrize("text", BY_COUNT + BY_TIME)
def test_no_bars_and_few_bars(text: str) -> None:
    kernel = parse_indicator(text).kernel(Options())
    none, rows = np.empty(0, np.int64), (len(kernel.outputs),) if kernel.outputs else ()
    assert push_all(text, kernel, (none, np.empty(0), none)).shape == (*rows, 0)
    assert push_all(text, kernel, (np.array([5]), np.array([2.5]), np.array([0]))).shape == (*rows, 1)
    assert push_all(text, kernel, (none, np.empty(0), none)).shape == (*rows, 0)
    result = push_all(text, kernel, (np.array([6]), np.array([3.5]), none))
    if text.endswith((":5", ":40", "s", "min")):  # not full after two bars, a nanosecond apart
        assert np.isnan(result).all()


@pytest.mark.parametrize("kind", ["sma", "ema"])
@given(cents=st.integers(1, 10**9), n=st.integers(1, 50), seed=st.sampled_from(["sma", "first"]))
@settings(max_examples=60, deadline=None)
def test_a_flat_price_stays_flat(kind: str, cents: int, n: int, seed: str) -> None:
    for price in (cents / 100, cents / 7):
        kernel = parse_indicator(f"{kind}:{n}").kernel(Options(ema_seed=seed))  # type: ignore[arg-type]
        result = kernel.push(np.arange(120), np.full(120, price), np.array([0]))
        assert set(result[n - 1 :].tolist()) == {price}


Peer = Callable[[np.ndarray, int], np.ndarray]
TALIB: dict[str, Peer] = {
    "sma": talib.SMA,
    "ema": talib.EMA,
    "wma": talib.WMA,
    "sum": talib.SUM,
    "min": talib.MIN,
    "max": talib.MAX,
}
PANDAS: dict[str, Peer] = {
    "sma": lambda x, n: pd.Series(x).rolling(n).mean().to_numpy(),
    "sum": lambda x, n: pd.Series(x).rolling(n).sum().to_numpy(),
    "min": lambda x, n: pd.Series(x).rolling(n).min().to_numpy(),
    "max": lambda x, n: pd.Series(x).rolling(n).max().to_numpy(),
}


@pytest.mark.parametrize("peers", [TALIB, PANDAS], ids=["TA-Lib", "pandas"])
@pytest.mark.parametrize("n", [2, 7, 20, 200])
def test_agreement_with_peers(peers: dict[str, Peer], n: int, series: np.ndarray) -> None:
    times, start = np.arange(len(series)), np.array([0])
    scale = np.maximum.accumulate(np.abs(series))
    for kind, peer in peers.items():
        got = Indicator(kind, parse_indicator(f"sma:{n}").window).kernel(Options()).push(times, series, start)
        wanted = peer(series, n)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
        # A peer's running sum keeps the error of a spike: the scale is the largest |x| so far. A sum is n times a mean.
        apart = np.nan_to_num(np.abs(got - wanted)) / (n if kind == "sum" else 1)
        assert (apart <= 1e-12 * scale).all(), kind


@pytest.mark.parametrize("n", [2, 7, 20, 200])
def test_agreement_of_deviations_on_benign_series(n: int) -> None:
    rng = np.random.default_rng(6)
    x = np.round(rng.normal(0, 10, 400), 2)
    times, start, indicator = np.arange(400), np.array([0]), parse_indicator(f"std:{n}")
    ours = indicator.kernel(Options(ddof=1)).push(times, x, start)
    np.testing.assert_allclose(ours, pd.Series(x).rolling(n).std().to_numpy(), rtol=1e-7)
    ours = indicator.kernel(Options(ddof=0)).push(times, x, start)
    np.testing.assert_allclose(ours, talib.STDDEV(x, n), rtol=1e-7)
