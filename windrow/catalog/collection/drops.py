"""What is no longer visible: Lake Formation hides what a role may not see, without an error.

A collection is compared with the snapshot before it, by catalog and by database. What could not be read is told as
such, and not compared.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from windrow.catalog.columns import Row
from windrow.console import several

#: The share of a catalog's tables, or databases, from which on it is told that they are gone.
DROP = 0.1
#: Catalogs of a line.
_NAMED = 3

#: Account and region.
Catalog: TypeAlias = tuple[str, str]


class Before(NamedTuple):
    """The snapshot before a collection."""

    day: date
    databases: pa.Table
    tables: pa.Table


@dataclass
class _Seen:
    """What somebody has seen of a catalog."""

    reader: str
    tables: dict[str, int] = field(default_factory=dict)
    """How many, by database."""

    def of(self, names: Collection[str]) -> "_Seen":
        """The same of some databases."""
        return _Seen(self.reader, {name: count for name, count in self.tables.items() if name in names})


def drops(
    before: Before, databases: Sequence[Row], readers: Mapping[Catalog, str], is_asked: Callable[[str], bool]
) -> Iterator[str]:
    """Warnings of what the snapshot before has, and these rows of databases have not.

    readers: whose credentials now read each catalog; is_asked: whether a database is collected, by its name.
    """
    then = _seen_before(before)
    of_day = f"the snapshot of {before.day}"
    if left_out := sorted(then.keys() - readers.keys()):
        few = ", ".join(" ".join(catalog) for catalog in left_out[:_NAMED])
        more = f" and {several(len(left_out) - _NAMED, 'more catalog')}" if len(left_out) > _NAMED else ""
        yield (
            f"{few}{more}: in {of_day}, but not asked for now; collect it too, or collect a part of what there is"
            " into a place of its own (-o)"
        )
    common = sorted(then.keys() & readers.keys())
    if unasked := sum(not is_asked(name) for catalog in common for name in then[catalog].tables):
        yield (
            f"--database: leaves out {several(unasked, 'database')} of {of_day}; collect a part of what there is into a"
            " place of its own (-o)"
        )
    for catalog in common:
        rows = [row for row in databases if (row["account"], row["region"]) == catalog]
        unread = {row["databasename"] for row in rows if row.get("unread")}
        if None not in unread:
            now = _Seen(readers[catalog])
            for row in rows:  # one of another account may have the name of one here
                now.tables[row["databasename"]] = now.tables.get(row["databasename"], 0) + (row.get("tables") or 0)
            names = {name for name in then[catalog].tables if is_asked(name)} | now.tables.keys()
            told = _compared(then[catalog].of(names - unread), now.of(names - unread), of_day)
            yield from (f"{' '.join(catalog)}{one}" for one in told)


def _seen_before(before: Before) -> dict[Catalog, _Seen]:
    found: dict[Catalog, _Seen] = {}
    of_databases = (before.databases[name].to_pylist() for name in ("account", "region", "databasename", "role"))
    for account, region, name, role in zip(*of_databases, strict=True):
        seen = found.setdefault((account, region), _Seen(role or ""))
        if name is not None:
            seen.tables[name] = 0
    of_tables = (before.tables[name].to_pylist() for name in ("account", "region", "databasename", "role"))
    for account, region, name, role in zip(*of_tables, strict=True):
        seen = found.setdefault((account, region), _Seen(role or ""))
        seen.tables[name] = seen.tables.get(name, 0) + 1
    return found


def _compared(then: _Seen, now: _Seen, of_day: str) -> Iterator[str]:
    """What has become less, beginning behind the catalog's name."""
    changed = f", and {then.reader} could then" if now.reader != then.reader else ""
    cure = (
        "; if nobody dropped the others, Lake Formation hides them, without an error: check there what"
        f" {now.reader} may see{changed}"
    )
    tables_then, tables_now = sum(then.tables.values()), sum(now.tables.values())
    if len(now.tables) < (1 - DROP) * len(then.tables):
        yield f": {several(len(now.tables), 'database')} visible, {len(then.tables):,} in {of_day}{cure}"
    elif tables_now < (1 - DROP) * tables_then:
        yield f": {several(tables_now, 'table')} visible, {tables_then:,} in {of_day}{cure}"
    else:
        for name in sorted(name for name, count in then.tables.items() if count and not now.tables.get(name)):
            yield f" {name}: no table visible, {then.tables[name]:,} in {of_day}{cure}"
