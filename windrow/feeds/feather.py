"""Arrow's own files, Feather among them -> parsed bars, by the rules of Parquet.

A file goes to one mapper: its batches may have any size. Memory: a batch of the required columns.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pyarrow as pa

from windrow.bars.adjusted import adjusted
from windrow.bars.columns import Bars, Layout, check_one_kind_of_time
from windrow.errors import InputError
from windrow.feeds.parquet import (
    ROWS,
    SAMPLED,
    index_of_times,
    parse_columns,
    parse_wide_columns,
    shown,
    texts_of_times,
)
from windrow.storage.open import opened

_FILE, _OLD = b"ARROW1", b"FEA1"
#: How a stream ends: a message of no length.
_END = b"\xff\xff\xff\xff\0\0\0\0"


def column_names(path: str) -> list[str]:
    """The names of a file's columns, unchanged; InputError if it cannot be read."""
    with _reader(path) as (schema, _):
        return list(schema.names)


def time_index(path: str) -> str | None:
    """The column that pandas keeps as the index, if that is one of times."""
    with _reader(path) as (schema, _):
        return index_of_times(schema)


def count_rows(path: str) -> int:
    """How many rows a file has."""
    with _reader(path, [0]) as (_, batches):
        return sum(len(batch) for batch in batches)


def first_rows(path: str, count: int) -> list[list[Any]]:
    """The first rows of a file, all columns."""
    with _reader(path) as (_, batches):
        batch = next(batches, None)
    return (
        [] if batch is None else [[shown(column[row]) for column in batch.columns] for row in range(len(batch[:count]))]
    )


def sampled_times(path: str, layout: Layout) -> tuple[list[str], bool] | None:
    """Times, as text, from the first rows of each batch, and whether they are numbers; None where their type tells."""
    needed = [name for name in (layout.time, layout.time_of_day) if name is not None]
    at = {name: layout.names.index(name) for name in needed}
    order = sorted(at.values())
    with _reader(path, order) as (_, batches):
        firsts = (batch[:SAMPLED] for batch in islice(batches, SAMPLED))
        columns = ({name: batch.column(order.index(place)) for name, place in at.items()} for batch in firsts)
        return texts_of_times(columns, layout, path)


def read_feather(path: str, layout: Layout, keep_texts: bool = False) -> Iterator[Bars]:
    """The bars of a file."""
    places = _places_of_wide(layout) if layout.wide else [layout.names.index(name) for name in layout.read]
    order, rows = sorted(set(places)), ROWS // (len(layout.wide) or 1) or 1
    with _reader(path, order) as (_, batches):
        for whole in batches:
            for begin in range(0, len(whole), rows):
                batch = whole[begin : begin + rows]
                columns = {place: batch.column(order.index(place)) for place in places}
                bars = adjusted(_parse(columns, layout, path, keep_texts), layout)
                check_one_kind_of_time(bars, layout, path)
                yield bars


def _parse(columns: dict[int, Any], layout: Layout, path: str, keep_texts: bool) -> Bars:
    if layout.wide:
        return parse_wide_columns(columns, layout, path, keep_texts)
    return parse_columns({layout.names[place]: one for place, one in columns.items()}, layout, path, keep_texts)


def _places_of_wide(layout: Layout) -> list[int]:
    from windrow.bars.wide import places_of_times

    return [*places_of_times(layout), *(place for _, its in layout.wide for place in its)]


@contextmanager
def _reader(path: str, columns: Sequence[int] | None = None) -> Iterator[tuple[Any, Iterator[Any]]]:
    """The schema of a file, and its batches with these columns, by number."""
    options = pa.ipc.IpcReadOptions(included_fields=columns, use_threads=False)
    with opened(path) as file:
        head = file.read(len(_FILE))
        if head.startswith(_OLD):
            raise InputError(
                f"{path}: is version 1 of Feather, which is no longer written; write it again: python -c"
                f' "import pandas;'
                f" pandas.read_feather('{path}').to_feather('{path}')\""
            )
        try:
            if head == _FILE:
                reader = pa.ipc.open_file(file, options=options)
                yield reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
            else:
                file.seek(max(0, file.seek(0, 2) - len(_END)))
                if file.read() != _END:
                    raise OSError("it has no end mark")
                file.seek(0)
                stream = pa.ipc.open_stream(file, options=options)
                yield stream.schema, iter(stream)
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{path}: is truncated or damaged, or not a file of Arrow ({error}); windrow reads a file whole or not"
                " at all; get the file again"
            ) from error
