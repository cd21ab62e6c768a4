"""Outputs of backtests and sweeps to report on: by the jobs, and by hand where no job would write such."""

import base64
import json
import shutil

import numpy as np
import pandas as pd

from sort_keys.keys import encode_symbol
from windrow.cli import main
from windrow.pages.series import Series

READING = {
    "values": ["close", "open"], "columns": [], "symbol": None, "symbol_from_filename": False, "timezone": "UTC",
    "time_unit": None, "delimiter": None, "skip_lines": None, "encoding": None, "time_format": None,
    "decimal": None, "thousands": None, "scale": [], "adjusted": False, "rename": [], "time_columns": [],
    "symbol_column": None, "wide": None, "symbols": [], "since": None, "until": None, "where": [],
    "recursive": False, "symbol_from_path": None,
    "on_conflict": "fail",
}  # fmt: skip
DAY = 86_400 * 10**9
HOSTILE = ["</script><img src=x onerror=alert(1)>", '=HYPERLINK("http://x")', "{{data}}&quot;'\\", "a\tb%0A é 📈 <!--"]

#: Symbols that are names of what every object of JavaScript has, line ends to JavaScript, or no value to others.
INHERITED = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf", "\u2028", "a\u2029b", "null", "NaN"]


def bars_of(symbols=("AAA", "AAB"), bars=60, start="2024-01-01", step="1D"):
    """Bars of waves, each symbol's higher than the one before's."""
    times = pd.date_range(start, periods=bars, freq=step)
    frames = []
    for number, symbol in enumerate(symbols):
        close = np.round(100 + 10 * number + 8 * np.sin(np.arange(bars) / 5) + np.arange(bars) % 3 / 10, 2)
        opens = np.round(np.roll(close, 1), 2)
        high, low = np.maximum(opens, close) + 0.5, np.minimum(opens, close) - 0.5
        columns = {"open": opens, "high": high, "low": low, "close": close}
        frames.append(pd.DataFrame({"symbol": symbol, "timestamp": times, **columns}))
    return pd.concat(frames, ignore_index=True)


def unpacked(column):
    """What the page's script makes of a packed column."""
    kinds = {"i1": "<i1", "i2": "<i2", "i4": "<i4", "f8": "<f8"}
    raw = np.frombuffer(base64.b64decode(column["base64"]), kinds[column["kind"]])
    if column["kind"] == "f8":
        return raw
    return np.where(raw == np.iinfo(raw.dtype).min, np.nan, raw / 10.0 ** column["digits"])


def series_of(frame, price="close"):
    prices = {name: frame[name].to_numpy(float) for name in ("open", "high", "low", "close") if name in frame}
    times = frame["timestamp"].astype("datetime64[ns]").astype("int64").to_numpy()
    return Series(frame["symbol"].iloc[0], times, prices, price, True, "bars.csv")


def figures(**others):
    """A backtest's line, with a Sharpe ratio that is undefined."""
    line = {
        "fast": "ema:7", "slow": "ema:21",
        "pnl": 83.0, "final_value": 100083.0, "trades_total": 15, "trades_open": 1, "trades_closed": 14, "won": 7,
        "lost": 7, "win_rate": 0.5, "win_streak": 2, "lose_streak": 2, "closed_pnl": -71.0, "sharpe": None,
        "sortino": -0.9753, "sqn": 0.186805, "max_drawdown": 0.004468, "max_drawdown_money": 449.0,
        "longest_drawdown_bars": 168, "return": 0.00083, "exposure": 0.9173, "turnover": 1.0398, "buy_and_hold": 0.0506,
    }  # fmt: skip
    return {**line, **others, "undefined": {"sharpe": "a single calendar year"}}


class Outputs:
    """Writes outputs, and the bars they are of, into a folder."""

    def __init__(self, folder):
        self.folder = folder

    def bars(self, frame, name="bars.csv"):
        """The path of a file of bars."""
        frame.to_csv(self.folder / name, index=False)
        return str(self.folder / name)

    def output(self, job, lines, name=None, orders=(), equity=(), trades=(), **description):
        """A job's directory by hand: lines are (symbol, figures), the others rows of (symbol, field, ...)."""
        place = self.folder / (name or job)
        place.mkdir()
        lines_of = {"fast": "ema:7", "slow": "ema:21"}
        description = {"windrow": 1, "job": f"jobs.{job}", "reading": READING, **lines_of, **description}
        (place / "_windrow.json").write_text(json.dumps(description))
        rows = [(symbol, json.dumps(line)) for symbol, line in lines]
        for suffix, part in (("", rows), ("-orders", orders), ("-trades", trades), ("-equity", equity)):
            if part:
                encoded = ("\t".join([encode_symbol(row[0]).decode(), *map(str, row[1:])]) + "\n" for row in part)
                (place / f"part-00000{suffix}").write_text("".join(encoded))
        return place

    def backtest(self, frame, name="backtest", **description):
        """A backtest's directory by hand, of every symbol: a buy at the fourth bar, a sale at the sixth, values."""
        rows = [(symbol, its) for symbol, its in frame.groupby("symbol", sort=False)]
        day = [(symbol, its["timestamp"].dt.strftime("%Y-%m-%d").tolist(), its) for symbol, its in rows]
        orders = [
            (symbol, days[at], side, size, its["open"].iloc[at], "filled")
            for symbol, days, its in day
            for at, side, size in ((3, "buy", 100.0), (5, "sell", 200.0))
        ]
        equity = [
            (symbol, at, 100_000 + number, 100_000.5 + number)
            for symbol, days, _ in day
            for number, at in enumerate(days)
        ]
        return self.output("backtest", [(symbol, figures()) for symbol, _ in rows], name, orders, equity, **description)

    def run(self, job, *args):
        """A directory that a job itself writes."""
        place = self.folder / f"{job}{len(list(self.folder.iterdir()))}"
        assert main([job, "--quiet", "-o", str(place), *map(str, args)]) == 0
        return place

    def forgetting_rules(self, place):
        """A copy of an output that does not tell its rules, as those from before there were any."""
        copy = self.folder / f"{place.name}-older"
        shutil.copytree(place, copy)
        described = json.loads((place / "_windrow.json").read_text())
        del described["rules"]
        (copy / "_windrow.json").write_text(json.dumps(described))
        return copy
