"""Portfolios from files to lines: what windrow.backtest puts together of the same bars, and what is refused."""

import json
import os

import orjson
import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from tests.conftest import ROOT

pytestmark = pytest.mark.one_python
DATA = ROOT / "data"
BARS, MINUTES = DATA / "bars.csv", DATA / "minute_bars.csv"
LINES = ["--fast", "ema:3", "--slow", "sma:8"]
WEIGHTS = {"AAA": 0.3, "AAB": 0.25, "AAC": 0.2, "AAD": 0.15, "AAE": 0.05}


@pytest.fixture
def backtest(run_job):
    return lambda *args, **kwargs: run_job(*LINES, *args, job=Backtest, **kwargs)


@pytest.fixture
def weighed(tmp_path):
    """Writes a file of weights."""

    def write(text):
        (tmp_path / "weights.csv").write_text(text)
        return tmp_path / "weights.csv"

    return write


def frame_of(path):
    return pd.read_csv(path, parse_dates=["timestamp"])


def told(ran):
    return {line.split(b"\t")[0].decode(): orjson.loads(line.split(b"\t")[1]) for line in ran.lines}


CASES = [
    ([], {"portfolio": "equal"}),
    (["--rebalance", "month"], {"portfolio": "equal", "rebalance": "month"}),
    (["--rebalance", "quarter", "--size", "50%"], {"portfolio": WEIGHTS, "rebalance": "quarter", "size": "50%"}),
    (["--size", "10", "--whole-shares"], {"portfolio": WEIGHTS, "size": 10, "whole_shares": True}),
]


@pytest.mark.parametrize(("options", "how"), CASES)
@pytest.mark.parametrize("bars", [BARS, MINUTES], ids=["days", "minutes"])
def test_a_portfolio_is_that_of_the_frame_to_the_bit(backtest, tmp_path, weighed, bars, options, how):
    names = frame_of(bars).symbol.unique()
    if isinstance(how["portfolio"], dict):
        how = {**how, "portfolio": {name: WEIGHTS[name] for name in names}}
        lines = "".join(f"{name},{weight}\n" for name, weight in how["portfolio"].items())
        options = [*options, "--portfolio", weighed(f"symbol,weight\n{lines}")]
    else:
        options = [*options, "--portfolio", "equal"]
    reducers = ["-r", "local", "-D", "mapreduce.job.reduces=3"]
    ran = backtest(*options, *reducers, "--equity", "-o", tmp_path / "out", bars)
    assert ran.status == 0
    expected = windrow.backtest(frame_of(bars), "ema:3", "sma:8", traced=True, **how)
    found = windrow.read_output(tmp_path / "out")
    pd.testing.assert_frame_equal(found[[*expected.figures]], expected.figures, check_dtype=False)
    assert found.symbol.tolist() == ["", *names]
    parts = [part.read_bytes() for part in (tmp_path / "out").glob("part-*-portfolio")]
    form = "%Y-%m-%d" if bars == BARS else "%Y-%m-%dT%H:%M:%SZ"
    lines = [f"\t{time:{form}}\t{value!r}\t{bought!r}" for time, value, bought in expected.portfolio.values.tolist()]
    assert b"".join(parts).decode().splitlines() == lines and len(parts) == 3
    (part,) = (part for part in (tmp_path / "out").glob("part-*-portfolio") if part.stat().st_size)
    read = windrow.read_output(part, columns=["value", "buy_and_hold"])
    assert (
        read.drop(columns="symbol").values.tolist()
        == expected.portfolio.assign(timestamp=read.timestamp).values.tolist()
    )
    described = json.loads((tmp_path / "out" / "_windrow.json").read_text())
    assert described["portfolio"] == expected.figures.portfolio[0]
    assert described["rebalance"] == how.get("rebalance")


def test_lines_of_symbols_are_the_same_beside_an_equal_portfolio(backtest):
    ran = backtest("--portfolio", "equal", BARS)
    figures = told(ran)
    assert next(iter(figures)) == "" and list(figures[""])[:4] == ["fast", "slow", "portfolio", "symbols"]
    assert ran.lines[1:] == backtest(BARS).lines
    assert figures[""]["final_value"] == pytest.approx(sum(figures[name]["final_value"] for name in WEIGHTS) / 5)
    assert figures[""]["buy_and_hold"] == pytest.approx(sum(figures[name]["buy_and_hold"] for name in WEIGHTS) / 5)
    again = told(backtest("--portfolio", "equal", "--rebalance", "month", BARS))[""]
    assert again["rebalance"] == "month" and again["final_value"] != figures[""]["final_value"]


def test_an_account_has_its_weight_of_the_cash_and_the_rest_stays(backtest, weighed):
    path = weighed("Symbol;Weight\nAAA;0.5\nAAB;0.25\n")
    ran = backtest("--portfolio", path, "--size", "7", "--cash", "10000", BARS)
    figures = told(ran)
    assert list(figures) == ["", "AAA", "AAB"] and figures[""]["symbols"] == 2
    alone = told(backtest("--size", "7", "--cash", "5000", "--symbols", "AAA", BARS))
    assert figures["AAA"] == alone["AAA"]
    values = (figures[name]["final_value"] for name in ("AAA", "AAB"))
    assert figures[""]["final_value"] == pytest.approx(sum(values) + 2500)
    assert "warning: --portfolio: has no weight of 3 symbols, AAC, AAD, AAE, left out" in ran.err


def test_names_that_only_the_file_has_are_told(backtest, weighed):
    rows = "".join(f"{name},0.1\n" for name in WEIGHTS)
    ran = backtest("--portfolio", weighed(f"symbol,weight\n{rows}ZZ,0.2\nYY,0.1\nXX,0\n"), BARS)
    assert ran.status == 0 and told(ran)[""]["symbols"] == 5
    assert "warning: --portfolio: no bar is of 2 symbols, YY, ZZ: 0.3 of the cash stays cash;" in ran.err
    assert "XX" not in ran.err


def test_symbols_of_any_text(backtest, weighed, tmp_path):
    names = ['"a%\t,b"', "=SUM(A1)", "é", "%:0"]
    rows = [
        f"{name},2020-01-{day:02d},{price},{price}\n" for name in names for day, price in enumerate([3, 4, 4, 5], 1)
    ]
    (tmp_path / "bars.csv").write_text("symbol,timestamp,open,close\n" + "".join(rows))
    path = weighed("symbol,weight\n" + "".join(f"{name},0.25\n" for name in names))
    how = ["--fast", "close", "--slow", "sma:2", "--side", "long"]
    ran = backtest(*how, "--portfolio", path, "--equity", "-o", tmp_path / "out", tmp_path / "bars.csv")
    assert ran.status == 0 and "warning" not in ran.err
    found = windrow.read_output(tmp_path / "out")
    assert found.symbol.tolist() == ["", "%:0", "=SUM(A1)", "a%\t,b", "é"]
    assert found.final_value[0] == found.final_value[1:].sum() == 125_000  # bought at 4
    assert (tmp_path / "out" / "part-00000-portfolio").read_bytes().startswith(b"\t2020-01-01\t100000.0\t100000.0\n")


WRONG = [
    ("symbol,weight\nAAA,0.5\nAAA,0.2\n", "line 3: has AAA again; give each symbol one line"),
    ("symbol,weight\nAAA,-0.5\n", "line 2: '-0.5' is no share of the cash, from 0 to 1"),
    ("symbol,weight\nAAA,20%\n", "line 2: '20%' is no share of the cash"),
    ("symbol,weight\nAAA,nan\n", "line 2: 'nan' is no share of the cash"),
    ("symbol,weight\nAAA\n", "line 2: '' is no share of the cash"),
    ("symbol,weight\nAAA,0.8\nAAB,0.4\n", "--portfolio: its weights add up to 1.2, and nothing is lent"),
    ("symbol,weight\nAAA,0\n", "--portfolio: no symbol has a weight above 0"),
    ("symbol,weight\n", "has no symbol; give a file with a line for each"),
    ("symbol,price\nAAA,1\n", "has no column 'weight'; its columns are symbol, price"),
    ("symbol,weight\naaa,1\n", "--portfolio: none of its symbols has a bar, 1 symbol, aaa, but 5 symbols, AAA, AAB"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_wrong_weights_are_refused_and_nothing_is_written(backtest, weighed, tmp_path, text, says):
    ran = backtest("--portfolio", weighed(text), "-o", tmp_path / "out", BARS)
    assert ran.status != 0 and says in ran.err and ran.err.startswith("error: ")
    assert not os.path.exists(tmp_path / "out")


def test_a_file_that_is_not_there_and_a_directory_are_refused(backtest, tmp_path):
    for place in (tmp_path / "none.csv", tmp_path):
        ran = backtest("--portfolio", place, BARS)
        assert ran.status == 1 and f"error: --portfolio {place}: cannot be read: " in ran.err


@pytest.mark.parametrize("rebalance", [[], ["--rebalance", "month"]])
def test_blocks_may_be_read_one_by_one(backtest, tmp_path, monkeypatch, rebalance):
    """What waits for later blocks waits on, and what does not is out."""
    how = ["--portfolio", "equal", *rebalance, "--slot", "90d", BARS]
    backtest("-o", tmp_path / "out", *how)
    monkeypatch.setattr("windrow.sinks.portfolios._BYTES", 1)
    monkeypatch.setattr("windrow.sinks.portfolios._BYTES_A_ROW", 0)
    backtest("-o", tmp_path / "singly", *how)
    for name in ("part-00000", "part-00000-portfolio"):
        assert (tmp_path / "singly" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_without_a_portfolio_there_is_no_part_of_one(backtest, tmp_path):
    backtest("--portfolio", "equal", "-o", tmp_path / "with", BARS)
    backtest("-o", tmp_path / "out", BARS)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "_windrow.json", "part-00000"]
    assert sorted(os.listdir(tmp_path / "with")) == ["_SUCCESS", "_windrow.json", "part-00000", "part-00000-portfolio"]


#: AA is bought at 11 and sold at 15, all in, so that of each 1,000 there are 1,363.64.
OF_AA = "symbol,timestamp,open,close\n" + "".join(
    f"AA,2020-01-0{day},{price},{price}\n" for day, price in enumerate((10, 12, 11, 15), 1)
)
HALF, EQUAL = ["--portfolio", "weights.csv"], ["--portfolio", "equal"]
SHARES = ["--size", "4000"]  # whose account has 16,000 more
#: What half of the cash, and the rest of it, is worth then.
W = 118_181.82
#: By function: options and weights that fail, what the message says, the options of its cures, the weights then, and
#: what the portfolio is worth.
CURES = {
    "market/portfolios.py:_portfolio_of": (["--rebalance", "month"], "", "add --portfolio equal, or leave it out",
                                           [[*EQUAL, "--rebalance", "month"]], "", 136_363.64),
    "market/portfolios.py:read_weights twice": (HALF, "AA,0.5\nAA,0.5\n", "give each symbol one line", [HALF],
                                                "AA,0.5\n", W),
    "market/portfolios.py:read_weights none": (HALF, "", "give a file with a line for each, below its header", [HALF],
                                               "AA,0.5\n", W),
    "market/portfolios.py:_weight": (HALF, "AA,50%\n", "write 20 % as 0.2, with a point", [HALF], "AA,0.5\n", W),
    "market/portfolios.py:_weight below 0": (HALF, "AA,-1\n", "trade on falling prices by --side",
                                             [[*HALF, "--side", "short", "--fill", "close"]], "AA,1\n", 63_636.36),
    "trading/portfolio.py:__post_init__": (HALF, "AA,1\nBB,1\n", "its weights add up to 2, and nothing is lent; divide",
                                           [HALF], "AA,0.5\nBB,0.5\n", W),
    "trading/portfolio.py:__post_init__ nothing": (HALF, "AA,0\n", "give the share of the cash of each", [HALF],
                                                   "AA,0.5\n", W),
    "trading/portfolio.py:check equal": ([*EQUAL, *SHARES], "", "or name a file that gives each symbol its weight",
                                         [[*HALF, *SHARES]], "AA,0.5\n", 116_000),
    "trading/portfolio.py:check all-in": ([*EQUAL, *SHARES], "", "leave that out, with --size all-in, or a share of",
                                          [EQUAL, [*EQUAL, "--size", "all-in"]], "", 136_363.64),
    "trading/portfolio.py:check half": ([*EQUAL, *SHARES], "", "such as --size 50%", [[*EQUAL, "--size", "50%"]], "",
                                        W),
    "trading/portfolio.py:check again": ([*HALF, *SHARES, "--rebalance", "month"], "AA,0.5\n",
                                         "leave one of the two out, with --size all-in", [HALF], "AA,0.5\n", W),
    "trading/portfolio.py:check once": ([*HALF, *SHARES, "--rebalance", "month"], "AA,0.5\n", "leave one of the two",
                                        [[*HALF, *SHARES]], "AA,0.5\n", 116_000),
    "sinks/portfolios.py:_names": (HALF, "aa,0.5\n", "write symbols as the inputs do", [HALF], "AA,0.5\n", W),
}  # fmt: skip


@pytest.mark.parametrize("case", CURES.values(), ids=CURES)
def test_each_cure_of_a_message_ends_well_and_is_right(run_job, weighed, tmp_path, monkeypatch, case):
    options, weights, says, cures, cured, worth = case
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text(OF_AA)
    weighed(f"symbol,weight\n{weights}")
    how = ["-q", "--fast", "close", "--slow", "sma:2", "--side", "long"]
    failed = run_job(*how, *options, "bars.csv", job=Backtest)
    assert failed.status in (1, 2) and failed.out == b"" and says in failed.err, failed.err
    weighed(f"symbol,weight\n{cured}")
    for cure in cures:
        ran = run_job(*how, *cure, "bars.csv", job=Backtest)
        assert ran.status == 0 and round(told(ran)[""]["final_value"], 2) == worth, ran.err


def test_cures_of_an_account_beyond_numbers(run_job, weighed, tmp_path, monkeypatch):
    """trading/portfolio.py:changes: its account is left out by --symbols, or its price is right."""
    monkeypatch.setattr("windrow.trading.portfolio._MOST", 120_000)
    (tmp_path / "bars.csv").write_text(OF_AA + OF_AA.replace("AA", "BB").partition("\n")[2].replace("15,15", "11,11"))
    how = ["-q", "--fast", "close", "--slow", "sma:2", "--side", "long", *EQUAL]
    failed = run_job(*how, tmp_path / "bars.csv", job=Backtest)
    assert failed.status == 1 and "error: AA: its account is worth more than 120000" in failed.err
    ran = run_job(*how, "--symbols", "BB", tmp_path / "bars.csv", job=Backtest)
    assert ran.status == 0 and round(told(ran)[""]["final_value"], 2) == 100_000
