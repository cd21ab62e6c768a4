"""A pair that is chosen on a map, in every picture of the page: its curve is that of a backtest over all bars."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.pages.browser import pixels
from tests.pages.report.outputs import unpacked
from windrow.pages.report import pair_curves, report
from windrow.pages.report.maps import swept as columns_of
from windrow.pages.report.pair_curves import curved_pairs, options_of, strategy_of_pair

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[3] / "data" / "bars.csv"
COSTS = "--commission", "0.001", "--side", "long"
BESIDE = "--orders", "--trades", "--equity"
TEXT = "({ textContent }) => textContent.replaceAll(/\\s+/g, ' ').trim()"


@pytest.fixture(scope="module")
def swept(shared):
    """A sweep of 14 pairs, long only and at a cost."""
    return shared.run("sweep", "--fast", "sma:3..6", "--slow", "sma:5..20/5", "--split", "0.7", *COSTS, DATA)


@pytest.fixture(scope="module")
def tested(shared):
    """A backtest of another pair, by the same rules."""
    return shared.run("backtest", "--fast", "ema:5", "--slow", "ema:21", *COSTS, *BESIDE, DATA)


@pytest.fixture(scope="module")
def alone(shared, swept):
    """A page of the sweep."""
    return report([swept], [str(DATA)], symbols=["AAA", "AAB"], out=shared.folder / "alone.html")[0]


@pytest.fixture(scope="module")
def both(shared, swept, tested):
    """A page of both."""
    return report([swept, tested], [str(DATA)], symbols=["AAA", "AAB"], out=shared.folder / "both.html")[0]


@pytest.fixture(scope="module")
def few(shared, swept, tested):
    """A page of both, with the curve of the best pair alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_curves, "MOST_CURVED", 1)
        return report([swept, tested], [str(DATA)], symbols=["AAA"], out=shared.folder / "few.html")[0]


def data_of(page):
    """What a page holds."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def rows_of(place, suffix, symbol):
    """The rows of a symbol in a part beside figures."""
    lines = (place / f"part-00000{suffix}").read_text().splitlines()
    return [line.split("\t")[1:] for line in lines if line.startswith(f"{symbol}\t")]


def text(tab, selector):
    return tab.locator(selector).evaluate(TEXT)


@pytest.fixture(scope="module")
def pair(shared):
    """The directory of a backtest of the pair 4 / 10 by the sweep's rules, and a page of it."""
    place = shared.run("backtest", "--fast", "sma:4", "--slow", "sma:10", *COSTS, *BESIDE, DATA)
    return place, report([place], [str(DATA)], symbols=["AAA", "AAB"], out=shared.folder / "pair.html")[0]


def choose(tab, fast, slow):
    """Goes to a pair on the map of the train with the arrow keys, and presses Enter."""
    tab.locator("#maps canvas").first.focus()
    for _ in range(12):
        here = tab.evaluate("[maps[0].fast, maps[0].slow].map((side) => side[maps[0].marked ?? maps[0].chosen])")
        for at, (less, more) in enumerate((("ArrowLeft", "ArrowRight"), ("ArrowDown", "ArrowUp"))):
            if here[at] != (fast, slow)[at]:
                tab.keyboard.press(less if here[at] > (fast, slow)[at] else more)
    tab.keyboard.press("Enter")
    assert text(tab, "#described").startswith(f"{fast} / {slow}")


# What a page holds.


@pytest.mark.parametrize("symbol", ["AAA", "AAB"])
def test_a_curve_is_that_of_a_backtest_of_the_pair(alone, pair, symbol):
    its, whole = (next(one for one in data_of(page)["symbols"] if one["name"] == symbol) for page in (alone, pair[1]))
    pairs = list(zip(unpacked(its["sweep"]["fast"]), unpacked(its["sweep"]["slow"]), strict=True))
    assert len(pairs) == len(its["curves"]) == 14
    curve = next(one for one in its["curves"] if pairs[one["pair"]] == (4, 10))
    assert (curve["sheet"], curve["orders"], curve["trades"]) == (whole["sheet"], whole["orders"], whole["trades"])
    values = unpacked(curve["panes"][0]["lines"][0]["values"])
    written = [float(row[1]) for row in rows_of(pair[0], "-equity", symbol)]
    assert len(values) == 250 and np.abs(values - written).max() < 1e-4
    held = its["curves"][0]["panes"][0]["lines"][1]  # which is one for all pairs
    assert held == whole["panes"][0]["lines"][1] and curve["panes"][1] == whole["panes"][1]


def test_pairs_with_a_curve_are_the_best_of_walks_and_then_others_by_rank(monkeypatch):
    lines = [
        {"fast": 3, "slow": 8 + at, "part": part, "pnl": pnl, "sqn": sqn}
        for part, pnls in (("train 1", (1, 5, 3, 2, 0)), ("train 2", (1, 2, 3, 9, 0)))
        for at, (pnl, sqn) in enumerate(zip(pnls, (0, 0, 0, 0, 7), strict=True))
    ]
    sweep = columns_of(lines)
    assert curved_pairs(sweep, "pnl", bars=2000) == [1, 3, 4, 2, 0]
    assert curved_pairs(sweep, "pnl", bars=4000) == [1, 3]
    monkeypatch.setattr(pair_curves, "MOST_CURVED", 1)
    assert curved_pairs(sweep, "pnl", bars=4000) == [1, 3]


def test_an_output_without_its_rules_has_no_curves():
    assert strategy_of_pair({"fast": "sma:3", "slow": "sma:5"}, "close", "sma:3", "sma:5") is None


def test_options_are_those_that_differ_from_the_defaults(swept, tested):
    description = json.loads((swept / "_windrow.json").read_text())
    assert options_of(description) == "--commission 0.001 --side long"
    others = {"rules": {"size": "50%", "stop_at_ruin": True}, "reading": {"values": ["high"], "adjusted": True}}
    assert options_of(others) == "--size 50% --stop-at-ruin --column high --adjusted"


# What it shows.


def test_a_pair_that_is_chosen_is_in_every_picture(look, alone, pair):
    tab, other = look(alone), look(pair[1])
    choose(tab, 4, 10)
    for selector in ("#labels", "#months", "#falls", "#days", "#trade-lines", "#key"):
        assert text(tab, selector) == text(other, selector)
    assert tab.evaluate("[...view.orders.at]") == other.evaluate("[...view.orders.at]")
    assert tab.evaluate("chart.panes.at(-1).marks") == other.evaluate("chart.panes.at(-1).marks")
    assert text(tab, "#pictured") == (
        "Pictures and tables are of the pair 4 / 10: a backtest over all bars by the sweep’s rules, whose averages go"
        " on from train to test."
    )
    assert text(tab, "#curve") == "The pictures above show 4 / 10." and pixels(tab, "equity") > 100
    before = text(tab, "#months")
    choose(tab, 6, 20)
    assert text(tab, "#months") != before and text(tab, "#tiled").startswith("Pair 6 / 20 ")


def test_a_sweep_alone_shows_its_best_pair(look, alone):
    tab = look(alone)
    assert tab.locator("#sheet").is_visible() and pixels(tab, "fall") > 100
    assert tab.evaluate("pairName(state.best)") in text(tab, "#pictured")


def test_beside_a_backtest_a_pair_is_shown_when_it_is_chosen_and_the_backtest_again(look, both, pair):
    tab, other = look(both), look(pair[1])
    shown = "#labels", "#months", "#falls", "#trade-lines", "#tiles", "#readout"
    before = {selector: text(tab, selector) for selector in shown}
    assert text(tab, "#pictured") == text(tab, "#curve") == ""
    cells = "maps[1].places.map((_, pair) => [pairName(pair), maps[1].place(pair)])"
    x, y = dict(map(tuple, tab.evaluate(cells)))["4 / 10"]
    tab.locator("#maps canvas").nth(1).click(position={"x": x + 5, "y": y + 5})
    assert text(tab, "#months") == text(other, "#months") and text(tab, "#trade-lines") == text(other, "#trade-lines")
    assert "sma:4 " in text(tab, "#readout") and text(tab, "#tiled").startswith("Pair 4 / 10 ")
    tab.get_by_role("button", name="Show the backtest of ema:5 / ema:21").click()
    assert {selector: text(tab, selector) for selector in shown} == before and text(tab, "#pictured") == ""


def test_another_symbol_begins_with_its_backtest(look, both):
    tab = look(both)
    choose(tab, 4, 10)
    tab.get_by_label("Symbol", exact=True).select_option("AAB")
    assert text(tab, "#pictured") == "" and "ema:5 " in text(tab, "#readout")


def test_without_a_curve_the_page_says_which_command_gives_it(look, few, shared, swept):
    tab = look(few)
    assert len(data_of(few)["symbols"][0]["curves"]) == 1
    best = tab.evaluate("state.best")
    fast, slow = (3, 10) if tab.evaluate("pairName(state.best)") == "4 / 10" else (4, 10)
    choose(tab, fast, slow)
    assert tab.evaluate("state.pair") != best
    told = text(tab, "#curve")
    assert told.startswith(
        f"The curve of the pair {fast} / {slow} is not on this page, its figures are; for its curve run "
    )
    assert told in text(tab, "#pictured")
    assert [tab.locator(part).is_visible() for part in ("#sheet", "#traded", "#rolled")] == [False] * 3
    assert tab.evaluate("[chart.tops.length, view.orders.at.length]") == [1, 0]
    assert f"Pair {fast} / {slow} on train" in text(tab, "#tiled")
    # The command is what it says it is.
    command = tab.inner_text("#curve code").split()
    assert command[:2] == ["windrow", "backtest"] and command[-3:] == ["-o", "DIR", "FILE..."]
    place = shared.run("backtest", *command[2:-3], DATA)
    whole = report([place], [str(DATA)], symbols=["AAA"], out=shared.folder / "told.html")[0]
    values = unpacked(data_of(whole)["symbols"][0]["panes"][0]["lines"][0]["values"])
    assert len(values) == 250 and values[0] == 100_000
