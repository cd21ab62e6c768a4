"""Names of array types, and Arrow to numpy without copying."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]
Signs: TypeAlias = NDArray[np.int8]


def as_float64(array: Any) -> Floats:
    """An arrow float64 array without nulls as numpy's, without a copy."""
    # Not array.to_numpy(): its first call imports pandas, a quarter of a second in every task.
    return np.frombuffer(array.buffers()[1], np.float64, len(array), array.offset * 8) if len(array) else np.empty(0)


def as_int64(array: Any) -> Ints:
    """An arrow int64 array without nulls as numpy's, without a copy."""
    if not len(array):
        return np.empty(0, np.int64)
    return np.frombuffer(array.buffers()[1], np.int64, len(array), array.offset * 8)


def as_bool(array: Any) -> Mask:
    """An arrow boolean array without nulls as numpy's."""
    bits = np.frombuffer(array.buffers()[1], np.uint8) if len(array) else np.empty(0, np.uint8)
    return np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)].astype(bool)


def run_starts(numbers: NDArray[Any]) -> Ints:
    """Where each run of equal numbers begins.

    >>> run_starts(np.array([4, 4, 7, 4])).tolist()
    [0, 2, 3]
    """
    begins = np.empty(len(numbers), bool)
    begins[:1] = True
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    return begins.nonzero()[0]  # of few numbers ten times as fast as np.diff


def distinct(numbers: NDArray[Any]) -> NDArray[Any]:
    """The distinct numbers among these, ascending.

    >>> distinct(np.array([4, 7, 4])).tolist()
    [4, 7]
    """
    ordered = np.sort(numbers)  # np.unique would import numpy.ma, a fiftieth of a task's start
    return ordered[run_starts(ordered)]


def taken_at(values: NDArray[Any], index: Ints) -> NDArray[Any]:
    """The values at strictly ascending positions; a view of them where the positions follow each other.

    >>> [taken_at(np.array([5, 6, 7]), np.array(index)).tolist() for index in ([1, 2], [0, 2])]
    [[6, 7], [5, 7]]
    """
    if len(index) and index[-1] - index[0] == len(index) - 1:
        return values[index[0] : index[-1] + 1]
    return values[index]
