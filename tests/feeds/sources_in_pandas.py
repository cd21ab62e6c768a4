"""How pandas reads each file of sources/, told everything by hand: nothing of windrow, and nothing that pandas guesses.

Most are comma-separated tables with a header; `table` has what they share, and each file tells where it differs.
"""

import json
import zipfile
from pathlib import Path

import pandas as pd

DAY, DOTTED, COMPACT = "%Y-%m-%d", "%Y.%m.%d", "%Y%m%d"
SECOND = "%Y-%m-%d %H:%M:%S"
ISO = "%Y-%m-%dT%H:%M:%S.%fZ"


def table(time="Date", form=DAY, close="Close", symbol=None, read=None, **options):
    """What `bars` needs to know of a file: a frame's time, close and symbol, and how pandas reads the frame.

    Times have a format or, as counts since 1970, a unit, or a unit for each row. Several columns of time are joined by
    spaces. A symbol is a column's name, and "X" where there is none; a dict has a column of closes for each symbol.
    """
    times = time if isinstance(time, list) else [time]
    texts = dict.fromkeys([*times, *([] if symbol is None else [symbol])], str)
    told = {"sep": ",", "header": 0, "index_col": False, "encoding": "utf-8"}
    read = read or (lambda path: pd.read_csv(path, **{**told, "dtype": texts, **options}))
    return times, form, close, symbol, read


def klines(form="ms", **options):
    return table(0, form, 4, header=None, **options)


def stooq(**options):
    return table(["<DATE>", "<TIME>"], "%Y%m%d %H%M%S", "<CLOSE>", "<TICKER>", **options)


def metatrader(**options):
    return table(["<DATE>", "<TIME>"], f"{DOTTED} %H:%M:%S", "<CLOSE>", sep="\t", **options)


def yfinance(close):
    """Two rows of header above the index's name; the index becomes a column again."""
    told = {"sep": ",", "header": [0, 1], "index_col": 0, "encoding": "utf-8"}
    return table("Date", DAY, close, read=lambda path: pd.read_csv(path, **told).rename_axis("Date").reset_index())


def members(path):
    """A zip's files, one below the other."""
    with zipfile.ZipFile(path) as opened:
        texts = {"<DATE>": str, "<TIME>": str, "<TICKER>": str}
        frames = [pd.read_csv(opened.open(name), sep=",", header=0, dtype=texts) for name in opened.namelist()]
    return pd.concat(frames, ignore_index=True)


def objects(path):
    """JSON's objects: pd.read_json makes dates of columns by their names."""
    return pd.json_normalize(json.loads(path.read_text()))


def values(path):
    """The bars in Twelve Data's answer."""
    return pd.json_normalize(json.loads(path.read_text()), record_path="values").astype({"close": float})


def json_lines(path):
    return pd.json_normalize([json.loads(line) for line in path.read_text().splitlines()])


def dollars(text):
    return float(text.replace("$", ""))


def billionths(text):
    return int(text) / 10**9


MANY = {"AAA": ("Close", "AAA"), "BBB": ("Close", "BBB")}
TICKERS = {"AAA": ("AAA", "Close"), "BBB": ("BBB", "Close")}
TABLES = {
    "yahoo.csv": table(),
    "yfinance.csv": yfinance({"AAA": ("Close", "AAA")}),
    "yfinance-many.csv": yfinance(MANY),
    "yfinance-tickers.csv": yfinance(TICKERS),
    "yfinance-old.csv": table("Date", close={"AAA": "Close"}, skiprows=1),
    "wide.csv": table(close={"AAA": "AAA", "BBB": "BBB"}),
    "stooq.csv": table(),
    "stooq-bulk.txt": stooq(),
    "stooq-minutes.txt": stooq(),
    "stooq-bulk.zip": stooq(read=members),
    "metatrader4.csv": table([0, 1], f"{DOTTED} %H:%M", 5, header=None),
    "metatrader5.csv": metatrader(),
    "metatrader5-unicode.csv": metatrader(encoding="utf-16"),
    "finam.csv": stooq(sep=";"),
    "finam-slashes.csv": table(["<DATE>", "<TIME>"], "%d/%m/%y %H:%M", "<CLOSE>", "<TICKER>", sep=";"),
    "binance-2024.csv": klines(),
    "binance-2025.csv": klines("us"),
    "binance-joined.csv": klines(["ms", "us", "us"]),
    "binance-klines.zip": klines(compression="zip"),
    "cryptodatadownload.csv": table("unix", "ms", "close", "symbol", skiprows=1),
    "cryptodatadownload-hours.csv": table("Date", "%Y-%m-%d %I-%p", symbol="Symbol", skiprows=1),
    "nasdaq.csv": table("Date", "%m/%d/%Y", "Close/Last", converters={"Close/Last": dollars}),
    "investing.csv": table("Date", "%m/%d/%Y", "Price"),
    "investing-names.csv": table("Date", "%b %d, %Y", "Price", thousands=","),
    "nse.csv": table("Date ", "%d-%b-%Y", "close ", thousands=","),
    "nse-bhavcopy.csv": table("TIMESTAMP", "%d-%b-%Y", "CLOSE", "SYMBOL"),
    "tushare.csv": table("trade_date", COMPACT, "close", "ts_code"),
    "krx.csv": table("Date", "%Y/%m/%d", thousands=","),
    "crsp.csv": table("date", COMPACT, "PRC", "TICKER"),
    "databento-pretty.csv": table("ts_event", ISO, "close", "symbol"),
    "databento.csv": table("ts_event", "ns", "close", "symbol", converters={"close": billionths}),
    "polygon.csv": table("window_start", "ns", "close", "ticker"),
    "pandas-index.csv": table("Unnamed: 0", SECOND, "close"),
    "alphavantage.csv": table("timestamp", close="close"),
    "tiingo.csv": table("date", ISO, "close"),
    "quandl.csv": table(),
    "kaggle-sp500.csv": table("date", close="close", symbol="Name"),
    "kaggle-stocks.us.txt": table(),
    "coinbase.csv": table("time", "s", "close"),
    "kraken.csv": klines("s"),
    "bitstamp.csv": table("unix", "s", "close", "symbol", skiprows=1),
    "dukascopy.csv": table("Gmt time", "%d.%m.%Y %H:%M:%S.%f"),
    "histdata.csv": klines("%Y%m%d %H%M%S", sep=";"),
    "tradingview.csv": table("time", "s", "close"),
    "tradingview-iso.csv": table("time", "%Y-%m-%dT%H:%M:%S%z", "close"),
    "interactive-brokers.csv": table("date", "%Y%m%d %H:%M:%S", "close"),
    "eodhd.csv": table(),
    "marketwatch.csv": table("Date", "%m/%d/%Y", thousands=","),
    "wsj.csv": table("Date", "%m/%d/%y", skipinitialspace=True),
    "coingecko.csv": table("snapped_at", f"{SECOND} UTC", "price"),
    "euronext.csv": table("Date", "%d/%m/%Y", sep=";", skiprows=1),
    "german-bank.csv": table("Date", "%d.%m.%Y", sep=";", decimal=",", thousands="."),
    "thinkorswim.csv": table("Time", "%m/%d/%Y %I:%M %p", sep="|"),
    "twelvedata.json": table("datetime", close="close", read=values),
    "tiingo.json": table("date", ISO, "close", read=objects),
    "pandas.jsonl": table("date", "ms", "close", read=json_lines),
    "pandas.feather": table("date", None, "close", read=pd.read_feather),
    "fred.csv": table("observation_date", close="DGS10", na_values="."),
}


def moments(texts, form):
    """Times in UTC: of dates already, of texts in a format, or of counts in a unit or in a unit for each row."""
    if form is None:
        return texts.dt.tz_localize("UTC")
    if isinstance(form, list):
        pairs = zip(texts, form, strict=True)
        return pd.Series([pd.to_datetime(int(text), unit=unit, utc=True) for text, unit in pairs])
    if "%" in form:
        return pd.to_datetime(texts, format=form, utc=True)
    return pd.to_datetime(texts.astype("int64"), unit=form, utc=True)


def bars(path: Path) -> list[tuple[str, str, float]]:
    """Symbols, times and closes in order; times of midnight are dates. Where there is no close, there is no bar."""
    times, form, close, symbol, read = TABLES[path.name]
    frame = read(path)
    texts = frame[times[0]] if len(times) == 1 else frame[times].agg(" ".join, axis=1)
    told = moments(texts, form)
    closes = close if isinstance(close, dict) else {"X": close}
    parts = [
        pd.DataFrame({"symbol": name if symbol is None else frame[symbol], "time": told, "close": frame[column]})
        for name, column in closes.items()
    ]
    table = pd.concat(parts).dropna().sort_values(["symbol", "time"])
    return [
        (symbol, time.strftime(DAY if time == time.normalize() else "%Y-%m-%dT%H:%M:%SZ"), float(close))
        for symbol, time, close in table.itertuples(index=False)
    ]
