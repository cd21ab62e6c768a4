"""A little of the campaign against exactness, and that it notices what is wrong."""

import numpy as np
import pytest

from tests.attack.exact import KINDS, campaign, crosses
from windrow.exact import sums
from windrow.trading import signals


def test_nothing_is_wrong() -> None:
    tried, wrong = campaign(seed=1, seconds=3)
    assert tried > len(KINDS) and wrong == 0


@pytest.mark.parametrize("name", ["sums", "means", "full_means", "weighted_means", "variances"])
def test_a_last_bit_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    usual, bits = getattr(sums, name), 4 if name == "variances" else 1

    def other(*args: object) -> np.ndarray:
        values = usual(*args)
        return np.asarray((values.view(np.int64) + bits * (values != 0)).view(np.float64))

    monkeypatch.setattr(sums, name, other)
    assert campaign(seed=1, seconds=1)[1] > 0


def test_values_that_are_taken_for_binary_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which a sum of float64s is one: most of its last bits are right."""
    monkeypatch.setattr(sums, "sums", lambda x, lo, hi: np.array([sum(x[a:b]) for a, b in zip(lo, hi, strict=True)]))
    assert campaign(seed=1, seconds=1)[1] > 0


def test_a_cross_too_many_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = signals.trend
    monkeypatch.setattr(signals, "trend", lambda fast, slow: usual(fast, slow * (1 + 2.0**-52)))
    assert campaign(seed=1, seconds=1)[1] > 0


def test_the_campaigns_own_crosses() -> None:
    #  fast - slow    not full   0   +   0   -   -   0   +
    fast, slow = [float("nan"), 1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 2.0], [1.0] * 8
    assert list(crosses(fast, slow)) == [(4, -1), (7, 1)]
