"""Whether a line is a header, and whether it agrees with the columns that were settled for its file."""

import re
from collections.abc import Iterator, Sequence

from windrow.bars.columns import Layout
from windrow.bars.layout import ALIASES, SYMBOL_NAMES, TIME_NAMES, split_header, without_unit
from windrow.errors import InputError

_VALUES = ("open", "high", "low", "close", "volume", "adj_close")
_MARK = b"\xef\xbb\xbf"
#: One of these is in every name of a time or value, and so two known names have one of them.
_WORDS = (b"time", b"date", b"dt", b"open", b"high", b"low", b"close", b"vol")
_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?")


def meaning(name: str) -> str | None:
    """What a column of this (normalised) name holds, if the name is a known one.

    >>> [meaning(name) for name in ("ticker", "dt", "vol", "close", "note")]
    ['symbol', 'time', 'volume', 'close', None]
    """
    name = without_unit(name)
    if name in SYMBOL_NAMES:
        return "symbol"
    if name in TIME_NAMES:
        return "time"
    return next((known for known in _VALUES if name == known or name in ALIASES.get(known, ())), None)


def is_header(names: Sequence[str]) -> bool:
    """Whether the fields of a line that is no bar are names: two known ones, and no number.

    >>> is_header(["date", "close", "note"]), is_header(["date", "2.5", "close"]), is_header(["aa", "n/a", "close"])
    (True, False, False)
    """
    return len({meaning(name) for name in names} - {None}) > 1 and not has_numbers(names)


def has_numbers(names: Sequence[str]) -> bool:
    """Whether any field is a number, which no name of a column is.

    >>> has_numbers(["date", "sma20"]), has_numbers(["date", "-2e5"])
    (False, True)
    """
    return any(_NUMBER.fullmatch(name) for name in names)


def names_in(line: bytes, delimiter: str = ",") -> tuple[str, ...] | None:
    """The normalised fields of a line; None if it is not a line of CSV text."""
    try:
        return split_header(line, "", delimiter)
    except InputError:
        return None


def repeats_header(line: bytes, layout: Layout) -> bool | None:
    """Whether an invalid row is a header of the columns that are needed (True), or of others (False), or none (None).

    >>> layout = Layout(("date", "open", "close"), None, "date", ("close",))
    >>> [repeats_header(line, layout) for line in (b"DATE,Open,Close", b"date,close,open", b"2008-03-05,a,b")]
    [True, False, None]
    """
    line = line.removeprefix(_MARK)
    if line == layout.header:
        return True
    if (names := names_in(line, layout.form.delimiter)) is None or not is_header(names):
        return None
    return len(names) == len(layout.names) and all(
        _are_one(names[layout.names.index(name)], name) for name in layout.needed
    )


def may_hold_header(chunk: bytes, layout: Layout) -> bool:
    """Whether any of these lines would be a header if it is no bar; memory: the chunk's."""
    if layout.header is not None and layout.header in chunk:
        return True
    lines = chunk.lower()
    return any(repeats_header(line, layout) is not None for word in _WORDS for line in _lines_with(word, lines))


def _lines_with(word: bytes, lines: bytes) -> Iterator[bytes]:
    at = lines.find(word)
    while at >= 0:
        end = lines.find(b"\n", at) % (len(lines) + 1)
        yield lines[lines.rfind(b"\n", 0, at) + 1 : end].rstrip(b"\r")
        at = lines.find(word, end)


def _are_one(one: str, other: str) -> bool:
    return one == other or (meaning(one) is not None and meaning(one) == meaning(other))


def contradiction(header: Sequence[str], columns: Sequence[str]) -> str | None:
    """How --columns contradicts the names in a file's own header; None if it does not.

    Names that are not known contradict nothing; of columns that share a name, --columns may choose one.

    >>> contradiction(["date", "close", "open"], ["date", "open", "close"])
    "its column 2 is 'close' in its header, 'open' in --columns"
    >>> contradiction(["day", "close", "close"], ["date", "close", "other"])
    """
    meant, asked = [meaning(name) for name in header], [meaning(name) for name in columns]
    for place, (one, other) in enumerate(zip(meant, asked, strict=False)):
        if (one and other and one != other) or (other and other in meant and one != other):
            return f"its column {place + 1} is {header[place]!r} in its header, {columns[place]!r} in --columns"
    if len(header) != len(columns):
        return f"its header names {len(header)} columns, --columns {len(columns)}"
    return None


def refuse_contradiction(path: str, header: Sequence[str], columns: Sequence[str]) -> None:
    """Raises InputError if --columns contradicts the header of this file."""
    if (how := contradiction(header, columns)) is not None:
        raise InputError(
            f"{path}: {how}; --columns is for files whose header is missing or has other names; leave it out, or give"
            f" --columns {','.join(header)}"
        )
