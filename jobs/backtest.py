"""A crossover strategy on every symbol: its trades, profit and risk, by backtrader's rules."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sort_keys.merge import Stretch
from windrow.console import say
from windrow.feeds.settle import Settled
from windrow.market.portfolios import PortfolioJob
from windrow.sinks.backtests import add_beside, backtest_lines, beside_of, check_beside
from windrow.trading.backtests import Strategy
from windrow.trading.notices import Notices, unadjusted, warnings_of
from windrow.trading.options import CURES, add_averages, add_excursions, add_lines, add_measures, add_rules, strategy_of
from windrow.windows.indicator import cures_of


class Backtest(PortfolioJob):
    """One line per symbol, SYMBOL<tab>JSON: the figures of a strategy that is long while the fast line is above the
    slow line, and short while it is below.
    """

    of_figures = True
    example = "--fast ema:5 --slow ema:24 --orders --trades --equity -o out/backtest data/bars.csv"

    def add_options(self) -> None:
        group = self.add_group("Backtest")
        add_lines(group)
        add_averages(group)
        add_beside(group)
        add_excursions(group)
        add_rules(self.add_group("Trading"))
        self.add_portfolio()
        add_measures(self.add_group("Figures"))

    def check_options(self) -> None:
        self.strategy()
        _ = self.portfolio
        check_beside(self.options)

    def columns(self) -> list[str]:
        return self.strategy().columns

    def figures(self) -> dict[str, Any]:
        return {"fast": "", "slow": "", **self.named_portfolio(), **self.strategy().backtest().figures()}

    def strategy(self) -> Strategy:
        """The lines, and the rules to trade them by."""
        return strategy_of(self.options)

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes]:
        notices = Notices()
        asked = beside_of(self.options), notices, self.members(), self.form
        yield from backtest_lines(self.strategy(), stretches, self.dated, *asked)
        self.running.count(notices.counts)

    def writes_beside(self) -> bool:
        return bool(beside_of(self.options))

    def cures(self) -> dict[str, str]:
        pair = self.strategy().pair
        return CURES | cures_of([pair.fast, pair.slow])

    def notes(self, settled: Settled) -> list[str]:
        return unadjusted(settled.unadjusted)

    def report(self, counts: Counter[str]) -> None:
        say(*(f"warning: {text}" for text in warnings_of(counts, self.strategy().rules)))
        super().report(counts)

    def description(self) -> dict[str, Any]:
        strategy, seed = self.strategy(), self.options.ema_seed
        own = {"fast": str(strategy.pair.fast), "slow": str(strategy.pair.slow), "ema_seed": seed}
        return super().description() | own | {"rules": asdict(strategy.rules), "measures": asdict(strategy.measures)}


if __name__ == "__main__":
    Backtest.run()
