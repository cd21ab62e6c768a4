"""Drawdowns of values: how far each is below the highest so far, and the deepest of them."""

from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats

#: Shallower ones are rounding.
_LEAST = 1e-9


class Fall(NamedTuple):
    """A drawdown: its depth as a fraction, and bars: the last at the peak, the lowest, and the first that is at the
    peak again, None where none is.
    """

    depth: float
    peak: int
    lowest: int
    recovered: int | None


def drawdown(values: Floats, cash: float = np.nan) -> Floats:
    """How far values are below their highest so far, which begins at the cash, in % of it; NaN where there is no value.

    NaN throughout where the first peak is 0 or below, as there is then nothing to fall from.

    >>> drawdown(np.array([100.0, 125.0, 100.0]))
    array([ 0.,  0., 20.])
    """
    peaks = np.fmax(np.fmax.accumulate(values), cash)
    if np.nanmin(peaks, initial=np.inf) <= 0:
        return np.full_like(values, np.nan)
    return 100 * (peaks - values) / peaks


def deepest(values: Floats, cash: float = np.nan, most: int = 5) -> list[Fall]:
    """The deepest drawdowns, the first of them first; of equally deep ones the earlier. Values have no gaps.

    >>> deepest(np.array([100.0, 90.0, 100.0, 120.0, 60.0, 90.0]))
    [Fall(depth=0.5, peak=3, lowest=4, recovered=None), Fall(depth=0.1, peak=0, lowest=1, recovered=2)]
    """
    depths = drawdown(values, cash) / 100
    below = depths > _LEAST
    before = np.append(False, below)[:-1]
    starts, ends = np.flatnonzero(below & ~before), np.flatnonzero(before & ~below)
    if not len(starts):
        return []
    ranked = np.argsort(-np.maximum.reduceat(depths, starts), kind="stable")[:most]
    return [_fall(depths, int(starts[at]), int(ends[at]) if at < len(ends) else None) for at in ranked]


def _fall(depths: Floats, start: int, end: int | None) -> Fall:
    lowest = start + int(np.argmax(depths[start:end]))
    return Fall(float(depths[lowest]), max(start - 1, 0), lowest, end)
