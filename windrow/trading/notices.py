"""What a user must be told of many runs, though each is right: orders that were refused, and prices of 0.

Tasks count, and the submitter tells, so all of it is numbers. Of a refused order's price that is one digit and the
magnitude, in a counter's name: Hadoop allows few different names.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from windrow.arrays import Mask
from windrow.trading.orders import OrderCounts
from windrow.trading.rules import Rules

_PRICE = "refused at "


class Notices:
    """Counts of runs, and of their orders; of the parts of series, how many had not a single trade."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, *part: tuple[OrderCounts, Mask]) -> None:
        """Takes the counts of the runs over a part of a series, which are over, and which of them had both lines."""
        for orders, full in part:
            self._add(orders, full)
        self.counts["parts without a trade"] += 1 - any(orders.placed.any() for orders, _ in part)

    def _add(self, orders: OrderCounts, full: Mask) -> None:
        mostly = np.flatnonzero(2 * orders.refused > orders.placed)
        idle = orders.placed == 0
        counts = {
            "backtests": len(orders.placed),
            "backtests mostly refused": len(mostly),
            "orders": int(orders.placed.sum()),
            "orders refused": int(orders.refused.sum()),
            "fills postponed": int(orders.postponed.sum()),
            "backtests without a trade": int(idle.sum()),
            "backtests without lines": int((idle & ~full).sum()),
        }
        self.counts.update(counts)
        if len(mostly):
            self.counts[f"{_PRICE}{orders.refused_price[mostly[0]]:.0e}"] += 1


def warnings_of(counts: Mapping[str, int], rules: Rules, longer: str = "more bars") -> list[str]:
    """The warnings that summed counts call for. longer: how lines get the bars that they need.

    >>> warnings_of({"backtests": 9, "orders": 4, "orders refused": 0}, Rules())
    []
    """
    told = []
    if counts.get("backtests mostly refused"):
        told.append(
            f"most orders were refused in {counts['backtests mostly refused']:,} of {counts['backtests']:,} backtests"
            f" ({counts['orders refused']:,} of {counts['orders']:,} orders in all), e.g. {_example(counts, rules)}"
        )
    if counts.get("parts without a trade"):
        told.append(_without_a_trade(counts, rules, longer))
    if postponed := counts.get("fills postponed"):
        told.append(
            f"{'1 fill' if postponed == 1 else f'{postponed:,} fills'} at a price of 0 had to wait"
            " until there was a price: an open or close of 0 is a suspension, or a mistake; averages and values contain"
            " such prices, so remove those rows if they are not prices"
        )
    return told


def unadjusted(inputs: Sequence[str]) -> list[str]:
    """The note on inputs with adjusted closes whose unadjusted prices are traded.

    >>> unadjusted(["AA.csv", "BB.csv"])
    ['AA.csv and 1 more: have close and adj_close, and orders are filled at unadjusted prices, where a split is a \
loss; use --adjusted to scale them']
    """
    if not inputs:
        return []
    names = inputs[0] if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1:,} more"
    return [
        f"{names}: {'has' if len(inputs) == 1 else 'have'} close and adj_close, and orders are filled at unadjusted"
        " prices, where a split is a loss; use --adjusted to scale them"
    ]


def _without_a_trade(counts: Mapping[str, int], rules: Rules, longer: str) -> str:
    idle, all_, short = (counts[f"backtests{which}"] for which in (" without a trade", "", " without lines"))
    text = f"nothing was traded in {idle:,} of {all_:,} backtests"
    if short:
        return f"{text}: in {short:,} of them a line had no value by the last bar; use shorter windows, or {longer}"
    return f"{text}: their lines never called for it with --entry {rules.entry} --side {rules.side}"


def _example(counts: Mapping[str, int], rules: Rules) -> str:
    prices = {float(name.removeprefix(_PRICE)): count for name, count in counts.items() if name.startswith(_PRICE)}
    price = max(prices, key=lambda price: (prices[price], -price))
    where = f"{rules.sized.words} at a price of about {price:,.12g} with {rules.cash:,.12g} in cash"
    return f"{where}: {_rule_of_refusals(rules)}; {cure_of_refusals(rules)}"


def _rule_of_refusals(rules: Rules) -> str:
    if rules.whole_shares and rules.sized.kind != "shares":
        return "a position takes a whole share at least, and has to be paid for"
    if rules.sized.kind == "equity":
        return f"{rules.size} takes cash that is left, and a price above 0"
    return "a position must be paid for"


def cure_of_refusals(rules: Rules) -> str:
    """What to do where orders are refused."""
    if rules.whole_shares and rules.sized.kind != "shares":
        return "use more --cash, or leave out --whole-shares"
    if rules.sized.kind == "equity":
        return "use more --cash, or a --size in shares"
    return "use a smaller --size, more --cash, or --size all-in"
