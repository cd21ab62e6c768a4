"""The span of arrivals that a stream's URI asks for: ?from=trim-horizon|TIME&to=TIME.

Arrivals are times of the server's clock, not of bars, which --from and --to choose.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote

from windrow.errors import InputError
from windrow.times import SECOND

#: The `from` of all that is kept, as Kinesis calls it; the default.
OLDEST = "trim-horizon"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """Arrivals in [since, until), in ns since 1970; None: from the oldest kept, and up to now."""

    since: int | None
    until: int | None


def split_query(uri: str) -> tuple[str, dict[str, str]]:
    """A URI without its query, and what that asks for, by name. Raises InputError.

    >>> split_query("kinesis://bars?from=2023-01-03&to=2023-01-04T09:30Z")
    ('kinesis://bars', {'from': '2023-01-03', 'to': '2023-01-04T09:30Z'})
    """
    place, _, query = uri.partition("?")
    asked: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if name not in ("from", "to") or not equals or not value or name in asked:
            raise InputError(
                f"{uri}: {part!r} is not asked of a stream, or twice; a stream's URI ends in ?from=TIME&to=TIME, of"
                " which either may be left out; in a shell put it in quotes"
            )
        asked[name] = unquote(value)  # not +, which begins an offset
    return place, asked


def parse_span(uri: str, asked: Mapping[str, str]) -> Span:
    """The span that `from` and `to` mean: a date in `to` with its whole day, a time without itself.

    Raises InputError.
    """
    since = None if asked.get("from", OLDEST) == OLDEST else _time(uri, "from", asked["from"], 0)
    until = _time(uri, "to", asked["to"], 1) if "to" in asked else None
    if since is not None and until is not None and since >= until:
        raise InputError(
            f"{uri}: from={asked['from']} is not before to={asked['to']}, so no record is in between; give an earlier"
            " from, or a later to"
        )
    return Span(since, until)


def _time(uri: str, name: str, text: str, days: int) -> int:
    """A time in ns; a date in UTC begins at midnight, `days` later."""
    try:
        if len(text) > len("2023-01-31"):
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        else:  # 20230131 is a date too
            day = date.fromisoformat(text) + timedelta(days=days)
            found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"{uri}: {name}={text} is not a time; give {'trim-horizon, ' if name == 'from' else ''}a date such as"
            f" 2023-01-31, or a time such as 2023-01-31T09:30Z (without a zone it is UTC)"
        ) from None
    return (found - _EPOCH) // timedelta(microseconds=1) * 1000


def moment(ns: int) -> str:
    """A time as people read it.

    >>> moment(0)
    '1970-01-01 00:00:00Z'
    """
    return f"{datetime.fromtimestamp(ns // SECOND, UTC):%Y-%m-%d %H:%M:%S}Z"
