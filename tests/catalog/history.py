"""Made-up histories of catalogs, which have all that makes views wrong, and what plain Python says of them.

Accounts and regions with tables of one name; tables dropped and created again, at once or later; days without a
snapshot; origins and databases that were not read on a day, or only in part; columns that nobody knows.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

from windrow.catalog import snapshots
from windrow.catalog.columns import symbol_of
from windrow.catalog.locations import folder_of

LAST = date(2026, 11, 30)
ORIGINS = [(account, region) for account in ("111122223333", "444455556666") for region in ("eu-west-1", "us-east-1")]
TABLE = ("account", "region", "databasename", "tablename")
DATABASE = TABLE[:3]


class History:
    """A random history: the rows of each day's snapshot, by tree."""

    def __init__(self, seed, days=45):
        self.random, self.unknown_schemas = Random(seed), 0.1 * (seed % 2)
        self.databases, self.tables, self.lives = {}, {}, {}
        for number in range(days):
            day = LAST - timedelta(days=days - 1 - number)
            if day == LAST or not self.chance(0.12):
                self._live(day)
                self._collect(day)

    def chance(self, share):
        return self.random.random() < share

    def pick(self, *values):
        return self.random.choice(values)

    def _live(self, day):
        for origin in ORIGINS:
            for base in ("sales", "web", "dev.x"):
                if (*origin, base) not in self.lives or self.chance(0.02):
                    self.lives[(*origin, base)] = {} if self.chance(0.9) else None
                for name in ("orders", "items", "x.orders"):
                    self._step(day, self.lives[(*origin, base)], base, name)

    def _step(self, day, tables, base, name):
        if tables is None:
            return
        if name not in tables:
            if self.chance(0.3):
                tables[name] = self._new(day, base, name)
        elif tables[name]["rests"]:
            return
        elif self.chance(0.04):
            del tables[name]
        elif self.chance(0.03):
            tables[name] = self._new(day, base, name)
        else:
            table = tables[name]
            if self.chance(0.06):
                table.update(schema=self.random.randrange(4), columns=self.random.randrange(1, 9))
            if self.chance(0.6):
                table["bytes"] = max(0, table["bytes"] + self.random.randrange(-100, 1000) * 10**6)
                table["updatetime"] = self._time(day)

    def _new(self, day, base, name):
        folder = self.pick("shared", "shared/", "", base, f"{base}/{name}", f"{base}/{name}/", f"{base}/{name}.old/x")
        scheme = self.pick("s3", "s3a", "S3")
        return {
            "createtime": None if self.chance(0.1) else self._time(day),
            "updatetime": None,
            "location": None if self.chance(0.1) else f"{scheme}://lake/{folder}",
            "schema": self.random.randrange(4),
            "columns": self.random.randrange(1, 9),
            "bytes": self.random.randrange(3) * 10**9,
            "is_view": self.chance(0.1),
            "rests": self.chance(0.3),
            "keeps_access": self.chance(0.5),
        }

    def _time(self, day):
        return datetime(day.year, day.month, day.day, self.random.randrange(24), 30, tzinfo=UTC)

    def _collect(self, day):
        databases, tables = [], []
        for origin in ORIGINS:
            at = {"run": f"run-{day}", "account": origin[0], "region": origin[1], "snapshot": day}
            if self.chance(0.05):
                databases += (
                    [{"databasename": None, "unread": "denied (AccessDenied)", **at}] if self.chance(0.5) else []
                )
                continue
            for (*here, base), there in self.lives.items():
                if tuple(here) != origin or there is None:
                    continue
                unread = "denied (AccessDenied)" if self.chance(0.07) else None
                shared = self.pick(
                    {}, {"sharedresource": "No"}, {"sharedresource": "Yes", "sharedresourceowner": "777788889999"}
                )
                seen = [name for name in there if not unread or self.chance(0.4)]
                number = None if unread or self.chance(0.1) else len(seen)  # of a link nobody knows
                databases.append(
                    {"databasename": base, "unread": unread, "tables": number, "description": "=1+1", **shared, **at}
                )
                tables += [self._row(day, base, name, there[name], at) for name in seen]
        if not databases:
            databases = [{"databasename": "other", "run": f"run-{day}", "account": "9", "region": "z", "snapshot": day}]
        self.databases[day], self.tables[day] = databases, tables

    def _row(self, day, base, name, table, at):
        measured = not table["is_view"] and not self.chance(0.1)
        changed = table["updatetime"] or table["createtime"]
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return {
            **at,
            "databasename": base,
            "tablename": name,
            "symbol": symbol_of(at["account"], at["region"], base, name),
            "createtime": table["createtime"],
            "updatetime": table["updatetime"],
            "lastaccesstime": self._time(day - timedelta(days=self.random.randrange(9)))
            if table["keeps_access"]
            else None,
            "tabletype": "VIRTUAL_VIEW" if table["is_view"] else "EXTERNAL_TABLE",
            "location": table["location"],
            "columns": table["columns"],
            "schema_hash": None if self.chance(self.unknown_schemas) else f"{table['schema']:016x}",
            "bytes": table["bytes"] if measured else None,
            "live_bytes": table["bytes"] // 2 if measured and self.chance(0.5) else None,
            "totalfilesons3": table["bytes"] // 10**8 if measured else None,
            "unmeasured": None if measured or self.chance(0.1) else "view" if table["is_view"] else "denied",
            "stale_days": (end - changed) / timedelta(days=1) if changed else None,
        }

    def write(self, place):
        for day in self.databases:
            snapshots.write(place, day, self.databases[day], self.tables[day], snapshots.begin(place, day))

    # What plain Python says.

    @property
    def now(self):
        return self.tables[LAST]

    def table_counts(self):
        rows = []
        for day, databases in self.databases.items():
            for database in databases:
                number = sum(named(table, DATABASE) == named(database, DATABASE) for table in self.tables[day])
                unread = database.get("unread")
                tables = None if unread else number or database.get("tables")
                rows.append({"snapshot": day, **pair(database, DATABASE), "tables": tables, "unread": unread})
        return ordered(rows, ("snapshot", True), ("tables", True), *DATABASE)

    def storage(self):
        groups = defaultdict(list)
        for day, tables in self.tables.items():
            for table in tables:
                groups[day, table["account"], table["region"]].append(table)
        return [
            {
                "snapshot": day, "account": account, "region": region,
                "tables": len(found), "measured": sum(table["bytes"] is not None for table in found),
                **{new: stored(found, old)
                   for new, old in (("bytes", "bytes"), ("live_bytes", "live_bytes"), ("files", "totalfilesons3"))},
            }
            for (day, account, region), found in sorted(groups.items())
        ]  # fmt: skip

    def growth(self):
        rows = []
        for table in self.now:
            past = [
                (day, row)
                for day, tables in self.tables.items()
                for row in tables
                if day >= LAST - timedelta(days=30) and row["bytes"] is not None
                and named(row) == named(table) and row["createtime"] == table["createtime"]
            ]  # fmt: skip
            if len(past) > 1:
                (since, old), (until, new) = past[0], past[-1]
                grown = new["bytes"] - old["bytes"]
                rows.append({
                    **pair(table), "since": since, "until": until,
                    "bytes_before": old["bytes"], "bytes_after": new["bytes"], "bytes_grown": grown,
                    "percent_grown": 100 * grown / old["bytes"] if old["bytes"] else None,
                    "bytes_a_day": grown / (until - since).days,
                    "files_before": old["totalfilesons3"], "files_after": new["totalfilesons3"],
                })  # fmt: skip
        return ordered(rows, ("bytes_grown", True), *TABLE)

    def stale_tables(self):
        names = ("tabletype", "createtime", "updatetime", "stale_days", "bytes")
        stale = [row for row in self.now if row["stale_days"] is not None and row["stale_days"] >= 30]
        return ordered([{**pair(row), **pair(row, names)} for row in stale], ("stale_days", True), *TABLE)

    def used(self, usage):
        """`usage`: rows of each day, or nothing."""
        recent = {day: rows for day, rows in usage.items() if LAST - timedelta(days=30) < day <= LAST}
        rows = []
        for table in self.now:
            born = table["createtime"].date() if table["createtime"] else date.min
            asked = defaultdict(list)
            for day, those in recent.items():
                for row in those:
                    if row["symbol"] == table["symbol"] and day >= born:
                        asked[day].append(row)
            queries = sum(max(row["queries"] for row in those) for those in asked.values())
            days = [day for day, those in asked.items() if max(row["queries"] for row in those)]
            days += [table["lastaccesstime"].date()] if table["lastaccesstime"] else []
            rows.append({
                **pair(table), "queries": queries if recent else None,
                "most_users_a_day": most(row["users"] for those in asked.values() for row in those),
                "last_used": max(days, default=None), "createtime": table["createtime"], "bytes": table["bytes"],
            })  # fmt: skip
        return rows

    def least_used(self, usage):
        return ordered(self.used(usage), "queries", "last_used", ("bytes", True), *TABLE)

    def most_used(self, usage):
        used = [row for row in self.used(usage) if row["queries"] or (row["queries"] is None and row["last_used"])]
        return ordered(used, ("queries", True), ("last_used", True), *TABLE)

    def idle(self, usage):
        recent = [day for day in usage if LAST - timedelta(days=30) < day <= LAST]
        rows = []
        for row in self.used(usage):
            idle = (LAST - row["last_used"]).days if row["last_used"] else 30 if len(recent) == 30 else None
            age = (LAST - row["createtime"].date()).days if row["createtime"] else 30
            if age >= 30 and (idle is None or idle >= 30):
                dollars = None if row["bytes"] is None else row["bytes"] * 0.023 / 2**30
                rows.append({
                    **pair(row), "idle_days": idle, "last_used": row["last_used"], "bytes": row["bytes"],
                    "dollars_a_month": dollars,
                })  # fmt: skip
        return sorted(ordered(rows, ("dollars_a_month", True), *TABLE), key=lambda row: row["idle_days"] is None)

    def shared_databases(self):
        names = (
            "sharedresource",
            "sharedresourceowner",
            "sharedresourcedatabasename",
            "tables",
            "unread",
            "description",
        )
        shared = [row for row in self.databases[LAST] if row.get("sharedresource") == "Yes"]
        return ordered([{**pair(row, DATABASE), **pair(row, names)} for row in shared], *DATABASE)

    def known_days(self, database):
        """The days on which it is known which tables a database has."""
        known = []
        for day, rows in self.databases.items():
            here = [row for row in rows if named(row, DATABASE[:2]) == database[:2]]
            unread = {row["databasename"] for row in here if row.get("unread")}
            if here and not unread & {None, database[2]}:
                known.append(day)
        return known

    def changes(self):
        rows = []
        names = {named(row, DATABASE) for rows in self.databases.values() for row in rows if row["databasename"]}
        for database in names:
            before, schemas = None, {}
            for day in self.known_days(database):
                now = {row["tablename"]: row for row in self.tables[day] if named(row, DATABASE) == database}
                for name in now.keys() | (before or {}).keys() if before is not None else ():
                    rows += change(day, before.get(name), now.get(name), schemas)
                for name, row in now.items():
                    if row["schema_hash"]:
                        schemas[name, row["createtime"]] = row["schema_hash"]
                before = now
        return ordered(rows, ("snapshot", True), *TABLE, ("change", True))

    def schema_drift(self):
        past = defaultdict(list)
        for day, tables in self.tables.items():
            for row in tables:
                if row["schema_hash"]:
                    past[named(row)].append((day, row))
        rows = []
        for those in past.values():
            pairs = pairwise(those)
            changed = [day for (_, old), (day, new) in pairs if old["schema_hash"] != new["schema_hash"]]
            if changed:
                rows.append({
                    **pair(those[0][1]), "versions": len({row["schema_hash"] for _, row in those}),
                    "changes": len(changed), "last_changed": changed[-1], "columns_first": those[0][1]["columns"],
                    "columns_last": those[-1][1]["columns"], "last_seen": those[-1][0],
                })  # fmt: skip
        return ordered(rows, ("last_changed", True), *TABLE)

    def unmeasured(self):
        tables = [row for row in self.now if row["unmeasured"] or row["bytes"] is None]
        rows = [
            {
                **pair(row),
                "tabletype": row["tabletype"],
                "reason": row["unmeasured"] or "not known",
                "location": row["location"],
            }
            for row in tables
        ]
        rows += [
            {**pair(row), "tabletype": None, "reason": row["unread"], "location": None}
            for row in self.databases[LAST]
            if row.get("unread")
        ]
        return ordered(rows, "reason", *TABLE)


def change(day, old, new, schemas):
    """What changed of a table from one known day to the next."""
    row = {"snapshot": day, **pair(new or old)}
    again = old and new and old["createtime"] != new["createtime"]
    if new and (not old or again):
        yield {**row, "change": "created", "columns_before": None, "columns_after": new["columns"]}
    if old and (not new or again):
        yield {**row, "change": "dropped", "columns_before": old["columns"], "columns_after": None}
    if old and new and not again:
        schema = schemas.get((new["tablename"], new["createtime"]))
        if schema and new["schema_hash"] and schema != new["schema_hash"]:
            yield {**row, "change": "altered", "columns_before": old["columns"], "columns_after": new["columns"]}


def named(row, names=TABLE):
    return tuple(row.get(name) for name in names)


def pair(row, names=TABLE):
    return {name: row.get(name) for name in names}


def most(values):
    return max((value for value in values if value is not None), default=None)


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def stored(tables, name):
    """What tables have in all: of folders that are shared, or within another that has a value, once."""
    values, rest = {}, []
    for table in tables:
        if folder := folder_of(table["location"]):
            values[folder] = most([values.get(folder), table[name]])
        else:
            rest.append(table[name])
    known = [folder for folder, value in values.items() if value is not None]
    outermost = [one for one in known if not any(other != one and other.holds(one) for other in known)]
    return total([values[folder] for folder in outermost] + rest)


def ordered(rows, *keys):
    """Rows by these keys, (key, True) in reverse; null comes last."""
    for key, reverse in reversed([key if isinstance(key, tuple) else (key, False) for key in keys]):
        known = [row for row in rows if row[key] is not None]
        rows = sorted(known, key=lambda row: row[key], reverse=reverse) + [row for row in rows if row[key] is None]
    return rows
