"""Results -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> value...`.

A float is written in the shortest form that reads back to the same float64; a column that has no value yet is an empty
field. Symbols stay percent-encoded (sort_keys/keys.py), so a line has as many tabs as it has columns, whatever a symbol
holds.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from sort_keys.merge import Stretch
from windrow.sinks import Write
from windrow.times import format_times

#: Lines formatted at once; more would only take more memory.
_BATCH = 16_384


def line_sink(stream: BinaryIO, dated: bool) -> Write:
    """Writes what it is given to a stream, as lines."""

    def write(stretch: Stretch, index: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]]) -> None:
        for lines in format_lines(stretch, index, columns, dated):
            stream.write(lines)

    return write


def format_lines(
    stretch: Stretch, index: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]], dated: bool
) -> Iterator[bytes]:
    r"""Lines, some thousands at a time, for the bars at `index` of a stretch; `columns` hold their values.

    >>> bars = Stretch([b"AA"], np.array([0]), False, np.array([0, 86_400 * 10**9]), [])
    >>> b"".join(format_lines(bars, np.array([1]), [np.array([0.1]), np.array([np.nan])], dated=True))
    b'AA\t1970-01-02\t0.1\t\n'
    """
    owners = np.searchsorted(stretch.starts, index, side="right") - 1
    for at in range(0, len(index), _BATCH):
        batch = slice(at, at + _BATCH)
        fields = [
            [stretch.symbols[owner] for owner in owners[batch].tolist()],
            format_times(stretch.times[index[batch]], dated),
            *(_format_floats(column[batch]) for column in columns),
        ]
        yield b"\n".join(map(b"\t".join, zip(*fields, strict=True))) + b"\n"


def _format_floats(values: npt.NDArray[np.float64]) -> list[bytes]:
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[1:-1].replace(b"null", b"").split(b",")
