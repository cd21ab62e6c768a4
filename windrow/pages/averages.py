"""Averages and other indicators over the bars that they are of, or bars alone: one HTML page, and a PNG beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from windrow.arrays import Floats
from windrow.bars.layout import normalise
from windrow.errors import InputError
from windrow.frames.arguments import with_known_arguments
from windrow.frames.outputs import ends_of, full_reading_of, read_output
from windrow.pages.alone import VOLUME, Alone, Asked, read_alone
from windrow.pages.chart import (
    MOST_BYTES,
    MOST_CANDLES,
    Candles,
    Json,
    Line,
    Pane,
    charted,
    drawn_lines,
    fitting,
    five_digits,
    left_out,
)
from windrow.pages.series import CANDLES, Series, choose, is_over_prices, moments, read_series
from windrow.pages.shell import Paths, Places, listed, page
from windrow.pages.theme import line_style
from windrow.storage.publish import at_hand

#: Symbols on a page, and in a picture, whose reader asked for none.
MOST_SYMBOLS = 4
#: Pixels of a symbol's prices in a picture, which has several symbols.
_TALL = 240


@dataclass(frozen=True)
class SymbolAverages:
    """One symbol's bars and the indicators of their `column`: panes of them, the first drawn over the prices."""

    series: Series
    column: str
    panes: Sequence[Pane]


@with_known_arguments("'out/averages', 'data/bars.csv', out='plot.html'", named=["force"])
def plot(
    output: str | Path | None,
    bars: Paths,
    *,
    symbols: str | Sequence[str] = (),
    column: str | None = None,
    out: str | Path = "plot.html",
    force: bool = False,
    asked: Asked | None = None,
) -> list[Path]:
    """Draw a job's averages over its bars; return the places written: the page, and the picture beside it.

    `output` is a directory that moving-average wrote, or a file of its lines, and `bars` are the files that it read,
    all of them local or on S3. They are read as the job read them. Averages are drawn over candles where the bars have
    open, high, low and close, and the job averaged one of them; otherwise over the line of its column, or over that of
    `column` if it is given. What is of another size than prices, or
    of another meaning, as sums, deviations, rsi and macd, has a panel of its own. Without `symbols`, the first four by
    name are shown, or fewer where the page would be large. Without the packages of the extra `plot` the picture is not
    drawn, and a line on standard error says so.

    With None as `output` the bars are drawn alone, with their volume; they are read as a job would, by what is `asked`.
    If no input has a column of symbols, the one in `symbols` is that of all bars.

    Raises OutputError if `out`, or the picture beside it, exists (unless `force`), InputError where the output or the
    bars are not what they should be, of bars alone what a job would raise, UsageError if `out` does not end in .html.
    Memory: the output, and the chosen symbols' bars.
    """
    places = Places.of(out, force)
    wanted = listed(symbols)
    if output is None:
        alone, known = read_alone(listed(bars), wanted, column, MOST_SYMBOLS, asked or Asked())
        found = _bare(alone)
    else:
        with at_hand(output) as place:
            found, known = _read(place, listed(bars), wanted, column)
    shown = page_data(found, known, None if wanted else MOST_BYTES)

    def drawn() -> bytes:
        from windrow.pages import vega

        return vega.png(draw(found[: len(shown["symbols"])]), scale=2)

    return places.write(page(shown, "averages.html", ["averages"]), drawn)


def _read(
    output: Path, bars: Sequence[str], symbols: Sequence[str], column: str | None
) -> tuple[list[SymbolAverages], int]:
    """The chosen symbols, and how many there are."""
    lines = _indicators(output)
    known = sorted(map(str, lines["symbol"].unique()))
    chosen = choose(known, symbols, MOST_SYMBOLS, str(output))
    rows = {str(symbol): rows for symbol, rows in lines[lines["symbol"].isin(chosen)].groupby("symbol")}
    reading = full_reading_of(output)
    averaged = reading.values[0]
    drawn = normalise(column) if column else None if averaged in CANDLES else averaged
    series = read_series(bars, chosen, reading, averaged, drawn, ends_of(output))
    return arrange([series[symbol] for symbol in chosen], rows, averaged), len(known)


def _bare(symbols: Sequence[Alone]) -> list[SymbolAverages]:
    """The symbols without an average; below their prices the volume, in a pane of all symbols if any has one."""
    largest = [np.nan_to_num(one.volume) for one in symbols if one.volume is not None]
    digits = _digits(largest)
    found = []
    for one in symbols:
        volume = np.full(len(one.series.times), np.nan) if one.volume is None else one.volume
        below = [Pane([Line(VOLUME, volume, "soft")], digits, sums=True)] if largest else []
        found.append(SymbolAverages(one.series, one.series.price, [Pane([]), *below]))
    return found


def _indicators(output: Path) -> pd.DataFrame:
    """The output's rows. Raises InputError if it is missing, or of another job."""
    if not output.exists():
        raise InputError(
            f"{output}: does not exist: windrow plot draws what moving-average wrote; use its --output-dir, or a file"
            " of its lines"
        )
    lines = read_output(output)
    if "signal" in lines:
        raise InputError(
            f"{output}: has crosses: windrow plot draws averages; run moving-average with an --indicator for each of"
            " the two lines, and plot its output"
        )
    if "timestamp" not in lines:
        raise InputError(
            f"{output}: has figures of backtests: windrow plot draws averages; show it with windrow report {output}"
            " --bars FILE..."
        )
    return lines


def arrange(series: Sequence[Series], rows: Mapping[str, pd.DataFrame], column: str = "close") -> list[SymbolAverages]:
    """Places each symbol's indicators of `column` at its bars, in the same panes for all symbols.

    A symbol's rows have `symbol`, `timestamp` and a float column for each indicator. Those of the size of prices share
    the prices' pane; others of one kind share a pane below. Raises InputError where a row is at a time without a bar.
    """
    placed = [_columns(one, rows[one.symbol]) for one in series]
    names = rows[series[0].symbol].columns[2:].tolist()
    like_prices = [
        all(map(_is_within, columns, [one.close for one in series])) for columns in zip(*placed, strict=True)
    ]
    panes = _panes(names, like_prices)
    return [
        SymbolAverages(one, column, [_pane(names, columns, pane) for pane in panes])
        for one, columns in zip(series, placed, strict=True)
    ]


def _columns(series: Series, rows: pd.DataFrame) -> list[Floats]:
    """The values of each indicator at the symbol's bars."""
    times = moments(rows["timestamp"])
    columns = (rows.iloc[:, at].to_numpy(np.float64) for at in range(2, rows.shape[1]))
    return [series.values(times, column, "a row of the output") for column in columns]


def _is_within(values: Floats, prices: Floats) -> bool:
    """Whether the values would at most double the range of prices."""
    low, high = np.nanmin(prices), np.nanmax(prices)
    slack = (high - low) / 2
    return bool(np.all(np.isnan(values) | ((values >= low - slack) & (values <= high + slack))))


def _panes(names: Sequence[str], like_prices: Iterable[bool]) -> list[list[int]]:
    """The indicators of each pane, by their numbers: those over the prices, then the others by kind."""
    first: list[int] = []
    below: dict[str, list[int]] = {}
    for at, (name, is_like_prices) in enumerate(zip(names, like_prices, strict=True)):
        kind = name.partition(":")[0]
        (first if is_like_prices and is_over_prices(name) else below.setdefault(kind, [])).append(at)
    return [first, *below.values()]


def _pane(names: Sequence[str], columns: Sequence[Floats], pane: Sequence[int]) -> Pane:
    lines = [Line(names[at], columns[at], *line_style(at), sparse=_is_sparse(columns[at])) for at in pane]
    return Pane(lines, _digits(columns[at] for at in pane))


def _is_sparse(values: Floats) -> bool:
    """Whether values are missing between others, as --step leaves them out."""
    known = np.flatnonzero(~np.isnan(values))
    return bool(len(known) and len(known) < known[-1] - known[0] + 1)


def _digits(columns: Iterable[Floats]) -> int:
    """As many decimals as show five digits of the largest value."""
    return five_digits(max((float(np.nanmax(np.abs(column), initial=0)) for column in columns), default=0.0))


def page_data(symbols: Sequence[SymbolAverages], known: int, most_bytes: int | None = None) -> Json:
    """The page's data, of as many of the symbols as `most_bytes` have room for; `known` is how many there are."""
    shown = fitting(map(_symbol, symbols), most_bytes)
    first = symbols[0].series
    return {
        "title": _title(symbols[0]),
        "notes": left_out(len(shown), known, "plot"),
        "dated": first.dated,
        "column": first.price,
        "beside": _beside(symbols[0]),
        "symbols": shown,
    }


def _symbol(symbol: SymbolAverages) -> Json:
    candles = Candles.of(symbol.series, MOST_CANDLES)
    first, *below = symbol.panes
    over = Pane(first.lines, candles.digits)
    return {**charted(candles, below), "lines": drawn_lines(candles, over)}


def _beside(symbol: SymbolAverages) -> str:
    """What is drawn beside the prices."""
    lines = [line.name for pane in symbol.panes for line in pane.lines if not pane.sums]
    return "averages" if lines else VOLUME if symbol.panes[1:] else ""


def _title(symbol: SymbolAverages) -> str:
    beside = _beside(symbol)
    if beside != "averages":
        drawn = "prices" if symbol.series.has_candles else symbol.column
        return f"{drawn} and {beside}" if beside else drawn
    names = [line.name for pane in symbol.panes for line in pane.lines]
    shown = ", ".join(names) if len(names) <= 6 else f"{len(names)} indicators"
    return f"{shown} of {symbol.column}"


def draw(symbols: Sequence[SymbolAverages]) -> Any:
    """Return the picture as altair's chart: each symbol's panels, one symbol below the other."""
    from windrow.pages import vega

    parts = []
    for symbol in symbols:
        candles = Candles.of(symbol.series, vega.MOST_CANDLES)
        title = f"{vega.shortened(symbol.series.symbol)}: {vega.extent(candles)}"
        parts.append(vega.stacked(vega.panels(candles, symbol.panes, tall=_TALL), title, size=14))
    return vega.stacked(parts, vega.shortened(_title(symbols[0]), 100))
