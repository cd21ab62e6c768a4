"""pandas: python pandas_query.py one|three BARS OUT"""

import sys

import pandas as pd


def one(bars):
    bars = pd.read_csv(bars, usecols=["symbol", "timestamp", "close"], engine="pyarrow")
    bars = bars.sort_values(["symbol", "timestamp"], ignore_index=True)
    bars["sma20"] = bars.groupby("symbol")["close"].rolling(20).mean().to_numpy()
    return bars[["symbol", "timestamp", "sma20"]].dropna()


def three(bars):
    bars = pd.read_csv(bars, usecols=["symbol", "timestamp", "close"], engine="pyarrow", parse_dates=["timestamp"])
    bars = bars.sort_values(["symbol", "timestamp"], ignore_index=True)
    return pd.concat(indicators(series) for _, series in bars.groupby("symbol"))


def indicators(series):
    """The three of one symbol's bars, in order of time."""
    close = series.set_index("timestamp")["close"]
    seeded = close.iloc[11:].copy()
    seeded.iloc[:1] = close.iloc[:12].mean()
    columns = {
        "sma20": close.rolling(20).mean(),
        "ema12": seeded.ewm(alpha=2 / 13, adjust=False).mean(),
        "sma30d": close.rolling("30D").mean().where(close.index >= close.index[0] + pd.Timedelta(days=30)),
    }
    averages = pd.DataFrame(columns).iloc[11:].reset_index()
    averages.insert(0, "symbol", series["symbol"].iloc[0])
    return averages


def main(work, bars, out):
    {"one": one, "three": three}[work](bars).to_csv(out, sep="\t", header=False, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
