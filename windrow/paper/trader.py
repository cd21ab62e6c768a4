"""Bars -> orders and values: of each symbol a backtest that goes on, page after page."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
import orjson

from sort_keys.keys import encode_symbol
from sort_keys.merge import Piece, Stretch
from windrow.arrays import Floats, Ints
from windrow.bars.columns import Bars
from windrow.errors import StateError
from windrow.sinks.backtests import order_lines
from windrow.sinks.lines import format_lines
from windrow.states import Array, Count
from windrow.times import format_times
from windrow.trading.backtests import Strategy

#: Before any bar.
_NEVER = -(2**63)
_LAST, _VALUES = Count(), Array()

#: What of a page's bars is not traded: a bar as the newest of its symbol, that bar with other values, an older one.
REPEATS, CHANGED, LATE = "repeats", "changed", "late"


class Traded(NamedTuple):
    """What the bars of a page led to: lines, each in order of time within a symbol.

    Symbols come in the order in which the page has their first new bar. orders: that were filled or refused. open: that
    were placed at the symbols' last closes. bars: by what became of them. left_out: one that was not traded, if any.
    """

    orders: bytes
    open: bytes
    values: bytes
    taken: bytes
    bars: Counter[str]
    left_out: str | None


class Symbol:
    """One symbol: its backtest, and its newest bar."""

    def __init__(self, strategy: Strategy, told: Any = None) -> None:
        self.test = strategy.backtest(traced=True)
        self.last, self.values = _NEVER, np.full(len(strategy.columns), np.nan)
        self.open = b""
        self._text: bytes | None = None
        if told is not None:
            try:
                self.test.restore(told["state"])
                self.last = _LAST.taken(told["last"], 0)
                self.values = _VALUES.taken(told["values"], self.values)
                self.open = told["open"].encode()
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise StateError(f"its newest bar {error}; it is damaged, or somebody wrote it; begin again") from None

    def carried(self) -> Any:
        """As JSON, made anew only if it has changed."""
        if self._text is None:
            told = {
                "last": _LAST.told(self.last), "values": _VALUES.told(self.values), "open": self.open.decode(),
                "state": self.test.state(),
            }  # fmt: skip
            self._text = orjson.dumps(told)
        return orjson.Fragment(self._text)

    def split(self, times: Ints, values: list[Floats]) -> tuple[Any, Counter[str]]:
        """Which bars are new, each later than all before it; and what the others are."""
        before = np.maximum.accumulate(np.append(self.last, times))[:-1]
        new = times > before
        counts: Counter[str] = Counter()
        if not new.all():
            newest = self.values
            for at in range(len(times)):
                row = np.array([column[at] for column in values])
                if new[at]:
                    newest = row
                elif times[at] < before[at]:
                    counts[LATE] += 1
                else:
                    counts[REPEATS if np.array_equal(row, newest) else CHANGED] += 1
        return new, counts

    def push(self, piece: Piece) -> Any:
        """Takes new bars, at least one; returns orders and values."""
        self._text = None
        self.last = int(piece.times[-1])
        self.values = np.array([column[-1] for column in piece.values])
        return self.test.push(piece)


def symbols_of(strategy: Strategy, told: dict[str, Any]) -> dict[str, Symbol]:
    """Symbols, by name, that go on from what they carried. Raises StateError."""
    found = {}
    for name, one in told.items():
        try:
            found[name] = Symbol(strategy, one)
        except StateError as error:
            raise StateError(f"{name}: {error}") from None
    return found


class Trader:
    """The backtests of all symbols."""

    def __init__(self, strategy: Strategy, told: dict[str, Any]) -> None:
        self._strategy = strategy
        self.symbols = symbols_of(strategy, told)

    def carried(self) -> dict[str, Any]:
        """What all symbols carry, as JSON."""
        return {name: symbol.carried() for name, symbol in self.symbols.items()}

    def push(self, bars: Bars, dated: bool) -> Traded:
        """Trades the bars of a page."""
        orders, opened = list[bytes](), list[bytes]()
        rows = _Rows()
        counts: Counter[str] = Counter()
        left_out = None
        for name, piece in _pieces(bars):
            symbol = self.symbols.get(name) or self.symbols.setdefault(name, Symbol(self._strategy))
            new, others = symbol.split(piece.times, piece.values)
            counts.update(others)
            if others:
                time = format_times(piece.times[~new][:1], dated)[0].decode()
                left_out = left_out or f"{name} {time}"
                piece = Piece(piece.times[new], [column[new] for column in piece.values])
            counts["bars"] += len(piece.times)
            if not len(piece.times):
                continue
            trace, key = symbol.push(piece), encode_symbol(name)
            orders += order_lines(key, trace.orders, dated)
            symbol.open = b"".join(order_lines(key, symbol.test.open_orders(), dated))
            opened.append(symbol.open)
            rows.add(name, piece, [trace.values[:, 0], trace.bought])
        values, taken = rows.lines(dated)
        return Traded(b"".join(orders), b"".join(opened), values, taken, counts, left_out)


class _Rows:
    """The bars of a page that were traded, and the values at their closes."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._times: list[Ints] = []
        self._columns: list[list[Floats]] = []

    def add(self, name: str, piece: Piece, values: list[Floats]) -> None:
        """Adds those of a symbol."""
        self._names.append(name)
        self._times.append(piece.times)
        self._columns.append([*values, *piece.values])

    def lines(self, dated: bool) -> tuple[bytes, bytes]:
        """Values as lines of a backtest's equity, and bars as lines of CSV."""
        if not self._names:
            return b"", b""
        lengths = [len(times) for times in self._times]
        starts = np.cumsum([0, *lengths[:-1]])
        times = np.concatenate(self._times)
        values, bought, *columns = map(np.concatenate, zip(*self._columns, strict=True))
        keys = [encode_symbol(name) for name in self._names]
        equity = _lines(Stretch(keys, starts, False, times, []), [values, bought], dated)
        bars = _lines(Stretch([b""], np.zeros(1, np.int64), False, times, []), columns, dated)
        names = chain.from_iterable(map(repeat, map(_quoted, self._names), lengths))
        pairs = zip(names, bars.splitlines(keepends=True), strict=True)
        return equity, b"".join(name + line.replace(b"\t", b",") for name, line in pairs)


def _lines(bars: Stretch, columns: list[Floats], dated: bool) -> bytes:
    return b"".join(format_lines(bars, np.arange(len(bars.times)), columns, dated))


def _quoted(name: str) -> bytes:
    """A symbol as a field of CSV."""
    return (name if name.isalnum() else '"' + name.replace('"', '""') + '"').encode()


def _pieces(bars: Bars) -> Iterator[tuple[str, Piece]]:
    """The bars of each symbol, in order of arrival; symbols in that of their first bar."""
    order = np.argsort(bars.codes, kind="stable")
    codes = bars.codes[order]
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(begins[1:], len(codes))
    for number in np.argsort(order[begins], kind="stable").tolist():
        rows = order[begins[number] : ends[number]]
        name = bars.symbols[int(codes[begins[number]])]
        yield name, Piece(bars.times[rows], [column[rows] for column in bars.values])


def header(columns: list[str]) -> bytes:
    """The names above such lines."""
    return ",".join(["symbol", "timestamp", *columns]).encode() + b"\n"


def figures_of(symbols: dict[str, Symbol], dated: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each symbol's figures, by name."""
    for name in sorted(symbols):
        yield name, symbols[name].test.figures(dated)
