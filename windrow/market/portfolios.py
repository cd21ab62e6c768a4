"""Jobs that put the accounts of symbols together: their options, their file of weights, their second step."""

import json
from argparse import SUPPRESS, Namespace
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from windrow.errors import InputError, UsageError
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.counters import WARNING
from windrow.market.companies import column_of, companies, refuse_twice
from windrow.sinks.portfolios import Members, United
from windrow.trading.backtests import Strategy
from windrow.trading.portfolio import REBALANCES, Portfolio

_EQUAL = "equal"
_PORTFOLIO = (
    "also put the accounts of all symbols together: equal, or a CSV file with columns symbol and weight, the share of"
    " the cash; the rest stays cash"
)
_REBALANCE = "set accounts back to their shares of the portfolio's value at the end of each month, or quarter, of UTC"
_WEIGHT = ("weight", "weights", "share")


class PortfolioJob(BarJob):
    """A job of backtests, which may be a portfolio's."""

    def strategy(self) -> Strategy:
        """What is traded on each symbol."""
        raise NotImplementedError

    def add_portfolio(self) -> None:
        """Adds the options; of these tasks get what is settled."""
        group = self.add_group("Portfolio", settled=True)
        group.add("--portfolio equal|FILE", _PORTFOLIO)
        group.add("--rebalance", _REBALANCE, choices=REBALANCES)
        self.add_file_arg("--portfolio-file", help=SUPPRESS)

    @cached_property
    def portfolio(self) -> Portfolio | None:
        """How accounts are put together, if they are. Raises WindrowError."""
        return _portfolio_of(self.options, self.strategy())

    def task_arguments(self, folder: Path) -> list[str]:
        """A file of what tasks need to know of the portfolio, in a folder."""
        if self.portfolio is None:
            return []
        place, how = folder / "portfolio.json", self.portfolio
        writes = self.submission.output is not None
        place.write_text(json.dumps({"weights": how.weights, "rebalance": how.rebalance, "writes": writes}))
        return ["--portfolio-file", str(place)]

    def members(self) -> Members | None:
        """What a reducer puts together the accounts of its symbols by, if it does."""
        return None if self.portfolio is None else Members(self.portfolio, self.strategy(), self.settled.slots)

    def named_portfolio(self) -> dict[str, Any]:
        """What a portfolio's line has that those of symbols have not; nothing without one."""
        if self.portfolio is None:
            return {}
        return {"portfolio": "", **({"rebalance": ""} if self.portfolio.rebalance else {}), "symbols": 0}

    def unites(self) -> bool:
        """Whether there is a portfolio."""
        return self.portfolio is not None

    def unite(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The portfolio's figures, and the lines of symbols as they are."""
        assert self.portfolio is not None
        warn = partial(self.running.report, WARNING)
        writes = self.form if _settled(self.options)["writes"] else None
        return United(self.portfolio, self.strategy(), self.dated, warn, writes).lines(lines)

    def description(self) -> dict[str, Any]:
        """The description of the output, with what the portfolio is, if there is one."""
        how = self.portfolio
        more = {} if how is None else {"portfolio": how.name, "rebalance": how.rebalance}
        return super().description() | more


def _portfolio_of(given: Namespace, strategy: Strategy) -> Portfolio | None:
    if given.portfolio_file is not None:
        settled = _settled(given)
        return Portfolio(settled["weights"], settled["rebalance"])
    if given.portfolio is None:
        if given.rebalance is not None:
            raise UsageError(
                f"--rebalance {given.rebalance}: is of a portfolio, and there is none; add --portfolio equal, or leave"
                " it out"
            )
        return None
    weights = None if given.portfolio == _EQUAL else read_weights(given.portfolio)
    found = Portfolio(weights, given.rebalance)
    found.check(strategy.rules)
    return found


def _settled(given: Namespace) -> dict[str, Any]:
    settled: dict[str, Any] = json.loads(Path(given.portfolio_file).read_text())
    return settled


def read_weights(path: str) -> dict[str, float]:
    """The weight of each symbol in a CSV file. Raises InputError for what is none."""
    place, found = f"--portfolio {path}", dict[str, float]()
    with companies("--portfolio", path) as (names, rows):
        refuse_twice(place, names, _WEIGHT)
        column = column_of(place, names, _WEIGHT)
        for where, symbol, fields in rows:
            if symbol in found:
                raise InputError(f"{where}: has {symbol} again; give each symbol one line")
            found[symbol] = _weight(where, fields[column] if column < len(fields) else "")
    if not found:
        raise InputError(f"{place}: has no symbol; give a file with a line for each, below its header")
    return found


def _weight(where: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise InputError(
            f"{where}: {text!r} is no share of the cash, from 0 to 1; write 20 % as 0.2, with a point, and trade on"
            " falling prices by --side"
        )
    return weight
