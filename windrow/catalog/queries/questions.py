"""What one asks of snapshots: views in DuckDB's SQL, over all days, the last ones, or the last day alone.

A table is known by account, region, database and name; what was dropped and created again under one name is told apart
by its time of creation. What a run could not read is not known, rather than gone: a database that was denied on a day
has neither lost its tables then nor got them back later.
"""

from collections.abc import Mapping
from typing import NamedTuple

#: The days of the views that speak of the last days: from so many days before the last one on.
RECENT = 30
#: The days without an update after which a table is stale.
STALE = 30
#: What storage costs, as in prices.json: S3 Standard in us-east-1, in June 2025; a GB has 2^30 bytes.
DOLLARS_A_GB_MONTH = 0.023


class View(NamedTuple):
    """A view, and what it tells, as a line."""

    tells: str
    sql: str


class Stored(NamedTuple):
    """A relation of stored objects: their tree, and how many days before the last one they begin; None: all."""

    tells: str
    tree: str
    days: int | None = None


#: The relations that are read from objects. `usage` and its days are empty where nobody has written any.
STORED: Mapping[str, Stored] = {
    "tables": Stored("every table on every day", "tables"),
    "databases": Stored("every database on every day", "databases"),
    "usage": Stored(
        "queries and users of every table that was used, by day and source: `windrow catalog usage`", "usage"
    ),
    "tables_now": Stored("every table on the last day", "tables", 0),
    "databases_now": Stored("every database on the last day", "databases", 0),
    "tables_recent": Stored(f"every table on the last day and the {RECENT} days before", "tables", RECENT),
    "usage_recent": Stored(f"usage on the last {RECENT} days", "usage", RECENT - 1),
}
#: Of which days there are snapshots, and of which of the last ones usage.
DAYS = "days", "usage_days"

_TABLE = "account, region, databasename, tablename"


def _same(left: str, right: str, columns: str = _TABLE) -> str:
    """The condition that rows are of one table; null equals null."""
    names = columns.split(", ")
    return " and ".join(f"{left}.{name} is not distinct from {right}.{name}" for name in names)


def _of(alias: str) -> str:
    """The columns that name a table, of one relation among several."""
    return ", ".join(f"{alias}.{name}" for name in _TABLE.split(", "))


_TABLE_COUNTS = f"""
    with counted as (
        select snapshot, account, region, databasename, count(*) as number from tables group by all
    )
    select
        coalesce(d.snapshot, c.snapshot) as snapshot,
        coalesce(d.account, c.account) as account,
        coalesce(d.region, c.region) as region,
        coalesce(d.databasename, c.databasename) as databasename,
        case when d.unread is null then coalesce(c.number, d.tables) end as tables,
        d.unread
    from databases d full join counted c
        on d.snapshot = c.snapshot and {_same("d", "c", "account, region, databasename")}
    order by snapshot desc, tables desc nulls last, account, region, databasename, unread
"""


def stored_by(*columns: str, tables: str = "tables") -> str:
    """SQL of tables, bytes and files on every day by these columns of a relation: what tables share counts once.

    A folder that several tables have is one; one that is within another was counted with that, if that has a size.
    """
    group = "".join(f"{column}, " for column in columns)
    by_group = "".join(f" and {{0}}.{column} is not distinct from {{1}}.{column}" for column in columns)
    return f"""
    with places as (
        select
            *, rtrim(regexp_replace(location, '^s3[an]?://', 's3://', 'i'), '/') as folder,
            dense_rank() over (order by {group}folder) as number
        from (
            select {group}location, min(symbol) as first, max(symbol) as last
            from {tables} where location is not null group by all
        )
    ),
    -- Each folder that is within another, and that one, of whatever days.
    within as (
        select distinct a.number, o.number as above
        from (
            select *, unnest([array_to_string(parts[:length], '/') for length in range(3, len(parts))]) as above
            from (select *, string_split(folder, '/') as parts from places where starts_with(folder, 's3://'))
        ) a join places o on o.folder = a.above{by_group.format("o", "a")}
    ),
    -- Few are. Of the others no two tables have what they store in common, and their sizes are added up at once.
    common as (
        select number from places group by number having count(*) > 1 or min(first) is distinct from max(last)
        union select number from within
        union select above from within
    ),
    placed as (
        select t.*, p.number from {tables} t
        left join (from places semi join common using (number)) p
            on p.location = t.location{by_group.format("p", "t")}
    ),
    folders as (
        select
            snapshot, {group}number, count(*) as tables, count(bytes) as measured,
            max(bytes) as bytes, max(live_bytes) as live_bytes, max(totalfilesons3) as files
        from placed where number is not null group by all
    ),
    counted as (
        select f.snapshot, f.number, count(o.bytes) as bytes, count(o.live_bytes) as live_bytes, count(o.files) as files
        from folders f join within using (number) join folders o on o.snapshot = f.snapshot and o.number = above
        group by all
    ),
    parts as (
        select
            snapshot, {group}count(*) as tables, count(bytes) as measured,
            sum(bytes) as bytes, sum(live_bytes) as live_bytes, sum(totalfilesons3) as files
        from placed where number is null group by all
        union all
        select
            snapshot, {group}f.tables, f.measured,
            case when coalesce(c.bytes, 0) = 0 then f.bytes end,
            case when coalesce(c.live_bytes, 0) = 0 then f.live_bytes end,
            case when coalesce(c.files, 0) = 0 then f.files end
        from folders f left join counted c using (snapshot, number)
    )
    select
        snapshot, {group}sum(tables)::bigint as tables, sum(measured)::bigint as measured,
        sum(bytes)::bigint as bytes, sum(live_bytes)::bigint as live_bytes, sum(files)::bigint as files
    from parts group by all order by all
    """


_GROWTH = f"""
    with known as (
        select r.* from tables_recent r semi join tables_now n
            on {_same("r", "n")} and r.createtime is not distinct from n.createtime
        where r.bytes is not null
    ),
    grown as (
        select
            {_TABLE}, min(snapshot) as since, max(snapshot) as until,
            arg_min(bytes, snapshot) as bytes_before, arg_max(bytes, snapshot) as bytes_after,
            arg_min(totalfilesons3, snapshot) as files_before, arg_max(totalfilesons3, snapshot) as files_after
        from known group by all having count(*) > 1
    )
    select
        {_TABLE}, since, until, bytes_before, bytes_after,
        bytes_after - bytes_before as bytes_grown,
        100 * (bytes_after - bytes_before) / nullif(bytes_before, 0) as percent_grown,
        (bytes_after - bytes_before) / (until - since) as bytes_a_day,
        files_before, files_after
    from grown order by bytes_grown desc, {_TABLE}
"""

_STALE_TABLES = f"""
    select {_TABLE}, tabletype, createtime, updatetime, stale_days, bytes
    from tables_now where stale_days >= {STALE} order by stale_days desc, {_TABLE}
"""

_USED = f"""
    -- Two sources that saw the same queries count once: of a day the larger number.
    with asked as (
        select symbol, snapshot, max(queries) as queries, max(users) as users from usage_recent group by all
    ),
    seen as (
        select
            {_TABLE}, any_value(t.bytes) as bytes, any_value(t.createtime) as createtime,
            any_value(t.lastaccesstime)::date as accessed,
            coalesce(sum(a.queries), 0)::bigint as queries, max(a.users) as users,
            max(a.snapshot) filter (a.queries > 0) as asked
        from tables_now t left join asked a on a.symbol = t.symbol
            and (t.createtime is null or a.snapshot >= t.createtime::date)
        group by all
    )
    select
        {_TABLE}, case when exists (from usage_days) then queries end as queries, users as most_users_a_day,
        greatest(accessed, asked) as last_used, createtime, bytes
    from seen
"""

_LEAST_USED = f"""
    from ({_USED}) order by queries nulls last, last_used nulls last, bytes desc nulls last, {_TABLE}
"""

_MOST_USED = f"""
    from ({_USED}) where queries > 0 or queries is null and last_used is not null
    order by queries desc nulls last, last_used desc nulls last, {_TABLE}
"""

_IDLE = f"""
    -- Nobody knows of a table without a last use, but where usage is kept of all these days.
    with used as ({_USED}),
    last as (select max(snapshot) as day from tables_now),
    known as (select count(*) = {RECENT} as is_known from usage_days)
    select
        {_TABLE}, coalesce(day - last_used, case when is_known then {RECENT} end) as idle_days, last_used, bytes,
        bytes * {DOLLARS_A_GB_MONTH}::double / 1073741824 as dollars_a_month
    from used, last, known
    where (last_used is null or day - last_used >= {RECENT})
        and (createtime is null or day - createtime::date >= {RECENT})
    order by idle_days is null, dollars_a_month desc nulls last, {_TABLE}
"""

_SHARED_DATABASES = """
    select
        account, region, databasename, sharedresource, sharedresourceowner, sharedresourcedatabasename,
        tables, unread, description
    from databases_now
    where sharedresource = 'Yes' or sharedresourceowner is not null or sharedresourcedatabasename is not null
    order by account, region, databasename
"""

_DATABASE = "account, region, databasename"

#: The days on which it is known which tables a database has, numbered; those on which it is gone are such days too.
_READ = f"""
    origins as (
        select distinct snapshot, account, region from databases
        except select snapshot, account, region from databases where databasename is null and unread is not null
    ),
    names as (select distinct {_DATABASE} from databases where databasename is not null),
    unread as (select distinct snapshot, {_DATABASE} from databases where unread is not null),
    read as materialized (
        select
            {_DATABASE}, snapshot,
            row_number() over (partition by {_DATABASE} order by snapshot) as place,
            count(*) over (partition by {_DATABASE}) as places
        from (
            select o.snapshot, n.* from names n join origins o on {_same("n", "o", "account, region")}
        ) d
        where not exists (from unread u where u.snapshot = d.snapshot and {_same("u", "d", _DATABASE)})
    )
"""

_CHANGES = f"""
    with {_READ},
    known as not materialized (
        select t.snapshot, {_TABLE}, createtime, schema_hash, columns from tables t
        where t.snapshot in (select snapshot from origins)
            and not exists (from unread u where u.snapshot = t.snapshot and {_same("u", "t", _DATABASE)})
    ),
    -- How long each table was as it was. Most were so on all days in between, which their number tells.
    spans as (
        select
            {_TABLE}, createtime, schema_hash, min(snapshot) as since, max(snapshot) as until, count(*) as number,
            arg_min(columns, snapshot) as columns_first, arg_max(columns, snapshot) as columns_last
        from known group by all
    ),
    placed as (
        select s.*, a.place as first, b.place as last, a.places
        from spans s
        left join read a on a.snapshot = s.since and {_same("a", "s", _DATABASE)}
        left join read b on b.snapshot = s.until and {_same("b", "s", _DATABASE)}
    ),
    torn as (
        select {_TABLE} from placed group by all
        having bool_or(number is distinct from last - first + 1) or count(schema_hash) between 1 and count(*) - 1
    ),
    -- Of the others each day is looked at; a schema that is not known on a day is taken to be the last one known.
    filled as (
        select k.* exclude (schema_hash), r.place, r.places,
            last_value(schema_hash ignore nulls) over (
                partition by {_of("k")}, createtime order by r.place) as schema_hash
        from known k semi join torn t on {_same("k", "t")}
        join read r on r.snapshot = k.snapshot and {_same("r", "k", _DATABASE)}
    ),
    days_of_torn as (
        select *, lag(place) over w as before,
            lag(createtime) over w as createtime_before, lag(schema_hash) over w as schema_before
        from filled window w as (partition by {_TABLE} order by place)
    ),
    parts_of_torn as (
        select *, sum(case
            when before = place - 1 and createtime_before is not distinct from createtime
                and schema_before is not distinct from schema_hash then 0 else 1 end)
            over (partition by {_TABLE} order by place) as part
        from days_of_torn
    ),
    lives as (
        select {_TABLE}, createtime, schema_hash, columns_first, columns_last, first, last, places
        from placed p anti join torn t on {_same("p", "t")}
        union all by name
        select {_TABLE}, createtime, schema_hash,
            arg_min(columns, place) as columns_first, arg_max(columns, place) as columns_last,
            min(place) as first, max(place) as last, any_value(places) as places
        from parts_of_torn group by {_TABLE}, createtime, schema_hash, part
    ),
    followed as (
        select *,
            lag(last) over w as last_before, lag(createtime) over w as createtime_before,
            lag(schema_hash) over w as schema_before, lag(columns_last) over w as columns_before,
            lead(first) over w as first_after, lead(createtime) over w as createtime_after
        from lives window w as (partition by {_TABLE} order by first)
    ),
    told as (
        select {_TABLE}, first as place, 'created' as change, null as columns_before, columns_first as columns_after
        from followed
        where first > 1 and (last_before is distinct from first - 1 or createtime_before is distinct from createtime)
        union all
        select {_TABLE}, last + 1, 'dropped', columns_last, null from followed
        where last < places and (first_after is distinct from last + 1 or createtime_after is distinct from createtime)
        union all
        select {_TABLE}, first, 'altered', columns_before, columns_first from followed
        where last_before = first - 1 and createtime_before is not distinct from createtime
            and schema_before <> schema_hash
    )
    select r.snapshot, t.change, {_of("t")},
        t.columns_before, t.columns_after
    from told t join read r on r.place = t.place and {_same("r", "t", _DATABASE)}
    order by r.snapshot desc, {_of("t")}, t.change desc
"""

_SCHEMA_DRIFT = f"""
    with schemas as (
        select {_TABLE} from tables group by all having min(schema_hash) <> max(schema_hash)
    ),
    compared as (
        select t.snapshot, {_TABLE}, schema_hash, columns, lag(schema_hash) over w as before
        from tables t semi join schemas s on {_same("t", "s")}
        where schema_hash is not null
        window w as (partition by {_TABLE} order by snapshot)
    )
    select
        {_of("s")}, count(distinct schema_hash) as versions,
        count(*) filter (before <> schema_hash) as changes,
        max(snapshot) filter (before <> schema_hash) as last_changed,
        arg_min(columns, snapshot) as columns_first, arg_max(columns, snapshot) as columns_last,
        max(snapshot) as last_seen
    from schemas s join compared c on {_same("s", "c")}
    group by {_of("s")}
    order by last_changed desc, {_of("s")}
"""

_UNMEASURED = f"""
    select {_TABLE}, tabletype, coalesce(unmeasured, 'not known') as reason, location
    from tables_now where unmeasured is not null or bytes is null
    union all
    select account, region, databasename, null, null, unread, location from databases_now where unread is not null
    order by reason, {_TABLE}
"""

#: The views, by name.
VIEWS: Mapping[str, View] = {
    "table_counts": View("how many tables each database has, on every day", _TABLE_COUNTS),
    "storage": View("tables, bytes and files of each account and region, on every day", stored_by("account", "region")),
    "growth": View(f"by how much each table has grown in {RECENT} days", _GROWTH),
    "stale_tables": View(f"tables that nothing has updated for {STALE} days", _STALE_TABLES),
    "least_used": View("tables by how little they are queried, the least first", _LEAST_USED),
    "most_used": View("tables by how much they are queried, the most first", _MOST_USED),
    "idle": View(f"tables that nobody has used for {RECENT} days, and what storing them costs", _IDLE),
    "shared_databases": View("databases that another account shares", _SHARED_DATABASES),
    "changes": View("tables created, dropped and altered, on every day", _CHANGES),
    "schema_drift": View("tables whose columns have changed", _SCHEMA_DRIFT),
    "unmeasured": View("tables without a size and databases that were not read, and why", _UNMEASURED),
}
