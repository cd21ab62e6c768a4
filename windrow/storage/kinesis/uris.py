"""kinesis://STREAM?from=TIME&to=TIME -> the stream, and the span of arrivals that is asked for."""

import re
from typing import NamedTuple

from windrow.errors import InputError
from windrow.storage.arrivals import Span, parse_span, split_query

_STREAM = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


class Named(NamedTuple):
    """A stream by its name, and the arrivals asked for."""

    stream: str
    span: Span


def parse(uri: str) -> Named:
    """What a URI names. Raises InputError.

    >>> parse("kinesis://bars?from=1970-01-02")
    Named(stream='bars', span=Span(since=86400000000000, until=None))
    """
    stream, asked = split_query(uri)
    stream = stream.partition("://")[2].rstrip("/")
    if not _STREAM.fullmatch(stream):
        raise InputError(
            f"{uri}: {stream!r} is not a name of a stream of Kinesis: these have 1 to 128 letters, digits, dots,"
            " hyphens and underscores; give kinesis://STREAM?from=TIME&to=TIME"
        )
    return Named(stream, parse_span(uri, asked))
