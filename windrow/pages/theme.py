"""Colours and letters of windrow's pictures, light and dark, and Vega-Lite's configuration by them."""

from typing import Any

# The price in the colour of ink, averages in the palette of Okabe and Ito, ordered and, on dark, lightened so
# that neighbours differ in lightness too.
LIGHT = {
    "ink": "#1d2530", "soft": "#5b6675", "line": "#e4e8ee", "ground": "#ffffff",
    "series": ["#7b8794", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#1d2530"],
}  # fmt: skip
DARK = {
    "ink": "#e8ecf1", "soft": "#9aa6b5", "line": "#2b333e", "ground": "#14181e",
    "series": ["#8d99a8", "#56b4e9", "#ff8c42", "#2ec797", "#e39cc4", "#f0e442", "#9ad0f5", "#e8ecf1"],
}  # fmt: skip
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def config(theme: dict[str, Any]) -> dict[str, Any]:
    """Return Vega-Lite's configuration for a theme: fonts, colours, quiet axes."""
    label = {"labelColor": theme["soft"], "labelFontSize": 11.5}
    return {
        "background": theme["ground"],
        "font": FONT,
        "view": {"stroke": None},
        "range": {"category": theme["series"]},
        "rule": {"color": theme["soft"]},
        "axis": label | {"domain": False, "ticks": False, "gridColor": theme["line"], "labelPadding": 8},
        "axisX": {"grid": False, "domain": True, "domainColor": theme["line"], "tickCount": 8},
        "axisY": {"tickCount": 5},
        "legend": {
            "orient": "top", "offset": 14, "columnPadding": 18, "symbolType": "stroke", "symbolSize": 260,
            "symbolStrokeWidth": 3, "labelFontSize": 12.5, "labelColor": theme["ink"], "labelLimit": 260,
        },
        "header": {
            "labelColor": theme["ink"], "labelFontSize": 14, "labelFontWeight": 600, "labelLimit": 600,
            "labelAnchor": "start", "labelOrient": "top", "labelPadding": 6,
        },
        "title": {
            "color": theme["ink"], "fontSize": 19, "fontWeight": 600, "anchor": "start", "offset": 18,
            "subtitleColor": theme["soft"], "subtitleFontSize": 13, "subtitlePadding": 6,
        },
    }  # fmt: skip
