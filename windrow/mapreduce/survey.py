"""Surveys: a job's reducers know something of all bars of a symbol before they get the first of them.

A job that needs it has two steps. Both have the same keys, so a symbol's bars are in order of time in either:

    first step     map      bars -> blocks                                     as of any job
                   reduce   merge; pass the bars on as blocks, and after the   AA  2024-01-02  block
                            last bar of a symbol what its survey told          AA  2024-01-09  block
                                                                               AA  earliest    summary
    second step    reduce   by the order of keys the summary comes first       AA  earliest    summary
                                                                               AA  2024-01-02  block
                                                                               AA  2024-01-09  block

What was last to be known is first to be read: the order inversion of Lin and Dyer, "Data-Intensive Text Processing with
MapReduce" (2010), chapter 3.3. No reducer holds a symbol's bars, on any runner: memory is a batch of blocks, one
survey, and the summaries of the symbols in a batch. The earliest key is before that of any bar (years 1678-2261).
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeAlias

import orjson

from sort_keys.blocks import Columns, write_blocks
from sort_keys.keys import decode_symbol, encode_time
from sort_keys.merge import Merge, Piece, Stretch
from sort_keys.slots import Slots
from windrow.errors import InputError

#: What a survey tells, as JSON.
Summary: TypeAlias = Any

_EARLIEST = encode_time(-(1 << 63))


class Survey(Protocol):
    """What the first step makes of a symbol's bars; in memory that does not grow with them."""

    def push(self, piece: Piece) -> None:
        """Takes the next bars, in order of time."""
        ...

    def summary(self) -> Summary:
        """What is to be known of all of them, as JSON; floats keep their bits."""
        ...


class Surveys(Protocol):
    """Makes a survey for each symbol."""

    def __call__(self) -> Survey:
        """A new survey."""
        ...


class Known(NamedTuple):
    """A stretch of bars, and the summaries of the symbols that begin in it, in order; none without a survey."""

    stretch: Stretch
    summaries: list[Summary]


def surveyed(stretches: Iterable[Stretch], survey: Surveys, slots: Slots, block_bars: int) -> Iterator[bytes]:
    r"""Lines of the first step: the bars as blocks, and each symbol's summary after its last.

    >>> class Bars:
    ...     bars = 0
    ...     def push(self, piece): self.bars += len(piece.times)
    ...     def summary(self): return self.bars
    >>> import numpy as np
    >>> one = Stretch([b"A", b"B"], np.array([0, 1]), False, np.array([5, 3]), [np.array([1.0, 2.0])])
    >>> two = Stretch([b"B"], np.array([0]), True, np.array([4]), [np.array([7.0])])
    >>> [line.split(b"\t")[::2] for line in surveyed([one, two], Bars, Slots(1), 1) if line.split()[1][:1] == b"0"]
    [[b'A', b'1\n'], [b'B', b'2\n']]
    """
    symbol, current = b"", survey()
    for stretch in stretches:
        bounds = pairwise([*stretch.starts.tolist(), len(stretch.times)])
        for number, (name, (begin, end)) in enumerate(zip(stretch.symbols, bounds, strict=True)):
            if number or not stretch.continued:
                if symbol:
                    yield _summary_line(symbol, current)
                symbol, current = name, survey()
            current.push(Piece(stretch.times[begin:end], [value[begin:end] for value in stretch.values]))
        names = list(map(decode_symbol, stretch.symbols))
        yield from write_blocks(Columns(names, stretch.starts, stretch.times, stretch.values), slots, block_bars)
    if symbol:
        yield _summary_line(symbol, current)


def _summary_line(symbol: bytes, survey: Survey) -> bytes:
    return b"%b\t%b\t%b\n" % (symbol, _EARLIEST, orjson.dumps(survey.summary()))


def known(merge: Merge, lines: Iterable[bytes]) -> Iterator[Known]:
    """Stretches with their summaries, from the sorted lines of the first step.

    Raises InputError for bars of a symbol without a summary.
    """
    summaries: dict[bytes, bytes] = {}
    for stretch in merge.stretches(_blocks(lines, summaries)):
        new = stretch.symbols[1:] if stretch.continued else stretch.symbols
        yield Known(stretch, [_taken(summaries, symbol) for symbol in new])


def _blocks(lines: Iterable[bytes], summaries: dict[bytes, bytes]) -> Iterator[bytes]:
    """The lines that are blocks; summaries are put aside until their symbol's bars are released."""
    for line in lines:
        symbol, time, payload = line.split(b"\t", 2)
        if time == _EARLIEST:
            summaries[symbol] = payload
        else:
            yield line


def _taken(summaries: dict[bytes, bytes], symbol: bytes) -> Summary:
    if symbol not in summaries:
        raise InputError(
            f"a reducer read bars of symbol {symbol!r}: without a summary of them, as no step of this version of"
            " windrow writes them; install the same version on all nodes, and run the job again"
        )
    return orjson.loads(summaries.pop(symbol))
