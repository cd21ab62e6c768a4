"""Pictures of averages over their prices: one self-contained HTML page, and a PNG beside it.

`plot` reads, draws and writes; `draw`, `page` and `picture` are its steps, on DataFrames and without files. A
page holds Vega's JavaScript and needs no network; its Content-Security-Policy allows nothing but the page's
own scripts, and no `eval`. Symbols and column names are any text: they reach the page as JSON or escaped,
never as markup.
"""

import difflib
import html
import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from windrow.errors import InputError, WindrowError
from windrow.pages.shell import digest, embedded, fill, part, places_of, unmarked, write_both
from windrow.pages.theme import DARK, LIGHT, config

if TYPE_CHECKING:
    import altair as alt
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Positions = npt.NDArray[np.int64]

MOST_SYMBOLS = 4
# About two points to each pixel of a wide panel; more could not be told apart.
MOST_POINTS = 2_000
PANEL_WIDTH, PANEL_HEIGHT = 820, 230
NUMBER = ",.8~r"
DATE_TIP = ("utcyearmonthdate", "%a %Y-%m-%d", "date")
TIME_TIP = ("utcyearmonthdatehoursminutesseconds", "%a %Y-%m-%d %H:%M:%S", "UTC")
TIME_LABELS = {
    "year": "%Y", "quarter": "%b", "month": "%b", "week": "%-d %b", "date": "%-d %b", "day": "%-d %b",
    "hours": "%H:%M", "minutes": "%H:%M", "seconds": "%H:%M:%S", "milliseconds": "%H:%M:%S.%L",
}  # fmt: skip


class Panels(NamedTuple):
    """What is drawn: `rows` (symbol, t in ms UTC, y0, y1 ...), the names of the y's, and the words."""

    rows: "pd.DataFrame"
    symbols: list[str]
    names: list[str]
    dates_only: bool
    title: str
    subtitle: str
    caption: str


def plot(
    output: str | Path,
    bars: list[str],
    symbols: list[str],
    out: Path = Path("plot.html"),
    column: str | None = None,
    force: bool = False,
) -> list[Path]:
    """Draw `column` of `bars` and the averages in a job's `output`; return the page and picture written.

    Bars are read as the job read them, which its output directory tells, and so is the column unless given.
    `symbols` are drawn in the order given; if empty, the output's first four by name. Raises OutputError if
    `out` or the picture beside it exists (unless `force`), InputError if the output is missing or has no line
    of a symbol, UsageError if `out` is not named .html, WindrowError if altair or vl-convert is not
    installed. The output is read into memory, of the bars the chosen symbols' only.
    """
    from windrow.storage.publish import at_hand

    places = places_of(out, force)
    _need_packages()
    with at_hand(output) as place:
        panels = _read(place, bars, symbols, column)
    return write_both(places, page(panels), picture(panels), force)


def _need_packages() -> None:
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise WindrowError(
            f"plotting needs altair and vl-convert-python, and {error.name} is not installed: "
            "pip install 'windrow[plot]'"
        ) from None


def _read(output: Path, bars: list[str], symbols: list[str], column: str | None) -> Panels:
    """Return the averages and the prices of the chosen symbols, arranged."""
    from windrow.frames.outputs import read_bars, read_output, reading_of

    if not output.exists():
        raise InputError(f"{output}: no such file or folder: give a job's --output-dir, or a file of its output")
    lines = read_output(str(output))
    if "signal" in lines:
        raise InputError(
            f"{output}: holds crosses, and averages are drawn: run moving-average with an --indicator for each line"
            " that crosses, and plot what it wrote"
        )
    if "timestamp" not in lines:
        raise InputError(
            f"{output}: holds figures of backtests, and averages are drawn: show them by windrow report {output} --bars"
            " FILE..."
        )
    averages = choose(lines, symbols, str(output))
    chosen = averages["symbol"].unique().tolist()
    reading = reading_of(output, column)
    prices = choose(read_bars(bars, chosen, reading), chosen, " ".join(bars))
    return arrange(prices, averages, reading.values[0])


def choose(frame: "pd.DataFrame", symbols: Sequence[str], source: str) -> "pd.DataFrame":
    """Return the rows of `symbols`, in that order; of the first four by name if there are none.

    Raises InputError, with the nearest names, if the frame, read from `source`, has no row of one of them.
    """
    import pandas as pd

    groups = {str(symbol): part for symbol, part in frame.groupby("symbol")}
    if not groups:
        raise InputError(f"{source}: holds no line, and there is nothing to draw: give what a job wrote")
    wanted = list(dict.fromkeys(symbols)) or sorted(groups)[:MOST_SYMBOLS]
    for symbol in wanted:
        if symbol not in groups:
            near = ", ".join(difflib.get_close_matches(symbol, groups, n=3, cutoff=0))
            raise InputError(
                f"{source}: holds no line of symbol {symbol}; nearest of its {len(groups):,} symbols: {near}"
            )
    return pd.concat([groups[symbol] for symbol in wanted], ignore_index=True)


def arrange(prices: "pd.DataFrame", averages: "pd.DataFrame", column: str = "close") -> Panels:
    """Join prices and averages on (symbol, timestamp), thin what is too dense to see, and say what is shown.

    Symbols keep the averages' order. Both frames have `symbol`, `timestamp` (without a zone: dates, UTC) and
    float columns: `column`, and one for each average.
    """
    import pandas as pd

    symbols = averages["symbol"].unique().tolist()
    names = [column, *averages.columns.drop(["symbol", "timestamp"])]
    price = _numbered(prices[["symbol", "timestamp", column]], first=0)
    joined = price.merge(_numbered(averages, first=1), on=["symbol", "t"], how="outer").sort_values("t")
    series = dict(iter(joined.groupby("symbol")))
    thinned = [series[symbol].iloc[thin(series[symbol], MOST_POINTS)] for symbol in symbols]
    rows = pd.concat(thinned, ignore_index=True)
    rows["t"] = rows["t"].astype("datetime64[ms]").astype("int64")  # what JavaScript's dates hold
    dates_only = averages["timestamp"].dt.tz is None
    return Panels(rows, symbols, names, dates_only, *_words(rows, symbols, column, dates_only, len(joined)))


def _numbered(frame: "pd.DataFrame", first: int) -> "pd.DataFrame":
    """Return symbol, t (UTC without a zone), and the values as y`first` and on; a repeated bar once."""
    values = [f"y{index}" for index in range(first, first + frame.shape[1] - 2)]
    times = frame["timestamp"] if frame["timestamp"].dt.tz is None else frame["timestamp"].dt.tz_convert(None)
    named = frame.set_axis(["symbol", "t", *values], axis=1).assign(t=times)
    return named.drop_duplicates(["symbol", "t"])


def thin(frame: "pd.DataFrame", most: int) -> "Positions":
    """Return positions of at most `most` rows, in order, that draw as all would: the ends, peaks and dips.

    Rows are cut into equal stretches; of each those stay where a column y0, y1 ... is largest or smallest.
    """
    import numpy as np

    values = frame.filter(regex=r"^y[0-9]+$").to_numpy(np.float64)
    rows, columns = values.shape
    if rows <= most:
        return np.arange(rows)
    edges = np.linspace(0, rows, max((most - 2) // (2 * columns), 1) + 1).astype(np.int64)
    kept = [np.array([0, rows - 1])]
    for start, stop in pairwise(edges):
        part = values[start:stop]
        part = part[:, ~np.isnan(part).all(axis=0)]
        kept += [start + np.nanargmin(part, axis=0), start + np.nanargmax(part, axis=0)]
    return np.unique(np.concatenate(kept))


def _words(rows: "pd.DataFrame", symbols: list[str], column: str, dates_only: bool, total: int) -> tuple[str, str, str]:
    """Return title, subtitle and caption; the caption is empty where nothing was thinned."""
    import pandas as pd

    form = "%Y-%m-%d" if dates_only else "%Y-%m-%d %H:%M"
    first, last = (pd.Timestamp(edge, unit="ms").strftime(form) for edge in (rows["t"].min(), rows["t"].max()))
    zone = "" if dates_only else " UTC"
    shown = "price" if column == "close" else column
    caption = (
        f"Drawn from {len(rows):,} of {total:,} points: every stretch keeps its highest and lowest values."
        if len(rows) < total
        else ""
    )
    return f"{', '.join(symbols)}: {shown} and averages", f"{first} to {last}{zone}", caption


def draw(panels: Panels, live: bool = True) -> "alt.FacetChart":
    """Return the chart: a panel for each symbol, on one axis of time, each with its own scale of prices.

    If `live`, dragging moves and Ctrl and the wheel zoom time, a click in the legend brings one line out, and
    the pointer shows the values of the nearest bar; a picture leaves that out, and is drawn in half the time.
    """
    import altair as alt

    time = alt.X("t:T", scale=alt.Scale(type="utc"), axis=alt.Axis(format=TIME_LABELS), title=None)
    layers = [_line(index, name, panels.names).encode(x=time) for index, name in enumerate(panels.names)]
    if live:
        layers = [*_moved(layers), _pointer(panels, time)]
    return (
        alt.layer(*layers, width=PANEL_WIDTH, height=PANEL_HEIGHT)
        .facet(
            facet=alt.Facet("symbol:N", title=None, sort=panels.symbols),
            columns=1,
            data=alt.InlineData(values=_records(panels.rows)),
            spacing=28,
        )
        .resolve_scale(y="independent")
        .resolve_axis(x="independent")
    )


def _records(rows: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows as JSON objects without their empty fields."""
    return [
        {str(key): value for key, value in row.items() if value == value}  # NaN alone differs from itself
        for row in rows.to_dict("records")
    ]


def _line(index: int, name: str, names: list[str]) -> "alt.Chart":
    import altair as alt

    return (
        alt.Chart()
        .mark_line(strokeJoin="round", strokeWidth=1.1 if index == 0 else 1.6)
        .transform_filter(f"isValid(datum.y{index})")
        .transform_calculate(line=json.dumps(name))
        .encode(
            y=alt.Y(f"y{index}:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color("line:N", title=None, scale=alt.Scale(domain=names)),
        )
    )


def _moved(lines: "list[alt.Chart]") -> "list[alt.Chart]":
    """Return the lines with time that moves and zooms, and a legend that brings one out."""
    import altair as alt

    # The wheel alone scrolls the page; with Ctrl, or by pinching, which browsers report so, it zooms.
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"], zoom="wheel![event.ctrlKey]")
    chosen = alt.selection_point(name="chosen", bind="legend", fields=["line"])
    first, *others = [line.encode(opacity=alt.condition(chosen, alt.value(1), alt.value(0.15))) for line in lines]
    return [first.add_params(zoom, chosen), *others]


def _pointer(panels: Panels, time: "alt.X") -> "alt.Chart":
    """Return the rule under the pointer, with the values of the nearest bar."""
    import altair as alt

    hover = alt.selection_point(
        name="hover", on="pointermove", clear="pointerout", nearest=True, fields=["t"], empty=False
    )
    # The unit of time is there because Vega-Lite shows a time in the reader's zone unless a unit says utc.
    unit, form, title = DATE_TIP if panels.dates_only else TIME_TIP
    tips = [alt.Tooltip("t:T", timeUnit=unit, format=form, title=title)]
    tips += [alt.Tooltip(f"y{index}:Q", title=name, format=NUMBER) for index, name in enumerate(panels.names)]
    shown = alt.condition(hover, alt.value(0.7), alt.value(0))
    return alt.Chart().mark_rule().encode(x=time, tooltip=tips, opacity=shown).add_params(hover)


def picture(panels: Panels, scale: float = 2) -> bytes:
    """Return the chart as PNG, titled, in the light theme; no browser is needed."""
    import vl_convert

    below = [panels.subtitle, panels.caption] if panels.caption else panels.subtitle
    title = {"text": _shortened(panels.title, 90), "subtitle": below}
    chart = draw(panels, live=False).properties(title=title, padding=24)
    made: bytes = vl_convert.vegalite_to_png(_spec(chart) | {"config": config(LIGHT)}, scale=scale)
    return made


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _spec(chart: "alt.FacetChart") -> dict[str, Any]:
    """Return the chart as Vega-Lite, without altair's own configuration."""
    spec: dict[str, Any] = chart.to_dict()
    spec.pop("config", None)
    return spec


def page(panels: Panels) -> str:
    """Return the page: the chart's JSON, and Vega with the script that shows it, in the reader's theme."""
    script = _script()
    parts = {
        "policy": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {digest(script)}",
        "title": html.escape(panels.title),
        "subtitle": html.escape(panels.subtitle),
        "caption": html.escape(panels.caption),
        "data": embedded({"spec": _spec(draw(panels)), "light": config(LIGHT), "dark": config(DARK)}),
        "script": script,
    }
    return fill(part("averages.html"), parts)


@cache
def _script() -> str:
    """Return the page's script, bundled with Vega."""
    import vl_convert

    return unmarked(vl_convert.javascript_bundle(part("js/averages.js")))
