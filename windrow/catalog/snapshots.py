"""The snapshots of a place: one object a tree and day, and a day that is the old or the new one, whatever is killed.

A place is a folder here or on S3. A day has two objects, and neither S3 nor a file system changes two at once; so the
object of `tables` is the day's, and says which run it is of, and of `databases` only that run's rows count:

1. `databases` is replaced by what it has and the new run's rows: the day is still the old one;
2. `tables` is replaced by the new run's: the day is the new one;
3. `databases` is replaced by the new run's rows alone: nothing that counts changes.

Each replaces only what nobody else has replaced since the collection began, or since the step before. Of two that
collect one day at one time, one is refused at 1 or 2, and told. A run that is killed after 1 leaves a day that is torn:
rows of two runs, of which readers take those that count, and the next run of that day the others away.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from windrow.catalog.columns import TREES, Row, as_columns
from windrow.errors import InputError, OutputError
from windrow.storage.source import source_of

#: In an object's metadata: the runs whose rows it has, as JSON. An object without rows is of a run too.
_RUNS = b"windrow.runs"
_DAY = re.compile(r"year=(\d{4})/month=(\d\d)/day=(\d\d)/([^/]+)\.parquet")
#: How often a day is read anew that is replaced while it is read.
_READS = 5


class Found(NamedTuple):
    """What there is of a day as a collection begins."""

    databases: str | None
    """The revision of that tree's object; None if there is none."""
    tables: str | None
    torn: str | None
    """What another run left half done, or is doing, as a sentence; None if the day is whole."""


class Snapshot(NamedTuple):
    """A day: all rows of its run."""

    run: str
    databases: pa.Table
    tables: pa.Table


def uri_of(place: str, tree: str, day: date) -> str:
    """Where a day's object of a tree is.

    >>> uri_of("s3://lake/metrics/", "tables", date(2026, 3, 1))
    's3://lake/metrics/tables/year=2026/month=03/day=01/tables.parquet'
    """
    return f"{_tree(place, tree)}/year={day.year:04d}/month={day.month:02d}/day={day.day:02d}/{tree}.parquet"


def _tree(place: str, tree: str) -> str:
    if not place:
        raise InputError("'': the name of a place is empty; name the folder of the snapshots, e.g. metrics")
    return f"{place.rstrip('/')}/{tree}"


# Writing.


def begin(place: str, day: date) -> Found:
    """What there is of a day; a collection begins with it, so that `write` sees who else collected meanwhile."""
    databases, tables = (source_of(place).revision(uri_of(place, tree, day)) for tree in TREES)
    return Found(databases, tables, _torn(place, day, databases is not None, tables is not None))


def write(place: str, day: date, databases: Iterable[Row], tables: Iterable[Row], found: Found) -> None:
    """Makes a run's rows the day's; see the module. Each row names the run, the same.

    Raises OutputError where another run wrote the day since `found`: nothing of this run counts then.
    """
    made = {tree: as_columns(tree, rows, day) for tree, rows in zip(TREES, (databases, tables), strict=True)}
    [run] = {run for rows in made.values() for run in rows["run"].unique().to_pylist()}
    uris = {tree: uri_of(place, tree, day) for tree in TREES}
    with TemporaryDirectory(prefix="windrow-") as folder:
        new = {tree: _written(rows, [run], Path(folder, f"{tree}.parquet")) for tree, rows in made.items()}
        both = _with_those_there(uris["databases"], made["databases"], run, found, Path(folder, "both.parquet"))
        between = _replaced(uris["databases"], both or new["databases"], found.databases)
        _replaced(uris["tables"], new["tables"], found.tables)
        if both:
            # Where another run has begun to write, this changes nothing, and that run does it.
            source_of(place).replace(uris["databases"], new["databases"], between)


def _with_those_there(uri: str, rows: pa.Table, run: str, found: Found, path: Path) -> Path | None:
    """The rows, and those of all other runs that are there; None if there are none.

    Of all: a run that is neither finished nor killed may yet become the day's, and its rows must be there then.
    """
    if found.databases is None:
        return None
    if source_of(uri).revision(uri) != found.databases:
        raise _another(uri)
    with _at_hand(uri) as file:
        there, runs = _rows_of(uri, file), _runs_of(uri, file)
    others = there.filter(pc.not_equal(there["run"], run))
    kept = [one for one in runs if one != run]
    return _written(pa.concat_tables([rows, others], promote_options="permissive"), [run, *kept], path)


def _written(rows: pa.Table, runs: list[str], path: Path) -> Path:
    described = rows.replace_schema_metadata({_RUNS: orjson.dumps(runs)})
    pq.write_table(described, path, compression="zstd")
    return path


def _replaced(uri: str, path: Path, revision: str | None) -> str:
    now = source_of(uri).replace(uri, path, revision)
    if now is None:
        raise _another(uri)
    return now


def _another(uri: str) -> OutputError:
    return OutputError(
        f"{uri}: another run has written this day since this one began, so that nothing of this one is kept; use the"
        " other's snapshot, or collect again once no other run is under way"
    )


# Reading.


def days(place: str) -> list[date]:
    """The days of which there are snapshots, in order. Raises InputError where there is none."""
    return sorted(listed(place)["tables"])


def last_day(place: str, day: date) -> date | None:
    """The last day before `day` of which there is a snapshot, or else that day itself, if it has one."""
    known = sorted(one for one, _ in _listed(place, "tables") if one <= day)
    return next((one for one in reversed(known) if one < day), known[0] if known else None)


def listed(place: str, *more: str) -> Mapping[str, Mapping[date, str]]:
    """Where the objects of both trees, and of `more` beside them, are, by tree and day. Raises InputError if none is.

    A day of which only `databases` was written is none.
    """
    found = {tree: dict(_listed(place, tree)) for tree in (*TREES, *more)}
    if not found["tables"]:
        raise InputError(
            f"{place}: has no snapshots, that is no tables/year=YYYY/month=MM/day=DD/tables.parquet; give the folder"
            " that `windrow catalog collect` wrote"
        )
    return found


def _listed(place: str, tree: str) -> Iterator[tuple[date, str]]:
    folder = _tree(place, tree)
    for name in source_of(place).below(folder):
        of_day, uri = _DAY.fullmatch(name), f"{folder}/{name}"
        if of_day and of_day[4] == tree:
            try:
                yield date(int(of_day[1]), int(of_day[2]), int(of_day[3])), uri
            except ValueError:
                raise InputError(f"{uri}: is of no day of the calendar; remove it, or give it its day") from None


def read_day(place: str, day: date) -> Snapshot:
    """The snapshot of a day, of one run as a whole. Raises InputError where there is none."""
    uris = {tree: uri_of(place, tree, day) for tree in TREES}
    source = source_of(place)
    revision = source.revision(uris["tables"])
    for _ in range(_READS):
        if revision is None:
            raise InputError(
                f"{place}: has no snapshot of {day}; `windrow catalog collect` makes one of each day on which it runs"
            )
        with _at_hand(uris["tables"]) as file:
            tables, run = _rows_of(uris["tables"], file), _run_of(uris["tables"], file)
        databases = TREES["databases"].empty_table()
        if source.revision(uris["databases"]) is not None:
            with _at_hand(uris["databases"]) as file:
                databases = _rows_of(uris["databases"], file)
        before, revision = revision, source.revision(uris["tables"])
        if before == revision:
            return Snapshot(run, databases.filter(pc.equal(databases["run"], run)), tables)
    raise InputError(f"{place}: {day} was replaced {_READS} times while it was read; read it again later")


def torn(place: str, day: date) -> str | None:
    """What a run left half done of a day, as a sentence; None if the day is whole."""
    return begin(place, day).torn


def _torn(place: str, day: date, has_databases: bool, has_tables: bool) -> str | None:
    if not has_databases and not has_tables:
        return None
    end = "the next run of this day takes that away"
    if not has_tables:
        return f"{day}: a run has not finished writing this day, of which there is no snapshot; {end}"
    if not has_databases:
        return f"{day}: the snapshot has tables but no databases, which something has removed; {end}"
    counts, runs = run_of(uri_of(place, "tables", day)), runs_of(uri_of(place, "databases", day))
    if counts not in runs:
        return f"{day}: the databases are not of run {counts}, of which the tables are; {end}"
    if len(runs) > 1:
        return (
            f"{day}: a run has not finished writing this day: of its databases only those of run {counts} count; {end}"
        )
    return None


def run_of(uri: str, copy: Path | None = None) -> str:
    """The run that a day's object of `tables` is of; of a copy of it, if one is at hand. Raises InputError."""
    with copy.open("rb") if copy else source_of(uri).open(uri) as file:
        return _run_of(uri, file)


def runs_of(uri: str, copy: Path | None = None) -> list[str]:
    """The runs whose rows a day's object of `databases` has; of a copy of it, if one is at hand. Raises InputError."""
    with copy.open("rb") if copy else source_of(uri).open(uri) as file:
        return _runs_of(uri, file)


def _run_of(uri: str, file: Any) -> str:
    runs = _runs_of(uri, file)
    if len(runs) != 1:
        raise InputError(
            f"{uri}: has rows of {len(runs)} runs, but a day's tables are all of one; put it back from a copy, or"
            " remove it"
        )
    return runs[0]


def _runs_of(uri: str, file: Any) -> list[str]:
    """As the metadata says; where another program has written the object anew, as its rows say."""
    try:
        said = (pq.read_metadata(file).metadata or {}).get(_RUNS)
        if said is not None:
            return cast(list[str], orjson.loads(said))
        if "run" in pq.read_schema(file).names:
            return cast(list[str], pq.read_table(file, columns=["run"], partitioning=None)["run"].unique().to_pylist())
    except (pa.ArrowException, OSError, orjson.JSONDecodeError) as error:
        raise unreadable(uri, error) from error
    raise InputError(f"{uri}: has no column run, so it is no object of a snapshot; remove it, or name another folder")


def _rows_of(uri: str, file: Any) -> pa.Table:
    """All rows, with the columns of today: those that are not in the object are null."""
    try:
        rows = pq.read_table(file, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(uri, error) from error
    today = TREES[Path(uri).stem]
    for number, name in enumerate(rows.column_names):
        if name in today.names:
            rows = rows.set_column(number, name, _as_today(uri, rows[name], today.field(name)))
    return pa.concat_tables([today.empty_table(), rows], promote_options="default").replace_schema_metadata(None)


def _as_today(uri: str, column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """A column as windrow writes it; another program may have written the same values as another type.

    Spark has times without a zone, pandas whole numbers with a decimal point.
    """
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise InputError(
            f"{uri}: its column {field.name} is of type {column.type}, which is no {field.type}"
            f" ({str(error).partition(chr(10))[0]}); put it back from a copy, or remove it"
        ) from error


def unreadable(uri: str, error: Exception) -> InputError:
    """The error for an object that is no Parquet, or not all of one."""
    return InputError(
        f"{uri}: is no whole Parquet file ({str(error).partition(chr(10))[0]}); put it back from a copy, or remove it"
    )


@contextmanager
def _at_hand(uri: str) -> Iterator[Path]:
    """An object as a file of this machine, for this block."""
    source = source_of(uri)
    if (here := source.path(uri)) is not None:
        yield here
        return
    with TemporaryDirectory(prefix="windrow-") as folder:
        source.download([uri], Path(folder))
        yield Path(folder, Path(uri).name)
