"""Sinks: where results go.

lines.py     results -> lines of text, SYMBOL <tab> TIMESTAMP <tab> value...
parquet.py   results -> a Parquet file of the same columns
part.py      a file that a task writes itself, there whole or not at all, however often the task is run
publish.py   parts that appear together, by one rename, or not at all
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from sort_keys.merge import Stretch

#: Takes lines for the bars at an index of a stretch, and the columns of their values (NaN: no value).
Write = Callable[[Stretch, npt.NDArray[np.int64], Sequence[npt.NDArray[np.float64]]], None]
