"""kafka://HOST:PORT/TOPIC?from=TIME&to=TIME -> brokers, topic, and the span of arrivals that is asked for."""

import re
from typing import NamedTuple

from windrow.errors import InputError
from windrow.storage.arrivals import Span, parse_span, split_query

_BROKER = r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_PLACE = re.compile(rf"kafka://({_BROKER}(?:,{_BROKER})*)/([A-Za-z0-9._-]{{1,249}})/?", re.IGNORECASE)


class Named(NamedTuple):
    """A topic by its brokers, as Kafka's clients name them, and its name; and the arrivals asked for."""

    brokers: str
    topic: str
    span: Span


def parse(uri: str) -> Named:
    """What a URI names. Raises InputError; its text repeats no user and password.

    >>> parse("kafka://127.0.0.1:9092/bars?to=1970-01-02T00:00Z")
    Named(brokers='127.0.0.1:9092', topic='bars', span=Span(since=None, until=86400000000000))
    """
    place, asked = split_query(uri)
    found = _PLACE.fullmatch(place)
    if found is None or found[2] in (".", ".."):
        login = "; a user and a password are set in a file that WINDROW_KAFKA_CONFIG names" if "@" in place else ""
        raise InputError(
            f"{uri}: names no topic of Kafka: its name has 1 to 249 letters, digits, dots, hyphens and"
            f" underscores{login}; give kafka://HOST:PORT/TOPIC?from=TIME&to=TIME"
        )
    return Named(found[1], found[2], parse_span(uri, asked))
