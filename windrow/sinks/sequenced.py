r"""Sequences of bars -> Parquet files or numpy's, for tools that train; figures of them -> lines of text.

    figures    part-NNNNN: SYMBOL <tab> JSON object
    parquet    part-NNNNN-train.parquet, part-NNNNN-test.parquet: symbol, timestamp (of the bar that follows), a column
               for each input, a list of `length` float64 in order of time, and target, a float64
    npy        part-NNNNN-train-inputs.npy (n, length, inputs) and -targets.npy (n,), float64; -times.npy (n,),
               datetime64[ns], of the bars that follow; -symbols.npy (n,), int32: the number, from 0, of the symbol's
               line in part-NNNNN; and the same of test

Rows are in order of symbol and time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.learn.sequences import Windows
from windrow.learn.sequencing import OF_DAYS, PARTS, Plan, sequenced
from windrow.storage.part import own_part

#: Ends of the names of parts with sequences.
SEQUENCES = (*(f"-{part}.parquet" for part in PARTS), ".npy")
#: What they may be written as.
KINDS = ("parquet", "npy")
#: Values of inputs in a row group, to within a row; not where pieces end, so that these change no byte.
_GROUP = 1 << 20
#: Bytes of the header of a file of numpy's: more than its text has with any number of rows.
_HEADER = 256


class Writer(Protocol):
    """Writes sequences of one part."""

    def add(self, symbol: bytes, number: int, windows: Windows) -> None:
        """Writes sequences of a symbol, which is the number-th."""
        ...

    def close(self) -> None:
        """Writes what is left."""
        ...


def sequence_lines(
    bars: Iterable[tuple[Stretch, list[Any]]],
    plan: Plan,
    kind: str | None,
    names: Sequence[str],
    dated: bool,
    count: Callable[[Counter[str]], object],
) -> Iterator[bytes]:
    """A line of figures for each symbol; its sequences go to parts of a kind, if one is given.

    names: of the inputs. `count` gets, at the end, how many sequences and symbols of some kinds there are.
    """
    counts, number = Counter[str](), 0
    with ExitStack() as opened:
        writers = {part: _writer(opened, kind, part, plan, names, dated) for part in PARTS if kind is not None}

        def take(symbol: bytes, part: str, windows: Windows) -> None:
            if writers:
                writers[part].add(symbol, number, windows)

        for symbol, figures, of_days in sequenced(bars, plan, take):
            yield symbol + b"\t" + orjson.dumps(figures) + b"\n"
            number += 1
            counts["sequences"] += figures["sequences"]
            counts.update({part: figures[part] for part in PARTS})
            counts["without sequences"] += not figures["sequences"]
            counts[OF_DAYS] += of_days
        for writer in writers.values():
            writer.close()
    count(counts)


def _writer(opened: ExitStack, kind: str, part: str, plan: Plan, names: Sequence[str], dated: bool) -> Writer:
    if kind == "parquet":
        return _Parquet(opened, part, plan, names, dated)
    shapes = {"inputs": (plan.length, plan.inputs), "targets": (), "times": (), "symbols": ()}
    files = {
        name: _Npy(opened.enter_context(own_part(f"-{part}-{name}.npy")), _TYPES[name], shape)
        for name, shape in shapes.items()
    }
    return _Npys(files, plan)


_TYPES = {"inputs": "<f8", "targets": "<f8", "times": "<M8[ns]", "symbols": "<i4"}


class _Parquet:
    """A file of Parquet, a row group at a time."""

    def __init__(self, opened: ExitStack, part: str, plan: Plan, names: Sequence[str], dated: bool) -> None:
        values = pa.list_(pa.float64(), plan.length)
        time = pa.date32() if dated else pa.timestamp("ns", "UTC")
        fields = [("symbol", pa.string()), ("timestamp", time), *((name, values) for name in names)]
        self._schema = pa.schema([*fields, ("target", pa.float64())])
        self._plan, self._dated = plan, dated
        self._held, self._rows = list[pa.RecordBatch](), 0
        self._group = max(1, _GROUP // (plan.length * plan.inputs))
        file = opened.enter_context(own_part(f"-{part}.parquet"))
        writer = pq.ParquetWriter(file, self._schema, compression="zstd", write_page_checksum=True)
        self._writer = opened.enter_context(writer)

    def add(self, symbol: bytes, number: int, windows: Windows) -> None:
        """Holds the rows until they are enough for a group."""
        if not len(windows.first):
            return
        days = windows.times.view("M8[ns]")
        lists = [
            pa.FixedSizeListArray.from_arrays(
                pa.array(np.ascontiguousarray(windows.inputs[:, :, column]).ravel()), self._plan.length
            )
            for column in range(self._plan.inputs)
        ]
        columns = [
            pa.array([decode_symbol(symbol)] * len(days), pa.string()),
            pa.array(days.astype("M8[D]") if self._dated else days).cast(self._schema.field("timestamp").type),
            *lists,
            pa.array(np.ascontiguousarray(windows.targets[:, self._plan.target])),
        ]
        self._held.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._rows += len(days)
        if self._rows >= self._group:
            self._write(self._rows // self._group * self._group)

    def close(self) -> None:
        """Writes the last group."""
        if self._rows:
            self._write(self._rows)

    def _write(self, rows: int) -> None:
        held = pa.Table.from_batches(self._held).combine_chunks()
        for at in range(0, rows, self._group):
            self._writer.write_table(held.slice(at, min(self._group, rows - at)), self._group)
        self._held, self._rows = held.slice(rows).to_batches(), self._rows - rows


class _Npys:
    """Files of numpy's, side by side."""

    def __init__(self, files: dict[str, "_Npy"], plan: Plan) -> None:
        self._files, self._plan = files, plan

    def add(self, symbol: bytes, number: int, windows: Windows) -> None:
        """Writes the rows."""
        self._files["inputs"].add(windows.inputs[:, :, : self._plan.inputs])
        self._files["targets"].add(windows.targets[:, self._plan.target])
        self._files["times"].add(windows.times.view("M8[ns]"))
        self._files["symbols"].add(np.full(len(windows.first), number))

    def close(self) -> None:
        """Writes the numbers of rows."""
        for file in self._files.values():
            file.close()


class _Npy:
    """A file of numpy's (version 1.0 of its format), whose number of rows is written at the end, where it is known."""

    def __init__(self, file: BinaryIO, kind: str, shape: tuple[int, ...]) -> None:
        self._file, self._kind, self._shape, self._rows = file, kind, shape, 0
        file.write(self._header())

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Writes rows."""
        self._rows += len(rows)
        self._file.write(np.ascontiguousarray(rows, self._kind).tobytes())

    def close(self) -> None:
        """Puts the number of rows into the header."""
        self._file.seek(0)
        self._file.write(self._header())

    def _header(self) -> bytes:
        told = {"descr": self._kind, "fortran_order": False, "shape": (self._rows, *self._shape)}
        size = _HEADER - 10
        return b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + repr(told).encode().ljust(size - 1) + b"\n"
