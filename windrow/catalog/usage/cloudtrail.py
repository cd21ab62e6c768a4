"""Uses of tables in records of CloudTrail: who asked Glue or Lake Formation for a table by its name.

Whoever is about to read a table asks for its schema (GetTable), its partitions (GetPartitions), and the credentials for
its files (GetDataAccess). Records are as AWS describes them:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/lake-formation/latest/dg/logging-using-cloudtrail.html
https://docs.aws.amazon.com/lake-formation/latest/dg/cross-account-logging.html
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from windrow.aws.roles import role_behind
from windrow.catalog.usage.sifted import Damaged, Record
from windrow.catalog.usage.uses import Table, Use

_GLUE, _LAKE_FORMATION = "glue.amazonaws.com", "lakeformation.amazonaws.com"
#: What each event asks for; a query asks for each of these once or more.
KINDS = {
    (_GLUE, "GetTable"): "schema",
    (_GLUE, "GetTables"): "schema",
    (_GLUE, "BatchGetTable"): "schema",
    (_GLUE, "GetUnfilteredTableMetadata"): "schema",
    (_GLUE, "GetPartition"): "partitions",
    (_GLUE, "GetPartitions"): "partitions",
    (_GLUE, "BatchGetPartition"): "partitions",
    (_GLUE, "GetUnfilteredPartitionMetadata"): "partitions",
    (_GLUE, "GetUnfilteredPartitionsMetadata"): "partitions",
    (_LAKE_FORMATION, "GetDataAccess"): "data",
}
_ARN = re.compile(r"arn:[^:]*:glue:([^:]+):([^:]+):table/(?:(s3tablescatalog/[^/]+)/)?([^/]+)/(.+)", re.DOTALL)
#: Signs by which GetTables means several tables.
_PATTERN = re.compile(r"[*|.?+^$()\[\]{}\\]")
_ACCOUNT = re.compile(r"\d{12}\b.*", re.DOTALL)
_ROLE = re.compile(r"arn:[^:]*:iam::(\d*):role/(?:.*/)?([^/]+)")
_SESSION = re.compile(r"arn:[^:]*:sts::(\d*):assumed-role/([^/]+)/(.*)", re.DOTALL)
#: The session of a role in which Glue's crawlers look after tables, as `CreatedBy` of theirs shows.
_CRAWLER = "AWS-Crawler"
#: Roles of AWS's identity center, of which each session is a person's.
_OF_PERSONS = "AWSReservedSSO_"


class LeftOut(StrEnum):
    """Why a request for a table is no use of it."""

    REFUSED = "requests that AWS refused"
    OWN = "requests of windrow's own"
    SERVICE = "requests of AWS's services on nobody's behalf"
    CRAWLER = "requests of crawlers"
    PAGE = "further pages of one answer"
    NAMELESS = "requests without the name of a table"


class _DamagedError(Exception):
    pass


def role_of(arn: str) -> str | None:
    """The account and name of a role, by its ARN or that of one of its sessions; None of any other.

    >>> role_of("arn:aws:iam::111122223333:role/teams/reader"), role_of("arn:aws:iam::111122223333:user/ann")
    ('111122223333 reader', None)
    """
    found = _ROLE.fullmatch(role_behind(arn))
    return f"{found[1]} {found[2]}" if found else None


def is_of_persons(role: str) -> bool:
    """Whether a role, as `role_of` names it, is one by which many persons sign in, each with a session of their own.

    >>> is_of_persons("111122223333 AWSReservedSSO_Analyst_1f"), is_of_persons("111122223333 reader")
    (True, False)
    """
    return role.partition(" ")[2].startswith(_OF_PERSONS)


def understood(record: Any, own: Collection[str] = ()) -> Record | Damaged:
    """What a record says of tables; `own` are windrow's roles, as `role_of` names them."""
    try:
        return _understood(record, own)
    except _DamagedError as error:
        name = record.get("eventID") if isinstance(record, Mapping) else None
        return Damaged(f"event {name}: {error}" if isinstance(name, str) else str(error))


def _understood(record: Any, own: Collection[str]) -> Record:
    if not isinstance(record, Mapping):
        raise _DamagedError("is no JSON object")
    day = _day(_text(record, "eventTime"))
    kind = KINDS.get((_text(record, "eventSource"), _text(record, "eventName")))
    if kind is None:
        return _of_else(day)
    why = _left_out(record, own)
    if why is None:
        tables = list(_tables(record, kind))
        if tables:
            event = record.get("sharedEventID") or _text(record, "eventID")  # copies in other accounts share one
            return Record(day, [Use(table, day, str(event), kind, _user(record)) for table in tables])
        why = LeftOut.NAMELESS
    return Record(day, left_out=why)


@lru_cache(100)
def _of_else(day: date) -> Record:
    """Of most records only the day counts; one object serves all."""
    return Record(day)


def _left_out(record: Mapping[str, Any], own: Collection[str]) -> LeftOut | None:
    identity, asked = _object(record, "userIdentity"), _object(record, "requestParameters")
    issuer = _object(_object(identity, "sessionContext"), "sessionIssuer")
    arns = [str(issuer.get("arn") or ""), str(identity.get("arn") or "")]
    if record.get("errorCode"):
        return LeftOut.REFUSED
    if "windrow" in str(record.get("userAgent")) or any(role_of(arn) in own for arn in arns):
        return LeftOut.OWN
    # Whom a service serves is named, with the service as invokedBy; by itself it compacts, or looks after rights.
    if identity.get("type") == "AWSService" or ":role/aws-service-role/" in arns[0]:
        return LeftOut.SERVICE
    session = _SESSION.fullmatch(arns[1])
    if session and session[3] == _CRAWLER:
        return LeftOut.CRAWLER
    if asked.get("nextToken") or _object(asked, "segment").get("segmentNumber"):
        return LeftOut.PAGE
    return None


def _tables(record: Mapping[str, Any], kind: str) -> Iterator[Table]:
    """The tables that a record names. Glue keeps names in lower case, whatever was asked for."""
    asked = _object(record, "requestParameters")
    if kind == "data":
        arn = asked.get("tableArn")
        found = _ARN.fullmatch(arn) if isinstance(arn, str) else None
        if found:
            region, account, catalog, database, name = found.groups()
            yield Table(f"{account}:{catalog}" if catalog else account, region, database.lower(), name.lower())
        return
    lists = (each for each in asked.values() if isinstance(each, list))
    for one in (asked, *(each for found in lists for each in found if isinstance(each, Mapping))):
        name = one.get("tableName") or one.get("name") or _exact(one.get("expression"))
        database = one.get("databaseName") or asked.get("databaseName")
        if name and database:
            if not isinstance(name, str) or not isinstance(database, str):
                raise _DamagedError(f"the name of its table is {name!r:.40}, of its database {database!r:.40}")
            account = _catalog(record, one.get("catalogId") or asked.get("catalogId"))
            yield Table(account, _text(record, "awsRegion"), database.lower(), name.lower())


def _exact(expression: Any) -> Any:
    """An expression that only one table fits."""
    return None if isinstance(expression, str) and _PATTERN.search(expression) else expression


def _catalog(record: Mapping[str, Any], named: Any) -> str:
    """The account as snapshots have it: of a catalog beside an account's own, that catalog's ID."""
    if not named:
        return _text(record, "recipientAccountId")
    return str(named) if _ACCOUNT.fullmatch(str(named)) else f"{_text(record, 'recipientAccountId')}:{named}"


def _user(record: Mapping[str, Any]) -> str | None:
    """Who asked: a person where AWS names one, else the role, whatever its sessions are called."""
    identity = _object(record, "userIdentity")
    person = _object(identity, "onBehalfOf").get("userId") or _object(identity, "sessionContext").get("sourceIdentity")
    if person:
        return str(person)
    arn = str(identity.get("arn") or _object(record, "additionalEventData").get("lakeFormationPrincipal") or "")
    session = _SESSION.fullmatch(arn)
    if session and session[2].startswith(_OF_PERSONS):
        return " ".join(session.groups())
    without_session = str(identity.get("principalId") or identity.get("accountId") or "").partition(":")[0]
    return role_of(arn) or arn or without_session or None


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a record, empty where there is none."""
    found = record.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _DamagedError(f"{name} is {found!r:.40}, but a JSON object in records of CloudTrail")
    return found


def _text(record: Mapping[str, Any], name: str) -> str:
    found = record.get(name)
    if not isinstance(found, str) or not found:
        raise _DamagedError(f"{name} is {found!r:.40}, but a text in records of CloudTrail")
    return found


def _day(time: str) -> date:
    try:
        moment = datetime.fromisoformat(time)
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        raise _DamagedError(
            f"eventTime is {time!r:.40}, but such as 2026-11-30T12:00:00Z in records of CloudTrail"
        ) from None
