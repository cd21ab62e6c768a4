"""What the first rows of an input show to be misread: times in another unit, a column left out, no valid row at all."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from windrow.bars.checks import REASONS
from windrow.bars.columns import Bars, Example, Layout
from windrow.bars.epochs import Span, hint
from windrow.bars.headers import meaning
from windrow.errors import BadBarsError, InputError
from windrow.feeds.density import SAMPLE_BYTES
from windrow.feeds.files import read_bars
from windrow.feeds.forms import sampled_rows
from windrow.feeds.texts import is_split
from windrow.storage.open import is_columnar, is_parquet, size_of

#: Of the sampled rows, this share in conflict shows that bars are not told apart by symbol and time alone.
CONFLICTS = 0.1
_ROWS = 2000
#: Offsets of time zones are multiples of a quarter of an hour.
_STEP_OF_OFFSETS = 900 * 10**9
#: Between two midnights of one symbol, even where clocks change by more than an hour.
_SHORTEST_DAY = 20 * 3600 * 10**9
_PLACES = 8
_TELLS_APART = re.compile(
    "time|hour|minute|clock|session|type|series|expir|strike|contract|exchange|market|interval|side"
)
_VALUE = re.compile(r"\s*[+-]?[0-9]*\.[0-9]*([eE][+-]?[0-9]+)?\s*")


def refuse_other_unit(path: str, bars: Bars, layout: Layout) -> None:
    """Raises InputError if times that are counts of `--time-unit` fit another unit, or are dates."""
    if layout.time_unit is None:
        return
    span = Span()
    span.take(bars.times)
    if (refusal := span.doubt(path, layout.time_unit, sampled=True)) is not None:
        raise refusal


class Barren(NamedTuple):
    """An input without a valid row: its rows by reason, an example of each, and the cure where its times show one."""

    rejected: Counter[str]
    examples: Mapping[str, Example]
    cure: str | None


def barren(place: str, layout: Layout, rejected: Counter[str], examples: Mapping[str, Example]) -> Barren:
    """What is known of an input without a valid row."""
    cure = hint(_first_time(place, layout), layout.time_unit) if rejected["time"] else None
    return Barren(rejected, examples, cure)


def _first_time(place: str, layout: Layout) -> str:
    """The text of the first row's time; empty if there is none to be had."""
    if is_columnar(place):
        if is_parquet(place):
            from windrow.feeds.parquet import sampled_times
        else:
            from windrow.feeds.feather import sampled_times

        return next(iter((sampled_times(place, layout) or [[""]])[0]), "")
    return next((row[layout.names.index(layout.time)] for row in sampled_rows(place, layout)), "")


def refuse_barren(found: Mapping[str, Barren], inputs: int) -> None:
    """Raises BadBarsError if any of the inputs has no valid row: the results of the others would hide that."""
    if not found:
        return
    path, (rejected, examples, cure) = next(iter(found.items()))
    cure = cure or "list them with `windrow rejects`, and check --columns, --column and --time-format"
    if len(found) == inputs:
        total = sum((one.rejected for one in found.values()), Counter[str]())
        raise BadBarsError(
            f"no valid row in any input: {total.total():,} rows read, all invalid: {told_reasons(total, examples)};"
            f" a job needs bars; {cure}"
        )
    more = f" ({len(found) - 1:,} more inputs have none either)" if len(found) > 1 else ""
    raise BadBarsError(
        f"{path}: none of its {rejected.total():,} rows is valid: {told_reasons(rejected, examples)}{more}; each input"
        f" needs bars; {cure}, or leave the input out"
    )


def told_reasons(rejected: Mapping[str, int], examples: Mapping[str, Example] = MappingProxyType({})) -> str:
    """Rows that are no bars, by reason, in the order of the checks, with an example of each where there is one.

    >>> told_reasons(Counter({"time": 2}), {"time": Example("'soon' in column 'date'")})
    "2 time (the time does not parse: 'soon' in column 'date')"
    """
    shown = {reason: f": {example.shown}" for reason, example in examples.items()}
    told = [reason for reason in REASONS if rejected.get(reason)]
    return "; ".join(f"{rejected[reason]:,} {reason} ({REASONS[reason]}{shown.get(reason, '')})" for reason in told)


def cure_of(examples: Mapping[str, Example]) -> str:
    """The cure that the example of an invalid time shows, if it does."""
    return examples["time"].cure if "time" in examples else ""


def column_left_out(place: str, bars: Bars, layout: Layout) -> str | None:
    """The unused column by which bars in conflict differ, if a tenth of these first bars are in conflict."""
    if layout.wide or not _many_conflicts(bars):
        return None
    rows = list(_rows(place, layout))
    keys = [tuple(row[name] for name in layout.needed if name not in layout.values) for row in rows]
    values = [tuple(row[name] for name in layout.values) for row in rows]
    unused = [name for name in layout.names if name not in layout.needed and meaning(name) in (None, "time", "symbol")]
    told = [(not _TELLS_APART.search(name), at, name) for at, name in enumerate(unused)]
    before = _conflicts(keys, values)
    for by_value, _, name in sorted(told):
        texts = [str(row[name]) for row in rows]
        if by_value and any(_VALUE.fullmatch(text) for text in texts):
            continue  # prices tell bars apart too, but not what they are bars of
        if _conflicts([(*key, text) for key, text in zip(keys, texts, strict=True)], values) < before * CONFLICTS:
            return name
    return None


def _many_conflicts(bars: Bars) -> bool:
    codes, times, values = bars.codes[:_ROWS], bars.times[:_ROWS], [value[:_ROWS] for value in bars.values]
    keys: list[Any] = [*values, times, codes]
    order = np.lexsort(keys)
    same = (np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0)
    differ = np.zeros(len(same), bool)
    for value in values:
        differ |= np.diff(value[order]) != 0
    return int(np.count_nonzero(same & differ)) > CONFLICTS * len(codes)


def _conflicts(keys: Sequence[tuple[object, ...]], values: Sequence[tuple[object, ...]]) -> int:
    found: defaultdict[tuple[object, ...], set[tuple[object, ...]]] = defaultdict(set)
    for key, value in zip(keys, values, strict=True):
        found[key].add(value)
    return sum(len(different) - 1 for different in found.values())


def _rows(place: str, layout: Layout) -> Iterator[dict[str, object]]:
    """The first rows with all their columns."""
    if is_columnar(place):
        if is_parquet(place):
            from windrow.feeds.parquet import first_rows
        else:
            from windrow.feeds.feather import first_rows

        for row in first_rows(place, _ROWS):
            yield dict(zip(layout.names, row, strict=True))
        return
    for fields in islice(sampled_rows(place, layout), _ROWS):
        yield dict(zip(layout.names, fields, strict=True))


def are_midnights(place: str, layout: Layout, first: Bars) -> bool:
    """Whether sampled times, which have a time of day, are all midnight on their own clock."""
    codes, times = first.codes[:_ROWS], first.times[:_ROWS]
    order = np.lexsort((times, codes))
    apart = np.diff(times[order])[np.diff(codes[order]) == 0]
    if (times % _STEP_OF_OFFSETS).any() or (apart[apart > 0] < _SHORTEST_DAY).any():
        return False  # without parsing anything again
    try:
        for _ in _sampled(place, replace(layout, dated=True)):
            pass
    except InputError:  # a time of day among dates; anything else will be found again
        return False
    return True


def _sampled(place: str, layout: Layout) -> Iterator[Bars]:
    """Bars from several places of an input; from its start if it cannot be split."""
    size = size_of(place)
    if not is_split(place, layout) or size <= SAMPLE_BYTES:
        yield from islice(read_bars(place, layout), 1)
        return
    for number in range(_PLACES):
        start, end = size * number // _PLACES, size * (number + 1) // _PLACES
        piece = end if is_parquet(place) else min(end, start + SAMPLE_BYTES)
        yield from islice(read_bars(place, layout, start, piece), 1)
