"""What is drawn of trades and values: lines from entries to exits, and values high enough to be read."""

from pathlib import Path

import pytest

from tests.pages.report.outputs import Outputs
from windrow.pages.report import report

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[3] / "data" / "bars.csv"
#: The colours of the dashed lines that are drawn over the prices.
DASHED = """() => {
  const drawn = [];
  const { stroke } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.stroke = function (...path) {
    if (this.getLineDash().join() === "4,3") drawn.push(this.strokeStyle);
    return stroke.apply(this, path);
  };
  chart.draw();
  CanvasRenderingContext2D.prototype.stroke = stroke;
  return drawn;
}"""


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A backtest's directory, and a page of it."""
    outputs = Outputs(tmp_path_factory.mktemp("trades"))
    beside = "--orders", "--trades", "--equity"
    place = outputs.run("backtest", "--fast", "sma:5", "--slow", "sma:20", "--symbols", "AAA", *beside, DATA)
    return place, report([place], [str(DATA)], out=outputs.folder / "page.html")[0]


def test_trades_are_lines_from_their_entries_to_their_exits(look, tested):
    place, page = tested
    tab = look(page)
    rows = [line.split("\t")[1:] for line in (place / "part-00000-trades").read_text().splitlines()]
    lines = tab.evaluate(
        "chart.series.trades.map((trade) => [view.timeText(trade.from), view.timeText(trade.to), trade])"
    )
    assert [line[:2] for line in lines] == [row[:2] for row in rows] and len(rows) > 5
    prices = [(line["entry"], line["exit"], line["gains"]) for *_, line in lines]
    assert prices == [(float(row[4]), float(row[5]), float(row[6]) > 0) for row in rows]
    buy, sell = tab.evaluate("['buy', 'sell'].map((name) => chart.colours(name))")
    assert tab.evaluate(DASHED) == [buy if gains else sell for *_, gains in prices]
    assert "dashed: trades" in tab.inner_text("#key")
    tab.evaluate("chart.look(0, 20)")
    assert len(tab.evaluate(DASHED)) == sum(line["from"] < tab.evaluate("chart.to") for *_, line in lines)


def test_where_trades_are_many_there_are_no_lines(look, tested):
    tab = look(tested[1])
    tab.evaluate("chart.series.trades = Array.from({ length: 200 }, () => chart.series.trades[0])")
    assert tab.evaluate(DASHED) == []


def test_values_are_twice_as_high_as_the_drawdown(look, tested):
    for width, least in ((1280, 200), (390, 130)):
        heights = look(tested[1], width=width).evaluate("chart.tops.map(({ top, bottom }) => bottom - top)")
        assert heights[1] + 8 == pytest.approx(2 * (heights[2] + 8), abs=2) and heights[1] >= least
        assert heights[0] + 8 == pytest.approx(3 * (heights[2] + 8), abs=2)


def test_on_a_telephone_values_and_their_names_are_in_one_line(look, tested):
    labels = look(tested[1], width=390).locator("#labels div")
    heights = labels.evaluate_all("(all) => all.map(({ offsetHeight }) => offsetHeight)")
    assert heights == [20, 20]
