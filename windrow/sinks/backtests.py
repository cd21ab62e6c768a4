"""Backtests -> lines of text: figures, and optionally orders and the value at each close.

    figures   SYMBOL <tab> JSON object
    orders    SYMBOL <tab> TIME <tab> buy|sell <tab> size <tab> price <tab> filled|closed-only|refused|open
    equity    SYMBOL <tab> TIME <tab> value <tab> value of buying and holding

Orders and equity are separate parts next to the figures, part-NNNNN-orders and part-NNNNN-equity. Values and times are
written as in windrow/sinks/lines.py; where the cash at the fill would have decided the size of an order, and there was
no fill, the size is an empty field.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import BinaryIO

import numpy as np
import orjson

from sort_keys.merge import Piece, Stretch, by_symbol
from windrow.sinks.lines import format_lines
from windrow.sinks.portfolios import Members
from windrow.storage.part import own_part
from windrow.times import format_times
from windrow.trading.backtests import Strategy, Trace
from windrow.trading.ledger import STATUS, Entries
from windrow.trading.notices import Notices

#: The ends of the names of parts with orders, and with values.
ORDERS, EQUITY = "-orders", "-equity"
_SIDES = {1: b"buy", -1: b"sell"}


def backtest_lines(
    strategy: Strategy,
    stretches: Iterable[Stretch],
    dated: bool,
    orders: bool = False,
    equity: bool = False,
    notices: Notices | None = None,
    members: Members | None = None,
) -> Iterator[bytes]:
    """A line of figures for each symbol of a reducer's stretches; writes its orders and equity as well, on request.

    `notices` gets what a user must be told of the runs. With `members` of a portfolio the lines are those of its first
    step.
    """
    with own_part(ORDERS) if orders else nullcontext() as book, own_part(EQUITY) if equity else nullcontext() as curve:
        for symbol, pieces in by_symbol(stretches):
            own: Strategy | None = strategy
            if members is not None:
                line, own = members.begin(symbol)
                yield line
            if own is None:
                continue
            test = own.backtest(traced=orders or equity or members is not None)
            for piece in pieces:
                if trace := test.push(piece):
                    _write(symbol, piece, trace, dated, book, curve)
                    if members is not None:
                        yield from members.lines(piece.times, trace)
            if book:
                book.writelines(order_lines(symbol, test.open_orders(), dated))
            if notices is not None:
                notices.add((test.orders, test.full))
            told = symbol + b"\t" + orjson.dumps(test.figures(dated)) + b"\n"
            yield told if members is None else members.figures(told)


def _write(
    symbol: bytes, piece: Piece, trace: Trace, dated: bool, book: BinaryIO | None, curve: BinaryIO | None
) -> None:
    if book:
        book.writelines(order_lines(symbol, trace.orders, dated))
    if curve:
        bars = Stretch([symbol], np.zeros(1, np.int64), False, piece.times, [])
        for lines in format_lines(bars, np.arange(len(piece.times)), [trace.values[:, 0], trace.bought], dated):
            curve.write(lines)


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


def _number(value: float) -> bytes:
    return b"" if np.isnan(value) else orjson.dumps(float(value))
