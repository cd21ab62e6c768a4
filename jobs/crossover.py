"""Golden and death crosses of two averages, or of the price and an average, of every symbol's bars."""

from windrow.bars.layout import normalise
from windrow.mapreduce.barjob import BarJob
from windrow.sinks.crosses import names_of, signal_lines
from windrow.trading.signals import Signals, parse_pairs
from windrow.windows import Options, kernels

FAST = (
    f"the line that crosses: KIND:WINDOW, KIND one of {', '.join(kernels())}, over a WINDOW of bars (50) or of time"
    " (30d: s, min, h, d, w), or the price itself, close (default sma:50)"
)
SLOW = (
    "the line that is crossed (default sma:200); repeat both for more pairs, the first --fast with the first --slow;"
    " then a last field tells a line's pair, as sma:50/sma:200"
)
COLUMN = "column of the price, and of the averages; --fast close then becomes --fast NAME (default close)"
EMA_SEED = "an ema starts from the mean of its first bars, or from the first bar (default sma)"


class Crossover(BarJob):
    """One line where fast comes to lie above slow (golden) or below (death),
    SYMBOL<tab>TIME<tab>golden|death<tab>PRICE<tab>FAST<tab>SLOW.
    """

    no_lines = "no cross: fast and slow were never full, or never changed sides; give shorter windows, or more bars"

    def add_options(self):
        group = self.add_group("Crosses")
        self.option(group, "--fast LINE", FAST, action="append")
        self.option(group, "--slow LINE", SLOW, action="append")
        self.option(group, "--column NAME", COLUMN, default="close")
        self.option(group, "--ema-seed", EMA_SEED, choices=["sma", "first"], default="sma")

    def check_options(self):
        self.signals()

    def columns(self):
        return [self.options.column]

    def pairs(self):
        """The pairs asked for, in order."""
        fasts, slows = self.options.fast or [], self.options.slow or []
        if not fasts and not slows:
            fasts, slows = ["sma:50"], ["sma:200"]
        return parse_pairs(fasts, slows, normalise(self.options.column))

    def signals(self):
        """The kernel: the crosses of all pairs."""
        return Signals(self.pairs(), Options(ema_seed=self.options.ema_seed))

    def reduce_bars(self, stretches):
        return signal_lines(self.signals(), stretches, self.settled.dated)

    def description(self):
        pairs = [(str(pair.fast), str(pair.slow)) for pair in self.pairs()]
        (fast, slow), seed = pairs[0], self.options.ema_seed
        told = {"columns": names_of(len(pairs)), "fast": fast, "slow": slow, "pairs": pairs, "ema_seed": seed}
        return super().description() | told


if __name__ == "__main__":
    Crossover.run()
