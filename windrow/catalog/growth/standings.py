"""Where each table of a catalog stands: its growth by day, and on its last day whether it is one to tell of.

A bar is a row of a snapshot with a size. A row without one says that the table was there, and could not be measured; it
is counted, and is no bar. A table without a size for more than a week before the catalog's last day is gone: what it
would grow to is nobody's question, so it has no projection there, and no alerts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from sort_keys.keys import decode_symbol
from sort_keys.merge import Piece, Stretch, by_symbol
from windrow.arrays import Floats, Ints
from windrow.bars.checks import UNKNOWN
from windrow.catalog.growth.grammar import Alert, Standing
from windrow.sinks.alerted import ALERTS, FIELDS, alert_line
from windrow.sinks.fields import TEXT, Format, WriteLines, written_part
from windrow.times import DAY
from windrow.windows.growth import Growing, Growth, Since

#: Lines for the bars at an index of a stretch, and the columns of their values.
Lines = tuple[Stretch, Ints, list[Floats]]

#: How long a table may be without a size before it is gone (ns): collectors fail for some days, too.
GONE = 7 * DAY
#: From how many files on it matters how small they are.
MANY_FILES = 100

#: What becomes of rows and tables, as it is counted; of alerts, by their place among those asked for.
UNSIZED, NEVER, DROPPED, LOST = "rows without size", "never sized", "dropped", "not sized lately"
YOUNG, STEPPED, SMALL, NO_STALE = "young", "stepped", "small files", "not known when updated"
ALERTED = "alert {}"


@dataclass(frozen=True)
class Asked:
    """What is asked of tables: their growth, alerts, and which files are small (bytes).

    last: the catalog's last day (ns); None: not known, so that no table is gone. written: whether there is an output
    to have alerts beside it. unit: bytes of one of the column of sizes, of which the growth's limit is a number too.
    """

    growing: Growing
    alerts: Sequence[Alert] = ()
    small: float = 0.0
    last: int | None = None
    written: bool = False
    unit: float = 1.0

    @property
    def reads_stale(self) -> bool:
        """Whether it matters when a table was updated."""
        return any(alert.quantity == "stale" for alert in self.alerts)


class Standings:
    """Makes lines of bars, table by table; `counts` has what was found.

    places: which of the bars' values are bytes, files and, if that matters, days since the last update. Memory: one
    table's windows, and two pieces of its bars.
    """

    def __init__(self, asked: Asked, places: Sequence[int], dated: bool, form: Format = TEXT) -> None:
        self._asked, self._places, self._dated, self._form = asked, places, dated, form
        self.counts: Counter[str] = Counter()

    def lines(self, stretches: Iterable[Stretch]) -> Iterator[Lines]:
        """A line for each bar; alerts go to a part of their own. Raises what `Growth.push` raises."""
        writes = self._asked.written and self._asked.alerts
        part = written_part(ALERTS, FIELDS, self._form, self._dated) if writes else nullcontext()
        with part as write:
            for symbol, pieces in by_symbol(stretches):
                yield from self._of(symbol, pieces, write)

    def _of(self, symbol: bytes, pieces: Iterator[Piece], write: WriteLines | None) -> Iterator[Lines]:
        growth = Growth(decode_symbol(symbol), self._asked.growing)
        sized, begun, unit = self._sized(pieces), False, self._asked.unit
        for piece, following in _with_next(sized):
            present = following is None and self._is_present(int(piece.times[-1]))
            sizes, files, *_ = values = [np.where(value == UNKNOWN, np.nan, value) for value in piece.values]
            columns = growth.push(piece.times, sizes, files, last=present)
            one = Stretch([symbol], np.zeros(1, np.int64), begun, piece.times, [])
            yield one, np.arange(len(piece.times)), columns
            begun = True
            if present:
                told = dict(zip(self._asked.growing.names, (float(column[-1]) for column in columns), strict=True))
                stale = float(values[2][-1]) if self._asked.reads_stale else np.nan
                since = partial(_since, growth, unit)
                now = Standing(float(sizes[-1]) * unit, float(files[-1]), stale, since)
                self._count(now, has_trend=not np.isnan(told["slope"]), stepped=growth.stepped_within(GONE))
                self._alert(symbol, int(piece.times[-1]), now, write)
        if not begun:
            self.counts[NEVER] += 1

    def _sized(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """The bars of a table, from its rows."""
        for piece in pieces:
            self._seen = int(piece.times[-1])
            piece = Piece(piece.times, [piece.values[place] for place in self._places])
            sized = piece.values[0] != UNKNOWN
            if not sized.all():
                self.counts[UNSIZED] += int(np.count_nonzero(~sized))
                piece = Piece(piece.times[sized], [value[sized] for value in piece.values])
            if len(piece.times):
                yield piece

    def _is_present(self, time: int) -> bool:
        """Whether a table whose last size is of this time is there on the last day, or was shortly before."""
        if self._asked.last is None or time > (gone := self._asked.last - GONE):
            return True
        self.counts[LOST if self._seen > gone else DROPPED] += 1
        return False

    def _count(self, now: Standing, has_trend: bool, stepped: bool) -> None:
        self.counts[YOUNG] += not has_trend
        self.counts[STEPPED] += stepped
        self.counts[SMALL] += now.files >= MANY_FILES and now.size < self._asked.small * now.files
        self.counts[NO_STALE] += self._asked.reads_stale and bool(np.isnan(now.stale))

    def _alert(self, symbol: bytes, time: int, now: Standing, write: WriteLines | None) -> None:
        for number, alert in enumerate(self._asked.alerts):
            if (value := alert.value(now)) is not None:
                self.counts[ALERTED.format(number)] += 1
                if write is not None:
                    write(alert_line(symbol, time, value, alert.text, self._dated))


def _since(growth: Growth, unit: float, span_ns: int) -> Since | None:
    """How much a table grew in a span, in bytes."""
    found = growth.since(span_ns)
    return found and Since(found.size * unit, found.grown * unit)


def _with_next(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Piece | None]]:
    """Each piece, and the one that follows, if any."""
    before: Piece | None = None
    for piece in pieces:
        if before is not None:
            yield before, piece
        before = piece
    if before is not None:
        yield before, None
