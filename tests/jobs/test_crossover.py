"""Crosses from files to lines: exact arithmetic, TA-Lib, planted ties and touches, several pairs, what is refused."""

import csv
import itertools
import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import windrow
from jobs.crossover import Crossover
from tests.oracle import exact_crosses, read_crosses
from windrow.windows import kernels

pytestmark = pytest.mark.one_python
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def crossover(run_job):
    """Runs the job: `crossover("sma:5", "sma:20", path)`, or several pairs by options."""

    def run(fast, slow, *args, **kwargs):
        pair = ["--fast", fast, "--slow", slow] if fast else []
        return run_job(*pair, *args, job=Crossover, **kwargs)

    return run


@pytest.fixture
def bars(tmp_path):
    """Writes daily closes from 2020-01-01 on, of one symbol, into a file."""

    def write(*closes, symbol="AA"):
        days = [f"{datetime(2020, 1, 1) + timedelta(days=at):%Y-%m-%d}" for at in range(len(closes))]
        path = tmp_path / "bars.csv"
        rows = (f"{symbol},{day},{close}\n" for day, close in zip(days, closes, strict=True))
        path.write_text("symbol,timestamp,close\n" + "".join(rows))
        return path

    return write


def sample_bars():
    with (DATA / "bars.csv").open() as file:
        return [
            (row["symbol"], datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), row["close"])
            for row in csv.DictReader(file)
        ]


EXACT = [
    ("sma:50", "sma:200"), ("sma:5", "sma:20"), ("sma:20", "sma:5"), ("close", "sma:10"), ("sma:3", "close"),
    ("wma:4", "sma:4"), ("sma:7d", "sma:30d"), ("close", "max:5"), ("min:2", "wma:9"),
]  # fmt: skip


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(("fast", "slow"), EXACT)
def test_crosses_are_those_of_school_arithmetic(crossover, runner, fast, slow):
    ran = crossover(fast, slow, "-r", runner, DATA / "bars.csv")
    assert ran.status == 0, ran.err
    expected = exact_crosses(sample_bars(), fast, slow)
    assert read_crosses(ran.lines) == expected
    assert len(expected) > 3 or slow in ("max:5", "sma:200")


TALIB = {"sma": talib.SMA, "ema": talib.EMA, "wma": talib.WMA}


@pytest.mark.parametrize(("fast", "slow"), [("ema:12", "ema:26"), ("ema:3", "sma:21"), ("sma:50", "wma:100")])
def test_crosses_are_those_of_talibs_averages(crossover, fast, slow):
    expected = []
    series = itertools.groupby(sorted(sample_bars()), lambda bar: bar[0])
    for symbol, bars in series:
        _, times, closes = zip(*bars, strict=True)
        prices = np.array(closes, np.float64)
        lines = [TALIB[kind](prices, int(n)) for kind, n in (text.split(":") for text in (fast, slow))]
        apart = lines[0] - lines[1]
        assert np.nanmin(np.abs(apart)) > 1e-6  # so that rounding decides no sign
        for at in np.flatnonzero(apart[1:] * apart[:-1] < 0) + 1:
            word = "golden" if apart[at] > 0 else "death"
            expected.append((symbol, times[at], word, prices[at], *(pytest.approx(line[at]) for line in lines)))
    assert read_crosses(crossover(fast, slow, DATA / "bars.csv").lines) == expected
    assert len(expected) > 3


@pytest.mark.peers
@pytest.mark.parametrize(("fast", "slow"), [("close", "sma:2"), ("sma:2", "sma:4"), ("sma:1", "sma:8")])
def test_crosses_are_those_of_backtraders_indicator(crossover, bars, fast, slow):
    """On whole prices, whose means over 2, 4 and 8 bars it has without rounding; ties are frequent."""
    import backtrader as bt

    closes = np.random.default_rng(4).integers(1, 5, 300).astype(float)
    path = bars(*closes)
    found = []

    class Watcher(bt.Strategy):
        def __init__(self):
            lines = [bt.ind.SMA(self.data.close, period=int(text.partition(":")[2] or 1)) for text in (fast, slow)]
            self.crosses = bt.ind.CrossOver(*lines)

        def next(self):
            if self.crosses[0]:
                word = "golden" if self.crosses[0] > 0 else "death"
                found.append(f"{self.data.datetime.date(0)} {word}")

    cerebro = bt.Cerebro()
    frame = pd.read_csv(path, parse_dates=["timestamp"], index_col="timestamp")
    cerebro.adddata(bt.feeds.PandasData(dataname=frame.assign(open=closes, high=closes, low=closes, volume=0)))
    cerebro.addstrategy(Watcher)
    cerebro.run()
    told = [b" ".join(line.split(b"\t")[1:3]).decode() for line in crossover(fast, slow, path).lines]
    assert told == found and len(found) > 30


# Against sma:2 the price lies where it moved to since the bar before: that plants any row of signs, from the second bar
# on, at which the average is full.
MOVES = {"+": 1, "0": 0, "-": -1}


@pytest.mark.parametrize(
    ("signs", "crosses"),
    [
        #   first bar at which both are full: only a starting state
        ("+++", []),
        ("+-", [(1, "death")]),
        ("-+", [(1, "golden")]),
        ("+0+", []),  # a touch from above
        ("-0-", []),  # and from below
        ("+0-", [(2, "death")]),  # once, at the first bar below
        ("-000+0+", [(4, "golden")]),
        ("00+", []),  # ties since the beginning have no side
        ("00-+", [(3, "golden")]),
        ("0000", []),
        ("+-+-", [(1, "death"), (2, "golden"), (3, "death")]),
    ],
)
def test_planted_ties_and_touches(crossover, bars, signs, crosses):
    closes = [f"{10 + move * 0.1:.1f}" for move in itertools.accumulate((MOVES[sign] for sign in signs), initial=0)]
    ran = crossover("close", "sma:2", bars(*closes))
    told = [line.decode().split("\t")[1:3] for line in ran.lines]
    assert told == [[f"2020-01-{at + 2:02d}", word] for at, word in crosses]
    assert ran.status == 0


def test_a_price_that_stands_still_after_a_rise_crosses_nothing(crossover, tmp_path):
    """Means as rounded sums / n would fall apart there: for these prices that of 7 bars below that of 21, a death."""
    cents = [n / 100 for n in range(1, 10_000)]
    chosen = [price for price in cents if math.fsum([price] * 7) / 7 < math.fsum([price] * 21) / 21][:50]
    first, path = datetime(2020, 1, 1), tmp_path / "bars.csv"
    series = [(f"S{price}", at, 0.01 if at < 21 else price) for price in chosen for at in range(50)]
    rows = (f"{symbol},{first + timedelta(at):%Y-%m-%d},{price:.2f}\n" for symbol, at, price in series)
    path.write_text("symbol,timestamp,close\n" + "".join(rows))
    ran = crossover("sma:7", "sma:21", path)
    assert len(chosen) == 50 and (ran.status, ran.lines) == (0, [])


@pytest.mark.parametrize(
    ("last", "crosses"), [("0.6", []), ("0.1", [b"AA\t2020-01-07\tdeath\t0.1\t0.05\t0.15"])], ids=["touch", "death"]
)
def test_averages_that_are_equal_on_paper_are_equal(crossover, bars, last, crosses):
    """At the sixth bar 0.3 + 0.0 = 0.1 + 0.2, which no sum of float64 knows: touched from above, or once crossed."""
    assert crossover("sma:2", "sma:4", bars("0.0", "0.0", "0.1", "0.2", "0.3", "0.0", last)).lines == crosses


TOKEN = ("1e-8", "1e-8", "1e-8", "2e-8", "0.0000082192", "0.0000040714", "0.0000061453", "0.0000061454")


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("power", [-7, 0, 3, 9, 19])
def test_a_price_that_is_its_average_on_paper_crosses_nothing_on_any_scale(crossover, bars, runner, power):
    """(82192 + 40714 + 61453) / 3 = 61453: at the seventh bar the two are equal.

    bar             3  4  5  6  7  8
    close - mean    0  +  +  -  0  +       death at the 6th, golden at the 8th
    """
    closes = [str(Decimal(text).scaleb(power)) for text in TOKEN]
    death, golden = (b"AA", b"2020-01-06", b"death"), (b"AA", b"2020-01-08", b"golden")
    for bars_, crosses in ((7, [death]), (8, [death, golden])):
        ran = crossover("close", "sma:3", "-r", runner, bars(*closes[:bars_]))
        assert ran.status == 0, ran.err
        assert [tuple(line.split(b"\t")[:3]) for line in ran.lines] == crosses


prices = st.lists(
    st.sampled_from(["0.1", "0.2", "0.3", "-0.1"])
    | st.sampled_from(["0.0000000001", "0.0000000002", "0.0000000003", "-0.0000000001", "300000000000.1"]),
    min_size=1,
    max_size=40,
)
lines = st.sampled_from(
    ["close", "sma:1", "sma:2", "sma:3", "sma:6", "wma:2", "wma:3", "min:3", "max:2", "sma:2d", "sum:1"]
)
slow_settings = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(
    st.dictionaries(st.sampled_from(["A", "AA", "é"]), prices, min_size=1),
    st.lists(st.tuples(lines, lines).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=3, unique=True),
    st.sampled_from([["--block-bars", "1"], ["--block-bars", "3", "--slot", "2d"], []]),
)
@slow_settings
def test_any_series_of_ties_against_exact_fractions(crossover, tmp_path_factory, series, pairs, options):
    first = datetime(2020, 1, 1, tzinfo=UTC)
    told = [(name, first + timedelta(at), price) for name, closes in series.items() for at, price in enumerate(closes)]
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    rows = (f"{symbol},{time:%Y-%m-%d},{price}\n" for symbol, time, price in reversed(told))
    path.write_text("symbol,timestamp,close\n" + "".join(rows))
    asked = [word for fast, slow in pairs for word in ("--fast", fast, "--slow", slow)]
    ran = crossover(None, None, *asked, *options, path)
    assert ran.status == 0, ran.err
    for fast, slow in pairs:
        name = f"\t{fast}/{slow}".encode()
        found = [line.removesuffix(name) for line in ran.lines if len(pairs) == 1 or line.endswith(name)]
        assert read_crosses(found) == exact_crosses(told, fast, slow)


def test_several_pairs_are_what_each_alone_gives_and_tell_their_pair(crossover):
    pairs = [("sma:5", "sma:20"), ("close", "sma:20"), ("ema:5", "close")]
    asked = [word for fast, slow in pairs for word in ("--fast", fast, "--slow", slow)]
    together = crossover(None, None, *asked, DATA / "bars.csv")
    alone = {f"{fast}/{slow}": crossover(fast, slow, DATA / "bars.csv").lines for fast, slow in pairs}
    assert together.lines == sorted(line + f"\t{pair}".encode() for pair, its in alone.items() for line in its)
    order = [f"{fast}/{slow}" for fast, slow in pairs]
    keys = [
        (row[0], row[1], order.index(row[6])) for row in (ln.split("\t") for ln in together.out.decode().splitlines())
    ]
    assert keys == sorted(keys)  # by symbol and time, then in the order of the pairs


def test_a_line_of_several_pairs_is_computed_once(monkeypatch, crossover):
    from windrow.windows.sma import SMA

    made, init = [], SMA.__init__
    monkeypatch.setattr(
        SMA, "__init__", lambda self, window, options: (made.append(str(window)), init(self, window, options))[1]
    )
    asked = ["--fast", "sma:5", "--slow", "sma:20", "--fast", "close", "--slow", "sma:20"]
    assert crossover(None, None, *asked, DATA / "bars.csv").status == 0
    assert len(made) % 2 == 0 and made == ["5", "20"] * (len(made) // 2)


def test_the_default_is_the_golden_cross(crossover):
    assert crossover(None, None, DATA / "bars.csv").out == crossover("sma:50", "sma:200", DATA / "bars.csv").out != b""


def test_another_column_is_price_and_averages(crossover, tmp_path):
    path = tmp_path / "bars.csv"
    rows = [f"AA,2020-01-{day:02d},9,{price}\n" for day, price in enumerate([3, 2, 3, 1], 1)]
    path.write_text("symbol,timestamp,close,Adj Close\n" + "".join(rows))
    ran = crossover("adj_close", "sma:2", "--column", "Adj Close", path)
    assert ran.lines == [b"AA\t2020-01-03\tgolden\t3.0\t3.0\t2.5", b"AA\t2020-01-04\tdeath\t1.0\t1.0\t2.0"]


def test_the_seed_of_an_ema_reaches_the_kernel(crossover, bars):
    path = bars(1, 3, 2, 5)
    assert crossover("close", "ema:3", path).lines == []
    seeded = crossover("close", "ema:3", "--ema-seed", "first", bars(1, 3, 1, 5)).lines
    assert seeded == [b"AA\t2020-01-03\tdeath\t1.0\t1.0\t1.5", b"AA\t2020-01-04\tgolden\t5.0\t5.0\t3.25"]


def test_times_of_day_and_symbols_of_any_text(crossover, tmp_path):
    path = tmp_path / "bars.csv"
    rows = [f'"a%\tb",2020-01-01T00:00:0{at}{".25" if at == 3 else ""}Z,{p}\n' for at, p in enumerate([3, 2, 3, 1])]
    path.write_text("symbol,timestamp,close\n" + "".join(rows))
    assert crossover("close", "sma:2", path).lines == [
        b"a%25%09b\t2020-01-01T00:00:02Z\tgolden\t3.0\t3.0\t2.5",
        b"a%25%09b\t2020-01-01T00:00:03.250Z\tdeath\t1.0\t1.0\t2.0",
    ]


NO_CROSS = "warning: no cross: the lines were never both full, or never crossed; use shorter windows, or more bars\n"


def test_no_cross_ends_well_but_says_so(crossover, tmp_path):
    ran = crossover("sma:500", "sma:1000", "-o", tmp_path / "out", DATA / "bars.csv")
    assert (ran.status, ran.out) == (0, b"")
    assert ran.err.startswith(NO_CROSS)
    frame = windrow.read_output(tmp_path / "out")
    assert frame.empty and list(frame) == ["symbol", "timestamp", "signal", "price", "fast", "slow"]
    assert frame["signal"].dtype == frame["symbol"].dtype


@pytest.mark.parametrize("pairs", [1, 2])
def test_an_output_is_a_frame_and_describes_itself(crossover, tmp_path, pairs):
    asked = ["--fast", "sma:5", "--slow", "sma:20", "--fast", "close", "--slow", "ema:20"][: 4 * pairs]
    lines = crossover(None, None, *asked, DATA / "bars.csv").lines
    ran = crossover(None, None, *asked, "-D", "mapreduce.job.reduces=3", "-o", tmp_path / "out", DATA / "bars.csv")
    assert ran.status == 0
    frame = windrow.read_output(tmp_path / "out")
    assert list(frame)[2:] == ["signal", "price", "fast", "slow", "pair"][: 3 + pairs]
    rows = frame.assign(timestamp=frame["timestamp"].dt.strftime("%Y-%m-%d")).to_numpy().tolist()
    assert sorted("\t".join(map(str, row)).encode() for row in rows) == lines
    told = json.loads((tmp_path / "out" / "_windrow.json").read_text())
    assert told["job"] == "jobs.crossover"
    assert (told["fast"], told["slow"], told["ema_seed"]) == ("sma:5", "sma:20", "sma")
    assert told["pairs"] == [["sma:5", "sma:20"], ["close", "ema:20"]][:pairs]
    printed = tmp_path / "printed"
    printed.write_bytes(crossover(None, None, *asked, DATA / "bars.csv").out)
    assert windrow.read_output(printed).equals(frame)


ONE_OF = f"KIND one of {', '.join(kernels())}"
PAIRED = "the first fast line crosses the first slow line, the second the second, and so on; use one of each per pair"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--fast", "sma:5"],
            f"--fast sma:5 --slow (none): 1 fast and 0 slow lines do not pair up: {PAIRED}",
        ),
        (
            ["--fast", "sma:5", "--slow", "sma:20", "--slow", "sma:50"],
            f"--fast sma:5 --slow sma:20 sma:50: 1 fast and 2 slow lines do not pair up: {PAIRED}",
        ),
        (
            ["--fast", "sma:2d", "--slow", "sma:48h"],
            "--fast sma:2d --slow sma:2d: a line never crosses itself; use two different lines",
        ),
        (
            ["--fast", "close", "--slow", "close"],
            "--fast close --slow close: a line never crosses itself; use two different lines",
        ),
        (
            ["--fast", "sma:5", "--slow", "sma:20"] * 2,
            "--fast sma:5 --slow sma:20: the pair is given 2 times: its crosses are written once; use it once",
        ),
        (
            ["--fast", "sma5", "--slow", "sma:20"],
            f"line 'sma5': a line is an indicator, KIND:WINDOW with {ONE_OF}, or the price itself, close;"
            " use e.g. sma:5, or close",
        ),
        (
            ["--fast", "close", "--slow", "sma:20", "--column", "Adj Close"],
            f"line 'close': a line is an indicator, KIND:WINDOW with {ONE_OF}, or the price itself, adj_close;"
            " use e.g. sma:50, or adj_close",
        ),
        (
            ["--fast", "foo:5", "--slow", "sma:20"],
            f"indicator 'foo:5': an indicator is KIND:WINDOW, with {ONE_OF}; use e.g. sma:20 or max:30d",
        ),
        (
            ["--fast", "sma:0", "--slow", "sma:20"],
            "window 0: a window holds 1 to 1,000,000 bars; use a number in that range",
        ),
        (["--fast", "ema:5d", "--slow", "sma:20"], "ema:5d: an ema is smoothed over a number of bars; use e.g. ema:20"),
        (["--slices", "90d"], "--slices: does not apply to this job; leave it out"),
    ],
)
def test_wrong_options_are_refused_with_the_cure_and_status_2(crossover, args, message):
    ran = crossover(None, None, *args, DATA / "bars.csv")
    assert (ran.status, ran.out, ran.err) == (2, b"", f"error: {message}\n")


def test_a_column_that_is_not_there_is_refused_by_name(crossover, bars):
    ran = crossover("open", "sma:2", "--column", "open", bars(1, 2))
    assert ran.status == 1 and "open" in ran.err and "Traceback" not in ran.err


def test_the_command_knows_the_job_and_its_help(run_module):
    ran = run_module("windrow.cli", "crossover", "--help")
    text = ran.out.decode()
    assert text.startswith("usage: windrow crossover [options] FILE...")
    assert "SYMBOL<tab>TIME<tab>golden|death<tab>PRICE<tab>FAST<tab>SLOW" in text
    assert text.index("Crosses:") < text.index("--fast LINE") < text.index("Reading bars:")
    listed = run_module("windrow.cli", "--help").out.decode()
    assert "crossover" in listed and "Golden and death crosses" in listed
