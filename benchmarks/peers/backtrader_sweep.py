"""backtrader: python backtrader_sweep.py BARS OUT FAST.. SLOW..   (windows of exponential averages, as 5-10 21-31)

One symbol. Writes fast, slow, final value and closed trades. Prints the seconds of all runs, from bars in memory.
"""

import sys
import time
from itertools import product

import backtrader as bt
import pandas as pd


class Crossover(bt.Strategy):
    """Long while fast is above slow, else short, by 100 shares; orders fill at the next open."""

    params = (("fast", 7), ("slow", 21))

    def __init__(self):
        self.fast = bt.ind.EMA(period=self.p.fast)
        self.slow = bt.ind.EMA(period=self.p.slow)

    def next(self):
        held = self.position.size
        if not held:
            self.buy(size=100) if self.fast > self.slow else self.sell(size=100)
        elif held > 0 and self.fast < self.slow:
            self.sell(size=200)
        elif held < 0 and self.fast > self.slow:
            self.buy(size=200)


def main(bars, out, *axes):
    fast, slow = (range(int(first), int(last) + 1) for first, last in (axis.split("-") for axis in axes))
    frame = pd.read_csv(bars, parse_dates=["timestamp"], index_col="timestamp")
    begin = time.perf_counter()
    found = [(pair, run(frame, *pair)) for pair in product(fast, slow)]
    print(time.perf_counter() - begin)
    with open(out, "w") as file:
        file.writelines(f"{fast}\t{slow}\t{value}\t{trades}\n" for (fast, slow), (value, trades) in found)


def run(frame, fast, slow):
    """The final value and the closed trades of one pair."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Crossover, fast=fast, slow=slow)
    cerebro.broker.setcash(100_000)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="drawdown")
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, _name="sharpe")
    cerebro.addanalyzer(bt.analyzers.SQN, _name="sqn")
    [strategy] = cerebro.run()
    return cerebro.broker.getvalue(), strategy.analyzers.trades.get_analysis().total.get("closed", 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
