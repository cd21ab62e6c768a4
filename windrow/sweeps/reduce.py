"""Sweeps: every pair of a grid backtested on every symbol, in one pass over the bars.

    line a pair and part    SYMBOL <tab> {"fast": 7, "slow": 21, "part": "train", ...}
    --top K                 of each symbol and part only those of the pairs that are the best K on train, best first
    --best                  SYMBOL <tab> {"fast": 7, "slow": 21, ..., "train": {...}, "test": {...}}, the best on train;
                            and with an empty SYMBOL the best single pair over all symbols

A symbol's lines stand in order of its parts, and within a part by (fast, slow). Where one reducer sees a part of the
work only, some of a symbol's pairs (--shards) or of all symbols (--best), a second, small step unites what reducers
found; its lines are those of a single reducer, to the last byte.

Called, this module sweeps over a DataFrame: `windrow.sweep(bars, fast="ema:5..10", slow="ema:21..31")`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import orjson

from sort_keys.keys import encode_slice, encode_time, split_record, split_slice
from sort_keys.merge import Stretch, by_symbol
from windrow.sweeps.overall import Overall, Sums, overall_lines
from windrow.sweeps.ranking import Choice, Figures, Record, best_line, records, top_lines, united
from windrow.sweeps.runs import Pair, Part, Sweep

#: In place of a symbol, all of them: no encoded symbol begins so.
_ALL = encode_slice(b"", 0)
#: Findings of one part, or of one walk, that are numbered in a row.
_PART = 1 << 40

#: What a reducer found, of a symbol or of all: the symbol, encoded, a number to sort by, and JSON.
Finding = tuple[bytes, int, bytes]


def swept(
    sweep: Sweep, choice: Choice, stretches: Iterable[Stretch], tell: Callable[[], object] = int
) -> Iterator[bytes]:
    """The lines of a reducer's stream of bars; where those need uniting, for `unite` to read.

    A symbol's key tells which of its shards is here, as it would tell a slice. `tell` is called often: one symbol's
    pairs may take hours.
    """
    found = _found(sweep, choice, stretches, tell)
    if needs_uniting(sweep, choice):
        return (b"%b\t%b\t%b\n" % (symbol, encode_time(number), told) for symbol, number, told in found)
    return _output(sweep, choice, found)


def needs_uniting(sweep: Sweep, choice: Choice) -> bool:
    """Whether there is a second step: reducers see some of a symbol's pairs only, or are asked about all symbols."""
    return sweep.shards > 1 or choice.best


def unite(sweep: Sweep, choice: Choice, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The output's lines from those of all reducers, without their ends, sorted."""
    return _output(sweep, choice, map(split_record, lines))


def _found(sweep: Sweep, choice: Choice, stretches: Iterable[Stretch], tell: Callable[[], object]) -> Iterator[Finding]:
    """What a stream of bars gives, symbol after symbol, and behind them what it gives of all."""
    overall = Overall(choice.objective, sweep.split.walks, sweep.grid.pairs()) if choice.best else None
    for field, pieces in by_symbol(stretches):
        symbol, shard = split_slice(field)
        parts, pairs = sweep.parts(pieces, shard, tell), sweep.pairs(shard)
        if overall is not None:
            parts = overall.seen(parts, slice(shard, None, sweep.shards))
        if choice.keeps is None:
            found = _lines(parts, pairs, shard, sweep.shards)
        else:
            its = records(choice, sweep.split.walks, pairs, parts)
            found = ((record.walk * _PART + shard, record.to_json()) for record in its)
        yield from ((symbol, number, told) for number, told in found)
    if overall is not None:
        yield from ((_ALL, walk * _PART + number, sums.to_json()) for walk, number, sums in overall.sums())


def _lines(parts: Iterable[Part], pairs: list[Pair], shard: int, shards: int) -> Iterator[tuple[int, bytes]]:
    for place, part in enumerate(parts):
        numbers = range(place * _PART + shard, (place + 1) * _PART, shards)
        for number, (fast, slow), figures in zip(numbers, pairs, part.figures, strict=False):
            yield number, orjson.dumps({"fast": fast, "slow": slow, "part": part.name, **figures})


def _output(sweep: Sweep, choice: Choice, found: Iterable[Finding]) -> Iterator[bytes]:
    for symbol, group in groupby(found, itemgetter(0)):
        told = (its[2] for its in group)
        name = b"" if symbol == _ALL else symbol
        if choice.keeps is None:
            yield from (b"%b\t%b\n" % (name, line) for line in told)
        else:
            yield from (b"%b\t%b\n" % (name, orjson.dumps(line)) for line in _chosen(sweep, choice, symbol, told))


def _chosen(sweep: Sweep, choice: Choice, symbol: bytes, told: Iterable[bytes]) -> Iterator[Figures]:
    walks = sweep.split.walks
    if symbol == _ALL:
        yield from overall_lines(choice.objective, walks, map(Sums.of, told))
        return
    for record in united(choice, map(Record.of, told)):
        if choice.best:
            yield best_line(choice, walks, record)
        else:
            yield from top_lines(walks, record)
