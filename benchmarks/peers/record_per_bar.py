"""SMA(20) as the textbook's secondary sort: a record a bar, sorted by (symbol, timestamp) in the shuffle."""

from collections import deque

import windrow.runners.compat  # noqa: F401  on Python 3.12 and later mrjob does not start without it

# isort: split
from mrjob.job import MRJob
from mrjob.protocol import TextProtocol

WINDOW = 20


class RecordPerBar(MRJob):
    """mrjob sorts by the whole record, and groups and partitions on what stands before its first tab."""

    SORT_VALUES = True
    INTERNAL_PROTOCOL = OUTPUT_PROTOCOL = TextProtocol  # the quickest of mrjob's

    def mapper(self, _, line):
        symbol, timestamp, _, _, _, close, _ = line.split(",")
        if symbol != "symbol":  # the header
            yield symbol, f"{timestamp}\t{close}"

    def reducer(self, symbol, bars):
        window, total = deque(), 0.0
        for bar in bars:
            timestamp, price = bar.split("\t")
            window.append(float(price))
            total += window[-1]
            if len(window) > WINDOW:
                total -= window.popleft()
            if len(window) == WINDOW:
                yield symbol, f"{timestamp}\t{total / WINDOW}"


if __name__ == "__main__":
    RecordPerBar.run()
