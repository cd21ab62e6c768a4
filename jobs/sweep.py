"""Every pair of a grid of averages, traded over every symbol's bars: figures on train and test, and the best pair."""

from dataclasses import asdict

from windrow.mapreduce.barjob import BarJob
from windrow.sweeps import options as sweeping
from windrow.sweeps.reduce import needs_uniting, swept, unite
from windrow.trading.options import add_averages, add_rules


class Sweep(BarJob):
    """One line a pair and part, SYMBOL<tab>JSON; pairs are chosen on train and proved on test."""

    no_lines = "no figures: there were no bars"

    def add_options(self):
        group = self.add_group("Pairs and parts")
        sweeping.add_to(self, group)
        add_averages(self, group)
        add_rules(self)

    def check_options(self):
        self.sweep()
        self.choice()

    def columns(self):
        return self.sweep().columns

    def sweep(self):
        """What is tried on each symbol."""
        return sweeping.sweep(self.options)

    def choice(self):
        """What is told of it."""
        return sweeping.choice(self.options)

    def shards(self):
        return self.options.shards

    def reduce_bars(self, stretches):
        return swept(self.sweep(), self.choice(), stretches, lambda: self.show("pairs advance"))

    def unites(self):
        return needs_uniting(self.sweep(), self.choice())

    def unite(self, lines):
        return unite(self.sweep(), self.choice(), lines)

    def description(self):
        return super().description() | sweeping.told(self.options) | {"rules": asdict(self.sweep().rules)}


if __name__ == "__main__":
    Sweep.run()
