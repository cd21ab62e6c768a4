"""Every pair of a grid of averages, backtested on every symbol: figures on train and test, and the best pair."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sort_keys.merge import Stretch
from windrow.console import say
from windrow.feeds.settle import Settled
from windrow.mapreduce.barjob import BarJob
from windrow.sinks.equity_lines import equity_part
from windrow.sweeps import options as sweeping
from windrow.sweeps import runs
from windrow.sweeps.reduce import columns_of, needs_uniting, swept, unite
from windrow.trading.notices import Notices, unadjusted, warnings_of
from windrow.trading.options import CURES, add_averages, add_measures, add_rules
from windrow.windows.indicator import cures_of


class Sweep(BarJob):
    """One line per pair and part, SYMBOL<tab>JSON; pairs are chosen on train and tested out of sample."""

    of_figures, unit = True, "pairs x bars"
    example = "--fast ema:5..10 --slow ema:21..31 --split 0.7 -o out/sweep data/bars.csv"
    no_lines = "no figures: no valid row in any input"

    def add_options(self) -> None:
        group = self.add_group("Pairs and parts")
        sweeping.add_to(group)
        add_averages(group)
        add_rules(self.add_group("Trading"))
        add_measures(self.add_group("Figures"))

    def check_options(self) -> None:
        sweeping.check(self.options)

    def columns(self) -> list[str]:
        return self.sweep().columns

    def sweep(self) -> runs.Sweep:
        """What is tried on each symbol."""
        return sweeping.sweep(self.options)

    def figures(self) -> dict[str, Any]:
        return columns_of(self.sweep(), sweeping.choice(self.options))

    def shards(self) -> int:
        return int(self.options.shards)

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes]:
        sweep, notices = replace(self.sweep(), dated=self.dated), Notices()
        yield from swept(sweep, sweeping.choice(self.options), stretches, self.advance, notices)
        self.running.count(notices.counts)

    def unites(self) -> bool:
        return needs_uniting(self.sweep(), sweeping.choice(self.options))

    def unite(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        with equity_part(self.options.equity, self.form, self.dated) as write:
            yield from unite(replace(self.sweep(), dated=self.dated), sweeping.choice(self.options), lines, write)

    def cures(self) -> dict[str, str]:
        return CURES | cures_of(self.sweep().grid.indicators())

    def notes(self, settled: Settled) -> list[str]:
        return unadjusted(settled.unadjusted)

    def report(self, counts: Counter[str]) -> None:
        say(*(f"warning: {text}" for text in warnings_of(counts, self.sweep().rules, self.sweep().longer)))
        super().report(counts)

    def description(self) -> dict[str, Any]:
        return super().description() | sweeping.described(self.options)


if __name__ == "__main__":
    Sweep.run()
