"""How often tables were used, by day: counted from what AWS keeps, and kept beside the snapshots.

    usage/year=2026/month=11/day=30/usage.parquet       a row for each table that was used, and source

A run replaces the rows of its sources on its days whole, and keeps those of other sources. Of users only the number is
kept.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from windrow.catalog import snapshots
from windrow.catalog.columns import USAGE
from windrow.catalog.origins import Origin
from windrow.catalog.usage.athena import read_history
from windrow.catalog.usage.cloudtrail import is_of_persons, role_of
from windrow.catalog.usage.sifted import Sifted
from windrow.catalog.usage.trails import Progress, read_events, read_trail
from windrow.catalog.usage.uses import Uses
from windrow.errors import InputError, OutputError
from windrow.storage.source import source_of

#: How often a day's object is tried to replace that others replace at the same time.
_TRIES = 10
_KEYS = ("account", "region", "databasename", "tablename", "source")


class Asked(NamedTuple):
    """What usage is counted from, and of which days, the last one included."""

    first: date
    last: date
    trails: Sequence[str] = ()
    """Files and folders of CloudTrail's."""
    events: bool = False
    """Whether the events are looked up that CloudTrail keeps by itself."""
    athena: bool = False
    """Whether Athena's history is read."""
    origins: Sequence[Origin] = ()
    """Where the latter two are."""


class Counted(NamedTuple):
    """What a run has counted."""

    lines: Sequence[str]
    is_whole: bool
    """Whether all could be read."""
    days: Sequence[date]
    """Those that were written."""


def today() -> date:
    """The day that is not over, in UTC."""
    return datetime.now(UTC).date()


def count_usage(place: str, asked: Asked, run: str, progress: Progress = lambda text: None) -> Counted:
    """Counts the usage of days, and writes it beside the snapshots of a place.

    Raises InputError where these are none, or a trail has no file; AccountError where nothing can be looked up, and
    OutputError where the place cannot be written.
    """
    source_of(place).refuse_unwritable(place)
    own = _own_roles(place)
    with ExitStack() as stack:
        found = []
        for name, reads in _reads(asked, own):
            sifted = Sifted(name, asked.first, asked.last, stack.enter_context(Uses()))
            for read in reads:
                read(sifted, progress)
            found.append(sifted)
        for sifted in found:  # once all have been read: of one that raises nothing is written
            for day in sorted(sifted.days):
                _write(place, day, sifted, run)
    return Counted(
        [line for sifted in found for line in sifted.lines()],
        all(sifted.is_whole for sifted in found),
        sorted(set().union(*(sifted.days for sifted in found))),
    )


def _reads(asked: Asked, own: Collection[str]) -> Iterator[tuple[str, list[Callable[[Sifted, Progress], None]]]]:
    """What each source is read by. Trails and looked-up events are one: the same events, which count once."""
    of_cloudtrail = [partial(read_trail, place, own) for place in asked.trails]
    if asked.events:
        of_cloudtrail.append(partial(read_events, asked.origins, own))
    if of_cloudtrail:
        yield "cloudtrail", [*of_cloudtrail]
    if asked.athena:
        yield "athena", [partial(read_history, asked.origins)]


def _own_roles(place: str) -> set[str]:
    """The roles by which the last snapshot was collected; credentials of persons are none, who query tables as well."""
    last = snapshots.read_day(place, snapshots.days(place)[-1])
    arns = {arn for rows in (last.databases, last.tables) for arn in rows["role"].unique().to_pylist() if arn}
    return {role for role in map(role_of, arns) if role and not is_of_persons(role)}


def _write(place: str, day: date, sifted: Sifted, run: str) -> None:
    """Replaces a source's rows of a day. Where another run has replaced it meanwhile, its rows are read anew."""
    uri = snapshots.uri_of(place, "usage", day)
    source = source_of(uri)
    rows = [{**row, "source": sifted.source, "run": run, "snapshot": day} for row in sifted.uses.rows(day)]
    new = pa.Table.from_pylist([row for row in rows if not _is_unread(row, sifted)], USAGE)
    for _ in range(_TRIES):
        revision = source.revision(uri)
        kept = _kept(uri, sifted) if revision is not None else USAGE.empty_table()
        with TemporaryDirectory(prefix="windrow-") as folder:
            path = Path(folder, "usage.parquet")
            joined = pa.concat_tables([kept, new], promote_options="permissive")
            pq.write_table(joined.sort_by([(key, "ascending") for key in _KEYS]), path, compression="zstd")
            if source.replace(uri, path, revision) is not None:
                return
    raise OutputError(
        f"{uri}: others have replaced it {_TRIES} times while its rows were being joined; run it again once no other"
        " run is under way"
    )


def _kept(uri: str, sifted: Sifted) -> pa.Table:
    """The rows of a day that stay: those of other sources, and of what of this one could not be read now."""
    try:
        with source_of(uri).open(uri) as file:
            there = pq.read_table(file, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise snapshots.unreadable(uri, error) from error
    if "source" not in there.column_names:
        raise InputError(f"{uri}: has no column source, so it is no object of usage; remove it, or name another folder")
    stays = [row["source"] != sifted.source or _is_unread(row, sifted) for row in there.to_pylist()]
    return there.filter(pa.array(stays, pa.bool_()))


def _is_unread(row: Mapping[str, Any], sifted: Sifted) -> bool:
    return (row["account"], row["region"]) in sifted.unread
