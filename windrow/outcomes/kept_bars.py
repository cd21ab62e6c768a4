"""The bars that a result keeps, so that what nobody has asked for need not be computed before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch, by_symbol
from windrow.errors import WindrowError
from windrow.frames.bars import stretches
from windrow.frames.naming import named
from windrow.pages.series import CANDLES, Series
from windrow.times import DAY

#: Whether a copy of a frame takes memory only where one of the two is written to later.
_SHARES = int(pd.__version__.partition(".")[0]) >= 3


@dataclass(frozen=True)
class Kept:
    """A frame with windrow's names, as it was when a run took these columns of it; lines are of `price`.

    Memory: with pandas 3 none until the caller writes to the frame, before it a copy.
    """

    frame: pd.DataFrame
    columns: list[str]
    price: str
    adjusted: bool
    on_conflict: str

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: list[str], price: str, adjusted: bool, on_conflict: str) -> "Kept":
        """Keeps a frame, whatever its owner does with it."""
        return cls(frame.copy(deep=not _SHARES), columns, price, adjusted, on_conflict)

    def stretches(self) -> Iterator[Stretch]:
        """The bars, as the run takes them."""
        return stretches(self.frame, self.columns, self.on_conflict, self.adjusted)

    def series(self, symbols: Sequence[str]) -> dict[str, Series]:
        """These symbols' series, with the prices of candles where the frame has them of all bars."""
        try:
            return self._series(named(self.frame, CANDLES), list(dict.fromkeys([*self.columns, *CANDLES])), symbols)
        except WindrowError:  # prices that the run did not take are no reason not to show it
            return self._series(self.frame, self.columns, symbols)

    def _series(self, frame: pd.DataFrame, columns: list[str], symbols: Sequence[str]) -> dict[str, Series]:
        # Bars that differ in other columns than the run's are the same to it.
        settled = "smallest" if self.on_conflict == "fail" else self.on_conflict
        found = {}
        for key, pieces in by_symbol(stretches(frame, columns, settled, self.adjusted)):
            parts = [(piece.times, *piece.values) for piece in pieces]
            if (symbol := decode_symbol(key)) in symbols:
                times, *values = (np.concatenate(column) for column in zip(*parts, strict=True))
                prices = dict(zip(columns, values, strict=True))
                found[symbol] = Series(symbol, times, prices, self.price, not (times % DAY).any(), "the frame")
        return found
