"""How dense bars are in time, estimated from samples: the basis for the spans of slots and slices.

A wrong estimate costs memory or time, never correctness.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sort_keys.slots import BARS_PER_SLOT, Slots
from windrow.bars.columns import Bars, Layout, join_bars
from windrow.feeds.files import read_bars, read_start
from windrow.feeds.texts import is_split
from windrow.storage.open import is_columnar, named, size_of
from windrow.storage.source import Version, each, unchanged

#: Bytes read at each place of a sampled file.
SAMPLE_BYTES = 1 << 16
_SAMPLED_INPUTS = 32
_PLACES = 16
_DENSE_SYMBOLS = 256
_LONGEST = 1 << 62  # half of all times; 8,192 monthly bars would be longer
#: A slice has at least this many bars, and this many times those that depend on the bars before it.
_BARS_PER_SLICE = 100_000
_HEADS_PER_SLICE = 64
#: Slices per reducer of a symbol that has more than its share: enough to balance the reducers.
_SLICES_PER_REDUCER = 8


class Head(NamedTuple):
    """A local copy of the first part of a remote input, which share of the input it is, and how that ends."""

    place: str
    share: float
    last_byte: bytes | None = None
    """The last byte of the input, where it is known though the copy lacks it."""


class Density(NamedTuple):
    """Estimates for a symbol: its bars in all inputs, and its bars per nanosecond where they are densest."""

    bars: float
    bars_per_ns: float


class _Sampled(NamedTuple):
    """Estimates for a symbol from a sample of one input; no density if it has only one time."""

    bars: float
    first: int
    last: int
    bars_per_ns: float


def sampled_densities(
    inputs: Mapping[str, Layout],
    heads: Mapping[str, Head] | None = None,
    versions: Mapping[str, Version] | None = None,
) -> dict[str, Density]:
    """The density of each symbol in samples of at most 32 inputs.

    In a sample in time order the spacing of bars is measured directly; otherwise the number of bars between a symbol's
    earliest and latest is estimated from its share of the sample. Inputs that overlap in time add up.
    """
    step = -(-len(inputs) // _SAMPLED_INPUTS)
    sampled = list(inputs)[::step]
    places = max(2, _PLACES // len(sampled))
    found: dict[str, list[_Sampled]] = {}

    def sample(path: str) -> list[tuple[str, _Sampled]]:
        head = (heads or {}).get(path, Head(path, 1.0))
        with named(head.place, path), unchanged(path, (versions or {}).get(path, {})):
            samples, share = _samples(head.place, inputs[path], places)
        return list(_densities(samples, share * head.share))

    for of_input in each(sample, sampled):
        for symbol, of_symbol in of_input:
            found.setdefault(symbol, []).append(of_symbol)
    return {symbol: _combined(samples, step) for symbol, samples in found.items()}


def slots_for(densities: Mapping[str, Density]) -> Slots:
    """Spans that hold a few thousand bars of a symbol."""
    spans = {
        symbol: max(1, min(_LONGEST, int(BARS_PER_SLOT / density.bars_per_ns)))
        for symbol, density in densities.items()
        if density.bars_per_ns
    }
    if not spans:
        return Slots(_LONGEST)
    usual = int(np.median(list(spans.values())))
    dense = sorted((span, symbol) for symbol, span in spans.items() if span < usual // 4)[:_DENSE_SYMBOLS]
    return Slots(max(usual, 1), {symbol: span for span, symbol in dense})


def slices_for(densities: Mapping[str, Density], reducers: int, head_bars: int, head_ns: int) -> int | None:
    """The span of slices in which reducers share a symbol that has more bars than one reducer's share.

    None if there is no such symbol, or if slices would not hold many times the bars (`head_bars`, and those of
    `head_ns`) that depend on the bars before a slice.

    >>> minute = 60 * 10**9
    >>> slices_for({"ES": Density(10_000_000, 1 / minute)}, 2, 19, 0) // minute
    625000
    >>> slices_for({"ES": Density(1000, 1 / minute), "NQ": Density(1000, 1 / minute)}, 2, 19, 0)
    """
    largest = max(densities.values(), default=Density(0, 0))
    total = sum(density.bars for density in densities.values())
    bars = max(largest.bars / (_SLICES_PER_REDUCER * reducers), _BARS_PER_SLICE, _HEADS_PER_SLICE * head_bars)
    if largest.bars * reducers <= total * 1.01 or not largest.bars_per_ns or largest.bars < 2 * bars:
        return None
    span = max(bars / largest.bars_per_ns, _HEADS_PER_SLICE * head_ns)
    return int(span) if span < min(_LONGEST, largest.bars / largest.bars_per_ns / 2) else None


def _samples(path: str, layout: Layout, places: int) -> tuple[list[Bars], float]:
    """Bars from several places of a file, or from the start of one that cannot be split; and their share of it."""
    if is_columnar(path) or not is_split(path, layout):
        bars, share = read_start(path, layout)
        return [bars], share
    size = size_of(path)
    places = min(places, 1 + size // SAMPLE_BYTES)
    starts = [size * place // places for place in range(places)]
    ranges = ((start, min(start + SAMPLE_BYTES, size)) for start in starts)
    # The rest of a range is one line, which would cost as much again to parse.
    samples = [bars for span in ranges for bars in islice(read_bars(path, layout, *span), 1)]
    return samples, min(1.0, places * SAMPLE_BYTES / size)


def _densities(samples: list[Bars], share: float) -> Iterator[tuple[str, _Sampled]]:
    """Estimates for each symbol from samples that are this share of a file."""
    bars = join_bars(samples)
    if not len(bars):
        return
    # A piece is one symbol's bars in one sample; all pieces at once, since there may be thousands.
    piece = bars.codes * np.int64(len(samples)) + np.repeat(np.arange(len(samples)), [len(part) for part in samples])
    order = np.argsort(piece, kind="stable")
    times = bars.times[order]
    begins = np.flatnonzero(np.diff(piece[order], prepend=-1))
    owners = piece[order][begins] // len(samples)
    symbols = np.flatnonzero(np.diff(owners, prepend=-1))
    ordered = np.logical_and.reduceat(_in_order(times, begins), symbols)
    ends = np.append(begins[1:], len(times)) - 1
    spreads = np.add.reduceat(np.abs(times[ends].astype(float) - times[begins]), symbols)
    counts = np.diff(begins[symbols], append=len(times))
    firsts = np.minimum.reduceat(times, begins[symbols])
    lasts = np.maximum.reduceat(times, begins[symbols])
    steps = np.where(ordered, counts - np.diff(symbols, append=len(owners)), counts / share)
    spreads = np.where(ordered, spreads, lasts.astype(float) - firsts)
    dense = np.where(spreads > 0, steps / np.maximum(spreads, 1.0), 0.0)
    rows = zip(counts / share, firsts.tolist(), lasts.tolist(), dense.tolist(), strict=True)
    for owner, row in zip(owners[symbols].tolist(), rows, strict=True):
        yield bars.symbols[owner], _Sampled(*row)


def _in_order(times: npt.NDArray[np.int64], begins: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each piece's times rise, or fall, all the way."""
    rising, falling = np.ones(len(times), bool), np.ones(len(times), bool)
    rising[1:], falling[1:] = times[1:] >= times[:-1], times[1:] <= times[:-1]
    rising[begins], falling[begins] = True, True
    found: npt.NDArray[np.bool_] = np.logical_and.reduceat(rising, begins) | np.logical_and.reduceat(falling, begins)
    return found


def _combined(samples: Sequence[_Sampled], step: int) -> Density:
    """A symbol's density from samples of every `step`-th input: highest where most of its inputs overlap."""
    densest = max(sum(one.bars_per_ns for one in samples if one.first <= edge.first <= one.last) for edge in samples)
    overlapping = densest > 1.5 * max(one.bars_per_ns for one in samples)
    return Density(step * sum(one.bars for one in samples), densest * (step if overlapping else 1))
