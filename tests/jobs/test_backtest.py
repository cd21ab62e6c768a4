"""Backtests from files to lines: what windrow.backtest gives for the same bars, parts beside, what is refused."""

import json
import os

import orjson
import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from jobs.sweep import Sweep
from tests.conftest import ROOT
from windrow.trading.figures import TIMES, UNTOLD

pytestmark = pytest.mark.one_python
DATA = ROOT / "data"
BARS, MINUTES = DATA / "bars.csv", DATA / "minute_bars.csv"
LINES = ["--fast", "ema:7", "--slow", "sma:21"]


@pytest.fixture
def backtest(run_job):
    """Runs the job: `backtest("--side", "long", path)`."""
    return lambda *args, job=Backtest, **kwargs: run_job(*args, job=job, **kwargs)


def frame_of(path):
    return pd.read_csv(path, parse_dates=["timestamp"])


def told(ran):
    """The figures that a job printed, by symbol."""
    return {line.split(b"\t")[0].decode(): orjson.loads(line.split(b"\t")[1]) for line in ran.lines}


def rows(frame, dated=True):
    """A frame of figures as the job writes it, but for the reasons."""
    for row in frame.to_dict("records"):
        written = {name: None if value != value else value for name, value in row.items() if name != "undefined"}
        yield written | {name: written[name] and time_of(written[name], dated) for name in TIMES}


RULES = [
    {},
    {"entry": "cross", "fill": "close", "side": "long", "size": "all-in", "commission": 0.001},
    {"size": 10.0, "cash": 2_000.0, "commission_per_order": 1.5, "slippage": 0.002, "ema_seed": "first"},
    {"column": "high", "size": "50%"},
    {"size": "money:900", "side": "short", "whole_shares": True, "commission": 0.01},
    {"size": 40.0, "cash": 1_000.0, "stop_at_ruin": True},
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("bars", [BARS, MINUTES], ids=["days", "minutes"])
def test_figures_orders_and_equity_are_those_of_the_frame_to_the_bit(backtest, tmp_path, bars, rules):
    options = [word for name, value in rules.items() for word in (f"--{name.replace('_', '-')}", value)]
    options = [word for word in options if word is not True]
    ran = backtest(*LINES, *options, bars)
    frames = windrow.backtest(frame_of(bars), "ema:7", "sma:21", traced=True, **rules)
    expected = {row.pop("symbol"): row for row in rows(frames.figures, bars == BARS)}
    found = told(ran)
    reasons = {symbol: figures.pop("undefined", {}) for symbol, figures in found.items()}
    assert ran.status == 0 and found == expected and len(found) > 1
    assert all(
        {name for name in figures if figures[name] is None} - set(UNTOLD) == set(reasons[its])
        for its, figures in found.items()
    )
    done = backtest(*LINES, *options, "--orders", "--equity", "--trades", "-r", "local", "-o", tmp_path / "out", bars)
    assert done.status == 0 and done.out == b""
    dated = bars == BARS
    assert lines_of(tmp_path / "out", "orders") == sorted(map(bytes, order_lines(frames.orders, dated)))
    assert lines_of(tmp_path / "out", "equity") == sorted(map(bytes, equity_lines(frames.equity, dated)))
    assert lines_of(tmp_path / "out", "trades") == sorted(trade_lines(frames.trades, dated))


@pytest.mark.parametrize("fast", ["close", "sma:1"])
def test_averages_of_ten_places_that_are_equal_on_paper_trade_nothing(backtest, tmp_path, fast):
    """A death at the sixth bar; at the seventh (82192 + 40714 + 61453) / 3 = 61453, which is no golden cross."""
    closes = ["1e-8", "1e-8", "1e-8", "2e-8", "0.0000082192", "0.0000040714", "0.0000061453"]
    rows_ = "".join(f"AA,2024-01-{day:02d},{close}\n" for day, close in enumerate(closes, 1))
    (tmp_path / "bars.csv").write_text(f"symbol,timestamp,close\n{rows_}")
    options = ["--fast", fast, "--slow", "sma:3", "--entry", "cross", "--fill", "close"]
    figures = told(backtest(*options, tmp_path / "bars.csv"))["AA"]
    assert (figures["trades_total"], figures["trades_closed"]) == (1, 0)
    if fast != "close":
        ran = backtest(*options, tmp_path / "bars.csv", job=Sweep)
        (pair,) = (orjson.loads(line.split(b"\t")[-1]) for line in ran.lines)
        assert pair["trades_total"] == 1


def lines_of(folder, kind):
    return sorted(line for part in folder.glob(f"part-*-{kind}") for line in part.read_bytes().splitlines())


def time_of(moment, dated):
    return f"{moment:%Y-%m-%d}" if dated else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def order_lines(orders, dated):
    for symbol, moment, side, size, price, status in orders.itertuples(index=False):
        size = "" if size != size else repr(size)
        yield f"{symbol}\t{time_of(moment, dated)}\t{side}\t{size}\t{price!r}\t{status}".encode()


def equity_lines(equity, dated):
    for symbol, moment, value, bought in equity.itertuples(index=False):
        yield f"{symbol}\t{time_of(moment, dated)}\t{value!r}\t{bought!r}".encode()


def trade_lines(trades, dated):
    for symbol, entered, exited, side, *numbers, reason in trades.itertuples(index=False):
        times = time_of(entered, dated), time_of(exited, dated)
        yield "\t".join([symbol, *times, side, *(orjson.dumps(one).decode() for one in numbers), reason]).encode()


#: The figures, in the order of a line; then backtrader's.
FIGURES = [
    "pnl", "final_value", "return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown",
    "max_drawdown_money", "max_drawdown_from", "max_drawdown_to", "max_drawdown_recovered", "max_drawdown_days",
    "max_drawdown_bars", "longest_drawdown_bars", "average_drawdown", "ulcer_index", "skewness", "kurtosis",
    "trades_total", "trades_open", "trades_closed", "won", "lost", "win_rate", "profit_factor", "expectancy",
    "best_trade", "worst_trade", "average_trade", "average_bars_held", "win_streak", "lose_streak", "closed_pnl", "sqn",
    "kelly", "exposure", "turnover", "costs", "buy_and_hold", "alpha", "beta", "correlation", "orders",
    "orders_refused", "fills_postponed", "ruined", "ruined_at",
]  # fmt: skip
BACKTRADERS = [
    "bt_sharpe_annual", "bt_sortino_annual", "bt_sqn", "bt_strike_rate", "bt_max_drawdown_pct", "bt_max_drawdown",
    "bt_max_drawdown_bars",
]  # fmt: skip


def test_fields_stand_in_order_and_counts_are_whole_numbers(backtest):
    line = backtest(*LINES, "--backtrader", BARS).lines[0]
    figures = json.loads(line.split(b"\t")[1])
    assert list(figures) == ["fast", "slow", *FIGURES, *BACKTRADERS, "undefined"]
    assert figures["bt_sharpe_annual"] is None and figures["undefined"]["bt_sharpe_annual"] == "a single calendar year"
    assert (figures["fast"], figures["slow"]) == ("ema:7", "sma:21")
    counts = [name for name, value in figures.items() if isinstance(value, int)]
    assert counts == [
        "max_drawdown_bars", "longest_drawdown_bars", "trades_total", "trades_open", "trades_closed", "won", "lost",
        "win_streak", "lose_streak", "orders", "orders_refused", "fills_postponed", "ruined", "bt_max_drawdown_bars",
    ]  # fmt: skip
    assert figures["ruined"] is False and figures["ruined_at"] is None
    without = json.loads(backtest(*LINES, BARS).lines[0].split(b"\t")[1])
    assert list(without)[: 2 + len(FIGURES)] == ["fast", "slow", *FIGURES] and not {*without} & {*BACKTRADERS}


def test_the_published_figures_from_the_file(backtest, shared_data, tmp_path):
    text = (shared_data / "INTC_year.csv").read_text().splitlines(keepends=True)
    train = tmp_path / "train.csv"
    train.write_text("".join(text[:255]))
    figures = told(backtest("--fast", "ema:7", "--slow", "ema:21", "--size", "100", "--backtrader", train))["INTC"]
    assert (figures["pnl"], figures["won"], figures["bt_max_drawdown"]) == (83.0, 7, 449.0)
    assert figures["bt_sharpe_annual"] == pytest.approx(-4.410461169, abs=5e-10)


def test_orders_trades_and_equity_are_files_beside_the_figures_that_nothing_else_reads(backtest, tmp_path):
    ran = backtest(
        *LINES,
        "--orders",
        "--equity",
        "--trades",
        "--cat-output",
        "-D",
        "mapreduce.job.reduces=2",
        "-o",
        tmp_path / "out",
        BARS,
    )
    kinds = ("", "-equity", "-orders", "-trades")
    names = [f"part-{number:05}{kind}" for number in range(2) for kind in kinds]
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "_windrow.json", *names]
    assert ran.lines == backtest(*LINES, BARS).lines
    frame = windrow.read_output(tmp_path / "out")
    assert list(rows(frame)) == list(rows(windrow.backtest(frame_of(BARS), "ema:7", "sma:21")))
    assert windrow.read_output(tmp_path / "out" / "part-00000").symbol.is_monotonic_increasing


def test_excursions_are_of_ranges_where_trades_are_written_too(backtest, tmp_path):
    bars = tmp_path / "bars.csv"
    rows = ["2,8,9,10", "12,8,13,12", "12,7,14,13", "9,8,15,9"]
    bars.write_text("".join(f"AA,2020-01-0{at},{row}\n" for at, row in enumerate(rows, 1)))
    how = ["--columns", "symbol,date,open,low,high,close", "--fast", "close", "--slow", "sma:2", "--trades", "-o"]
    for number, more in enumerate([[], ["--excursions", "range"]]):
        assert backtest(*how, tmp_path / str(number), *more, bars).status == 0
    found = [(tmp_path / str(number) / "part-00000-trades").read_bytes().split(b"\t")[10:12] for number in range(2)]
    assert found == [[b"-0.25", b"0.08333333333333333"], [b"-0.4166666666666667", b"0.25"]]


def test_without_orders_and_equity_there_are_no_such_files(backtest, tmp_path):
    backtest(*LINES, "-o", tmp_path / "out", BARS)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "_windrow.json", "part-00000"]


def test_the_output_says_what_was_traded_and_how(backtest, tmp_path):
    backtest(*LINES, "--size", "5", "--side", "long", "-o", tmp_path / "out", BARS)
    told = json.loads((tmp_path / "out" / "_windrow.json").read_text())
    assert (told["job"], told["fast"], told["slow"], told["ema_seed"]) == ("jobs.backtest", "ema:7", "sma:21", "sma")
    assert told["reading"]["values"] == ["close", "open"]
    assert told["rules"] == {
        "size": "5", "whole_shares": False, "cash": 100_000.0, "commission": 0.0, "commission_per_order": 0.0,
        "slippage": 0.0, "fill": "next-open", "side": "long", "entry": "state", "stop_at_ruin": False,
    }  # fmt: skip
    assert told["measures"] == {"days_per_year": None, "risk_free": 0.0, "backtrader": False}


def test_symbols_of_any_text_and_orders_without_a_size(backtest, tmp_path):
    """All in, the cash at an open that never comes would decide the size of a buy."""
    path = tmp_path / "bars.csv"
    rows = [f'"a%\tb",2020-01-0{day},{price},{price}\n' for day, price in enumerate([3, 2, 3], 1)]
    path.write_text("symbol,timestamp,open,close\n" + "".join(rows))
    how = ["--fast", "close", "--slow", "sma:2", "--size", "all-in", "--cash", "6", "--side", "long"]
    done = backtest(*how, "--orders", "--equity", "-o", tmp_path / "out", path)
    assert done.status == 0
    assert (tmp_path / "out" / "part-00000-orders").read_bytes() == b"a%25%09b\t2020-01-03\tbuy\t\t3.0\topen\n"
    equity = (tmp_path / "out" / "part-00000-equity").read_bytes().splitlines()
    bought = [b"6.0", b"6.0", b"9.0"]  # at 2, all of it
    assert equity == [b"a%%25%%09b\t2020-01-0%d\t6.0\t%b" % each for each in enumerate(bought, 1)]
    assert windrow.read_output(tmp_path / "out").symbol.tolist() == ["a%\tb"]


def test_opens_are_read_only_where_orders_are_filled_there(backtest, tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\nA,2020-01-01,1\nA,2020-01-02,2\n")
    assert backtest("--fill", "close", path).status == 0
    ran = backtest(path)
    assert ran.status == 1 and "open" in ran.err


DEAR = "symbol,timestamp,open,close\n" + "".join(
    f"{symbol},2020-01-0{day},{price},{price}\n"
    for symbol, unit in (("BTC", 60_000), ("ETH", 2_000), ("XRP", 0.5))
    for day, price in enumerate((unit, 1.1 * unit, 1.2 * unit, 1.3 * unit), 1)
)


@pytest.mark.parametrize("options", [[], ["-q"], ["-r", "local"], ["-r", "local", "-D", "mapreduce.job.reduces=3"]])
def test_refused_orders_are_told_once_with_the_cure(backtest, tmp_path, options):
    """Of BTC two orders, at 66,000 and 72,000, and of ETH two at 2,200 and 2,400, are more than 100,000 for 100."""
    path = tmp_path / "bars.csv"
    path.write_text(DEAR)
    ran = backtest("--fast", "close", "--slow", "sma:2", "--side", "long", "--size", "100", *options, path)
    assert ran.status == 0 and ran.err.count("warning: ") == 1
    assert ran.err.startswith(
        "warning: most orders were refused in 2 of 3 backtests (4 of 5 orders in all), e.g. 100 shares at a price of"
    )
    assert "with 100,000 in cash: a position must be paid for; use a smaller --size, more --cash, or --size" in ran.err
    figures = told(ran)
    assert [figures[symbol]["orders_refused"] for symbol in ("BTC", "ETH", "XRP")] == [2, 2, 0]


@pytest.mark.parametrize("options", [["-r", "inline"], ["-r", "local"]])
def test_opens_of_0_are_told_and_counted(backtest, tmp_path, options):
    path = tmp_path / "bars.csv"
    path.write_text(DEAR.replace("XRP,2020-01-03,0.6,", "XRP,2020-01-03,0,"))
    ran = backtest("--fast", "close", "--slow", "sma:2", "--side", "long", "--size", "1", *options, path)
    assert ran.err.startswith(
        "warning: 1 fill at a price of 0 had to wait until there was a price: an open or close of 0 is a suspension, or"
        " a mistake; averages and values contain such prices, so remove those rows if they are not prices\n"
    )
    figures = told(ran)["XRP"]
    assert (figures["fills_postponed"], figures["orders"], figures["pnl"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--orders"], "--orders: writes files beside the figures, but the figures are printed; give -o DIR"),
        (["--equity"], "--equity: writes files beside the figures, but the figures are printed; give -o DIR"),
        (["--trades"], "--trades: writes files beside the figures, but the figures are printed; give -o DIR"),
        (
            ["--excursions", "range"],
            "--excursions range: is of trades, which are not written; add --trades, or leave it out",
        ),
        (["--size", "0"], "--size 0: a position's size must be above 0 and at most 1e15"),
        (
            ["--sizing", "all-in"],
            "--sizing: is no option any more; --size says it: give --size all-in, or a number of shares, --size 100",
        ),
        (["--commission", "1.5"], "--commission 1.5: it is a fraction, from 0 to less than 1; write 0.1 % as 0.001"),
        (
            ["--fast", "ema:7", "--slow", "ema:7"],
            "--fast ema:7 --slow ema:7: a line never crosses itself; use two different lines",
        ),
        (["--slices", "365d"], "--slices: does not apply to this job; leave it out"),
    ],
)
def test_refused_by_name(backtest, args, message):
    ran = backtest(*args, BARS)
    assert (ran.status, ran.out, ran.err) == (2, b"", f"error: {message}\n")


@pytest.mark.parametrize("option", ["fill", "side", "entry", "size"])
def test_words_that_no_option_knows_are_refused(backtest, option):
    ran = backtest(f"--{option}", "x", BARS)
    assert ran.status == 2 and f"--{option}" in ran.err


def test_damaged_lines_of_figures_are_refused_by_name(backtest, tmp_path):
    part = tmp_path / "part-00000"
    part.write_bytes(backtest(*LINES, BARS).out.replace(b'"pnl":', b'"pnl"', 1))
    with pytest.raises(windrow.errors.InputError, match=r"part-00000: it is not the output of a job \("):
        windrow.read_output(part)
