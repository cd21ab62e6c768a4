"""What tasks report in words: a conflict, or the error that stopped them, as names of counters.

Only counters reach the submitter from any task of any runner. Hadoop allows a job 120 of them, of all tasks together,
and a name of 64 characters, so a report is short, and the more reducers there are, the shorter is each one's.
"""

import os
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase, digits
from urllib.parse import quote_plus, unquote_plus
from zlib import crc32

import numpy as np

from sort_keys.keys import decode_symbol, encode_symbol
from sort_keys.merge import Conflict
from windrow.errors import fitting
from windrow.runners.simulated import OWN_TASK
from windrow.times import format_times

#: Names of counters for what all tasks together report one by one; about 30 counters are numbers.
NAMES = 60
#: Names for one report at most.
MOST = 8
#: Plus the seven characters before it: Hadoop cuts names of counters at 64, whatever its options say.
_NAME_LENGTH = 56
#: The places of pieces, a character each, in their order.
_PLACES = digits + ascii_lowercase
_HARMLESS = "()[]{}<>/:;.=-_!?*@#$^&|~`'\"\\"
#: Characters of a symbol that are shown; fewer where there are names for fewer.
_SHOWN = (100, 40, 20, 10, 5)
#: Between a symbol's beginning and its length; no encoded symbol has it.
_CUT = "%%"


def names_of(text: str, most: int = MOST) -> list[str]:
    """A text as names of counters, which are short and contain no comma; `joined` joins it again.

    Of one that is too long for `most` names the middle is left out.

    >>> names_of("a, b")
    ['UWY5I0 a%2C+b']
    >>> joined(names_of("begins " + "x" * 20_000 + " ends", 1))
    ['begins xxxxxxxxxxxxxxxxxxxxxxxxxxx ... xxxxxxxxxxxx ends']
    """
    text = fitting(text, most * _NAME_LENGTH, lambda text: len(_safe(text)))
    safe = _safe(text)
    mark = b32encode(crc32(text.encode()).to_bytes(4, "big"))[:5].decode()
    pieces = [safe[at : at + _NAME_LENGTH] for at in range(0, len(safe), _NAME_LENGTH)]
    return [f"{mark}{place} {piece}" for place, piece in zip(_PLACES, pieces, strict=False)]


def joined(names: Iterable[str]) -> list[str]:
    """The texts that names of counters spell, in order."""
    pieces: dict[str, str] = {}
    for name in sorted(names):
        pieces[name[:5]] = pieces.get(name[:5], "") + name[7:]
    return sorted(unquote_plus(text) for text in pieces.values())


def _safe(text: str) -> str:
    return quote_plus(text, safe=_HARMLESS, errors="replace")  # Hadoop trims blanks


def names_for_inputs(environment: Mapping[str, str] = os.environ) -> int:
    """How many names the one reducer that knows all inputs may use for what is wrong with the first."""
    return 3 * MOST if OWN_TASK in environment else MOST


def names_for_task(environment: Mapping[str, str] = os.environ) -> int:
    """How many names a reducer, or a mapper of a job without any, may use: any here, its share of NAMES on Hadoop.

    >>> [names_for_task({"mapreduce_job_reduces": reducers}) for reducers in ("2", "20", "60")]
    [8, 3, 1]
    >>> [names_for_task({"mapreduce_job_reduces": "61", "mapreduce_task_partition": n}) for n in ("59", "60")]
    [1, 0]
    >>> names_for_task({"mapreduce_job_reduces": "0", "mapreduce_job_maps": "30"})
    2
    """
    if OWN_TASK in environment:
        return MOST
    reducers = int(environment.get("mapreduce_job_reduces", 1))
    tasks = reducers or int(environment.get("mapreduce_job_maps", 1))
    if tasks > NAMES:
        return int(int(environment.get("mapreduce_task_partition", 0)) < NAMES)
    return min(MOST, NAMES // max(1, tasks))


def conflict_text(conflict: Conflict, columns: Sequence[str], dated: bool, most: int = MOST) -> str:
    """A conflict for `names_of`, so short that it needs no more than `most` names; `read_conflict` reads it.

    What does not fit is left out: first columns, then a long symbol's end, then the values.

    >>> conflict_text(Conflict(b"AAPL", 0, (1.5, 7.0), (1.25, 7.0)), ["close", "volume"], True)
    'AAPL 1Y2P0IJ32E8E8 d close 1.5 1.25'
    """
    time = np.base_repr(conflict.time + (1 << 63), 36)
    different = [
        f"{_safe(name)} {first!r} {second!r}"
        for name, first, second in zip(columns, conflict.one, conflict.other, strict=True)
        if first != second
    ]
    symbol = decode_symbol(conflict.symbol)
    for shown in range(len(different), -1, -1):
        for length in _SHOWN if shown <= 1 else _SHOWN[:1]:
            more = ["+"] if 0 < shown < len(different) else []
            text = " ".join([_cut(symbol, length), time, "d" if dated else "t", *different[:shown], *more])
            if len(_safe(text)) <= most * _NAME_LENGTH:
                return text
    return text


def _cut(symbol: str, length: int) -> str:
    """An encoded symbol, or its beginning and its length."""
    encoded = encode_symbol(symbol[:length]).decode().replace(" ", "%20")
    return encoded if len(symbol) <= length else f"{encoded}{_CUT}{len(symbol)}"


def read_conflict(text: str) -> tuple[tuple[bytes, int], str]:
    """What orders conflicts, by symbol and time, and the conflict as shown to the user.

    >>> read_conflict("AAPL 1Y2P0IJ32E8E8 d close 1.5 1.25")[1]
    'AAPL at 1970-01-01 has close 1.5 and 1.25'
    """
    symbol, digits, kind, *different = text.split(" ")
    begins, _, length = symbol.partition(_CUT)
    name = decode_symbol(begins.encode()) + (f"... ({int(length):,} characters)" if length else "")
    time = int(digits, 36) - (1 << 63)
    at = format_times(np.array([time]), kind == "d")[0].decode()
    values = [
        f"{unquote_plus(column)} {one} and {other}"
        for column, one, other in zip(different[0::3], different[1::3], different[2::3], strict=False)
    ]
    values += ["other columns that differ"] if different[-1:] == ["+"] else []
    return (begins.encode(), time), f"{name} at {at} has {', '.join(values) or 'different values'}"
