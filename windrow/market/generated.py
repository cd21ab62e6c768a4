"""Made-up bars in the sessions of a real exchange: the same for the same seed, symbol and time, on any machine.

A bar depends on nothing else, so that a week is the same whenever, and in whatever pieces, it is collected. Prices are
those of `windrow sample`; an adjusted close has dividends taken off, a share of the price every 91 days up to 2030.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.market.gaps import grid
from windrow.market.sources import Fetched
from windrow.sample.bars import prices
from windrow.sample.noise import hashed, share
from windrow.sessions import Trading
from windrow.times import DAY, EARLIEST, SECOND, format_duration

_PLACES = 2
#: When, counted back from 2030-01-01, dividends are taken off, and the largest share of the price.
_LAST, _APART, _MOST = 1_893_456_000 * SECOND, 91 * DAY, 0.008


@dataclass(frozen=True)
class Generated:
    """The source `generator`. Raises UsageError for bars that are neither whole minutes of a day nor days.

    >>> from windrow.sessions import Exchange
    >>> week = Generated(Exchange("XNYS"), 60 * SECOND).fetch("AAA", 1_732_838_400 * SECOND, 1_733_011_200 * SECOND)
    >>> len(week.times), week.values["close"][:3].tolist()  # 2024-11-29, half a day
    (210, [182.88, 182.92, 182.88])
    """

    trading: Trading
    interval: int
    seed: int = 0
    name: str = "generator"

    def __post_init__(self) -> None:
        if self.interval % (60 * SECOND) or self.interval > DAY or DAY % self.interval:
            raise UsageError(
                f"--interval {format_duration(self.interval)}: bars are made of whole minutes, or of a day; give e.g."
                " 1min, 5min, 1h or 1d"
            )

    def reach(self, now: int) -> int:
        """All times."""
        return EARLIEST

    def fetch(self, symbol: str, since: int, until: int) -> Fetched:
        """The symbol's bars."""
        times, _ = grid(self.trading, since, until, self.interval)
        digest = blake2b(f"{self.seed} {symbol}".encode(), digest_size=4).digest()
        keys = np.full(len(times), int.from_bytes(digest, "little"), np.uint32)
        made = prices(keys, times // self.interval, self.interval // SECOND, _PLACES)
        columns = {name: getattr(made, name) / 10.0**_PLACES for name in ("open", "high", "low", "close")}
        adjusted = np.round(columns["close"] * _kept(keys, times), 6)
        return Fetched(symbol, times, {**columns, "adj_close": adjusted, "volume": made.volume.astype(np.float64)})


def _kept(keys: "np.ndarray[tuple[int], np.dtype[np.uint32]]", times: Ints) -> Floats:
    """What is left of each price by later dividends; a third of all symbols pays none."""
    count = np.maximum(-(-(_LAST - times) // _APART), 0)
    if not len(times):
        return np.ones(0)
    paid = max(float(share(hashed(keys[:1], 7))[0]) * 1.5 - 0.5, 0.0) * _MOST
    powers = np.multiply.accumulate(np.concatenate([[1.0], np.full(int(count.max()), 1.0 - paid)]))
    kept: Floats = powers[count]
    return kept
