"""A report's picture: candles, averages, orders, equity and drawdown of one symbol, and the maps of its sweep."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import altair as alt
import numpy as np

from windrow.arrays import Floats, Ints
from windrow.pages import vega
from windrow.pages.chart import Candles, Line, Pane
from windrow.pages.notebook import pictured
from windrow.pages.report.contents import Sources, SymbolReport, below, drawn_averages
from windrow.pages.report.maps import Swept
from windrow.pages.report.pooled import NAME, Pooled
from windrow.pages.report.results import SIDES, Figures, Orders
from windrow.pages.series import is_over_prices
from windrow.pages.theme import LIGHT, config

#: Orders that can be told apart on paper.
MOST_TRIANGLES = 100
_MAP = 230


def picture(sources: Sources, symbol: SymbolReport, scale: float = 2) -> bytes:
    """Return the picture as PNG, in the light theme; no browser is needed."""
    return vega.png(draw(sources, symbol), scale)


def draw(sources: Sources, symbol: SymbolReport) -> Any:
    """Return the picture as altair's chart: panels one below the other."""
    candles = Candles.of(symbol.series, vega.MOST_CANDLES)
    lines = zip(drawn_averages(sources, symbol).items(), ("fast", "slow"), strict=True)
    drawn = [Line(name, values, color) for (name, values), color in lines]
    over, apart = ([line for line in drawn if is_over_prices(line.name) == over] for over in (True, False))
    panes = [Pane(over), *([Pane(apart)] if apart else []), *below(sources, symbol)]
    parts = vega.panels(candles, panes, _orders(candles, symbol.orders))
    if symbol.swept is not None and len(symbol.swept.pairs) > 1:
        parts.append(maps(symbol.swept, sources.objective, sources.axes))
    title = f"{vega.shortened(symbol.series.symbol)}: {sources.title}"
    return vega.stacked(parts, title, _subtitle(sources, symbol, vega.extent(candles)))


def pooled_picture(sources: Sources, pooled: Pooled, scale: float = 2) -> bytes:
    """A portfolio's picture as PNG: its value beside that of buying and holding, and its drawdown."""
    candles = Candles.of(pooled.series, vega.MOST_CANDLES)
    parts = vega.panels(candles, pooled.panes(sources.cash or float(pooled.equity.values[0])))
    words = [", ".join([vega.extent(candles), pooled.words, *sources.rules]), _words(pooled.figures)]
    return vega.png(vega.stacked(parts, f"{NAME}: {sources.title}", words), scale)


def themed(chart: Any) -> Any:
    """A chart for a notebook, in the theme of pictures."""
    return pictured(chart.properties(padding=16).configure(**config(LIGHT)))


def _subtitle(sources: Sources, symbol: SymbolReport, extent: str) -> list[str]:
    rules = ", ".join([extent, *sources.rules])
    figures = symbol.figures
    if figures is None:
        return [rules]
    return [rules, _words(figures)]


def _words(figures: Figures) -> str:
    texts = [
        f"profit and loss {figures['pnl']:+,.2f} ({figures['return']:+.2%})",
        *([f"{figures['trades_closed']:,} closed trades"] if "trades_closed" in figures else []),
        f"maximum drawdown {_or_dash(figures['max_drawdown'], '{:.2%}').replace('%', ' %')}",
        f"Sharpe {_or_dash(figures['sharpe'], '{:.3f}')}",
    ]
    return ", ".join(texts)


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _orders(candles: Candles, orders: Orders | None) -> list[Any]:
    """Triangles below and above the candles; where they are many, two rows of ticks below the prices."""
    if orders is None:
        return []
    is_filled = orders.status < 2
    layers = []
    for number, kind in enumerate(SIDES):
        for is_wanted, opacity in (is_filled, 0.9), (~is_filled, 0.3):
            chosen = (orders.side == number) & is_wanted
            if chosen.any() and np.count_nonzero(is_wanted) > MOST_TRIANGLES:
                layers.append(_ticks(candles, orders.times[chosen], kind, opacity))
            elif chosen.any():
                layers.append(_triangles(candles, orders, chosen, kind))
    return layers


def _triangles(candles: Candles, orders: Orders, chosen: Any, kind: str) -> Any:
    buys, colour, prices = kind == "buy", LIGHT[kind], candles.series.prices
    at = candles.series.at(orders.times[chosen], "an order") // candles.size
    lows, highs = (prices.get(name, candles.series.close) for name in ("low", "high"))
    edge = candles.lows(lows) if buys else candles.highs(highs)
    times = vega.milliseconds(candles.times[at])
    data = {"t": times, "edge": edge[at].tolist(), "filled": (orders.status[chosen] < 2).tolist()}
    fill = alt.condition("datum.filled", alt.value(colour), alt.value(LIGHT["ground"]))
    shape, away = ("triangle-up", 8) if buys else ("triangle-down", -8)
    mark = alt.Chart(vega.records(data)).mark_point(
        shape=shape, size=60, opacity=1, yOffset=away, color=colour, strokeWidth=1
    )
    return mark.encode(x=vega.time(candles), y=vega.height("edge"), fill=fill)


def _ticks(candles: Candles, times: Ints, kind: str, opacity: float) -> Any:
    data = vega.records({"t": vega.milliseconds(times)})
    mark = alt.Chart(data).mark_tick(color=LIGHT[kind], thickness=0.7, size=6, opacity=opacity)
    return mark.encode(x=vega.time(candles), y=alt.value(vega.PRICES - (4 if kind == "buy" else 12)))


def maps(swept: Swept, objective: str, axes: Sequence[str]) -> Any:
    """The maps of the first walk, side by side, in one scale of colours; `axes` are the titles of both."""
    parts = [part for part in swept.walks()[0] if part is not None and objective in swept.parts[part].fields]
    scale = _colours(np.concatenate([swept.parts[part].fields[objective] for part in parts]))
    return alt.hconcat(*(_map(swept, part, objective, scale, axes) for part in parts), spacing=40)


def _colours(values: Floats) -> Any:
    """The scale of colours that the page's maps have: see colourScale in heatmap.js."""
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if low < 0 < high:
        domain, colours = [-_reach(known[known < 0]), 0, _reach(known[known > 0])], ["#c85400", "#f3f5f8", "#0062a0"]
    elif high <= 0:
        domain, colours = [-_reach(known), high], ["#c85400", "#f3f5f8"]
    else:
        domain, colours = [low, _reach(known) if len(known) else high], ["#f3f5f8", "#0062a0"]
    return alt.Scale(domain=domain, range=colours, interpolate="rgb", clamp=True)


def _reach(figures: Floats) -> float:
    """Where colours end: at the largest figure, or, if few are much larger, at that above most others."""
    sizes = np.sort(np.abs(figures))
    usual = float(sizes[ceil(0.95 * (len(sizes) - 1))])
    return usual if sizes[-1] > 3 * usual else float(sizes[-1])


def _map(swept: Swept, part: str, objective: str, scale: Any, axes: Sequence[str]) -> Any:
    fast, slow = zip(*swept.pairs, strict=True)
    data = {"fast": fast, "slow": slow, "value": swept.parts[part].fields[objective].tolist()}
    words = alt.TitleParams(f"{part[0].upper()}{part[1:]}: {objective}", fontSize=12.5, offset=6, frame="group")
    legend = alt.Legend(orient="right", gradientLength=_MAP, symbolType="square")
    return (
        alt.Chart(vega.records(data), title=words, width=vega.WIDTH / 2 - 90, height=_MAP)
        .mark_rect()
        .encode(
            x=alt.X("fast:O", sort="ascending", title=axes[0], axis=_windows(fast)),
            y=alt.Y("slow:O", sort="descending", title=axes[1], axis=_windows(slow)),
            color=alt.Color("value:Q", scale=scale, title=None, legend=legend),
        )
    )


def _windows(windows: Sequence[int]) -> Any:
    """The axis of one side's windows, of which at most 16 are labelled."""
    distinct = sorted(set(windows))
    labels = distinct[:: -(-len(distinct) // 16)]
    return alt.Axis(labelAngle=0, values=labels, domain=False, grid=False, labelOverlap=False, tickCount=len(labels))
