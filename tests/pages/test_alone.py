"""`windrow plot --bars FILE...` without an output: bars as a job would read them, their volume, and what is refused.

The oracle is pandas' reading of the same files, or values written here by hand.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages.browser import pixels
from tests.pages.report.outputs import bars_of, unpacked
from tests.pages.report.test_picture import layers, rows, size_of
from tests.pages.test_page import words
from windrow.cli import main
from windrow.errors import ConflictError
from windrow.pages import averages
from windrow.pages.alone import Asked, read_alone
from windrow.pages.averages import page_data, plot
from windrow.pages.chart import Candles
from windrow.pages.series import Series

DATA = Path(__file__).parents[2] / "data" / "bars.csv"
PRICES = ["open", "high", "low", "close"]
HEADER = "symbol,timestamp,open,high,low,close,volume"


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys):
    """Runs `windrow plot --bars AA.csv ...` over a text, without a picture: status, page's symbols, what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("windrow.pages.vega.png", lambda chart, scale: b"a picture")

    def run(text, *options):
        if text is not None:
            Path("AA.csv").write_text(text)
        capsys.readouterr()
        status = main(["plot", "--bars", "AA.csv", "-o", "page.html", "--force", *options])
        symbols = page_of(Path("page.html"))["symbols"] if status == 0 else []
        return status, {one["name"]: one for one in symbols}, capsys.readouterr().err

    return run


def page_of(path):
    """The data of a page."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())[1])


def csv(*lines, header=HEADER):
    return "\n".join([header, *lines]) + "\n"


def closes(symbols):
    return {name: unpacked(one["close"]).tolist() for name, one in symbols.items()}


def volume(symbol):
    (pane,) = symbol["panes"]
    (line,) = pane["lines"]
    assert (line["name"], pane["sums"], pane["fills"]) == ("volume", True, False)
    return [None if np.isnan(value) else value for value in unpacked(line["values"]).tolist()]


def test_a_page_holds_the_prices_and_volumes_of_the_file(draw):
    frame = pd.read_csv(DATA)
    status, symbols, said = draw(DATA.read_text())
    assert (status, said, list(symbols)) == (0, "", ["AAA", "AAB", "AAC", "AAD"])
    for name, drawn in symbols.items():
        rows = frame[frame["symbol"] == name]
        for price in PRICES:
            assert unpacked(drawn[price]).tolist() == rows[price].tolist()
        assert volume(drawn) == rows["volume"].tolist()
        assert drawn["lines"] == []
    page = page_of(Path("page.html"))
    assert (page["title"], page["beside"], page["dated"]) == ("prices and volume", "volume", True)
    assert page["notes"] == ["4 of 5 symbols are on this page; choose others with windrow plot --symbol."]


def test_the_first_symbols_by_name_are_shown_whatever_their_order_in_the_file(draw):
    names = ["F", "C", "E", "A", "D", "B"]
    text = csv(*(f"{name},2020-01-0{day},1,2,1,{ord(name)},{day}" for name in names for day in (1, 2)))
    assert closes(draw(text)[1]) == {name: [ord(name)] * 2 for name in "ABCD"}
    assert closes(draw(None, "--symbol", "F", "--symbol", "B")[1]) == {"F": [70, 70], "B": [66, 66]}


def test_symbols_pushed_out_of_the_first_are_not_held():
    """Of files whose symbols descend only the first four by name stay in memory."""
    from windrow.bars.columns import Bars
    from windrow.pages.alone import _held

    def feed():
        for number in range(40, 0, -1):
            one = np.zeros(1, np.int64)
            yield Bars([f"S{number:02}"], one.astype(np.int32), one, [np.ones(1)], one > 0), "AA.csv"

    known, held = _held(feed(), (), 4)
    assert len(known) == 40 and [bars.symbols for bars in held] == [["S04"], ["S03"], ["S02"], ["S01"]]


def test_a_file_without_candles_is_drawn_as_the_line_of_its_closes(draw):
    status, symbols, _ = draw(csv("AA,2020-01-01,10,5", "AA,2020-01-02,12,7", header="symbol,date,close,vol"))
    assert status == 0 and closes(symbols) == {"AA": [10, 12]} and "high" not in symbols["AA"]
    assert volume(symbols["AA"]) == [5, 7]
    assert page_of(Path("page.html"))["title"] == "close and volume"


def test_a_file_without_volumes_has_no_pane_of_them(draw):
    status, symbols, _ = draw(csv("AA,2020-01-01,1,4,1,3", header="symbol,date,open,high,low,close"))
    assert status == 0 and symbols["AA"]["panes"] == []
    page = page_of(Path("page.html"))
    assert (page["title"], page["beside"]) == ("prices", "")


def test_columns_that_only_some_files_have_are_told(draw):
    Path("BB.csv").write_text(csv("BB,2020-01-01,7", header="symbol,date,close"))
    status, symbols, said = draw(csv("AA,2020-01-01,1,4,1,3,5"), "--bars", "BB.csv")
    assert status == 0 and closes(symbols) == {"AA": [3], "BB": [7]} and "high" not in symbols["AA"]
    assert said == "not drawn: open, high, low, volume, since some inputs have no such column\n"


@pytest.mark.parametrize(("column", "panes"), [("high", 1), ("volume", 0), ("vol", 0)])
def test_another_column_is_drawn_as_a_line(draw, column, panes):
    status, symbols, _ = draw(csv("AA,2020-01-01,1,4,1,3,50", "AA,2020-01-02,1,5,1,3,60"), "--column", column)
    drawn = [4, 5] if column == "high" else [50, 60]
    assert status == 0 and closes(symbols) == {"AA": drawn} and "high" not in symbols["AA"]
    assert len(symbols["AA"]["panes"]) == panes


def test_a_volume_may_be_missing(draw):
    """Its row is a bar all the same, of 20 rows without a volume no more than of one."""
    text = csv("AA,2020-01-01,1,4,1,3,", "AA,2020-01-02,1,4,1,3,7", "AA,2020-01-03,1,4,1,2,NaN")
    status, symbols, said = draw(text)
    assert (status, said, closes(symbols)) == (0, "", {"AA": [3, 3, 2]})
    assert volume(symbols["AA"]) == [None, 7, None]


def test_rows_that_are_no_bars_are_told_or_refused_as_by_a_job(draw):
    days = pd.date_range("2020-01-01", periods=40).strftime("%Y-%m-%d")
    rows = [f"AA,{day},1,4,1,3,7" for day in days]
    status, symbols, said = draw(csv(*rows, "AA,2020-03-01,1,,1,3,7", rows[-1]))
    assert (status, len(closes(symbols)["AA"])) == (0, 40)
    assert said == "not drawn: 1 row without a needed value\n"
    status, _, said = draw(csv(*rows, "AA,soon,1,4,1,3,7"))
    assert status == 1 and "AA.csv: 1 of 41 rows are invalid" in said and "or raise --max-bad" in said
    status, symbols, said = draw(None, "--max-bad", "0.1")
    assert (status, len(closes(symbols)["AA"])) == (0, 40) and said == "not drawn: 1 invalid row\n"
    status, _, said = draw(csv(*rows[:4], "AA,2020-03-01,1,,1,3,7"))
    assert status == 1 and "or raise --max-missing" in said
    status, symbols, _ = draw(None, "--max-missing", "0.2")
    assert status == 0 and len(closes(symbols)["AA"]) == 4


def test_two_bars_of_one_time_are_refused_or_settled_as_by_a_job(draw):
    text = csv("AA,2020-01-01,1,4,1,3,5", "AA,2020-01-02,1,4,1,3,6", "AA,2020-01-02,1,4,1,2,7")
    status, _, said = draw(text)
    assert status == 1
    assert said.startswith(
        "error: 1 conflict, different bars at one symbol and time: AA at 2020-01-02 has close 2.0 and 3.0;"
    )
    assert said.endswith("or keep one with --on-conflict smallest|largest\n")
    for choice, close, its in (("smallest", 2, 7), ("largest", 3, 6)):
        status, symbols, _ = draw(None, "--on-conflict", choice)
        assert status == 0 and closes(symbols) == {"AA": [3, close]} and volume(symbols["AA"]) == [5, its]


def test_two_volumes_of_one_bar_are_a_conflict_too(draw):
    text = csv("AA,2020-01-01,1,4,1,3,5", "AA,2020-01-01,1,4,1,3,6")
    status, _, said = draw(text)
    assert status == 1 and "volume 5.0 and 6.0" in said
    assert volume(draw(None, "--on-conflict", "largest")[1]["AA"]) == [6]


def test_the_volume_of_a_bar_that_is_not_drawn_is_not_that_of_the_one_that_is(draw):
    """Of two bars at one time the smallest is kept, and that one has no volume."""
    text = csv("AA,2020-01-01,1,4,1,2,", "AA,2020-01-01,1,4,1,3,9", "AA,2020-01-02,1,4,1,3,8")
    status, symbols, _ = draw(text, "--on-conflict", "smallest")
    assert status == 0 and closes(symbols) == {"AA": [2, 3]} and volume(symbols["AA"]) == [None, 8]


NO_SYMBOL = csv("01/02/2020,3", "02/02/2020,4", header="day,close")


def test_files_are_read_by_the_options_of_jobs(draw):
    options = ["--time-column", "day", "--time-format", "%d/%m/%Y"]
    status, symbols, _ = draw(NO_SYMBOL, *options, "--symbol-from-filename")
    assert status == 0 and closes(symbols) == {"AA": [3, 4]}
    assert page_of(Path("page.html"))["symbols"][0]["times"]["first"] == 1_580_515_200_000  # 2020-02-01
    status, symbols, _ = draw(None, *options, "--symbol", "IBM")
    assert status == 0 and closes(symbols) == {"IBM": [3, 4]}
    status, symbols, _ = draw(None, *options, "--symbol", "IBM", "--from", "2020-02-02")
    assert status == 0 and closes(symbols) == {"IBM": [4]}
    for more in ([], ["--symbol", "A", "--symbol", "B"]):
        status, _, said = draw(None, *options, *more)
        assert status == 1 and "has no symbol column" in said
    wide = csv("2020-01-01,1,2", "2020-01-02,3,4", header="date,AA,BB")
    assert closes(draw(wide, "--wide", "close")[1]) == {"AA": [1, 3], "BB": [2, 4]}


def test_a_symbol_is_chosen_where_files_have_a_column_of_them(draw):
    """It must not rename the bars of others."""
    text = csv("AA,2020-01-01,1,4,1,3,5", "BB,2020-01-01,1,4,1,2,6")
    assert closes(draw(text, "--symbol", "BB")[1]) == {"BB": [2]}
    status, _, said = draw(None, "--symbol", "CC")
    assert status == 1
    assert said == "error: AA.csv: has no row of symbol CC: it has 2 symbols; the nearest are BB, AA\n"


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--from", "2030-01-01"], 1, "check --symbols, --from, --to and --where"),
        (["--symbols", "CC"], 1, "check --symbols, --from, --to and --where"),
        (["--column", "weight"], 1, "choose one of them with --column"),
        (["--timezone", "Mars"], 2, "give one, e.g. America/New_York"),
        (["--rename", "opne=open"], 1, "name one of them, or leave it out"),
        (["--share", "2"], 2, "give more than 0, and at most 1"),
    ],
)
def test_what_a_job_refuses_is_refused(draw, options, status, says):
    done, _, said = draw(csv("AA,2020-01-01,1,4,1,3,5"), *options)
    assert done == status and re.search("^error: ", said, re.MULTILINE) and says in said, said
    assert not Path("page.html").exists()


def test_how_bars_are_read_is_not_asked_of_those_that_a_job_has_read(draw, capsys):
    """What the option asks for would be ignored."""
    Path("AA.csv").write_text(csv("AA,2020-01-01,1,4,1,3,5", "AA,2020-01-02,1,4,1,3,5"))
    assert main(["moving-average", "-q", "--window", "2", "-o", "out", "AA.csv"]) == 0
    for options in (["--timezone", "UTC"], ["--max-bad", "0.5"], ["--gaps", "warn"], ["--recursive"]):
        capsys.readouterr()
        assert main(["plot", "out", "--bars", "AA.csv", *options]) == 2
        assert capsys.readouterr().err == (
            f"error: {options[0]}: the bars of out are read as its job read them; leave it out, or leave OUTPUT out to"
            " draw bars alone\n"
        )
        assert draw(None, *options)[0] == 0
    assert main(["plot", "out", "--bars", "AA.csv"]) == 0


def test_from_python_without_an_output(tmp_path, monkeypatch):
    monkeypatch.setattr("windrow.pages.vega.png", lambda chart, scale: b"a picture")
    written = plot(None, DATA, symbols="AAB", out=tmp_path / "bars.html")
    assert written == [tmp_path / "bars.html", tmp_path / "bars.png"]
    assert [one["name"] for one in page_of(written[0])["symbols"]] == ["AAB"]
    path = tmp_path / "AA.csv"
    path.write_text(csv("AA,2020-01-01,1,4,1,3,5", "AA,2020-01-01,1,4,1,2,5"))
    with pytest.raises(ConflictError, match="different bars at one symbol and time"):
        read_alone([str(path)], [], None, 4, Asked())


def test_joined_bars_have_the_sum_of_their_volumes():
    """Five bars to three candles, of two bars each; one of bars without a volume has none."""
    series = Series("A", np.arange(5), {"close": np.ones(5)}, "close", True, "bars.csv")
    candles = Candles.of(series, 3)
    assert candles.sums(np.array([1.0, 2.0, np.nan, 4.0, 5.0])).tolist() == [3, 4, 5]
    assert np.isnan(candles.sums(np.array([1.0, 2.0, np.nan, np.nan, 5.0]))).tolist() == [False, True, False]


def test_the_picture_has_columns_of_volume_from_0():
    alone, known = read_alone([str(DATA)], ["AAA"], None, 4, Asked())
    assert known == 5
    chart = averages.draw(averages._bare(alone))
    assert chart.to_dict()["title"]["text"] == "prices and volume"
    *_, below = drawn = layers(chart)
    assert [part["mark"]["type"] for part in drawn] == ["rule", "bar", "bar"]
    volumes = pd.read_csv(DATA).query("symbol == 'AAA'")["volume"].tolist()
    assert [row["value"] for row in rows(below)] == volumes
    assert below["encoding"]["y"]["scale"]["zero"]


def test_page_and_picture_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plot", "--bars", str(DATA), "--symbol", "AAA", "-o", "bars.html"]) == 0
    assert capsys.readouterr().out == "wrote bars.html\nwrote bars.png\n"
    assert size_of(Path("bars.png").read_bytes())[0] > 2000


def test_a_symbol_without_volumes_has_an_empty_pane_beside_one_with_them(draw):
    """Panes are the same for all symbols."""
    _, symbols, _ = draw(csv("AA,2020-01-01,1,4,1,3,5", "BB,2020-01-01,1,4,1,3,"))
    assert volume(symbols["AA"]) == [5] and volume(symbols["BB"]) == [None]


# In a browser.


@pytest.fixture(scope="module")
def plotted(unpictured, tmp_path_factory):
    return plot(None, DATA, out=tmp_path_factory.mktemp("alone") / "bars.html")[0]


def test_candles_and_volume_are_drawn(look, plotted):
    tab = look(plotted)
    assert [name for name in ("up", "down") if pixels(tab, name) < 80] == []
    assert tab.inner_text("h1") == "AAA: prices and volume"
    assert tab.inner_text("h2") == "Prices and volume"
    assert tab.inner_text("#subtitle") == "2023-01-02 to 2023-12-15 · 250 bars"
    assert tab.evaluate("chart.scales[1].low") == 0
    assert tab.get_by_role("application", name="Prices and volume").count() == 1


def test_the_readout_has_the_volume_of_the_bars_that_a_candle_joins(look, plotted):
    volumes = pd.read_csv(DATA).query("symbol == 'AAA'")["volume"].to_numpy()
    tab = look(plotted)
    for width in (1280, 390):  # where two bars and more are a candle
        tab.set_viewport_size({"width": width, "height": 800})
        box = tab.locator("#chart canvas").nth(1).bounding_box()
        for x in (4, 100, 250):
            tab.mouse.move(box["x"] + x, box["y"] + 40)
            first, last = tab.evaluate("[chart.group.first, chart.group.last]")
            assert (first == last) == (width == 1280)
            assert words(tab, "#labels") == f"volume {volumes[first : last + 1].sum():,}"
    tab.mouse.move(1, 1)
    level = tab.evaluate("chart.candleLevel()")
    sums = tab.evaluate("(level) => [...chart.panes[0 + 1].lines[0].levels.at(level).close]", level)
    assert sums == np.add.reduceat(volumes, range(0, 250, 2**level)).tolist()


def test_volumes_that_are_missing_are_no_zeros(look, outputs):
    frame = bars_of(("A",), bars=40).assign(volume=[float("nan"), *[5.0] * 39])
    tab = look(plot(None, outputs.bars(frame), out=outputs.folder / "bars.html")[0])
    box = tab.locator("#chart canvas").nth(1).bounding_box()
    tab.mouse.move(box["x"] + 2, box["y"] + 40)
    assert words(tab, "#labels") == "volume –"
    assert tab.evaluate("[sumOf(new Float64Array([NaN, NaN]), 0, 1), sumOf(new Float64Array([NaN, 2]), 0, 1)]") == [
        pytest.approx(float("nan"), nan_ok=True), 2,
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_down_only(look, plotted, width, scheme):
    tab = look(plotted, width=width, height=640, scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert pixels(tab, "up") > 100


@pytest.mark.parametrize(
    ("value", "step", "shown"),
    [(5e6, 5e6, "5M"), (2.5e6, 5e5, "2.5M"), (5e5, 5e5, "500,000"), (1e6, 500, "1,000,000"), (2e7, 1e7, "20M")],
)
def test_millions_on_an_axis_fit_beside_it(look, plotted, value, step, shown):
    assert look(plotted).evaluate("([value, step]) => axisNumber(value, step)", [value, step]) == shown


def test_the_data_of_a_page_of_a_line(outputs):
    """Digits of volumes far below 1 are shown, as of crypto-currencies."""
    frame = bars_of(("A",), bars=40)[["symbol", "timestamp", "close"]].assign(volume=0.00012)
    alone, known = read_alone([outputs.bars(frame)], [], None, 4, Asked())
    data = page_data(averages._bare(alone), known)
    assert data["symbols"][0]["panes"][0]["digits"] == 8
