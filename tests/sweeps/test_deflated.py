"""The deflated Sharpe ratio: the paper's figures, its properties, and where it is undefined."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.sweeps.deflated import NO_DAYS, NOT_ABOVE_0, Returns, Shapes, Tries, expected_best

#: Bailey and Lopez de Prado (2014), "A numerical example": a Sharpe ratio of 2.5 a year from 5 years of 250 daily
#: returns with skewness -3 and kurtosis 10, the best of 100 tries whose ratios, of a year, have variance 1/2.
YEAR = 250
PAPER = Returns(5 * YEAR, 2.5 / sqrt(YEAR), -3.0, 10.0)


def spread(tries, variance=0.5 / YEAR):
    """So many Sharpe ratios of that variance (over n - 1)."""
    apart = sqrt(variance * (tries - 1) / tries)
    return [apart, -apart] * (tries // 2)


def test_the_papers_numerical_example():
    assert expected_best(0.5 / YEAR, 100) == pytest.approx(0.1132, abs=5e-5)
    assert Tries(spread(100)).deflated_sharpe(PAPER)[0] == pytest.approx(0.9004, abs=5e-5)
    assert Tries(spread(46)).deflated_sharpe(PAPER)[0] == pytest.approx(0.9505, abs=5e-5)
    normal = Returns(PAPER.days, PAPER.sharpe, 0.0, 3.0)
    assert Tries(spread(88)).deflated_sharpe(normal)[0] == pytest.approx(0.9505, abs=5e-5)


def test_of_a_single_try_it_is_the_probabilistic_sharpe_ratio_against_0():
    normal = Returns(101, 0.1, 0.0, 3.0)
    assert Tries([0.1]).deflated_sharpe(normal)[0] == pytest.approx(0.84074, abs=1e-5)  # P(0.1 x 10 / sqrt(1 + 0.005))
    assert expected_best(1.0, 1) == 0.0


@given(tries=st.integers(2, 10**6))
def test_more_tries_make_a_higher_hurdle(tries):
    assert 0 < expected_best(1.0, tries) < expected_best(1.0, tries + 1 + tries // 10)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=30), st.randoms())
def test_the_order_of_tries_does_not_matter(sharpes, random):
    mixed = list(sharpes)
    random.shuffle(mixed)
    assert Tries(mixed).deflated_sharpe(PAPER) == Tries(sharpes).deflated_sharpe(PAPER)


def test_a_pair_that_never_trades_counts_as_a_try():
    assert Tries([*spread(46), *[None] * 54]).deflated_sharpe(PAPER)[0] < Tries(spread(46)).deflated_sharpe(PAPER)[0]
    # The spread over 46 of them, the hurdle of 100.
    assert Tries([*spread(46), *[None] * 54]).deflated_sharpe(PAPER)[0] == pytest.approx(0.9004, abs=5e-5)


@pytest.mark.parametrize(("best", "sharpes", "why"), [
    (Returns(100), [None, None], "its returns have no deviation"),
    (Returns(100, why=NOT_ABOVE_0), [None, 0.1], "its value was 0 or below before the last bar"),
    (Returns(1, 0.5, 0.0, 3.0), [0.5, 0.1], "it takes 2 returns or more"),
    (Returns(100, 0.5, 0.0, 3.0), [0.5, None], "fewer than 2 pairs have returns with a deviation"),
    (Returns(100, 2.0, 3.0, 3.0), [2.0, 0.1], "the spread of its Sharpe ratio is not above 0"),
])  # fmt: skip
def test_it_is_undefined_with_a_reason(best, sharpes, why):
    assert Tries(sharpes).deflated_sharpe(best) == (None, why)


@pytest.mark.parametrize("days", [0, 1, 100])
@pytest.mark.parametrize("few", [False, True])
def test_those_of_many_are_those_of_each(days, few):
    nan = np.nan
    sharpes = np.array([0.5, nan, nan, 2.0, 0.1, -0.3])
    if few:
        sharpes[1:] = nan
    gone = np.array([False, True, False, False, False, False])
    shapes = Shapes(days, sharpes, np.array([0, 0, 0, 3.0, -1.0, 0.5]), np.array([3, 3, nan, 3.0, 5.0, 2.0]), gone)
    tries = Tries(sharpes)
    found, whys = tries.deflated_sharpes(shapes)
    for run, value in enumerate(found.tolist()):
        its, why = tries.deflated_sharpe(shapes.one(run))
        assert (None if np.isnan(value) else value) == its and whys.get(run, "") == why
    assert whys[1] == NOT_ABOVE_0
    assert whys[2] == ("its returns have no deviation" if days else NO_DAYS)
    assert tries.deflated_sharpe(shapes.one(0)) == Tries(list(sharpes)).deflated_sharpe(shapes.one(0))
    assert (whys.keys() == {1, 2, 3}) is (days == 100 and not few)
