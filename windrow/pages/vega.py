"""Pictures: Vega-Lite by altair, drawn as PNG by vl-convert; both come with the extra `plot`.

Charts of bars in a picture are the page's, still: candles, lines over them, and panels below.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import vl_convert

from windrow.arrays import Floats, Ints
from windrow.pages.chart import Candles, Line, Pane
from windrow.pages.theme import DASHES, LIGHT, config
from windrow.times import format_times

#: Candles, and points of a line, that can be told apart on paper.
MOST_CANDLES, MOST_POINTS = 360, 1_000
#: The width of a panel in pixels, and heights: of prices, and of a panel below them.
WIDTH, PRICES, BELOW = 980, 340, 110

#: Characters that XML does not allow. Pictures pass through SVG, and vl-convert aborts the process at such a character.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def png(chart: Any, scale: float) -> bytes:
    """The chart as PNG, in the light theme; no browser is needed."""
    spec = chart.properties(padding=24).to_dict() | {"config": config(LIGHT)}
    made: bytes = vl_convert.vegalite_to_png(drawable(spec), scale=scale)
    return made


def drawable(value: Any) -> Any:
    r"""A specification whose texts can all be drawn: characters that XML forbids are escaped.

    >>> print(drawable(["A\x01B", 5])[0])
    A\u0001B
    """
    if isinstance(value, str):
        return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", value)
    if isinstance(value, dict):
        return {key: drawable(part) for key, part in value.items()}
    return [drawable(part) for part in value] if isinstance(value, list) else value


def shortened(text: str, most: int = 60) -> str:
    """The text, or its beginning and an ellipsis: at most so many characters.

    >>> shortened("moving average", 8)
    'moving …'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def panels(candles: Candles, panes: Sequence[Pane], over: Sequence[Any] = (), tall: int = PRICES) -> list[Any]:
    """Charts to be stacked: prices, so `tall`, with the first pane's lines and layers `over` them, then other panes."""
    first, *below = panes
    price = Line(candles.series.price, candles.series.close, "soft")
    bare = Pane([*([] if candles.series.has_candles else [price]), *first.lines])
    lines = [_lines(candles, bare)] if bare.lines else []
    prices = alt.layer(*_candles(candles), *lines, *over).properties(width=WIDTH, height=tall)
    return [prices, *(_below(candles, pane, is_last=pane is below[-1]) for pane in below)]


def _below(candles: Candles, pane: Pane, is_last: bool) -> Any:
    drawn = (_area if pane.fills else _columns if pane.sums else _lines)(candles, pane)
    return drawn.encode(x=time(candles, labels=is_last)).properties(width=WIDTH, height=BELOW)


def stacked(parts: Sequence[Any], title: str, subtitle: Sequence[str] = (), size: float = 19) -> Any:
    """Charts one below the other, each with colours of its own."""
    words = alt.TitleParams(title, subtitle=list(subtitle), fontSize=size)
    return (
        alt.vconcat(*parts, spacing=16)
        .resolve_scale(color="independent", strokeDash="independent")
        .properties(title=words)
    )


def extent(candles: Candles) -> str:
    """From when to when bars are, how many, and how they are drawn where that is not one by one."""
    first, last = (text.decode() for text in format_times(candles.series.times[[0, -1]], candles.series.dated))
    bars = f"{first} to {last}, {len(candles.series.times):,} bars"
    if candles.size == 1:
        return bars
    return f"{bars}, {candles.size:,} to a candle" if candles.series.has_candles else f"{bars}, drawn by highs and lows"


def time(candles: Candles, labels: bool = True) -> Any:
    """The axis of time, in UTC: the same for all panels, with room for half a candle at its ends."""
    first, last = milliseconds(candles.series.times[[0, -1]])
    room = (last - first) / (2 * len(candles.times)) or 1
    scale = alt.Scale(type="utc", domain=[first - room, last + room], nice=False, padding=0)
    return alt.X("t:T", scale=scale, title=None, axis=alt.Axis(labels=labels, tickCount=9))


def height(field: str, zero: bool = False) -> Any:
    """The axis of a price or of another number."""
    return alt.Y(f"{field}:Q", title=None, scale=alt.Scale(zero=zero))


def milliseconds(times: Ints) -> list[float]:
    """Times (ns) as JavaScript has them."""
    return list((times / 1e6).tolist())


def records(columns: Mapping[str, Iterable[Any]]) -> Any:
    """Data of these columns; a number that is missing is left out, for JSON has no NaN."""
    rows = zip(*columns.values(), strict=True)
    values = [{name: value for name, value in zip(columns, row, strict=True) if value == value} for row in rows]
    return alt.InlineData(values=values)


def thin(values: Floats, most: int) -> Ints:
    """Positions of at most `most` values, in order, that draw as all would: the ends, peaks and dips.

    Values are cut into equal stretches, each of which keeps its highest and lowest; one without values keeps its first,
    where the line is to break.
    """
    if len(values) <= most:
        return np.arange(len(values))
    kept = [0, len(values) - 1]
    for start, stop in pairwise(np.linspace(0, len(values), (most - 2) // 2 + 1).astype(np.int64)):
        part = values[start:stop]
        kept += [start] if np.isnan(part).all() else [start + np.nanargmin(part), start + np.nanargmax(part)]
    return np.unique(np.array(kept, np.int64))


def _candles(candles: Candles) -> list[Any]:
    if not candles.series.has_candles:
        return []
    columns = {name: column.tolist() for name, column in candles.prices().items()}
    colour = alt.condition("datum.close >= datum.open", alt.value(LIGHT["up"]), alt.value(LIGHT["down"]))
    both = alt.Chart(records({"t": milliseconds(candles.times), **columns})).encode(x=time(candles), color=colour)
    wick = both.mark_rule(strokeWidth=1).encode(y=height("low"), y2="high:Q")
    return [wick, both.mark_bar(size=_body(candles)).encode(y=height("open"), y2="close:Q")]


def _lines(candles: Candles, pane: Pane) -> Any:
    labels = _labels(pane.lines)
    columns: dict[str, list[Any]] = {"t": [], "value": [], "line": []}
    for label, line in zip(labels, pane.lines, strict=True):
        times, values = _points(candles.series.times, line)
        columns["t"] += milliseconds(times)
        columns["value"] += values.tolist()
        columns["line"] += [label] * len(times)
    colours, dashes = ([LIGHT[line.color] for line in pane.lines], [DASHES[line.dash] for line in pane.lines])
    return (
        alt.Chart(records(columns))
        .mark_line(strokeWidth=1.4, strokeJoin="round")
        .encode(
            x=time(candles),
            y=height("value"),
            color=alt.Color("line:N", title=None, scale=alt.Scale(domain=labels, range=colours)),
            strokeDash=alt.StrokeDash("line:N", title=None, scale=alt.Scale(domain=labels, range=dashes)),
        )
    )


def _points(times: Ints, line: Line) -> tuple[Ints, Floats]:
    values = line.values
    if line.sparse:
        known = ~np.isnan(values)
        times, values = times[known], values[known]
    at = thin(values, MOST_POINTS)
    return times[at], values[at]


def _labels(lines: Sequence[Line]) -> list[str]:
    """The lines' names, short, and no two alike."""
    texts = [shortened(line.name, 40) for line in lines]
    return [text if texts.index(text) == at else f"{text} ({at + 1})" for at, text in enumerate(texts)]


def _columns(candles: Candles, pane: Pane) -> Any:
    (line,) = pane.lines
    columns = {"t": milliseconds(candles.times), "value": candles.sums(line.values).tolist()}
    data = records(columns | {"line": [line.name] * len(candles.times)})
    colour = alt.Color("line:N", title=None, scale=alt.Scale(domain=[line.name], range=[LIGHT[line.color]]))
    mark = alt.Chart(data).mark_bar(size=_body(candles), opacity=0.6)
    return mark.encode(x=time(candles), y=height("value", zero=True), color=colour)


def _body(candles: Candles) -> float:
    """How wide a candle is drawn, in pixels."""
    return min(max(1.0, 0.65 * WIDTH / len(candles.times)), 12)


def _area(candles: Candles, pane: Pane) -> Any:
    (line,) = pane.lines
    label = f"{line.name},{pane.suffix}" if pane.suffix else line.name
    columns = {"t": milliseconds(candles.times), "value": candles.lows(line.values).tolist()}
    data = records(columns | {"line": [label] * len(candles.times)})
    colour = alt.Color("line:N", title=None, scale=alt.Scale(domain=[label], range=[LIGHT[line.color]]))
    mark = alt.Chart(data).mark_area(opacity=0.45, line={"strokeWidth": 1.4})
    return mark.encode(x=time(candles), y=height("value", zero=True), color=colour)
