"""Columns of numbers as a page carries them: base64 of the narrowest integers that hold them exactly, or of float64."""

import base64
from typing import Any

import numpy as np

from windrow.arrays import Floats, Ints

Packed = dict[str, Any]

_INTEGERS: dict[str, Any] = {"i1": np.int8, "i2": np.int16, "i4": np.int32}
_MOST_DIGITS = 8


def packed(values: Floats | Ints) -> Packed:
    """A column for the page: `kind`, `digits` and `base64`; NaN is the kind's least integer.

    Prices have few decimals, so that as integers of their last decimal they take a half or a quarter of the bytes.

    >>> packed(np.array([0.5, np.nan, -1.25]))
    {'kind': 'i1', 'digits': 2, 'base64': 'MoCD'}
    """
    numbers = np.asarray(values, np.float64)
    digits = decimals(numbers)
    if digits is not None:
        scaled = np.round(numbers * 10**digits)
        largest = np.nanmax(np.abs(scaled), initial=0.0)
        for kind, integer in _INTEGERS.items():
            limits = np.iinfo(integer)
            if largest <= limits.max:
                whole = np.where(np.isnan(scaled), limits.min, scaled).astype(integer)
                return {"kind": kind, "digits": digits, "base64": _base64(whole)}
    return {"kind": "f8", "digits": 0, "base64": _base64(numbers)}


def decimals(values: Floats, most: int = _MOST_DIGITS) -> int | None:
    """The decimals after which the values end, None where they are more than `most`; NaN has none.

    >>> decimals(np.array([36.6, 38.37])), decimals(np.array([1 / 3]))
    (2, None)
    """
    known = values[np.isfinite(values)]
    with np.errstate(over="ignore"):  # what is too large for decimals has none, or more than `most`
        for digits in range(most + 1):
            scale = 10.0**digits
            if (np.round(known * scale) / scale == known).all():
                return digits
    return None


def packed_times(times: Ints) -> Packed:
    """Ascending times (ns) for the page: the first, in ms since 1970, and the steps, in units of their common divisor.

    >>> packed_times(np.array([0, 86_400, 345_600]) * 10**9)["unit"]
    86400000.0
    """
    steps = np.diff(times, prepend=times[:1])
    unit = int(np.gcd.reduce(steps)) or 1
    return {"first": int(times[0]) / 1e6, "unit": unit / 1e6, "steps": packed(steps // unit)}


def _base64(array: Any) -> str:
    little = array.astype(array.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()
