"""windrow.plot: what is drawn, how it is thinned, and that no text of the data becomes part of the page."""

import base64
import hashlib
import itertools
import json
import subprocess
import sys
import types
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from windrow.cli import main
from windrow.errors import InputError
from windrow.frames.outputs import reading_of
from windrow.pages import averages as plotting
from windrow.pages.averages import MOST_POINTS, arrange, choose, draw, page, picture, thin
from windrow.pages.shell import unmarked

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror='alert(1)'>",
    '"&quot;{{data}}\\',
    "📈 é <!--",
]


def frames(symbols=("AAA", "AAB"), bars=60, zone=None, step=1):
    """Bars of a wave, and the averages of a job that ran over them."""
    times = pd.date_range("2024-01-01", periods=bars, freq="D", tz=zone)
    parts = [
        pd.DataFrame({"symbol": symbol, "timestamp": times, "close": 100 + at + np.sin(np.arange(bars) / 5)})
        for at, symbol in enumerate(symbols)
    ]
    prices = pd.concat(parts, ignore_index=True)
    averages = prices[["symbol", "timestamp"]].copy()
    for window in (3, 20):
        averages[f"sma:{window}"] = prices.groupby("symbol")["close"].transform(lambda x, n=window: x.rolling(n).mean())
    return prices, averages.dropna(subset="sma:3").iloc[::step]


def test_panels_join_prices_and_averages():
    panels = arrange(*frames())
    assert panels.symbols == ["AAA", "AAB"]
    assert panels.names == ["close", "sma:3", "sma:20"]
    assert (panels.title, panels.subtitle, panels.caption) == (
        "AAA, AAB: price and averages", "2024-01-01 to 2024-02-29", "",
    )  # fmt: skip
    assert panels.rows.columns.tolist() == ["symbol", "t", "y0", "y1", "y2"]
    assert len(panels.rows) == 120
    assert panels.rows["t"][0] == 1_704_067_200_000
    assert panels.rows["y1"].isna().sum() == 4  # two bars of each symbol before the window is full


def test_times_of_day_are_utc():
    prices, averages = frames(zone="UTC")
    prices["timestamp"] = prices["timestamp"].dt.tz_convert("America/New_York")
    panels = arrange(prices, averages)
    assert panels.subtitle == "2024-01-01 00:00 to 2024-02-29 00:00 UTC"
    assert len(panels.rows) == 120
    assert '"UTC"' in json.dumps(draw(panels).to_dict())


def test_repeated_bars_are_drawn_once():
    prices, averages = frames()
    assert len(arrange(pd.concat([prices, prices]), averages).rows) == 120


def test_bars_within_a_millisecond_stay_apart():
    prices, averages = frames(("A",), bars=4)
    for frame in (prices, averages):
        frame["timestamp"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(range(len(frame)), unit="ns")
    assert len(arrange(prices, averages).rows) == 4


def test_another_column_is_named():
    prices, averages = frames()
    panels = arrange(prices.rename(columns={"close": "volume"}), averages, "volume")
    assert panels.title == "AAA, AAB: volume and averages"
    assert panels.names[0] == "volume"


def test_few_rows_are_all_kept():
    frame = pd.DataFrame({"y0": np.arange(50.0)})
    assert thin(frame, 50).tolist() == list(range(50))


def test_thinning_keeps_ends_peaks_and_dips():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"symbol": "A", "y0": rng.normal(size=30_000).cumsum(), "y1": rng.normal(size=30_000)})
    frame.loc[:500, "y1"] = np.nan
    frame.loc[12_345, "y0"], frame.loc[23_456, "y1"] = 1e6, -1e6
    kept = thin(frame, MOST_POINTS)
    assert MOST_POINTS / 3 < len(kept) <= MOST_POINTS
    assert {0, 12_345, 23_456, 29_999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    edges = np.linspace(0, 30_000, 499 + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        for name in ("y0", "y1"):
            values = frame[name][start:stop].dropna()
            assert not len(values) or {values.idxmax(), values.idxmin()} <= set(kept.tolist())


def test_a_thinned_picture_says_so():
    panels = arrange(*frames(bars=5000))
    assert len(panels.rows) <= 2 * MOST_POINTS
    shown = f"{len(panels.rows):,} of 10,000 points"
    assert panels.caption == f"Drawn from {shown}: every stretch keeps its highest and lowest values."
    assert panels.caption in page(panels)


def test_chart_has_a_panel_for_each_symbol_and_its_own_scale():
    spec = draw(arrange(*frames())).to_dict()
    assert spec["resolve"]["scale"] == {"y": "independent"}
    assert spec["facet"]["sort"] == ["AAA", "AAB"]
    lines = [layer for layer in spec["spec"]["layer"] if layer["mark"]["type"] == "line"]
    assert [line["encoding"]["y"]["scale"] for line in lines] == [{"zero": False}] * 3
    assert [line["encoding"]["color"]["scale"]["domain"] for line in lines] == [["close", "sma:3", "sma:20"]] * 3
    assert all(line["encoding"]["x"]["scale"] == {"type": "utc"} for line in lines)
    assert "NaN" not in json.dumps(spec)


def test_choose_takes_the_first_four_by_name_or_those_asked_for():
    prices, _ = frames(("D", "B", "E", "A", "C"), bars=2)
    assert choose(prices, [], "x")["symbol"].unique().tolist() == ["A", "B", "C", "D"]
    assert choose(prices, ["E", "A", "E"], "x")["symbol"].tolist() == ["E", "E", "A", "A"]


def test_a_symbol_without_lines_names_the_nearest():
    prices, _ = frames(("AAPL", "MSFT", "GOOG", "AAP"), bars=2)
    with pytest.raises(InputError) as error:
        choose(prices, ["APPL"], "out")
    assert str(error.value) == "out: holds no line of symbol APPL; nearest of its 4 symbols: AAPL, AAP, MSFT"


def test_an_output_without_lines_is_refused():
    with pytest.raises(InputError) as error:
        choose(frames()[0].iloc[:0], [], "out")
    assert str(error.value) == "out: holds no line, and there is nothing to draw: give what a job wrote"


class Elements(HTMLParser):
    """Collects a page's tags and the text of its scripts as a browser's parser finds them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.policy, self.inside = [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data


def test_no_symbol_becomes_part_of_the_page():
    tame, hostile = (Elements(page(arrange(*frames(symbols)))) for symbols in (["A", "B", "C", "D"], HOSTILE))
    assert hostile.tags == tame.tags
    assert hostile.scripts[1] == tame.scripts[1]
    (values,) = json.loads(hostile.scripts[0])["spec"]["datasets"].values()
    assert {row["symbol"] for row in values} == set(HOSTILE)


def test_column_names_are_text_too():
    prices, averages = frames()
    averages.columns = ["symbol", "timestamp", "</script>'\"\\", "a.b[c]"]
    elements = Elements(page(arrange(prices, averages)))
    assert len(elements.scripts) == 2
    assert picture(arrange(prices, averages)).startswith(b"\x89PNG")


def test_the_policy_allows_the_pages_script_alone():
    elements = Elements(page(arrange(*frames())))
    digest = base64.b64encode(hashlib.sha256(elements.scripts[1].encode()).digest()).decode()
    assert elements.policy == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    assert "link" not in elements.tags
    assert "img" not in elements.tags


@pytest.mark.needs("chromium")
def test_a_browser_draws_the_page_and_runs_nothing_of_the_data(tmp_path):
    place = tmp_path / "plot.html"
    place.write_text(page(arrange(*frames(HOSTILE))), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000"]
    done = subprocess.run(
        [*command, "--enable-logging=stderr", "--dump-dom", place.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr  # where a refused script or a failed drawing would be told
    assert done.stdout.count('class="mark-line') == 12  # three lines in each of four panels
    assert done.stdout.count("<script") == 2


@pytest.fixture
def output(tmp_path, monkeypatch):
    """A job's output to draw, and a stand-in for windrow.frames.outputs that reads it."""
    prices, averages = frames(("AAA", "AAB", "AAC"))
    stand_in = types.ModuleType("windrow.frames.outputs")
    stand_in.read_output = lambda path: averages
    stand_in.read_bars = lambda paths, symbols, reading: prices[prices["symbol"].isin(symbols)]
    stand_in.reading_of = reading_of
    monkeypatch.setitem(sys.modules, "windrow.frames.outputs", stand_in)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_plot_writes_page_and_picture(output, capsys):
    assert main(["plot", "out", "--bars", "a.csv", "-o", "my.html", "--symbol", "AAC", "--symbol", "AAA"]) == 0
    assert capsys.readouterr().out == "wrote my.html\nwrote my.png\n"
    assert "<title>AAC, AAA: price and averages</title>" in (output.parent / "my.html").read_text()
    image = (output.parent / "my.png").read_bytes()
    width = int.from_bytes(image[16:20], "big")
    assert image.startswith(b"\x89PNG")
    assert 1600 < width < 2200


@pytest.mark.parametrize("taken", ["plot.html", "plot.png"])
def test_an_existing_page_or_picture_is_kept(output, capsys, taken):
    (output.parent / taken).write_text("mine")
    assert main(["plot", "out", "--bars", "a.csv"]) == 1
    message = f"{taken}: already exists: choose another name, or replace it with --force"
    assert capsys.readouterr().err == f"error: {message}\n"
    assert [path.name for path in output.parent.iterdir() if path.is_file()] == [taken]
    assert main(["plot", "out", "--bars", "a.csv", "--force"]) == 0
    assert (output.parent / taken).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["none"], 1, "none: no such file or folder: give a job's --output-dir, or a file of its output"),
        (
            ["out", "--symbol", "AAX"], 1,
            "out: holds no line of symbol AAX; nearest of its 3 symbols: AAC, AAB, AAA",
        ),
        (["out", "-o", "a.png"], 2, "-o a.png: the page's name must end in .html; the picture is named as it, .png"),
    ],
)  # fmt: skip
def test_refusals(output, capsys, args, status, message):
    assert main(["plot", *args, "--bars", "a.csv"]) == status
    assert capsys.readouterr().err == f"error: {message}\n"


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_a_missing_package_says_how_to_install(output, capsys, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["plot", "out", "--bars", "a.csv"]) == 1
    cure = "is not installed: pip install 'windrow[plot]'"
    assert capsys.readouterr().err == f"error: plotting needs altair and vl-convert-python, and {package} {cure}\n"


def test_bars_without_a_chosen_symbol_are_refused(output, capsys, monkeypatch):
    empty = frames()[0].iloc[:0]
    monkeypatch.setattr(sys.modules["windrow.frames.outputs"], "read_bars", lambda *args: empty)
    assert main(["plot", "out", "--bars", "a.csv", "b.csv"]) == 1
    assert capsys.readouterr().err.startswith("error: a.csv b.csv: holds no line, ")


def test_library_text_cannot_end_its_script():
    assert unmarked('a="</SCRIPT><!--<script"') == r'a="\x3c/SCRIPT>\x3c!--\x3cscript"'


def test_bars_are_read_as_the_job_read_them(tmp_path, monkeypatch, capsys):
    """Its zone, its symbol and its column: prices must stand where their averages do."""
    monkeypatch.chdir(tmp_path)
    rows = [f"2024-01-02 09:{minute},{minute}.5" for minute in range(30, 50)]
    (tmp_path / "AA.csv").write_text("\n".join(["date,Adj Close", *rows]) + "\n")
    job = ["moving-average", "--symbol", "AA", "--timezone", "America/New_York", "--column", "Adj Close"]
    assert main([*job, "--window", "2", "-q", "-o", "out", "AA.csv"]) == 0
    panels = plotting._read(tmp_path / "out", ["AA.csv"], [], None)
    assert panels.subtitle == "2024-01-02 14:30 to 2024-01-02 14:49 UTC"
    assert panels.rows["y1"].notna().sum() == 19 and len(panels.rows) == 20


def test_crosses_are_not_drawn_as_averages(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").write_text("AA\t2024-01-02\tgolden\t1.0\t1.0\t0.5\n")
    assert main(["plot", "out", "--bars", "a.csv"]) == 1
    assert capsys.readouterr().err == (
        "error: out: holds crosses, and averages are drawn: run moving-average with an --indicator for each line that"
        " crosses, and plot what it wrote\n"
    )
