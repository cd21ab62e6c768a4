"""The snapshots of a place as relations in DuckDB, which can read these objects and nothing else.

Only what a query needs is opened: of the relations and views of `questions` those that it names, of these the days that
they speak of. Objects on S3 are first brought into a private folder, for DuckDB's own client of S3 is an extension that
it would have to download.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from windrow.catalog import snapshots
from windrow.catalog.columns import TREES, USAGE
from windrow.catalog.queries.questions import DAYS, STORED, VIEWS, Stored
from windrow.console.meter import progress
from windrow.errors import UsageError, required
from windrow.storage.source import each, source_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: All names that a query may use.
NAMES = frozenset((*STORED, *VIEWS, *DAYS))
#: More objects than one brings without a progress bar.
_MANY = 20
#: Settings of a connection that reads and runs nothing but what it was given, and asks no network for extensions.
_LOCKED = (
    "set enable_external_access = false",
    "set python_enable_replacements = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set TimeZone = 'UTC'",
    "set lock_configuration = true",
)

Objects = Mapping[str, Mapping[date, str]]


def require_duckdb(what: str) -> None:
    """Raises WindrowError where DuckDB is not installed, which `what` needs."""
    required(what, "duckdb", "DuckDB", "catalog")


@contextmanager
def opened(place: str, names: Collection[str], day: date | None = None) -> "Iterator[DuckDBPyConnection]":
    """A connection that knows these relations and views as of a day, by default the last. Raises InputError."""
    needed = _closure(frozenset(names))
    listed = snapshots.listed(place, "usage")
    last = _last(place, sorted(listed["tables"]), day)
    chosen = {name: _days_of(STORED[name], listed, last) for name in STORED if name in needed}
    with TemporaryDirectory(prefix="windrow-") as folder:
        empty = _empty(Path(folder))
        files = _brought(sorted({uri for days in chosen.values() for uri in days.values()}), Path(folder))
        with locked(Path(folder), (*empty.values(), *files.values())) as connection, _damage_told(files):
            for name, days in chosen.items():
                tree = STORED[name].tree
                parts = _counting(days, listed, files) if tree == "databases" else [([*days.values()], None)]
                connection.execute(f"create view {name} as {_union(empty[tree], parts, files)}")
            for name, calendar in _calendars(listed, last, files, needed):
                connection.register(name, calendar)
            for name in filter(needed.__contains__, VIEWS):
                connection.execute(f"create view {name} as {VIEWS[name].sql}")
            yield connection


@contextmanager
def locked(folder: Path, files: Iterable[Path] = ()) -> "Iterator[DuckDBPyConnection]":
    """A connection that can read these files and no others; what does not fit into memory goes into the folder."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"set temp_directory = {quoted(str(folder / 'spilled'))}")
        connection.execute(f"set allowed_paths = [{', '.join(quoted(str(file)) for file in files)}]")
        for setting in _LOCKED:
            connection.execute(setting)
        yield connection


def quoted(text: str) -> str:
    """A text as SQL writes it.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


@cache
def _closure(names: frozenset[str]) -> frozenset[str]:
    """The names, and those that their views are made of."""
    with TemporaryDirectory(prefix="windrow-") as folder, locked(Path(folder)) as connection:
        return names.union(*(connection.get_table_names(VIEWS[name].sql) for name in names if name in VIEWS))


def _last(place: str, days: Sequence[date], day: date | None) -> date:
    if day is None or day in days:
        return day or days[-1]
    near = min(days, key=lambda one: abs(one - day))
    raise UsageError(
        f"--day {day}: {place} has no snapshot of this day, but {len(days):,} from {days[0]} to {days[-1]}; give one of"
        f" these, e.g. --day {near}"
    )


def _days_of(relation: Stored, listed: Objects, last: date) -> Mapping[date, str]:
    first = date.min if relation.days is None else last - timedelta(days=relation.days)
    return {day: uri for day, uri in sorted(listed[relation.tree].items()) if first <= day <= last}


def _empty(folder: Path) -> Mapping[str, Path]:
    """An object of each tree without rows, with the columns of today: those of other versions get them from it."""
    schemas = {**TREES, "usage": USAGE}
    for tree, schema in schemas.items():
        pq.write_table(schema.empty_table(), folder / tree)
    return {tree: folder / tree for tree in schemas}


def _brought(uris: Sequence[str], folder: Path) -> Mapping[str, Path]:
    """Where each object can be read on this machine: where it is, or in a copy in the folder."""

    def bring(uri: str) -> Path:
        source = source_of(uri)
        if (here := source.path(uri)) is not None:
            return here.absolute()
        own = Path(mkdtemp(dir=folder))
        source.download([uri], own)
        return own / Path(uri).name

    files = {}
    remote = any(source_of(uri).remote for uri in uris)
    with progress("snapshots", len(uris), remote and len(uris) > _MANY) as advance:
        for uri, path in zip(uris, each(bring, uris), strict=True):
            files[uri] = path
            advance(1)
    return files


def _counting(
    days: Mapping[date, str], listed: Objects, files: Mapping[str, Path]
) -> list[tuple[list[str], str | None]]:
    """The objects of databases, those of which all rows count, and each other one with the run whose rows do."""
    counts = _runs({day: uri for day, uri in listed["tables"].items() if day in days}, files)
    whole, torn = [], []
    for day in sorted(days.keys() & counts.keys()):
        if snapshots.runs_of(days[day], files[days[day]]) == [counts[day]]:
            whole.append(days[day])
        else:
            torn.append(([days[day]], counts[day]))
    return [(whole, None), *torn]


def _runs(tables: Mapping[date, str], files: Mapping[str, Path]) -> dict[date, str]:
    """The run of each day, of which `tables` are the objects that say so."""
    runs = each(lambda uri: snapshots.run_of(uri, files.get(uri)), list(tables.values()))
    return dict(zip(tables, runs, strict=True))


def _union(empty: Path, parts: Iterable[tuple[list[str], str | None]], files: Mapping[str, Path]) -> str:
    """SQL of the rows of objects, all or those of a run."""
    return " union all by name ".join(
        f"from read_parquet([{', '.join(quoted(str(path)) for path in (empty, *(files[uri] for uri in uris)))}],"
        " union_by_name = true, hive_partitioning = false)" + (f" where run = {quoted(run)}" if run else "")
        for uris, run in parts
    )


def _calendars(
    listed: Objects, last: date, files: Mapping[str, Path], needed: Collection[str]
) -> Iterator[tuple[str, pa.Table]]:
    """Of which days there are snapshots, and of which run each is; of which of the last ones there is usage."""
    if "days" in needed:
        runs = _runs({day: uri for day, uri in sorted(listed["tables"].items()) if day <= last}, files)
        yield "days", pa.table({"snapshot": pa.array(runs, pa.date32()), "run": pa.array(runs.values(), pa.string())})
    if "usage_days" in needed:
        recent = _days_of(STORED["usage_recent"], listed, last)
        yield "usage_days", pa.table({"snapshot": pa.array(recent, pa.date32())})


@contextmanager
def _damage_told(files: Mapping[str, Path]) -> Iterator[None]:
    """Names the object that is damaged, where that is why DuckDB refuses."""
    import duckdb

    try:
        yield
    except (duckdb.Error, pa.ArrowException):
        for uri, path in files.items():
            try:
                pq.read_metadata(path)
            except (pa.ArrowException, OSError) as error:
                raise snapshots.unreadable(uri, error) from error
        raise
