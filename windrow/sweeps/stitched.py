"""The equity of the pairs that walks have chosen, on their tests alone, as one curve.

    walk 1    |  train  |  test 1  |
    walk 2    |       train        |  test 2  |
    curve               |----------|----------|      the returns of each walk's best pair on its test, joined

A test is a backtest of its own, so its values are scaled to begin with what the test before ended with. Where a walk
has no best pair the curve is level, and so it is after a test at whose end it was worth nothing: there is no return
from that.

The pair of a walk is known when its test begins, of each shard of pairs. So each follows its own best one, and sends
its values on; the step that unites the shards takes those of the best of all. Memory: one backtest, and its values on
one test; where they are united, some lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson

from windrow.arrays import Floats, Ints, Signs
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.buy_and_hold import BuyAndHold
from windrow.trading.curves import Curve
from windrow.trading.measures import Measures
from windrow.trading.rules import DUST

#: Writes times, values and those of buying and holding, of a symbol.
Write = Callable[[bytes, Ints, Floats, Floats], object]


class Values(NamedTuple):
    """Some bars of a walk's test: the values of a shard's best pair there, and those of buying and holding."""

    walk: int
    shard: int
    times: Ints
    values: Floats
    bought: Floats

    def to_json(self) -> bytes:
        """As they are sent to the second step; a record is a list."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_SERIALIZE_NUMPY)

    @classmethod
    def of(cls, text: bytes) -> "Values":
        """What `to_json` wrote."""
        found = orjson.loads(text)
        columns = np.array(found["times"], np.int64), np.array(found["values"]), np.array(found["bought"])
        return cls(found["walk"], found["shard"], *columns)


class Follower:
    """Follows the pair that each walk has chosen, of one shard of a series' pairs, through its test.

    Buying and holding begins with the first test, and goes on through all of them.
    """

    def __init__(self, rules: Rules, shard: int = 0) -> None:
        self._rules, self._shard = rules, shard
        self._walk = -1
        self._test: Backtests | None = None
        self._bought = BuyAndHold(rules)
        self._seen: list[Values] = []

    def begin(self, walk: int, sign: Signs | None) -> None:
        """Begins a walk's test, with the sign of the pair's averages before it; None: no pair was chosen."""
        self._walk = walk
        self._test = None if sign is None else Backtests(self._rules, 1, signs=sign, traced=True)

    def push(self, times: Ints, opens: Floats | None, closes: Floats, trend: Signs | None) -> None:
        """Takes the test's next bars, with the trend of the pair, if one was chosen."""
        bought = self._bought.push(closes if opens is None else opens, closes)
        values = np.full(len(times), self._rules.cash, np.float64)
        if self._test is not None and trend is not None and (trace := self._test.push(times, opens, closes, trend)):
            values = trace.values[:, 0]
        self._seen.append(Values(self._walk, self._shard, times, values, bought))

    def taken(self) -> list[Values]:
        """What there is since the last call."""
        seen, self._seen = self._seen, []
        return seen


def stitched(
    found: Iterable[Values], shards: Mapping[int, int], cash: float, measures: Measures
) -> Iterator[Values | Curve]:
    """The bars of the curve in order of time, and the curve at last; `shards`: of each walk, that of its best pair."""
    curve, walk, level, value = Curve(cash, measures), -1, cash, cash
    for some in found:
        if some.shard != shards[some.walk]:
            continue
        if some.walk != walk:
            walk, level = some.walk, value
        values = some.values * (level / cash) if level > DUST * cash else np.full_like(some.values, level)
        value = float(values[-1])
        curve.push(some.times, values, some.bought)
        yield some._replace(values=values)
    yield curve


def with_figures(line: dict[str, Any], curve: Curve, dated: bool) -> dict[str, Any]:
    """A line with the figures of the curve; the reasons for what is undefined stay its last field."""
    told = {name: value for name, value in line.items() if name != "undefined"}
    reasons = {"undefined": line["undefined"]} if "undefined" in line else {}
    return {**told, "stitched": curve.figures(dated), **reasons}
