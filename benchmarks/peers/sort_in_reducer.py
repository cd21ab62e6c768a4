"""SMA(20) as the textbook's first version: the reducer collects a symbol's bars, sorts them, and holds them all."""

import windrow.runners.compat  # noqa: F401  on Python 3.12 and later mrjob does not start without it

# isort: split
from mrjob.job import MRJob
from mrjob.protocol import TextProtocol

WINDOW = 20


class SortInReducer(MRJob):
    """The shuffle groups by symbol only."""

    INTERNAL_PROTOCOL = OUTPUT_PROTOCOL = TextProtocol  # the quickest of mrjob's

    def mapper(self, _, line):
        symbol, timestamp, _, _, _, close, _ = line.split(",")
        if symbol != "symbol":  # the header
            yield symbol, f"{timestamp}\t{close}"

    def reducer(self, symbol, bars):
        series = sorted(bar.split("\t") for bar in bars)
        prices = [float(price) for _, price in series]
        total = sum(prices[: WINDOW - 1])
        for at in range(WINDOW - 1, len(series)):
            total += prices[at]
            yield symbol, f"{series[at][0]}\t{total / WINDOW}"
            total -= prices[at - WINDOW + 1]


if __name__ == "__main__":
    SortInReducer.run()
