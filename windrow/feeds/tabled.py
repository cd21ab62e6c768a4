"""A table of a database -> a file of Parquet, once, before a job reads it: its rows at one moment.

Then everything goes on as over files: tasks need neither network nor password, an attempt that runs twice sees the
same bytes, and rows are judged, chosen and understood by the rules of files. The database leaves out what these would
leave out too (windrow/storage/sql/asking.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from windrow.bars import layout as layouts
from windrow.bars.checks import holds
from windrow.bars.columns import Layout
from windrow.bars.layout import Reading, listed, normalise
from windrow.bars.selection import conditions, span_asked
from windrow.console.meter import progress
from windrow.errors import InputError
from windrow.feeds.room import Room
from windrow.feeds.settle import layout_of_names
from windrow.storage.sql.asking import Asked
from windrow.storage.sql.readers import UnevenError
from windrow.storage.sql.snapshot import Snapshot, snapshot
from windrow.storage.sql.stored import Stored
from windrow.storage.sql.uris import Place
from windrow.times import DAY

#: A column of windrow's own tables that is none of a bar.
_LOAD = "load_id"
#: Rows of a row group: no fewer bytes than are looked at to know what times are.
_GROUP = 1 << 17


@dataclass(frozen=True)
class Tabled:
    """What of a table is in a file: its place, rows, and of windrow's own tables the number of their state."""

    uri: str
    place: Path
    rows: int
    changes: int | None

    def described(self) -> dict[str, Any]:
        """The same for the description of an output."""
        return {"table": self.uri, "rows": self.rows, "changes": self.changes}


def spool_table(
    uri: str, folder: Path, reading: Reading, shows_progress: bool = True, strict: bool = False, is_one: bool = False
) -> Tabled:
    """Reads a table into a file of a folder, at least all rows that `reading` takes.

    `strict`: raises InputError before anything is read where a job of this reading would. `is_one`: of several inputs;
    then one row that is not asked for is read where none is, as a file would have it. Raises InputError for a table
    without rows.

    Memory: some pieces of its rows, each about 8 MB of text.
    """
    for quickly in (True, False):
        with suppress(UnevenError):
            return _spooled(uri, folder / "table.parquet", reading, shows_progress, strict, is_one, quickly)
    raise InputError(
        f"{uri}: has rows whose text cannot be read back from the database; have it write the table to a file, and read"
        " that"
    )


def _spooled(
    uri: str, file: Path, reading: Reading, shows_progress: bool, strict: bool, is_one: bool, quickly: bool
) -> Tabled:
    with snapshot(Place.of(uri)) as found:
        table = _Table.of(uri, found, reading, strict)
        rows = found.count(table.asked)
        if not rows and not found.count(table.asked.everything):
            raise InputError(
                f"{uri}: has no rows; a job needs bars; fill it by windrow collect, or name another by ?table=NAME"
            )
        if not rows and not is_one:
            raise InputError(
                f"{uri}: none of its rows is one of those asked for; check --symbols, --from, --to and --where, and"
                " where= in the URI"
            )
        with progress(f"reading {uri}", rows, shows_progress) as advance:
            written = _write(file, table.groups(advance, quickly))
        return Tabled(uri, file, written, found.changes)


@dataclass
class _Table:
    """A table at one moment, and what of it is read."""

    found: Snapshot
    columns: Sequence[Stored]
    asked: Asked
    where: Sequence[tuple[str, tuple[str, ...]]]

    @classmethod
    def of(cls, uri: str, found: Snapshot, reading: Reading, strict: bool) -> "_Table":
        """What `reading` needs of a table. Raises InputError."""
        columns = [one for one in found.columns if found.changes is None or one.name != _LOAD]
        names = layouts.renamed(uri, [normalise(one.name) for one in columns], reading)
        try:
            layout = layout_of_names(uri, [one.name for one in columns], None, reading)
            where = replace(reading, where=found.place.where, symbols=(), since=None, until=None)
            layouts.selected(uri, layout, where, False)
            layouts.selected(uri, layout, reading, False)
        except InputError:
            if strict:
                raise
            layout = None
        by_name, own = dict(zip(names, columns, strict=True)), conditions(found.place.where)
        for name, _ in own:
            if name not in by_name:
                raise InputError(
                    f"{uri}: has no column {name!r} for where=; its columns are {listed(names)}; name one of them"
                )
        asked = Asked() if layout is None or layout.wide else _asked(layout, by_name, reading, found)
        asked = asked.where([(by_name[name], texts) for name, texts in own])
        return cls(found, columns, asked, [(by_name[name].name, texts) for name, texts in own])

    def groups(self, advance: Any, quickly: bool = True) -> Iterator[pa.Table]:
        """The rows that the URI's conditions take, in row groups: the first one tells what times are."""
        waiting, rows, is_first = list[pa.Table](), 0, True
        for piece in self.found.read(self.columns, self.asked, quickly):
            advance(piece.num_rows)
            waiting.append(piece)
            rows += piece.num_rows
            if rows >= _GROUP:
                yield self._kept(waiting, is_first)
                waiting, rows, is_first = [], 0, False
        if waiting or is_first:
            yield self._kept(waiting, is_first)

    def _beside(self, pieces: Sequence[pa.Table]) -> pa.Table | None:
        """A row that is not asked for, without which those of the first group would be understood otherwise.

        Times that are all midnights are dates, unless others of the table are not.
        """
        everything = self.asked.everything
        if self.asked == everything or any(map(self._is_timed, pieces)):
            return None
        if not pieces:
            return self.found.first(self.columns, everything)
        if self.found.first_timed(self.columns, self.asked) is not None:
            return None
        return self.found.first_timed(self.columns, everything)

    def _is_timed(self, piece: pa.Table) -> bool:
        """Whether any time is not midnight."""
        if self.asked.time is None or not pa.types.is_timestamp(piece[self.asked.time.name].type):
            return True
        times = piece[self.asked.time.name].cast(pa.int64()).drop_null().to_numpy()
        return bool(np.any(times % (DAY // 1000)))

    def _kept(self, pieces: list[pa.Table], is_first: bool) -> pa.Table:
        """The rows of a group that the URI's conditions take; symbols as texts."""
        if is_first and (more := self._beside(pieces)) is not None:
            pieces = [*pieces, _aligned(more, pieces[0].schema) if pieces else more]
        group = pa.concat_tables(pieces).combine_chunks()
        for name, texts in self.where:
            group = group.filter(pa.array(holds(group[name].combine_chunks(), texts)))
        if (symbol := self.asked.symbol) is not None and pa.types.is_integer(group[symbol.name].type):
            number = group.column_names.index(symbol.name)
            group = group.set_column(number, symbol.name, group[symbol.name].cast(pa.string()))
        return group


def _asked(layout: Layout, columns: dict[str, Stored], reading: Reading, found: Snapshot) -> Asked:
    """What a database is asked for: no less than what files would be searched for.

    All rows where it does not know times: only all of them tell whether midnights are dates.
    """
    everything = Asked(columns[layout.symbol] if layout.symbol is not None else None, columns[layout.time])
    if not found.knows_times(columns[layout.time]):
        return everything
    spans = [span_asked(reading.since, reading.until, reading.timezone, dated) for dated in (True, False)]
    return replace(
        everything,
        symbols=reading.symbols if layout.symbol is not None else (),
        since=min(start for start, _ in spans),
        until=max(end for _, end in spans),
        texts=tuple((columns[name], texts) for name, texts in conditions(reading.where) if name in columns),
    )


def _write(place: Path, groups: Iterator[pa.Table]) -> int:
    """Writes groups of rows into a file; returns how many rows they have."""
    room, rows = Room(place.parent, "table", "read less by --symbols, --from and --to"), 0
    writer: Any = None
    try:
        for group in groups:
            if writer is None:
                texts = [field.name for field in group.schema if pa.types.is_string(field.type)]
                writer = pq.ParquetWriter(place, group.schema, use_dictionary=texts, write_statistics=False)
            room.check()
            rows += group.num_rows
            writer.write_table(group)
    finally:
        if writer is not None:
            writer.close()
    return rows


def _aligned(piece: pa.Table, schema: Any) -> pa.Table:
    """A row beside those asked for, in their types: SQLite's values have their own. What does not fit is left out."""
    arrays = []
    for name, kind in zip(schema.names, schema.types, strict=True):
        try:
            arrays.append(piece[name].cast(kind))
        except pa.ArrowException:
            arrays.append(pa.nulls(piece.num_rows, kind))
    return pa.table(arrays, schema=schema)
