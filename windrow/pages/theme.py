"""Colours and fonts of pages and pictures, light and dark: as CSS, and as Vega-Lite's configuration."""

from collections.abc import Mapping
from typing import Any

#: Words have a contrast of at least 4.5 to 1 to `ground` and `card`.
LIGHT = {
    "ink": "#1d2530", "soft": "#5b6675", "line": "#e4e8ee", "ground": "#ffffff", "card": "#f6f8fa", "focus": "#0072b2",
    "up": "#00866a", "down": "#d55e00", "fast": "#0072b2", "slow": "#a8458a", "buy": "#005c49", "sell": "#a83c00",
    "equity": "#1d2530", "benchmark": "#806000", "fall": "#c04e00", "tint": "rgb(0 60 120 / 4%)",
    "brush": "rgb(0 114 178 / 14%)",
    "series-1": "#0072b2", "series-2": "#a8458a", "series-3": "#806000", "series-4": "#5546c8", "series-5": "#c0203e",
    "series-6": "#0b7285", "series-7": "#1d2530",
}  # fmt: skip
DARK = {
    "ink": "#e8ecf1", "soft": "#9aa6b5", "line": "#2b333e", "ground": "#14181e", "card": "#1b2129", "focus": "#56b4e9",
    "up": "#2ec797", "down": "#ff8c42", "fast": "#56b4e9", "slow": "#e39cc4", "buy": "#8ff0cd", "sell": "#ffc299",
    "equity": "#e8ecf1", "benchmark": "#f0e442", "fall": "#ff8c42", "tint": "rgb(140 190 255 / 6%)",
    "brush": "rgb(86 180 233 / 20%)",
    "series-1": "#56b4e9", "series-2": "#e39cc4", "series-3": "#f0e442", "series-4": "#a99cff", "series-5": "#ff7a8a",
    "series-6": "#5fd3e0", "series-7": "#e8ecf1",
}  # fmt: skip
_SERIES = sum(name.startswith("series-") for name in LIGHT)
#: How a line is dashed, by name, as chart.js has it too: pixels drawn and left out.
DASHES = {"solid": [1, 0], "dashed": [6, 4], "dotted": [1.5, 3]}

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def line_style(number: int) -> tuple[str, str]:
    """The colour and the dash of a chart's line of that number; the first 21 differ.

    >>> line_style(0), line_style(7)
    (('series-1', 'solid'), ('series-1', 'dashed'))
    """
    return f"series-{number % _SERIES + 1}", list(DASHES)[number // _SERIES % len(DASHES)]


def stylesheet() -> str:
    """The colours as CSS variables, and the font."""
    light, dark = (f":root {{ {_variables(colours)} }}" for colours in (LIGHT, DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\nbody {{ font-family: {_FONT}; }}\n"


def _variables(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def config(theme: Mapping[str, str]) -> dict[str, Any]:
    """Vega-Lite's configuration: fonts, colours, quiet axes.

    Texts have no limit of width, for Vega would cut one between the two halves of an emoji, and what is left then is no
    text: `vega.shortened` shortens them.
    """
    label = {
        "labelColor": theme["soft"], "labelFontSize": 11.5, "labelLimit": 0,
        "titleColor": theme["soft"], "titleFontSize": 12, "titleFontWeight": 400,
    }  # fmt: skip
    return {
        "background": theme["ground"],
        "font": _FONT,
        "view": {"stroke": None},
        "rule": {"color": theme["soft"]},
        "mark": {"color": theme["series-1"]},
        "range": {
            "category": [colour for name, colour in theme.items() if name.startswith("series-")],
            "heatmap": [theme["card"], theme["series-1"]], "ramp": [theme["card"], theme["series-1"]],
        },
        "style": {
            "truth": {"color": theme["ink"]}, "naive": {"color": theme["soft"]},
            "band": {"color": theme["series-1"], "opacity": 0.22},
        },
        "axis": label | {"domain": False, "ticks": False, "gridColor": theme["line"], "labelPadding": 8},
        "axisX": {"grid": False, "domain": True, "domainColor": theme["line"], "tickCount": 8},
        "axisY": {"tickCount": 5},
        "legend": {
            "orient": "top", "offset": 14, "columnPadding": 18, "columns": 7, "symbolType": "stroke", "symbolSize": 260,
            "symbolStrokeWidth": 2.5, "labelFontSize": 12.5, "labelColor": theme["ink"], "labelLimit": 0,
            "titleLimit": 0,
        },
        "title": {
            "color": theme["ink"], "fontSize": 19, "fontWeight": 600, "anchor": "start", "offset": 18,
            "subtitleColor": theme["soft"], "subtitleFontSize": 13, "subtitlePadding": 6,
        },
    }  # fmt: skip
