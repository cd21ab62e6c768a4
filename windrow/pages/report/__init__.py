"""Reports of backtests and sweeps: one self-contained HTML page, and a PNG beside it.

    outputs.py    what jobs wrote: figures, orders, equity curves
    series.py     the bars they read, and their averages by the same kernels
    sweeps.py     a sweep's lines as columns over its pairs
    contents.py   what the page shows, as JSON, its columns by packed.py
    page.py       the page: page.html, page.css and the scripts, which draw on canvas
    picture.py    the picture, by Vega

The page needs no network; its Content-Security-Policy allows its own script and style alone, by their hashes. Symbols
are any text: they reach the page as JSON, never as markup.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from windrow.errors import WindrowError
from windrow.pages.shell import places_of, write_both

if TYPE_CHECKING:
    from windrow.pages.report.contents import Sources, Story

#: Symbols on a page that asks for none.
MOST_SYMBOLS = 8
#: Of a page that asks for no symbol; one that asks for some holds them all.
MOST_BYTES = 16_000_000


def report(
    outputs: Sequence[str | Path],
    bars: Sequence[str],
    symbols: Sequence[str] = (),
    orders: str | Path | None = None,
    equity: str | Path | None = None,
    out: Path = Path("report.html"),
    force: bool = False,
) -> list[Path]:
    """Report on a backtest, a sweep or both; return the page and the picture written.

    `outputs` are directories that these jobs wrote, `bars` what they read, all here or on S3. `orders` and `equity` are
    files, or directories, that a backtest wrote; those in its own directory are found. Without `symbols`, the first
    eight by name that all outputs have, or fewer where the page would be large. The picture is of the first symbol.

    Raises OutputError if `out`, or the picture beside it, exists (unless `force`), InputError where an output, the
    bars or orders are not what they should be, UsageError for outputs that do not go together, WindrowError if
    vl-convert is not installed. Memory: the chosen symbols' bars and lines.
    """
    from windrow.pages.report.contents import Sources, contents
    from windrow.pages.report.markup import page
    from windrow.pages.report.picture import picture
    from windrow.pages.report.results import open_output
    from windrow.storage.publish import at_hand

    places = places_of(out, force)
    _need_packages()
    with ExitStack() as kept:
        here = [kept.enter_context(at_hand(output)) for output in outputs]
        beside = [None if each is None else kept.enter_context(at_hand(each)) for each in (orders, equity)]
        sources = Sources.of([open_output(place) for place in here])
        stories, known = _read(sources, bars, symbols, *beside)
        told = contents(sources, stories, known, most_bytes=None if symbols else MOST_BYTES)
        return write_both(places, page(told), picture(sources, stories[0]), force)


def _need_packages() -> None:
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        raise WindrowError(
            "a report's picture needs vl-convert-python, which is not installed: pip install 'windrow[plot]'"
        ) from None


def _read(
    sources: "Sources", bars: Sequence[str], symbols: Sequence[str], orders: Path | None, equity: Path | None
) -> tuple[list["Story"], int]:
    """What is known of each chosen symbol, and how many symbols there are."""
    from windrow.frames.outputs import full_reading_of
    from windrow.pages.report.contents import Story
    from windrow.pages.report.maps import swept
    from windrow.pages.report.results import (
        BACKTEST,
        SWEEP,
        choose,
        parts_of,
        read_equity,
        read_figures,
        read_orders,
        symbols_in,
    )
    from windrow.pages.report.series import read_series
    from windrow.sinks.backtests import EQUITY, ORDERS

    names = [symbols_in(output) for output in sources.outputs]
    known = [symbol for symbol in names[0] if all(symbol in others for others in names[1:])]
    chosen = choose(known, symbols, MOST_SYMBOLS, " ".join(str(output.place) for output in sources.outputs))
    reading = full_reading_of(sources.outputs[0].place)
    series = read_series(bars, chosen, reading, reading.values[0])
    figures = {output.job: read_figures(output, chosen) for output in sources.outputs}
    placed = parts_of(orders, ORDERS) if orders else sources.beside(ORDERS)
    valued = parts_of(equity, EQUITY) if equity else sources.beside(EQUITY)
    their_orders, their_values = read_orders(placed, chosen), read_equity(valued, chosen)
    return [
        Story(
            series[symbol],
            figures[BACKTEST][symbol][0] if BACKTEST in figures else None,
            their_orders.get(symbol),
            their_values.get(symbol),
            swept(figures[SWEEP][symbol]) if SWEEP in figures else None,
        )
        for symbol in chosen
    ], len(known)
