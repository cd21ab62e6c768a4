"""Bars that no job has read: read and judged as a job over their prices would, with their volume."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from typing import NamedTuple

import numpy as np

from sort_keys.blocks import sort_bars
from sort_keys.keys import decode_symbol
from sort_keys.merge import Merge, by_symbol
from windrow.arrays import Floats, Ints
from windrow.bars.columns import Bars, join_bars
from windrow.bars.layout import ALIASES, Reading, normalise, refuse_unknown_names
from windrow.console import say
from windrow.errors import InputError
from windrow.feeds.density import Head
from windrow.feeds.files import read_bars
from windrow.feeds.settle import Settled, settle
from windrow.feeds.spool import spooled
from windrow.mapreduce.accounts import Accounts, Rules
from windrow.mapreduce.counters import judge, summary
from windrow.mapreduce.reports import conflict_text, read_conflict
from windrow.pages.series import CANDLES, Series, choose
from windrow.sinks.replay import values_in
from windrow.storage.manner import Manner
from windrow.storage.source import Version, list_inputs, unchanged, versions_of

VOLUME = "volume"


@dataclass(frozen=True)
class Asked:
    """How bars are read that no job has read; by default as a job without options reads them.

    max_bad, max_missing: the shares of an input's rows that may be invalid, and lack a needed value.
    """

    reading: Reading = field(default_factory=lambda: Reading(values=("close",)))
    manner: Manner = field(default_factory=Manner)
    max_bad: float = 0.001
    max_missing: float = 0.05


class Alone(NamedTuple):
    """A symbol's bars, and their volume where all inputs have one; it may be missing at some bars."""

    series: Series
    volume: Floats | None


def read_alone(
    paths: Sequence[str], symbols: Sequence[str], column: str | None, most: int, asked: Asked
) -> tuple[list[Alone], int]:
    """The chosen symbols, by default the first `most`, and how many there are.

    The prices are open, high, low and close where all inputs have them, else close; or `column` alone. One symbol that
    is asked for is that of all bars where no input has a column of symbols.

    Raises what a job over these prices would. Memory: the chosen symbols' bars.
    """
    source, column = " ".join(paths), normalise(column) if column else None
    with _inputs(paths, asked, column or asked.reading.wide or "close", symbols) as inputs:
        has = values_in(inputs.settled.inputs, inputs.reading)
        price = inputs.reading.values[0]
        _tell_of_some(inputs, has, (VOLUME,) if column else (*CANDLES, VOLUME))
        drawn = CANDLES if column is None and set(CANDLES) <= set(has) else (price,)
        known, bars = _judged(inputs.of(drawn, judged=True), symbols, most, asked)
        chosen = choose(known, symbols, most, source)
        volumes = {}
        if VOLUME in has and price not in (VOLUME, *ALIASES[VOLUME]):
            _, more = _held(inputs.of((*drawn, VOLUME)).feed(), chosen, most)
            volumes = _merged(more, (*drawn, VOLUME), inputs.settled.dated, asked.reading.on_conflict)
    found = []
    for symbol in chosen:
        times, values = bars[symbol]
        series = Series(symbol, times, dict(zip(drawn, values, strict=True)), price, inputs.settled.dated, source)
        found.append(Alone(series, _volume(series, volumes[symbol]) if symbol in volumes else None))
    return found, len(known)


def _tell_of_some(inputs: "_Inputs", has: Sequence[str], drawn: Sequence[str]) -> None:
    """Says which columns are not drawn since some of the inputs lack them."""
    some = {name for path, one in inputs.settled.inputs.items() for name in values_in({path: one}, inputs.reading)}
    if lost := [name for name in drawn if name in some and name not in has]:
        say(f"not drawn: {', '.join(lost)}, since some inputs have no such column")


@dataclass(frozen=True)
class _Inputs:
    """Inputs that are settled, by the user's names, and where they are."""

    places: Mapping[str, str]
    versions: Mapping[str, Version]
    reading: Reading
    settled: Settled

    def of(self, columns: Sequence[str], judged: bool = False) -> "_Inputs":
        """The same with other columns of values."""
        reading = replace(self.reading, values=tuple(columns))
        return replace(self, settled=_settled(self.places, self.versions, reading, judged), reading=reading)

    def feed(self) -> Iterator[tuple[Bars, str]]:
        """Their bars in chunks, with the input of each."""
        for name, layout in self.settled.inputs.items():
            place = self.places[name]
            with unchanged(place, self.versions[name]):
                for bars in read_bars(place, layout):
                    yield bars, name


@contextmanager
def _inputs(paths: Sequence[str], asked: Asked, price: str, symbols: Sequence[str]) -> Iterator[_Inputs]:
    """The inputs, of streams and tables the files that they are read into."""
    reading = replace(asked.reading, values=(normalise(price),))
    with spooled(paths, asked.manner, reading) as (arguments, names):
        listed = list_inputs(arguments, reading.recursive)
        places = {names.get(place, place): place for place in listed}
        of_places = versions_of(listed)
        versions = {name: of_places[place] for name, place in places.items()}
        settled, reading = _with_symbol(places, versions, reading, symbols)
        refuse_unknown_names(settled.inputs, reading)
        for name in places.keys() - settled.inputs.keys():
            say(f"warning: {name}: has no rows, or none that is asked for; skipped")
        yield _Inputs(places, versions, reading, settled)


def _with_symbol(
    places: Mapping[str, str], versions: Mapping[str, Version], reading: Reading, symbols: Sequence[str]
) -> tuple[Settled, Reading]:
    """The inputs settled, and the reading by which they are: with the symbol of their bars where none says one."""
    try:
        return _settled(places, versions, reading), reading
    except InputError:
        says_symbols = reading.symbol_column or reading.symbol_from_filename or reading.symbol_from_path
        if len(symbols) != 1 or reading.symbol is not None or says_symbols:
            raise
        # Refused where an input has a column of symbols.
        named = replace(reading, symbol=symbols[0])
        return _settled(places, versions, named), named


def _settled(
    places: Mapping[str, str], versions: Mapping[str, Version], reading: Reading, judged: bool = False
) -> Settled:
    heads = {name: Head(place, 1.0) for name, place in places.items() if name != place}
    return settle(list(places), reading, slot=1, heads=heads, judged=judged, versions=versions)[0]


def _judged(
    inputs: _Inputs, symbols: Sequence[str], most: int, asked: Asked
) -> tuple[list[str], dict[str, tuple[Ints, list[Floats]]]]:
    """All symbols, and the bars of those that are chosen. Raises what a job would; says what is left out."""
    settled, counts = inputs.settled, Counter[str]()
    rules = Rules(asked.max_bad, asked.max_missing, settled.units, settled.symbols)
    accounts = Accounts(counted=bool(rules.units))
    known, parts = _held(accounts.take(_counting(inputs.feed(), counts)), symbols, most)
    if refusal := accounts.refusal(rules):
        raise refusal
    say(*(f"warning: {warning}" for warning in accounts.warnings(rules)))
    judge(counts, (), 1.0, "largest")  # that there are bars
    del counts["unselected"]
    if told := summary(counts).partition("; ")[2]:
        say(f"not drawn: {told}")
    return known, _merged(parts, inputs.reading.values, settled.dated, inputs.reading.on_conflict)


def _counting(feed: Iterable[tuple[Bars, str]], counts: Counter[str]) -> Iterator[tuple[Bars, str]]:
    """Passes chunks on, and counts rows as jobs do."""
    for bars, name in feed:
        counts["bars"] += len(bars)
        counts["unselected"] += bars.unselected
        for reason, number in bars.rejected.items():
            counts[reason if reason == "missing" else f"rejected: {reason}"] += number
        yield bars, name


def _held(feed: Iterable[tuple[Bars, str]], symbols: Sequence[str], most: int) -> tuple[list[str], list[Bars]]:
    """All symbols, and the bars of those asked for, or of the first `most` by name."""
    known, held = set[str](), dict[str, list[Bars]]()
    for bars, _ in feed:
        present = np.flatnonzero(np.bincount(bars.codes, minlength=len(bars.symbols))).tolist()
        known.update(bars.symbols[code] for code in present)
        chosen = set(symbols or nsmallest(most, known))
        for code in present:
            if bars.symbols[code] in chosen:
                held.setdefault(bars.symbols[code], []).append(bars.only(bars.codes == code))
        for symbol in held.keys() - chosen:  # it is none of the first any more
            del held[symbol]
    return sorted(known), [part for parts in held.values() for part in parts]


def _merged(
    parts: Sequence[Bars], columns: Sequence[str], dated: bool, on_conflict: str
) -> dict[str, tuple[Ints, list[Floats]]]:
    """The bars of each symbol in order, without repeats; of those in conflict the one that a job keeps, or none."""
    if not parts:
        return {}
    bars, merge = join_bars(parts), Merge(len(columns), on_conflict)
    in_order = merge.in_memory(sort_bars(bars.codes, bars.symbols, bars.times, bars.values))
    found = {}
    for symbol, pieces in by_symbol(in_order):
        times, values = zip(*pieces, strict=True)
        found[decode_symbol(symbol)] = np.concatenate(times), [np.concatenate(one) for one in zip(*values, strict=True)]
    if merge.findings.first_conflict is not None:
        told = read_conflict(conflict_text(merge.findings.first_conflict, columns, dated))[1]
        judge(Counter(bars=1, conflicts=merge.findings.conflicts), [told], 1.0, on_conflict)
    return found


def _volume(series: Series, more: tuple[Ints, list[Floats]]) -> Floats:
    """The volume of each bar; NaN where the row with its prices has none."""
    times, (*prices, volume) = more
    at = series.at(times, "a volume")
    same = np.logical_and.reduce([of[at] == one for of, one in zip(series.prices.values(), prices, strict=True)])
    return series.values(times, np.where(same, volume, np.nan), "a volume")
