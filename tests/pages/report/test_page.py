"""Pages in a real Chromium: what is drawn and read, by pointer and keys, wide and narrow, light and dark; and that
nothing of the data, and nothing of a network, becomes part of a page.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.pages.browser import NEXT_FRAME, Looker, pixels, view, wait_until
from tests.pages.report.outputs import HOSTILE, INHERITED, Outputs, bars_of, figures
from windrow.pages.report import SCRIPTS, report
from windrow.pages.report.contents import Sources, SymbolReport, page_data
from windrow.pages.report.results import Equity, Orders, open_output, read_figures, read_orders
from windrow.pages.series import Series
from windrow.pages.shell import page

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[3] / "data" / "bars.csv"


@pytest.fixture(scope="module")
def shared_outputs(tmp_path_factory):
    return Outputs(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def backtest(shared_outputs):
    """The directory of a backtest of the sample bars, by the job."""
    return shared_outputs.run("backtest", "--fast", "sma:5", "--slow", "sma:20", "--orders", "--equity", DATA)


@pytest.fixture(scope="module")
def sweep(shared_outputs):
    """The directory of a sweep over them, by the job."""
    return shared_outputs.run("sweep", "--fast", "sma:3..6", "--slow", "sma:5..20/5", "--split", "0.7", DATA)


@pytest.fixture(scope="module")
def both(shared_outputs, backtest, sweep):
    """A page of both."""
    return report([sweep, backtest], [str(DATA)], out=shared_outputs.folder / "both.html")[0]


@pytest.fixture(scope="module")
def short(shared_outputs):
    """A page of both, over three bars of each symbol."""
    few = ["--to", "2023-01-05", DATA]
    outputs = [
        shared_outputs.run("backtest", "--fast", "sma:5", "--slow", "sma:20", *few),
        shared_outputs.run("sweep", "--fast", "sma:3..6", "--slow", "sma:5..20/5", *few),
    ]
    return report(outputs, [str(DATA)], out=shared_outputs.folder / "short.html")[0]


@pytest.fixture(scope="module")
def swept(shared_outputs, sweep):
    """A page of the sweep alone."""
    return report([sweep], [str(DATA)], out=shared_outputs.folder / "sweep.html")[0]


@pytest.fixture(scope="module")
def older(shared_outputs, sweep):
    """The same of an output from before rules were told, from which no curve can be had."""
    place = shared_outputs.forgetting_rules(sweep)
    return report([place], [str(DATA)], out=shared_outputs.folder / "older.html")[0]


def lines_of(place):
    """A directory's lines by symbol."""
    found = {}
    for line in (place / "part-00000").read_text().rstrip("\n").split("\n"):
        symbol, _, text = line.partition("\t")
        found.setdefault(symbol, []).append(json.loads(text))
    return found


def row(tab, name):
    """The cells of the figures' row of that name."""
    return (
        tab.locator("#figures tr", has=tab.get_by_role("rowheader", name=name, exact=True))
        .locator("td")
        .all_inner_texts()
    )


def money(value):
    return f"{value:+,.2f}".replace("-", "−") if round(value, 2) else "0.00"


# Nothing but the page.


def test_no_symbol_becomes_part_of_the_page(look, outputs):
    frame = bars_of(HOSTILE)
    made = report([outputs.backtest(frame)], [outputs.bars(frame)], out=outputs.folder / "report.html")[0]
    tab = look(made)
    assert tab.locator("#symbol option").all_text_contents() == sorted(HOSTILE)
    for at, name in enumerate(sorted(HOSTILE)):
        tab.select_option("#symbol", index=at)
        assert tab.text_content("h1") == f"{name}: Backtest of ema:7 over ema:21"
    assert tab.evaluate("[document.images.length, document.scripts.length]") == [0, 2]


def test_symbols_and_figures_may_have_names_of_javascripts_own(look, outputs):
    frame = bars_of(INHERITED)
    own = {name: 1.5 + at for at, name in enumerate(INHERITED[:5])}
    lines = [(symbol, figures(pnl=100.0 + at, **own)) for at, symbol in enumerate(INHERITED)]
    output = outputs.output("backtest", lines)
    made = report([output], [outputs.bars(frame)], symbols=INHERITED, out=outputs.folder / "report.html")[0]
    tab = look(made)
    assert tab.locator("#symbol option").all_text_contents() == INHERITED
    for at, name in enumerate(INHERITED):
        tab.select_option("#symbol", index=at)
        assert tab.text_content("h1") == f"{name}: Backtest of ema:7 over ema:21"
        close = frame[frame["symbol"] == name]["close"].iloc[-1]
        assert f"C {close:.2f}" in tab.inner_text("#readout")
        assert row(tab, "Profit and loss") == [f"+{100 + at}.00"]
        assert {field: row(tab, field.replace("_", " ")) for field in own} == {
            field: [f"{value:.3f}"] for field, value in own.items()
        }


def test_a_sweep_too(look, outputs):
    bars = outputs.bars(bars_of(INHERITED))
    swept = outputs.run("sweep", "--fast", "sma:3..4", "--slow", "sma:5..6", bars)
    tab = look(report([swept], [bars], symbols=INHERITED, out=outputs.folder / "sweep.html")[0])
    found = lines_of(swept)
    for at, name in enumerate(INHERITED):
        tab.select_option("#symbol", index=at)
        assert tab.text_content("h1") == f"{name}: Sweep of sma:3..4 over sma:5..6"
        best = max(line["pnl"] for line in found[name])
        assert row(tab, "Profit and loss") == [money(best)]


def test_the_policy_refuses_other_scripts_and_eval(chromium, both):
    looker = Looker(chromium)
    tab = looker.open(both)
    tab.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert tab.evaluate("window.ran") is None
    assert tab.evaluate("window.violations") == ["script-src-elem"]
    tab.evaluate("setTimeout('window.ran = 2')")
    tab.evaluate(NEXT_FRAME)
    assert tab.evaluate("window.ran") is None
    policy = tab.get_attribute("meta[http-equiv]", "content")
    assert "unsafe" not in policy and policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none';")
    tab.context.close()


def test_columns_arrive_exact(look, both):
    tab = look(both)
    bars = [line.split(",") for line in DATA.read_text().splitlines() if line.startswith("AAB,")]
    tab.select_option("#symbol", "1")
    columns = (
        "({candles: {open, high, low, close}, symbol: {times}}) =>"
        " [column(times), open, high, low, close].map((values) => [...values])"
    )
    times, *prices = tab.evaluate(f"({columns})(view)")
    assert prices == [[float(bar[at]) for bar in bars] for at in (2, 3, 4, 5)]
    days = np.array([bar[1] for bar in bars], "datetime64[ms]").astype(int)
    assert times == days.tolist()


# What is drawn.


def test_candles_averages_orders_and_values_are_drawn(look, both):
    tab = look(both)
    least = {"up": 500, "down": 500, "fast": 100, "slow": 100, "buy": 50, "sell": 50, "equity": 100, "fall": 100}
    assert {name: pixels(tab, name) > few for name, few in least.items()} == dict.fromkeys(least, True)


def test_without_orders_and_values_there_are_none(look, older):
    tab = look(older)
    assert (pixels(tab, "buy"), pixels(tab, "sell")) == (0, 0)
    assert pixels(tab, "up") > 500 and tab.evaluate("chart.tops.length") == 1
    assert tab.get_by_role("button", name="Later order").count() == 0
    assert tab.inner_text("#charted-title") == "Prices and averages"


def test_without_candles_a_line_is_drawn(look, outputs):
    frame = bars_of(("A",))
    place = outputs.backtest(frame)
    made = report(place, [outputs.bars(frame.drop(columns="high"))], out=outputs.folder / "report.html")[0]
    tab = look(made)
    assert pixels(tab, "up") == 0
    assert pixels(tab, "soft") > 300
    assert f"close {frame['close'].iloc[-1]:.2f}" in tab.inner_text("#readout")


def test_the_readout_tells_of_the_last_bar_and_of_that_under_the_pointer(look, both):
    tab = look(both)
    last = [line for line in DATA.read_text().splitlines() if line.startswith("AAA,")][-1].split(",")
    shown = re.sub(r"\s+", " ", tab.inner_text("#readout"))
    assert shown.startswith(f"{last[1]} O {last[2]} H {last[3]} L {last[4]} C {last[5]} sma:5 ")
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    tab.mouse.move(box["x"] + 5, box["y"] + 50)
    assert tab.inner_text("#readout").startswith("2023-01-0")
    assert tab.inner_text("#labels span >> nth=0") == "Equity 100,000.00"
    tab.mouse.move(5, 5)
    assert tab.inner_text("#readout").startswith(last[1])


def test_the_test_part_is_marked(look, swept):
    tab = look(swept)
    assert tab.evaluate("chart.series.cut") == {"at": 175, "end": 250, "labels": ["train", "test"]}


def test_prices_and_values_are_drawn_on_a_logarithmic_scale_on_demand(look, both):
    tab = look(both)
    middle = "chart.scales.map(({ y, low, high, top, bottom }) => (y((low + high) / 2) - top) / (bottom - top))"
    assert tab.evaluate(middle) == pytest.approx([0.5, 0.5, 0.5])
    tab.get_by_role("button", name="Log").click()
    tab.evaluate(NEXT_FRAME)
    prices, values, falls = tab.evaluate(middle)
    assert prices < 0.499 and values < 0.4999 and falls == pytest.approx(0.5)
    back = "(({ y, value, high }) => value(y(high)) / high)(chart.scales[0])"
    assert tab.evaluate(back) == pytest.approx(1)
    assert tab.get_by_role("button", name="Log").get_attribute("aria-pressed") == "true"
    assert tab.evaluate("[...logValues(0.9, 1100, 8)]") == [1, 3, 10, 30, 100, 300, 1000]
    assert tab.evaluate("[...logValues(1e-3, 5, 20)]")[:4] == [0.001, 0.002, 0.005, 0.01]


# Returns and drawdowns.


def test_months_and_years_are_a_table_of_colours(look, both, backtest):
    tab = look(both)
    heads = tab.locator("#months th[scope=col]").all_inner_texts()
    assert heads[:3] + heads[-2:] == ["Year", "Jan", "Feb", "Year", "Buy and hold"] and len(heads) == 15
    cells = tab.locator("#months tbody tr >> nth=0").locator("td")
    texts = [text.replace("−", "-") for text in cells.all_inner_texts()]
    whole = lines_of(backtest)["AAA"][0]
    assert texts[12:] == [f"{100 * whole[field]:.1f}" for field in ("return", "buy_and_hold")]  # of 2023 alone
    product = np.prod([1 + float(text) / 100 for text in texts[:12]])
    assert product == pytest.approx(1 + whole["return"], abs=0.006)
    colours = cells.evaluate_all("(cells) => cells.map((cell) => cell.style.backgroundColor)")
    signs = {(float(text) > 0, colour.split(",")[0]) for text, colour in zip(texts, colours, strict=True)}
    assert len(signs) > 2 and all(colours)
    before = colours[0]
    tab.emulate_media(color_scheme="dark")
    tab.evaluate(NEXT_FRAME)
    assert cells.first.evaluate("(cell) => cell.style.backgroundColor") != before


def test_the_deepest_drawdowns_are_marked_and_listed(look, both, backtest):
    tab = look(both)
    whole = lines_of(backtest)["AAA"][0]
    found = tab.locator("#falls tbody tr >> nth=0").locator("td").all_inner_texts()
    ends = [whole[f"max_drawdown_{name}"] or "not yet" for name in ("from", "to", "recovered")]
    assert found == [f"{100 * whole['max_drawdown']:.2f} %", *ends, f"{whole['max_drawdown_days']:.0f}"]
    marks = tab.evaluate("chart.panes.at(-1).marks")
    assert len(marks) == tab.locator("#falls tbody tr").count() and 1 < len(marks) <= 5
    times = tab.evaluate("view.timeText(chart.panes.at(-1).marks[0][0])")
    assert times == ends[0]
    drawn = tab.evaluate("""() => {
      const said = [];
      const { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
        said.push(text);
        return fillText.call(this, text, ...at);
      };
      chart.draw();
      return said;
    }""")
    assert {*range(1, len(marks) + 1)} <= set(drawn)


def test_without_values_there_are_no_returns_of_months(look, older):
    assert not look(older).locator("#sheet").is_visible()


# All symbols.


@pytest.fixture(scope="module")
def many(shared_outputs):
    """A page of 505 symbols, of which eight have a chart, and their returns; two of them have names that bite."""
    names = [HOSTILE[0], "constructor", *(f"S{at:03d}" for at in range(503))]
    frame = bars_of(names, bars=30)
    returns = np.round(np.random.default_rng(2).normal(0.05, 0.2, 505), 4)
    lines = [(name, figures(**{"return": value, "sharpe": None})) for name, value in zip(names, returns, strict=True)]
    output = shared_outputs.output("backtest", lines, name="many")
    bars = shared_outputs.bars(frame, "many.csv")
    return report([output], [bars], out=shared_outputs.folder / "many.html")[0], dict(zip(names, returns, strict=True))


def test_all_symbols_are_a_table_to_sort_and_to_search(look, many):
    place, returns = many
    tab = look(place)
    names = tab.locator("#shown th")
    ranked = sorted(returns, key=lambda name: -returns[name])
    assert [returns[name] for name in names.all_inner_texts()] == [returns[name] for name in ranked]
    assert names.count() == 505 and tab.inner_text("#matches") == "505 of 505"
    tab.locator('#heads [data-field="return"]').click()
    assert names.first.inner_text() == ranked[-1]
    tab.locator('#heads [data-field=""]').click()
    assert names.first.inner_text() == min(returns)
    tab.get_by_label("Find symbols").fill("s50")
    assert names.all_inner_texts() == ["S500", "S501", "S502"]
    assert tab.inner_text("#spread-title") == "Return of 3 symbols"


def test_a_symbol_of_the_table_is_shown(look, many):
    tab = look(many[0])
    tab.get_by_label("Find symbols").fill("s001")
    tab.get_by_role("button", name="Show S001").click()
    assert tab.text_content("h1").startswith("S001: ") and tab.locator("#shown tr.chosen th").inner_text() == "S001"
    assert tab.evaluate("document.getElementById('symbol').selectedOptions[0].textContent") == "S001"
    tab.get_by_label("Find symbols").fill("onerror")
    assert tab.locator("#shown th").all_inner_texts() == [HOSTILE[0]]
    assert tab.evaluate("document.images.length") == 0
    tab.get_by_label("Find symbols").fill("s400")
    assert tab.locator("#shown button").count() == 0 and tab.locator("#absent").is_visible()


def test_a_histogram_is_of_the_figure_that_the_table_is_sorted_by(look, many):
    place, returns = many
    tab = look(place)
    bins = tab.evaluate("binned(listed.columns.return)")
    values = np.array(list(returns.values()))
    assert sum(each["count"] for each in bins) == 505
    inner = bins[1:-1]
    counted = [int(np.sum((values >= each["from"] - 1e-9) & (values < each["to"] - 1e-9))) for each in inner]
    assert [each["count"] for each in inner] == counted and len(bins) > 10
    assert tab.locator("#spread .bars span").count() == len(bins)
    tab.locator('#heads [data-field="max_drawdown"]').click()
    assert tab.inner_text("#spread-title") == "Maximum drawdown of 505 symbols"
    assert tab.evaluate("[binned([]), binned([NaN]), binned([2, 2]).map(({ count }) => count)]") == [[], [], [2]]


def test_a_page_of_505_symbols_opens_in_2_s(look, many, record_property):
    """By what a browser's clock says of it, the best of three."""
    tab = look(many[0])
    taken = []
    for _ in range(3):
        tab.reload()
        taken.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    record_property("ms", min(taken))
    assert min(taken) < 2000


# Figures.


def test_rules_and_a_warning_stand_above(look, both, swept, outputs, backtest):
    tab = look(both)
    assert tab.inner_text("#rules") == (
        "Initial cash 100,000, positions of all cash, filled at the next open, long and short, entry by state,"
        " no costs."
    )
    assert not tab.locator("#warning").is_visible()
    other = outputs.run("sweep", "--fast", "sma:3..6", "--slow", "sma:10", "--commission", "0.01", DATA)
    tab = look(report([other, backtest], [str(DATA)], out=outputs.folder / "other.html")[0])
    assert tab.inner_text("#warning").endswith("do not compare. commission: 0, 0.01.")


def test_buying_and_holding_stands_beside_the_backtest(look, both, backtest):
    tab = look(both)
    heads = tab.locator("#figures table >> nth=0").locator("th[scope=col]").all_inner_texts()
    assert heads == ["Result", "Backtest", "Buy and hold", "Train", "Test"]
    held = lines_of(backtest)["AAA"][0]["buy_and_hold"]
    assert row(tab, "Return")[1] == f"{100 * held:+.2f} %".replace("-", "−")
    of_trades = tab.locator("#figures table >> nth=2").locator("th[scope=col]").all_inner_texts()
    assert of_trades == ["Trades", "Backtest", "Train", "Test"] and pixels(tab, "benchmark") > 100


def test_figures_stand_side_by_side(look, both, backtest, sweep):
    tab = look(both)
    whole, grid = lines_of(backtest)["AAA"][0], lines_of(sweep)["AAA"]
    train = [line for line in grid if line["part"] == "train"]
    best = max(train, key=lambda line: (line["pnl"], -line["fast"], -line["slow"]))
    proof = next(
        line
        for line in grid
        if {**best, "part": "test"}.items() >= {k: line[k] for k in ("part", "fast", "slow")}.items()
    )
    held = {"pnl": 100_000 * whole["buy_and_hold"], "return": whole["buy_and_hold"]}
    assert row(tab, "Profit and loss") == [money(its["pnl"]) for its in (whole, held, best, proof)]
    returns = [f"{100 * its['return']:+.2f} %".replace("-", "−") for its in (whole, held, best, proof)]
    assert row(tab, "Return") == returns
    assert row(tab, "Trades") == [str(its["trades_total"]) for its in (whole, best, proof)]
    assert row(tab, "SQN") == [f"{its['sqn']:.3f}".replace("-", "−") for its in (whole, best, proof)]
    assert tab.inner_text("#compared") == (
        f"Backtest of sma:5 / sma:20, buying and holding with the same cash, size and costs,"
        f" train of {best['fast']} / {best['slow']}, test of {best['fast']} / {best['slow']}"
    )


def test_what_is_undefined_is_a_dash_with_its_reason(look, short):
    """Of three bars there is no average, and no trade."""
    tab, why = look(short), "all days returned the same"
    assert row(tab, "Sharpe ratio") == ["– 1"] * 2
    assert tab.locator("#reasons li").all_inner_texts()[0] == why
    assert tab.locator("#figures td.none").first.get_attribute("title") == why
    tile = tab.locator("#tiles div", has_text="Sharpe ratio").locator("dd").first
    assert (tile.inner_text(), tile.get_attribute("title")) == ("–", why)
    tab.get_by_label("Objective").select_option("Sharpe ratio")
    assert f"– ({why})" in tab.inner_text("#described")


def test_what_a_drawdown_was_and_when_stands_among_the_figures(look, both, backtest):
    tab, its = look(both), lines_of(backtest)["AAA"][0]
    assert row(tab, "Maximum drawdown")[0] == f"{100 * its['max_drawdown']:.2f} %"
    for figure, name in {"from": "from", "to": "lowest", "recovered": "recovered"}.items():
        assert row(tab, f"Maximum drawdown, {name}")[0] == (its[f"max_drawdown_{figure}"] or "–")


def test_the_chooser_shows_another_symbol(look, both, backtest):
    tab = look(both)
    tab.get_by_label("Symbol", exact=True).select_option("AAD")
    assert tab.inner_text("h1") == "AAD: Backtest of sma:5 over sma:20"
    assert row(tab, "Profit and loss")[0] == money(lines_of(backtest)["AAD"][0]["pnl"])
    tab.evaluate(NEXT_FRAME)
    assert pixels(tab, "up") > 300


def test_figures_that_a_page_does_not_know_are_shown_too(look, outputs):
    frame = bars_of(("A",))
    place = outputs.backtest(frame)
    text = (place / "part-00000").read_text().replace('"pnl"', '"mean_time_held": 1.5, "pnl"')
    (place / "part-00000").write_text(text)
    tab = look(report(place, [outputs.bars(frame)], out=outputs.folder / "report.html")[0])
    assert row(tab, "mean time held") == ["1.500"]


# Keys and pointer.


def test_keys_move_zoom_and_read(look, both, backtest):
    tab = look(both)
    chart = tab.get_by_role("application", name="Prices, averages, orders, equity and drawdown")
    chart.focus()
    start = view(tab)
    assert start == [pytest.approx(-2.5, abs=3), pytest.approx(252.5, abs=3)]
    tab.keyboard.press("ArrowUp")
    zoomed = view(tab)
    assert zoomed[1] - zoomed[0] == pytest.approx(0.7 * (start[1] - start[0]))
    tab.keyboard.press("ArrowRight")
    right = view(tab)
    assert right[0] - zoomed[0] == pytest.approx(right[1] - zoomed[1]) and right[0] > zoomed[0]
    tab.keyboard.press("Home")
    assert view(tab)[0] < 1
    tab.keyboard.press("End")
    assert view(tab)[1] > 249
    tab.keyboard.press("-")
    tab.keyboard.press("0")
    assert view(tab) == pytest.approx(start)
    for _ in range(12):
        tab.keyboard.press("+")
    assert view(tab)[1] - view(tab)[0] == pytest.approx(12)
    tab.keyboard.press("Home")
    tab.keyboard.press("Shift+ArrowLeft")
    one = tab.inner_text("#announced")
    tab.keyboard.press("Shift+ArrowRight")
    assert re.match(
        r"2023-01-\d\d O .* Equity 100,000.00 Buy and hold 10\d,\d{3}\.\d\d, Drawdown 0.00 %", one.replace("\n", " ")
    )
    assert tab.inner_text("#announced") != one
    tab.keyboard.press("Escape")
    assert tab.evaluate("chart.cross") is None


def test_keys_and_buttons_go_from_order_to_order(look, both, backtest):
    tab = look(both)
    orders = read_orders([backtest / "part-00000-orders"], ["AAA"])["AAA"]
    days = orders.times.astype("datetime64[ns]").astype("datetime64[D]").astype(str)

    def expected(at):
        size = f"{orders.size[at]:,.4f}" if orders.size[at] % 1 else f"{orders.size[at]:,.0f}"
        side = ("buy", "sell")[orders.side[at]]
        return days[at], f"{side} {size} at {orders.price[at]:,.2f}"

    tab.get_by_role("application").first.focus()
    for key in ("+", "+", "+", "+", "Home", "n"):
        tab.keyboard.press(key)
    first = int(np.searchsorted(days, tab.inner_text("#readout")[:10]))
    for key, at in (("n", first + 1), ("n", first + 2), ("p", first + 1)):
        tab.keyboard.press(key)
        day, words = expected(at)
        assert tab.inner_text("#readout").startswith(day) and words in tab.inner_text("#readout")
    tab.get_by_role("button", name="Later order").click()
    assert expected(first + 2)[1] in tab.inner_text("#announced")
    tab.get_by_role("button", name="Earlier order").click()
    assert expected(first + 1)[1] in tab.inner_text("#announced")


def test_the_readout_is_of_the_candle_at_the_crosshair(look, both):
    """However one got there: stepping between orders, zooming and turning a telephone join other bars to a candle."""
    tab = look(both, width=390, height=844)

    def check(at=None):
        tab.evaluate(NEXT_FRAME)
        bar, first, last, level = tab.evaluate(
            "(({ bar }) => [bar, ...Object.values(chart.groupOf(bar))])(chart.cross)"
        )
        times = tab.evaluate("([first, last]) => [first, last].map((bar) => view.timeText(bar))", [first, last])
        assert first <= bar <= last < first + 2**level
        expected = times[0] if first == last else f"{times[0]} to {times[1]} "
        assert re.sub(r"\s+", " ", tab.inner_text("#readout")).startswith(expected)
        assert at is None or first <= at <= last
        return last - first + 1

    orders = tab.evaluate("[...view.orders.at]")
    later, earlier, closer, further = (
        tab.get_by_role("button", name=name) for name in ("Later order", "Earlier order", "Zoom in", "Zoom out")
    )
    later.click()
    at = next(number for number, order in enumerate(orders) if order > 125)
    widths = [check(orders[at])]
    for button, step in (
        (closer, 0), (closer, 0), (closer, 0), (later, 1), (further, 0), (further, 0), (further, 0), (further, 0),
        (earlier, -1), (closer, 0), (closer, 0), (closer, 0),
    ):  # fmt: skip
        button.click()
        at += step
        widths.append(check(orders[at]))
    assert {1, 2, 4} <= set(widths)  # else nothing was tested
    tab.get_by_role("button", name="All").click()
    assert check(orders[at]) == 4
    tab.set_viewport_size({"width": 1280, "height": 900})
    wait_until(tab, "chart.width > 800")
    assert check(orders[at]) == 1
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 50)
    hovered = tab.evaluate("chart.cross.bar")
    tab.keyboard.down("Control")
    for delta in (300, -300, -300):
        was = tab.evaluate("chart.to - chart.from")
        tab.mouse.wheel(0, delta)
        wait_until(tab, "(was) => chart.to - chart.from !== was", was) if delta < 0 else tab.evaluate(NEXT_FRAME)
        check(hovered)
    tab.keyboard.up("Control")


def test_the_crosshair_is_drawn_at_the_candle_that_is_read(look, both):
    tab = look(both, width=390, height=844)
    tab.get_by_role("button", name="Later order").click()
    for name in ("Zoom in", "Zoom in", "Zoom out", "All"):
        tab.get_by_role("button", name=name).click()
        tab.evaluate(NEXT_FRAME)
        drawn = tab.evaluate("""() => {
          const { width, height } = chart.over;
          const copy = Object.assign(document.createElement("canvas"), { width, height });
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(chart.over, 0, 0);
          const { data } = context.getImageData(0, 0, width, Math.round(height / 2));
          const counts = Array.from({ length: width }, (_, x) => {
            let count = 0;
            for (let y = 0; y < height / 2; y++) count += data[4 * (y * width + x) + 3] > 0;
            return count;
          });
          return counts.indexOf(Math.max(...counts));
        }""")
        first, last = tab.evaluate("[chart.group.first, chart.group.last]")
        assert first - 0.5 <= tab.evaluate("(x) => chart.at(x + 0.5) - 0.5", drawn) <= last + 0.5


def test_a_tap_reads_a_candle(look, both):
    tab = look(both, width=390, height=844, has_touch=True)
    last = tab.inner_text("#readout")
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    tab.touchscreen.tap(box["x"] + 40, box["y"] + 60)
    tab.evaluate(NEXT_FRAME)
    assert tab.inner_text("#readout") != last and tab.inner_text("#readout").startswith("2023-0")


def test_pointer_and_wheel_move_and_zoom(look, both):
    tab = look(both)
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    x, y = box["x"] + 400, box["y"] + 100
    start = view(tab)
    tab.mouse.move(x, y)
    scrolled = tab.evaluate("scrollY")
    tab.mouse.wheel(0, 120)
    wait_until(tab, "(was) => scrollY > was", scrolled)
    assert view(tab) == start  # the wheel alone scrolls the page
    tab.evaluate("scrollTo(0, 0)")
    bar = tab.evaluate("chart.at(400)")
    tab.keyboard.down("Control")
    tab.mouse.wheel(0, -120)
    wait_until(tab, "(was) => chart.to - chart.from < was", start[1] - start[0])
    tab.keyboard.up("Control")
    assert tab.evaluate("chart.at(400)") == pytest.approx(bar)
    zoomed = view(tab)
    tab.mouse.down()
    tab.mouse.move(x - 80, y)
    tab.mouse.up()
    assert view(tab)[0] > zoomed[0]
    tab.mouse.dblclick(x, y)
    assert view(tab) == pytest.approx(start)
    tab.get_by_role("button", name="Zoom in").click()
    assert view(tab)[1] - view(tab)[0] == pytest.approx(0.6 * (start[1] - start[0]))
    tab.locator("#overview").click(position={"x": 5, "y": 10})
    assert view(tab)[0] < 1
    tab.get_by_role("button", name="All").click()
    assert view(tab) == pytest.approx(start)


def test_tab_visits_all_controls_in_order_and_shows_where_it_is(look, both):
    tab = look(both)
    visited = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        name, outline = tab.evaluate("""() => {
          const it = document.activeElement;
          const name = it.getAttribute("aria-label") || it.labels?.[0]?.textContent || it.textContent;
          return it === document.body ? ["", ""] : [name.trim(), getComputedStyle(it).outlineStyle];
        }""")
        if not name:
            break
        visited.append(name)
        assert outline == "solid", name
    pairs = [name for name in visited if name.startswith("Show ")]
    heads = tab.locator("#heads button").all_inner_texts()
    assert [name for name in visited if name not in pairs] == [
        "Symbol", "Earlier order", "Later order", "Zoom out", "Zoom in", "All", "Log",
        "Prices, averages, orders, equity and drawdown", "Objective", "Train: Profit and loss of every pair",
        "Test: Profit and loss of every pair", "Best pairs", "Returns of months and years", "Deepest drawdowns",
        "Rolling Sharpe ratio and volatility", "Find symbols", "All symbols", *heads,
    ]  # fmt: skip
    assert len(pairs) == 8 + 5 and len(heads) == 14


def test_every_control_has_a_name(look, both):
    tab = look(both)
    named = """() => [...document.querySelectorAll("button, select, [tabindex]")].map((it) =>
      it.getAttribute("aria-label") || it.labels?.[0]?.textContent || it.textContent.trim())"""
    names = tab.evaluate(named)
    assert len(names) == 48 and all(names)


# The sweep.


def test_the_map_is_read_and_chosen_from_by_keys(look, swept, sweep):
    tab = look(swept)
    grid = {(line["part"], line["fast"], line["slow"]): line for line in lines_of(sweep)["AAA"]}
    order = sorted(grid, key=lambda key: (-grid[key]["pnl"], key))
    best = next(key for key in order if key[0] == "train")
    tab.get_by_role("application", name="Train: Profit and loss of every pair").focus()
    expected = (
        f"{best[1]} / {best[2]}, chosen from 16 pairs: train {money(grid[best]['pnl'])}, test"
        f" {money(grid['test', best[1], best[2]]['pnl'])}"
    )
    assert tab.inner_text("#described") == expected.replace("16", str(len(grid) // 2))
    for key in ("ArrowLeft",) * 4 + ("ArrowDown",) * 4 + ("ArrowRight", "ArrowUp"):
        tab.keyboard.press(key)
    assert tab.inner_text("#described") == (
        f"4 / 10: train {money(grid['train', 4, 10]['pnl'])}, test {money(grid['test', 4, 10]['pnl'])}"
    )
    tab.keyboard.press("Enter")
    assert row(tab, "Profit and loss") == [money(grid[part, 4, 10]["pnl"]) for part in ("train", "test")]
    assert tab.inner_text("#tiled") == "Pair 4 / 10 on train, and below on test"
    assert "sma:4 " in tab.inner_text("#readout") and "sma:10 " in tab.inner_text("#readout")
    assert tab.inner_text("#notes") == "The averages drawn are sma:4 and sma:10."
    # Of the first bars alone: the test goes on with the averages of the train.
    assert tab.evaluate("[...chart.panes[0].lines[1].values].filter(Number.isNaN).length") == 9


def test_the_map_is_chosen_from_by_a_click(look, swept):
    tab = look(swept)
    places = tab.evaluate("maps[1].places.map((_, pair) => maps[1].place(pair))")
    cell = tab.evaluate("maps[1].cell")
    fast, slow = tab.evaluate("[[...maps[1].fast], [...maps[1].slow]]")
    pair = next(at for at in range(len(fast)) if (fast[at], slow[at]) == (6, 15))
    x, y = places[pair][0] + cell["width"] / 2, places[pair][1] + cell["height"] / 2
    tab.locator("#maps canvas").nth(1).click(position={"x": x, "y": y})
    assert tab.inner_text("#described").startswith("6 / 15")
    assert tab.evaluate("state.pair") == pair


def test_an_objective_ranks_the_pairs_again(look, swept, sweep):
    tab = look(swept)
    train = [line for line in lines_of(sweep)["AAA"] if line["part"] == "train"]
    for field, name in (("sqn", "SQN"), ("return", "Return"), ("sharpe", "Sharpe ratio")):
        tab.get_by_label("Objective").select_option(name)
        order = sorted(train, key=lambda line: (line[field] is None, -(line[field] or 0), line["fast"], line["slow"]))
        shown = [f"{line['fast']} / {line['slow']}" for line in order[:8]]
        assert tab.locator("#ranking tbody th").all_inner_texts() == shown
        assert tab.inner_text("#maps h3 >> nth=0") == f"Train: {name}"
    tab.get_by_role("button", name=f"Show pair {shown[3]}").click()
    assert tab.inner_text("#described").startswith(shown[3])


def test_the_maps_colours_tell_gains_from_losses(look, swept):
    tab = look(swept)
    colours = tab.evaluate("""() => {
      const { colour, low, high } = colourScale([-50, 20, NaN], false);
      const gains = colourScale([3, 5], false);
      return [low, high, colour(-50).ground, colour(0).ground, colour(20).ground, gains.colour(3).ground];
    }""")
    pale = "rgb(243,245,248)"
    assert colours == [-50, 20, "rgb(200,84,0)", pale, "rgb(0,98,160)", pale]


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([-3, 5], [-3, 5, False, False]), ([-3, -1], [-3, -1, False, False]), ([1, 40], [1, 40, False, False]),
        ([1, *range(-20, 0), -9000], [-20, 1, True, False]), ([*range(1, 41), 9000], [1, 39, False, True]),
    ],
)  # fmt: skip
def test_single_figures_do_not_bleach_the_maps(look, swept, values, ends):
    """The ends are those of the picture's scale: tests/pages/report/test_picture.py."""
    tab = look(swept)
    script = "(values) => (({ low, high, below, above }) => [low, high, below, above])(colourScale(values, false))"
    assert tab.evaluate(script, values) == ends


def test_walks_are_chosen(look, outputs):
    place = outputs.run("sweep", "--fast", "sma:3,4", "--slow", "sma:8,9", "--walk-forward", "3", DATA)
    tab = look(report([place], [str(DATA)], symbols="AAB", out=outputs.folder / "report.html")[0])
    tab.get_by_label("Walk").select_option("3")
    lines = [line for line in lines_of(place)["AAB"] if line["part"] == "train 3"]
    best = max(lines, key=lambda line: (line["pnl"], -line["fast"], -line["slow"]))
    assert tab.inner_text("#tiled") == f"Pair {best['fast']} / {best['slow']} on train 3, and below on test 3"
    assert row(tab, "Profit and loss")[0] == money(best["pnl"])
    assert tab.evaluate("chart.series.cut") == {"at": 187, "end": 250, "labels": ["train 3", "test 3"]}


def test_the_best_pair_alone_has_no_map(look, outputs):
    args = ("--fast", "sma:3..6", "--slow", "sma:8,9", "--split", "0.7", "--best", DATA)
    place = outputs.run("sweep", *args)
    tab = look(report([place], [str(DATA)], symbols=["AAA"], out=outputs.folder / "report.html")[0])
    (line,) = lines_of(place)["AAA"]
    assert not tab.locator("#maps").is_visible() and not tab.get_by_label("Objective").is_visible()
    chance = f"{line['deflated_sharpe']:.3f}".replace("-", "−")
    assert f"as the best of 8 pairs by Profit and loss, deflated Sharpe ratio {chance}:" in tab.inner_text("#described")
    assert row(tab, "Profit and loss") == [money(line[part]["pnl"]) for part in ("train", "test")]


# Any screen.


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_readers_scheme(look, both, scheme):
    tab = look(both, scheme=scheme)
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == ground[scheme]
    tab.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    tab.evaluate(NEXT_FRAME)
    assert pixels(tab, "up") > 500 and pixels(tab, "fast") > 100


def test_words_stand_out_from_their_ground(look, both):
    """Contrast of at least 4.5 to 1, in both schemes, of every colour that words have."""
    contrasts = """() => {
      const style = getComputedStyle(document.documentElement);
      const parts = (name) => style.getPropertyValue(`--${name}`).match(/[0-9a-f]{2}/g);
      const of = (name) => luminance(parts(name).map((part) => parseInt(part, 16)));
      const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      const series = [1, 2, 3, 4, 5, 6, 7].map((number) => `series-${number}`);
      const words = ["ink", "soft", "fast", "slow", "buy", "sell", "equity", "fall", ...series];
      return words.flatMap((name) => ["ground", "card"].map((under) => ratio(of(name), of(under))));
    }"""
    for scheme in ("light", "dark"):
        assert min(look(both, scheme=scheme).evaluate(contrasts)) > 4.5


@pytest.mark.parametrize("name", ["both", "swept"])
@pytest.mark.parametrize("width", [320, 360, 768])
def test_narrow_screens_scroll_down_only(look, request, name, width):
    tab = look(request.getfixturevalue(name), width=width, height=640)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert pixels(tab, "up") > 100
    if width == 360:
        tab.set_viewport_size({"width": 1000, "height": 640})
        wait_until(tab, "chart.width > 800")


# 100,000 bars.


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A page of 100,000 minutes, with an order at every eighth."""
    bars = 100_000
    rng = np.random.default_rng(7)
    close = np.round(100 + rng.normal(0, 0.05, bars).cumsum(), 2)
    opens = np.roll(close, 1)
    prices = {
        "open": opens,
        "high": np.maximum(opens, close) + 0.02,
        "low": np.minimum(opens, close) - 0.02,
        "close": close,
    }
    times = np.arange(bars) * 60 * 10**9 + 1_600_000_000 * 10**9
    at = np.arange(500, bars, 8)
    zeros = np.zeros(len(at), int)
    outputs = Outputs(tmp_path_factory.mktemp("large"))
    output = open_output(outputs.output("backtest", [("A", {"fast": "ema:30", "slow": "ema:120"})]))
    symbol = SymbolReport(
        Series("A", times, prices, "close", False, "bars.csv"),
        read_figures(output, ["A"])["A"][0],
        Orders(times[at], np.arange(len(at)) % 2, zeros, zeros + 100.0, opens[at]),
        Equity(times, np.round(1e5 + rng.normal(0, 5, bars).cumsum(), 2)),
    )
    place = outputs.folder / "large.html"
    place.write_text(
        page(
            page_data(Sources.of([output]), [symbol], known=1),
            "report/main.html",
            SCRIPTS,
        )
    )
    return place


#: Draws views of all bars down to 30, panned and zoomed; the most path steps of one drawing, and milliseconds of each.
DRAW = """async () => {
  let steps = 0;
  for (const { prototype } of [CanvasRenderingContext2D, Path2D]) {
    for (const name of ["lineTo", "moveTo", "rect", "fillRect", "fillText"].filter((name) => prototype[name])) {
      const real = prototype[name];
      prototype[name] = function (...args) { steps += 1; return real.apply(this, args); };
    }
  }
  const [most, frames] = [[], []];
  for (const bars of [1e5, 3e4, 5e3, 700, 30]) {
    for (let at = 0; at < 12; at++) {
      const before = performance.now();
      chart.look(4e4 + at * bars / 40, 4e4 + bars - at * bars / 60);
      steps = 0;
      await new Promise(requestAnimationFrame);
      most.push(steps);
      frames.push(performance.now() - before);
    }
  }
  return [Math.max(...most), Math.min(...most), frames];
}"""


def test_drawing_100_000_bars_costs_pixels_not_bars(look, large, record_property):
    assert large.stat().st_size < 8_000_000
    tab = look(large)
    most, least, frames = tab.evaluate(DRAW)
    assert least > 200 and most < 12_000
    record_property("median frame in ms", float(np.median(frames)))
    record_property("slowest frame in ms", max(frames))


def test_100_000_bars_are_read_in_groups(look, large):
    tab = look(large)
    assert tab.evaluate("[chart.bars, chart.candleLevel()]") == [100_000, 9]
    tab.get_by_role("application").first.focus()
    tab.keyboard.press("Shift+ArrowRight")
    assert re.match(r"2020-10-18 08:42:40 to 2020-10-18 17:13:40 O .* 64 orders", tab.inner_text("#readout"))
    group = tab.evaluate("chart.groupOf(chart.cross.bar)")
    assert group["last"] - group["first"] == 511
    high = tab.evaluate("({first, last}) => Math.max(...view.candles.high.subarray(first, last + 1))", group)
    assert f"H {high:.2f}" in tab.inner_text("#readout")
    levels = "(at) => chart.candles.at(9).high[at]"
    assert tab.evaluate(levels, group["first"] // 512) == high
