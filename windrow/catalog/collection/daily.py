"""A day's collection: read, compared with the snapshot before it, and written as the day's snapshot."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from tempfile import TemporaryFile
from typing import NamedTuple

from windrow.catalog import snapshots
from windrow.catalog.collection.collected import Collected
from windrow.catalog.collection.collector import Asked, collect, is_asked
from windrow.catalog.collection.drops import Before, drops
from windrow.catalog.collection.measured import Progress
from windrow.catalog.metastore.described import Run
from windrow.errors import OutputError
from windrow.storage.source import source_of


class Day(NamedTuple):
    """What a day's collection has found, and what to warn of."""

    collected: Collected
    day: date
    warnings: Sequence[str]


def new_run(now: datetime | None = None) -> Run:
    """A run that begins now; no other has its name."""
    start = now or datetime.now(UTC)
    return Run(f"{start:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", start)


def collect_day(place: str, asked: Asked, run: Run, progress: Progress = lambda share, text: None) -> Day:
    """Collects, and writes the snapshot of the day on which the run began, in UTC.

    Raises as `collect` does, OutputError where the place cannot be written, or another run has written it meanwhile.
    """
    _refuse_unwritable(place)
    day = run.start.date()
    found = snapshots.begin(place, day)
    before = _before(place, day)
    collected = collect(asked, run, progress)
    snapshots.write(place, day, collected.databases, collected.tables, found)
    told = [found.torn] if found.torn else []
    if before:
        readers = {(one.account, one.region): one.reader for one in asked.origins}
        readers |= {(row["account"], row["region"]): row["role"] for row in collected.databases}
        told += drops(before, collected.databases, readers, lambda name: is_asked(name, asked.databases))
    return Day(collected, day, told)


def _refuse_unwritable(place: str) -> None:
    """Raises OutputError before hours of reading, where that can be known. The folder is made."""
    source = source_of(place)
    source.refuse_unwritable(place)
    folder = source.path(place)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OutputError(
                f"{place}: cannot be written: {error.strerror}; change its permissions, or use another place by -o"
            ) from error


def _before(place: str, day: date) -> Before | None:
    """The last snapshot before a day, or else the day's own; None if there is none."""
    last = snapshots.last_day(place, day)
    if last is None:
        return None
    found = snapshots.read_day(place, last)
    return Before(last, found.databases, found.tables)
