"""Bars of any input that windrow reads, by symbol, for the collector. Memory: about 64 bytes a bar."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from windrow.bars.columns import Bars, join_bars
from windrow.errors import ConflictError, InputError
from windrow.market.sources import Fetched
from windrow.storage.sql.schema import LONGEST_SYMBOL, VALUES
from windrow.times import format_time

#: Distances that must be there before the most frequent one means anything, and before half of them are enough.
_FEW, _MANY = 4, 20


class Filed(NamedTuple):
    """Bars in order of (symbol, time), each once, with the columns that the inputs have."""

    bars: Bars
    names: tuple[str, ...]
    edges: tuple[int, ...]
    """Where each symbol's bars begin, and the end."""

    @property
    def symbols(self) -> list[str]:
        """The symbols, in order of their bars."""
        return [self.bars.symbols[self.bars.codes[begin]] for begin in self.edges[:-1]]

    @property
    def apart(self) -> int:
        """How far most bars are from the one before of their symbol, ns; 0 where no distance is that of most.

        Of few bars three in four must agree: days of a week are a day apart, but for one weekend.
        """
        within = np.ones(max(len(self.bars.times) - 1, 0), bool)
        within[[edge - 1 for edge in self.edges[1:-1]]] = False
        found, counts = np.unique(np.diff(self.bars.times)[within], return_counts=True)
        every = counts.sum()
        if every < _FEW or counts.max() * 2 <= every or (every < _MANY and counts.max() * 4 < every * 3):
            return 0
        return int(found[counts.argmax()])

    def each(self) -> Iterator[Fetched]:
        """The bars of each symbol."""
        for symbol, begin, end in zip(self.symbols, self.edges, self.edges[1:], strict=False):
            columns = zip(self.names, self.bars.values, strict=True)
            yield Fetched(symbol, self.bars.times[begin:end], {name: column[begin:end] for name, column in columns})


def without_closes(parts: Sequence[Bars], names: Sequence[str]) -> tuple[list[Bars], int]:
    """The bars that have a close, which each bar of a table must have, and how many others there are."""
    if "close" not in names:
        return list(parts), 0
    at, kept, dropped = names.index("close"), [], 0
    for part in parts:
        has = ~np.isnan(part.values[at])
        dropped += len(has) - int(np.count_nonzero(has))
        kept.append(
            replace(
                part, codes=part.codes[has], times=part.times[has], values=[column[has] for column in part.values],
                timed=part.timed[has],
            )
        )  # fmt: skip
    return kept, dropped


def filed(parts: Sequence[Bars], names: Sequence[str]) -> Filed:
    """Puts chunks of bars in order; exact repeats are dropped.

    Raises ConflictError for different bars at one symbol and time, InputError for times that a table cannot keep and
    for columns that it has not.
    """
    if unknown := [name for name in names if name not in VALUES]:
        raise InputError(f"column {unknown[0]}: a table of bars has none; it keeps {', '.join(VALUES)}; name these")
    if "close" not in names:
        raise InputError(f"the inputs have {', '.join(names) or 'no values'}, and no close, which every bar needs")
    bars = join_bars(parts)
    if long := [symbol for symbol in bars.symbols if len(symbol) > LONGEST_SYMBOL]:
        raise InputError(
            f"{long[0]}: a symbol has at most {LONGEST_SYMBOL} characters, as many as a table keeps; leave it out by"
            " --symbols, or shorten it"
        )
    order = np.lexsort((bars.times, bars.codes))
    codes, times = bars.codes[order], bars.times[order]
    values = [column[order] for column in bars.values]
    again = (codes[1:] == codes[:-1]) & (times[1:] == times[:-1])
    same = np.logical_and.reduce([(c[1:] == c[:-1]) | (np.isnan(c[1:]) & np.isnan(c[:-1])) for c in values])
    if (odd := np.flatnonzero(again & ~same)).size:
        at = odd[0]
        time = format_time(int(times[at]))
        one, other = ({n: float(c[i]) for n, c in zip(names, values, strict=True)} for i in (at, at + 1))
        raise ConflictError(
            f"{bars.symbols[codes[at]]} at {time}: {one} and {other}: {len(odd):,} bars differ from another of their"
            " symbol and time; a symbol has one bar at a time; drop the wrong ones"
        )
    if (finer := np.flatnonzero(times % 1000)).size:
        time = format_time(int(times[finer[0]]))
        raise InputError(f"{bars.symbols[codes[finer[0]]]} at {time}: a table keeps microseconds; cut times to these")
    kept = np.concatenate([np.ones(min(len(times), 1), bool), ~again])
    codes, times, values = codes[kept], times[kept], [column[kept] for column in values]
    edges = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]]) if len(codes) else np.zeros(1, int)
    return Filed(Bars(bars.symbols, codes, times, values, bars.timed), tuple(names), tuple(edges.tolist()))
