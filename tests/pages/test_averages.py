"""`windrow plot`: which panes indicators are drawn in, what the page and the picture hold, and what is refused."""

import inspect
import itertools

import numpy as np
import pandas as pd
import pytest

from tests.pages.report.outputs import DAY, HOSTILE, INHERITED, Outputs, bars_of, unpacked
from tests.pages.report.test_picture import layers, rows, size_of
from windrow.cli import main
from windrow.errors import InputError
from windrow.pages import averages, vega
from windrow.pages.averages import arrange, draw, page_data, plot
from windrow.pages.series import Series
from windrow.pages.theme import DARK, LIGHT, line_style


def series_and_rows(symbols=("AAA", "AAB"), bars=60, windows=(3, 20), step=1, names=None):
    """Bars of waves, and the rows of averages of a job that ran over them."""
    times = np.arange(bars) * DAY
    found, tables = [], {}
    for at, symbol in enumerate(symbols):
        close = 100 + at + np.sin(np.arange(bars) / 5)
        found.append(Series(symbol, times, {"close": close}, "close", True, "bars.csv"))
        columns = {f"sma:{window}": pd.Series(close).rolling(window).mean() for window in windows}
        rows = pd.DataFrame({"symbol": symbol, "timestamp": pd.to_datetime(times), **columns})
        rows.columns = ["symbol", "timestamp", *(names or columns)]
        tables[symbol] = rows.iloc[min(windows) - 1 :: step].reset_index(drop=True)
    return found, tables


def panes_of(names, values):
    """The names in each pane, of indicators with these constant values over prices of about 100."""
    series, tables = series_and_rows(("A",), windows=range(1, len(names) + 1), names=names)
    for at, value in enumerate(values):
        tables["A"].isetitem(at + 2, np.full(len(tables["A"]), value))
    (symbol,) = arrange(series, tables)
    return [[line.name for line in pane.lines] for pane in symbol.panes]


# Panes, colours and times.


def test_indicators_stand_at_their_bars():
    first, second = arrange(*series_and_rows())
    (pane,) = second.panes
    assert (first.series.symbol, second.series.symbol, second.column) == ("AAA", "AAB", "close")
    assert [line.name for line in pane.lines] == ["sma:3", "sma:20"]
    assert [np.isnan(line.values).sum() for line in pane.lines] == [2, 19]
    assert pane.lines[0].values[2] == pytest.approx(second.series.close[:3].mean())


def test_sums_and_deviations_have_panes_of_their_own():
    names = ["sma:20", "std:20", "sum:5", "max:9", "std:5d", "ema:3", "wma:3", "min:3", "sum:2"]
    assert panes_of(names, [100.0] * 9) == [
        ["sma:20", "max:9", "ema:3", "wma:3", "min:3"],
        ["std:20", "std:5d"],
        ["sum:5", "sum:2"],
    ]


def test_other_indicators_go_by_their_values():
    assert panes_of(["value_1", "value_2", "value_3"], [100.5, 3.0, 2000.0]) == [["value_1"], ["value_2"], ["value_3"]]
    assert panes_of(["a", "b"], [np.nan, 99.0]) == [["a", "b"]]
    assert panes_of(["rsi:14", "sma:3", "rsi:5"], [70.0, 100.0, 30.0]) == [["sma:3"], ["rsi:14", "rsi:5"]]


def test_panes_are_the_same_for_all_symbols():
    """What is of the size of one symbol's prices and not of another's has a pane of its own for both."""
    series, tables = series_and_rows(("A", "B"), names=["x", "y"])
    tables["B"]["x"] = 5000.0
    both = arrange(series, tables)
    assert [[line.name for pane in symbol.panes for line in pane.lines] for symbol in both] == [["y", "x"]] * 2
    assert [len(symbol.panes) for symbol in both] == [2, 2]


def test_the_first_21_lines_look_different():
    styles = [line_style(at) for at in range(21)]
    assert len(set(styles)) == 21
    for theme in (LIGHT, DARK):
        assert len({(theme[color], dash) for color, dash in styles}) == 21


@pytest.mark.parametrize(
    ("largest", "digits"),
    [
        (0.0, 2),
        (0.00012, 8),
        (4.6248e-6, 10),
        (1e-12, 16),
        (1e-15, 18),
        (5.5, 4),
        (123.4, 2),
        (45e6, 0),
        (np.nan, 2),
    ],
)
def test_five_digits_of_the_largest_value_are_shown(largest, digits):
    assert averages._digits([np.array([0.0, np.nan]), np.array([-largest, 0.0])]) == digits


@pytest.mark.parametrize(
    ("values", "is_sparse"),
    [
        ([np.nan, 1, 2], False), ([1, 2, np.nan], False), ([1, np.nan, 2], True), ([np.nan, np.nan], False),
        ([], False),
    ],
)  # fmt: skip
def test_lines_with_a_step_are_sparse(values, is_sparse):
    assert averages._is_sparse(np.array(values, float)) is is_sparse


def test_two_columns_of_one_name_are_two_lines():
    series, tables = series_and_rows(("A",), names=["sma:3", "sma:3"])
    (symbol,) = arrange(series, tables)
    assert [line.name for line in symbol.panes[0].lines] == ["sma:3", "sma:3"]
    assert not np.array_equal(*(line.values for line in symbol.panes[0].lines), equal_nan=True)
    assert vega._labels(symbol.panes[0].lines) == ["sma:3", "sma:3 (2)"]


def test_a_row_at_a_time_without_a_bar_is_refused():
    series, tables = series_and_rows(("A",))
    tables["A"].loc[4, "timestamp"] += pd.Timedelta("1h")
    with pytest.raises(InputError) as error:
        arrange(series, tables)
    assert str(error.value) == (
        "bars.csv: has no bar of A at 1970-01-07, the time of a row of the output: pages need the bars that the job"
        " read, all of them; use those"
    )


# The page's data.


def test_a_page_holds_bars_lines_and_panes():
    series, tables = series_and_rows(names=["sma:3", "std:20"])
    data = page_data(arrange(series, tables), known=2)
    assert (data["title"], data["notes"], data["dated"], data["column"]) == (
        "sma:3, std:20 of close",
        [],
        True,
        "close",
    )
    first, second = data["symbols"]
    assert (first["name"], first["bars"], second["name"]) == ("AAA", 60, "AAB")
    assert unpacked(first["close"]).tolist() == series[0].close.tolist()
    (line,) = first["lines"]
    assert (line["name"], line["color"], line["dash"], line["sparse"]) == ("sma:3", "series-1", "solid", False)
    (pane,) = first["panes"]
    assert [line["name"] for line in pane["lines"]] == ["std:20"] and not pane["fills"]
    assert np.allclose(unpacked(line["values"])[2:], tables["AAA"]["sma:3"], atol=1e-4)


def test_many_indicators_are_counted_in_the_title():
    series, tables = series_and_rows(("A",), windows=range(1, 8))
    assert page_data(arrange(series, tables), 1)["title"] == "7 indicators of close"


def test_symbols_that_a_page_has_no_room_for_are_left_out():
    symbols = arrange(*series_and_rows(("A", "B", "C")))
    data = page_data(symbols, known=9, most_bytes=1)
    assert [symbol["name"] for symbol in data["symbols"]] == ["A"]
    assert data["notes"] == ["1 of 9 symbols are on this page; choose others with windrow plot --symbol."]


# The picture.


def test_a_picture_has_each_symbols_panels():
    series, tables = series_and_rows(names=["sma:3", "std:20"])
    chart = draw(arrange(series, tables))
    spec = chart.to_dict()
    assert spec["title"]["text"] == "sma:3, std:20 of close"
    assert [part["title"]["text"] for part in spec["vconcat"]] == [
        "AAA: 1970-01-01 to 1970-03-01, 60 bars", "AAB: 1970-01-01 to 1970-03-01, 60 bars",
    ]  # fmt: skip
    drawn = layers(chart)
    assert [part["mark"]["type"] for part in drawn] == ["line"] * 4
    assert [sorted({row["line"] for row in rows(part)}) for part in drawn] == [["close", "sma:3"], ["std:20"]] * 2
    scales = [part["encoding"]["x"]["scale"] for part in drawn]
    assert all(scale == scales[0] and scale["type"] == "utc" for scale in scales)


def test_candles_are_drawn_where_they_are_known(outputs):
    frame = bars_of(("A",))
    place = averaged(outputs, frame)
    (symbol,), _ = averages._read(place, [outputs.bars(frame)], [], None)
    assert [part["mark"]["type"] for part in layers(draw([symbol]))] == ["rule", "bar", "line", "line"]


# The command and the function.


def averaged(outputs, frame, *args):
    """A directory that moving-average itself writes of these bars."""
    return outputs.run(
        "moving-average", *(args or ("--indicator", "sma:3", "--indicator", "std:5")), outputs.bars(frame)
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with bars.csv, and out, the averages of five symbols."""
    monkeypatch.chdir(tmp_path)
    outputs = Outputs(tmp_path)
    averaged(outputs, bars_of(("AAA", "AAB", "AAC", "AAD", "AAE"))).rename(tmp_path / "out")
    return tmp_path


def test_page_and_picture_are_written(place, capsys):
    assert main(["plot", "out", "--bars", "bars.csv", "-o", "my.html", "--symbol", "AAC", "--symbol", "AAA"]) == 0
    assert capsys.readouterr().out == "wrote my.html\nwrote my.png\n"
    text = (place / "my.html").read_text()
    assert "<title>sma:3, std:5 of close</title>" in text
    assert text.index('"name":"AAC"') < text.index('"name":"AAA"') and '"name":"AAB"' not in text
    width, height = size_of((place / "my.png").read_bytes())
    assert 2000 < width < 2300 and 1500 < height < 2500


def test_a_page_is_small(place):
    """Without its data it is the report's chart alone: no library."""
    plot("out", "bars.csv")
    assert (place / "plot.html").stat().st_size < 100_000


def test_the_first_four_symbols_are_shown_by_default(place):
    assert main(["plot", "out", "--bars", "bars.csv"]) == 0
    text = (place / "plot.html").read_text()
    assert [name for name in "ABCDE" if f'"name":"AA{name}"' in text] == ["A", "B", "C", "D"]
    assert "4 of 5 symbols are on this page; choose others with windrow plot --symbol." in text


def test_the_function_is_typed_and_takes_one_path_or_several(place):
    signature = inspect.signature(plot)
    assert list(signature.parameters) == ["output", "bars", "symbols", "column", "out", "force", "asked"]
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())
    written = plot(place / "out", ["bars.csv"], symbols="AAB", out=place / "one.html")
    assert written == [place / "one.html", place / "one.png"]
    assert '"name":"AAB"' in written[0].read_text() and '"name":"AAA"' not in written[0].read_text()


@pytest.mark.parametrize("taken", ["plot.html", "plot.png"])
def test_an_existing_page_or_picture_is_kept(place, capsys, taken):
    (place / taken).write_text("mine")
    before = sorted(place.iterdir())
    assert main(["plot", "out", "--bars", "bars.csv"]) == 1
    message = f"{taken}: already exists: choose another name, or replace it with --force"
    assert capsys.readouterr().err == f"error: {message}\n"
    assert (sorted(place.iterdir()), (place / taken).read_text()) == (before, "mine")
    assert main(["plot", "out", "--bars", "bars.csv", "--force"]) == 0
    assert (place / taken).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (
            ["none"], 1,
            "none: does not exist: windrow plot draws what moving-average wrote; use its --output-dir, or a file of its"
            " lines",
        ),
        (
            ["out", "--symbol", "AAX"], 1,
            "out: has no row of symbol AAX: it has 5 symbols; the nearest are AAE, AAD, AAC",
        ),
        (
            ["out", "-o", "a.png"], 2,
            "-o a.png: is not the name of a page: a page's name ends in .html; use a.html",
        ),
        (
            ["crosses"], 1,
            "crosses: has crosses: windrow plot draws averages; run moving-average with an --indicator for each of the"
            " two lines, and plot its output",
        ),
        (
            ["backtest"], 1,
            "backtest: has figures of backtests: windrow plot draws averages; show it with windrow report backtest"
            " --bars FILE...",
        ),
        (
            ["other"], 1,
            "bars.csv: has no bar of symbol OTHER, which the output has: pages need the bars that the job read; use"
            " those",
        ),
    ],
)  # fmt: skip
def test_refusals(place, capsys, args, status, message):
    (place / "crosses").write_text("AAA\t2024-01-02\tgolden\t1.0\t1.0\t0.5\n")
    (place / "backtest").write_text('AAA\t{"fast":"ema:7","slow":"ema:21","pnl":1.0}\n')
    (place / "other").write_text("OTHER\t2024-01-02\t1.0\n")
    before = sorted(place.iterdir())
    assert main(["plot", *args, "--bars", "bars.csv"]) == status
    assert capsys.readouterr().err == f"error: {message}\n"
    assert sorted(place.iterdir()) == before


def test_a_column_that_the_bars_do_not_have_is_refused(place, capsys):
    assert main(["plot", "out", "--bars", "bars.csv", "--column", "weight"]) == 1
    assert "weight" in capsys.readouterr().err and not (place / "plot.html").exists()


def read(output, bars, column=None):
    """The only symbol of an output."""
    (symbol,), known = averages._read(output, [bars], [], column)
    assert known == 1
    return symbol


def test_bars_are_read_as_the_job_read_them(outputs):
    """With its zone, symbol and column: bars must be where their averages are."""
    lines = [f"2024-01-02 09:{minute},{minute}.5" for minute in range(30, 50)]
    bars = outputs.folder / "AA.csv"
    bars.write_text("\n".join(["date,Adj Close", *lines]) + "\n")
    job = ("--symbol", "AA", "--timezone", "America/New_York", "--column", "Adj Close", "--window", "2", bars)
    symbol = read(outputs.run("moving-average", *job), str(bars))
    times = pd.to_datetime(symbol.series.times[[0, -1]])
    assert times.strftime("%Y-%m-%d %H:%M").tolist() == ["2024-01-02 14:30", "2024-01-02 14:49"]
    assert (symbol.column, symbol.series.price, symbol.series.dated) == ("adj_close", "adj_close", False)
    assert np.isnan(symbol.panes[0].lines[0].values).tolist() == [True] + [False] * 19


def test_another_column_is_drawn_as_a_line(outputs):
    """A row whose open is missing was a bar for the job, which averaged close: the line of open breaks there."""
    frame = bars_of(("A",)).astype({"open": object})
    frame.loc[7, "open"] = "n/a"
    place, bars = averaged(outputs, frame), outputs.bars(frame)
    symbol = read(place, bars, "Open")
    assert (symbol.series.has_candles, symbol.series.price, symbol.column) == (False, "open", "close")
    assert np.isnan(symbol.series.close).nonzero()[0].tolist() == [7]
    assert read(place, bars).series.has_candles


def test_averages_do_not_squash_the_line_of_another_column(outputs):
    frame = bars_of(("A",)).assign(volume=np.arange(60) * 1000 + 1_000_000)
    symbol = read(averaged(outputs, frame), outputs.bars(frame), "volume")
    assert [[line.name for line in pane.lines] for pane in symbol.panes] == [[], ["sma:3"], ["std:5"]]
    assert layers(draw([symbol]))


def test_averages_of_volume_are_drawn_over_its_line(outputs):
    frame = bars_of(("A",)).assign(volume=np.arange(60) * 1000 + 7)
    symbol = read(averaged(outputs, frame, "--column", "volume"), outputs.bars(frame))
    assert not symbol.series.has_candles
    assert symbol.series.close.tolist() == frame["volume"].tolist()
    (shown,) = page_data([symbol], 1)["symbols"]
    assert shown["digits"] == 0


@pytest.mark.parametrize(("power", "digits"), [(-4, 6), (-9, 11), (-14, 16)])
def test_prices_next_to_nothing_are_drawn_as_they_are(outputs, power, digits):
    """Closes of 92 to 118, and their averages, times a power of ten: a line rounded to 8 decimals would be flat."""
    frame = bars_of(("A",))
    for name in ("open", "high", "low", "close"):
        frame[name] = [float(f"{price}e{power}") for price in frame[name]]
    symbol = read(averaged(outputs, frame, "--window", "3"), outputs.bars(frame))
    (shown,) = page_data([symbol], 1)["symbols"]
    assert shown["digits"] == digits
    assert unpacked(shown["close"]).tolist() == frame["close"].tolist()
    line = unpacked(shown["lines"][0]["values"])[2:]
    mean = frame["close"].rolling(3).mean().to_numpy()[2:]
    np.testing.assert_allclose(line, mean, rtol=1e-6)


def test_the_output_of_a_step_is_sparse(outputs):
    frame = bars_of(("A",))
    symbol = read(averaged(outputs, frame, "--step", "10", "--window", "3"), outputs.bars(frame))
    (line,) = symbol.panes[0].lines
    assert line.sparse and (~np.isnan(line.values)).nonzero()[0].tolist() == list(range(2, 60, 10))


def test_lines_printed_to_a_file_are_drawn_too(place):
    """Such a file does not say which indicators it has."""
    (place / "lines").write_text("".join((path.read_text()) for path in (place / "out").glob("part-*")))
    symbols, _ = averages._read(place / "lines", ["bars.csv"], ["AAA"], None)
    assert [[line.name for line in pane.lines] for pane in symbols[0].panes] == [["value_1"], ["value_2"]]


@pytest.mark.parametrize("symbol", [*HOSTILE, *INHERITED])
def test_any_symbol_is_drawn(outputs, symbol):
    frame = bars_of((symbol,))
    place, bars = averaged(outputs, frame), outputs.bars(frame)
    written = plot(place, bars, out=outputs.folder / "plot.html")
    assert size_of(written[1].read_bytes())


def test_all_hostile_names_together_stay_apart():
    series, tables = series_and_rows(HOSTILE[:1], windows=range(1, 5), names=HOSTILE)
    chart = draw(arrange(series, tables))
    shown = {row["line"] for part in layers(chart) for row in rows(part)}
    assert len(shown) == 1 + len(set(HOSTILE))
    assert all(len(one) <= 40 for one in itertools.islice(shown, 9))
