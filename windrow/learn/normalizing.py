"""Bars of many symbols, each column scaled by a scale of its symbol's own, and taken back: windrow/learn/scaling.py.

Fitting sees all bars of a symbol before any is scaled, so it is a survey (windrow/mapreduce/survey.py), whose summary
has the symbol's scales; only bars up to a time may set them.

What is scaled is read again as bars, and no bar has values outside 1e-15..1e15 in magnitude, other than 0: what is
nearer to 0 is written as 0, which adds 1e-15 widths to the bound in scaling.py; what is farther away is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from sort_keys.keys import decode_symbol
from sort_keys.merge import Piece, Stretch
from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.learn.scaling import Fit, Returns, Scale, Spill, fit

#: Lines for the bars at an index of a stretch, and the columns of their values.
Lines = tuple[Stretch, Ints, list[Floats]]
_SMALLEST, _LARGEST = 1e-15, 1e15
#: Symbols that an error names.
_NAMED = 5


class Fitting:
    """Fits the scales of one symbol's columns to its bars before a time (ns, excluded). Memory: that of a scale's fit.

    >>> one = Fitting(["close"], "minmax", before=3)
    >>> one.push(Piece(np.array([1, 2, 3]), [np.array([5.0, 7.0, 9.0])]))
    >>> one.summary()
    {'begins': 1, 'bars': 3, 'fitted': 2, 'scales': {'close': {'method': 'minmax', 'low': 5.0, 'high': 7.0}}}
    """

    def __init__(self, names: Sequence[str], method: str, before: int, spill: Spill | None = None) -> None:
        self._fits: dict[str, Fit] = {name: fit(method, spill) for name in names}
        self._before = before
        self._begins = self._bars = self._fitted = 0

    def push(self, piece: Piece) -> None:
        """Takes the next bars, in order of time; `piece.values` are the columns, in the order of their names."""
        if not self._bars:
            self._begins = int(piece.times[0])
        at = int(np.searchsorted(piece.times, self._before))
        self._bars += len(piece.times)
        self._fitted += at
        for fitted, values in zip(self._fits.values(), piece.values, strict=True) if at else ():
            fitted.add(values[:at])

    def summary(self) -> dict[str, Any]:
        """The time of the first bar (ns), how many bars there are and set the scales, and these; none of no bars."""
        scales = {name: fitted.scale().to_json() for name, fitted in self._fits.items()} if self._fitted else {}
        return {"begins": self._begins, "bars": self._bars, "fitted": self._fitted, "scales": scales}


def scaled(
    bars: Iterable[tuple[Stretch, list[Any]]], names: Sequence[str], told: Callable[[bytes, dict[str, Any]], object]
) -> Iterator[Lines]:
    """Lines of scaled values, from bars and, of each symbol that begins, the summary of its `Fitting`.

    `told` gets each symbol and its summary. A bar without a return, a symbol's first, gets no line. Raises InputError
    for symbols without a bar to set their scales, a value without a return, and one that is too far away.
    """
    series = _Series({})
    unfitted: list[str] = []
    for stretch, summaries in bars:
        columns = [np.empty(len(stretch.times)) for _ in names]
        found = iter(summaries)
        for number, (symbol, begin, end) in enumerate(_bounds(stretch)):
            if number or not stretch.continued:
                summary = next(found)
                series = _Series({name: Scale.from_json(one) for name, one in summary["scales"].items()})
                told(symbol, summary)
                unfitted += [] if summary["fitted"] else [decode_symbol(symbol)]
            for name, column, values in zip(names, columns, stretch.values, strict=True):
                column[begin:end] = series.applied(name, values[begin:end], symbol)
        yield _lines_with_values(stretch, columns)
    if unfitted:
        raise InputError(
            f"{_listed(unfitted)}: {'have' if len(unfitted) > 1 else 'has'} no bar up to --fit-until, so nothing sets"
            " the scale; give a later time, or choose other symbols with --symbols"
        )


def restored(
    bars: Iterable[tuple[Stretch, list[Any]]],
    names: Sequence[str],
    summary_of: Callable[[bytes], dict[str, Any] | None],
) -> Iterator[Lines]:
    """Lines of values taken back from scaled ones, by the summary that `scaled` told of each symbol.

    Before the first return comes the bar that has none. Raises InputError for a symbol without a summary, and where
    returns are not all there: each value is made from the one before.
    """
    series, summary, rows, symbol = _Series({}), dict[str, Any](), 0, b""
    for stretch, _ in bars:
        columns = [np.empty(len(stretch.times)) for _ in names]
        firsts: list[tuple[int, int, list[float]]] = []
        for number, (name_of_symbol, begin, end) in enumerate(_bounds(stretch)):
            if number or not stretch.continued:
                _refuse_missing(symbol, summary, rows)
                symbol, rows = name_of_symbol, 0
                summary = _summary(summary_of, symbol)
                series = _Series({name: _scale(summary, name, symbol) for name in names})
                if series.firsts is not None:
                    firsts.append((begin, summary["begins"], series.firsts))
            rows += end - begin
            for name, column, values in zip(names, columns, stretch.values, strict=True):
                column[begin:end] = series.inverse(name, values[begin:end])
        yield _with_firsts(stretch, columns, firsts)
    _refuse_missing(symbol, summary, rows)


class _Series:
    """The scales of a symbol's columns, and the last value of each: what a return goes on from."""

    def __init__(self, scales: Mapping[str, Scale]) -> None:
        self._scales = scales
        self._last = dict.fromkeys(scales, np.nan)

    @property
    def firsts(self) -> list[float] | None:
        """The first values, of returns."""
        found = [scale.first for scale in self._scales.values() if isinstance(scale, Returns)]
        return found or None

    def applied(self, name: str, values: Floats, symbol: bytes) -> Floats:
        """A column's values scaled; NaN without a scale."""
        if name not in self._scales:
            return np.full(len(values), np.nan)
        try:
            found = self._scales[name].apply(values, self._last[name])
        except InputError as error:
            raise InputError(f"{decode_symbol(symbol)}, {name}: {error}") from None
        self._last[name] = float(values[-1])
        size = np.abs(found)
        if (size > _LARGEST).any():
            raise InputError(
                f"{decode_symbol(symbol)}, {name}: {values[size > _LARGEST][0]} is over 1e15 widths of the scale away,"
                " which no bar can hold; let more bars set the scale, by a later --fit-until"
            )
        return np.where(size < _SMALLEST, 0.0, found)

    def inverse(self, name: str, values: Floats) -> Floats:
        """A column's scaled values taken back."""
        scale = self._scales[name]
        if isinstance(scale, Returns) and np.isnan(self._last[name]):
            self._last[name] = scale.first
        found = scale.inverse(values, self._last[name])
        self._last[name] = float(found[-1])
        return found


def _bounds(stretch: Stretch) -> Iterator[tuple[bytes, int, int]]:
    bounds = pairwise([*stretch.starts.tolist(), len(stretch.times)])
    return ((symbol, *bound) for symbol, bound in zip(stretch.symbols, bounds, strict=True))


def _lines_with_values(stretch: Stretch, columns: list[Floats]) -> Lines:
    index = np.flatnonzero(~np.isnan(columns[0]))
    return stretch, index, [column[index] for column in columns]


def _with_firsts(stretch: Stretch, columns: list[Floats], firsts: list[tuple[int, int, list[float]]]) -> Lines:
    """Lines of all bars, and of the first bars, each before the one at a position."""
    if firsts:
        at = [begin for begin, _, _ in firsts]
        more = np.searchsorted(at, stretch.starts, side="left")
        starts, times = stretch.starts + more, np.insert(stretch.times, at, [time for _, time, _ in firsts])
        columns = [
            np.insert(column, at, [values[number] for _, _, values in firsts]) for number, column in enumerate(columns)
        ]
        stretch = stretch._replace(starts=starts, times=times)
    return stretch, np.arange(len(stretch.times)), columns


def _summary(summary_of: Callable[[bytes], dict[str, Any] | None], symbol: bytes) -> dict[str, Any]:
    summary = summary_of(symbol)
    if summary is None:
        raise InputError(
            f"{decode_symbol(symbol)}: has no scale among those of --inverse; give the output of the run that scaled"
            " it, or choose other symbols with --symbols"
        )
    return summary


def _scale(summary: dict[str, Any], name: str, symbol: bytes) -> Scale:
    try:
        return Scale.from_json(summary["scales"][name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InputError(
            f"{decode_symbol(symbol)}: has no scale of column {name} among those of --inverse; choose columns that it"
            " has with --column"
        ) from None


def _refuse_missing(symbol: bytes, summary: Mapping[str, Any], rows: int) -> None:
    """Raises InputError where a symbol's returns are not as many as it has."""
    are_returns = any(scale["method"] == Returns.method for scale in summary.get("scales", {}).values())
    if are_returns and rows != summary["bars"] - 1:
        raise InputError(
            f"{decode_symbol(symbol)}: has {rows:,} of {summary['bars'] - 1:,} returns, and each value is made from the"
            " one before; give all of them, without --from and --to"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
