"""What backtest(frame) and sweep(frame) return: the same bits however they are asked for, and the jobs' pages."""

import copy
import pickle
import re
from base64 import b64decode
from functools import partial

import altair as alt
import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from jobs.sweep import Sweep
from tests.conftest import ROOT
from windrow.errors import InputError, OutputError, UsageError
from windrow.pages import shell

BARS = ROOT / "data" / "bars.csv"
LINES = {"fast": "ema:7", "slow": "ema:21"}
AXES = {"fast": "ema:5..7", "slow": "ema:21..23"}


@pytest.fixture(scope="module")
def bars():
    return pd.read_csv(BARS, parse_dates=["timestamp"])


@pytest.fixture(scope="module")
def swept(bars):
    return windrow.sweep(bars, **AXES, split=0.7)


def series(symbol="AA", closes=(10.0, 11, 12, 11, 9, 8)):
    days = pd.date_range("2020-01-01", periods=len(closes))
    return pd.DataFrame({"symbol": symbol, "timestamp": days, "open": closes, "close": closes})


def test_what_is_asked_for_later_is_what_one_pass_gives(bars):
    first, later = windrow.backtest(bars, **LINES, traced=True), windrow.backtest(bars, **LINES)
    for name in ("figures", "orders", "trades", "equity"):
        pd.testing.assert_frame_equal(getattr(later, name), getattr(first, name), check_exact=True)
        assert getattr(later, name) is getattr(later, name)
    assert len(later.orders) > len(later.trades) / 2 > 5 and len(later.equity) == len(bars)


def test_bars_that_are_changed_later_do_not_change_a_result():
    bars = series()
    result, other = windrow.backtest(bars, "close", "sma:2"), windrow.backtest(bars, "close", "sma:2", traced=True)
    best = windrow.sweep(bars, "sma:1", "sma:2", best=True)
    swept = windrow.sweep(bars, "sma:1", "sma:2")
    bars["close"] = bars["close"].to_numpy()[::-1]
    bars.loc[0, "open"] = 99.0
    pd.testing.assert_frame_equal(result.orders, other.orders)
    pd.testing.assert_frame_equal(swept.best, best.figures)


def test_a_result_is_read_like_its_figures(bars, swept):
    result = windrow.backtest(bars, **LINES)
    assert result["pnl"].tolist() == result.pnl.tolist() == result.figures["pnl"].tolist()
    assert result.iloc[0]["symbol"] == "AAA" and len(result) == 5 and list(result) == list(result.figures)
    assert swept.pivot_table(index="fast", columns="slow", values="pnl").shape == (3, 3)
    with pytest.raises(AttributeError, match="no attribute '_ipython_display_'"):
        result._ipython_display_  # noqa: B018
    for copied in (copy.copy(result), pickle.loads(pickle.dumps(result))):
        pd.testing.assert_frame_equal(copied.orders, result.orders)


def test_a_text_of_ten_lines(bars, swept):
    many = pd.concat([bars, *(bars.assign(symbol=bars["symbol"] + suffix) for suffix in "XY")])
    result = windrow.backtest(many, **LINES)
    lines = repr(result).splitlines()
    assert len(lines) == 10 and lines[0] == "Backtest of ema:7 over ema:21: 15 symbols"
    assert lines[2].split() == ["median", "AAA", "AAAX", "AAAY", "AAB", "11", "more"]
    assert lines[3].split()[:3] == ["return", f"{result.figures['return'].median():.2%}", f"{result['return'][0]:.2%}"]
    lines = repr(windrow.sweep(many, **AXES)).splitlines()
    assert len(lines) == 10 and lines[0] == "Sweep of ema:5..7 over ema:21..23: 9 pairs, 15 symbols"
    assert lines[-1] == "9 more"
    for name in "fast", "slow":
        assert str(swept.best.set_index("symbol").loc["AAC", name]) in repr(swept).splitlines()[5].split()


@pytest.mark.filterwarnings("ignore:nothing was traded")
@pytest.mark.parametrize("closes", [(), (10.0,), (10.0,) * 3], ids=["none", "one", "flat"])
def test_texts_of_few_bars(closes):
    best = partial(windrow.sweep, series(closes=closes), "sma:1", "sma:2", split=0.5, best=True)
    if len(closes) == 1:  # which is the test's
        with pytest.raises(InputError, match="no pair has it on any symbol: no bars; leave bars to train on"):
            best()
    for result in (
        windrow.backtest(series(closes=closes), "close", "sma:2"),
        windrow.sweep(series(closes=closes), "sma:1", "sma:2"),
        *([] if len(closes) == 1 else [best()]),
    ):
        assert 2 < len(repr(result).splitlines()) <= 10
        assert result._repr_html_().startswith("<div><p><b>")


def test_symbols_are_no_markup_and_no_commands_of_a_terminal():
    bars = series("<script>alert(1)</script>\x1b[2J")
    for result in windrow.backtest(bars, "close", "sma:2"), windrow.sweep(bars, "sma:1", "sma:2"):
        assert "<script" not in result._repr_html_() and "&lt;script&gt;" in result._repr_html_()
        assert "\x1b" not in repr(result) + result._repr_html_()


@pytest.mark.pages
def test_pages_are_those_of_windrow_report(bars, swept, run_job, tmp_path):
    lines = [f"--{name}={line}" for name, line in LINES.items()]
    done = run_job(*lines, "--orders", "--trades", "--equity", "-q", "-o", tmp_path / "backtest", BARS, job=Backtest)
    axes = [f"--{name}={axis}" for name, axis in AXES.items()]
    also = run_job(*axes, "--split", "0.7", "-q", "-o", tmp_path / "sweep", BARS, job=Sweep)
    assert done.status == also.status == 0, done.err + also.err
    result = windrow.backtest(bars, **LINES)
    for name, ours in {
        "backtest": lambda out: result.report(out),
        "sweep": lambda out: swept.report(out),
        "backtest sweep": lambda out: result.report(out, sweep=swept),
    }.items():
        outputs = [tmp_path / output for output in name.split()]
        theirs, picture = windrow.report(outputs, BARS, out=tmp_path / f"{name} job.html")
        page = ours(tmp_path / f"{name}.html")
        assert page == tmp_path / f"{name}.html" and page.read_text() == theirs.read_text()
        assert page.with_suffix(".png").read_bytes() == picture.read_bytes()


@pytest.mark.pages
@pytest.mark.parametrize("weights", [None, {"AAA": 0.5, "AAC": 0.25}], ids=["equal", "weights"])
@pytest.mark.filterwarnings("ignore:portfolio")
def test_pages_of_portfolios_are_those_of_windrow_report(bars, run_job, tmp_path, weights):
    lines = [f"--{name}={line}" for name, line in LINES.items()]
    file = tmp_path / "weights.csv"
    file.write_text("symbol,weight\nAAA,0.5\nAAC,0.25\n")
    asked = ["--portfolio", "equal" if weights is None else file, "--rebalance", "month", "--risk-free", "0.03"]
    beside = ["--orders", "--trades", "--equity", "-q", "-o", tmp_path / "out"]
    done = run_job(*lines, *asked, *beside, BARS, job=Backtest)
    assert done.status == 0, done.err
    how = {"portfolio": weights or "equal", "rebalance": "month", "risk_free": 0.03}
    page = windrow.backtest(bars, **LINES, **how).report(tmp_path / "ours.html")
    theirs, picture = windrow.report(tmp_path / "out", BARS, out=tmp_path / "theirs.html")
    assert page.read_text() == theirs.read_text()
    assert page.with_suffix(".png").read_bytes() == picture.read_bytes()


@pytest.mark.pages
def test_pages_of_adjusted_prices_and_of_frames_without_candles(tmp_path):
    bars = series(closes=(10.0, 11, 12, 11, 9, 8) * 3)
    for more in ({}, {"high": None}, {"High": 12.0, "HIGH": 12.0}, {"high": bars["close"], "low": bars["close"]}):
        result = windrow.backtest(bars.assign(**more), "close", "sma:2")
        assert result.report(tmp_path / "page.html", force=True).stat().st_size > 50_000
    adjusted = bars.assign(adj_close=bars["close"] / 2)
    page = windrow.backtest(adjusted, "close", "sma:2", adjusted=True).report(tmp_path / "adjusted.html")
    assert "adjusted prices" in page.read_text()


@pytest.mark.pages
def test_what_a_page_cannot_be_of(bars, swept, tmp_path):
    result = windrow.backtest(bars, **LINES)
    with pytest.raises(InputError, match="the result: has no row of symbol AAQ: it has 5 symbols; the nearest are "):
        result.report(tmp_path / "page.html", symbols="AAQ")
    (tmp_path / "page.html").touch()
    for report in result.report, swept.report:
        with pytest.raises(OutputError, match=r"page\.html"):
            report(tmp_path / "page.html")
        assert report(tmp_path / "page.html", symbols=["AAC"], force=True).stat().st_size > 50_000


def test_pictures(bars, swept):
    drawn = windrow.backtest(bars, **LINES).plot("AAC").to_dict()
    assert drawn["title"]["text"] == "AAC: Backtest of ema:7 over ema:21"
    spec = swept.heatmap("AAC", "sharpe").to_dict()
    maps = spec["hconcat"]
    assert [one["title"]["text"] for one in maps] == ["Train: sharpe", "Test: sharpe"]
    values = spec["datasets"][maps[0]["data"]["name"]]
    its = swept.figures.query("symbol == 'AAC' and part == 'train'")
    assert [cell["value"] for cell in values] == its["sharpe"].tolist()
    assert swept.heatmap().to_dict()["hconcat"][0]["title"]["text"] == "Train: pnl"
    deflated = swept.heatmap(objective="deflated_sharpe").to_dict()["hconcat"]  # which a test has not
    assert [one["title"]["text"] for one in deflated] == ["Train: deflated_sharpe"]
    assert [deflated[0]["encoding"][axis]["title"] for axis in "xy"] == [
        "fast line: ema, window in bars", "slow line: ema, window in bars",
    ]  # fmt: skip


def test_charts_in_notebooks_have_their_picture_until_the_script_is_there(bars, swept):
    for chart in (windrow.backtest(bars, **LINES).plot(), swept.heatmap()):
        html = chart._repr_mimebundle_()["text/html"]
        (image,) = re.findall(r'<div id="altair-viz-\w+"><img alt="" [^>]*base64,([^"]+)"></div>', html)
        assert b64decode(image).startswith(b"\x89PNG") and "outputDiv.innerHTML" not in html
        assert (
            isinstance(chart, alt.TopLevelMixin)
            and type(chart.properties(title="mine")).__name__ == type(chart).__name__
        )
        with alt.renderers.enable("mimetype"):
            assert "text/html" not in chart._repr_mimebundle_()


def test_a_map_needs_all_pairs_and_a_figure(bars, swept):
    for kept in ({"best": True}, {"top": 2}):
        with pytest.raises(
            UsageError, match=r"heatmap\(\): the sweep kept its best pairs alone: .* leave out best= and"
        ):
            windrow.sweep(bars, **AXES, **kept).heatmap()
    with pytest.raises(
        UsageError, match="objective='part': is no figure of this sweep; use one of deflated_sharpe, pnl, "
    ):
        swept.heatmap(objective="part")


def test_without_the_packages_of_pictures_a_page_is_written_and_the_cure_is_told(bars, swept, tmp_path, monkeypatch):
    found = shell.find_spec
    monkeypatch.setattr(shell, "find_spec", lambda name: None if name == "altair" else found(name))
    result = windrow.backtest(bars, **LINES)
    for draw in result.plot, swept.heatmap:
        with pytest.raises(UsageError, match=r"\(\): altair cannot be imported: .* pip install 'windrow\[plot\]'"):
            draw()
    assert result.report(tmp_path / "page.html").exists() and not (tmp_path / "page.png").exists()
    monkeypatch.undo()
    assert result.plot() is not None


def test_the_best_pairs_are_those_of_the_job(bars, swept):
    asked = windrow.sweep(bars, **AXES, split=0.7, best=True)
    pd.testing.assert_frame_equal(swept.best, asked.figures, check_exact=True)
    assert asked.best is asked.figures and swept.symbols == ["AAA", "AAB", "AAC", "AAD", "AAE"]


def test_the_best_pair_over_all_symbols_may_be_that_of_the_median(bars):
    swept = windrow.sweep(bars, **AXES, split=0.7, across="median")
    asked = windrow.sweep(bars, **AXES, split=0.7, across="median", best=True)
    pd.testing.assert_frame_equal(swept.best, asked.best, check_exact=True)
    pd.testing.assert_frame_equal(swept.equity, asked.equity, check_exact=True)
    with pytest.raises(UsageError, match=r"^across='mode': not one of mean, median; use one of them"):
        windrow.sweep(bars, **AXES, across="mode")


@pytest.mark.parametrize(("fast", "slow", "kind"), [
    (("ema", range(5, 8)), ("ema", [21, 22, 23]), None),
    (range(5, 8), range(21, 24), "ema"),
    (range(7, 4, -1), (21, 23, 22), "ema"),
    (pd.Series([5, 6, 7]), ("ema", pd.Series([21, 22, 23])), "ema"),
    ("ema:5..7", range(21, 24), "ema"),
])  # fmt: skip
def test_grids_of_ranges_and_lists(bars, swept, fast, slow, kind):
    found = windrow.sweep(bars, fast, slow, kind=kind, split=0.7)
    pd.testing.assert_frame_equal(found.figures, swept.figures, check_exact=True)


def test_a_range_with_steps_and_a_single_window(bars):
    one, other = (
        windrow.sweep(bars, ("sma", range(5, 10, 2)), 21, kind="sma"),
        windrow.sweep(bars, "sma:5,7,9", "sma:21"),
    )
    pd.testing.assert_frame_equal(one.figures, other.figures)
    assert repr(one).startswith("Sweep of sma:5..9/2 over sma:21:")


@pytest.mark.parametrize(("axis", "kind", "message"), [
    (range(5, 8), None, r"fast=range\(5, 8\): are windows, of which average is not said; add its kind"),
    ([0.5], "sma", r"fast=\[0.5\]: windows are whole numbers of bars"),
    ([], "sma", r"fast=\[\]: windows are whole numbers"), ([True], "sma", r"fast=\[True\]: windows are whole"),
    (("sma", "5..7"), None, r"fast=\('sma', '5..7'\): windows are whole numbers"),
    (("mean", [5]), None, r"fast=\('mean', \[5\]\): 'mean' is no kind of average; use one of "),
    (("bollinger", [5, 9]), None, "bollinger takes more numbers than its windows; write it as a text"),
    ([0], "sma", "'sma:0': 0 is not within 1 to"), (None, "sma", "fast=None: windows are whole numbers"),
])  # fmt: skip
def test_what_is_no_grid_is_refused(bars, axis, kind, message):
    with pytest.raises(UsageError, match=message):
        windrow.sweep(bars, fast=axis, slow="sma:21", kind=kind)


def test_the_cures_of_grids_work(bars):
    expected = windrow.sweep(bars, "ema:5..7", "sma:21").figures
    for cured in (
        windrow.sweep(bars, fast=range(5, 8), slow="sma:21", kind="ema"),
        windrow.sweep(bars, fast=("ema", range(5, 8)), slow="sma:21"),
    ):
        pd.testing.assert_frame_equal(cured.figures, expected)
    assert len(windrow.sweep(bars, "sma:5", "bollinger:10..30/10,2.upper").figures) == 5 * 3


def test_warnings_are_of_the_caller():
    for run in (
        lambda: windrow.backtest(series(), "close", "sma:2", size=1e9),
        lambda: windrow.sweep(series(), "sma:1", "sma:2", size=1e9),
    ):
        with pytest.warns(UserWarning, match="refused") as told:
            run()
        assert {one.filename for one in told} == {__file__}


def test_a_portfolio_is_first(bars, tmp_path):
    asked = {**LINES, "portfolio": {"AAA": 0.5, "AAC": 0.25}}
    with pytest.warns(UserWarning):
        result = windrow.backtest(bars, **asked)
        first = windrow.backtest(bars, **asked, traced=True)
    assert repr(result).splitlines()[2].split() == ["portfolio", "median", "AAA", "AAC"]
    assert repr(result).startswith("Backtest of ema:7 over ema:21: 2 symbols") and result.symbols == ["AAA", "AAC"]
    pd.testing.assert_frame_equal(result.portfolio, first.portfolio, check_exact=True)
    assert len(result.portfolio) == 250 and windrow.backtest(bars, **LINES).portfolio is None
    result.report(tmp_path / "page.html")
    [drawn] = result._reports(["AAC"])
    assert drawn.equity.values.tolist() == result.equity.query("symbol == 'AAC'")["value"].tolist()
    assert drawn.equity.values[0] == 25_000
