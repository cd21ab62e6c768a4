"""Where prices come from: what the collector asks of a source, and what a source may answer.

A source has bars of a symbol from a time on, before another. What it gives the collector keeps as it is: raw prices,
and adjusted closes beside them.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import InputError


class Fetched(NamedTuple):
    """Bars of a symbol in order of time, one at a time: ns UTC, and columns of `VALUES` where there are any.

    A value that a bar lacks is NaN.
    """

    symbol: str
    times: Ints
    values: Mapping[str, Floats]

    def where(self, chosen: Mask) -> "Fetched":
        """Some of the bars."""
        return Fetched(self.symbol, self.times[chosen], {name: one[chosen] for name, one in self.values.items()})


class TryLaterError(InputError):
    """A source gives no answer now: the network, or a limit; `seconds` is how long to wait at least."""

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


class Prices(Protocol):
    """A source of bars."""

    @property
    def name(self) -> str:
        """What `--source` calls it."""
        ...

    @property
    def interval(self) -> int:
        """The ns between bars."""
        ...

    def fetch(self, symbol: str, since: int, until: int) -> Fetched:
        """The symbol's bars at times from `since` on, before `until` (ns UTC); none where the source has none.

        The last may be one that has not ended.

        Raises TryLaterError where it may answer later, InputError for an answer that is no bars.
        """
        ...

    def reach(self, now: int) -> int:
        """The earliest time of which the source has bars."""
        ...
