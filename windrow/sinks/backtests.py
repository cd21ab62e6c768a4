"""Backtests -> lines of text: figures, and optionally orders, trades and the value at each close.

    figures   SYMBOL <tab> JSON object
    orders    SYMBOL <tab> TIME <tab> buy|sell <tab> size <tab> price <tab> filled|closed-only|refused|open
    trades    SYMBOL <tab> TIME of entry <tab> TIME of exit <tab> long|short <tab> size <tab> price of entry <tab> price
              of exit <tab> profit <tab> return <tab> bars <tab> worst <tab> best <tab> cross|ruin|open
    equity    SYMBOL <tab> TIME <tab> value <tab> value of buying and holding

Orders, trades and equity are separate parts next to the figures, part-NNNNN-orders and so on. Values and times are
written as in windrow/sinks/lines.py; where the cash at the fill would have decided the size of an order, and there was
no fill, the size is an empty field. A symbol's open trade is its last line.
"""

from argparse import Namespace
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack

import numpy as np
import orjson

from sort_keys.merge import Piece, Stretch, by_symbol
from windrow.errors import UsageError
from windrow.sinks.fields import SYMBOL, TEXT, TIME, VALUES, Field, Format, Kind, WriteLines, written_part
from windrow.sinks.lines import format_lines
from windrow.sinks.portfolios import Members
from windrow.times import format_times
from windrow.trading.backtests import Strategy, Trace
from windrow.trading.ledger import STATUS, Entries
from windrow.trading.notices import Notices
from windrow.trading.options import Group
from windrow.trading.trade_book import CLOSED_BY, TRADE_COLUMNS, TradeRows

#: The ends of the names of parts with orders, with trades, and with values.
ORDERS, TRADES, EQUITY = "-orders", "-trades", "-equity"
_TRADE_KINDS: dict[str, Kind] = {
    "entry_time": "time", "exit_time": "time", "side": "text", "bars": "count", "closed_by": "text",
}  # fmt: skip
#: The fields of their lines.
FIELDS = {
    ORDERS: (SYMBOL, TIME, Field("side", "text"), Field("size"), Field("price"), Field("status", "text")),
    TRADES: (SYMBOL, *(Field(name, _TRADE_KINDS.get(name, "number")) for name in TRADE_COLUMNS)),
    EQUITY: VALUES,
}
#: What each has.
_BESIDE = {
    ORDERS: "the orders, SYMBOL, TIME, side, size, price, status",
    TRADES: "the trades, SYMBOL, TIME of entry and of exit, side, size, prices, profit, return, bars, MAE, MFE, reason",
    EQUITY: "the equity at each close, SYMBOL, TIME, value, buy and hold",
}
_SIDES = {1: b"buy", -1: b"sell"}
_POSITIONS = {1: b"long", -1: b"short"}


def add_beside(group: Group) -> None:
    """Adds the options of what is written beside the figures, which are named as the parts are."""
    for name, text in _BESIDE.items():
        group.add(f"-{name}", f"also write {text}, to part-NNNNN{name} in the -o DIR", action="store_true")


def beside_of(options: Namespace) -> list[str]:
    """The parts that are written beside the figures, by the ends of their names."""
    return [name for name in _BESIDE if getattr(options, name[1:])]


def check_beside(options: Namespace) -> None:
    """Raises UsageError where such parts have no place, or an option is of one that is not written."""
    if options.output_dir is None and (asked := beside_of(options)):
        raise UsageError(f"-{asked[0]}: writes files beside the figures, but the figures are printed; give -o DIR")
    if options.excursions != "close" and not options.trades:
        raise UsageError(
            f"--excursions {options.excursions}: is of trades, which are not written; add --trades, or leave it out"
        )


def backtest_lines(
    strategy: Strategy,
    stretches: Iterable[Stretch],
    dated: bool,
    beside: Collection[str] = (),
    notices: Notices | None = None,
    members: Members | None = None,
    form: Format = TEXT,
) -> Iterator[bytes]:
    """A line of figures for each symbol of a reducer's stretches; writes the parts `beside` as well, e.g. ORDERS,
    in a format.

    `notices` gets what a user must be told of the runs. With `members` of a portfolio the lines are those of its first
    step.
    """
    with ExitStack() as opened:
        parts = {name: opened.enter_context(written_part(name, FIELDS[name], form, dated)) for name in beside}
        for symbol, pieces in by_symbol(stretches):
            own: Strategy | None = strategy
            if members is not None:
                line, own = members.begin(symbol)
                yield line
            if own is None:
                continue
            test = own.backtest(traced=bool(parts) or members is not None)
            for piece in pieces:
                if trace := test.push(piece):
                    _write(symbol, piece, trace, dated, parts)
                    if members is not None:
                        yield from members.lines(piece.times, trace)
            if ORDERS in parts:
                _pass_on(order_lines(symbol, test.open_orders(), dated), parts[ORDERS])
            if TRADES in parts:
                _pass_on(trade_lines(symbol, test.open_trades(), dated), parts[TRADES])
            if notices is not None:
                notices.add((test.orders, test.full))
            told = symbol + b"\t" + orjson.dumps(test.figures(dated)) + b"\n"
            yield told if members is None else members.figures(told)


def _write(symbol: bytes, piece: Piece, trace: Trace, dated: bool, parts: Mapping[str, WriteLines]) -> None:
    if ORDERS in parts:
        _pass_on(order_lines(symbol, trace.orders, dated), parts[ORDERS])
    if TRADES in parts:
        _pass_on(trade_lines(symbol, trace.trades, dated), parts[TRADES])
    if EQUITY in parts:
        bars = Stretch([symbol], np.zeros(1, np.int64), False, piece.times, [])
        for lines in format_lines(bars, np.arange(len(piece.times)), [trace.values[:, 0], trace.bought], dated):
            parts[EQUITY](lines)


def _pass_on(lines: Iterable[bytes], write: WriteLines) -> None:
    for line in lines:
        write(line)


def order_lines(symbol: bytes, orders: Entries, dated: bool) -> Iterator[bytes]:
    r"""A line for each order of a symbol.

    >>> entry = Entries(*map(np.array, ([0], [86_400 * 10**9], [-1], [100.0], [12.5], [0])))
    >>> list(order_lines(b"AA", entry, dated=True))
    [b'AA\t1970-01-02\tsell\t100.0\t12.5\tfilled\n']
    """
    sides, status = (column.tolist() for column in (orders.sides, orders.status))
    times = format_times(orders.times, dated)
    for time, side, size, price, state in zip(times, sides, orders.sizes, orders.prices, status, strict=True):
        fields = symbol, time, _SIDES[side], _number(size), _number(price), STATUS[state].encode()
        yield b"\t".join(fields) + b"\n"


def trade_lines(symbol: bytes, trades: TradeRows, dated: bool) -> Iterator[bytes]:
    r"""A line for each trade of a symbol.

    >>> day, amounts = 86_400 * 10**9, (10.0, 12.5, 15.0, 25.0, 0.2)
    >>> rows = TradeRows(*([value] for value in (0, 0, 2 * day, 1, *amounts, 2, -0.04, 0.24, 0)))
    >>> list(trade_lines(b"AA", TradeRows(*map(np.array, rows)), dated=True))
    [b'AA\t1970-01-01\t1970-01-03\tlong\t10.0\t12.5\t15.0\t25.0\t0.2\t2\t-0.04\t0.24\tcross\n']
    """
    if not len(trades.runs):
        return
    entered, exited = format_times(trades.entered, dated), format_times(trades.exited, dated)
    rows = zip(*(column.tolist() for column in trades[3:]), strict=True)
    for begin, end, (side, *numbers, reason) in zip(entered, exited, rows, strict=True):
        fields = symbol, begin, end, _POSITIONS[side], *map(orjson.dumps, numbers), CLOSED_BY[reason].encode()
        yield b"\t".join(fields) + b"\n"


def _number(value: float) -> bytes:
    return b"" if np.isnan(value) else orjson.dumps(float(value))
