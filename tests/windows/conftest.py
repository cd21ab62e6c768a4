"""What the tests of all kernels share: pushing a series, and the number that a float represents."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest

from tests.oracle import printed as number_printed
from windrow.windows import Kernel, Options, kernels, parse_window

DAY = 86_400_000_000_000


def _run(
    kind: str, window: str, values: Sequence[float], days: Sequence[int] | None = None, **options: object
) -> np.ndarray:
    """One symbol's values through one kernel in a single push; bars a day apart by default."""
    kernel: Kernel = kernels()[kind](parse_window(window), Options(**options))  # type: ignore[arg-type]
    times = np.array(range(len(values)) if days is None else days, np.int64) * DAY
    return kernel.push(times, np.array(values, np.float64), np.array([0][: len(values)], np.int64))


def _series() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    walk = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 400)))
    spiked = np.round(walk, 2)
    spiked[[60, 61, 222]] = 1e15, -1e15, 1e-15
    return {
        "cents": np.round(walk, 2),
        "eight places": np.round(walk / 1000, 8),
        "17 digits": walk,
        "mix": np.where(rng.random(400) < 0.5, walk, np.round(walk, 2)),
        "spiked": spiked,
        "ten places": np.round(walk / 1e7, 10),
        "1e-9": rng.uniform(1, 9, 400) * 1e-9,
        "1e-15": rng.uniform(1, 9, 400) * 1e-15,
        "negative": np.round(walk - 50, 2),
        "volumes": np.rint(rng.uniform(1e6, 2.9e13, 400)),
    }


@pytest.fixture
def run() -> Callable[..., np.ndarray]:
    return _run


@pytest.fixture
def printed() -> Callable[[float], Fraction]:
    return number_printed


@pytest.fixture(params=list(_series()))
def series(request: pytest.FixtureRequest) -> np.ndarray:
    return _series()[request.param]


@pytest.fixture(params=[1, 2, 7, 200, 300, 500])
def bars(request: pytest.FixtureRequest) -> int:
    """Windows, the last longer than the series."""
    return int(request.param)
