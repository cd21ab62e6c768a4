"""Series for tests of indicators: what prices do, and what they should never do."""

import numpy as np
from hypothesis import strategies as st

from windrow.windows import Options, parse_indicator

#: Cents, with ties and zeros; 17 digits; and anything that a bar may hold.
prices = st.one_of(
    st.lists(st.integers(0, 2000).map(lambda cents: cents / 100), min_size=1, max_size=60),
    st.lists(st.sampled_from([1.0, 1.5, 2.0]), min_size=1, max_size=60),
    st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=60),
    st.lists(st.floats(1e-15, 1e15) | st.just(0.0) | st.floats(-1e15, -1e-15), min_size=1, max_size=60),
)


def walk(seed, bars=400):
    """A random walk in cents."""
    return np.round(50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, bars))), 2)


def run(text, *columns, times=None, **options):
    """The values of one symbol's bars, a nanosecond apart if no times are given."""
    times = np.arange(len(columns[0])) if times is None else np.array(times, np.int64)
    kernel = parse_indicator(text).kernel(Options(**options))
    values = (np.array(column, np.float64) for column in columns)
    return kernel.push(times, *values, starts=np.zeros(1, np.int64))


def close_to(ours, theirs, scale, most=1e-12):
    """Asserts that values are where they should be, and within `most` of the scale of each."""
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    known = ~np.isnan(ours)
    assert (np.abs(ours - theirs)[known] <= most * np.broadcast_to(scale, ours.shape)[known]).all()


def largest_so_far(values):
    """The largest magnitude up to each value."""
    return np.maximum.accumulate(np.abs(np.asarray(values, np.float64)))
