"""The picture: candles, averages, orders, equity and drawdown of one symbol, and the maps of its sweep, by Vega."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.pages.report.contents import Sources, Story, drawdown, drawn_averages
from windrow.pages.report.maps import Swept
from windrow.pages.report.results import SIDES, Orders
from windrow.pages.report.series import CANDLES
from windrow.pages.theme import LIGHT, config

#: Candles that are told apart on paper.
MOST_DRAWN = 360
#: Orders that are told apart on it.
MOST_TRIANGLES = 100
_WIDTH, _PRICES, _BELOW, _MAP = 980, 340, 110, 230
_UP, _DOWN, _INK = "#00866a", "#d55e00", "#1d2530"
_SIDES = {"buy": "#005c49", "sell": "#a83c00"}
_FAST, _SLOW = "#0072b2", "#a8458a"

Spec = dict[str, Any]


def picture(sources: Sources, story: Story, scale: float = 2) -> bytes:
    """Return the picture as PNG, in the light theme; no browser is needed."""
    import vl_convert

    spec = {"background": LIGHT["ground"], "padding": 24, "config": config(LIGHT)} | draw(sources, story)
    made: bytes = vl_convert.vegalite_to_png(spec, scale=scale)
    return made


def draw(sources: Sources, story: Story) -> Spec:
    """Return the picture as Vega-Lite: panels one below the other."""
    panels = [_prices(sources, story)]
    if story.equity is not None:
        values = story.series.values(story.equity)
        panels += [
            _below(story, values, "Equity", _INK),
            _below(story, -drawdown(values), "Drawdown, %", _DOWN),
        ]
    if story.swept is not None and len(story.swept.pairs) > 1:
        panels.append(_maps(story.swept, sources.objective))
    return {
        "title": {"text": f"{_shortened(story.series.symbol)}: {sources.title}", "subtitle": _subtitle(sources, story)},
        "vconcat": panels,
        "spacing": 16,
        "resolve": {"scale": {"color": "independent"}},
    }


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _subtitle(sources: Sources, story: Story) -> list[str]:
    figures = story.figures
    bars = f"{len(story.series.times):,} bars"
    if figures is None:
        return [", ".join([bars, *sources.rules])]
    told = [
        f"profit and loss {figures['pnl']:+,.2f} ({figures['return']:+.2%})",
        f"{figures['trades_closed']:,} closed trades",
        f"maximum drawdown {_or_dash(figures['max_drawdown_pct'], '{:.2f} %')}",
        f"Sharpe {_or_dash(figures['sharpe'], '{:.3f}')}",
    ]
    return [", ".join([bars, *sources.rules]), ", ".join(told)]


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _groups(story: Story) -> tuple[int, Ints]:
    """How many bars are drawn as one, and where they begin."""
    bars = len(story.series.times)
    size = -(-bars // MOST_DRAWN)
    return size, np.arange(0, bars, size)


def _milliseconds(times: Ints) -> list[float]:
    return list((times / 1e6).tolist())


def _rows(columns: dict[str, Iterable[Any]]) -> Spec:
    """Data of these columns; a number that is not there is left out."""
    rows = zip(*columns.values(), strict=True)
    return {
        "values": [
            {name: value for name, value in zip(columns, row, strict=True) if value == value and value is not None}
            for row in rows
        ]
    }


def _time(labels: bool) -> Spec:
    return {
        "field": "t", "type": "temporal", "scale": {"type": "utc"}, "title": None,
        "axis": {"labels": labels, "tickCount": 9},
    }  # fmt: skip


def _prices(sources: Sources, story: Story) -> Spec:
    layers = [*_candles(story), _averages(sources, story), *_orders(story)]
    return {"width": _WIDTH, "height": _PRICES, "layer": layers}


def _y(field: str, title: str | None = None) -> Spec:
    return {"field": field, "type": "quantitative", "scale": {"zero": False}, "title": title}


def _candles(story: Story) -> list[Spec]:
    series = story.series
    _, starts = _groups(story)
    ends = np.append(starts[1:], len(series.times)) - 1
    times = _milliseconds(series.times[starts])
    if not series.has_candles:
        data = _rows({"t": times, "close": series.close[ends].tolist()})
        line = {"type": "line", "color": LIGHT["series"][0], "strokeWidth": 1.1}
        return [{"data": data, "mark": line, "encoding": {"x": _time(True), "y": _y("close")}}]
    first, high, low, close = (series.prices[name] for name in CANDLES)
    columns = {
        "t": times, "open": first[starts].tolist(), "close": close[ends].tolist(),
        "high": np.fmax.reduceat(high, starts).tolist(), "low": np.fmin.reduceat(low, starts).tolist(),
    }  # fmt: skip
    colour = {"condition": {"test": "datum.close >= datum.open", "value": _UP}, "value": _DOWN}
    shared = {"data": _rows(columns), "encoding": {"x": _time(True), "color": colour}}
    body = max(1.0, 0.65 * _WIDTH / len(starts))
    wick = {"mark": {"type": "rule", "strokeWidth": 1}, "encoding": {"y": _y("low"), "y2": {"field": "high"}}}
    bar = {"mark": {"type": "bar", "size": min(body, 12)}, "encoding": {"y": _y("open"), "y2": {"field": "close"}}}
    return [{**shared, "layer": [wick, bar]}]


def _averages(sources: Sources, story: Story) -> Spec:
    _, starts = _groups(story)
    lines = drawn_averages(sources, story)
    times = _milliseconds(story.series.times[starts])
    columns: dict[str, Iterable[Any]] = {
        "t": times * len(lines),
        "value": [value for line in lines.values() for value in line[starts].tolist()],
        "line": [name for name in lines for _ in times],
    }
    colour = {
        "field": "line", "type": "nominal", "title": None,
        "scale": {"domain": list(lines), "range": [_FAST, _SLOW]},
    }  # fmt: skip
    mark = {"type": "line", "strokeWidth": 1.6, "strokeJoin": "round"}
    return {"data": _rows(columns), "mark": mark, "encoding": {"x": _time(True), "y": _y("value"), "color": colour}}


def _orders(story: Story) -> list[Spec]:
    """Triangles below and above the candles; where they are many, two rows of ticks below the prices."""
    if story.orders is None:
        return []
    side, done = story.orders.side, story.orders.status < 2
    layers = []
    for number, kind in enumerate(SIDES):
        for is_wanted, opacity in (done, 0.9), (~done, 0.3):
            chosen = (side == number) & is_wanted
            if chosen.any() and np.count_nonzero(is_wanted) > MOST_TRIANGLES:
                layers.append(_ticks(story.orders.times[chosen], kind, opacity))
            elif chosen.any():
                layers.append(_triangles(story, story.orders, chosen, kind))
    return layers


def _triangles(story: Story, orders: Orders, chosen: Any, kind: str) -> Spec:
    buys, colour = kind == "buy", _SIDES[kind]
    size, starts = _groups(story)
    group = story.series.at(orders.times[chosen], "an order") // size
    if buys:
        edge = np.fmin.reduceat(story.series.prices.get("low", story.series.close), starts)
    else:
        edge = np.fmax.reduceat(story.series.prices.get("high", story.series.close), starts)
    mark = {
        "type": "point", "shape": "triangle-up" if buys else "triangle-down", "size": 60, "opacity": 1,
        "yOffset": 8 if buys else -8, "color": colour, "strokeWidth": 1,
    }  # fmt: skip
    at = _milliseconds(story.series.times[starts][group])
    data = _rows({"t": at, "edge": edge[group].tolist(), "done": (orders.status[chosen] < 2).tolist()})
    filled = {"condition": {"test": "datum.done", "value": colour}, "value": LIGHT["ground"]}
    return {"data": data, "mark": mark, "encoding": {"x": _time(True), "y": _y("edge"), "fill": filled}}


def _ticks(times: Ints, kind: str, opacity: float) -> Spec:
    mark = {"type": "tick", "color": _SIDES[kind], "thickness": 0.7, "size": 6, "opacity": opacity}
    place = {"value": _PRICES - (4 if kind == "buy" else 12)}
    return {"data": _rows({"t": _milliseconds(times)}), "mark": mark, "encoding": {"x": _time(True), "y": place}}


def _below(story: Story, values: Floats, title: str, colour: str) -> Spec:
    """A panel of the lowest value of each group of bars, at the place of its lowest or its last."""
    _, starts = _groups(story)
    lows = np.fmin.reduceat(values, starts)
    shaded = colour == _DOWN
    mark = {"type": "area" if shaded else "line", "color": colour, "opacity": 0.45 if shaded else 1, "strokeWidth": 1.4}
    y = _y("value") if not shaded else _y("value") | {"scale": {"zero": True}}
    return {
        "title": _title(title),
        "width": _WIDTH,
        "height": _BELOW,
        "data": _rows({"t": _milliseconds(story.series.times[starts]), "value": lows.tolist()}),
        "mark": mark,
        "encoding": {"x": _time(shaded), "y": y},
    }


def _title(text: str) -> Spec:
    return {"text": text, "fontSize": 12.5, "offset": 6, "frame": "group"}


def _maps(swept: Swept, objective: str) -> Spec:
    """The maps of the first walk, side by side, in one scale of colours."""
    parts = [part for part in swept.walks()[0] if part is not None]
    scale = _colours(np.concatenate([swept.parts[part].fields[objective] for part in parts]))
    return {"hconcat": [_map(swept, part, objective, scale) for part in parts], "spacing": 40}


def _colours(values: Floats) -> Spec:
    """The scale of colours that the page's maps have: see colourScale in heatmap.js."""
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if low < 0 < high:
        domain, colours = [-_reach(known[known < 0]), 0, _reach(known[known > 0])], ["#c85400", "#f3f5f8", "#0062a0"]
    elif high <= 0:
        domain, colours = [-_reach(known), high], ["#c85400", "#f3f5f8"]
    else:
        domain, colours = [low, _reach(known) if len(known) else high], ["#f3f5f8", "#0062a0"]
    return {"domain": domain, "range": colours, "interpolate": "rgb", "clamp": True}


def _reach(figures: Floats) -> float:
    """Where colours end: at the largest figure, or, if few are much larger, at that above most others."""
    sizes = np.sort(np.abs(figures))
    usual = float(sizes[ceil(0.95 * (len(sizes) - 1))])
    return usual if sizes[-1] > 3 * usual else float(sizes[-1])


def _map(swept: Swept, part: str, objective: str, scale: Spec) -> Spec:
    fast, slow = zip(*swept.pairs, strict=True)
    values = swept.parts[part].fields[objective].tolist()
    title = f"{part[0].upper()}{part[1:]}: {objective}"

    def side(field: str, order: str, every: Sequence[int]) -> Spec:
        step = -(-len(set(every)) // 16)
        labels = sorted(set(every))[::step]
        axis = {
            "labelAngle": 0,
            "values": labels,
            "domain": False,
            "grid": False,
            "labelOverlap": False,
            "tickCount": len(labels),
        }
        return {"field": field, "type": "ordinal", "sort": order, "title": field, "axis": axis}

    return {
        "title": _title(title),
        "width": _WIDTH / 2 - 90,
        "height": _MAP,
        "data": _rows({"fast": fast, "slow": slow, "value": values}),
        "mark": {"type": "rect"},
        "encoding": {
            "x": side("fast", "ascending", fast),
            "y": side("slow", "descending", slow),
            "color": {"field": "value", "type": "quantitative", "scale": scale, "title": None,
                      "legend": {"orient": "right", "gradientLength": _MAP, "symbolType": "square"}},
        },
    }  # fmt: skip
