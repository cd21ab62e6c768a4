"""How a forward test stands, for people."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from windrow.console import shown
from windrow.errors import OutputError
from windrow.paper.alerts import orders_of
from windrow.paper.checkpoint import COMMIT, Commit, Directory
from windrow.paper.trader import Symbol, symbols_of
from windrow.times import DAY, SECOND, format_times
from windrow.trading.backtests import Strategy
from windrow.trading.measures import Measures
from windrow.trading.rules import Rules
from windrow.trading.signals import Pair, parse_line
from windrow.windows import Options


class Standing(NamedTuple):
    """A forward test as it was left: what was taken, its strategy, its symbols, and whether its times are dates."""

    place: Path
    commit: Commit
    strategy: Strategy
    symbols: dict[str, Symbol]
    dated: bool


def standing(place: Path) -> Standing:
    """How the forward test in a directory stands. Raises StateError, or OutputError where there is none."""
    commit = Directory(place).read()
    if commit is None:
        raise OutputError(
            f"{place}: has no {COMMIT}, so no forward test has begun there; begin one with --state {place}"
        )
    strategy = strategy_in(commit.made_of)
    symbols = symbols_of(strategy, commit.symbols)
    dated = bool((commit.rules or {}).get("layout", {}).get("dated"))
    return Standing(place, commit, strategy, symbols, dated)


def strategy_in(made_of: dict[str, Any]) -> Strategy:
    """The strategy with which a forward test was begun."""
    column = made_of["column"]
    pair = Pair(parse_line(made_of["fast"], column), parse_line(made_of["slow"], column))
    rules = Rules(**{name: made_of[name] for name in Rules.__dataclass_fields__})
    options = Options(**{name: made_of[name] for name in Options.__dataclass_fields__})
    measures = Measures(**{name: made_of[name] for name in Measures.__dataclass_fields__})
    return Strategy(pair, rules, column, options, measures)


def lines_of(stands: Standing, now: int) -> Iterator[str]:
    """What to tell of it."""
    commit, pair = stands.commit, stands.strategy.pair
    counts = commit.counts
    yield f"{commit.made_of['stream']}: {pair.fast} over {pair.slow}, since {_moment(commit.began)}"
    yield f"last taken {_moment(commit.taken)}, {_ago(now - commit.taken)} ago; {_lag(commit)}"
    yield (
        f"{counts.get('records', 0):,} records: {counts.get('bars', 0):,} bars of {len(stands.symbols):,} symbols,"
        f" {counts.get('repeats', 0):,} repeats, {counts.get('changed', 0):,} sent again with other prices,"
        f" {counts.get('late', 0):,} late, {counts.get('invalid', 0):,} invalid, {counts.get('unselected', 0):,} not"
        f" asked for, {counts.get('controls', 0):,} about the table"
    )
    if not stands.symbols:
        yield f"no trade yet: {_why_no_bars(commit)}"
        return
    yield from _table(list(_rows(stands)))
    yield from _open(stands)
    if not any(_placed(symbol) for symbol in stands.symbols.values()):
        yield f"no trade yet: {_why_no_order(stands)}"


def _rows(stands: Standing) -> Iterator[tuple[str, ...]]:
    yield "symbol", "last bar", "held", "equity", "orders", "refused", "trades"
    for name in sorted(stands.symbols):
        symbol = stands.symbols[name]
        figures = symbol.test.figures(stands.dated)
        held, equity = symbol.test.position
        time = format_times(np.array([symbol.last]), stands.dated)[0].decode()
        counts = (f"{figures[what]:,}" for what in ("orders", "orders_refused", "trades_total"))
        yield shown(name), time, f"{held:,.12g}", f"{equity:,.2f}", *counts


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, time, *numbers in rows:
        right = (cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True))
        yield f"  {name.ljust(widths[0])}  {time.ljust(widths[1])}  {'  '.join(right)}"


def _open(stands: Standing) -> Iterator[str]:
    for name in sorted(stands.symbols):
        for order in orders_of(stands.symbols[name].open):
            if order["size"] is None:  # the price of the fill decides
                what = f"{shown(name)} for {stands.strategy.rules.sized.words}"
            else:
                what = f"{order['size']:,.12g} of {shown(name)}"
            yield f"open: {order['side']} {what}, placed at the close of {order['time']}"


def _placed(symbol: Symbol) -> bool:
    return bool(symbol.test.orders.placed.any())


def _why_no_bars(commit: Commit) -> str:
    if not commit.counts.get("records"):
        return "no record has been taken; check the stream, and its ?from="
    if commit.counts.get("invalid"):
        return "no record is a valid bar; see what windrow paper warned of"
    return "no record is a bar that is asked for; check --symbols, --from, --to and --where"


def _why_no_order(stands: Standing) -> str:
    """Why no symbol has had an order, by the one with most bars."""
    name, symbol = max(stands.symbols.items(), key=lambda one: one[1].test.bars)
    pair = stands.strategy.pair
    if not symbol.test.full[0]:
        return f"{shown(name)} has {symbol.test.bars:,} bars, and {pair.fast} and {pair.slow} need more to begin"
    if symbol.open:
        return "the first orders are open"
    if symbol.test.orders.postponed.any():
        return f"{shown(name)} has a price of 0, at which nothing is filled"
    if stands.strategy.rules.entry == "cross":
        return f"{pair.fast} has not crossed {pair.slow} since both began, and --entry cross waits for that"
    side = stands.strategy.rules.side
    where = "below" if side == "short" else "above"
    return f"{pair.fast} has not been {where} {pair.slow}, and --side {side} waits for that"


def _lag(commit: Commit) -> str:
    behind = [lag for shard, lag in commit.behind.items() if shard not in commit.over]
    if not behind:
        return "nothing has been read yet"
    worst = max(behind)
    return "at the tip of the stream" if worst < SECOND else f"{_ago(worst)} behind the stream's newest record"


def _moment(ns: int) -> str:
    return format_times(np.array([ns // SECOND * SECOND]), False)[0].decode()


def _ago(ns: int) -> str:
    for unit, name in ((DAY, "d"), (3600 * SECOND, "h"), (60 * SECOND, "min")):
        if ns >= 2 * unit:
            return f"{ns // unit:,} {name}"
    return f"{max(ns, 0) // SECOND:,} s"
