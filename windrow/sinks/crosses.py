"""Crosses -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> golden|death <tab> price <tab> fast <tab> slow`.

With several pairs, a last field holds a line's pair, e.g. `sma:50/sma:200`. Values and times are written as in
windrow/sinks/lines.py.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import orjson

from sort_keys.merge import Stretch
from windrow.sinks.fields import SYMBOL, TIME, Field
from windrow.times import format_times
from windrow.trading.signals import Found, Pair, Signals

#: A signal by its sign.
SIGNALS = {1: "golden", -1: "death"}
#: Names of the fields that are not numbers.
TEXT_FIELDS = ("signal", "pair")


def names_of(pairs: int) -> list[str]:
    """Names of a line's fields after symbol and timestamp, for a number of pairs.

    >>> names_of(1), names_of(3)[4:]
    (['signal', 'price', 'fast', 'slow'], ['pair'])
    """
    return ["signal", "price", "fast", "slow", "pair"][: 5 if pairs > 1 else 4]


def fields_of(pairs: int) -> list[Field]:
    """The fields of a line, for a number of pairs."""
    return [SYMBOL, TIME, *(Field(name, "text" if name in TEXT_FIELDS else "number") for name in names_of(pairs))]


def is_cross(line: bytes) -> bool:
    r"""Whether a line is of this form.

    >>> is_cross(b"AA\t1970-01-03\tgolden\t3.0\t3.0\t2.5\n"), is_cross(b"AA\t1970-01-03\t3.0\n")
    (True, False)
    """
    fields = line.split(b"\t")
    return len(fields) in (6, 7) and fields[2].decode(errors="replace") in SIGNALS.values()


def signal_lines(signals: Signals, stretches: Iterable[Stretch], dated: bool) -> Iterator[bytes]:
    """A line for each cross among the bars of a reducer's stretches, which have the signals' columns."""
    for stretch in stretches:
        found = signals.push(stretch.times, *stretch.values, starts=stretch.new_starts)
        if len(found.positions):
            yield from format_signals(stretch, found, signals.pairs, dated)


def format_signals(stretch: Stretch, found: Found, pairs: Sequence[Pair], dated: bool) -> Iterator[bytes]:
    r"""A line for each of the crosses, at least one, that were found among a stretch's bars.

    >>> from windrow.trading.signals import parse_pairs
    >>> prices = np.array([3.0, 2.0, 3.0])
    >>> bars = Stretch([b"AA"], np.array([0]), False, np.arange(3) * 86_400 * 10**9, [prices])
    >>> list(signal_lines(Signals(parse_pairs(["close"], ["sma:2"])), [bars], dated=True))
    [b'AA\t1970-01-03\tgolden\t3.0\t3.0\t2.5\n']
    """
    ends = [f"\t{pair}\n".encode() for pair in pairs] if len(pairs) > 1 else [b"\n"]
    words = {sign: word.encode() for sign, word in SIGNALS.items()}
    owners = (np.searchsorted(stretch.starts, found.positions, side="right") - 1).tolist()
    times = format_times(stretch.times[found.positions], dated)
    values = orjson.dumps(np.column_stack(found[3:]), option=orjson.OPT_SERIALIZE_NUMPY)
    rows = values[2:-2].replace(b",", b"\t").split(b"]\t[")
    crosses = zip(owners, times, found.signs.tolist(), rows, found.pairs.tolist(), strict=True)
    for owner, time, sign, row, pair in crosses:
        yield b"%b\t%b\t%b\t%b%b" % (stretch.symbols[owner], time, words[sign], row, ends[pair])
