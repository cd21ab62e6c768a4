"""Every error that names an option: what fails, and each cure of its message, which must end well and be right.

The values are worked out by hand: of closes of 10, 12, 11 and 15 the means of two are 11, 11.5 and 13.
"""

import ast
import json
import os
import re
import shutil
import signal
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from mrjob.protocol import RawValueProtocol
from mrjob.step import MRStep

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.sweep import Sweep
from tests.conftest import ROOT, TESTS

pytestmark = pytest.mark.one_python

ROWS = [("AA", f"2020-01-0{day}", price, price) for day, price in enumerate((10, 12, 11, 15), 1)]
MEANS = ["AA\t2020-01-02\t11.0", "AA\t2020-01-03\t11.5", "AA\t2020-01-04\t13.0"]
MEAN = ["--window", "2"]


def csv(header="symbol,timestamp,open,close", rows=ROWS, columns=(0, 1, 2, 3), more=""):
    lines = [",".join(str(row[column]) for column in columns) for row in rows]
    return "\n".join([header, *lines]) + "\n" + more


def lines(ran):
    return [line.decode() for line in ran.out.splitlines()]


def pnl(ran):
    return [json.loads(line.partition("\t")[2]).get("pnl") for line in lines(ran)]


def traded(ran):
    return pnl(ran)[0] > 0


def pairs(ran):
    found = [json.loads(line.partition("\t")[2]) for line in lines(ran)]
    return [(one["fast"], one["slow"]) for one in found]


@dataclass
class Case:
    """A command that fails, what its message says, and the commands that follow its cures, with what they write."""

    fails: list
    says: str
    cures: list
    right: object = field(default_factory=lambda: MEANS)
    job: type = MovingAverage
    reads: object = lines
    bars: str = field(default_factory=csv)
    file: str = "AA.csv"
    stdin: bytes = b""
    cured: str = ""
    """The bars where the cure is to change them."""


NO_SYMBOL = csv("date,close", columns=(1, 3))
SERIES = csv("symbol,timestamp,open,close,series", [(*row, "EQ") for row in ROWS], range(5), "AA,2020-01-02,7,7,BE\n")
TIMED = csv(rows=[(name, f"{day}T09:30", one, two) for name, day, one, two in ROWS])
SECONDS = csv(rows=[(name, 86_400 * (18_262 + number), *its) for number, (name, _, *its) in enumerate(ROWS)])
#: A conflict in far less than a tenth of the rows: the other symbols have one bar each, and no mean of two.
AT_ONCE = csv(more="AA,2020-01-04,15,17\n" + "".join(f"B{number},2020-01-04,15,17\n" for number in range(20)))
SLASHED = csv(rows=[(name, f"{day[8:]}/01/2020", *its) for name, day, *its in ROWS])
OF_MONTHS = [f"AA\t2020-0{month}-01\t{mean}" for month, mean in ((2, "11.0"), (3, "11.5"), (4, "13.0"))]
#: Ten, or ten thousand? In an input with semicolons between fields nothing tells.
POINTS, COMMAS = (
    csv("symbol;timestamp;close", [(f"{name};{day};{one}{mark}000",) for name, day, one, _ in ROWS], (0,))
    for mark in ".,"
)
THOUSANDS = ["AA\t2020-01-02\t11000.0", "AA\t2020-01-03\t11500.0", "AA\t2020-01-04\t13000.0"]


def counted(*units):
    """Times as counts since 1970, each row's in its own unit: so many of them are in a second."""
    days = enumerate(zip(ROWS, units, strict=True))
    return csv(rows=[(name, 86_400 * (18_262 + number) * unit, *its) for number, ((name, _, *its), unit) in days])


#: Prices in billionths.
FIXED = csv(rows=[(name, day, one * 10**9, two * 10**9) for name, day, one, two in ROWS])
IN_1980 = csv(rows=[(name, 86_400 * (3652 + number), *its) for number, (name, _, *its) in enumerate(ROWS)])
#: 34 seconds after midnight, 9:30, or 3:42?
OF_DAY = {
    "bars": csv(
        "symbol,date,time,open,close",
        [(name, day.replace("-", ""), 34_200, one, two) for name, day, one, two in ROWS],
        (0, 1, 2, 3, 4),
    )
}
OLD = csv(rows=[(name, 86_400 * number, *its) for number, (name, _, *its) in enumerate(ROWS)])
IN_1970 = csv(rows=[(name, f"1970-01-0{number}", *its) for number, (name, _, *its) in enumerate(ROWS, 1)])
#: Above its mean at the second close and below it at the third: bought at an open of 11 and sold at one of 15, or
#: bought at a close of 12, sold at 11, and bought again at 15.
TRADED = {"job": Backtest, "reads": pnl, "right": [40.0]}
LONG = ["--fast", "close", "--slow", "sma:2", "--side", "long", "--size", "10"]
DEAR = csv(rows=[(name, day, 6_000 * one, 6_000 * two) for name, day, one, two in ROWS])
BELOW_0 = csv(rows=[(name, day, one - 20, two - 20) for name, day, one, two in ROWS])
SWEPT = ["--fast", "sma:1", "--slow", "sma:2,3", "--side", "long"]
ONE_PAIR = [*SWEPT[:3], "sma:2", *SWEPT[4:], "--best"]

OPENS = [line.replace("AA", "time") for line in MEANS]
STACKED = csv("Price,Close\nTicker,AA\nDate,", columns=(1, 3))

RANGES = csv("symbol,timestamp,high,low,close", columns=(0, 1, 2, 2, 3))
HIGHS_BEFORE = ["AA\t2020-01-02\t10.0", "AA\t2020-01-03\t12.0", "AA\t2020-01-04\t11.0"]

CASES = {
    "bars/layout.py:split_header": Case(
        [*MEAN], "name the columns with --columns",
        [[*MEAN, "--columns", "symbol,timestamp,close", "--max-bad", "0.5"]],
        bars='"AA,2019-12-31,9\n' + csv("", columns=(0, 1, 3)).lstrip(),
    ),
    "bars/layout.py:_symbol_column": Case(
        MEAN, "or use --symbol NAME for all its bars, --symbol-from-filename, --symbol-from-path, or --columns",
        [[*MEAN, "--symbol", "AA"], [*MEAN, "--symbol-from-filename"], [*MEAN, "--symbol-from-path", "(A+).csv"]],
        bars=NO_SYMBOL,
    ),
    "bars/layout.py:_symbol_column by name": Case(
        MEAN, "name it with --symbol-column, or use --symbol NAME for all its bars,",
        [[*MEAN, "--symbol-column", "instr"], [*MEAN, "--columns", "symbol,date,close"]],
        bars=csv("instr,date,close", columns=(0, 1, 3)),
    ),
    "bars/layout.py:_symbol_column of a path": Case(
        [*MEAN, "--symbol-from-path", "(A+).csv"], "it is for files without such a column; leave it out", [MEAN],
    ),
    "bars/layout.py:_symbol_in_path": Case(
        [*MEAN, "--symbol-from-path", "(B+).csv"], "give a pattern that fits all of them",
        [[*MEAN, "--symbol-from-path", "(A+).csv"]], bars=NO_SYMBOL,
    ),
    "bars/layout.py:selected": Case(
        [*MEAN, "--where", "seres=EQ"], "has no column 'seres' for --where; its columns are symbol, timestamp, open,",
        [[*MEAN, "--where", "series=EQ"]], bars=SERIES,
    ),
    "bars/layout.py:_compared time": Case(
        [*MEAN, "--where", "timestamp=2020-01-04"], "choose times with --from and --to",
        [[*MEAN, "--where", "series=EQ", "--from", "2020-01-01", "--to", "2020-01-04"]], bars=SERIES,
    ),
    "bars/layout.py:selected of symbols in columns": Case(
        [*MEAN, "--where", "close=AA"], "choose symbols with --symbols", [[*MEAN, "--symbols", "AA"]],
        bars=csv("Price,Close,Close\nTicker,AA,BB\nDate,,", columns=(1, 2, 3)),
    ),
    "bars/layout.py:_compared": Case(
        [*MEAN, "--where", "close=15"], "--where compares texts; choose another column",
        [[*MEAN, "--where", "series=EQ"]], bars=SERIES,
    ),
    "bars/selection.py:none_selected": Case(
        [*MEAN, "--symbols", "aa"], "check --symbols, --from, --to and --where", [[*MEAN, "--symbols", "AA"]],
        bars=csv(more="BB,2020-01-05,1,1\n"),
    ),
    "feeds/settle.py:_text_layout": Case(
        [*MEAN, "--skip-lines", "9"], "has 5 lines where a header is looked for, and --skip-lines 9 leaves none",
        [[*MEAN, "--skip-lines", "0"]],
    ),
    "feeds/settle.py:settle": Case(
        [*MEAN, "--symbol", "AA", "--symbols", "BB"], "none has rows that are asked for; check --symbols and --where",
        [[*MEAN, "--symbol", "AA", "--symbols", "AA"]], bars=NO_SYMBOL,
    ),
    "bars/selection.py:symbols_asked": Case(
        [*MEAN, "--symbols", ","], "give A,B,... or @FILE with a symbol on each line", [[*MEAN, "--symbols", "AA,"]],
    ),
    "bars/selection.py:_lines_of": Case(
        [*MEAN, "--symbols", "@none"], "give a text file with a symbol on each line", [[*MEAN, "--symbols", "AA"]],
    ),
    "bars/selection.py:conditions": Case(
        [*MEAN, "--where", "series EQ"], "give a column and the value of its rows", [[*MEAN, "--where", "series=EQ"]],
        bars=SERIES,
    ),
    "bars/selection.py:bound_asked": Case(
        [*MEAN, "--from", "01/01/2020"], "give e.g. 2023-01-31 or 2023-01-31T09:30", [[*MEAN, "--from", "2020-01-01"]],
        bars=csv(more="AA,2019-01-05,1,1\n"),
    ),
    "bars/selection.py:span_asked": Case(
        [*MEAN, "--from", "2020-01-04", "--to", "2020-01-01"], "--to is not before --from",
        [[*MEAN, "--from", "2020-01-01", "--to", "2020-01-04"]], bars=csv(more="AA,2019-01-05,1,1\n"),
    ),
    "mapreduce/options.py:_check_rows of one": Case(
        [*MEAN, "--symbol", "AA", "--symbol-from-path", "(A+).csv"], "give one of the two", [[*MEAN, "--symbol", "AA"]],
        bars=NO_SYMBOL,
    ),
    "bars/selection.py:check_pattern": Case(
        [*MEAN, "--symbol-from-path", "(A+"], "is no regular expression of Python's",
        [[*MEAN, "--symbol-from-path", "(A+).csv"]], bars=NO_SYMBOL,
    ),
    "bars/selection.py:check_pattern of groups": Case(
        [*MEAN, "--symbol-from-path", "A(A)(.csv|.txt)"], "give one, and write others as (?:...)",
        [[*MEAN, "--symbol-from-path", "(A+)(?:.csv|.txt)"]], bars=NO_SYMBOL,
    ),
    "bars/layout.py:time_columns": Case(
        MEAN, "name it with --time-column or, if the file has no header, with --columns",
        [[*MEAN, "--time-column", "moment"], [*MEAN, "--columns", "symbol,timestamp,close"]],
        bars=csv("symbol,moment,close", columns=(0, 1, 3)),
    ),
    "bars/layout.py:_value_column": Case(
        [*MEAN, "--column", "last"], "choose one of them with --column", [[*MEAN, "--column", "close"]]
    ),
    "bars/layout.py:_value_column of two words": Case(
        [*MEAN, "--column", "adj close"],
        "its columns are symbol, timestamp, open, adjustment; choose one of them with",
        [[*MEAN, "--column", "adjustment"]], bars=csv("symbol,timestamp,open,Adjustment"),
    ),
    "bars/layout.py:layout_of holds": Case(
        [*MEAN, "--column", "timestamp"], "choose another with --column", [[*MEAN, "--column", "close"]]
    ),
    "bars/layout.py:layout_of both": Case(
        [*MEAN, "--symbol-column", "timestamp"], "give another --symbol-column or --time-column",
        [[*MEAN, "--symbol-column", "symbol"]],
    ),
    "bars/layout.py:_asked_for": Case(
        [*MEAN, "--time-column", "moment"], "which --time-column names; its columns are symbol, timestamp, open,"
        " close; name one of them, or leave --time-column out", [[*MEAN, "--time-column", "timestamp"], MEAN],
    ),
    "bars/layout.py:_one_of": Case(
        MEAN, "choose it, e.g. with --rename 'close_(usd)=close'", [[*MEAN, "--rename", "close_(usd)=close"]],
        bars=csv("symbol,timestamp,Close (USD),Close (EUR)"),
    ),
    "bars/layout.py:renamed": Case(
        [*MEAN, "--rename", "open=close"], "rename that one too, e.g. --rename open=close,close=other_close",
        [[*MEAN, "--rename", "open=close,close=other_close"]],
    ),
    "bars/layout.py:refuse_unknown_names": Case(
        [*MEAN, "--rename", "opne=first"],
        "AA.csv are symbol, timestamp, open, close; name one of them, or leave it out",
        [[*MEAN, "--rename", "open=first"], MEAN],
    ),
    "bars/layout.py:refuse_other_symbols": Case(
        [*MEAN, "--symbol", "X"], "so --symbol X would rename its bars, or be ignored; leave it out, or take some"
        " symbols with --symbols", [MEAN, [*MEAN, "--symbols", "AA"]], bars=STACKED,
    ),
    "bars/shapes.py:stacked_layout": Case(
        [*MEAN, "--wide", "close"], "contradicts it; leave it out", [MEAN], bars=STACKED
    ),
    "bars/shapes.py:stacked_layout times": Case(
        [*MEAN, "--time-column", "day"], "--time-column day names another; leave it out", [MEAN], bars=STACKED
    ),
    "bars/shapes.py:wide_layout": Case(
        [*MEAN, "--wide", "close"], "leave out --wide close", [MEAN],
        bars=csv("date", columns=(1,)), cured=csv(),
    ),
    "bars/shapes.py:wide_layout of values": Case(
        [*MEAN, "--wide", "close"], "is for tables with a column for each symbol; leave it out", [MEAN]
    ),
    "bars/shapes.py:_times_of": Case(
        [*MEAN, "--wide", "close"], "name the column of times with --time-column",
        [[*MEAN, "--wide", "close", "--time-column", "moment"]], bars=csv("moment,AA", columns=(1, 3)),
    ),
    "bars/shapes.py:_times_of two": Case(
        [*MEAN, "--wide", "close"], "say it with --time-column date,time or --time-column date",
        [[*MEAN, "--wide", "close", "--time-column", "date,time"]],
        bars=csv("date,time,AA", [(day, "16:00", close) for _, day, _, close in ROWS], (0, 1, 2)),
        right=[line.replace("\t1", "T16:00:00Z\t1", 1) for line in MEANS],
    ),
    "bars/shapes.py:_times_of a symbol": Case(
        [*MEAN, "--wide", "close"], "or --time-column date", [[*MEAN, "--wide", "close", "--time-column", "date"]],
        bars=csv("date,time,AA", columns=(1, 2, 3)), right=[*MEANS, *OPENS],
    ),
    "bars/layout.py:value_columns": Case([*MEAN, "--adjusted"], "--adjusted scales prices by adj_close", [MEAN]),
    "bars/layout.py:_constant_symbol": Case(
        [*MEAN, "--symbol", ""], "give a name that is not empty", [[*MEAN, "--symbol", "AA"]], bars=NO_SYMBOL
    ),
    "bars/layout.py:_constant_symbol bytes": Case(
        [*MEAN, "--symbol", "\udcff"], "set another with --symbol", [[*MEAN, "--symbol", "AA"]], bars=NO_SYMBOL
    ),
    "trading/options.py:CURES": Case(
        LONG, "fill them at the close with --fill close", [[*LONG, "--fill", "close"]],
        bars=csv("symbol,timestamp,close", columns=(0, 1, 3)), **{**TRADED, "right": [-10.0]},
    ),
    "sinks/backtests.py:check_beside": Case(
        [*LONG, "--excursions", "range"], "add --trades, or leave it out",
        [[*LONG]], **TRADED,
    ),
    "trading/options.py:CURES of excursions": Case(
        [*LONG, "--trades", "--excursions", "range", "-o", "none"], "leave out --excursions range for those of closes",
        [[*LONG]], **TRADED,
    ),
    "trading/options.py:CURES of sweeps": Case(
        SWEPT, "fill them at the close with --fill close",
        [[*SWEPT[:3], "sma:2", *SWEPT[4:], "--size", "100", "--fill", "close"]],
        bars=csv("symbol,timestamp,close", columns=(0, 1, 3)), job=Sweep, reads=pnl, right=[-100.0],
    ),
    "mapreduce/options.py:_cure": Case(
        [*LONG, "--fast", "quote", "--column", "quote"],
        "if it is there by another name, use --rename NAME=close",
        [[*LONG, "--rename", "quote=close"]], bars=csv("symbol,timestamp,open,quote"), **TRADED,
    ),
    "mapreduce/options.py:reading": Case(
        [*MEAN, "--adjusted", "--column", "volume"], "choose one of them, or leave --adjusted out",
        [[*MEAN, "--adjusted", "--column", "close"], [*MEAN, "--column", "volume"]],
        bars=csv("symbol,timestamp,close,volume,adj_close", columns=(0, 1, 2, 3, 3)),
    ),
    "feeds/misread.py:refuse_barren": Case(
        MEAN, "check --columns, --column and --time-format", [[*MEAN, "--time-format", "%d. %b of %Y"]],
        bars=csv(rows=[(name, f"{day[8:]}. Jan of 2020", *its) for name, day, *its in ROWS]),
    ),
    "feeds/misread.py:refuse_barren columns": Case(
        [*MEAN, "--columns", "timestamp,symbol,open,close"], "check --columns, --column and --time-format",
        [[*MEAN, "--columns", "symbol,timestamp,open,close"]], bars=csv("").lstrip(),
    ),
    "mapreduce/counters.py:judge too many": Case(
        MEAN, "or raise --max-bad", [[*MEAN, "--max-bad", "0.2"]], bars=csv(more="AA,2020-01-05,15,?\n")
    ),
    "mapreduce/counters.py:judge conflict": Case(
        MEAN, "or keep one with --on-conflict smallest|largest", [[*MEAN, "--on-conflict", "smallest"]], bars=AT_ONCE
    ),
    "mapreduce/counters.py:judge largest": Case(
        MEAN, "smallest|largest", [[*MEAN, "--on-conflict", "largest"]], right=[*MEANS[:2], "AA\t2020-01-04\t14.0"],
        bars=AT_ONCE,
    ),
    "mapreduce/options.py:_check_timezone": Case(
        [*MEAN, "--timezone", "Mars"], "give one, e.g. America/New_York", [[*MEAN, "--timezone", "America/New_York"]],
        right=[line.replace("\t1", "T14:30:00Z\t1", 1) for line in MEANS], bars=TIMED,
    ),
    "mapreduce/options.py:check blocks": Case(
        [*MEAN, "--block-bars", "0"], "give 1 or more", [[*MEAN, "--block-bars", "1"]]
    ),
    "mapreduce/options.py:check share": Case(
        [*MEAN, "--max-bad", "5"], "0.001 is one in 1,000", [[*MEAN, "--max-bad", "0.001"]]
    ),
    "mapreduce/options.py:manner": Case(
        [*MEAN, "--share", "2"], "give more than 0, and at most 1", [[*MEAN, "--share", "1"]]
    ),
    "mapreduce/submission.py:_check_environment": Case(
        [*MEAN, "--environment", "AA.csv"], "leave it out, or use -r hadoop or -r emr", [MEAN]
    ),
    "mapreduce/submit.py:_without_stdin": Case(
        [*MEAN, "--symbol-from-filename", "-"], "use --symbol NAME instead", [[*MEAN, "--symbol", "AA", "-"]], file="-",
        stdin=NO_SYMBOL.encode(),
    ),
    "jobs/moving_average.py:check_options": Case(
        [*MEAN, "--step", "1", "--slices", "1d"], "leave one out", [[*MEAN, "--step", "1"], [*MEAN, "--slices", "1d"]]
    ),
    "jobs/moving_average.py:indicators": Case(
        [*MEAN, "--indicator", "max:1"], "it is shorthand for --indicator sma:2; use that",
        [["--indicator", "sma:2", "--indicator", "max:1"]],
        right=["AA\t2020-01-01\t\t10.0", *map("{}\t{}.0".format, MEANS, (12, 11, 15))],
    ),
    "mapreduce/help.py:usage_error": Case(["--windw", "2"], "did you mean --window?", [MEAN]),
    "mapreduce/help.py:usage_error other names": Case(
        [*SWEPT, "--train", "0.5"], "did you mean --split?", [[*SWEPT, "--split", "0.5"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "mapreduce/help.py:_no_number": Case(
        [*ONE_PAIR, "--commission", "0.1 %"], "is a share, which is written as a fraction; use 0.001",
        [[*ONE_PAIR, "--commission", "0.001"]], job=Sweep, reads=pairs, right=[(1, 2)] * 2,
    ),
    "windows/indicators.py:parse_step": Case(
        [*MEAN, "--step", "0"], "use e.g. 5 or 1d", [[*MEAN, "--step", "1"], [*MEAN, "--step", "1d"]]
    ),
    "windows/indicator.py:check_deviation": Case(
        ["--indicator", "std:1"], "use std:2, or longer, or --ddof 0", [["--indicator", "std:1", "--ddof", "0"]],
        right=["AA\t2020-01-01\t0.0", "AA\t2020-01-02\t0.0", "AA\t2020-01-03\t0.0", "AA\t2020-01-04\t0.0"],
    ),
    "windows/indicator.py:check_deviation of another divisor": Case(
        ["--indicator", "std:2", "--ddof", "2"], "use std:3, or longer, or --ddof 1",
        [["--indicator", "std:3", "--ddof", "2"]],
        right=["AA\t2020-01-03\t1.4142135623730951", "AA\t2020-01-04\t2.943920288775949"],
    ),
    "windows/kernel.py:__post_init__ ddof": Case(
        ["--indicator", "std:2", "--ddof", "-1"], "use 0 or more", [["--indicator", "std:2", "--ddof", "0"]],
        right=["AA\t2020-01-02\t1.0", "AA\t2020-01-03\t0.5", "AA\t2020-01-04\t2.0"],
    ),
    "windows/kernel.py:__post_init__ periods": Case(
        [*MEAN, "--min-periods", "0"], "use 1 or more, or leave it out", [[*MEAN, "--min-periods", "2"], MEAN]
    ),
    "windows/rolling.py:__init__": Case(
        [*MEAN, "--min-periods", "3"], "use 1 to 2", [[*MEAN, "--min-periods", "1"]],
        right=["AA\t2020-01-01\t10.0", *MEANS],
    ),
    "sweeps/grid.py:__post_init__": Case(
        ["--fast", "sma:2", "--slow", "sma:1"], "exchange the two, or keep such pairs with --any-order",
        [["--fast", "sma:1", "--slow", "sma:2"]], job=Sweep, reads=pairs, right=[(1, 2)],
    ),
    "sweeps/grid.py:__post_init__ any order": Case(
        ["--fast", "sma:2", "--slow", "sma:1"], "with --any-order",
        [["--fast", "sma:2", "--slow", "sma:1", "--any-order"]],
        job=Sweep, reads=pairs, right=[(2, 1)],
    ),
    "sweeps/overall.py:_none_at_all": Case(
        [*SWEPT, "--best", "--objective", "sqn"], "rank by another --objective, e.g. pnl",
        [[*SWEPT, "--best", "--objective", "pnl"]], job=Sweep, reads=pairs, right=[(1, 2), (1, 2)],
    ),
    "trading/notices.py:cure_of_refusals": Case(
        [*ONE_PAIR, "--size", "100"], "use a smaller --size, more --cash, or --size all-in",
        [[*SWEPT, "--best", *cure] for cure in (["--size", "1"], ["--cash", "1e8"], ["--size", "all-in"])],
        job=Sweep, reads=pairs, right=[(1, 2), (1, 2)], bars=DEAR,
    ),
    "trading/notices.py:cure_of_refusals money": Case(
        [*ONE_PAIR, "--size", "money:1e6"], "use a smaller --size, more --cash, or --size all-in",
        [[*SWEPT, "--best", *cure]
         for cure in (["--size", "money:1e4"], ["--size", "money:1e6", "--cash", "1e8"], ["--size", "all-in"])],
        job=Sweep, reads=pairs, right=[(1, 2), (1, 2)], bars=DEAR,
    ),
    "trading/notices.py:cure_of_refusals whole shares": Case(
        [*ONE_PAIR, "--whole-shares", "--cash", "5e4"], "use more --cash, or leave out --whole-shares",
        [[*SWEPT, "--best", "--cash", "5e4"], [*SWEPT, "--best", "--whole-shares", "--cash", "1e8"]],
        job=Sweep, reads=pairs, right=[(1, 2), (1, 2)], bars=DEAR,
    ),
    "trading/notices.py:cure_of_refusals equity": Case(
        [*ONE_PAIR, "--size", "50%"], "use more --cash, or a --size in shares",
        [[*SWEPT, "--best", "--size", "10"]], job=Sweep, reads=pairs, right=[(1, 2), (1, 2)], bars=BELOW_0,
    ),
    "sweeps/ranking.py:__post_init__ top": Case(
        [*SWEPT, "--top", "0"], "use 1 or more", [[*SWEPT, "--top", "1"]], job=Sweep, reads=pairs, right=[(1, 2)]
    ),
    "sweeps/ranking.py:__post_init__ both": Case(
        [*SWEPT, "--top", "1", "--best"], "use one", [[*SWEPT, "--top", "1"]], job=Sweep, reads=pairs, right=[(1, 2)]
    ),
    "sweeps/ranking.py:__post_init__ best": Case(
        [*SWEPT, "--top", "1", "--best"], "use one", [[*SWEPT, "--best"]], job=Sweep, reads=pairs, right=[(1, 2)] * 2
    ),
    "sweeps/ranking.py:__post_init__ across": Case(
        [*SWEPT, "--across", "median"], "add --best, or leave it out",
        [[*SWEPT, "--across", "median", "--best"]], job=Sweep, reads=pairs, right=[(1, 2)] * 2,
    ),
    "sweeps/ranking.py:__post_init__ equity": Case(
        [*SWEPT, "--equity", "--split", "0.5"], "add --best, or leave it out",
        [[*SWEPT, "--split", "0.5"]], job=Sweep, reads=pairs, right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/reduce.py:check": Case(
        [*SWEPT, "--equity", "--best"], "add --split, --split-at or --walk-forward",
        [[*SWEPT, "--equity", "--best", "-o", f"by{cut[0]}", *cut]
         for cut in (["--split", "0.5"], ["--split-at", "2020-01-03"], ["--walk-forward", "1"])],
        job=Sweep, reads=lambda ran: bool(list(Path().glob("by--*/part-00000-equity"))), right=True,
    ),
    "sweeps/options.py:check": Case(
        [*SWEPT, "--equity", "--best", "--split", "0.5"], "give -o DIR",
        [[*SWEPT, "--equity", "--best", "--split", "0.5", "-o", "out"]],
        job=Sweep, reads=lambda ran: Path("out/part-00000-equity").is_file(), right=True,
    ),
    "sweeps/runs.py:__post_init__": Case(
        [*SWEPT, "--shards", "0"], "use 1 or more", [[*SWEPT, "--shards", "1"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)],
    ),
    "sweeps/splits.py:split_by_share": Case(
        [*SWEPT, "--split", "70"], "use e.g. 0.7", [[*SWEPT, "--split", "0.7"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/splits.py:split_at": Case(
        [*SWEPT, "--split-at", "May"], "use e.g. 2024-01-31", [[*SWEPT, "--split-at", "2020-01-03"]], job=Sweep,
        reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/splits.py:_parse_split": Case(
        [*SWEPT, "--split", "0.7", "--walk-forward", "1"], "use one of them",
        [[*SWEPT, "--split", "0.7"], [*SWEPT, "--walk-forward", "1"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/splits.py:walk_forward": Case(
        [*SWEPT, "--walk-forward", "0"], "use 1 or more", [[*SWEPT, "--walk-forward", "1"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/overall.py:_none_at_all no bars": Case(
        [*SWEPT, "--best", "--split", "0.5", "--embargo", "9"], "a smaller --embargo, or fewer parts",
        [[*SWEPT, "--best", "--split", "0.5", "--embargo", "0"]], job=Sweep, reads=pairs, right=[(1, 2), (1, 2)],
    ),
    "sweeps/splits.py:parse_split rolling": Case(
        [*SWEPT, "--rolling"], "add --walk-forward N, or leave it out",
        [[*SWEPT, "--rolling", "--walk-forward", "1"], [*SWEPT, "--split", "0.7"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/splits.py:__post_init__": Case(
        [*SWEPT, "--walk-forward", "1", "--embargo", "-1"], "use 0 or more",
        [[*SWEPT, "--walk-forward", "1", "--embargo", "0"]], job=Sweep, reads=pairs, right=[(1, 2), (1, 3)] * 2,
    ),
    "sweeps/splits.py:__post_init__ one part": Case(
        [*SWEPT, "--embargo", "1"], "add --split, --split-at or --walk-forward, or leave it out",
        [[*SWEPT, "--embargo", "1", *cut]
         for cut in (["--split", "0.7"], ["--split-at", "2020-01-03"], ["--walk-forward", "1"])],
        job=Sweep, reads=pairs, right=[(1, 2), (1, 3)] * 2,
    ),
    "trading/rules.py:__post_init__ size": Case(
        [*LONG, "--size", "0"], "must be above 0", [[*LONG, "--size", "10"]], **TRADED
    ),
    "trading/rules.py:__post_init__ whole shares": Case(
        [*LONG, "--size", "2.5", "--whole-shares"], "give one that is, or leave out --whole-shares",
        [[*LONG, "--size", "2", "--whole-shares"], [*LONG, "--size", "2.5"]],
        **{**TRADED, "reads": traded, "right": True},
    ),
    "trading/position_size.py:parse_size": Case(
        [*LONG, "--size", "all"], "give all-in, shares such as 100, a share of the equity such as 50%, or an amount",
        [[*LONG, "--size", size] for size in ("all-in", "100", "50%", "money:10000")],
        **{**TRADED, "reads": traded, "right": True},
    ),
    "trading/position_size.py:parse_size share": Case(
        [*LONG, "--size", "150%"], "use e.g. 50%", [[*LONG, "--size", "50%"]],
        **{**TRADED, "reads": traded, "right": True},
    ),
    "mapreduce/help.py:usage_error gone": Case(
        [*LONG, "--sizing", "fixed"], "give --size all-in, or a number of shares, --size 100",
        [[*LONG, "--size", "all-in"], [*LONG, "--size", "100"]], **{**TRADED, "reads": traded, "right": True},
    ),
    "mapreduce/help.py:usage_error warm": Case(
        [*SWEPT, "--split", "0.7", "--warm"], "leave it out, or give --cold for the opposite",
        [[*SWEPT, "--split", "0.7"], [*SWEPT, "--split", "0.7", "--cold"]], job=Sweep, reads=pairs,
        right=[(1, 2), (1, 3)] * 2,
    ),
    "trading/rules.py:__post_init__ cash": Case(
        [*LONG, "--cash", "0"], "must be above 0", [[*LONG, "--cash", "1000"]], **TRADED
    ),
    "trading/rules.py:__post_init__ commission": Case(
        [*LONG, "--commission", "1"], "write 0.1 % as 0.001", [[*LONG, "--commission", "0.001"]],
        **{**TRADED, "right": [pytest.approx(40 - 0.11 - 0.15)]},
    ),
    "trading/rules.py:__post_init__ per order": Case(
        [*LONG, "--commission-per-order", "-1"], "give 0 to 1e15", [[*LONG, "--commission-per-order", "1"]],
        **{**TRADED, "right": [38.0]},
    ),
    "trading/measures.py:__post_init__ days": Case(
        [*LONG, "--days-per-year", "0"], "use e.g. 252 or 365",
        [[*LONG, "--days-per-year", "252"], [*LONG, "--days-per-year", "365"]], **TRADED
    ),
    "trading/measures.py:__post_init__ rate": Case(
        [*LONG, "--risk-free", "2"], "write 2 % as 0.02", [[*LONG, "--risk-free", "0.02"]], **TRADED
    ),
    "trading/signals.py:__post_init__": Case(
        ["--fast", "close", "--slow", "close"], "use two different lines", [LONG], **TRADED
    ),
    "trading/signals.py:parse_pairs repeated": Case(
        ["--fast", "close", "--slow", "sma:2"] * 2, "use it once", [["--fast", "close", "--slow", "sma:2"]],
        job=Crossover,
        right=["AA\t2020-01-03\tdeath\t11.0\t11.0\t11.5", "AA\t2020-01-04\tgolden\t15.0\t15.0\t13.0"],
    ),
    "trading/signals.py:parse_pairs": Case(
        ["--fast", "close", "--fast", "sma:1", "--slow", "sma:2"], "use one of each per pair",
        [["--fast", "close", "--slow", "sma:2"]], job=Crossover,
        right=["AA\t2020-01-03\tdeath\t11.0\t11.0\t11.5", "AA\t2020-01-04\tgolden\t15.0\t15.0\t13.0"],
    ),
    "bars/clocks.py:check_form unknown": Case(
        [*MEAN, "--time-format", "%d/%m/%x"], "use each of %Y %y %m %d %b %H %I %M %S %f %p %z %o %O %h %t %q",
        [[*MEAN, "--time-format", "%d/%m/%Y"]], bars=SLASHED,
    ),
    "bars/clocks.py:check_form twice": Case(
        [*MEAN, "--time-format", "%d/%m/%m/%Y"], "%m is there twice", [[*MEAN, "--time-format", "%d/%m/%Y"]],
        bars=SLASHED,
    ),
    "bars/clocks.py:check_form of dates": Case(
        [*MEAN, "--time-format", "%m/%Y"], "give all three, e.g. '%d/%m/%Y'", [[*MEAN, "--time-format", "%d/%m/%Y"]],
        bars=SLASHED,
    ),
    "bars/clocks.py:check_form of hours": Case(
        [*MEAN, "--time-format", "%d/%m/%Y %I:%M"], "give it, e.g. '%d/%m/%Y %I:%M %p'",
        [[*MEAN, "--time-format", "%d/%m/%Y %I:%M %p"]], bars=SLASHED.replace("/2020", "/2020 04:00 PM"),
        right=[line.replace("\t1", "T16:00:00Z\t1", 1) for line in MEANS],
    ),
    "bars/clocks.py:check_form of brackets": Case(
        [*MEAN, "--time-format", "%d/%m/%Y[ %H:%M"], "e.g. '%d/%m/%Y[ %H:%M]'",
        [[*MEAN, "--time-format", "%d/%m/%Y[ %H:%M]"]], bars=SLASHED,
    ),
    "feeds/forms.py:_kinds": Case(
        MEAN, "give --time-format '%Y%m%d%H' or --time-unit s", [[*MEAN, "--time-format", "%Y%m%d%H"]],
        bars=csv(rows=[(name, f"{day.replace('-', '')}09", *its) for name, day, *its in ROWS]),
        right=[line.replace("\t1", "T09:00:00Z\t1", 1) for line in MEANS],
    ),
    "feeds/forms.py:_with_times": Case(
        MEAN, "give --time-format '%d/%m/%Y' or --time-format '%m/%d/%Y'", [[*MEAN, "--time-format", "%d/%m/%Y"]],
        bars=SLASHED,
    ),
    "feeds/forms.py:_with_times month first": Case(
        MEAN, "or --time-format '%m/%d/%Y'", [[*MEAN, "--time-format", "%m/%d/%Y"]], bars=SLASHED, right=OF_MONTHS
    ),
    "feeds/forms.py:_numbers points": Case(
        MEAN, "may be 10.0 or 10000.0", [[*MEAN, "--decimal", "."]], bars=POINTS
    ),
    "feeds/forms.py:_numbers points of thousands": Case(
        MEAN, "give --decimal '.' or --decimal ','", [[*MEAN, "--decimal", ","]], bars=POINTS, right=THOUSANDS
    ),
    "feeds/forms.py:_numbers commas": Case(
        MEAN, "give --decimal ',' or --decimal '.'", [[*MEAN, "--decimal", ","]], bars=COMMAS
    ),
    "feeds/forms.py:_numbers commas of thousands": Case(
        MEAN, "or --decimal '.'", [[*MEAN, "--decimal", "."]], bars=COMMAS, right=THOUSANDS
    ),
    "mapreduce/options.py:_check_columns renamed": Case(
        [*MEAN, "--rename", "open"], "give OLD=NEW, e.g. close=price", [[*MEAN, "--rename", "open=price"]]
    ),
    "mapreduce/options.py:_check_columns twice": Case(
        [*MEAN, "--rename", "open=a,close=a"], "give each name once",
        [[*MEAN, "--rename", "open=close,close=open", "--column", "open"]],
    ),
    "mapreduce/options.py:_check_columns times": Case(
        [*MEAN, "--time-column", ""], "give e.g. --time-column date or --time-column date,time",
        [[*MEAN, "--time-column", "timestamp"]],
    ),
    "mapreduce/options.py:_check_columns symbols": Case(
        [*MEAN, "--symbol-column", ""], "give the name of the column of symbols", [[*MEAN, "--symbol-column", "symbol"]]
    ),
    "mapreduce/options.py:_check_columns wide": Case(
        [*MEAN, "--wide", ""], "give a value, e.g. --wide close", [[*MEAN, "--wide", "close"]],
        bars=csv("date,AA", columns=(1, 3)),
    ),
    "mapreduce/options.py:_check_columns one": Case(
        [*MEAN, "--symbol", "AA", "--symbol-column", "symbol"], "give one of the two",
        [[*MEAN, "--symbol-column", "symbol"]],
    ),
    "mapreduce/options.py:_check_columns the other": Case(
        [*MEAN, "--symbol", "AA", "--symbol-column", "symbol"], "give one of the two", [[*MEAN, "--symbol", "AA"]],
        bars=NO_SYMBOL,
    ),
    "mapreduce/options.py:_check_form two times": Case(
        [*MEAN, "--time-format", "%d/%m/%Y", "--time-unit", "s"], "give one of the two",
        [[*MEAN, "--time-format", "%d/%m/%Y"]], bars=SLASHED,
    ),
    "mapreduce/options.py:_check_form two times of counts": Case(
        [*MEAN, "--time-format", "%d/%m/%Y", "--time-unit", "s"], "give one of the two", [[*MEAN, "--time-unit", "s"]],
        bars=SECONDS,
    ),
    "mapreduce/options.py:_check_form delimiter": Case(
        [*MEAN, "--delimiter", "ab"], "give one, e.g. ';'", [[*MEAN, "--delimiter", ";"]],
        bars=csv().replace(",", ";"),
    ),
    "mapreduce/options.py:_check_form thousands": Case(
        [*MEAN, "--thousands", "0"], "give one, e.g.", [[*MEAN, "--thousands", ","]], bars=COMMAS, right=THOUSANDS
    ),
    "mapreduce/options.py:_check_form lines": Case(
        [*MEAN, "--skip-lines", "-1"], "give 0 or more", [[*MEAN, "--skip-lines", "0"]]
    ),
    "bars/form.py:check_encoding": Case(
        [*MEAN, "--encoding", "cp99999"], "give one, e.g. cp1252", [[*MEAN, "--encoding", "cp1252"]]
    ),
    "feeds/texts.py:encoding_of a mark": Case(
        [*MEAN, "--encoding", "cp1252"], "a mark says how a file is encoded; leave --encoding out", [MEAN],
        bars="\ufeff" + csv(),
    ),
    "feeds/texts.py:encoding_of no mark": Case(
        [*MEAN, "--encoding", "utf-16"], "say it: --encoding utf-16-le or --encoding utf-16-be",
        [[*MEAN, "--encoding", "utf-16-le"]], bars=csv().encode("utf-16-le").decode(),
    ),
    "feeds/texts.py:encoding_of zeros": Case(
        MEAN, "say so: --encoding utf-16-be", [[*MEAN, "--encoding", "utf-16-be"]],
        bars=csv().encode("utf-16-be").decode(),
    ),
    "mapreduce/options.py:_check_form marks": Case(
        [*MEAN, "--decimal", ",", "--thousands", ","], "give one of them", [[*MEAN, "--decimal", ","]], bars=COMMAS
    ),
    "mapreduce/options.py:_check_form marks of thousands": Case(
        [*MEAN, "--decimal", ",", "--thousands", ","], "give one of them", [[*MEAN, "--thousands", ","]], bars=COMMAS,
        right=THOUSANDS,
    ),
    "bars/epochs.py:hint": Case(
        [*MEAN, "--time-unit", "s"],
        "like milliseconds, not seconds: leave out --time-unit, and each is read by its magnitude", [MEAN],
        bars=counted(*[1000] * 4),
    ),
    "bars/epochs.py:hint of dates": Case(
        [*MEAN, "--time-unit", "ns", "--max-bad", "1"], "leave out --time-unit, and each is read by its magnitude",
        [MEAN], bars=csv().replace("2020-01-", "202001"),
    ),
    "bars/epochs.py:hint of no unit": Case(
        MEAN, "are in no unit times of 1990 to 2100: give theirs with --time-unit", [[*MEAN, "--time-unit", "s"]],
        bars=IN_1980, right=[line.replace("2020", "1980") for line in MEANS],
    ),
    "bars/clocks.py:check_form of counts": Case(
        [*MEAN, "--time-format", "%d %s"], "give it alone: %s for seconds, %L milliseconds", [
            [*MEAN, "--time-format", "%s"], MEAN], bars=SECONDS,
    ),
    "bars/clocks.py:check_form of numbers": Case(
        [*MEAN, "--time-format", "%Y%m%d %H %o"], "give one of them behind a date, e.g. '%Y%m%d %o'",
        [[*MEAN, "--time-format", "%Y%m%d %o"]], **OF_DAY, right=[line.replace("\t1", "T00:00:34.200Z\t1", 1)
        for line in MEANS],
    ),
    "feeds/forms.py:_with_times milliseconds": Case(
        MEAN, "or --time-format '%Y%m%d %o'", [[*MEAN, "--time-format", "%Y%m%d %o"]], **OF_DAY,
        right=[line.replace("\t1", "T00:00:34.200Z\t1", 1) for line in MEANS],
    ),
    "feeds/forms.py:_with_times seconds": Case(
        MEAN, "--time-format '%Y%m%d %O'", [[*MEAN, "--time-format", "%Y%m%d %O"]], **OF_DAY,
        right=[line.replace("\t1", "T09:30:00Z\t1", 1) for line in MEANS],
    ),
    "feeds/forms.py:_with_times of day": Case(
        MEAN, "give --time-format '%Y%m%d %t'", [[*MEAN, "--time-format", "%Y%m%d %t"]], **OF_DAY,
        right=[line.replace("\t1", "T03:42:00Z\t1", 1) for line in MEANS],
    ),
    "bars/epochs.py:doubt": Case(
        [*MEAN, "--time-unit", "us"],
        "leave out --time-unit, and each is read by its magnitude, or use --time-unit ms",
        [[*MEAN, "--time-unit", "ms"], MEAN], bars=counted(*[1000] * 4),
    ),
    "bars/epochs.py:doubt of dates": Case(
        [*MEAN, "--time-unit", "s"], "look like dates, not like counts; leave out --time-unit", [MEAN],
        bars=csv().replace("2020-01-", "202001"),
    ),
    "bars/epochs.py:doubt of 1970": Case(
        [*MEAN, "--time-unit", "s"], "convert them to times as text, e.g. 1970-01-02T09:30:00Z, and leave out", [MEAN],
        bars=OLD, cured=IN_1970, right=[line.replace("2020", "1970") for line in MEANS],
    ),
    "bars/epochs.py:_mixed": Case(
        [*MEAN, "--time-unit", "us"], "leave out --time-unit, and each is read by its magnitude", [MEAN],
        bars=counted(1000, 1000, 10**6, 10**6),
    ),
    "bars/epochs.py:_mixed of another count": Case(
        [*MEAN, "--time-unit", "ms"], "86400 seems to be no count of milliseconds as others are; correct such rows",
        [[*MEAN, "--time-unit", "ms"]], bars=counted(*[1000] * 4) + "AA,86400,1,1\n", cured=counted(*[1000] * 4),
    ),
    "bars/epochs.py:_mixed of an invalid count": Case(
        [*MEAN, "--time-unit", "ms"], "or leave out --time-unit: each is then read by its magnitude, and these are",
        [[*MEAN, "--max-bad", "0.2"]], bars=counted(*[1000] * 4) + "AA,86400,1,1\n",
    ),
    "bars/headers.py:refuse_contradiction": Case(
        [*MEAN, "--columns", "symbol,timestamp,close,open"],
        "leave it out, or give --columns symbol,timestamp,open,close",
        [MEAN, [*MEAN, "--columns", "symbol,timestamp,open,close"]],
    ),
    "bars/scales.py:parse_scales": Case(
        [*MEAN, "--scale", "close=0.3"], "give both, e.g. close=1e-9", [[*MEAN, "--scale", "close=1e-9"]], bars=FIXED
    ),
    "bars/scales.py:parse_scales twice": Case(
        [*MEAN, "--scale", "close=1e-9,close=10"], "close has another factor too; give one of the two",
        [[*MEAN, "--scale", "close=1e-9"]], bars=FIXED,
    ),
    "bars/layout.py:powers_of": Case(
        [*MEAN, "--scale", "clse=1e-9"], "its columns are symbol, timestamp, open, close; name one of them",
        [[*MEAN, "--scale", "close=1e-9"]], bars=FIXED,
    ),
    "bars/layout.py:powers_of of one price": Case(
        [*LONG, "--scale", "close=1e-9"], "add open=1e-9 to --scale, or open=1 if it is written plainly",
        [[*LONG, "--scale", "close=1e-9", "--scale", "open=1e-9"]], bars=FIXED, **TRADED,
    ),
    "bars/layout.py:powers_of of one price alone": Case(
        [*LONG, "--scale", "close=1e-9"], "or open=1 if it is written plainly",
        [[*LONG, "--scale", "close=1e-9,open=1"]],
        bars=csv(rows=[(name, day, one, two * 10**9) for name, day, one, two in ROWS]), **TRADED,
    ),
    "mapreduce/accounts.py:broken": Case(
        MEAN, "--max-missing 0.05 allows 0 of an input; list them with `windrow rejects`, fill them, or raise",
        [[*MEAN, "--max-missing", "0.2"]], bars=csv(more="AA,2020-01-05,15,\n"),
    ),
    "windows/donchian.py:__init__": Case(
        ["--indicator", "donchian:1,1.upper", "--min-periods", "1"], "use e.g. donchian:20,1 without --min-periods",
        [["--indicator", "donchian:1,1.upper"]], bars=RANGES, right=HIGHS_BEFORE,
    ),
    "windows/indicator.py:cures_of": Case(
        ["--indicator", "donchian:1,1.upper"], "of high and low; leave it out or, if that column is there by",
        [["--indicator", "donchian:1,1.upper", "--rename", "top=high"]],
        bars=RANGES.replace("high", "top"), right=HIGHS_BEFORE,
    ),
    "windows/indicator.py:cures_of left out": Case(
        ["--indicator", "sma:2", "--indicator", "vwap:2"], "vwap:2 is of high, low, close and volume; leave it out",
        [["--indicator", "sma:2"]],
    ),
    "windows/indicators.py:_sliceable": Case(
        ["--slices", "2d", "--indicator", "sma:2", "--indicator", "rsi:2"], "leave out --slices, or this indicator",
        [["--slices", "2d", *MEAN]], reads=lambda ran: sorted(lines(ran)),
    ),
    "windows/indicators.py:_sliceable without slices": Case(
        ["--slices", "2d", "--indicator", "dema:1"], "leave out --slices, or this indicator",
        [["--indicator", "dema:1"]], right=[f"AA\t{day}\t{price}.0" for _, day, price, _ in ROWS],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_cure_of_a_message_ends_well_and_is_right(run_job, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    Path("AA.csv").write_text(case.bars)
    where = [] if case.file == "-" else [case.file]
    failed = run_job("-q", *case.fails, *where, job=case.job, stdin=case.stdin)
    assert failed.status in (1, 2) and failed.out == b"" and case.says in failed.err, failed.err
    Path("AA.csv").write_text(case.cured or case.bars)
    for cure in case.cures:
        ran = run_job("-q", *cure, *where, job=case.job, stdin=case.stdin)
        assert (ran.status, case.reads(ran)) == (0, case.right), (cure, ran.err)


def test_cures_of_parquet(run_job, tmp_path):
    path = tmp_path / "AA.parquet"
    frame = pd.DataFrame(ROWS, columns=["symbol", "day", "note", "close"]).assign(note=True)
    frame.assign(timestamp=86_400 * (18_262 + frame.index)).to_parquet(path)
    timed = run_job(*MEAN, "--time-unit", "s", path)
    assert [line.split("\t")[2] for line in lines(timed)] == ["11.0", "11.5", "13.0"]
    failed = run_job(*MEAN, "--time-unit", "s", "--column", "note", path)
    assert "cast the column, or choose another with --column" in failed.err
    assert lines(run_job(*MEAN, "--time-unit", "s", "--column", "close", path)) == lines(timed)


def test_cures_of_names_of_columns_where_the_file_has_them(run_job, tmp_path):
    path = tmp_path / "AA.parquet"
    pd.DataFrame(ROWS, columns=["symbol", "timestamp", "open", "close"]).to_parquet(path)
    failed = run_job(*MEAN, "--columns", "symbol,timestamp,x,price", path)
    assert failed.status == 1 and failed.err.endswith("leave it out, and choose with --column, or --rename\n")
    assert lines(run_job(*MEAN, "--column", "close", path)) == MEANS
    assert lines(run_job(*MEAN, "--rename", "close=price,open=x", "--column", "price", path)) == MEANS


def test_cures_of_zips(run_job, tmp_path, monkeypatch):
    """Of a member with another name than its zip, and of members of several symbols."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("zip.zip", "w") as opened:
        opened.writestr("AA.csv", NO_SYMBOL)
    failed = run_job(*MEAN, "--symbol-from-filename", "zip.zip")
    assert failed.status == 1 and failed.err.endswith("a bar has one symbol; use --symbol NAME\n")
    assert lines(run_job(*MEAN, "--symbol", "AA", "zip.zip")) == MEANS
    with zipfile.ZipFile("zip.zip", "a") as opened:
        opened.writestr("BB.csv", NO_SYMBOL)
    failed = run_job(*MEAN, "--symbol-from-filename", "zip.zip")
    assert failed.status == 1 and failed.err.endswith("unzip it, and give the folder\n")
    with zipfile.ZipFile("zip.zip") as opened:
        opened.extractall("folder")
    unzipped = lines(run_job(*MEAN, "--symbol-from-filename", "folder"))
    assert sorted(unzipped) == sorted([*MEANS, *(line.replace("AA", "BB") for line in MEANS)])


def test_cures_of_choosing_rows(run_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("deep/er").mkdir(parents=True)
    Path("deep/er/AA.csv").write_text(csv())
    failed = run_job(*MEAN, "deep")
    assert failed.status == 1 and failed.err.endswith("name the files, or add --recursive\n")
    assert lines(run_job(*MEAN, "--recursive", "deep")) == MEANS
    warned = run_job("-q", *MEAN, "--symbols", "AA,aa", "deep/er")
    assert lines(warned) == MEANS and "no bar is of aa; check how the inputs write them" in warned.err
    assert run_job("-q", *MEAN, "--symbols", "AA", "deep/er").err == ""
    frame = pd.DataFrame(ROWS, columns=["symbol", "date", "open", "close"]).assign(raw=b"EQ", series="EQ")
    frame.to_parquet("AA.parquet")
    failed = run_job(*MEAN, "--where", "raw=EQ", "AA.parquet")
    assert failed.status == 1 and "--where compares text, numbers and dates; choose another column" in failed.err
    assert lines(run_job(*MEAN, "--where", "series=EQ", "AA.parquet")) == MEANS


def test_cures_of_times_in_two_units(run_job, tmp_path, monkeypatch):
    """Binance's files: milliseconds until 2024, microseconds from 2025, in one folder or joined to one file."""
    monkeypatch.chdir(tmp_path)
    head, *rows = counted(1000, 1000, 10**6, 10**6).splitlines()
    Path("old.csv").write_text("\n".join([head, *rows[:2], ""]))
    Path("new.csv").write_text("\n".join([head, *rows[2:], ""]))
    Path("AA.csv").write_text("\n".join([head, *rows, ""]))
    for inputs in (["old.csv", "new.csv"], ["AA.csv"]):
        for unit in ("us", "ms"):
            failed = run_job(*MEAN, "--time-unit", unit, *inputs)
            assert failed.status == 1 and "leave out --time-unit, and each is read by its magnitude" in failed.err
        assert lines(run_job(*MEAN, *inputs)) == MEANS


def test_cures_of_one_name_in_two_folders(run_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = csv("date,close", columns=(1, 3)).splitlines()
    texts = {"2020/bars.csv": whole[:3], "more/bars.csv": [whole[0], *whole[3:]]}

    def write(*names):
        for name, text in zip(names, texts.values(), strict=True):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text("\n".join([*text, ""]))
        return names

    options = [*MEAN, "--symbol-from-filename"]
    inputs = write(*texts)
    failed = run_job(*options, *inputs)
    assert failed.status == 1 and failed.err.endswith(
        "rename the files, or their folders to symbol=NAME, or, if they are one symbol, use --symbol NAME\n"
    )
    assert lines(run_job(*MEAN, "--symbol", "AA", *inputs)) == MEANS
    apart = ["2020-01-02\t11.0", "2020-01-04\t13.0"]  # the means of 10 and 12, and of 11 and 15
    renamed = run_job(*options, *write("2020/AA.csv", "more/BB.csv"))
    assert sorted(lines(renamed)) == [f"{symbol}\t{line}" for symbol, line in zip(("AA", "BB"), apart, strict=True)]
    moved = run_job(*MEAN, *write("symbol=AA/bars.csv", "symbol=BB/bars.csv"))
    assert sorted(lines(moved)) == sorted(lines(renamed))


def test_cures_of_one_input_without_a_bar(run_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("AA.csv").write_text(csv())
    Path("BB.csv").write_text(csv(rows=[("BB", "soon", 1, 1)]))
    failed = run_job(*MEAN, "--max-bad", "1", "AA.csv", "BB.csv")
    assert failed.status == 1 and failed.err.startswith("error: ") and "BB.csv: none of its" in failed.err
    assert failed.err.endswith("check --columns, --column and --time-format, or leave the input out\n")
    assert lines(run_job(*MEAN, "AA.csv")) == MEANS


def test_cures_of_outputs(run_job, tmp_path):
    path, out, other = tmp_path / "AA.csv", tmp_path / "out", tmp_path / "other"
    path.write_text(csv())
    assert run_job(*MEAN, "-o", out, path).status == 0
    failed = run_job(*MEAN, "-o", out, path)
    assert failed.err.endswith("remove it, or choose another with --output-dir\n")
    assert run_job(*MEAN, "--output-dir", other, path).status == 0
    assert windrow.read_output(other)["sma:2"].tolist() == [11, 11.5, 13]
    failed = run_job(*MEAN, "-o", path / "out", path)
    assert failed.status == 1 and "choose another place with --output-dir" in failed.err
    failed = run_job(*MEAN, "-o", "hdfs:///out", path)
    assert failed.status == 1 and failed.err.endswith("or choose a directory on this machine with --output-dir\n")
    assert run_job(*MEAN, "--output-dir", tmp_path / "third", path).status == 0
    assert windrow.read_output(tmp_path / "third")["sma:2"].tolist() == [11, 11.5, 13]
    with pytest.raises(windrow.errors.WindrowError, match="output-dir"):
        windrow.read_output(tmp_path / "nothing")


def test_cures_of_the_parquet_output(run_job, tmp_path):
    path, out = tmp_path / "AA.csv", tmp_path / "out"
    path.write_text(csv(rows=[(name, f"{day}T09:30:00.000000001", *its) for name, day, *its in ROWS]))
    failed = run_job(*MEAN, "--output-format", "parquet", path)
    assert failed.err.endswith("name a directory with -o DIR\n")
    failed = run_job(*MEAN, "--output-format", "parquet", "-o", out, path)
    assert failed.status == 1 and failed.err.endswith("use parquet-ns, or text\n")
    for kind in ("parquet-ns", "text"):
        assert run_job(*MEAN, "--output-format", kind, "-o", tmp_path / kind, path).status == 0
        assert windrow.read_output(tmp_path / kind)["sma:2"].tolist() == [11, 11.5, 13]


class Followed(MovingAverage):
    """The main job, and a step of mrjob's own behind it."""

    INTERNAL_PROTOCOL = RawValueProtocol

    def steps(self):
        return [*super().steps(), MRStep(mapper=lambda _, line: [(None, line)])]


def test_cures_of_compressed_outputs(run_job, tmp_path):
    path, out = tmp_path / "AA.csv", ["-o", tmp_path / "out"]
    path.write_text(csv())
    asked, parquet = [*MEAN, "--compress", "zstd", path], ["--output-format", "parquet"]
    refused = [
        ([*asked], "--compress zstd: needs files, but lines are printed; name a directory with -o DIR"),
        (
            [*asked, *out, "--cat-output"],
            "--compress zstd: needs files, but lines are printed; name a directory with -o DIR, and leave out"
            " --cat-output",
        ),
        (
            [*asked, *out, *parquet],
            "--compress zstd: is of lines and of CSV; parts of --output-format parquet are compressed as it is; leave"
            " --compress out",
        ),
        (
            [*asked, "-o", "sqlite:///bars.db?table=means"],
            "--compress zstd: compresses files, and sqlite:///bars.db?table=means is a table of a database; leave"
            " --compress out",
        ),
    ]
    for options, says in refused:
        failed = run_job(*options)
        assert failed.status == 2 and failed.err == f"error: {says}\n", failed.err
    failed = run_job(*asked, *out, job=Followed)
    assert failed.status == 2 and failed.err == (
        "error: --compress zstd: this job's last step is one of mrjob's own, which writes lines as they are; leave"
        " --compress out\n"
    )
    assert not (tmp_path / "out").exists()
    assert run_job(*MEAN, *parquet, "-o", tmp_path / "parquet", path).status == 0
    assert run_job(*MEAN, "-o", tmp_path / "followed", path, job=Followed).status == 0
    assert run_job(*asked, *out).status == 0
    for name in ("parquet", "followed", "out"):
        assert windrow.read_output(tmp_path / name)["sma:2"].tolist() == [11, 11.5, 13]
    part = tmp_path / "out/part-00000.zst"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(windrow.errors.InputError, match="test it with `zstd -t`"):
        windrow.read_output(tmp_path / "out")
    assert run_job(*asked, *out, "--force").status == 0
    assert windrow.read_output(tmp_path / "out")["sma:2"].tolist() == [11, 11.5, 13]


@pytest.mark.parametrize(
    ("form", "says"),
    [("text", "something else writes or removes files there; choose another place with --output-dir"),
     ("parquet", "find out what removes it, or choose another place with --output-dir")],
)  # fmt: skip
def test_cures_of_a_folder_that_something_removes(run_job, tmp_path, monkeypatch, form, says):
    path, kernel = tmp_path / "AA.csv", MovingAverage.kernel
    path.write_text(csv())
    (tmp_path / "cleaned").mkdir()

    def cleaned(job):
        for staging in (tmp_path / "cleaned").iterdir():
            shutil.rmtree(staging)
        return kernel(job)

    monkeypatch.setattr(MovingAverage, "kernel", cleaned)
    failed = run_job(*MEAN, "--output-format", form, "-o", tmp_path / "cleaned/out", path)
    assert failed.status == 1 and says in failed.err, failed.err
    assert not any((tmp_path / "cleaned").iterdir())
    assert run_job(*MEAN, "--output-format", form, "--output-dir", tmp_path / "out", path).status == 0
    assert windrow.read_output(tmp_path / "out")["sma:2"].tolist() == [11, 11.5, 13]


def test_cures_of_a_killed_task(run_job, tmp_path, monkeypatch):
    path, here = tmp_path / "AA.csv", os.getpid()
    path.write_text(csv())
    kernel = MovingAverage.kernel

    def killed(job):
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return kernel(job)

    monkeypatch.setattr(MovingAverage, "kernel", killed)
    failed = run_job("-r", "local", *MEAN, path)
    assert failed.status == 1 and "tasks at a time with --num-cores, or make each hold less with --slot" in failed.err
    monkeypatch.undo()
    for cure in (["--num-cores", "1"], ["--slot", "1d"]):
        assert lines(run_job("-r", "local", *MEAN, *cure, path)) == MEANS


#: The tests that follow cures of other rooms; each names its functions.
OTHERS = (
    "commands/test_cures.py", "emr/test_cures.py", "storage/s3/test_cures.py", "storage/test_force.py",
    "streams/test_cures.py",
    "streams/test_kafka.py", "streams/test_load.py", "sinks/test_replay.py", "paper/test_cures.py",
    "paper/test_status.py", "learn/test_cures.py", "learn/test_forecast_cures.py", "jobs/test_larger_bars.py",
    "sql/test_refusals.py", "sql/test_publish.py", "jobs/test_sectors.py", "jobs/test_grid_search.py",
    "market/test_cures.py", "pages/test_market.py", "catalog/test_collect.py", "catalog/test_usage.py",
    "catalog/test_query.py", "catalog/test_ddl.py", "catalog/test_growth_cures.py", "catalog/test_plan.py",
    "jobs/test_portfolio.py",
)  # fmt: skip
#: The cures that no test follows, by function, and why.
LEFT = {
    "bars/layout.py:_only_one": "two columns of one name: tests/bars/test_layout.py",
    "bars/headers.py:contradiction": "the first half of refuse_contradiction's message",
    "bars/layout.py:symbol_of_filename": "no file name leaves nothing before its suffix today",
    "commands/inspect.py:_adjusted": "no error: what --adjusted does, tests/jobs/test_adjusted.py",
    "commands/report.py:collect_usage_pieces": "no error: the usage",
    "commands/report.py:parse_args": "no error: how --bars is parsed",
    "emr/clusters.py:create": "`cluster create` has no --cluster; only Python can give one",
    "emr/clusters.py:terminate": "the cure is a command of AWS's, for what is not windrow's: tests/emr/test_account.py",
    "emr/inputs.py:_bars": "no input is without a line and yet has a header; a plan asks for the header first",
    "emr/logs.py:explain_step": "the cure is a setting of a new cluster's, or time",
    "jobs/normalize.py:task_arguments": "no error: what tasks get",
    "jobs/sequences.py:task_arguments": "no error: what tasks get",
    "mapreduce/barjob.py:sliced_kernel": "for jobs of other people: tests/mapreduce/test_slices.py",
    "pages/market/forecasts.py:_lines": "an output of other forecasts is the cure: tests/pages/test_market.py",
    "runners/emr.py:_check_regions": "-r emr needs the emulator with Hadoop: tests/runners/emr/test_failures.py",
    "pages/report/results.py:parts": "of a page: tests/frames/test_forms.py",
    "runners/emr.py:_how_to_see": "the step of a run on EMR; `windrow emr logs` itself: tests/emr/test_account.py",
    "runners/emr.py:run_attempts": "a cluster lost amid a job: tests/runners/emr/test_failures.py",
    "runners/emr_cluster.py:region": "-r emr needs the emulator with Hadoop: tests/runners/emr/test_failures.py",
    "runners/hadoop.py:_list": "-r hadoop: tests/cluster/test_rows.py",
    "runners/hadoop.py:_taken": "-r hadoop: tests/cluster/test_failures.py",
    "runners/pack.py:_installed_files": "the cure installs a package from an index",
    "runners/pack.py:how_to_use": "-r hadoop: tests/cluster/test_jobs.py",
    "runners/spark.py:__init__": "-r spark: tests/runners/test_spark.py",
    "runners/spark.py:_check_parts": "tasks of Spark on other machines",
    "runners/spark.py:_submit_arguments": "no error: what spark-submit gets",
    "runners/spark_tasks.py:_run": "no error: what a task gets",
    "market/options.py:task_arguments": "no error: what tasks get",
    "market/portfolios.py:task_arguments": "no error: what tasks get",
    "trading/portfolio.py:_fixed": "no error: an option in that of `check`",
    "catalog/growth/options.py:task_arguments": "no error: what tasks get",
    "catalog/plan.py:_advice": "no error: the plan",
    "sessions.py:_sessions": "jobs ask for the years that are known: tests/test_sessions.py",
    "sinks/replay.py:_left_out": "a note: tests/sinks/test_replay.py",
    "storage/publish.py:_described_parts": "needs another process that removes a folder just then",
    "storage/s3/writing.py:_complete": "needs another process that writes there: tests/storage/s3/test_writing.py",
    "sweeps/runs.py:longer": "of a warning: tests/trading/test_orders.py",
    "trading/notices.py:_without_a_trade": "a warning: tests/trading/test_orders.py",
    "trading/notices.py:unadjusted": "a note: tests/jobs/test_adjusted.py",
    "windows/ema.py:skip": "averages that meet no more: tests/windows/test_ema.py",
}
#: What the tests of this file that are not of the table follow.
BESIDE_THE_TABLE = {
    "feeds/settle.py:_refuse_columns", "feeds/settle.py:_settle_members",
    "bars/layout.py:refuse_one_name_in_many_folders", "feeds/parquet.py:_floats",
    "mapreduce/submission.py:_check_table", "mapreduce/submission.py:_check_compress",
    "mapreduce/submission.py:_needs_files", "sinks/parquet.py:_too_fine", "frames/outputs.py:_no_output",
    "frames/outputs.py:_parts", "storage/local.py:_cannot_make", "storage/local.py:refuse_taken",
    "storage/hdfs/source.py:refuse_unwritable", "storage/part.py:refuse_gone", "mapreduce/parts.py:check_parts",
    "runners/tasks.py:_reap", "mapreduce/accounts.py:_absent", "feeds/parquet.py:_selected",
    "storage/local.py:_files_of",
}  # fmt: skip


def naming_options():
    """The functions whose errors, or cures that they return, name an option: `module:function`."""
    for path in sorted([*(ROOT / "windrow").rglob("*.py"), *(ROOT / "jobs").glob("*.py")]):
        place = path.relative_to(ROOT).as_posix().removeprefix("windrow/")
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(map(names_an_option, ast.walk(function))):
                yield f"{place}:{function.name}"


def names_an_option(node):
    """Whether it raises, or has, returns or yields as a cure, a text with an option in it."""
    if not isinstance(node, ast.Raise | ast.Return | ast.Assign | ast.Yield):
        return False
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(re.search(r"(?<![-\w])--[a-z]", part) for part in parts)


def test_every_error_that_names_an_option_is_followed_or_left_for_a_reason():
    named = set(naming_options())
    others = (re.findall(r"\b[\w/]+\.py:\w+", (TESTS / name).read_text()) for name in OTHERS)
    followed = {name.partition(" ")[0] for name in CASES}.union(BESIDE_THE_TABLE, *others)
    assert named - followed - LEFT.keys() == set(), "add the message's cure to CASES"
    assert LEFT.keys() <= named and not LEFT.keys() & followed
    assert named >= BESIDE_THE_TABLE


@pytest.mark.parametrize("reason", LEFT.values())
def test_the_tests_that_are_named_instead_exist(reason):
    assert all((ROOT / path).exists() for path in re.findall(r"tests/[\w/]+\.py", reason))
