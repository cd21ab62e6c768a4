"""A strategy over the bars of a DataFrame: `windrow.backtest(...)`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple
from warnings import warn

import numpy as np
import orjson
import pandas as pd

from sort_keys.keys import decode_symbol
from sort_keys.merge import Piece, by_symbol
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.frames.arguments import is_number, with_known_arguments
from windrow.frames.bars import adjusted_column, check_needs, check_opens, check_ranges, in_zone
from windrow.frames.naming import named
from windrow.frames.tables import equity_rows, figures_table
from windrow.frames.wording import in_words_of, python_words
from windrow.outcomes.kept_bars import Kept
from windrow.outcomes.readable import Shown, drawing, shortened, worded
from windrow.outcomes.sweep import SweepResult
from windrow.pages.chart import MOST_BYTES
from windrow.pages.report import MOST_SYMBOLS, write_report
from windrow.pages.report.all_symbols import listing
from windrow.pages.report.contents import Sources, SymbolReport
from windrow.pages.report.pooled import Pooled
from windrow.pages.report.results import BACKTEST, Equity, Output
from windrow.pages.report.strategy_runs import run_over
from windrow.pages.series import Series, choose
from windrow.pages.shell import Places, listed
from windrow.sinks.portfolios import Members, United
from windrow.trading.backtests import Excursions, Rules, Strategy, Trace
from windrow.trading.figures import TIMES
from windrow.trading.ledger import STATUS, Entries, no_entries
from windrow.trading.measures import Measures
from windrow.trading.notices import Notices, unadjusted, warnings_of
from windrow.trading.portfolio import Portfolio, Rebalance
from windrow.trading.rules import Entry, Fill, Side
from windrow.trading.signals import Pair, parse_line
from windrow.trading.trade_book import CLOSED_BY, TRADE_COLUMNS, TradeRows, no_trades
from windrow.windows import Options

#: Half a year: what is put together at once of a portfolio.
_SLOT = 1 << 58
_SIDES = np.array(["", "buy", "sell"], object)  # by side: -1 counts from the end
_POSITIONS = np.array(["", "long", "short"], object)
_TRADE_TIMES = ("entry_time", "exit_time")

#: The figures that a result's text has, and of how many symbols.
_SHOWN = {
    "return": "{:.2%}", "buy_and_hold": "{:.2%}", "cagr": "{:.2%}", "sharpe": "{:.2f}", "max_drawdown": "{:.2%}",
    "trades_closed": "{:,.6g}", "win_rate": "{:.2%}",
}  # fmt: skip
_MOST_SHOWN = 4


class Traced(NamedTuple):
    """One pass over the bars: figures, one row per symbol; with a trace its orders, and its value at each close.

    portfolio: the value of a portfolio at each time, if there is one. warnings: what a user must be told.
    """

    figures: pd.DataFrame
    orders: pd.DataFrame
    equity: pd.DataFrame
    trades: pd.DataFrame
    portfolio: pd.DataFrame | None
    warnings: list[str]


class BacktestResult(Shown):
    """What a strategy did over the bars of a frame.

    Attributes
    ----------
    figures : DataFrame
        A row per symbol, sorted: symbol, fast, slow, and the figures of docs/figures.md. An undefined figure is NaN; a
        last column, `undefined`, gives the reasons where there are any.
    orders : DataFrame
        symbol, timestamp, side, size, price, status.
    equity : DataFrame
        The value at each close beside that of buying and holding: symbol, timestamp, value, buy_and_hold.
    trades : DataFrame
        symbol, entry_time, exit_time, side, size, entry_price, exit_price, pnl, return, bars, mae, mfe, closed_by:
        docs/signals.md says what each is.
    portfolio : DataFrame or None
        The value of a portfolio, where one was asked for: timestamp, value, buy_and_hold. Its figures are those of an
        empty symbol.
    symbols : list of str
        The symbols, by name.

    Notes
    -----
    Orders, trades and equity are computed by one more pass over the bars when one of them is first asked for, and kept;
    with `traced=True` by the pass that computes the figures. Whatever the figures have, the result has too, but for
    these names and `plot`: `result["pnl"]`, `result.iloc[0]`.
    """

    def __init__(self, strategy: Strategy, kept: Kept, traced: bool, portfolio: Portfolio | None = None) -> None:
        self._strategy, self._kept, self._together = strategy, kept, portfolio
        found = _pass(strategy, kept, traced, portfolio)
        self.figures, self.warnings = found.figures, [python_words(text, backtest) for text in found.warnings]
        self.symbols = [symbol for symbol in self.figures["symbol"] if symbol]
        self._traced = found if traced else None

    @property
    def orders(self) -> pd.DataFrame:
        """Every order of every symbol, and what became of it."""
        return self._trace().orders

    @property
    def equity(self) -> pd.DataFrame:
        """The value of every symbol's account at each close, and that of buying and holding."""
        return self._trace().equity

    @property
    def trades(self) -> pd.DataFrame:
        """Every trade: entry, exit, profit, excursions, and why it closed."""
        return self._trace().trades

    @property
    def portfolio(self) -> pd.DataFrame | None:
        """The value of the portfolio at each time, and that of buying and holding; None without one."""
        return None if self._together is None else self._trace().portfolio

    def _trace(self) -> Traced:
        if self._traced is None:
            self._traced = _pass(self._strategy, self._kept, True, self._together)
        return self._traced

    def report(
        self,
        out: str | Path = "report.html",
        *,
        symbols: str | Sequence[str] = (),
        sweep: SweepResult | None = None,
        force: bool = False,
    ) -> Path:
        """Write a page of the run, as `windrow report` does, and beside it a picture of its portfolio, or first symbol.

        Parameters
        ----------
        out
            The page's name, which ends in .html.
        symbols
            Those to show; by default the first eight by name, or fewer where the page would be large.
        sweep
            A sweep of the same bars, whose maps are to be on the page too.
        force
            Whether to replace a page that exists.

        Returns
        -------
        Path
            The page. The picture is beside it, where the extra `plot` is installed.

        Raises
        ------
        OutputError
            The page or the picture exists.
        InputError
            The result has no such symbol.
        """
        with in_words_of(self.report):
            places, known = Places.of(out, force), self.symbols
        if sweep is not None:
            known = [symbol for symbol in known if symbol in set(sweep.symbols)]
        wanted = listed(symbols)
        chosen = choose(known, wanted, MOST_SYMBOLS, "the result")
        reports = self._reports(chosen, sweep)
        most, lines = None if wanted else MOST_BYTES, self.figures.set_index("symbol")
        everyone = listing({symbol: [lines.loc[symbol].to_dict()] for symbol in known})
        pooled = self._pooled(reports[0].series.dated)
        return write_report(places, self._sources(sweep), reports, len(known), most, everyone, pooled)[0]

    def plot(self, symbol: str | None = None) -> Any:
        """Draw one symbol: candles, the two lines, orders, equity and drawdown.

        Parameters
        ----------
        symbol
            The one to draw; by default the first by name.

        Returns
        -------
        altair.VConcatChart
            Which a notebook shows.

        Raises
        ------
        UsageError
            The packages of the extra `plot` are not installed.
        """
        picture = drawing("plot()")
        [chosen] = choose(self.symbols, [] if symbol is None else [symbol], 1, "the result")
        return picture.themed(picture.draw(self._sources(), self._reports([chosen])[0]))

    def _sources(self, sweep: SweepResult | None = None) -> Sources:
        strategy = self._strategy
        described = {
            "fast": str(strategy.pair.fast),
            "slow": str(strategy.pair.slow),
            "ema_seed": strategy.options.ema_seed,
            "rules": asdict(strategy.rules),
            "measures": asdict(strategy.measures),
            "reading": {"adjusted": self._kept.adjusted},
            **({"portfolio": self._together.name} if self._together else {}),
        }
        return Sources(Output(Path(), BACKTEST, described), None if sweep is None else sweep.output)

    def _pooled(self, dated: bool) -> Pooled | None:
        """The portfolio, as a page takes it: one more pass over the bars where it has not been traced."""
        if self._together is None:
            return None
        taken: list[tuple[Ints, Floats]] = []
        pool = _Pool(self._together, self._strategy, dated, lambda times, values: taken.append((times, values)))
        for key, pieces in by_symbol(self._kept.stretches()):
            if (strategy := pool.begin(key)) is None:
                continue
            test = strategy.backtest(traced=True)
            for piece in pieces:
                if trace := test.push(piece):
                    pool.push(piece.times, trace)
        [figures] = pool.figures()
        times, values = (np.concatenate(column, axis=-1) for column in zip(*taken, strict=True))
        return Pooled(figures, Equity(times, *values), dated)

    def _reports(self, symbols: Sequence[str], sweep: SweepResult | None = None) -> list[SymbolReport]:
        series, runs = self._kept.series(symbols), dict(self._runs(symbols))
        dated = [symbol for symbol in symbols if series[symbol].dated]
        swept = {} if sweep is None else sweep.swept(symbols, dated)
        return [replace(runs[symbol](series[symbol]), swept=swept.get(symbol)) for symbol in symbols]

    def _runs(self, symbols: Sequence[str]) -> Iterator[tuple[str, "_Run"]]:
        members = None if self._together is None else Members(self._together, self._strategy, Slots(_SLOT))
        for key, pieces in by_symbol(self._kept.stretches()):
            strategy = self._strategy if members is None else members.begin(key)[1]
            if (symbol := decode_symbol(key)) in symbols and strategy is not None:
                yield symbol, _Run(strategy, list(pieces))

    def _heading(self) -> list[str]:
        symbols = self.symbols
        of = shortened(symbols[0]) if len(symbols) == 1 else f"{len(symbols):,} symbols"
        sources = self._sources()
        return [f"{sources.title}: {of}", ", ".join(sources.rules)]

    def _table(self) -> list[list[str]]:
        figures, names = self.figures, list(_SHOWN)
        each = figures[figures["symbol"] != ""]
        shown = [("portfolio", row) for _, row in figures[figures["symbol"] == ""].iterrows()]
        shown += [] if len(each) < 2 else [("median", each[names].median())]
        shown += [(shortened(row["symbol"]), row) for _, row in each.head(_MOST_SHOWN).iterrows()]
        left = len(each) - _MOST_SHOWN
        more = [f"{left:,} more"] if left > 0 else []
        rows = [
            [name, *(worded(its[name], form) for _, its in shown), *[""] * len(more)] for name, form in _SHOWN.items()
        ]
        return [["", *(name for name, _ in shown), *more], *rows]


class _Run:
    """One symbol's run over pieces that are kept."""

    def __init__(self, strategy: Strategy, pieces: Sequence[Piece]) -> None:
        self._strategy, self._pieces = strategy, pieces

    def __call__(self, series: Series) -> SymbolReport:
        """What is known of it, as a page takes it."""
        figures, orders, equity, trades = run_over(self._strategy, self._pieces, series.dated)
        return SymbolReport(series, figures, orders, equity, trades=trades)


@with_known_arguments("bars, fast='sma:50', slow='sma:200'")
def backtest(
    bars: pd.DataFrame,
    fast: str,
    slow: str,
    *,
    size: float | str = Rules.size,
    whole_shares: bool = Rules.whole_shares,
    cash: float = Rules.cash,
    commission: float = Rules.commission,
    commission_per_order: float = Rules.commission_per_order,
    slippage: float = Rules.slippage,
    fill: Fill = Rules.fill,
    side: Side = Rules.side,
    entry: Entry = Rules.entry,
    stop_at_ruin: bool = Rules.stop_at_ruin,
    days_per_year: float | None = Measures.days_per_year,
    risk_free: float = Measures.risk_free,
    backtrader: bool = Measures.backtrader,
    column: str = "close",
    ema_seed: Literal["sma", "first"] = "sma",
    adjusted: bool = False,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
    traced: bool = False,
    excursions: Excursions = "close",
    portfolio: Literal["equal"] | Mapping[str, float] | None = None,
    rebalance: Rebalance | None = None,
) -> BacktestResult:
    """Backtests a pair of lines over every symbol's bars, to the bit what `jobs.backtest` writes for them.

    Parameters
    ----------
    bars
        As for `windrow.moving_average`, with columns `close`, `open` where orders are filled at the next open, and
        `column`.
    fast, slow
        The two lines, each an indicator, e.g. `ema:7` (docs/indicators.md), or the price by the name of its column,
        e.g. `close`.
    size
        Of positions: "all-in", "50%" of the equity, "money:10000", or a number of shares.
    whole_shares, cash, commission, commission_per_order, slippage, fill, side, entry, stop_at_ruin
        The rules, as the job's options of these names: docs/signals.md.
    days_per_year, risk_free, backtrader
        Of figures: docs/figures.md.
    column
        The column that indicators are of.
    ema_seed, adjusted, on_conflict
        The job's options of these names: docs/signals.md and docs/inputs.md.
    traced
        Whether to compute orders, trades and equity with the figures, rather than when they are asked for.
    excursions
        "close" or "range": whether `mae` and `mfe` of trades are of closes, or of lows and highs.
    portfolio
        "equal", or the weight of each symbol, e.g. a Series by symbol, to put all accounts together as well.
    rebalance
        "month" or "quarter": when a portfolio's accounts are set back to their shares.

    Returns
    -------
    BacktestResult
        With `figures`, `orders`, `trades` and `equity`, which are frames, `report()` and `plot()`.

    Raises
    ------
    UsageError
        For wrong arguments, and columns that are missing.
    InputError
        For invalid values.
    ConflictError
        For two different bars at one (symbol, timestamp).

    Notes
    -----
    Warns where most orders of a symbol were refused, and where a price of 0 postponed a fill. Memory: some copies of
    the columns used. The result keeps the bars: nothing with pandas 3 unless they are changed, before it a copy.

    Examples
    --------
    >>> close = [10.0, 11.0, 12.0, 11.0, 9.0, 8.0]
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=6), "open": close, "close": close})
    >>> result = backtest(bars, fast="close", slow="sma:2", size=10, cash=1000)
    >>> result
    Backtest of close over sma:2: AA
    initial cash 1,000, positions of 10 shares, filled at the next open, long and short, entry by state, no costs
                        AA
    return          -2.00%
    buy_and_hold    -3.00%
    cagr           -70.74%
    sharpe           -6.05
    max_drawdown     3.00%
    trades_closed        1
    win_rate         0.00%
    >>> result.figures[["symbol", "pnl", "trades_total", "won", "lost"]]
      symbol   pnl  trades_total  won  lost
    0     AA -20.0             2    0     1
    >>> result.orders
      symbol  timestamp  side  size  price  status
    0     AA 2008-03-05   buy  10.0   12.0  filled
    1     AA 2008-03-07  sell  20.0    9.0  filled
    >>> result.trades[["entry_time", "exit_time", "side", "pnl", "mae", "closed_by"]]
      entry_time  exit_time   side   pnl   mae closed_by
    0 2008-03-05 2008-03-07   long -30.0 -0.25     cross
    1 2008-03-07 2008-03-08  short  10.0  0.00      open
    """
    rules = Rules(
        size=size, cash=cash, commission=commission, commission_per_order=commission_per_order, slippage=slippage,
        fill=fill, side=side, entry=entry, whole_shares=whole_shares, stop_at_ruin=stop_at_ruin,
    )  # fmt: skip
    measures = Measures(days_per_year, risk_free, backtrader)
    pair = Pair(parse_line(fast, column), parse_line(slow, column))
    strategy = Strategy(pair, rules, column, Options(ema_seed=ema_seed), measures, excursions)
    bars = named(bars, strategy.columns, adjusted)
    check_opens(bars, strategy.columns, column)
    check_ranges(bars, excursions)
    check_needs(bars, [pair.fast, pair.slow])
    together = _portfolio(portfolio, rebalance, rules) if portfolio is not None or rebalance else None
    kept = Kept.of(bars, strategy.columns, column, adjusted, on_conflict)
    result = BacktestResult(strategy, kept, traced, together)
    for text in result.warnings:
        warn(text, stacklevel=3)
    return result


def _pass(strategy: Strategy, kept: Kept, traced: bool, portfolio: Portfolio | None) -> Traced:
    bars, pooled = kept.frame, [equity_rows("", np.empty(0, np.int64), np.empty(0), np.empty(0))]
    take = lambda times, values: pooled.append(equity_rows("", times, *values))  # noqa: E731
    pool = None if portfolio is None else _Pool(portfolio, strategy, False, take)
    rows: list[dict[str, Any]] = []
    notices = Notices()
    orders, equity, trades = (
        [_orders("", no_entries())],
        [equity_rows("", np.empty(0, np.int64), np.empty(0), np.empty(0))],
        [_trades("", no_trades())],
    )
    for key, pieces in by_symbol(kept.stretches()):
        symbol, own = decode_symbol(key), strategy if pool is None else pool.begin(key)
        if own is None:
            continue
        test = own.backtest(traced or pool is not None)
        for piece in pieces:
            if trace := test.push(piece):
                if pool is not None:
                    pool.push(piece.times, trace)
                orders.append(_orders(symbol, trace.orders))
                equity.append(equity_rows(symbol, piece.times, trace.values[:, 0], trace.bought))
                trades.append(_trades(symbol, trace.trades))
        if traced:
            orders.append(_orders(symbol, test.open_orders()))
            trades.append(_trades(symbol, test.open_trades()))
        rows.append({"symbol": symbol, **test.figures()})
        notices.add((test.orders, test.full))
    unread = ["the frame"] if not kept.adjusted and adjusted_column(bars) else []
    warnings = [*warnings_of(notices.counts, strategy.rules), *unadjusted(unread)]
    rows += [{"symbol": "", **its} for its in pool.figures()] if pool is not None else []
    warnings += pool.warnings if pool is not None else []
    none = {"symbol": "", **strategy.backtest().figures()}
    figures = in_zone(figures_table(rows or [none]).iloc[: len(rows)], bars, *TIMES)
    values = None if pool is None else _joined(pooled, bars).drop(columns="symbol")
    made = _joined(orders, bars), _joined(equity, bars), _joined(trades, bars, *_TRADE_TIMES)
    return Traced(figures, *made, values, warnings)


def _portfolio(
    asked: Literal["equal"] | Mapping[str, float] | None, rebalance: Rebalance | None, rules: Rules
) -> Portfolio:
    """The portfolio that is asked for. Raises UsageError."""
    if asked is None:
        raise UsageError(
            f"rebalance={rebalance!r}: is of a portfolio, and there is none; add portfolio='equal', or leave it out"
        )
    found = Portfolio(None if isinstance(asked, str) and asked == "equal" else _weights(asked), rebalance)
    found.check(rules)
    return found


def _weights(asked: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(asked, Mapping | pd.Series):
        raise UsageError(
            f"portfolio={asked!r}: is neither 'equal' nor weights; give the weight of each symbol, e.g. {{'AA': 0.5}}"
        )
    weights: dict[str, float] = {}
    for name, weight in asked.items():
        if not is_number(weight):
            raise UsageError(f"portfolio: the weight {weight!r} of {name} is no number; write 20 % as 0.2")
        if str(name) in weights:
            raise UsageError(f"portfolio: has the symbol {name} again; give each symbol one weight")
        weights[str(name)] = float(weight)
    return weights


class _Pool:
    """A portfolio, by the two steps of the job."""

    def __init__(
        self, portfolio: Portfolio, strategy: Strategy, dated: bool, take: Callable[[Ints, Floats], object]
    ) -> None:
        self.warnings: list[str] = []
        self._members = Members(portfolio, strategy, Slots(_SLOT))
        self._lines: list[bytes] = []
        self._united = United(portfolio, strategy, dated, self.warnings.append, take=take)

    def begin(self, symbol: bytes) -> Strategy | None:
        """The strategy of the next symbol; None: it has no part in the portfolio."""
        line, strategy = self._members.begin(symbol)
        self._lines.append(line)
        return strategy

    def push(self, times: Ints, trace: Trace) -> None:
        """Takes what its run did."""
        self._lines += self._members.lines(times, trace)

    def figures(self) -> list[dict[str, Any]]:
        """The portfolio's figures; none without bars. Raises InputError."""
        lines = self._united.lines(sorted(line[:-1] for line in self._lines))
        return [orjson.loads(line.partition(b"\t")[2]) for line in lines]


def _orders(symbol: str, orders: Entries) -> pd.DataFrame:
    columns = {
        "side": _SIDES[orders.sides],
        "size": orders.sizes,
        "price": orders.prices,
        "status": np.array(STATUS, object)[orders.status],
    }
    return pd.DataFrame({"symbol": symbol, "timestamp": orders.times.view("datetime64[ns]"), **columns})


def _trades(symbol: str, trades: TradeRows) -> pd.DataFrame:
    """The trades of a symbol, by the names of their columns."""
    times = (trades.entered.view("datetime64[ns]"), trades.exited.view("datetime64[ns]"))
    columns = (*times, _POSITIONS[trades.sides], *trades[4:-1], np.array(CLOSED_BY, object)[trades.closed_by])
    return pd.DataFrame({"symbol": symbol, **dict(zip(TRADE_COLUMNS, columns, strict=True))})


def _joined(frames: list[pd.DataFrame], bars: pd.DataFrame, *times: str) -> pd.DataFrame:
    """All these rows in order of symbols and of the first of the times, in the bars' zone."""
    times = times or ("timestamp",)
    frame = pd.concat(frames, ignore_index=True).astype({"symbol": str})
    return in_zone(frame.sort_values(["symbol", times[0]], kind="stable", ignore_index=True), bars, *times)
