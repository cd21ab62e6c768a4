"""A portfolio of backtests: two steps, between which lines are keyed by time.

    first    SYMBOL's bars        -> blocks of how its account changes at each time, keyed by time; a line of figures
    second   blocks of all symbols -> one curve of values, and its figures; the lines of symbols pass

A block holds rows of one account, value and value of buying and holding; its first row, at the time of the second, is
what was before. Sums are exact (windrow/exact/running.py), so nothing depends on which reducer saw which symbol.

    figures     <tab> JSON object                                           its symbol is empty
    portfolio   <tab> TIME <tab> value <tab> value of buying and holding    in a part of its own, part-NNNNN-portfolio

Memory: in the first step a stretch of bars; in the second the bars of all symbols within a slot, and their names.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import orjson

from sort_keys.blocks import BLOCK_BARS, Columns, read_blocks, write_blocks
from sort_keys.keys import decode_symbol, encode_slice, encode_time, split_records
from sort_keys.merge import Stretch
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.sinks import told_symbols
from windrow.sinks.fields import VALUES, Format, WriteLines, written_part
from windrow.sinks.lines import format_lines
from windrow.trading.backtests import Strategy, Trace
from windrow.trading.curves import Curve
from windrow.trading.portfolio import Changes, Portfolio

#: The end of the name of a part with a portfolio's values.
PORTFOLIO = "-portfolio"
#: In place of a symbol: all of them. No encoded symbol begins like this.
_ALL = encode_slice(b"", 0)
#: The key of a symbol's name, before that of any bar.
_NAME = b"%b\t%b\t" % (_ALL, encode_time(-(1 << 63)))
#: Slots within which blocks are are so many times shorter than those of one symbol's bars.
_SHORTER = 16
#: Bytes of blocks that are decoded together, and at least so many for each row that waits.
_BYTES, _BYTES_A_ROW = 1 << 20, 16


# The first step.


class Members:
    """What symbols add to a portfolio."""

    def __init__(self, portfolio: Portfolio, strategy: Strategy, slots: Slots) -> None:
        self._portfolio, self._strategy = portfolio, strategy
        self._slots = Slots(max(slots.span // _SHORTER, 1))

    def begin(self, symbol: bytes) -> tuple[bytes, Strategy | None]:
        """The line of a symbol's name, and its strategy, with the cash of its account; None: it has none."""
        name, line = decode_symbol(symbol), _NAME + symbol + b"\n"
        rules = self._portfolio.rules_of(name, self._strategy.rules)
        if rules is None:
            return line, None
        self._account = self._portfolio.account(name, rules.cash)
        return line, replace(self._strategy, rules=rules)

    def lines(self, times: Ints, trace: Trace) -> Iterator[bytes]:
        """The blocks of the last symbol's next values."""
        changes = self._account.changes(times, np.stack([trace.values[:, 0], trace.bought]))
        return blocks(changes, self._slots)

    @staticmethod
    def figures(line: bytes) -> bytes:
        """A line of figures, with a key as all lines have it between the steps."""
        symbol, _, told = line.partition(b"\t")
        return b"%b\t%b\t%b" % (symbol, encode_time(0), told)


def blocks(changes: Changes, slots: Slots) -> Iterator[bytes]:
    """The lines of an account's changes: a block for each run of them that follow one another, within a slot."""
    times, new, old = changes
    slot = times // slots.span
    cuts = np.append(True, (slot[1:] != slot[:-1]) | (old[:, 1:] != new[:, :-1]).any(axis=0))
    cuts[:: BLOCK_BARS - 1] = True
    at = np.flatnonzero(cuts)
    rows = [np.insert(values, at, before[at]) for values, before in zip(new, old, strict=True)]
    starts = at + np.arange(len(at))
    columns = Columns([""] * len(at), starts, np.insert(times, at, times[at]), rows)
    return (_ALL + line for line in write_blocks(columns, slots))


# The second step.


@dataclass(frozen=True)
class United:
    """The second step: what it puts together, and whom it tells of symbols. `writes`: the format of a part as well."""

    portfolio: Portfolio
    strategy: Strategy
    dated: bool
    warn: Callable[[str], object]
    writes: Format | None = None
    take: Callable[[Ints, Floats], object] | None = None
    """Gets the portfolio's times and values (2, n), as they are found."""

    def lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The output's lines from those of the first step, sorted, without their line ends. Raises InputError."""
        opened = written_part(PORTFOLIO, VALUES, self.writes, self.dated) if self.writes else nullcontext()
        with opened as write:
            for field, group in groupby(lines, lambda line: line[: line.index(b"\t")]):
                if field == _ALL:
                    yield b"\t" + orjson.dumps(self._figures(group, write)) + b"\n"
                else:
                    yield from (b"%b\t%b\n" % (field, line.split(b"\t", 2)[2]) for line in group)

    def _figures(self, lines: Iterator[bytes], write: WriteLines | None) -> dict[str, Any]:
        names, first = self._names(lines)
        rules = self.strategy.rules
        pool, curve = self.portfolio.pool(rules.cash, names), Curve(rules.cash, self.strategy.measures)
        for changes in _released(first, lines):
            times, values = pool.worth(changes)
            curve.push(times, *values)
            if write is not None:
                bars = Stretch([b""], np.zeros(1, np.int64), False, times, [])
                for text in format_lines(bars, np.arange(len(times)), list(values), self.dated):
                    write(text)
            if self.take is not None:
                self.take(times, values)
        pair, how = self.strategy.pair, self.portfolio
        asked = {"fast": str(pair.fast), "slow": str(pair.slow), "portfolio": how.name}
        again = {"rebalance": how.rebalance} if how.rebalance else {}
        return {**asked, **again, "symbols": names, **curve.figures(self.dated)}

    def _names(self, lines: Iterator[bytes]) -> tuple[int, list[bytes]]:
        """How many symbols have accounts, and the first line that names none."""
        names = set()
        for line in lines:
            if not line.startswith(_NAME):
                break
            names.add(decode_symbol(line[len(_NAME) :]))
        weights = self.portfolio.weights
        if weights is None:
            return len(names), [line]
        having = {symbol for symbol, weight in weights.items() if weight}
        if not having & names:
            raise InputError(
                f"--portfolio: none of its symbols has a bar, {told_symbols(having)}, but {told_symbols(names)}; write"
                " symbols as the inputs do"
            )
        if absent := having - names:
            share = sum(weights[symbol] for symbol in sorted(absent))
            self.warn(
                f"--portfolio: no bar is of {told_symbols(absent)}: {share:.6g} of the cash stays cash; check how the"
                " inputs write symbols, or take them out"
            )
        if without := names - set(weights):
            self.warn(f"--portfolio: has no weight of {told_symbols(without)}, left out; give each a weight, or 0")
        return len(having & names), [line]


def _released(first: Iterable[bytes], lines: Iterable[bytes]) -> Iterator[Changes]:
    """The changes of all accounts in order of time, as soon as no later block reaches back to them."""
    waiting = Changes(np.empty(0, np.int64), np.empty((2, 0)), np.empty((2, 0)))
    held, size = list(first), sum(map(len, first))
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= max(_BYTES, _BYTES_A_ROW * len(waiting.times)):
            done, waiting = _split(held, waiting)
            held, size = [], 0
            if len(done.times):
                yield done
    if held:
        done, late = _split(held, waiting)
        waiting = done.then(late)
    if len(waiting.times):
        yield waiting


def _split(held: list[bytes], waiting: Changes) -> tuple[Changes, Changes]:
    """What is before the newest block, and what is not."""
    _, firsts, payloads = split_records(held)
    counts, times, values = read_blocks(firsts, payloads, 2)
    changed = np.ones(len(times), bool)
    changed[np.cumsum(counts) - counts] = False
    at = np.flatnonzero(changed)
    rows = np.stack(values)
    both = waiting.then(Changes(times[at], rows[:, at], rows[:, at - 1]))
    order = np.argsort(both.times, kind="stable")
    cut = int(np.searchsorted(both.times[order], firsts[-1]))
    return both.at(order[:cut]), both.at(order[cut:])
