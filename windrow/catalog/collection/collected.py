"""What a collection has found: the rows of a day's snapshot, and a report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from windrow.catalog.columns import Row
from windrow.catalog.locations import Folder, Size
from windrow.catalog.metastore.described import Run
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import is_failure
from windrow.console import several

#: The exit status of a collection in which something could not be read or measured.
INCOMPLETE = 3
#: Lines of a report for each kind of finding.
_TOLD = 20
#: Tables of a line.
_NAMED = 3


@dataclass
class Collected:
    """The rows of a snapshot, and what is to tell of them."""

    run: Run
    databases: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    stored: Size | None = None
    """What all measured folders hold; what is in several of them counts once."""
    shared: dict[Folder, list[str]] = field(default_factory=dict)
    """Folders that are those of several tables, and these tables."""
    uncounted: dict[str, str] = field(default_factory=dict)
    """Tables of Iceberg and Delta whose own count of live bytes is not known, and why."""
    empty: list[Origin] = field(default_factory=list)
    """Where no database is visible, though nothing was refused."""
    unmatched: list[str] = field(default_factory=list)
    """Patterns of --database that match none, beside others that do."""
    not_enabled: list[Origin] = field(default_factory=list)
    """Of all regions those that turned out not to be enabled in their account."""

    @property
    def failures(self) -> list[str]:
        """What could not be read or measured, and why."""
        unread = [f"{_place(row)}: {row['unread']}" for row in self.databases if row.get("unread")]
        reasons = ((row["symbol"], row["unmeasured"]) for row in self.tables)
        return unread + [f"{symbol}: {reason}" for symbol, reason in reasons if reason and is_failure(reason)]

    @property
    def exit_status(self) -> int:
        """0 if all was read and measured that can be."""
        return INCOMPLETE if self.failures else 0

    def lines(self) -> list[str]:
        """The collection as text."""
        catalogs = {(row["account"], row["region"]) for row in self.databases}
        databases = sum(row["databasename"] is not None for row in self.databases)
        counts = f"{several(len(self.tables), 'table')} in {several(databases, 'database')}"
        told = [f"run {self.run.name}: {counts} of {several(len(catalogs), 'catalog')}"]
        if self.stored:
            measured = sum(row.get("bytes") is not None for row in self.tables)
            held = f"{several(self.stored.bytes, 'byte')} in {several(self.stored.files, 'file')}"
            told.append(f"measured: {several(measured, 'table')}; {held}")
        if reasons := Counter(row["unmeasured"] for row in self.tables if row["unmeasured"]).most_common():
            told.append(f"not measured: {', '.join(f'{count:,} {reason}' for reason, count in reasons)}")
        if self.empty:
            told.append(f"no database is visible: {', '.join(map(str, self.empty))}")
        if self.unmatched:
            told.append(f"no database has such a name: {', '.join(self.unmatched)}")
        if self.not_enabled:
            told.append(f"not enabled: {', '.join(map(str, self.not_enabled))}")
        shared = [_told_shared(folder, names) for folder, names in self.shared.items()]
        elsewhere = [
            f"stored elsewhere too: {row['symbol']}: counts {several(row['live_bytes'], 'byte')} itself, its"
            f" folder has {row['bytes']:,}"
            for row in self.tables
            if row.get("bytes") is not None and (row.get("live_bytes") or 0) > row["bytes"]
        ]
        unknown = [f"live bytes not known: {symbol}: {reason}" for symbol, reason in self.uncounted.items()]
        return [
            *told,
            *_few(shared),
            *_few(elsewhere),
            *_few(unknown),
            *_few([f"failed: {one}" for one in self.failures]),
        ]


def _place(row: Row) -> str:
    """Where a database is."""
    name = row["databasename"]
    return f"{row['account']}/{row['region']}" + (f"/{name}" if name is not None else ": all databases")


def _told_shared(folder: Folder, names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return (
        f"shared: s3://{folder.bucket}/{folder.prefix}: is the folder of {', '.join(names[:_NAMED])}{more}; each has"
        " its size"
    )


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - _TOLD
    kind = lines[0].partition(":")[0] if lines else ""
    return [*lines[:_TOLD], *([f"{kind}: {more:,} more, as the snapshot tells"] if more > 0 else [])]
