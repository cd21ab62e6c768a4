"""Files in the exact layouts of the field's sources: read with the options that docs/inputs.md names, and right.

The values are made up. What each file means is written here by hand, and pandas, told everything, agrees.
"""

import codecs
import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from tests.feeds import sources_in_pandas
from windrow.bars.layout import symbol_of_filename
from windrow.frames.outputs import read_output

SOURCES = Path(__file__).parent / "sources"
DAYS = ["2023-01-12", "2023-01-13", "2023-01-17"]
MINUTES = ["2023-01-12T15:35:00Z", "2023-01-12T15:40:00Z", "2023-01-12T15:45:00Z"]
CLOSES = [36.6, 36.5, 37.25]


class Source(NamedTuple):
    """A file, its bars in the order of the output, written by hand, and the options that it is read with."""

    name: str
    times: list[str]
    closes: list[float]
    symbols: list[str] | str = "X"
    options: str = ""


MORE = [1036.6, 1036.5, 1037.25]
ALL = [
    Source("yahoo.csv", DAYS, CLOSES),
    Source("yfinance.csv", DAYS, CLOSES, "AAA"),
    Source("yfinance-many.csv", [*DAYS, *DAYS[1:]], [*CLOSES, 136.5, 137.25], [*["AAA"] * 3, *["BBB"] * 2]),
    Source("yfinance-tickers.csv", [*DAYS, *DAYS[1:]], [*CLOSES, 136.5, 137.25], [*["AAA"] * 3, *["BBB"] * 2]),
    Source("yfinance-old.csv", DAYS, CLOSES, "AAA"),
    Source("wide.csv", [*DAYS, *DAYS[1:]], [*CLOSES, 136.5, 137.25], [*["AAA"] * 3, *["BBB"] * 2], "--wide close"),
    Source("stooq.csv", DAYS, CLOSES),
    Source("stooq-bulk.txt", DAYS, CLOSES, "AAA.US"),
    Source("stooq-minutes.txt", MINUTES, CLOSES, "AAA.US"),
    Source("metatrader4.csv", MINUTES, CLOSES, options="--columns date,time,open,high,low,close,volume"),
    Source("metatrader5.csv", MINUTES, CLOSES),
    Source("finam.csv", MINUTES, CLOSES, "AAA"),
    Source("finam-slashes.csv", DAYS, CLOSES, "AAA"),
    Source("binance-2024.csv", MINUTES, CLOSES),
    Source("binance-2025.csv", MINUTES, CLOSES),
    Source("binance-joined.csv", MINUTES, CLOSES, options="--columns open_time,open,high,low,close,volume,a,b,c,d,e,f"),
    Source("cryptodatadownload.csv", MINUTES, CLOSES, "AAA/USD"),
    Source("cryptodatadownload-hours.csv", [f"2023-01-12T{hour}:00:00Z" for hour in (13, 14, 15)], CLOSES, "AAAUSD"),
    Source("nasdaq.csv", DAYS, CLOSES),
    Source("investing.csv", DAYS, CLOSES),
    Source("investing-names.csv", DAYS, MORE),
    Source("nse.csv", DAYS[1:], MORE[1:]),
    Source("nse-bhavcopy.csv", [DAYS[0]] * 2, CLOSES[:2], ["AAA", "BBB"]),
    Source("tushare.csv", DAYS, CLOSES, "000001.SZ"),
    Source("krx.csv", DAYS, [36600.0, 36500.0, 37250.0]),
    Source("crsp.csv", DAYS, CLOSES, "AAA", "--column prc"),
    Source("databento-pretty.csv", MINUTES, CLOSES, "AAA"),
    Source("databento.csv", MINUTES, CLOSES, "AAA", "--scale close=1e-9"),
    Source("polygon.csv", MINUTES, CLOSES, "AAA"),
    Source("pandas-index.csv", MINUTES, CLOSES),
    Source("alphavantage.csv", DAYS, CLOSES),
    Source("tiingo.csv", DAYS, CLOSES),
    Source("quandl.csv", DAYS, CLOSES),
    Source("kaggle-sp500.csv", [*DAYS[:2], DAYS[0]], [36.6, 36.5, 136.6], ["AAA", "AAA", "BBB"]),
    Source("kaggle-stocks.us.txt", DAYS, CLOSES),
    Source("coinbase.csv", MINUTES, CLOSES),
    Source("kraken.csv", MINUTES, CLOSES, options="--columns time,open,high,low,close,volume,trades"),
    Source("bitstamp.csv", MINUTES, CLOSES, "AAA/USD"),
    Source("dukascopy.csv", MINUTES, CLOSES),
    Source("histdata.csv", MINUTES, CLOSES, options="--columns time,open,high,low,close,volume"),
    Source("tradingview.csv", MINUTES, CLOSES),
    Source("tradingview-iso.csv", MINUTES, CLOSES),
    Source("interactive-brokers.csv", MINUTES, CLOSES),
    Source("eodhd.csv", DAYS, CLOSES),
    Source("marketwatch.csv", DAYS, MORE),
    Source("wsj.csv", DAYS, CLOSES),
    Source("coingecko.csv", DAYS, CLOSES),
    Source("euronext.csv", DAYS, CLOSES),
    Source("german-bank.csv", DAYS, MORE),
    Source(
        "thinkorswim.csv", ["2023-01-12T09:35:00Z", "2023-01-12T09:40:00Z", "2023-01-13T13:45:00Z"], CLOSES,
    ),
    Source("metatrader5-unicode.csv", MINUTES, CLOSES),
    Source("binance-klines.zip", MINUTES, CLOSES, options="--columns open_time,open,high,low,close,volume,a,b,c,d,e,f"),
    Source("stooq-bulk.zip", DAYS * 2, CLOSES * 2, ["AAA.US"] * 3 + ["BBB.US"] * 3),
    Source("twelvedata.json", DAYS, CLOSES),
    Source("tiingo.json", DAYS, CLOSES),
    Source("pandas.jsonl", MINUTES, CLOSES),
    Source("pandas.feather", MINUTES, CLOSES),
    Source("fred.csv", DAYS, [3.43, 3.49, 3.53], options="--column dgs10 --max-missing 0.5"),
]  # fmt: skip


def lines(source):
    """The lines of a moving average of one bar."""
    symbols = [source.symbols] * len(source.times) if isinstance(source.symbols, str) else source.symbols
    return [
        f"{symbol}\t{time}\t{close!r}".encode()
        for symbol, time, close in zip(symbols, source.times, source.closes, strict=True)
    ]


@pytest.mark.parametrize("source", ALL, ids=[source.name for source in ALL])
@pytest.mark.parametrize("runner", ["inline", pytest.param("local", marks=pytest.mark.full)])
def test_a_source_is_read_right(run_job, runner, source):
    symbol = ["--symbol", "X"] if source.symbols == "X" else []
    ran = run_job("-r", runner, "--window", "1", *source.options.split(), *symbol, SOURCES / source.name)
    assert (ran.status, ran.lines) == (0, lines(source)), ran.err


@pytest.mark.parametrize("source", ALL, ids=[source.name for source in ALL])
def test_pandas_told_everything_agrees(source):
    bars = sources_in_pandas.bars(SOURCES / source.name)
    assert [f"{symbol}\t{time}\t{close!r}".encode() for symbol, time, close in bars] == lines(source)


def together():
    """The sources without options of their own, in sets that one job can read: those of dates, and those of times.

    Symbols that no file has are the files' names. Sources of one symbol may agree on a bar, not differ.
    """
    groups = []
    for source in ALL:
        if source.options:
            continue
        mine = {tuple(line.rsplit(b"\t", 1)) for line in lines(named(source))}
        keys = dict(mine)
        for kind, members, bars in groups:
            if kind == len(source.times[0]) and all(bars.get(key, keys[key]) == keys[key] for key in keys):
                members.append(source.name)
                bars |= keys
                break
        else:
            groups.append((len(source.times[0]), [source.name], keys))
    return [(names, sorted(b"\t".join(bar) for bar in bars.items())) for _, names, bars in groups]


def named(source):
    """A source whose symbol is its file's name where the file has none."""
    return source._replace(symbols=symbol_of_filename(source.name)) if source.symbols == "X" else source


def test_sources_are_read_together_here(run_job):
    groups = together()
    assert sum(len(names) > 5 for names, _ in groups) >= 2  # of dates, and of times
    for names, expected in groups:
        for runner in ("inline", "local"):
            ran = run_job(
                "-q", "-r", runner, "--window", "1", "--symbol-from-filename", *(SOURCES / name for name in names)
            )
            assert (ran.status, sorted(ran.lines)) == (0, expected), ran.err


def test_every_file_is_tried():
    assert {path.name for path in SOURCES.iterdir()} == {source.name for source in ALL} and len(ALL) > 40


def first_line(path):
    """Of a zip, that of its first member; of columns, their names."""
    if path.suffix == ".feather":
        return ", ".join(pd.read_feather(path).columns)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as opened:
            return opened.read(opened.namelist()[0]).decode().splitlines()[0]
    text = path.read_bytes()
    return text.decode("utf-16" if text.startswith(codecs.BOM_UTF16_LE) else "utf-8").splitlines()[0]


def test_the_page_has_each_source_and_its_command():
    page = (SOURCES.parents[2] / "docs/inputs.md").read_text()
    for source in ALL:
        symbol = "--symbol X " if source.symbols == "X" else ""
        options = f"{source.options} " if source.options else ""
        first = first_line(SOURCES / source.name)[:100]
        assert f"\n{first}" in page and f"windrow moving-average {options}{symbol}{source.name}\n" in page


def test_a_wide_table_in_parquet(run_job, tmp_path):
    source = next(source for source in ALL if source.name == "wide.csv")
    frame = pd.read_csv(SOURCES / source.name, index_col=0, parse_dates=True)
    frame.to_parquet(tmp_path / "wide.parquet")
    ran = run_job("-q", "--window", "1", "--wide", "close", tmp_path / "wide.parquet")
    assert (ran.status, ran.lines) == (0, lines(source)), ran.err


def test_forms_are_told_once_and_written_beside_the_output(run_job, tmp_path):
    for name in ("AAA.csv", "BBB.csv"):
        (tmp_path / name).write_text(f"<TICKER>;<DATE>;<CLOSE>\n{name[:3]};31/01/23;1,5\n")
    (tmp_path / "CCC.csv").write_text("symbol,date,close\nCCC,2023-01-31,1.5\n")
    ran = run_job("--window", "1", "-o", tmp_path / "out", tmp_path)
    form = f"{tmp_path}/AAA.csv and 1 more: ';' between fields, times as dd/mm/yy, numbers as 1234,5"
    assert ran.status == 0 and [line for line in ran.err.splitlines() if "between" in line] == [form]
    assert json.loads((tmp_path / "out/_windrow.json").read_text())["forms"] == [form]
    frame = read_output(tmp_path / "out")
    assert frame["sma:1"].tolist() == [1.5] * 3 and set(frame["timestamp"]) == {pd.Timestamp("2023-01-31")}
    assert run_job("-q", "--window", "1", tmp_path / "AAA.csv").err == ""
