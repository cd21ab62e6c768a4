"""Databases, tables and partitions of a catalog: all pages of them.

botocore takes some 40 microseconds of CPU for each column of each table; orjson reads a page at once, and times stay
the numbers that they are on the wire.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import orjson

from windrow.aws.client import next_token
from windrow.aws.parallel import in_parallel
from windrow.aws.refusals import operation as aws_name
from windrow.catalog.locations import Folder, folder_of
from windrow.catalog.metastore.formats import Raw
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured
from windrow.errors import AccountError, WindrowError

#: The most that Glue gives in a page of partitions.
_PAGE = 1000
#: How many calls at a time read a table's partitions, if they are more than a page. Glue allows up to 10.
_SEGMENTS = 8
#: What botocore is told instead of an answer that is cut off, or none of Glue's: it tries again.
_INCOMPLETE = b'{"__type": "IncompleteAnswer", "message": "an answer is cut off, or none of Glue\'s"}'

#: What an answer has, by operation.
_LISTS = {"GetDatabases": "DatabaseList", "GetTables": "TableList", "GetPartitions": "Partitions"}

_DENIED = {"AccessDeniedException", "AccessDenied", "403"}
_GONE = {"EntityNotFoundException"}


class Partitions(NamedTuple):
    """Partitions of a table."""

    number: int
    elsewhere: frozenset[str]
    """Locations that are not in the table's own folder."""


def databases(origin: Origin) -> Iterator[Raw]:
    """The databases of a catalog, and those that other accounts share with it."""
    of_whom = {} if origin.catalog_id else {"ResourceShareType": "ALL"}
    return _each(origin, "get_databases", **of_whom)


def tables(origin: Origin, database: str) -> Iterator[Raw]:
    """The tables of a database."""
    return _each(origin, "get_tables", DatabaseName=database)


def refuse_orphan(origin: Origin, link: Raw) -> None:
    """Raises WindrowError unless the database or table that a link means is there, and may be read.

    That is an AccountError but where the region that the link names cannot be one.
    """
    if target := link.get("TargetTable"):
        elsewhere = origin._replace(region=target.get("Region") or origin.region)
        where = {"CatalogId": target["CatalogId"]} if target.get("CatalogId") else {}
        _client(elsewhere).get_table(DatabaseName=target["DatabaseName"], Name=target["Name"], **where)
    else:  # Glue follows it
        _client(origin).get_tables(DatabaseName=link["Name"], MaxResults=1, **_catalog(origin))


def partitions(origin: Origin, table: Raw, most: int) -> Partitions | None:
    """The partitions of a table; None if there are more than `most`. Raises AccountError."""
    tally = _Tally((table.get("StorageDescriptor") or {}).get("Location"), most)
    read = partial(_page_of_partitions, origin, table, tally)
    if read():  # and anew in segments, which know nothing of the first page
        tally.clear()

        def read_segment(number: int) -> None:
            """Adds the partitions of a segment, which has pages of its own."""
            segment = {"SegmentNumber": number, "TotalSegments": _SEGMENTS}
            token = read(Segment=segment)
            while token and not tally.is_full:
                token = next_token(token, read(Segment=segment, NextToken=token), "glue get_partitions")

        for _ in in_parallel(read_segment, range(_SEGMENTS)):
            pass
    return None if tally.is_full else Partitions(tally.count, frozenset(tally.elsewhere))


class _Tally:
    """Counts the partitions of a table, which several threads read."""

    def __init__(self, location: str | None, most: int) -> None:
        self._own, self._most = folder_of(location), most
        self.clear()

    def clear(self) -> None:
        """Forgets what was counted."""
        self._pages: list[int] = []
        self.elsewhere: set[str] = set()

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self._pages)

    @property
    def is_full(self) -> bool:
        """Whether there are more than are asked for."""
        return self.count > self._most

    def add(self, found: Collection[Raw]) -> None:
        """Takes a page. A partition without a location is where its table is."""
        self._pages.append(len(found))
        locations = {(one.get("StorageDescriptor") or {}).get("Location") for one in found}
        self.elsewhere.update(one for one in locations if one and not self._holds(folder_of(one)))

    def _holds(self, folder: Folder | None) -> bool:
        return bool(folder and self._own and self._own.holds(folder))


def _page_of_partitions(origin: Origin, table: Raw, tally: _Tally, **which: Any) -> str:
    """Reads a page, without columns, which are most of what Glue would send; the token of the next one, if any."""
    page = _client(origin).get_partitions(
        DatabaseName=table["DatabaseName"],
        TableName=table["Name"],
        ExcludeColumnSchema=True,
        MaxResults=_PAGE,
        **_catalog(origin),
        **which,
    )
    tally.add(page["Partitions"])
    return str(page.get("NextToken") or "")


def reason_of(error: WindrowError, is_link: bool = False) -> str:
    """Why a table, or a database, could not be read, or what a link means not be found."""
    code = error.code if isinstance(error, AccountError) else ""
    if is_link and code in _GONE:
        return Unmeasured.ORPHANED_LINK.with_code(code)
    kind = Unmeasured.DENIED if code in _DENIED else Unmeasured.VANISHED if code in _GONE else None
    return (kind or Unmeasured.FAILED).with_code(code)


def _each(origin: Origin, operation: str, **asked: Any) -> Iterator[Raw]:
    pages = _client(origin).get_paginator(operation)
    for page in pages.paginate(**_catalog(origin), **asked):
        yield from page[_LISTS[aws_name(operation)]]


def _catalog(origin: Origin) -> dict[str, str]:
    return {"CatalogId": origin.catalog_id} if origin.catalog_id else {}


def _client(origin: Origin) -> Any:
    found = origin.client("glue")
    found.meta.events.register("before-parse.glue", _parse, unique_id="windrow-pages")
    found.meta.events.register_first("needs-retry.glue", _tell_status, unique_id="windrow-status")
    return found


def _parse(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """botocore's handler before it parses an answer: leaves it nothing to parse of lists."""
    wanted = _LISTS.get(operation_model.name)
    if wanted is None or wanted in customized_response_dict or response_dict["status_code"] != 200:
        return
    told = None
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(response_dict["body"])
    if isinstance(told, dict) and wanted in told:
        customized_response_dict.update(told)
        response_dict["body"] = b"{}"
    else:
        response_dict.update(status_code=500, body=_INCOMPLETE)


def _tell_status(response: Any, **_: Any) -> None:
    """botocore's handler before it decides on another try, which goes by the status that came, not by the one above."""
    if response is not None:
        answer, parsed = response
        answer.status_code = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", answer.status_code)
