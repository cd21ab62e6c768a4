"""A data catalog on one page: what is stored, how it grows, what is used, and every table in one list.

lake.py       what the page shows, read from snapshots
overview.py   words, figures and tables: storage, growth, updates, use, sharing, changes, drift, what has no size
inventories.py  all tables as columns that the page packs, with a sparkline of each
"""

from datetime import date
from pathlib import Path
from typing import Any

from windrow.pages.sections import refuse_without_altair
from windrow.pages.shell import Places


def catalog_report(
    snapshots: str,
    *,
    growth: str | None = None,
    day: date | None = None,
    out: str | Path = "catalog.html",
    force: bool = False,
) -> list[Path]:
    """Report on the snapshots of a place; return the places written: the page, and the picture beside it.

    snapshots: the folder that `windrow catalog collect` wrote, here or on S3. growth: an output of
    `windrow catalog-growth`, for its alerts. day: the day that the page is of, by default the last one.

    Raises UsageError without the packages of the extras `plot` and `catalog`, OutputError if `out`, or the picture
    beside it, exists (unless `force`), InputError where there are no snapshots, or no such output. Memory: the tables
    of the last day, and 53 sizes of each.
    """
    refuse_without_altair(out)
    places = Places.of(out, force)
    from windrow.pages.catalog import inventories, lake, overview

    found = lake.read(snapshots, day, growth)
    title, subtitle = "The data catalog", f"{found.place}, {found.day}"
    parts = overview.sections(found)
    return overview.write(places, title, subtitle, overview.tiles(found), parts, inventories.packed_tables(found))


__all__: list[Any] = ["catalog_report"]
