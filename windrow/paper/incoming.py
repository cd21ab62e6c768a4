"""Records of a stream's pages -> bars, by the rules of files.

The first records that have a bar settle how all are read, as the first rows of a file do: which member is the symbol,
the time and each price, in which forms. That is kept in the state, for it must not change when the process does.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from windrow.bars import layout as layouts
from windrow.bars.adjusted import adjusted
from windrow.bars.columns import Bars, Layout, check_one_kind_of_time, join_bars
from windrow.bars.examples import example_of_line
from windrow.bars.layout import Reading, normalise, would_matter
from windrow.errors import InputError
from windrow.feeds.files import parse_stream
from windrow.feeds.parquet import INVALID, parse_columns
from windrow.feeds.settle import settle
from windrow.feeds.shards import ShardFile
from windrow.feeds.streamed import Records, table_of
from windrow.storage.open import is_parquet, named
from windrow.trading.notices import unadjusted

#: Columns of records by their name, and the type that they had first.
_Kinds = dict[str, str]
#: Records that are enough to settle how they are read, whatever is open.
_ENOUGH = 20_000
_TYPES = {str(kind): kind for kind in (pa.int64(), pa.float64(), pa.string())}


class Incoming:
    """Reads the records of one stream; `rules`: by which, once that is settled."""

    def __init__(self, uri: str, reading: Reading, rules: dict[str, Any] | None) -> None:
        self._where, self._reading = uri.partition("?")[0], reading
        self._layout: Layout | None = None
        self._kinds: _Kinds | None = None
        self.controls = 0
        self.notes: list[str] = []
        if rules is not None:
            self._layout, self._kinds = layouts.from_json(rules["layout"]), rules["columns"]

    @property
    def rules(self) -> dict[str, Any] | None:
        """By which records are read, as JSON."""
        if self._layout is None:
            return None
        layout = json.loads(json.dumps(layouts.to_json(self._layout)))  # tuples are lists there
        return {"layout": layout, "columns": self._kinds}

    @property
    def dated(self) -> bool:
        """Whether times are dates."""
        return self._layout is not None and bool(self._layout.dated)

    def is_open(self, records: Sequence[bytes]) -> bool:
        """Whether these first records leave open how they are read, so that more of them must be seen.

        That is so where all times are midnights and no symbol has two: the bars may be of days, or of minutes. Raises
        what `bars` raises.
        """
        if self._layout is not None or len(records) > _ENOUGH or not any(map(bytes.strip, records)):
            return False
        if (layout := self._settle(records)) is None:
            return False
        is_open = False
        if layout.dated:
            self._layout = replace(layout, dated=None)
            bars = self._read(records)
            is_open = bars is not None and bool(bars.timed.any()) and len(np.unique(bars.codes)) == len(bars)
        self._layout = None if is_open or layout.dated is None else layout
        return is_open

    def bars(self, records: Sequence[bytes]) -> Bars | None:
        """The bars of a page, and what of it is none; None where it has nothing of either.

        Raises InputError where records cannot be understood.
        """
        if not any(map(bytes.strip, records)):
            return None
        if self._layout is None and self._settle(records) is None:
            return None
        bars = self._read(records)
        if self._layout is None or self._layout.dated is None:  # none of them had a bar: the next page may tell more
            self._layout = None
        return bars

    def _settle(self, records: Sequence[bytes]) -> Layout | None:
        """Finds how records are read, by these; None if they have nothing to read."""
        with TemporaryDirectory(prefix="windrow-") as folder:
            file = ShardFile(Path(folder), "records", self._where)
            file.write(records)
            place = file.close()
            self.controls = file.controls
            if place is None:
                return None
            with named(str(place), self._where):
                settled, _ = settle([str(place)], self._reading)
                layouts.refuse_unknown_names(settled.inputs, self._reading)
            self._layout = settled.inputs[str(place)]
            self._kinds = _kinds_of(place) if is_parquet(place.name) else None
        self.notes = unadjusted([self._where] if settled.unadjusted else [])
        return self._layout

    def _read(self, records: Sequence[bytes]) -> Bars | None:
        return self._of_lines(records) if self._kinds is None else self._of_objects(records, self._kinds)

    def _of_lines(self, records: Sequence[bytes]) -> Bars:
        assert self._layout is not None
        lines = b"".join(line + b"\n" for record in records for line in record.splitlines() if line.strip())
        return join_bars(list(parse_stream(BytesIO(lines), self._layout, self._where)))

    def _of_objects(self, records: Sequence[bytes], kinds: _Kinds) -> Bars | None:
        layout = self._layout
        assert layout is not None
        found = Records(self._where, records)
        self.controls = found.controls
        if not found.bars and not found.invalid:
            return None
        table = table_of(found, self._where)
        self._refuse_late(table.column_names, kinds, layout)
        columns = {
            name: _column(table, stored, kind, len(found.bars))
            for name, (stored, kind) in zip(layout.names, kinds.items(), strict=True)
            if name in layout.read
        }
        bars = adjusted(parse_columns(columns, layout, self._where, False), layout)
        if found.invalid:
            bars.rejected["record"] += len(found.invalid)
            bars.examples["record"] = example_of_line(found.invalid[0], "an object of JSON")
        check_one_kind_of_time(bars, layout, self._where)
        return bars

    def _refuse_late(self, names: Sequence[str], kinds: _Kinds, layout: Layout) -> None:
        """Raises InputError for a member that the first records lack, if it could be read in place of another."""
        for name in names:
            if name not in kinds and name != INVALID and would_matter(layout, normalise(name)):
                raise InputError(
                    f"{self._where}: has a record with a member {name!r}, and none of the first records has it; those"
                    " say which members are read; write the same members into each record, or begin again with:"
                    " windrow paper reset"
                )


def _kinds_of(place: Path) -> _Kinds:
    import pyarrow.parquet as pq

    schema = pq.read_schema(place)
    return {field.name: str(field.type) for field in schema}


def _column(table: Any, stored: str, kind: str, rows: int) -> Any:
    """A column of the page's bars; empty where none of them has it."""
    if stored not in table.column_names or pa.types.is_null(table.schema.field(stored).type):
        return pa.nulls(rows, _TYPES.get(kind, pa.string()))
    column = table[stored].slice(0, rows).combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def rejected_text(bars: Bars) -> str:
    """What is wrong with rows that are no bars: how many for each reason, and an example.

    >>> from collections import Counter
    >>> from windrow.bars.columns import Example
    >>> none = Bars([], [], [], [], [], Counter(time=2), examples={"time": Example("'x' in column 'dt'")})
    >>> rejected_text(none)
    "2 by their time ('x' in column 'dt')"
    """
    told = []
    for reason, count in bars.rejected.items():
        with suppress(KeyError):
            told.append(f"{count:,} by their {reason} ({bars.examples[reason].shown})")
            continue
        told.append(f"{count:,} by their {reason}")
    return ", ".join(told)
