"""The picture beside the page: its size, and what is drawn in it."""

import json

import numpy as np
import pytest

from tests.pages.report.outputs import HOSTILE, INHERITED, bars_of, figures, series_of
from tests.pages.report.test_contents import sources_of, sweep_of
from windrow.pages.report import picture as drawing
from windrow.pages.report.contents import SymbolReport
from windrow.pages.report.maps import swept
from windrow.pages.report.picture import draw, picture
from windrow.pages.report.results import Equity, Orders


def symbol_of(frame, orders=(3, 5), side=(0, 1), status=(0, 0)):
    series = series_of(frame)
    at = list(orders)
    book = Orders(series.times[at], *map(np.array, (side, status, [100.0] * len(at), [5.5] * len(at))))
    return SymbolReport(series, figures(), book, Equity(series.times, 1e5 + np.arange(len(series.times)) % 7))


def size_of(png):
    assert png.startswith(b"\x89PNG")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def layers(chart):
    """All marks of a picture, however deep, each with its rows."""
    spec = chart.to_dict() if not isinstance(chart, dict) else chart
    found = []

    def visit(part, data):
        data = part.get("data", data)
        if "mark" in part:
            found.append({**part, "rows": spec["datasets"][data["name"]]})
        for name in ("layer", "vconcat", "hconcat"):
            for inner in part.get(name, []):
                visit(inner, data)

    visit(spec, None)
    return found


def marks(chart):
    return [part["mark"]["type"] for part in layers(chart)]


def rows(part):
    return part["rows"]


def test_a_backtest_has_candles_averages_orders_equity_and_drawdown(outputs):
    sources, symbol = sources_of(outputs, "backtest"), symbol_of(bars_of(("A",)))
    spec = draw(sources, symbol).to_dict()
    assert marks(spec) == ["rule", "bar", "line", "point", "point", "line", "area"]
    assert spec["title"]["text"] == "A: Backtest of ema:7 over ema:21"
    assert spec["title"]["subtitle"][0].startswith("2024-01-01 to 2024-02-29, 60 bars")
    assert spec["title"]["subtitle"][1] == (
        "profit and loss +83.00 (+0.08%), 14 closed trades, maximum drawdown 0.45 %, Sharpe –"
    )
    _, bar, line, buys, sells, equity, fall = layers(spec)
    assert len(rows(bar)) == len(rows(equity)) == len(rows(fall)) == 60
    assert len(rows(line)) == 2 * 60 and sum("value" in row for row in rows(line)) == 60 - 6 + 60 - 20
    assert {row["line"] for row in rows(line)} == {"ema:7", "ema:21"}
    assert (len(rows(buys)), len(rows(sells))) == (1, 1)
    width, height = size_of(picture(sources, symbol))
    assert 2000 < width < 2300 and 1500 < height < 2000


def test_a_sweep_has_its_maps(outputs):
    sources, symbol = sweep_of(outputs)
    spec = draw(sources, symbol)
    assert marks(spec) == ["rule", "bar", "line", "rect", "rect"]
    train, test = layers(spec)[-2:]
    assert rows(train) == [{"fast": f, "slow": s, "value": f * s} for f in (3, 4) for s in (8, 20)] == rows(test)
    assert train["encoding"]["color"]["scale"]["domain"] == [24, 80]
    assert size_of(picture(sources, symbol))[0] > 2000


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([-3, 5], [-3, 0, 5]),
        ([-3, -1], [-3, -1]),
        ([2, None], [2, 2]),
        ([None, None], [0, 1]),
        ([1, *range(-20, 0), -9000], [-20, 0, 1]),
        ([*range(1, 41), 9000], [1, 39]),
        ([0, 0], [0, 0]),
    ],
)
def test_maps_are_pale_at_zero_and_single_figures_do_not_bleach_them(outputs, values, domain):
    lines = [{"fast": 3, "slow": at, "part": "all", "pnl": value} for at, value in enumerate(values, 8)]
    spec = drawing.maps(swept(lines), "pnl", ["fast line", "slow line"]).to_dict()
    assert spec["hconcat"][0]["encoding"]["color"]["scale"]["domain"] == domain


def test_many_bars_and_orders_are_thinned(outputs):
    at = range(0, 4000, 8)
    symbol = symbol_of(bars_of(("A",), bars=4000), at, [0, 1] * 250, [0, 2] * 250)
    spec = draw(sources_of(outputs, "backtest"), symbol)
    assert marks(spec) == ["rule", "bar", "line", "tick", "tick", "line", "area"]
    _, bar, line, buys, sells, equity, _ = layers(spec)
    assert len(rows(bar)) == 334 and len(rows(equity)) <= 1_000 and len(rows(line)) <= 2 * 1_000
    assert "4,000 bars, 12 to a candle" in spec.to_dict()["title"]["subtitle"][0]
    assert max(row["high"] for row in rows(bar)) == symbol.series.prices["high"].max()
    assert (buys["mark"]["opacity"], sells["mark"]["opacity"]) == (0.9, 0.3)  # the sales were refused


def test_nothing_that_is_not_there_is_drawn_as_a_number(outputs):
    frame = bars_of(("A",))
    frame.loc[3, ["high", "low"]] = np.nan
    spec = draw(sources_of(outputs, "backtest"), symbol_of(frame)).to_dict()
    assert "NaN" not in json.dumps(spec) and "high" not in rows(layers(spec)[0])[3]


@pytest.mark.parametrize("symbol", [*HOSTILE, *INHERITED])
def test_any_symbol_is_drawn(outputs, symbol):
    assert size_of(picture(sources_of(outputs, "backtest"), symbol_of(bars_of((symbol,))), scale=0.5))
