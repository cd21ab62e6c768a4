"""Results -> a Parquet file: symbol, timestamp, and a column of float64 for each named value.

Symbols are plain text here: what is percent-encoded in lines is decoded. A timestamp is a date where the times of the
run are dates, otherwise a time of microseconds in UTC: Spark reads no others. Times of nanoseconds are written on
request; no time is rounded. A column that has no value yet is null.

The cost of writing 2.4 million lines of minute bars on one core, sma:20 of cents, and of an ema in brackets:

                                       ns per line    bytes per line
    text                               350 (310)       44   (44)
    plain                               32              8.2
    snappy                              45  (30)        4.0 (8.0)
    zstd                                65  (45)        3.0 (7.2)
    snappy, times not delta-encoded     57             11.0
    zstd, values by dictionary          86              4.8

Hence snappy: every reader supports it, reading is as fast as writing, and compared with text the last quarter of the
size matters little. Row groups of 32,768 to 1,048,576 lines cost the same; 131,072 keep few lines in memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints
from windrow.errors import OutputError
from windrow.sinks import Write
from windrow.times import format_times

#: Lines from which a row group is written; it never has more than twice as many.
_ROWS = 1 << 17


@contextmanager
def parquet_sink(file: BinaryIO, names: Sequence[str], dated: bool, nanoseconds: bool = False) -> Iterator[Write]:
    """Writes results into a file, which is complete when the `with` block has ended. Memory: one row group.

    Raises OutputError for a time whose nanoseconds would be lost.

    >>> file = pa.BufferOutputStream()
    >>> bars = Stretch([b"a%09b"], np.array([0]), False, np.array([0, 86_400 * 10**9]), [])
    >>> with parquet_sink(file, ["sma:2", "ema:3"], dated=True) as write:
    ...     write(bars, np.array([1]), [np.array([0.1]), np.array([np.nan])])
    >>> pq.read_table(pa.BufferReader(file.getvalue())).to_pylist()
    [{'symbol': 'a\\tb', 'timestamp': datetime.date(1970, 1, 2), 'sma:2': 0.1, 'ema:3': None}]
    """
    group = _RowGroup(names, pa.date32() if dated else pa.timestamp("ns" if nanoseconds else "us", "UTC"))
    with pq.ParquetWriter(
        file,
        group.schema,
        compression="snappy",
        use_dictionary=["symbol"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        write_page_checksum=True,
    ) as writer:

        def write(stretch: Stretch, index: Ints, columns: Sequence[Floats]) -> None:
            group.add(stretch, index, columns)
            if group.rows >= _ROWS:
                writer.write_batch(group.taken(), 2 * _ROWS)

        yield write
        if group.rows:
            writer.write_batch(group.taken(), 2 * _ROWS)


class _RowGroup:
    """Lines that wait until they are enough for a row group."""

    def __init__(self, names: Sequence[str], time: pa.DataType) -> None:
        fields = [("symbol", pa.dictionary(pa.int32(), pa.string())), ("timestamp", time)]
        self.schema = pa.schema([*fields, *((name, pa.float64()) for name in names)])
        self._time = time
        self.rows = 0
        self._numbers: dict[bytes, int] = {}
        self._pieces: list[list[npt.NDArray[np.generic]]] = []

    def add(self, stretch: Stretch, index: Ints, columns: Sequence[Floats]) -> None:
        """Adds lines for the bars at `index` of a stretch; `columns` hold their values."""
        if not len(index):
            return
        counts = np.diff(np.searchsorted(index, stretch.starts), append=len(index))
        owners = compress(stretch.symbols, counts)
        numbers = np.array([self._numbers.setdefault(owner, len(self._numbers)) for owner in owners], np.int32)
        self._pieces.append([np.repeat(numbers, counts[counts > 0]), stretch.times[index], *columns])
        self.rows += len(index)

    def taken(self) -> pa.RecordBatch:
        """The lines that waited; none are left."""
        numbers, times, *values = map(np.concatenate, zip(*self._pieces, strict=True))
        arrays = [
            pa.DictionaryArray.from_arrays(_array(pa.int32(), numbers), _texts(map(decode_symbol, self._numbers))),
            self._moments(numbers, times),
            *(_array(pa.float64(), column) for column in values),
        ]
        self.rows, self._numbers, self._pieces = 0, {}, []
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _moments(self, numbers: npt.NDArray[np.int32], times: Ints) -> pa.Array:
        """Times (ns) in the type of the column; `numbers` are those of their symbols, for errors."""
        try:
            return _array(pa.timestamp("ns", "UTC"), times).cast(self._time)
        except pa.ArrowInvalid:  # it would lose nanoseconds
            at = int(np.argmax(times % 1000 != 0))
            raise _too_fine(list(self._numbers)[numbers[at]], times[at : at + 1]) from None


def _too_fine(symbol: bytes, time: Ints) -> OutputError:
    return OutputError(
        f"{decode_symbol(symbol)} at {format_times(time, dates=False)[0].decode()}: it has nanoseconds:"
        " --output-format parquet holds microseconds, because Spark reads no others; use parquet-ns, or text"
    )


# pa.array would import pandas, a quarter of a second in every task.


def _texts(texts: Iterable[str]) -> pa.Array:
    """An arrow array of texts."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(encoded), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])


def _array(kind: pa.DataType, values: npt.NDArray[np.generic]) -> pa.Array:
    """An arrow array of numpy values, without a copy; NaN is null."""
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, bool)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])
