"""Slots: spans of time that no block crosses.

Where blocks of many mappers overlap, a reducer holds what it cannot release yet. That is at most one slot of
one symbol, because every block is within one slot. A slot bounds memory, never correctness: any span gives
the same output.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from windrow.arrays import Ints

#: Bars of one symbol that a slot should hold: some 64 KB per column in a reducer, and long enough blocks.
BARS_PER_SLOT = 8192


@dataclass(frozen=True)
class Slots:
    """Slot spans in nanoseconds: one for most symbols, others for dense ones.

    >>> day = 86_400 * 10**9
    >>> slots = Slots(30 * day, {"ES": day})
    >>> slots.edges(["AA", "ES"], np.array([0, 3]), np.array([1, 2, 40, 0, 1, 2]) * day).tolist()
    [2, 4, 5]
    """

    span: int
    dense: Mapping[str, int] = field(default_factory=dict)

    def edges(self, symbols: list[str], starts: Ints, times: Ints) -> Ints:
        """Positions in `times` (ns, ascending within a symbol) at which a symbol passes into its next slot.

        `symbols[i]` begins at `starts[i]`.
        """
        slot = times // self.span
        if self.dense:
            ends = np.append(starts, len(times))[1:]
            for symbol, start, end in zip(symbols, starts, ends, strict=True):
                if symbol in self.dense:
                    slot[start:end] = times[start:end] // self.dense[symbol]
        changed = slot[1:] != slot[:-1]
        changed[starts[1:] - 1] = False
        return np.flatnonzero(changed) + 1

    def span_of(self, symbol: str) -> int:
        """The span (ns) of a symbol's slots.

        >>> Slots(10, {"ES": 5}).span_of("AA"), Slots(10, {"ES": 5}).span_of("ES")
        (10, 5)
        """
        return self.dense.get(symbol, self.span)

    def numbers(self, times: Ints) -> Ints:
        """The numbers of the spans that hold times (ns), counted from 0 at the earliest possible time.

        >>> Slots(1 << 60).numbers(np.array([-(1 << 63), -1, 0])).tolist()
        [0, 7, 8]
        """
        earliest = -(1 << 63) // self.span
        return np.asarray(times // self.span - earliest, np.int64)

    def to_json(self) -> dict[str, Any]:
        """As it is passed to the tasks."""
        return {"span": self.span, "dense": dict(self.dense)}
