"""Forecasts that any network must beat: the last value, the last value and the mean change, and ridge regression.

The last value needs no function: its change is 0.
"""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.learn.training import Rows

#: Sequences that are written out at a time.
_SOME = 4096
#: What ridge regression adds to the diagonal, for each sequence.
PENALTY = 0.01


def drift(changes: Floats) -> float:
    """The mean change of a training part, which a random walk with drift goes on with; 0 of none.

    >>> drift(np.array([1.0, 3.0]))
    2.0
    """
    return float(changes.mean()) if len(changes) else 0.0


def ridge(rows: Rows, targets: Floats, starts: Ints, length: int) -> Floats:
    """Coefficients (length x features + 1) of ridge regression of the targets on the whole sequence before each.

    They minimise the sum of squared errors and PENALTY x n times the sum of their squares, the constant's included.
    Memory: 4,096 sequences as float64.
    """
    size = length * rows.shape[1] + 1
    square, product = PENALTY * max(1, len(starts)) * np.eye(size), np.zeros(size)
    for begin in range(0, len(starts), _SOME):
        some = starts[begin : begin + _SOME]
        written = _written(rows, some, length)
        square += written.T @ written
        product += written.T @ targets[some + length]
    return np.asarray(np.linalg.solve(square, product), np.float64)


def ridge_forecasts(coefficients: Floats, rows: Rows, starts: Ints, length: int) -> Floats:
    """The forecasts of `ridge` for the sequences that begin at `starts`."""
    parts = [starts[begin : begin + _SOME] for begin in range(0, len(starts), _SOME)]
    return np.concatenate([np.empty(0), *(_written(rows, part, length) @ coefficients for part in parts)])


def _written(rows: Rows, starts: Ints, length: int) -> Floats:
    sequences = rows[starts[:, None] + np.arange(length)].reshape(len(starts), -1)
    return np.concatenate([sequences, np.ones((len(starts), 1))], axis=1, dtype=np.float64)
