"""Files of CloudTrail's trails, and the events that CloudTrail keeps without one.

    AWSLogs/[O-ID/]ACCOUNT/CloudTrail/REGION/2026/11/30/ACCOUNT_CloudTrail_REGION_20261130T0005Z_....json.gz

The day of a folder is that on which its files were delivered, some minutes after what they tell of:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
Folders of days before those that are counted are not looked into, nor those of days after them but the first.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice

import orjson

from windrow.aws.client import explained
from windrow.aws.pace import Pace
from windrow.aws.parallel import in_parallel
from windrow.catalog.origins import Origin
from windrow.catalog.usage.cloudtrail import KINDS, understood
from windrow.catalog.usage.sifted import Damaged, Record, Sifted
from windrow.errors import AccountError, InputError
from windrow.storage.open import open_text
from windrow.storage.source import source_of

#: How long CloudTrail keeps events without a trail, and how often it may be asked: in a region of an account.
KEPT = timedelta(days=90)
_CALLS_A_SECOND = 2
_PAGE = 50
_DAY = timedelta(days=1)

_SUFFIXES = (".json", ".json.gz")
#: Folders of a region: REGION/YYYY/MM/DD/, the first ones or all.
_DATED = re.compile(r".*/CloudTrail/[a-z0-9-]+/(\d{4}(?:/\d\d(?:/\d\d)?)?)/", re.DOTALL)
#: What else CloudTrail writes beside its logs: digests of them, and insights.
_BESIDE = re.compile(r".*/CloudTrail-\w+/", re.DOTALL)
#: Files that are read at a time where they are elsewhere; one has some megabytes, at most this many bytes of text.
_FILES, _MOST = 4, 1 << 29
_BATCH = 16

#: Takes what is being read.
Progress = Callable[[str], object]


def read_trail(place: str, own: Collection[str], sifted: Sifted, progress: Progress) -> None:
    """Reads the files of a trail: a file, or those of a folder; `own` are windrow's roles, as `role_of` names them.

    Raises InputError where there is none. Of each only what is a use of a table is kept.
    """
    names = files(place, sifted.first, sifted.last)
    read = partial(_records_told, own=own)
    is_remote = source_of(place).remote
    count = 0
    while batch := list(islice(names, _BATCH)):
        for uri, told in zip(batch, in_parallel(read, batch, _FILES) if is_remote else map(read, batch), strict=True):
            if isinstance(told, str):
                sifted.damage("files that cannot be read", told)
            else:
                sifted.take(told)
            count += 1
            progress(f"{count:,} files, {uri.rpartition('/')[2]}")
    if not count:
        raise InputError(
            f"--trail {place}: has no file of CloudTrail, that is no .json or .json.gz, delivered from {sifted.first}"
            f" to {sifted.last + _DAY}; name a file, or a folder such as s3://BUCKET/AWSLogs/"
        )


def files(place: str, first: date, last: date) -> Iterator[str]:
    """URIs of the files of a trail that may have records of these days."""
    source = source_of(place)
    is_empty = True
    for uri in _below(place, first, last):
        is_empty = False
        yield uri
    if is_empty and place.lower().endswith(_SUFFIXES) and source.revision(place) is not None:
        yield place


def _below(folder: str, first: date, last: date) -> Iterator[str]:
    for uri in source_of(folder).level(folder):
        if uri.endswith("/"):
            if not _BESIDE.fullmatch(uri) and _may_have(uri, first, last):
                yield from _below(uri, first, last)
        elif uri.lower().endswith(_SUFFIXES):
            yield uri


def _may_have(folder: str, first: date, last: date) -> bool:
    """Whether files of a folder may have been delivered on the days that count, or on the day after."""
    found = _DATED.fullmatch(folder)
    if not found:
        return True
    from_, to = (f"{day:%Y/%m/%d}"[: len(found[1])] for day in (first, last + _DAY))
    return from_ <= found[1] <= to


def _records_told(uri: str, own: Collection[str]) -> Sequence[Record | Damaged] | str:
    """The records of a file; a text where it cannot be read, which says why."""
    try:
        with open_text(uri) as file:
            content = file.read(_MOST + 1)
    except InputError as error:
        return str(error)
    if len(content) > _MOST:
        return f"{uri}: is more than {_MOST:,} bytes of text, and no log of CloudTrail is"
    try:
        told = orjson.loads(content)
        records = told["Records"]
        if not isinstance(records, list):
            raise TypeError
    except (ValueError, TypeError, KeyError):
        return f'{uri}: is no log of CloudTrail, which is {{"Records": [...]}}'
    found = (understood(record, own) for record in records)
    return [Damaged(f"{uri}: {one.why}") if isinstance(one, Damaged) else one for one in found]


def read_events(origins: Sequence[Origin], own: Collection[str], sifted: Sifted, progress: Progress) -> None:
    """Looks up the events that CloudTrail keeps. Raises AccountError where no origin lets them be looked up."""

    def read(origin: Origin) -> AccountError | None:
        try:
            for count, page in enumerate(_pages(origin, sifted.first, sifted.last), 1):
                sifted.take(understood(record, own) for record in page)
                progress(f"{origin}: {count:,} pages of events")
        except AccountError as error:
            return error
        return None

    refused = [(origin, error) for origin, error in zip(origins, in_parallel(read, origins), strict=True) if error]
    sifted.miss(refused, len(origins))


def _pages(origin: Origin, first: date, last: date) -> Iterator[list[object]]:
    """The events of each kind of request: CloudTrail looks up by one name at a time."""
    with explained("cloudtrail"):
        client = origin.new_client("cloudtrail")
    client.meta.events.register_first("before-send.cloudtrail", Pace(_CALLS_A_SECOND).wait)
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last + _DAY))
    with explained("cloudtrail lookup_events"):
        for name in sorted({name for _, name in KINDS}):
            pages = client.get_paginator("lookup_events").paginate(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=start,
                EndTime=end - timedelta(seconds=1),
                PaginationConfig={"PageSize": _PAGE},
            )
            for page in pages:
                yield [_parsed(event.get("CloudTrailEvent")) for event in page["Events"]]


def _parsed(text: object) -> object:
    """An event as its record has it; what is no JSON stays a text, and is none."""
    try:
        return orjson.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text
