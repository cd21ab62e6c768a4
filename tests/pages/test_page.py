"""A page of averages in a real Chromium: candles and lines, panes below, the readout, keys, and any screen."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.pages.browser import NEXT_FRAME, pixels, view
from tests.pages.report.outputs import HOSTILE, INHERITED, Outputs, bars_of
from windrow.pages.averages import plot

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[2] / "data" / "bars.csv"
INDICATORS = ("sma:5", "ema:20", "std:20", "sum:10", "sum:5")


@pytest.fixture(scope="module")
def averages(tmp_path_factory):
    """The directory of averages of the sample bars, by the job."""
    options = [part for name in INDICATORS for part in ("--indicator", name)]
    return Outputs(tmp_path_factory.mktemp("averages")).run("moving-average", *options, DATA)


@pytest.fixture(scope="module")
def plotted(averages):
    return plot(averages, DATA, out=averages.parent / "plot.html")[0]


def lines_of(place, symbol):
    lines = (line.split("\t") for line in (place / "part-00000").read_text().splitlines())
    return {time: values for name, time, *values in lines if name == symbol}


def words(tab, selector):
    return re.sub(r"\s+", " ", tab.inner_text(selector))


def labels(tab):
    return re.findall(r"(\S+:\d+) (\S+)", words(tab, "#labels"))


def test_candles_lines_and_panes_are_drawn(look, plotted):
    tab = look(plotted)
    colours = ("up", "down", "series-1", "series-2", "series-3", "series-4", "series-5")
    assert [name for name in colours if pixels(tab, name) < 80] == []
    assert tab.evaluate("chart.tops.length") == 3
    assert tab.evaluate("chart.panes.map((pane) => pane.lines.map((line) => line.name))") == [
        ["sma:5", "ema:20"], ["std:20"], ["sum:10", "sum:5"],
    ]  # fmt: skip
    low, high = tab.evaluate("[chart.scales[0].low, chart.scales[0].high]")
    assert 200 < low < high < 360  # sums do not squash the prices
    assert tab.inner_text("h1") == "AAA: sma:5, ema:20, std:20, sum:10, sum:5 of close"
    assert tab.inner_text("#subtitle") == "2023-01-02 to 2023-12-15 · 250 bars"
    assert tab.inner_text("h2") == "Prices and averages"


def test_the_readout_has_every_value_of_the_bar(look, plotted, averages):
    tab = look(plotted)
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    rows = lines_of(averages, "AAA")
    bars = {line.split(",")[1]: line.split(",") for line in DATA.read_text().splitlines() if line.startswith("AAA,")}
    for x in (4, 100, 700, 1100):
        tab.mouse.move(box["x"] + x, box["y"] + 40)
        shown = words(tab, "#readout")
        day = shown[:10]
        _, _, *prices = bars[day]
        expected = f"{day} O {prices[0]} H {prices[1]} L {prices[2]} C {prices[3]}"
        values = [float(value) if value else None for value in rows.get(day, [""] * 5)]
        for name, value in zip(INDICATORS[:2], values, strict=False):
            expected += f" {name} " + ("–" if value is None else f"{value:.4f}")
        assert shown == expected
        found = labels(tab)
        assert [name for name, _ in found] == list(INDICATORS[2:])
        for (_, text), value in zip(found, values[2:], strict=True):
            assert text == "–" if value is None else float(text.replace(",", "")) == pytest.approx(value, abs=0.06)


def test_the_chooser_and_keys_work_as_in_a_report(look, plotted):
    tab = look(plotted)
    tab.get_by_label("Symbol").select_option("AAC")
    assert tab.inner_text("h1").startswith("AAC: ")
    tab.get_by_role("application", name="Prices and averages").focus()
    start = view(tab)
    for key in ("ArrowUp", "ArrowUp", "Home"):
        tab.keyboard.press(key)
    assert view(tab)[0] < 1 and view(tab)[1] < start[1] / 1.5
    tab.keyboard.press("Shift+ArrowRight")
    assert re.match(
        r"2023-\d\d-\d\d O .* sma:5 .* std:20 .*, sum:10 ", words(tab, "#announced") or tab.text_content("#announced")
    )
    tab.keyboard.press("n")  # there is no order, and nothing happens
    tab.keyboard.press("0")
    assert view(tab) == pytest.approx(start)
    assert tab.get_by_role("button", name="order").count() == 0
    assert "N and P" not in tab.inner_text("#keys")


def test_lines_of_a_step_are_joined(look, outputs):
    frame = bars_of(("A",), bars=200)
    bars = outputs.bars(frame)
    place = outputs.run("moving-average", "--window", "3", "--step", "50", bars)
    tab = look(plot(place, bars, out=outputs.folder / "plot.html")[0])
    assert pixels(tab, "series-1") > 500
    tab.evaluate("chart.look(60, 90)")  # between two of its values
    tab.evaluate(NEXT_FRAME)
    assert pixels(tab, "series-1") > 500
    assert words(tab, "#readout").endswith("sma:3 –")


def test_many_lines_are_told_apart_by_colour_and_dash(look, outputs):
    frame = bars_of(("A",))
    bars = outputs.bars(frame)
    options = [part for window in range(2, 23) for part in ("--indicator", f"sma:{window}")]
    tab = look(plot(outputs.run("moving-average", *options, bars), bars, out=outputs.folder / "plot.html")[0])
    styles = tab.evaluate("""() => [...document.querySelectorAll("#readout .line")].map((line) => {
      const style = getComputedStyle(line);
      return `${style.color} ${style.borderBottomStyle}`;
    })""")
    assert len(styles) == len(set(styles)) == 21


def test_the_chart_does_not_jump_as_the_readout_changes(look, outputs):
    frame = bars_of(("A",))
    bars = outputs.bars(frame)
    options = [part for window in range(2, 12) for part in ("--indicator", f"sma:{window}")]
    made = plot(outputs.run("moving-average", *options, bars), bars, out=outputs.folder / "plot.html")[0]
    tab = look(made, width=390, height=844)
    place = tab.locator("#chart").bounding_box()
    for x in (2, 100, 200):
        tab.mouse.move(place["x"] + x, place["y"] + 40)
        assert tab.locator("#chart").bounding_box() == place


def test_no_symbol_becomes_part_of_the_page(look, outputs):
    frame = bars_of(HOSTILE)
    bars = outputs.bars(frame)
    tab = look(plot(outputs.run("moving-average", "--window", "3", bars), bars, out=outputs.folder / "plot.html")[0])
    assert tab.locator("#symbol option").all_text_contents() == sorted(HOSTILE)
    for at, name in enumerate(sorted(HOSTILE)):
        tab.select_option("#symbol", index=at)
        assert tab.text_content("h1") == f"{name}: sma:3 of close"
    assert tab.evaluate("[document.images.length, document.scripts.length]") == [0, 2]


def test_symbols_and_columns_may_have_names_of_javascripts_own(look, outputs):
    frame = bars_of(INHERITED).rename(columns={"close": "constructor"})
    frame["close"] = frame["constructor"] + 1
    bars = outputs.bars(frame)
    output = outputs.run("moving-average", "--window", "1", "--column", "constructor", bars)
    tab = look(plot(output, bars, symbols=INHERITED, out=outputs.folder / "plot.html")[0])
    assert tab.locator("#symbol option").all_text_contents() == INHERITED
    for at, name in enumerate(INHERITED):
        tab.select_option("#symbol", index=at)
        last = frame[frame["symbol"] == name]["constructor"].iloc[-1]
        assert tab.text_content("h1") == f"{name}: sma:1 of constructor"
        assert words(tab, "#readout") == f"2024-02-29 constructor {last:.2f} sma:1 {last:.4f}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_down_only(look, plotted, width, scheme):
    tab = look(plotted, width=width, height=640, scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert pixels(tab, "up") > 100 and pixels(tab, "series-1") > 50


def test_times_of_day_are_utc(look, outputs):
    frame = bars_of(("A",), bars=300, step="1min")
    bars = outputs.bars(frame)
    tab = look(plot(outputs.run("moving-average", "--window", "3", bars), bars, out=outputs.folder / "plot.html")[0])
    assert tab.inner_text("#subtitle") == "2024-01-01 00:00 to 2024-01-01 04:59 UTC · 300 bars"
    assert tab.inner_text("#readout").startswith("2024-01-01 04:59")


def test_bars_within_a_millisecond_stay_apart(look, outputs):
    lines = [f"A,2024-01-01T00:00:00.{at:09d}Z,{100 + at}" for at in range(40)]
    (outputs.folder / "bars.csv").write_text("\n".join(["symbol,timestamp,close", *lines]) + "\n")
    bars = str(outputs.folder / "bars.csv")
    tab = look(plot(outputs.run("moving-average", "--window", "3", bars), bars, out=outputs.folder / "plot.html")[0])
    assert tab.evaluate("chart.bars") == 40
    assert tab.inner_text("h2") == "Close and averages"
    assert np.array_equal(tab.evaluate("[...view.candles.close]"), np.arange(100, 140))
