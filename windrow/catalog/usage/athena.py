"""Uses of tables in the history of Athena's queries: of 45 days, by work group.

A query counts once for each table that its text names, whether it has read the table or taken the result of one before.
Athena does not tell who has asked. Its history begins with the newest query; this is read up to the days that count.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from windrow.aws.parallel import in_parallel
from windrow.catalog.origins import Origin
from windrow.catalog.usage.queried import Named, tables_in
from windrow.catalog.usage.sifted import Damaged, Record, Sifted
from windrow.catalog.usage.trails import Progress
from windrow.catalog.usage.uses import Table, Use
from windrow.errors import AccountError

#: How long Athena keeps its history.
KEPT = timedelta(days=45)
#: The most queries of a call.
_PAGE = 50
#: Pages in a row of queries before the days that count, after which no other is read: AWS does not promise the order.
_EARLIER = 2
#: Work groups of another engine, whose calculations are no queries.
_SPARK = "PySpark"
#: The catalog of an account itself, and those beside it of S3 Tables.
_OWN, _S3_TABLES = "awsdatacatalog", "s3tablescatalog/"
#: The database of a query that has none, and one that is in no catalog.
_DEFAULT, _SCHEMAS = "default", "information_schema"

#: A query, as Athena tells it.
_Query: TypeAlias = Mapping[str, Any]


class LeftOut(StrEnum):
    """Why a query counts for no table."""

    UNFINISHED = "queries that have not succeeded"
    UNKNOWN = "queries whose text cannot be parsed"
    ELSEWHERE = "queries of tables that are not in a Glue catalog"


def read_history(origins: Sequence[Origin], sifted: Sifted, progress: Progress) -> None:
    """Reads the histories of all work groups. Raises AccountError where no origin lets them be listed."""

    def read(origin: Origin) -> AccountError | None:
        try:
            groups = list(_work_groups(origin))
        except AccountError as error:
            return error
        catalogs = _Catalogs(origin)
        for group in groups:
            try:
                for count, page in enumerate(_pages(origin, group, sifted), 1):
                    sifted.take(_understood(query, catalogs) for query in page)
                    progress(f"{origin}: {group}: {count:,} pages of queries")
            except AccountError as error:
                sifted.damage("work groups that cannot be read", f"{origin} {group}: {error}")
        return None

    refused = [(origin, error) for origin, error in zip(origins, in_parallel(read, origins), strict=True) if error]
    sifted.miss(refused, len(origins))


def _work_groups(origin: Origin) -> Iterator[str]:
    ask = origin.client("athena").list_work_groups
    token: dict[str, str] = {}
    while True:
        told = ask(**token)
        for group in told["WorkGroups"]:
            if not str(group.get("EngineVersion", {}).get("EffectiveEngineVersion")).startswith(_SPARK):
                yield str(group["Name"])
        if not told.get("NextToken"):
            return
        token = {"NextToken": told["NextToken"]}


def _pages(origin: Origin, group: str, sifted: Sifted) -> Iterator[list[_Query]]:
    """The queries of a work group, up to those before the days that count."""
    client = origin.client("athena")
    earlier = 0
    for page in client.get_paginator("list_query_executions").paginate(
        WorkGroup=group, PaginationConfig={"PageSize": _PAGE}
    ):
        if not page["QueryExecutionIds"]:
            continue
        told = client.batch_get_query_execution(QueryExecutionIds=page["QueryExecutionIds"])
        for one in told.get("UnprocessedQueryExecutionIds", ()):
            why = f"{origin} {group}: {one.get('QueryExecutionId')}: {one.get('ErrorCode')}"
            sifted.damage("queries that Athena does not tell", why)
        yield told["QueryExecutions"]
        submitted = [_submitted(query) for query in told["QueryExecutions"]]
        is_earlier = all(time is not None and time.date() < sifted.first for time in submitted)
        earlier = earlier + 1 if is_earlier else 0
        if earlier == _EARLIER:
            return


def _submitted(query: _Query) -> datetime | None:
    found = query.get("Status", {}).get("SubmissionDateTime")
    return found.astimezone(UTC) if isinstance(found, datetime) else None


def _understood(query: _Query, catalogs: "_Catalogs") -> Record | Damaged:
    """What a query says of tables."""
    name, text, submitted = query.get("QueryExecutionId"), str(query.get("Query") or ""), _submitted(query)
    if not name or not submitted:
        return Damaged(f"query {name}: has no {'time' if name else 'QueryExecutionId'}, as all of Athena have")
    day = submitted.date()
    if query["Status"].get("State") != "SUCCEEDED":
        return Record(day, left_out=LeftOut.UNFINISHED)
    found = tables_in(text)
    if found is None:
        return Record(day, left_out=LeftOut.UNKNOWN, example=" ".join(text.split()))
    around = query.get("QueryExecutionContext") or {}
    tables = {catalogs.table(named, around) for named in found}
    uses = [Use(table, day, str(name)) for table in tables if table]
    return Record(day, uses, LeftOut.ELSEWHERE if None in tables and not uses else None)


class _Catalogs:
    """What Athena calls catalogs in a region, as accounts of snapshots."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._accounts: dict[str, str | None] = {_OWN: origin.account}

    def table(self, named: Named, around: Mapping[str, str]) -> Table | None:
        """The table that a query names, in what is around it; None if it is in no catalog of Glue's."""
        database = named.database or str(around.get("Database") or _DEFAULT).lower()
        account = self._account(named.catalog or str(around.get("Catalog") or _OWN))
        if account is None or database == _SCHEMAS:
            return None
        return Table(account, self._origin.region, database, named.table)

    def _account(self, catalog: str) -> str | None:
        name = catalog.lower()
        if name not in self._accounts:
            is_beside = name.startswith(_S3_TABLES)
            self._accounts[name] = f"{self._origin.account}:{name}" if is_beside else self._registered(catalog)
        return self._accounts[name]

    def _registered(self, catalog: str) -> str | None:
        """The account of a catalog that is registered with Athena under a name; None of other kinds than Glue's."""
        try:
            told = self._origin.client("athena").get_data_catalog(Name=catalog)["DataCatalog"]
        except AccountError:  # it has been removed, or nobody may know of it
            return None
        if told.get("Type") != "GLUE":
            return None
        return str(told.get("Parameters", {}).get("catalog-id") or self._origin.account)
