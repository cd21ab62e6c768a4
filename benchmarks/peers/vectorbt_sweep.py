"""vectorbt: python vectorbt_sweep.py BARS OUT FAST.. SLOW.. [figures]   (windows of simple averages, as 5-23 24-47)

Writes SYMBOL, fast, slow, return and closed trades; `figures`: those of windrow's figures that it has are computed too.
Prints the seconds from prices in memory to all of these, after a first round that compiles.
"""

import sys
import time
from itertools import product

import numpy as np
import pandas as pd
import vectorbt as vbt

#: Symbols that are taken at once: more take more memory and are no quicker.
BATCH = 1


def main(bars, out, *axes, more=()):
    if axes[2:] == ("figures",):
        axes, more = axes[:2], FIGURES
    fast, slow = (list(range(int(first), int(last) + 1)) for first, last in (axis.split("-") for axis in axes))
    pairs = np.array(list(product(fast, slow)))
    closes = pd.read_csv(bars, parse_dates=["timestamp"]).pivot(index="timestamp", columns="symbol", values="close")
    sweep(closes.iloc[:, :BATCH], pairs, more)
    begin = time.perf_counter()
    found = [sweep(closes.iloc[:, at : at + BATCH], pairs, more) for at in range(0, closes.shape[1], BATCH)]
    print(time.perf_counter() - begin)
    with open(out, "w") as file:
        for returns, trades in found:
            for (fast, slow, symbol), value, count in zip(returns.index, returns, trades, strict=True):
                file.write(f"{symbol}\t{fast}\t{slow}\t{value}\t{count}\n")


def sweep(closes, pairs, more):
    """Returns, and closed trades, of each pair and symbol: all cash in where fast crosses above slow, out below."""
    fast = vbt.MA.run(closes, window=pairs[:, 0], short_name="fast")
    slow = vbt.MA.run(closes, window=pairs[:, 1], short_name="slow")
    bought, sold = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    portfolio = vbt.Portfolio.from_signals(closes, bought, sold, freq="1D")
    for figure in more:
        figure(portfolio)
    return portfolio.total_return(), portfolio.trades.closed.count()


#: What vectorbt computes of all runs at once, and windrow writes by default.
FIGURES = (
    lambda portfolio: portfolio.annualized_return(),
    lambda portfolio: portfolio.annualized_volatility(),
    lambda portfolio: portfolio.sharpe_ratio(),
    lambda portfolio: portfolio.sortino_ratio(),
    lambda portfolio: portfolio.calmar_ratio(),
    lambda portfolio: portfolio.max_drawdown(),
    lambda portfolio: portfolio.drawdowns.avg_drawdown(),
    lambda portfolio: portfolio.drawdowns.max_duration(),
    lambda portfolio: portfolio.alpha(),
    lambda portfolio: portfolio.beta(),
    lambda portfolio: portfolio.position_coverage(),
    lambda portfolio: portfolio.trades.closed.win_rate(),
    lambda portfolio: portfolio.trades.closed.profit_factor(),
    lambda portfolio: portfolio.trades.closed.expectancy(),
    lambda portfolio: portfolio.trades.closed.sqn(),
    lambda portfolio: portfolio.trades.closed.returns.max(),
    lambda portfolio: portfolio.trades.closed.returns.min(),
    lambda portfolio: portfolio.trades.closed.returns.mean(),
    lambda portfolio: portfolio.trades.closed.duration.mean(),
    lambda portfolio: portfolio.trades.closed.winning_streak.max(),
    lambda portfolio: portfolio.trades.closed.losing_streak.max(),
)


if __name__ == "__main__":
    main(*sys.argv[1:])
