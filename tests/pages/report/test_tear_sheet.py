"""What a report tells below its chart, in a real Chromium: rolling figures, the distribution of days, trades."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages.browser import NEXT_FRAME, pixels, view
from tests.pages.report.outputs import bars_of, figures
from windrow.pages.report import report
from windrow.trading.trade_book import TRADE_COLUMNS

pytestmark = pytest.mark.usefixtures("unpictured")
DATA = Path(__file__).parents[3] / "data" / "bars.csv"
LINES = ("--fast", "sma:5", "--slow", "sma:20")


@pytest.fixture(scope="module")
def backtest(shared):
    """The directory of a backtest of the sample bars, by the job, with all that it can write."""
    return shared.run("backtest", *LINES, "--orders", "--trades", "--equity", DATA)


@pytest.fixture(scope="module")
def page(shared, backtest):
    """Its page."""
    return report(backtest, [str(DATA)], out=shared.folder / "sheet.html")[0]


@pytest.fixture(scope="module")
def bare(shared):
    """A page of a backtest that wrote figures alone."""
    return report(shared.run("backtest", *LINES, DATA), [str(DATA)], out=shared.folder / "bare.html")[0]


def returns_of(place, symbol="AAA", column=2):
    """Its returns of days, by date, from its equity curve."""
    rows = pd.read_csv(place / "part-00000-equity", sep="\t", header=None).query("@symbol == `0`")
    values = rows.set_index(1)[column]
    return values / values.shift(1, fill_value=100_000.0) - 1


# Returns of days.


def test_sharpe_ratio_and_volatility_roll(look, page, backtest):
    tab = look(page)
    assert tab.inner_text("#rolled-title") == "Rolling Sharpe ratio and volatility, 63 days"
    windows = [returns_of(backtest, column=column).rolling(63) for column in (2, 3)]
    sharpes = [float((each.mean() / each.std() * np.sqrt(252)).iloc[-1]) for each in windows]
    own, held = (f"{value:.2f}".replace("-", "−") for value in sharpes)
    assert " ".join(tab.inner_text("#rolled-read").split()) == f"2023-12-15 Sharpe ratio {own} Buy and hold {held}"
    own, held = (f"{100 * each.std().iloc[-1] * np.sqrt(252):.1f} %" for each in windows)
    assert " ".join(tab.inner_text("#rolled-labels").split()) == f"Volatility {own} Buy and hold {held}"
    assert pixels(tab, "equity", "#rolling canvas") > 300 and pixels(tab, "benchmark", "#rolling canvas") > 300
    tops = tab.evaluate("rolled.chart.tops.map(({ top, bottom }) => bottom - top)")
    assert tops[0] == pytest.approx(tops[1], abs=1)


def test_rolling_figures_are_read_by_keys_and_follow_symbol_and_scheme(look, page, backtest):
    tab = look(page)
    tab.get_by_role("application", name="Rolling Sharpe ratio and volatility").focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("Shift+ArrowRight")
    dates = returns_of(backtest).index
    read = tab.inner_text("#rolled-read")
    assert read[:10] in dates and read[:10] < dates[-1]
    before = pixels(tab, "equity", "#rolling canvas")
    tab.select_option("#symbol", "2")
    tab.evaluate(NEXT_FRAME)
    window = returns_of(backtest, "AAC").rolling(63)
    ratio = float((window.mean() / window.std() * np.sqrt(252)).iloc[-1])
    assert f"Sharpe ratio {ratio:.2f}".replace("-", "−") in tab.inner_text("#rolled-read")
    tab.emulate_media(color_scheme="dark")
    tab.evaluate(NEXT_FRAME)
    assert before and pixels(tab, "equity", "#rolling canvas") > 300  # of the dark scheme now


def test_returns_of_days_are_a_histogram_with_mean_worst_and_best(look, page, backtest):
    tab = look(page)
    returns = returns_of(backtest)
    changed = returns[returns != 0]
    assert tab.inner_text("#distribution-title") == f"Returns of {len(changed)} days"
    text = " ".join(tab.inner_text("#extremes").split())
    share = lambda value: f"{100 * value:+.2f} %".replace("-", "−")  # noqa: E731
    assert text == (
        f"Mean {share(returns.mean())}, worst {share(returns.min())} on {returns.idxmin()}, best {share(returns.max())}"
        f" on {returns.idxmax()}. {len(returns) - len(changed)} days without a change count for the mean alone."
    )
    titles = tab.locator("#days .bars span").evaluate_all("(bars) => bars.map(({ title }) => title)")
    counts = [int(title.rpartition(": ")[2].split()[0]) for title in titles]
    assert sum(counts) == len(changed) and 15 <= len(counts) <= 40
    marks = tab.locator("#days .mark")
    assert marks.all_inner_texts() == ["worst", "mean", "best"]
    places = marks.evaluate_all("(marks) => marks.map((mark) => parseFloat(mark.style.left))")
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 100


def test_bars_of_minutes_have_their_days_and_times_as_people_read_them(look, outputs):
    bars = outputs.bars(bars_of(("A",), bars=6 * 90, start="2024-01-01 12:00", step="4h"))
    place = outputs.run("backtest", "--fast", "sma:2", "--slow", "sma:5", "--equity", "--trades", bars)
    tab = look(report(place, bars, out=outputs.folder / "hours.html")[0])
    assert tab.inner_text("#rolled-title") == "Rolling Sharpe ratio and volatility, 30 days"
    assert tab.inner_text("#rolled-read").startswith("2024-03-31 Sharpe ratio")
    its = figures_of(place)["A"]
    row = tab.locator("#figures tr", has=tab.get_by_role("rowheader", name="Maximum drawdown, from"))
    assert row.locator("td").first.inner_text() == its["max_drawdown_from"].replace("T", " ")[:16]
    assert shown(tab, "Entry") == [time.replace("T", " ")[:16] for time in trades_of(place, "A")["entry_time"]]


def test_without_values_there_are_no_returns_of_days(look, bare):
    tab = look(bare)
    assert [tab.locator(part).is_visible() for part in ("#rolled", "#distribution")] == [False, False]


# Trades.

COLUMNS = ["symbol", *TRADE_COLUMNS]


def trades_of(place, symbol="AAA"):
    rows = pd.read_csv(place / "part-00000-trades", sep="\t", header=None, names=COLUMNS)
    return rows[rows["symbol"] == symbol].reset_index(drop=True)


def shown(tab, column):
    """What the table has in a column."""
    at = tab.locator("#trade-heads button").all_inner_texts().index(column) + 1
    return tab.locator(f"#trade-lines > tr > :nth-child({at})").all_inner_texts()


def saved(tab):
    """What is downloaded as CSV."""
    with tab.expect_download() as told:
        tab.get_by_role("button", name="Save as CSV").click()
    return told.value.suggested_filename, Path(told.value.path()).read_text(encoding="utf-8-sig")


def test_trades_are_a_table_to_sort(look, page, backtest):
    tab, trades = look(page), trades_of(backtest)
    assert shown(tab, "Entry") == trades["entry_time"].tolist() and shown(tab, "Exit") == trades["exit_time"].tolist()
    assert shown(tab, "Side") == trades["side"].tolist() and shown(tab, "Closed by") == trades["closed_by"].tolist()
    money = lambda values: [f"{value:+,.2f}".replace("-", "−") for value in values]  # noqa: E731
    assert shown(tab, "Profit and loss") == money(trades["pnl"])
    assert shown(tab, "MAE") == [f"{100 * value:.2f} %".replace("-", "−") for value in trades["mae"]]
    assert tab.inner_text("#traded-sum") == (
        f"{len(trades)} of {len(trades)} trades, profit and loss {money([trades['pnl'].sum()])[0]}."
    )
    for ascending in (False, True):
        tab.locator('#trade-heads [data-field="pnl"]').click()
        assert shown(tab, "Profit and loss") == money(trades["pnl"].sort_values(ascending=ascending))
    tab.locator('#trade-heads [data-field="number"]').click()
    tab.select_option("#symbol", "2")
    assert shown(tab, "Entry") == trades_of(backtest, "AAC")["entry_time"].tolist()


def test_trades_are_filtered_and_saved_as_csv(look, page, backtest):
    tab, trades = look(page), trades_of(backtest)
    figures = json.loads((backtest / "part-00000").read_text().splitlines()[0].partition("\t")[2])
    counts = {}
    for result in ("won", "lost", "open"):
        tab.select_option("#trade-result", result)
        counts[result] = len(shown(tab, "Entry"))
    assert counts == {"won": figures["won"], "lost": figures["lost"], "open": figures["trades_open"]}
    tab.select_option("#trade-result", "lost")
    tab.select_option("#trade-side", "short")
    kept = trades[(trades["side"] == "short") & (trades["pnl"] < 0) & (trades["closed_by"] == "cross")]
    assert shown(tab, "Entry") == kept["entry_time"].tolist()
    name, text = saved(tab)
    assert name == "trades-AAA.csv"
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(text)).round(6), kept.reset_index(drop=True).round(6))
    tab.select_option("#trade-side", "")
    tab.select_option("#trade-result", "")
    found = pd.read_csv(io.StringIO(saved(tab)[1]))
    exact = ["entry_price", "exit_price", "size", "pnl"]
    pd.testing.assert_frame_equal(found[exact], trades[exact], check_exact=True)


def test_a_trade_is_shown_in_the_chart(look, page, backtest):
    tab, trades = look(page), trades_of(backtest)
    tab.get_by_role("button", name="Show trade 5").click()
    tab.evaluate(NEXT_FRAME)
    assert tab.inner_text("#readout").startswith(trades["entry_time"][4])
    begin, end = view(tab)
    entry, left = (tab.evaluate(f"view.timeText({bar})") for bar in (int(begin) + 1, int(end) - 1))
    assert entry < trades["entry_time"][4] < trades["exit_time"][4] < left and end - begin < 100


def test_names_in_csv_are_no_formulas(look, outputs):
    names = ["=1+2", "+1", "-1", "@x", "＝1", 'a"b,c']
    frame = bars_of(names, bars=30)
    days = frame["timestamp"].dt.strftime("%Y-%m-%d").tolist()
    rest = ("short", 2.5, 10.0, 12.0, -5.0, -0.2, 3, -0.25, 0.1, "ruin")
    place = outputs.output(
        "backtest", [(name, figures()) for name in names], trades=[(name, days[2], days[5], *rest) for name in names]
    )
    tab = look(report(place, outputs.bars(frame), out=outputs.folder / "named.html")[0])
    for at, name in enumerate(sorted(names)):
        tab.select_option("#symbol", index=at)
        _, text = saved(tab)
        rows = list(csv.reader(io.StringIO(text, newline="")))
        inert = name if name.startswith("a") else f"'{name}"
        assert rows[1] == [inert, days[2], days[5], *map(str, ("short", 2.5, 10, 12, -5, -0.2, 3, -0.25, 0.1, "ruin"))]
    assert tab.evaluate("['\\tx', '\\rx'].map(cellOf)") == ["'\tx", '"\'\rx"']


def test_without_trades_the_page_says_which_option_writes_them(look, bare, shared, outputs):
    tab = look(bare)
    assert tab.inner_text("#untold") == "For a table of every trade run the backtest with --trades."
    parts = [tab.locator(part).is_visible() for part in ("#trade-tools", "#trade-rows", "#traded-sum", "#untold")]
    assert parts == [False, False, False, True]
    swept = shared.forgetting_rules(shared.run("sweep", "--fast", "sma:3..4", "--slow", "sma:5..6", DATA))
    assert not look(report(swept, str(DATA), out=outputs.folder / "sweep.html")[0]).locator("#traded").is_visible()


def test_trades_may_be_elsewhere_and_a_run_may_have_none(look, shared, outputs, backtest):
    bars = str(DATA)
    apart = shared.run("backtest", *LINES, DATA)
    made = report(apart, bars, trades=backtest, out=outputs.folder / "apart.html")[0]
    assert len(shown(look(made), "Entry")) == len(trades_of(backtest))
    still = shared.run("backtest", "--fast", "sma:5", "--slow", "sma:400", "--trades", DATA)
    tab = look(report(still, bars, out=outputs.folder / "still.html")[0])
    assert tab.inner_text("#traded-sum") == "0 of 0 trades, profit and loss 0.00."
    assert not tab.locator("#untold").is_visible()


# Portfolios.


@pytest.fixture(scope="module")
def pooled(shared):
    """The directory of a backtest whose accounts are put together, by weights, and rebalanced."""
    weights = shared.folder / "weights.csv"
    weights.write_text("symbol,weight\nAAA,0.5\nAAC,0.25\nAAD,0\n")
    asked = ("--portfolio", weights, "--rebalance", "quarter", "--equity", "--trades")
    return shared.run("backtest", *LINES, *asked, DATA)


@pytest.fixture(scope="module")
def portfolio(shared, pooled):
    """Its page."""
    return report(pooled, [str(DATA)], out=shared.folder / "portfolio.html")[0]


def figures_of(place):
    """Figures by symbol; those of the portfolio are of an empty one."""
    lines = (place / "part-00000").read_text().splitlines()
    return {symbol: json.loads(line) for symbol, _, line in (text.partition("\t") for text in lines)}


def money_of(value):
    return f"{value:,.2f}".replace("-", "−")


def test_a_portfolio_is_first(look, portfolio, pooled):
    tab, whole = look(portfolio), figures_of(pooled)[""]
    assert tab.locator("#symbol option").all_inner_texts() == ["Portfolio", "AAA", "AAC"]
    assert tab.text_content("h1") == "Portfolio: Backtest of sma:5 over sma:20"
    assert tab.inner_text("#subtitle") == (
        "2023-01-02 to 2023-12-15 · 2 symbols, shares by weights, rebalanced every quarter"
    )
    tiles = dict(
        zip(tab.locator("#tiles dt").all_inner_texts(), tab.locator("#tiles dt + dd").all_inner_texts(), strict=True)
    )
    assert tiles["Profit and loss"] == "{:+,.2f}".format(whole["pnl"]).replace("-", "−")
    assert (tiles["Maximum drawdown"], tiles["Symbols"]) == (f"{100 * whole['max_drawdown']:.2f} %", "2")
    assert tab.locator("#figures thead tr >> nth=0").locator("th").all_inner_texts() == [
        "Result", "Portfolio", "Buy and hold",
    ]  # fmt: skip
    rows = [line.split("\t") for line in (pooled / "part-00000-portfolio").read_text().splitlines()]
    assert " ".join(tab.inner_text("#readout").split()) == (
        f"2023-12-15 Value {money_of(float(rows[-1][2]))} Buy and hold {money_of(float(rows[-1][3]))}"
    )
    assert tab.evaluate("[...view.candles.close]") == [float(row[2]) for row in rows]
    assert pixels(tab, "equity") > 300 and pixels(tab, "benchmark") > 300 and pixels(tab, "fall") > 100
    assert tab.locator("#falls tbody tr >> nth=0").locator("td").first.inner_text() == tiles["Maximum drawdown"]
    year = tab.locator("#months tbody td.year").all_inner_texts()
    shares = [f"{100 * whole[field]:.1f}".replace("-", "−") for field in ("return", "buy_and_hold")]
    assert year == shares
    assert tab.locator("#rolled").is_visible() and tab.locator("#distribution").is_visible()
    assert not tab.locator("#traded").is_visible()


def test_then_symbols_with_the_cash_of_their_accounts(look, portfolio, pooled):
    tab = look(portfolio)
    for symbol in ("AAA", "AAC"):
        tab.get_by_role("button", name=f"Show {symbol}").click()
        tab.evaluate(NEXT_FRAME)
        its = figures_of(pooled)[symbol]
        assert tab.text_content("h1").startswith(f"{symbol}: ") and tab.locator("#traded").is_visible()
        assert tab.locator("#shown tr.chosen th").inner_text() == symbol
        first = tab.locator("#falls tbody tr >> nth=0").locator("td").first.inner_text()
        assert first == f"{100 * its['max_drawdown']:.2f} %"
        year = tab.locator("#months tbody td.year").all_inner_texts()
        assert year[0] == f"{100 * its['return']:.1f}".replace("-", "−")
        held = tab.locator("#figures tr", has=tab.get_by_role("rowheader", name="Return", exact=True)).locator("td")
        assert held.all_inner_texts()[1] == f"{100 * its['buy_and_hold']:+.2f} %".replace("-", "−")
    tab.select_option("#symbol", "0")
    assert tab.locator("#shown tr.chosen").count() == 0 and not tab.locator("#traded").is_visible()


def test_a_symbol_may_be_called_portfolio(look, outputs):
    frame = bars_of(("Portfolio", "Q"), bars=90)
    bars = outputs.bars(frame)
    place = outputs.run("backtest", "--fast", "sma:2", "--slow", "sma:5", "--portfolio", "equal", bars)
    tab = look(report(place, bars, out=outputs.folder / "called.html")[0], scheme="dark")
    assert tab.locator("#symbol option").all_inner_texts() == ["Portfolio", "Portfolio", "Q"]
    assert tab.locator("#shown tr.chosen").count() == 0
    tab.get_by_role("button", name="Show Portfolio").click()
    assert tab.inner_text("#charted-title") == "Prices and averages"
    assert tab.locator("#shown tr.chosen th").inner_text() == "Portfolio"


def test_beside_a_portfolio_the_page_says_where_the_maps_of_a_sweep_are(look, shared, portfolio, pooled, sweep):
    tab = look(report([pooled, sweep], [str(DATA)], out=shared.folder / "mapped.html")[0], width=390)
    assert tab.inner_text("#unmapped p").startswith("Maps of pairs are of one symbol: choose one")
    assert not tab.locator("#swept").is_visible()
    tab.select_option("#symbol", "1")
    assert not tab.locator("#unmapped").is_visible() and tab.locator("#maps canvas").count() == 2
    tab.select_option("#symbol", "0")
    assert tab.locator("#unmapped").is_visible() and not tab.locator("#swept").is_visible()
    assert not look(portfolio).locator("#unmapped").is_visible()


# Sweeps alone.


@pytest.fixture(scope="module")
def sweep(shared):
    """The directory of a sweep."""
    return shared.run("sweep", "--fast", "sma:3..6", "--slow", "sma:5..20/5", "--split", "0.7", DATA)


def chosen_in(place):
    """Of each symbol the lines of its best pair, on train and on test."""
    lines = [text.partition("\t") for text in (place / "part-00000").read_text().splitlines()]
    parts = {
        (symbol, (line := json.loads(text))["fast"], line["slow"], line["part"]): line for symbol, _, text in lines
    }
    trains = [(key, line) for key, line in parts.items() if key[3] == "train" and line["pnl"] is not None]
    best = {}
    for (symbol, fast, slow, _), line in trains:
        if symbol not in best or line["pnl"] > best[symbol][0]["pnl"]:
            best[symbol] = line, parts[symbol, fast, slow, "test"]
    return best


def listed(tab, field):
    """What the table of symbols has in a column."""
    fields = tab.locator("#heads button").evaluate_all("(all) => all.map(({ dataset }) => dataset.field)")
    return tab.locator(f"#shown > tr > :nth-child({fields.index(field) + 1})").all_inner_texts()


def test_a_sweep_alone_has_all_symbols_in_a_table(look, shared, sweep):
    tab = look(report(sweep, [str(DATA)], symbols=["AAB"], out=shared.folder / "swept.html")[0], scheme="dark")
    best = chosen_in(sweep)
    ranked = sorted(best, key=lambda symbol: -best[symbol][1]["return"])
    share = lambda value: f"{100 * value:+.2f} %".replace("-", "−")  # noqa: E731
    assert listed(tab, "") == ranked and len(ranked) == 5
    assert listed(tab, "return") == [share(best[symbol][1]["return"]) for symbol in ranked]
    for side in ("fast", "slow"):
        assert listed(tab, side) == [str(best[symbol][0][side]) for symbol in ranked]
    assert listed(tab, "chosen") == [f"{best[symbol][0]['pnl']:+,.2f}".replace("-", "−") for symbol in ranked]
    assert listed(tab, "deflated_sharpe") == [f"{best[symbol][0]['deflated_sharpe']:.3f}" for symbol in ranked]
    assert tab.inner_text("#pairs-chosen") == (
        "Each symbol has its best pair by Profit and loss on train, and its figures on test."
    )
    tab.locator('#heads [data-field="chosen"]').click()
    assert listed(tab, "") == sorted(best, key=lambda symbol: -best[symbol][0]["pnl"])
    assert tab.inner_text("#spread-title") == "Profit and loss, train of 5 symbols"
    tab.get_by_label("Find symbols").fill("aad")
    assert listed(tab, "") == ["AAD"] and tab.locator("#absent").is_visible()


def test_a_sweep_of_its_best_pairs_has_them_too(look, shared):
    place = shared.run("sweep", "--fast", "sma:3..6", "--slow", "sma:5..20/5", "--best", "--objective", "sharpe", DATA)
    tab = look(report(place, [str(DATA)], out=shared.folder / "best.html")[0])
    lines = {symbol: line for symbol, line in figures_of(place).items() if symbol}
    ranked = sorted(lines, key=lambda symbol: -lines[symbol]["all"]["return"])
    assert listed(tab, "") == ranked and len(ranked) == 5
    assert listed(tab, "chosen") == [f"{lines[symbol]['all']['sharpe']:.3f}".replace("-", "−") for symbol in ranked]
    assert tab.inner_text("#pairs-chosen") == "Each symbol has its best pair by Sharpe ratio on all bars."


def test_the_deepest_drawdown_of_train_and_of_test_has_its_dates(look, shared, sweep):
    tab = look(report(sweep, [str(DATA)], out=shared.folder / "dated.html")[0])
    for pair in (None, 3):
        if pair is not None:
            tab.locator("#ranking button").nth(pair).click()
        fast, slow = tab.inner_text("#compared").split(" of ")[1].partition(",")[0].split(" / ")
        lines = [json.loads(line[4:]) for line in (sweep / "part-00000").read_text().splitlines() if line[:3] == "AAA"]
        its = {line["part"]: line for line in lines if (line["fast"], line["slow"]) == (int(fast), int(slow))}
        for field, name in (("from", "from"), ("to", "lowest"), ("recovered", "recovered")):
            row = tab.locator("#figures tr", has=tab.get_by_role("rowheader", name=f"Maximum drawdown, {name}"))
            texts = [its[part][f"max_drawdown_{field}"] or "–" for part in ("train", "test")]
            assert row.locator("td").all_inner_texts() == texts


# Any screen.


@pytest.mark.parametrize("name", ["page", "portfolio"])
@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_down_only(look, request, name, width):
    tab = look(request.getfixturevalue(name), width=width, height=844, scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert pixels(tab, "equity", "#rolling canvas") > 100
