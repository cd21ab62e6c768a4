"""Every pair of a grid of averages backtested on every symbol: profit, trades and more on train and test."""

from windrow.backtest import Rules
from windrow.barjob import BarJob
from windrow.sweep import needs_uniting, swept, unite
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.ranking import OBJECTIVES, Choice
from windrow.sweeps.runs import Prices, Sweep
from windrow.sweeps.splits import parse_split


class Sweeps(BarJob):
    """One line a pair and part, SYMBOL<tab>JSON."""

    def add_options(self):
        grid = self.add_group("Pairs")
        self.option(grid, "--fast GRID", "x", default="sma:5..20/5")
        self.option(grid, "--slow GRID", "x", default="sma:20..60/10")
        self.option(grid, "--any-order", "x", action="store_true")
        self.option(grid, "--shards N", "x", type=int, default=1)
        parts = self.add_group("Parts")
        self.option(parts, "--split SHARE", "x")
        self.option(parts, "--split-at TIME", "x")
        self.option(parts, "--walk-forward N", "x", type=int)
        self.option(parts, "--warm", "x", action="store_true")
        choice = self.add_group("Choice")
        self.option(choice, "--objective", "x", default="pnl", choices=OBJECTIVES)
        self.option(choice, "--top K", "x", type=int)
        self.option(choice, "--best", "x", action="store_true")
        rules = self.add_group("Rules")
        for name in ("fill", "side", "entry", "sizing"):
            self.option(rules, f"--{name} X", "x", default=getattr(Rules, name))
        self.option(rules, "--size N", "x", type=float, default=100.0)

    def columns(self):
        return ["close", "open"]

    def sweep(self):
        o = self.options
        split = parse_split(o.split, o.split_at, o.walk_forward, o.timezone)
        rules = Rules(fill=o.fill, side=o.side, entry=o.entry, sizing=o.sizing, size=o.size)
        return Sweep(
            parse_grid(o.fast, o.slow, o.any_order),
            rules,
            Prices(0, 1, 0),
            split,
            o.warm,
            shards=o.shards,
            returns=o.best,
        )

    def choice(self):
        return Choice(self.options.objective, self.options.top, self.options.best)

    def shards(self):
        return self.options.shards

    def check_options(self):
        self.sweep(), self.choice()

    def reduce_bars(self, stretches):
        return swept(self.sweep(), self.choice(), stretches)

    def unites(self):
        return needs_uniting(self.sweep(), self.choice())

    def unite(self, lines):
        return unite(self.sweep(), self.choice(), lines)


if __name__ == "__main__":
    Sweeps.run()
