"""vectorbt: python vectorbt_sweep.py BARS OUT FAST.. SLOW..   (windows of simple averages, as 5-23 24-47)

Writes SYMBOL, fast, slow, return and closed trades. Prints the seconds from prices in memory to returns, after a first
round that compiles.
"""

import sys
import time
from itertools import product

import numpy as np
import pandas as pd
import vectorbt as vbt

#: Symbols that are taken at once: more take more memory and are no quicker.
BATCH = 1


def main(bars, out, *axes):
    fast, slow = (list(range(int(first), int(last) + 1)) for first, last in (axis.split("-") for axis in axes))
    pairs = np.array(list(product(fast, slow)))
    closes = pd.read_csv(bars, parse_dates=["timestamp"]).pivot(index="timestamp", columns="symbol", values="close")
    sweep(closes.iloc[:, :BATCH], pairs)
    begin = time.perf_counter()
    found = [sweep(closes.iloc[:, at : at + BATCH], pairs) for at in range(0, closes.shape[1], BATCH)]
    print(time.perf_counter() - begin)
    with open(out, "w") as file:
        for returns, trades in found:
            for (fast, slow, symbol), value, count in zip(returns.index, returns, trades, strict=True):
                file.write(f"{symbol}\t{fast}\t{slow}\t{value}\t{count}\n")


def sweep(closes, pairs):
    """Returns, and closed trades, of each pair and symbol: all cash in where fast crosses above slow, out below."""
    fast = vbt.MA.run(closes, window=pairs[:, 0], short_name="fast")
    slow = vbt.MA.run(closes, window=pairs[:, 1], short_name="slow")
    bought, sold = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    portfolio = vbt.Portfolio.from_signals(closes, bought, sold, freq="1D")
    return portfolio.total_return(), portfolio.trades.closed.count()


if __name__ == "__main__":
    main(*sys.argv[1:])
