"""Equity curves -> lines, in a part beside the output: SYMBOL, TIME, value, value of buying and holding."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints
from windrow.sinks.backtests import EQUITY
from windrow.sinks.fields import VALUES, Format, written_part
from windrow.sinks.lines import format_lines


@contextmanager
def equity_part(
    wanted: bool, form: Format, dated: bool
) -> Iterator[Callable[[bytes, Ints, Floats, Floats], None] | None]:
    """This task's part of curves, in a format, if it is wanted: what writes bars of a symbol, whose name is encoded."""
    if not wanted:
        yield None
        return
    with written_part(EQUITY, VALUES, form, dated) as write_lines:

        def write(symbol: bytes, times: Ints, values: Floats, bought: Floats) -> None:
            bars = Stretch([symbol], np.zeros(1, np.int64), False, times, [])
            for lines in format_lines(bars, np.arange(len(times)), [values, bought], dated):
                write_lines(lines)

        yield write
