"""Sums, means, deviations and extremes of windows, exact and rounded once.

A value is the shortest decimal that reads back to its float64, the one that `repr` prints: windrow/exact/decimals.py
finds it, value by value. Each result is the float64 nearest to the exact rational result over those decimals, so it
depends neither on how it is computed nor on where a block of bars begins, and 0.1 + 0.2 is 0.3.

How it stays exact: all values of a call are put on one grid 10**-places and cut into int64 limbs so short
that no window's weighted sum of them passes 2**53 (windrow/exact/limbs.py).
Prices in cents need one limb, prices with 17 digits two, a mix with a 1e15 spike three. A window's sum is
then a difference of two prefix sums, limb by limb; the prefix sums may wrap around 2**64, their difference,
being small, cannot. What remains is one division with one rounding: windrow/exact/rounding.py.

    one core, ns per window of 20 bars      sums    means   weighted means   variances
    cents                                      8       16               26          37
    8 places                                  17       18               25          90
    17 digits                                 90       90              100         180
    any digits, 1e-15..1e15                  190      190              210         490

Values are finite; other than 0 they are within 1e-15..1e15 in magnitude. Windows are half-open ranges
x[lo:hi], never empty, at most 2**20 bars long. Memory: two dozen temporaries of the length of the input.
"""

from collections.abc import Iterator, Sequence
from math import gcd

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.limbs import Limbs, limbs_of
from windrow.exact.rounding import EXACT, rounded

#: Values x windows whose means are taken together: so they stay in the cache.
_TOGETHER = 1 << 14


def sums(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """Sum of each window x[lo:hi], shape (k,).

    >>> import numpy as np
    >>> x = np.array([0.1, 0.2, 0.3, 1e12, -1e12, 0.7])
    >>> hi = np.arange(1, 7)
    >>> sums(x, np.maximum(hi - 3, 0), hi).tolist()
    [0.1, 0.3, 0.6, 1000000000000.5, 0.3, 0.7]
    """
    limbs = limbs_of(x, int((hi - lo).max(initial=1)))
    totals = [_range_sums(part, lo, hi) for part in limbs.parts]
    return rounded(totals, limbs.width, np.ones(1, np.int64), 10**limbs.places)


def means(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """Mean of each window x[lo:hi], shape (k,); a flat window's mean is its price.

    >>> import numpy as np
    >>> x = np.array([0.1, 0.2, 0.3, 0.1, 0.1, 0.1])
    >>> hi = np.arange(1, 7)
    >>> means(x, np.maximum(hi - 3, 0), hi).tolist()
    [0.1, 0.15, 0.2, 0.2, 0.16666666666666666, 0.1]
    """
    counts = _shared(hi - lo)
    limbs = limbs_of(x, int(counts.max(initial=1)))
    totals = [_range_sums(part, lo, hi) for part in limbs.parts]
    return rounded(totals, limbs.width, counts, 10**limbs.places)


def full_means(x: Floats, bars: int) -> Floats:
    """Mean of each window of `bars` values, from the first to the last: (len(x) - bars + 1,), at most len(x) of them.

    >>> import numpy as np
    >>> full_means(np.array([0.1, 0.2, 0.3, 0.1]), 3).tolist()
    [0.2, 0.2]
    """
    limbs = limbs_of(x, bars)
    prefixes = [_prefix(part) for part in limbs.parts]
    totals = [prefix[bars:] - prefix[:-bars] for prefix in prefixes]
    return rounded(totals, limbs.width, np.array([bars]), 10**limbs.places)


def trailing_means(x: Floats, windows: Sequence[int], begin: int = 0) -> Floats:
    """Mean of the last n values at each position of x from `begin` on, one row per window n, (windows, k).

    NaN where there are fewer than n. To the bit what `means` returns for each window; limbs and running sums are made
    once for all of them: for 43 windows 4 ns per mean, instead of 40.

    >>> import numpy as np
    >>> trailing_means(np.array([0.1, 0.2, 0.3, 0.1]), [1, 3], begin=1).tolist()
    [[0.2, 0.3, 0.1], [nan, 0.2, 0.2]]
    """
    result = np.empty((len(windows), len(x) - begin))
    limbs = limbs_of(x, max(windows))
    prefixes = [_prefix(part) for part in limbs.parts]
    at_once = max(_TOGETHER // max(len(x), 1), 1)
    for at in range(0, len(windows), at_once):
        _fill_means(result[at : at + at_once], windows[at : at + at_once], prefixes, limbs)
    return result


def _fill_means(rows: Floats, windows: Sequence[int], prefixes: Sequence[Ints], limbs: Limbs) -> None:
    """Sets the means of some windows, from running sums of all values, of which rows have the last ones."""
    begin = len(prefixes[0]) - rows.shape[1]  # of the running sums behind the values of rows
    totals = [np.zeros(rows.shape, np.int64) for _ in prefixes]
    for number, bars in enumerate(windows):
        end = max(begin, bars)  # of the first window that is full
        for total, prefix in zip(totals, prefixes, strict=True):
            np.subtract(prefix[end:], prefix[end - bars : -bars], out=total[number, end - begin :])
    rows[:] = rounded(totals, limbs.width, np.array(windows)[:, None], 10**limbs.places)
    for row, bars in zip(rows, windows, strict=True):
        row[: max(bars - begin, 0)] = np.nan


def weighted_means(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """Mean of each window x[lo:hi] with weights 1, 2, ... n, the newest bar heaviest, shape (k,).

    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0, 3.0])
    >>> hi = np.arange(1, 5)
    >>> weighted_means(x, np.maximum(hi - 2, 0), hi).tolist()  # (1 * 1 + 2 * 2) / 3 is the second
    [1.0, 1.6666666666666667, 2.6666666666666665, 3.0]
    """
    counts = _shared(hi - lo)
    weights = counts * (counts + 1) // 2
    limbs = limbs_of(x, int(weights.max(initial=1)))
    totals = [_weighted_sums(part, lo, hi) for part in limbs.parts]
    return rounded(totals, limbs.width, weights, 10**limbs.places)


def variances(x: Floats, lo: Ints, hi: Ints, ddof: int) -> Floats:
    """Variance of each window x[lo:hi] over n - ddof, shape (k,); NaN where n <= ddof, exactly 0 where flat.

    The numerator n * sum(x**2) - sum(x)**2 (Chan, Golub and LeVeque 1983 on why never to do this in floats)
    is assembled from the same expression for each pair of limbs, which int64 holds without rounding: what
    cancels, cancels exactly.

    >>> import numpy as np
    >>> x = np.array([0.1, 0.2, 0.3, 0.3, 0.3])
    >>> hi = np.arange(1, 6)
    >>> variances(x, np.maximum(hi - 3, 0), hi, ddof=1).tolist()
    [nan, 0.005, 0.01, 0.0033333333333333335, 0.0]
    """
    counts = hi - lo
    result = np.full(len(counts), np.nan)
    enough = counts > ddof
    lo, hi, counts = lo[enough], hi[enough], _shared(counts[enough])
    limbs = limbs_of(x, int(counts.max(initial=1)), squared=True)
    numerators = _carried(_squared_deviations(limbs.parts, lo, hi, counts), limbs.width)
    divisors = counts * (counts - ddof)
    result[enough] = rounded(numerators, limbs.width, divisors, 10 ** (2 * limbs.places))
    return result


def differences(x: Floats, y: Floats) -> Floats:
    """x - y, value by value, shape (n,).

    >>> import numpy as np
    >>> differences(np.array([10.3, 0.3, 1e15]), np.array([10.2, 0.1, 0.125])).tolist()
    [0.1, 0.2, 999999999999999.9]
    """
    limbs = limbs_of(np.concatenate([x, y]), 2)
    apart = [part[: len(x)] - part[len(x) :] for part in limbs.parts]
    return rounded(apart, limbs.width, np.ones(1, np.int64), 10**limbs.places)


def away_from_means(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """The last value of each window x[lo:hi] less the window's mean, shape (k,).

    >>> import numpy as np
    >>> away_from_means(np.array([0.1, 0.2, 0.6]), np.array([0, 0]), np.array([2, 3])).tolist()
    [0.05, 0.3]
    """
    counts = _shared(hi - lo)
    limbs = limbs_of(x, 2 * int(counts.max(initial=1)))
    totals = [counts * part[hi - 1] - _range_sums(part, lo, hi) for part in limbs.parts]
    return rounded(totals, limbs.width, counts, 10**limbs.places)


def travelled(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """How far the values of each window x[lo:hi] go, up and down, from the first to the last, shape (k,).

    >>> import numpy as np
    >>> travelled(np.array([0.1, 0.3, 0.2]), np.array([0, 1, 2]), np.array([3, 3, 3])).tolist()
    [0.3, 0.1, 0.0]
    """
    limbs = limbs_of(x, 2 * int((hi - lo).max(initial=1)))
    ways = np.sign(np.diff(x)).astype(np.int64)
    totals = [_range_sums(ways * np.diff(part), lo, hi - 1) for part in limbs.parts]
    return rounded(totals, limbs.width, np.ones(1, np.int64), 10**limbs.places)


def between(low: Floats, high: Floats, parts: Ints, whole: int) -> Floats:
    """low + (high - low) * parts / whole, value by value, shape (n,); parts are 0 to whole, (n,) or (1,).

    >>> import numpy as np
    >>> between(np.array([0.1, 0.1]), np.array([0.2, 0.4]), np.array([1, 9]), 10).tolist()
    [0.11, 0.37]
    """
    limbs = limbs_of(np.concatenate([low, high]), whole)
    totals = [part[: len(low)] * (whole - parts) + part[len(low) :] * parts for part in limbs.parts]
    return rounded(totals, limbs.width, np.ones(1, np.int64), whole * 10**limbs.places)


def hull_means(x: Floats, hi: Ints, bars: tuple[int, int, int]) -> Floats:
    """At the end of each window x[:hi]: the weighted mean, over `last` bars, of twice the weighted mean over `half`
    bars less that over `all` bars, where `bars` are (all, half, last), each with weights 1, 2, ...; shape (k,).

    Every window has all + last - 1 values or more. The integers wrap around 2**64 on the way, which the last ones, that
    are small, do not show.

    >>> import numpy as np
    >>> hull_means(np.array([1.0, 2.0, 3.0, 4.0]), np.array([4]), (2, 1, 2)).tolist()
    [4.0]
    """
    every, half, last = bars
    weights = [n * (n + 1) // 2 for n in bars]
    shared = gcd(2 * weights[0], weights[1])
    plus, minus = 2 * weights[0] // shared, weights[1] // shared
    limbs = limbs_of(x, (plus * weights[1] + minus * weights[0]) * weights[2])
    ends = np.arange(every, len(x) + 1)
    at = hi - every + 1  # of hi among these ends, one behind
    totals = []
    for part in limbs.parts:
        inner = plus * _weighted_sums(part, ends - half, ends) - minus * _weighted_sums(part, ends - every, ends)
        totals.append(_weighted_sums(inner, at - last, at))
    divisor = weights[0] * weights[1] // shared * weights[2]
    return rounded(totals, limbs.width, np.ones(1, np.int64), divisor * 10**limbs.places)


def minima(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """Smallest value of each window x[lo:hi], shape (k,), in log2(longest window) passes.

    >>> import numpy as np
    >>> hi = np.arange(1, 6)
    >>> minima(np.array([3.0, 1.0, 4.0, 1.0, 5.0]), np.maximum(hi - 2, 0), hi).tolist()
    [3.0, 1.0, 1.0, 1.0, 1.0]
    """
    return -maxima(-x, lo, hi) + 0.0  # + 0.0 turns -0.0 into 0.0


def maxima(x: Floats, lo: Ints, hi: Ints) -> Floats:
    """Largest value of each window x[lo:hi], shape (k,), in log2(longest window) passes.

    >>> import numpy as np
    >>> hi = np.arange(1, 6)
    >>> maxima(np.array([3.0, 1.0, 4.0, 1.0, 5.0]), np.maximum(hi - 2, 0), hi).tolist()
    [3.0, 3.0, 4.0, 4.0, 5.0]
    """
    result = np.empty(len(lo))
    # Two spans of 2**level bars cover a window of 2**level to 2**(level + 1) - 1: a sparse table, one level
    # at a time.
    levels = np.frexp((hi - lo).astype(np.float64))[1] - 1
    spans = x + 0.0
    for level in range(int(levels.max(initial=-1)) + 1):
        if level:
            half = 1 << level - 1
            spans = np.maximum(spans[:-half], spans[half:])
        here = np.flatnonzero(levels == level)
        result[here] = np.maximum(spans[lo[here]], spans[hi[here] - (1 << level)])
    return result


def _shared(counts: Ints) -> Ints:
    """The count shared by all windows as shape (1,), which saves array passes, or the counts as they are."""
    return counts[:1] if len(counts) and counts.min() == counts.max() else counts


def _prefix(parts: Ints) -> Ints:
    prefix = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(parts, out=prefix[1:])
    return prefix


def _range_sums(parts: Ints, lo: Ints, hi: Ints) -> Ints:
    prefix = _prefix(parts)
    return prefix.take(hi) - prefix.take(lo)


def _weighted_sums(parts: Ints, lo: Ints, hi: Ints) -> Ints:
    """Sum of (j - lo + 1) * part[j] over each window."""
    ranked = _range_sums(parts * np.arange(1, len(parts) + 1), lo, hi)
    return ranked - lo * _range_sums(parts, lo, hi)


def _squared_deviations(parts: list[Ints], lo: Ints, hi: Ints, counts: Ints) -> list[Ints]:
    """Limbs of n * sum(x**2) - sum(x)**2, most significant first, not yet carried."""
    totals = [_range_sums(part, lo, hi) for part in parts]
    result = [np.zeros(len(lo), np.int64) for _ in range(2 * len(parts) - 1)]
    for i, j, factor in _pairs(len(parts)):
        product = counts * _range_sums(parts[i] * parts[j], lo, hi) - totals[i] * totals[j]
        result[i + j] += factor * product
    return result


def _pairs(n: int) -> Iterator[tuple[int, int, int]]:
    """Each unordered pair of n limbs once, and how often it occurs in a square."""
    return ((i, j, 1 if i == j else 2) for i in range(n) for j in range(i, n))


def _carried(limbs: list[Ints], width: int) -> list[Ints]:
    """The same totals with every limb short enough for a float64, unless a single one already is."""
    if len(limbs) == 1 and np.abs(limbs[0]).max(initial=0) < EXACT:
        return limbs
    carry = np.zeros_like(limbs[0])
    carried: list[Ints] = []
    for limb in reversed(limbs):
        total = limb + carry
        carry = total >> width
        carried.append(total - (carry << width))
    return [carry, *reversed(carried)]
