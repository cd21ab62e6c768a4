"""Sliding-window averages and other indicators of every symbol's bars, in one pass."""

from windrow.barjob import BarJob
from windrow.errors import UsageError
from windrow.indicators import Indicators, Step, parse_step
from windrow.windows import Options, kernels, parse_indicator


class MovingAverage(BarJob):
    """One line a bar, SYMBOL<tab>TIME<tab>VALUE..., with one value for each indicator."""

    def add_options(self):
        group = self.add_group("Moving averages")
        self.option(group, "--indicator", action="append", metavar="KIND:WINDOW",
                    help=f"one output column: {', '.join(kernels())} over a WINDOW of bars (20) or of time (30d:"
                         " s, min, h, d, w); repeat for more columns (default sma:20)")
        self.option(group, "--window", metavar="WINDOW", help="short for --indicator sma:WINDOW")
        self.option(group, "--column", default="close", metavar="NAME", help="column to average (default close)")
        self.option(group, "--step", metavar="STEP",
                    help="a line only every STEP bars (5), or once so much time has passed (1d) (default: every bar)")
        self.option(group, "--min-periods", type=int, metavar="N",
                    help="values from N bars in the window on, not only from a full window; ema and wma excepted")
        self.option(group, "--ema-seed", choices=["sma", "first"], default="sma",
                    help="an ema starts from the mean of its first bars, or from the first bar (default sma)")
        self.option(group, "--ddof", type=int, default=1, metavar="N",
                    help="std divides by the number of bars less N (default 1)")

    def check_options(self):
        self.kernel()

    def columns(self):
        return [self.options.column]

    def output_names(self):
        return [str(indicator) for indicator in self.indicators()]

    def kernel(self):
        options = self.options
        return Indicators(
            self.indicators(),
            Options(min_periods=options.min_periods, ema_seed=options.ema_seed, ddof=options.ddof),
            parse_step(options.step) if options.step else Step(),
        )

    def indicators(self):
        """The indicators asked for, in order."""
        asked = list(self.options.indicator or [])
        if self.options.window is not None:
            if asked:
                raise UsageError("--window and --indicator both given; --window W is short for --indicator sma:W;"
                                 " give it as one more --indicator")
            asked = [f"sma:{self.options.window}"]
        return [parse_indicator(text) for text in asked or ["sma:20"]]


if __name__ == "__main__":
    MovingAverage.run()
