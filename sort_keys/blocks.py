"""Blocks: columns of bars <-> one line of text that Hadoop Streaming carries.

A block is consecutive bars of one symbol within one slot. Its line is the key of its first bar, a tab, and a payload:

    header    bars u4 | per column: scale u1, width u1, first value i8   (little endian; the first column is time)
    deltas    per column: one signed integer of `width` bytes a bar, the difference from the bar before

A column travels as integers. Times are counted in the largest unit that their differences allow; a value is the
integer q of q / 10^scale where that division gives back exactly the float64, otherwise the 64 bits of the float64.
Then the three bytes that a line of text must not hold (LF, CR, and the escape itself) are escaped.

Why this encoding: measured by benchmarks/codec.py on 5 million minute bars in cents, one value column, blocks of
1,000 bars, one core (bytes a bar; ns a bar to encode, to decode):

@MEASURED@

All arithmetic is done once for a whole chunk of many blocks; what is left for each block is slicing and one header.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sort_keys.keys import encode_symbol, encode_time
from sort_keys.slots import Slots
from windrow.errors import InputError

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

#: Bars a block holds at most: long enough that the work for each block is small beside that for its bars.
BLOCK_BARS = 4096

#: Units in which times may be counted, in ns: a day, an hour, a minute, s, ms, us, ns.
_UNITS = np.array([86_400 * 10**9, 3600 * 10**9, 60 * 10**9, 10**9, 10**6, 10**3, 1])
#: Decimal places in which values may be counted; one more code means the float64's own bits.
_PLACES = (0, 2, 4, 6, 9)
_BITS = len(_PLACES)
_EXACT = float(2**53)

_COUNT = struct.Struct("<I")
_COLUMN = struct.Struct("<BBq")
_TYPES = {1: np.dtype("<i1"), 2: np.dtype("<i2"), 4: np.dtype("<i4"), 8: np.dtype("<i8")}


class Columns(NamedTuple):
    """Bars of many symbols: `symbols[i]` begins at `starts[i]`; times in ns, ascending within a symbol."""

    symbols: list[str]
    starts: Int64
    times: Int64
    values: list[Float64]


def sort_bars(codes: npt.NDArray[np.int32], names: list[str], times: Int64, values: list[Float64]) -> Columns:
    """Bars in any order as Columns, sorted by (symbol, time); `names[codes[i]]` is the symbol of bar i.

    Bars that stand in time order, or in reverse (newest first is common), cost one stable sort by symbol; any other
    order costs a sort by both.
    """
    narrow = codes.astype(np.uint16) if len(names) <= 1 << 16 else codes  # numpy sorts 16 bits by radix
    order = np.argsort(narrow, kind="stable")
    if not _ascending(codes[order], times[order]):
        order = (len(codes) - 1 - np.argsort(narrow[::-1], kind="stable")).astype(np.int64)
        if not _ascending(codes[order], times[order]):
            order = np.lexsort((times, codes))
    codes = codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=np.int32(-1)))
    return Columns([names[code] for code in codes[starts]], starts, times[order], [v[order] for v in values])


def _ascending(codes: npt.NDArray[np.int32], times: Int64) -> bool:
    return bool(np.all((times[1:] >= times[:-1]) | (codes[1:] != codes[:-1])))


def write_blocks(bars: Columns, slots: Slots, block_bars: int = BLOCK_BARS) -> Iterator[bytes]:
    r"""The shuffle's lines for sorted bars, cut at symbols, at the edges of slots and at `block_bars`.

    >>> bars = Columns(["AA"], np.array([0]), np.array([0, 60 * 10**9]), [np.array([1.5, 1.25])])
    >>> [line[:20] for line in write_blocks(bars, Slots(10**18))]
    [b'AA\t8000000000000000\t']
    """
    if not len(bars.times):
        return
    cuts = _cut(bars, slots, block_bars)
    counts = np.diff(cuts, append=len(bars.times))
    columns = [_time_column(bars.times, cuts, counts)]
    columns += [_value_column(value, cuts, counts) for value in bars.values]
    owner = np.searchsorted(bars.starts, cuts, side="right") - 1
    symbols = [encode_symbol(symbol) for symbol in bars.symbols]
    heads = bars.times[cuts].tolist()
    for block, (count, start, who) in enumerate(zip(counts.tolist(), cuts.tolist(), owner.tolist(), strict=True)):
        header = [_COUNT.pack(count)] + [column.header(block) for column in columns]
        deltas = [column.slice(block, start, count) for column in columns]
        payload = _escape(b"".join(header + deltas))
        yield b"%b\t%b\t%b\n" % (symbols[who], encode_time(heads[block]), payload)


def _cut(bars: Columns, slots: Slots, block_bars: int) -> Int64:
    """Where blocks begin: symbols, slots, and every `block_bars` bars within those."""
    runs = np.union1d(bars.starts, slots.edges(bars.symbols, bars.starts, bars.times))
    lengths = np.diff(runs, append=len(bars.times))
    if lengths.max() <= block_bars:
        return runs
    blocks = -(-lengths // block_bars)
    nth = np.arange(blocks.sum()) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    return np.repeat(runs, blocks) + nth * block_bars


class _Column:
    """A chunk's column as delta bytes in every width that some block of it needs."""

    def __init__(self, integers: Int64, deltas: Int64, scales: Int64, cuts: Int64) -> None:
        magnitude = np.maximum.reduceat(deltas ^ (deltas >> 63), cuts)
        width = np.select([magnitude == 0, magnitude < 1 << 7, magnitude < 1 << 15, magnitude < 1 << 31], [0, 1, 2, 4], 8)
        self._firsts = integers[cuts].tolist()
        self._scales = scales.tolist()
        self._widths = width.tolist()
        self._bytes = {w: deltas.astype(_TYPES[w]).tobytes() for w in set(self._widths) - {0}}

    def header(self, block: int) -> bytes:
        return _COLUMN.pack(self._scales[block], self._widths[block], self._firsts[block])

    def slice(self, block: int, start: int, count: int) -> bytes:
        width = self._widths[block]
        return self._bytes[width][start * width : (start + count) * width] if width else b""


def _deltas(integers: Int64, cuts: Int64) -> Int64:
    """Differences from the bar before, 0 at a block's first; they may wrap, as the sums that undo them do."""
    deltas = np.diff(integers, prepend=integers[:1])
    deltas[cuts] = 0
    return deltas


def _time_column(times: Int64, cuts: Int64, counts: Int64) -> _Column:
    deltas = _deltas(times, cuts)
    scale = next(i for i, unit in enumerate(_UNITS) if not (deltas[:64] % unit).any() and not (deltas % unit).any())
    if deltas.min() < 0:  # wrapped: further apart than int64 counts, so only whole ns are safe
        scale = len(_UNITS) - 1
    return _Column(times, deltas // _UNITS[scale], np.full(len(counts), scale), cuts)


def _value_column(values: Float64, cuts: Int64, counts: Int64) -> _Column:
    integers, scales = _as_integers(values, cuts, counts)
    return _Column(integers, _deltas(integers, cuts), scales, cuts)


def _as_integers(values: Float64, cuts: Int64, counts: Int64) -> tuple[Int64, Int64]:
    """Each value as an integer, by block in the fewest decimal places that give all its values back exactly."""
    integers = values.view(np.int64).copy()
    scales = np.full(len(cuts), _BITS)
    pending = np.arange(len(values))
    for code, places in enumerate(_PLACES):
        exact = np.ones(len(values), bool)
        power = 10.0**places
        part = values[pending]
        counted = np.rint(part * power)
        exact[pending] = (counted / power == part) & (np.abs(counted) < _EXACT) & ~(np.signbit(part) & (part == 0))
        settled = np.logical_and.reduceat(exact, cuts) & (scales == _BITS)
        scales[settled] = code
        rows = np.repeat(settled, counts)[pending]
        integers[pending[rows]] = counted[rows]
        pending = pending[~rows]
        if not len(pending):
            break
    return integers, scales


def read_blocks(first_times: Sequence[int], payloads: Sequence[bytes], columns: int) -> tuple[Int64, Int64, list[Float64]]:
    """Bars a block, and the times (ns) and values of all blocks one after another.

    `first_times` and `payloads` are what `keys.split_record` gives; `columns` is how many values a bar has. The
    decoded columns are the only memory this takes. Raises InputError for a payload that is damaged.
    """
    try:
        blocks = [_read_block(_unescape(payload), columns) for payload in payloads]
    except (struct.error, ValueError, KeyError) as error:
        raise InputError(
            f"a block of {len(payloads)} read by a reducer is damaged ({error}); blocks are only valid between mappers"
            " and reducers of one version of windrow; install one version everywhere and run the job again"
        ) from error
    counts = np.array([block[0] for block in blocks], np.int64)
    times = _undelta([block[1] for block in blocks], counts, np.array(first_times, np.int64), _UNITS)
    values = [_read_values([block[2 + i] for block in blocks], counts) for i in range(columns)]
    return counts, times, values


_Part = tuple[int, int, npt.NDArray[np.signedinteger]]  # scale code, first value, deltas


def _read_block(payload: bytes, columns: int) -> tuple:  # type: ignore[type-arg]
    (count,) = _COUNT.unpack_from(payload)
    at = _COUNT.size
    heads = [_COLUMN.unpack_from(payload, at + i * _COLUMN.size) for i in range(1 + columns)]
    at += (1 + columns) * _COLUMN.size
    parts: list[_Part] = []
    for scale, width, first in heads:
        if width:
            deltas = np.frombuffer(payload, _TYPES[width], count, at)
        else:
            deltas = np.broadcast_to(np.int8(0), count)
        parts.append((scale, first, deltas))
        at += count * width
    if at != len(payload):
        raise ValueError(f"{len(payload)} bytes where its header says {at}")
    return (count, *parts)


def _undelta(parts: list[_Part], counts: Int64, firsts: Int64, units: Int64 | None = None) -> Int64:
    """Running sums of all blocks at once; each block restarts at its first value."""
    summed = np.concatenate([part[2] for part in parts], dtype=np.int64)
    np.cumsum(summed, out=summed)
    starts = np.cumsum(counts) - counts
    base = summed[starts]
    if units is None:
        summed += np.repeat(firsts - base, counts)
        return summed
    unit = units[[part[0] for part in parts]]
    summed -= np.repeat(base, counts)
    summed *= np.repeat(unit, counts)
    summed += np.repeat(firsts, counts)
    return summed


def _read_values(parts: list[_Part], counts: Int64) -> Float64:
    integers = _undelta(parts, counts, np.array([part[1] for part in parts], np.int64))
    scales = np.array([part[0] for part in parts])
    powers = np.array([10.0**places for places in _PLACES] + [1.0])
    if (scales == scales[0]).all():
        return integers.view(np.float64) if scales[0] == _BITS else integers / powers[scales[0]]
    scale = np.repeat(scales, counts)
    return np.where(scale == _BITS, integers.view(np.float64), integers / powers[scale])


_ESCAPE = b"\x1b"


def _escape(payload: bytes) -> bytes:
    return payload.replace(_ESCAPE, b"\x1be").replace(b"\n", b"\x1bn").replace(b"\r", b"\x1br")


def _unescape(payload: bytes) -> bytes:
    if _ESCAPE not in payload:
        return payload
    return payload.replace(b"\x1bn", b"\n").replace(b"\x1br", b"\r").replace(b"\x1be", _ESCAPE)
