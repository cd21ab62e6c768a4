"""Records of arrays in a file, one after another: shares of training rows, what is held out, states between rounds.

A record is a line of JSON, which names its arrays with their kinds and shapes, and then the arrays' bytes. Nothing in
it is executed when it is read. Memory: one record.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from windrow.errors import InputError
from windrow.learn.training import Adam, Series

#: Kinds of arrays that records have.
_KINDS = ("<f4", "<f8", "<i4", "<i8", "<u4")


def write_record(file: BinaryIO, told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Appends a record.

    >>> from io import BytesIO
    >>> file = BytesIO()
    >>> write_record(file, {"symbol": "AA"}, {"rows": np.array([[1.5], [2.0]], np.float32)})
    >>> [(told, arrays["rows"].tolist()) for told, arrays in read_records(BytesIO(file.getvalue()))]
    [({'symbol': 'AA'}, [[1.5], [2.0]])]
    """
    shapes = [[name, np.asarray(one).dtype.newbyteorder("<").str, np.shape(one)] for name, one in arrays.items()]
    file.write(json.dumps([told, shapes]).encode() + b"\n")
    for (_, kind, _), one in zip(shapes, arrays.values(), strict=True):
        file.write(np.asarray(one, np.dtype(str(kind))).tobytes())


def read_records(file: BinaryIO) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
    """The records of a file. Raises InputError for a damaged one."""
    while line := file.readline():
        try:
            told, shapes = json.loads(line)
            arrays = {name: _array(file, kind, tuple(shape)) for name, kind, shape in shapes}
        except (ValueError, TypeError) as error:
            raise InputError(f"rows between two steps: are damaged ({error}); run the job again") from None
        yield told, arrays


def _array(file: BinaryIO, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r}")
    read = file.read(int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize)
    return np.frombuffer(read, kind).reshape(shape)


def write_share(file: BinaryIO, symbol: str, series: Series, length: int) -> None:
    """Appends a symbol's part of a share: the rows from its first sequence to the last one's target; none of none."""
    if len(series.starts):
        begin = int(series.starts[0])
        rows = slice(begin, int(series.starts[-1]) + length + 1)
        arrays: dict[str, NDArray[Any]] = {
            "rows": series.rows[rows],
            "targets": series.targets[rows],
            "starts": series.starts - begin,
        }
        write_record(file, {"symbol": symbol}, arrays)


def read_share(files: Iterable[BinaryIO]) -> Series:
    """The rows of all symbols in some files, in the order of the symbols, whichever file each is in.

    Memory: all of them, as float32. Raises InputError if there are none.
    """
    found = [(told["symbol"], arrays) for file in files for told, arrays in read_records(file)]
    found.sort(key=lambda one: str(one[0]).encode())
    parts = [arrays for _, arrays in found]
    if not parts:
        raise InputError("a share of the training rows: has no sequence, and each needs one; give fewer --shares")
    begins = np.cumsum([0, *(len(part["rows"]) for part in parts[:-1])])
    starts = [part["starts"] + begin for part, begin in zip(parts, begins, strict=True)]
    rows, targets = (np.concatenate([part[name] for part in parts]) for name in ("rows", "targets"))
    return Series(rows, targets, np.concatenate(starts))


def write_state(file: BinaryIO, told: Mapping[str, Any], state: Adam) -> None:
    """Appends a state, and what is told of it."""
    groups = {"w": state.weights, "m": state.first, "v": state.second}
    arrays = {f"{group}/{name}": array for group, part in groups.items() for name, array in part.items()}
    write_record(file, told, arrays | {"steps": np.asarray(state.steps)})


def read_state(file: BinaryIO) -> tuple[dict[str, Any], Adam]:
    """What `write_state` wrote."""
    told, arrays = next(read_records(file))

    def part(group: str) -> dict[str, NDArray[Any]]:
        return {name[2:]: array for name, array in arrays.items() if name.startswith(f"{group}/")}

    return told, Adam(part("w"), part("m"), part("v"), np.float32(arrays["steps"]))
