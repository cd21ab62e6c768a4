"""Moving averages and other indicators of every symbol, in one pass."""

from windrow.bars.layout import normalise
from windrow.errors import UsageError
from windrow.mapreduce.barjob import BarJob
from windrow.windows import Indicator, Options, kernels, parse_indicator
from windrow.windows.indicator import cures_of
from windrow.windows.indicators import Indicators, Step, parse_step

INDICATOR = (
    f"a column or more: KIND one of {', '.join(kernels())}, over a WINDOW of bars, e.g. 20, of time, e.g. 30d (units s,"
    " min, h, d, w), or of the day, session; some take more numbers, e.g. bollinger:20,2, and of several columns .NAME"
    " is one, e.g. macd:12,26,9.signal; repeat for more (default sma:20)"
)
STEP = "write a line only every STEP bars, e.g. 5, or every STEP of time, e.g. 1d (default: every bar)"
MIN_PERIODS = (
    "write values once the window holds N bars, not only once it is full; for windows, not for recursive averages"
)
EMA_SEED = "start an ema from the mean of its first bars (sma, the default) or from its first bar (first)"


class MovingAverage(BarJob):
    """One line per bar, SYMBOL<tab>TIME<tab>VALUE..., with one value for each indicator."""

    example = "--indicator sma:20 --indicator rsi:14 -o out/averages data/bars.csv"

    def add_options(self) -> None:
        group = self.add_group("Moving averages")
        group.add("--indicator KIND:WINDOW", INDICATOR, action="append")
        group.add("--window WINDOW", "shorthand for --indicator sma:WINDOW")
        group.add("--column NAME", "column to average (default close)", default="close")
        group.add("--step STEP", STEP)
        group.add("--min-periods N", MIN_PERIODS, type=int)
        group.add("--ema-seed", EMA_SEED, choices=["sma", "first"], default="sma")
        group.add("--ddof N", "std and zscore divide by the number of bars minus N (default 1)", type=int, default=1)

    def check_options(self) -> None:
        self.kernel().check_values()
        if self.options.step and self.options.slices:
            raise UsageError(
                f"--slices {self.options.slices}: given with --step, whose lines depend on all earlier ones; leave one"
                " out"
            )

    def columns(self) -> list[str]:
        return self.kernel().columns

    def cures(self) -> dict[str, str]:
        return cures_of(self.indicators())

    def output_names(self) -> list[str]:
        return [name for indicator in self.indicators() for name in indicator.names]

    def kernel(self) -> Indicators:
        options = self.options
        windows = Options(options.min_periods, ema_seed=options.ema_seed, ddof=options.ddof)
        step = parse_step(options.step) if options.step else Step()
        return Indicators(self.indicators(), windows, step, normalise(options.column))

    def indicators(self) -> list[Indicator]:
        """The indicators asked for, in order."""
        window, asked = self.options.window, self.options.indicator or []
        if window is None:
            return [parse_indicator(text) for text in asked or ["sma:20"]]
        if asked:
            raise UsageError(
                f"--window {window}: given beside --indicator; it is shorthand for --indicator sma:{window}; use that"
            )
        return [parse_indicator(f"sma:{window}")]


if __name__ == "__main__":
    MovingAverage.run()
