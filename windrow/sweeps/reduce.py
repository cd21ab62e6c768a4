"""Sweeps: every pair of a grid backtested on every symbol, in one pass over the bars.

    one line per pair and part    SYMBOL <tab> {"fast": 7, "slow": 21, "part": "train", ...}
    --top K                       for each symbol and part, only the K pairs that are best on train, best first
    --best                        SYMBOL <tab> {"fast": 7, "slow": 21, ..., "train": {...}, "test": {...}}, the pair
                                  that is best on train; and with an empty SYMBOL the best pair over all symbols

A symbol's lines are in order of its parts, and within a part of (fast, slow). Where one reducer sees only some of a
symbol's pairs (--shards) or of all symbols (--best), a second, small step unites the results of the reducers; its lines
are those of a single reducer, to the last byte.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count, groupby, repeat
from operator import itemgetter

import orjson

from sort_keys.keys import encode_slice, encode_time, split_record, split_slice
from sort_keys.merge import Stretch, by_symbol
from windrow.errors import UsageError
from windrow.sweeps.deflated import Returns, Tries
from windrow.sweeps.grid import Cell
from windrow.sweeps.json_lines import json_lines
from windrow.sweeps.overall import Overall, Sums, overall_lines
from windrow.sweeps.ranking import (
    Choice,
    Figures,
    Record,
    best_line,
    best_of,
    pair_line,
    pair_lines,
    records,
    shapes_of,
    top_lines,
    united,
    walk_field,
)
from windrow.sweeps.runs import Follow, Part, Progress, Sweep
from windrow.sweeps.stitched import Follower, Values, Write, stitched, with_figures
from windrow.trading.backtests import Backtests
from windrow.trading.curves import Curve
from windrow.trading.notices import Notices

#: In place of a symbol: all symbols. No encoded symbol begins like this.
_ALL = encode_slice(b"", 0)
#: Findings of one part, or of one walk, are numbered below this.
_PART = 1 << 40

#: The Sharpe ratios of a shard's pairs on one part.
_TRIES = "tries"

#: Values of the best pairs are numbered from this on, behind all else of a symbol.
_CURVES = 1 << 61

#: A reducer's result for a symbol, or for all: the symbol, encoded, a number to sort by, and JSON.
Finding = tuple[bytes, int, bytes]


def swept(
    sweep: Sweep,
    choice: Choice,
    stretches: Iterable[Stretch],
    progress: Progress | None = None,
    notices: Notices | None = None,
) -> Iterator[bytes]:
    """The lines of a reducer's stream of bars; where those need uniting, in the form that `unite` reads.

    A symbol's key holds the number of its shard, in place of a slice's. `progress` is called often: one symbol's pairs
    may take hours. `notices` gets what a user must be told of the runs.
    """
    found = _found(sweep, choice, stretches, progress, notices or Notices())
    if needs_uniting(sweep, choice):
        return (b"%b\t%b\t%b\n" % (symbol, encode_time(number), text) for symbol, number, text in found)
    return _output(sweep, choice, found)


def check(sweep: Sweep, choice: Choice) -> None:
    """Raises UsageError for what cannot be written of a sweep."""
    if choice.equity and sweep.split.sections == 1:
        raise UsageError("--equity: is of tests, but all bars are one part; add --split, --split-at or --walk-forward")


def columns_of(sweep: Sweep, choice: Choice) -> Figures:
    """A line with every name that the output's lines may have: by them all parts are tables of the same columns."""
    figures: Figures = {**Backtests(sweep.rules, 1, measures=sweep.measures).figures()[0], "undefined": {}}
    first, *_ = walks = sweep.split.walks
    if not choice.best:
        return {"fast": 0, "slow": 0, "part": "", "trials": 0, "deflated_sharpe": 0.0, **figures}
    part = {"symbols": 0, **figures, "ruined": 0}  # of one symbol 0 or 1, and of all how many
    stitched = {**Curve(sweep.rules.cash, sweep.measures).figures(), "undefined": {}}
    return {
        "fast": 0,
        "slow": 0,
        **walk_field(walks, 0),
        "objective": "",
        **({} if choice.across == "mean" else {"across": ""}),
        "symbols": 0,
        "trials": 0,
        "deflated_sharpe": 0.0,
        **({"all": part} if first.test is None else {"train": part, "test": part}),
        **({"stitched": stitched} if choice.equity else {}),
        "undefined": {},
    }


def needs_uniting(sweep: Sweep, choice: Choice) -> bool:
    """Whether there is a second step: a reducer sees only some of a symbol's pairs, or results span all symbols."""
    return sweep.shards > 1 or choice.best


def unite(sweep: Sweep, choice: Choice, lines: Iterable[bytes], write: Write | None = None) -> Iterator[bytes]:
    """The output's lines from the sorted lines of all reducers, without their line ends.

    `write` gets the equity of the best pairs, where that is asked for.
    """
    return _output(sweep, choice, map(split_record, lines), write)


def _found(
    sweep: Sweep, choice: Choice, stretches: Iterable[Stretch], progress: Progress | None, notices: Notices
) -> Iterator[Finding]:
    """The results for a stream of bars, symbol after symbol, and after them those for all symbols."""
    overall = Overall(choice.objective, sweep.split.walks, sweep.grid.pairs(), choice.across) if choice.best else None
    for field, pieces in by_symbol(stretches):
        symbol, shard = split_slice(field)
        follow = Follow(Follower(sweep.rules, shard), partial(best_of, choice)) if choice.equity else None
        parts, pairs = sweep.parts(pieces, shard, progress, notices, follow), sweep.pairs(shard)
        if overall is not None:
            parts = overall.seen(parts, slice(shard, None, sweep.shards))
        if choice.keeps is None:
            found = _lines(sweep, parts, pairs, shard)
        else:
            ranked = records(choice, sweep.split.walks, pairs, parts)
            found = ((record.walk * _PART + shard, record.to_json()) for record in ranked)
        blocks = count()
        for number, text in found:
            yield symbol, number, text
            if follow:
                yield from (
                    (symbol, _CURVES + values.walk * _PART + next(blocks), values.to_json())
                    for values in follow.follower.taken()
                )
    if overall is not None:
        yield from ((_ALL, walk * _PART + number, sums.to_json()) for walk, number, sums in overall.sums())


def _lines(sweep: Sweep, parts: Iterable[Part], pairs: list[Cell], shard: int) -> Iterator[tuple[int, bytes]]:
    """The lines of all pairs; those of a shard, which knows the ratios of its own pairs alone, come behind these."""
    trains = {walk.train for walk in sweep.split.walks}
    for place, part in enumerate(parts):
        shapes, first = shapes_of(part.returns) if part.name in trains else None, 2 * place * _PART
        numbers = range(first + _PART + shard, first + 2 * _PART, sweep.shards)
        if sweep.shards == 1:
            yield from zip(numbers, json_lines(pair_lines(pairs, part, shapes)), strict=False)
            continue
        yield first + shard, orjson.dumps({_TRIES: shapes.sharpes.tolist() if shapes else []})
        returns = map(shapes.one, count()) if shapes else repeat(None)
        for number, pair, figures, its in zip(numbers, pairs, part.figures, returns, strict=False):
            yield number, orjson.dumps((pair, part.name, figures, its and tuple(its)))


def _among_all(texts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that a single reducer would have written, from those of all shards."""
    for heads, group in groupby(map(orjson.loads, texts), lambda found: isinstance(found, dict)):
        if heads:
            tries = Tries([sharpe for found in group for sharpe in found[_TRIES]])
        else:
            for pair, part, figures, its in group:
                yield orjson.dumps(pair_line(pair, part, figures, tries, its and Returns(*its)))


def _output(sweep: Sweep, choice: Choice, found: Iterable[Finding], write: Write | None = None) -> Iterator[bytes]:
    for symbol, group in groupby(found, itemgetter(0)):
        texts = map(itemgetter(2), group)
        name = b"" if symbol == _ALL else symbol
        if choice.keeps is None:
            lines = _among_all(texts) if sweep.shards > 1 else texts
            yield from (b"%b\t%b\n" % (name, line) for line in lines)
        else:
            yield from (
                b"%b\t%b\n" % (name, orjson.dumps(line)) for line in _chosen(sweep, choice, symbol, texts, write)
            )


def _chosen(
    sweep: Sweep, choice: Choice, symbol: bytes, texts: Iterable[bytes], write: Write | None
) -> Iterator[Figures]:
    walks = sweep.split.walks
    if symbol == _ALL:
        yield from overall_lines(choice, sweep.rules, walks, (Sums.of(text, choice.across) for text in texts))
        return
    if choice.best:
        yield from _best_lines(sweep, choice, symbol, texts, write)
        return
    for record in united(choice, map(Record.of, texts)):
        yield from top_lines(walks, record)


def _best_lines(
    sweep: Sweep, choice: Choice, symbol: bytes, texts: Iterable[bytes], write: Write | None
) -> Iterator[Figures]:
    """A line for each walk of a symbol, the last one with the figures of the curve, whose values come last."""
    lines, shards, pairs = [], dict[int, int](), sweep.grid.pairs()
    for are_values, group in groupby(texts, lambda text: text.startswith(b"{")):
        if not are_values:
            for record in united(choice, map(Record.of, group)):
                [best] = record.candidates
                lines.append(best_line(choice, sweep.split.walks, record))
                shards[record.walk] = pairs.index((best.fast, best.slow)) % sweep.shards
            continue
        for some in stitched(map(Values.of, group), shards, sweep.rules.cash, sweep.measures):
            if isinstance(some, Curve):
                lines[-1] = with_figures(lines[-1], some, sweep.dated)
            elif write is not None:
                write(symbol, some.times, some.values, some.bought)
    yield from lines
