r"""Invalid rows -> lines of JSON: {"file": ..., "reason": ..., "text": ...}.

A line has no symbol: a row whose symbol cannot be read is invalid too. Its text is cut at 1 KiB; bytes that are not
UTF-8 are written as \xNN.
"""

import os
from collections.abc import Iterable, Iterator

import orjson

from windrow.bars.columns import Rejected
from windrow.console import shown_json
from windrow.sinks.fields import Field

#: The entries of a line, which are the columns of a table.
FIELDS = (Field("file", "entry"), Field("reason", "entry"), Field("text", "entry"))


def rejected_lines(rows: Iterable[Rejected], source: str) -> Iterator[bytes]:
    r"""A line for each invalid row of the input at a path.

    >>> list(rejected_lines([Rejected("number", b"AA,2020-01-02,\xff")], "a.csv"))
    [b'{"file":"a.csv","reason":"number","text":"AA,2020-01-02,\\\\xff"}\n']
    """
    file = readable(os.fsencode(source))
    for reason, text in rows:
        yield shown_json(orjson.dumps({"file": file, "reason": reason, "text": readable(text)})) + b"\n"


def readable(text: bytes) -> str:
    r"""A text, or the name of a file, of any bytes: those that are not UTF-8 as \xNN."""
    return text.decode(errors="backslashreplace")
