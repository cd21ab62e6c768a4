"""Golden and death crosses of two averages, or of the price and an average, for every symbol."""

from collections.abc import Iterator, Sequence
from typing import Any

from sort_keys.merge import Stretch
from windrow.bars.layout import normalise
from windrow.mapreduce.barjob import BarJob
from windrow.sinks.crosses import fields_of, signal_lines
from windrow.sinks.fields import Field
from windrow.trading.signals import Pair, Signals, parse_pairs
from windrow.windows import Options, kernels
from windrow.windows.indicator import cures_of

FAST = (
    f"the fast line: KIND:WINDOW, KIND one of {', '.join(kernels())}, over a WINDOW of bars, e.g. 50, or of time,"
    " e.g. 30d (units s, min, h, d, w), or the price itself, close (default sma:50)"
)
SLOW = (
    "the slow line (default sma:200); repeat both for more pairs, the first --fast with the first --slow;"
    " each line then ends with its pair, e.g. sma:50/sma:200"
)
COLUMN = "column of the price, and of the averages; --fast close then becomes --fast NAME (default close)"
EMA_SEED = "start an ema from the mean of its first bars (sma, the default) or from its first bar (first)"


class Crossover(BarJob):
    """One line per cross of the fast line above the slow line (golden) or below it (death),
    SYMBOL<tab>TIME<tab>golden|death<tab>PRICE<tab>FAST<tab>SLOW.
    """

    example = "--fast ema:5 --slow ema:20 data/bars.csv"

    no_lines = "no cross: the lines were never both full, or never crossed; use shorter windows, or more bars"

    def add_options(self) -> None:
        group = self.add_group("Crosses")
        group.add("--fast LINE", FAST, action="append")
        group.add("--slow LINE", SLOW, action="append")
        group.add("--column NAME", COLUMN, default="close")
        group.add("--ema-seed", EMA_SEED, choices=["sma", "first"], default="sma")

    def check_options(self) -> None:
        self.signals()

    def columns(self) -> list[str]:
        return self.signals().columns

    def cures(self) -> dict[str, str]:
        return cures_of(line for pair in self.pairs() for line in (pair.fast, pair.slow))

    def fields(self) -> Sequence[Field]:
        return fields_of(len(self.pairs()))

    def pairs(self) -> list[Pair]:
        """The pairs asked for, in order."""
        fasts, slows = self.options.fast or [], self.options.slow or []
        if not fasts and not slows:
            fasts, slows = ["sma:50"], ["sma:200"]
        return parse_pairs(fasts, slows, normalise(self.options.column))

    def signals(self) -> Signals:
        """The kernel: the crosses of all pairs."""
        return Signals(self.pairs(), Options(ema_seed=self.options.ema_seed), normalise(self.options.column))

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes]:
        return signal_lines(self.signals(), stretches, self.dated)

    def description(self) -> dict[str, Any]:
        pairs = [(str(pair.fast), str(pair.slow)) for pair in self.pairs()]
        (fast, slow), seed = pairs[0], self.options.ema_seed
        own = {"fast": fast, "slow": slow, "pairs": pairs, "ema_seed": seed}
        return super().description() | own


if __name__ == "__main__":
    Crossover.run()
