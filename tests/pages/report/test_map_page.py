"""Maps of a sweep's pairs in a real Chromium: their numbers on any screen, their axes, and how far pairs are luck."""

import json
from pathlib import Path

import pytest

from tests.pages.browser import NEXT_FRAME, wait_until
from windrow.pages.report import report

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[3] / "data" / "bars.csv"
PHONE = {"width": 390, "height": 844}

#: What a map draws as text when it is drawn again.
TEXTS = """(at) => {
  const said = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    said.push(String(text));
    return fillText.call(this, text, ...place);
  };
  maps[at].redraw();
  CanvasRenderingContext2D.prototype.fillText = fillText;
  return said;
}"""
#: Where a pair is within what is seen of a map's box.
PLACE = """([at, pair]) => {
  const map = maps[at];
  const [x, y] = map.place(pair);
  return { x: x - map.box.scrollLeft + map.cell.width / 2, y: y + map.cell.height / 2 };
}"""


def made(shared, fast, slow, *args):
    """A sweep's directory, and its page."""
    place = shared.run("sweep", "--fast", fast, "--slow", slow, "--symbols", "AAA", *args, DATA)
    return place, report(place, [str(DATA)], out=shared.folder / f"{place.name}.html")[0]


@pytest.fixture(scope="module")
def small(shared):
    """A sweep of 6 x 4 pairs."""
    return made(shared, "sma:3..8", "sma:10..25/5", "--split", "0.7")


@pytest.fixture(scope="module")
def wide(shared):
    """A sweep of 24 x 6 pairs."""
    return made(shared, "sma:3..26", "ema:30..80/10", "--split", "0.7")[1]


@pytest.fixture(scope="module")
def many(shared):
    """A sweep of 60 x 3 pairs."""
    return made(shared, "sma:3..62", "ema:70..90/10", "--split", "0.7")[1]


def lines_of(place):
    """A sweep's lines by part and pair."""
    lines = [json.loads(line.partition("\t")[2]) for line in (place / "part-00000").read_text().splitlines()]
    return {(line["part"], line["fast"], line["slow"]): line for line in lines}


def numbers(tab, at):
    """The numbers that a map's cells must have, by the form that it has chosen."""
    return tab.evaluate("(at) => Array.from(maps[at].values, (value) => maps[at].form(value, maps[at].digits))", at)


def is_scrolled(tab):
    return tab.evaluate("maps.map(({ box }) => box.scrollWidth > box.clientWidth)")


@pytest.mark.parametrize("width", [390, 1280])
def test_every_cell_has_its_number(look, small, wide, width):
    for page, scrolls in ((small[1], False), (wide, width == PHONE["width"])):
        tab = look(page, width=width)
        for at in (0, 1):
            said, wanted = tab.evaluate(TEXTS, at), numbers(tab, at)
            assert len(wanted) >= 24 and all(said.count(number) >= wanted.count(number) for number in wanted)
        assert is_scrolled(tab) == [scrolls, scrolls]
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        room = tab.evaluate(
            "maps.map(({ cell, needs, form }) => cell.width - needs[form === figure ? 'whole' : 'short'])"
        )
        assert min(room) >= 0
        assert tab.evaluate("Math.min(...maps.map(({ cell }) => cell.height))") >= 15


def test_a_map_that_is_wider_than_a_phone_is_scrolled_and_tapped(look, wide):
    tab = look(wide, **PHONE, has_touch=True)
    chosen = tab.evaluate("state.pair")
    tab.evaluate("maps[0].box.scrollLeft = 400")
    wait_until(tab, "maps[1].box.scrollLeft === 400")  # both show the same pairs
    pair = tab.evaluate("maps[1].pairAt({ offsetX: 620, offsetY: 20 })")
    assert pair not in (None, chosen)
    box, at = tab.locator("#maps canvas").nth(1).locator("..").bounding_box(), tab.evaluate(PLACE, [1, pair])
    tab.locator("#maps canvas").nth(1).scroll_into_view_if_needed()
    tab.evaluate("maps[0].box.scrollLeft = 400")
    box = tab.evaluate("(({ x, y }) => ({ x, y }))(maps[1].box.getBoundingClientRect())")
    tab.touchscreen.tap(box["x"] + at["x"], box["y"] + at["y"])
    assert tab.evaluate("state.pair") == pair
    assert tab.evaluate("maps[1].pairAt({ offsetX: maps[1].box.scrollLeft + 4, offsetY: 20 })") is None  # of the axis


def test_keys_bring_a_pair_into_sight(look, wide):
    tab = look(wide, **PHONE)
    tab.evaluate("choosePair(0)")
    assert tab.evaluate("maps[0].box.scrollLeft") == 0
    tab.locator("#maps canvas").first.focus()
    for _ in range(30):
        tab.keyboard.press("ArrowRight")
    tab.evaluate(NEXT_FRAME)
    assert tab.evaluate("[maps[0].fast[maps[0].marked], maps[0].slow[maps[0].marked]]") == [26, 30]
    seen = tab.evaluate("(({ box }) => [box.scrollLeft + box.clientWidth, box.scrollWidth])(maps[0])")
    assert seen[1] - 4 <= seen[0] <= seen[1]
    assert tab.inner_text("#described").startswith("26 / 30: train ")


def test_a_map_of_many_pairs_says_the_number_of_one(look, many):
    tab = look(many, **PHONE, has_touch=True)
    assert is_scrolled(tab) == [False, False]
    said = tab.evaluate(TEXTS, 0)
    assert len([text for text in said if " / " in text]) == 1 and len(said) < 40
    box = tab.locator("#maps canvas").first
    box.scroll_into_view_if_needed()
    box.tap(position=tab.evaluate(PLACE, [0, 100]))
    pair = tab.evaluate("state.pair")
    assert pair != tab.evaluate("state.best")
    value = tab.evaluate("(pair) => figure(maps[0].values[pair], 0)", pair)
    name = tab.evaluate("(pair) => pairName(pair)", pair)
    assert f"{name}: {value}" in tab.evaluate(TEXTS, 0)
    assert f"{name}: {tab.evaluate('(pair) => figure(maps[1].values[pair], 0)', pair)}" in tab.evaluate(TEXTS, 1)


@pytest.mark.parametrize("width", [390, 1280])
def test_axes_have_titles_with_their_unit(look, wide, width):
    said = look(wide, width=width).evaluate(TEXTS, 0)
    assert {"fast line: sma, window in bars", "slow line: ema, window in bars"} <= set(said)
    assert {"3", "30", "80"} <= set(said)


def test_numbers_are_shortened_to_what_can_be_read(look, small):
    tab = look(small[1])
    values = [-13914.2, 999.6, 9999.6, 123456, 1.2345e7, -0.053, 12.34, 123.4, 0]
    assert tab.evaluate("(values) => values.map((value) => shortFigure(value, 2))", values) == [
        "−13.9k", "1,000", "10.0k", "123k", "12.3M", "−0.05", "12.3", "123", "0.00",
    ]  # fmt: skip


def test_pairs_are_ranked_by_the_deflated_sharpe_ratio(look, small):
    place, page = small
    tab = look(page)
    train = [line for (part, *_), line in lines_of(place).items() if part == "train"]
    order = sorted(train, key=lambda line: (-line["deflated_sharpe"], line["fast"], line["slow"]))
    tab.get_by_label("Objective").select_option("Deflated Sharpe ratio")
    shown = [f"{line['fast']} / {line['slow']}" for line in order[:8]]
    assert tab.locator("#ranking tbody th").all_inner_texts() == shown
    assert tab.locator("#maps h3").all_inner_texts() == ["Train: Deflated Sharpe ratio"]  # tests have none
    assert f"{order[0]['deflated_sharpe']:.2f}" in tab.evaluate(TEXTS, 0)
    assert tab.inner_text("#described") == f"{shown[0]}, chosen from 24 pairs: train {order[0]['deflated_sharpe']:.3f}"
    tab.get_by_label("Objective").select_option("Return")
    assert tab.locator("#maps h3").all_inner_texts() == ["Train: Return", "Test: Return"]


def test_words_say_what_the_deflated_sharpe_ratio_is_of_how_many_trials(look, small):
    place, page = small
    tab = look(page)
    tab.evaluate("choosePair(5)")
    fast, slow = tab.evaluate("[state.sweep.fast[5], state.sweep.slow[5]]")
    line = lines_of(place)["train", fast, slow]
    assert line["trials"] == 24
    assert tab.inner_text("#luck") == (
        f"Deflated Sharpe ratio of {fast} / {slow}: {line['deflated_sharpe']:.3f}. It is the probability that the"
        " pair’s true Sharpe ratio is above what the best of 24 trials without any skill is expected to reach, judged"
        " by its daily returns on train; below 0.95 it may be luck."
    )


def test_without_a_deflated_sharpe_ratio_nothing_is_said_of_it(look, outputs):
    place = outputs.run("sweep", "--fast", "sma:3,4", "--slow", "sma:8", "--symbols", "AAA", DATA)
    part = place / "part-00000"
    lines = [line.split("\t") for line in part.read_text().splitlines()]
    told = [(symbol, json.loads(text)) for symbol, text in lines]
    for _, line in told:
        del line["deflated_sharpe"], line["trials"]
    part.write_text("".join(f"{symbol}\t{json.dumps(line)}\n" for symbol, line in told))
    tab = look(report(place, [str(DATA)], out=outputs.folder / "older.html")[0])
    assert not tab.locator("#luck").is_visible()
    assert "Deflated Sharpe ratio" not in tab.locator("#objective option").all_inner_texts()
