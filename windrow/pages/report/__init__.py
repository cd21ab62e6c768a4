"""Reports of backtests and sweeps: one self-contained HTML page, and a PNG beside it.

    results.py    what jobs wrote: figures, orders, equity curves
    maps.py       a sweep's lines as columns over its pairs
    all_symbols.py, benchmark.py, calendar_returns.py, falls.py, returns_of_days.py, rules_in_words.py
                  the table of symbols, what buying and holding has, months and years, drawdowns, returns of days, rules
                  and differences
    pair_curves.py, strategy_runs.py
                  the curves of a sweep's pairs
    sheet.py      what is told of an equity curve
    pooled.py     a portfolio
    contents.py   what the page shows, as JSON
    main.html     the page's markup; js/report.js, sheet.js, days.js, symbols.js, heatmap.js show it
    picture.py    the picture

Symbols are any text: they reach the page as JSON, never as markup.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from windrow.frames.arguments import with_known_arguments
from windrow.frames.outputs import ends_of, full_reading_of
from windrow.pages.chart import MOST_BYTES, Json
from windrow.pages.report.all_symbols import chosen_listing, listing
from windrow.pages.report.contents import Sources, SymbolReport, page_data
from windrow.pages.report.maps import swept
from windrow.pages.report.pooled import Pooled
from windrow.pages.report.results import (
    BACKTEST,
    SWEEP,
    lines_by_symbol,
    open_output,
    parts_of,
    read_equity,
    read_figures,
    read_orders,
    read_portfolio,
    read_trades,
    symbols_in,
)
from windrow.pages.series import choose, read_series
from windrow.pages.shell import Paths, Places, listed, page
from windrow.sinks.backtests import EQUITY, ORDERS, TRADES
from windrow.storage.publish import at_hand

#: Symbols on a page whose reader asked for none.
MOST_SYMBOLS = 8
#: What a report runs beside the chart, in the order in which one needs the other.
SCRIPTS = ("heatmap", "histogram", "sheet", "inert", "days", "report", "trades", "symbols")


@with_known_arguments("'out/backtest', 'data/bars.csv', out='report.html'", named=["force"])
def report(
    outputs: Paths,
    bars: Paths,
    *,
    symbols: str | Sequence[str] = (),
    orders: str | Path | None = None,
    trades: str | Path | None = None,
    equity: str | Path | None = None,
    out: str | Path = "report.html",
    force: bool = False,
) -> list[Path]:
    """Report on a backtest, a sweep or both; return the places written: the page, and the picture beside it.

    `outputs` are directories that these jobs wrote, `bars` what they read, all of them local or on S3. `orders`,
    `trades` and `equity` are files, or directories, that a backtest wrote; those in its own directory are found.
    Without `symbols`, the first eight by name that all outputs have are shown, or fewer where the page would be large.
    The picture shows the first symbol; without the packages of the extra `plot` it is not drawn, and a line on standard
    error says so.

    Raises OutputError if `out`, or the picture beside it, exists (unless `force`), InputError where an output, the
    bars or the orders are not what they should be, UsageError for outputs that do not go together. Memory: the chosen
    symbols' bars and lines.
    """
    places = Places.of(out, force)
    with ExitStack() as kept:
        here = [kept.enter_context(at_hand(output)) for output in listed(outputs)]
        beside = [None if each is None else kept.enter_context(at_hand(each)) for each in (orders, trades, equity)]
        sources = Sources.of([open_output(place) for place in here])
        wanted = listed(symbols)
        reports, known, everyone = _read(sources, listed(bars), wanted, *beside)
        pooled = _pooled(sources, reports[0].series.dated)
        return write_report(places, sources, reports, known, None if wanted else MOST_BYTES, everyone, pooled)


def write_report(
    places: Places,
    sources: Sources,
    reports: Sequence[SymbolReport],
    known: int,
    most_bytes: int | None,
    everyone: Json | None = None,
    pooled: Pooled | None = None,
) -> list[Path]:
    """Write the page of these symbols, and the picture of the first; `known` is how many symbols there are.

    `everyone`: the figures of all of them, as all_symbols.py has them. `pooled`: their portfolio, which the page has
    first, and the picture in place of a symbol.
    """
    shown = page_data(sources, reports, known, most_bytes, everyone, pooled)

    def drawn() -> bytes:
        from windrow.pages.report.picture import picture, pooled_picture

        return picture(sources, reports[0]) if pooled is None else pooled_picture(sources, pooled)

    return places.write(page(shown, "report/main.html", SCRIPTS), drawn)


def _pooled(sources: Sources, dated: bool) -> Pooled | None:
    """The portfolio of a backtest, if it has one."""
    output = sources.backtest
    equity = output and read_portfolio(output)
    found = read_figures(output, [""])[""] if output and equity else []
    return Pooled(found[0], equity, dated) if found and equity else None


def _read(
    sources: Sources,
    bars: Sequence[str],
    symbols: Sequence[str],
    orders: Path | None,
    trades: Path | None,
    equity: Path | None,
) -> tuple[list[SymbolReport], int, Json | None]:
    """What is known of each chosen symbol, how many symbols there are, and the figures of all of a backtest."""
    names = [symbols_in(output) for output in sources.outputs]
    known = [symbol for symbol in names[0] if all(symbol in others for others in names[1:])]
    chosen = choose(known, symbols, MOST_SYMBOLS, " ".join(str(output.place) for output in sources.outputs))
    reading = full_reading_of(sources.outputs[0].place)
    series = read_series(bars, chosen, reading, reading.values[0], until=ends_of(sources.outputs[0].place))
    figures = {
        output.job: read_figures(output, known if output.job == BACKTEST else chosen) for output in sources.outputs
    }
    compared = read_figures(sources.compared, chosen) if sources.compared else {}
    beside = {ORDERS: orders, TRADES: trades, EQUITY: equity}
    parts = {name: parts_of(place, name) if place else sources.beside(name) for name, place in beside.items()}
    orders_of, equity_of = read_orders(parts[ORDERS], chosen), read_equity(parts[EQUITY], chosen)
    trades_of = read_trades(parts[TRADES], chosen) if parts[TRADES] else {}
    return (
        [
            SymbolReport(
                series[symbol],
                figures[BACKTEST][symbol][0] if BACKTEST in figures else None,
                orders_of.get(symbol),
                equity_of.get(symbol),
                swept(figures[SWEEP][symbol]) if SWEEP in figures else None,
                next(iter(compared.get(symbol, ())), None),
                trades_of.get(symbol),
            )
            for symbol in chosen
        ],
        len(known),
        listing(figures[BACKTEST]) if BACKTEST in figures else _chosen_listing(sources),
    )


def _chosen_listing(sources: Sources) -> Json | None:
    """The pairs that a sweep alone chooses of all its symbols, by one pass over its lines."""
    return chosen_listing(lines_by_symbol(sources.outputs[0]), sources.objective)
