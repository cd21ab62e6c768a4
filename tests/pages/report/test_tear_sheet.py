"""What a report tells below its chart, in a real Chromium: rolling figures, the distribution of days, trades."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages.browser import NEXT_FRAME, pixels
from windrow.pages.report import report

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
    assert pixels(tab, "equity", "#rolling canvas") > 300 and pixels(tab, "series-2", "#rolling canvas") > 300
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


def test_without_values_there_are_no_returns_of_days(look, bare):
    tab = look(bare)
    assert [tab.locator(part).is_visible() for part in ("#rolled", "#distribution")] == [False, False]


# Any screen.


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_down_only(look, page, width):
    tab = look(page, width=width, height=844, scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert pixels(tab, "equity", "#rolling canvas") > 100
