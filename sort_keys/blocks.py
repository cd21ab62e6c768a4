"""Blocks: columns of bars <-> one line of text that Hadoop Streaming carries.

A block is consecutive bars of one symbol within one slot. Its line is the key of its first bar, a tab, and a
payload, little endian:

    header    bars u4 | per column, time first: scale u1, width u1, first value i8
    deltas    per column: one signed integer of `width` bytes per bar, the difference from the bar before
    check     CRC-32 of all that, u4

A column is sent as integers. Times are counted in the largest unit that their differences allow; a value is
the integer q of q / 10^places where that division gives exactly the float64, otherwise the float64's 64 bits.
Then the three bytes that a line of text must not hold (LF, CR, and the escape itself) are escaped.

Why this encoding: what benchmarks/codec.py printed for 5 million minute bars in cents, one value column,
blocks of 1,000 bars, one core (bytes per bar; ns per bar to encode, to decode; medians of seven runs; the last is
`--block-bars 1`):

                               bytes  encode  decode
    windrow                      2.1      23      21
    raw, escaped                16.3      17      95
    raw, base64                 21.4      24      68
    raw, zstd, escaped           8.9      79     109
    raw, lz4, escaped           10.2      39      77
    windrow, 1 bar a block      51.1    1654    1546

All arithmetic is done once for a whole chunk of many blocks; what is left for each block is slicing and
joining.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import compress, pairwise, repeat
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from sort_keys.keys import code_order, encode_slice, encode_symbols, encode_times, key_order
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints, Mask, distinct, run_starts
from windrow.errors import InputError

#: Most bars of a block: enough that the work per block is small compared with that for its bars.
BLOCK_BARS = 4096

#: Most blocks that are written at once: each takes half a KiB then, if it has one bar.
_MOST_BLOCKS = 1 << 15

#: Bars whose order tells whether it pays to look at that of all.
_FEW = 1 << 10

#: Units in which times may be counted, in ns: a day, an hour, a minute, s, ms, us, ns.
_UNITS = np.array([86_400 * 10**9, 3600 * 10**9, 60 * 10**9, 10**9, 10**6, 10**3, 1])
#: Decimal places in which values may be counted; one more code means the float64's own bits.
_POWERS = np.array([1.0, 1e2, 1e4, 1e6, 1e9])
_BITS = len(_POWERS)

_TYPES: dict[int, np.dtype[Any]] = {width: np.dtype(f"<i{width}") for width in (1, 2, 4, 8)}
_COLUMN = np.dtype([("scale", "u1"), ("width", "u1"), ("first", "<i8")])
#: Bytes of a checksum.
_CHECK = 4
#: The CRC-32 of any bytes that end in their own CRC-32.
_CHECKED = 0x2144DF1C


@cache
def _header(columns: int) -> np.dtype[np.void]:
    return np.dtype([("bars", "<u4"), ("columns", _COLUMN, (1 + columns,))])


class Columns(NamedTuple):
    """Bars of many symbols: `symbols[i]` begins at `starts[i]`; times in ns, ascending within a symbol."""

    symbols: list[str]
    starts: Ints
    times: Ints
    values: list[Floats]


def sort_bars(codes: npt.NDArray[np.int32], names: list[str], times: Ints, values: list[Floats]) -> Columns:
    """Bars in any order as Columns, sorted by (symbol, time); `names[codes[i]]` is the symbol of bar i.

    Bars that are sorted already are returned as they are, not copied; those in time order cost one stable sort by
    symbol; any other order costs a sort by both.
    """
    if _sorted(codes[:_FEW], times[:_FEW]) and _sorted(codes, times):
        starts = run_starts(codes)
        return Columns([names[code] for code in codes[starts]], starts, times, values)
    order = code_order(codes, len(names))
    if not _ascending(codes[order], times[order]):
        order = key_order(codes, times)
    codes = codes[order]
    starts = run_starts(codes)
    return Columns([names[code] for code in codes[starts]], starts, times[order], [v[order] for v in values])


def _sorted(codes: npt.NDArray[np.int32], times: Ints) -> bool:
    return bool(np.all(codes[1:] >= codes[:-1])) and _ascending(codes, times)


def _ascending(codes: npt.NDArray[np.int32], times: Ints) -> bool:
    return bool(np.all((times[1:] >= times[:-1]) | (codes[1:] != codes[:-1])))


def write_blocks(
    bars: Columns, slots: Slots, block_bars: int = BLOCK_BARS, slices: Slots | None = None
) -> Iterator[bytes]:
    r"""The shuffle's lines for sorted bars, cut at symbols, at the edges of slots and slices and at `block_bars`.

    >>> bars = Columns(["AA"], np.array([0]), np.array([0, 60 * 10**9]), [np.array([1.5, 1.25])])
    >>> [line[:20] for line in write_blocks(bars, Slots(10**18))]
    [b'AA\t8000000000000000\t']
    """
    if not len(bars.times):
        return
    cuts = _cut(bars, slots, block_bars, slices)
    owners = np.searchsorted(bars.starts, cuts, side="right") - 1
    ends = np.append(cuts, len(bars.times))
    for at in range(0, len(cuts), _MOST_BLOCKS):
        some = slice(at, at + _MOST_BLOCKS)
        rows = slice(cuts[at], ends[some.stop] if some.stop < len(ends) else None)
        times, values = bars.times[rows], [value[rows] for value in bars.values]
        fields = _first_fields(bars.symbols, owners[some], bars.times[cuts[some]], slices)
        yield from _lines(fields, times, values, cuts[some] - cuts[at])


def _lines(fields: Iterable[bytes], times: Ints, values: list[Floats], cuts: Ints) -> Iterator[bytes]:
    """The lines of the blocks that begin at `cuts`, whose keys have these first fields."""
    counts = np.diff(cuts, append=len(times))
    columns = [_time_column(times, cuts, counts)]
    columns += [_value_column(value, cuts, counts) for value in values]
    headers = np.empty(len(cuts), _header(len(values)))
    headers["bars"] = counts
    for i, column in enumerate(columns):
        headers["columns"][:, i] = column.heads
    ends = np.cumsum(headers.itemsize + counts * headers["columns"]["width"].sum(axis=1, dtype=np.int64) + _CHECK)
    bodies = _checked([_rows(headers), *(column.slices(cuts, counts) for column in columns)], ends)
    tab, end = repeat(b"\t"), repeat(b"\n")
    return map(b"".join, zip(fields, tab, encode_times(times[cuts]), tab, _escape(bodies, ends), end, strict=False))


def _first_fields(names: list[str], owners: Ints, times: Ints, slices: Slots | None) -> Iterator[bytes]:
    """The first fields of blocks' keys; `names[owners[i]]` is the symbol of block i, which begins at `times[i]`."""
    first = int(owners[0])
    symbols = encode_symbols(names[first : int(owners[-1]) + 1])
    own = (symbols[owner] for owner in (owners - first).tolist())
    if slices is None:
        return own
    return map(encode_slice, own, slices.numbers(times).tolist())


def _checked(parts: Sequence[list[bytes]], ends: Ints) -> bytearray:
    """The bodies of blocks one after another: each its parts, and then their checksum, up to one of the ends."""
    each = len(parts) + 1
    pieces = [bytes(_CHECK)] * (each * len(parts[0]))
    for at, part in enumerate(parts):
        pieces[at::each] = part
    bodies = bytearray().join(pieces)
    checked, places = memoryview(bodies), ends - _CHECK
    checks = [crc32(checked[begin:end]) for begin, end in zip([0, *ends.tolist()], places.tolist(), strict=False)]
    raw = np.frombuffer(bodies, np.uint8)
    raw[places[:, None] + np.arange(_CHECK)] = np.array(checks, "<u4").view(np.uint8).reshape(-1, _CHECK)
    return bodies


def _rows(records: npt.NDArray[np.void]) -> list[bytes]:
    raw, size = records.tobytes(), records.itemsize
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def _cut(bars: Columns, slots: Slots, block_bars: int, slices: Slots | None) -> Ints:
    """Where blocks begin: symbols, slots, slices, and every `block_bars` bars within those."""
    runs = distinct(np.concatenate([bars.starts, slots.edges(bars.symbols, bars.starts, bars.times)]))
    if slices is not None:
        runs = distinct(np.concatenate([runs, slices.edges(bars.symbols, bars.starts, bars.times)]))
    lengths = np.diff(runs, append=len(bars.times))
    if lengths.max() <= block_bars:
        return runs
    blocks = -(-lengths // block_bars)
    nth = np.arange(blocks.sum()) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    cuts: Ints = np.repeat(runs, blocks) + nth * block_bars
    return cuts


class _Column:
    """A chunk's column: by block its header, and its delta bytes in every width that some block needs."""

    def __init__(self, firsts: Ints, deltas: Ints, scales: Ints, widths: Ints) -> None:
        self.heads = np.empty(len(firsts), _COLUMN)
        self.heads["scale"], self.heads["width"], self.heads["first"] = scales, widths, firsts
        self._widths = widths
        self._bytes = {w: deltas.astype(_TYPES[w]).tobytes() if w else b"" for w in distinct(widths).tolist()}

    def slices(self, cuts: Ints, counts: Ints) -> list[bytes]:
        begins, ends = (cuts * self._widths).tolist(), ((cuts + counts) * self._widths).tolist()
        its = map(self._bytes.__getitem__, self._widths.tolist())
        return [raw[begin:end] for raw, begin, end in zip(its, begins, ends, strict=True)]


def _deltas(integers: Ints, cuts: Ints) -> Ints:
    """Differences from the bar before, 0 at a block's first bar; they may wrap, as the sums that undo them do."""
    deltas = np.empty_like(integers)
    np.subtract(integers[1:], integers[:-1], out=deltas[1:])
    deltas[cuts] = 0
    return deltas


def _widths(deltas: Ints, cuts: Ints) -> Ints:
    """The bytes that a block's largest delta needs."""
    magnitude = np.maximum(np.maximum.reduceat(deltas, cuts), ~np.minimum.reduceat(deltas, cuts))
    needed = np.select([magnitude < 1 << 7, magnitude < 1 << 15, magnitude < 1 << 31], [1, 2, 4], 8)
    return np.where(np.logical_or.reduceat(deltas, cuts), needed, 0)


def _time_column(times: Ints, cuts: Ints, counts: Ints) -> _Column:
    scale, counted = _in_units(_deltas(times, cuts))
    # Never fewer bytes than bars, even of one bar repeated: so bytes bound what a reducer decodes at once.
    widths = np.maximum(_widths(counted, cuts), counts > 1)
    return _Column(times[cuts], counted, np.full(len(cuts), scale), widths)


def _in_units(deltas: Ints) -> tuple[int, Ints]:
    """Differences of times in the largest unit that divides all; exact also where one wrapped."""
    few = deltas[:64]
    for scale, unit in enumerate(_UNITS[:-1]):
        if (few // unit * unit == few).all() and ((counted := deltas // unit) * unit == deltas).all():
            return scale, counted
    return len(_UNITS) - 1, deltas


def _value_column(values: Floats, cuts: Ints, counts: Ints) -> _Column:
    integers, scales = _as_integers(values, cuts, counts)
    deltas = _deltas(integers, cuts)
    return _Column(integers[cuts], deltas, scales, _widths(deltas, cuts))


def _as_integers(values: Floats, cuts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Each value as an integer, by block in the fewest decimal places that give all values back exactly."""
    integers = values.view(np.int64).copy()
    scales = np.full(len(cuts), _BITS)
    firsts = values[cuts]
    for code, power in enumerate(_POWERS):
        possible = (scales == _BITS) & _counted(firsts, power)[1]  # a block's first bar rules out most places
        if not possible.any():
            continue
        rows = slice(None) if possible.all() else np.flatnonzero(np.repeat(possible, counts))
        counted, exact = _counted(values[rows], power)
        within = np.cumsum(counts[possible]) - counts[possible]
        settled = np.logical_and.reduceat(exact, within)
        scales[np.flatnonzero(possible)[settled]] = code
        if settled.all():
            integers[rows] = counted
        else:
            kept = np.repeat(settled, counts[possible])
            integers[np.arange(len(values))[rows][kept]] = counted[kept]
    return integers, scales


def _counted(values: Floats, power: np.float64) -> tuple[Ints, Mask]:
    """Values counted in 1 / power, and which of them come back from that to the last bit (-0.0 does not)."""
    with np.errstate(over="ignore", invalid="ignore"):  # too large for int64: does not come back
        counted = np.rint(values * power).astype(np.int64)
    return counted, (counted / power).view(np.int64) == values.view(np.int64)


def read_blocks(first_times: Sequence[int], payloads: Sequence[bytes], columns: int) -> tuple[Ints, Ints, list[Floats]]:
    """Bars per block, and the times (ns) and values of all blocks one after another.

    `first_times` and `payloads` are what `keys.split_records` returns; `columns` is how many values a bar has.
    Memory: a copy of the payloads, and what they decode to. Raises InputError for a payload that is damaged.
    """
    bodies, ends = _unescape(payloads)
    firsts = np.asarray(first_times, np.int64)
    headers = _read_headers(bodies, ends, firsts, columns)
    counts = headers["bars"].astype(np.int64)
    widths = headers["columns"]["width"].astype(np.int64)
    starts = (ends - _CHECK)[:, None] - np.cumsum((counts[:, None] * widths)[:, ::-1], axis=1)[:, ::-1]
    parts: list[Ints] = []
    for i in range(1 + columns):
        begins = starts[:, i]
        slices = zip(begins.tolist(), (begins + counts * widths[:, i]).tolist(), strict=True)
        parts.append(_read_deltas([bodies[begin:end] for begin, end in slices], widths[:, i], counts))
    heads = headers["columns"]
    times = _undelta(parts[0] * _each(_UNITS[heads["scale"][:, 0]], counts), counts, firsts)
    values = [_read_values(part, counts, heads[:, 1 + i]) for i, part in enumerate(parts[1:])]
    return counts, times, values


def _read_headers(bodies: bytes, ends: Ints, first_times: Ints, columns: int) -> Any:
    """The headers of blocks whose bodies end there, all of them valid."""
    header = _header(columns)
    begins = np.concatenate([[0], ends[:-1]])
    checked, lengths = memoryview(bodies), ends - begins
    checks = np.array([crc32(checked[at:end]) for at, end in zip(begins.tolist(), ends.tolist(), strict=True)])
    _refuse(lengths < header.itemsize + _CHECK, "it is cut short")
    _refuse(checks != _CHECKED, "its bytes do not match its checksum")
    rows = np.frombuffer(bodies, np.uint8)[begins[:, None] + np.arange(header.itemsize)]
    headers = rows.view(header)[:, 0]
    counts, heads = headers["bars"].astype(np.int64), headers["columns"]
    _refuse(~np.isin(heads["width"], [0, *_TYPES]).all(axis=1), "it has a column of unknown width")
    expected = header.itemsize + counts * heads["width"].sum(axis=1, dtype=np.int64) + _CHECK
    wrong = (expected != lengths) | (counts < 1) | (counts > lengths)
    _refuse(wrong, f"it does not hold bars of {columns} columns")
    _refuse(heads["scale"][:, 0] >= len(_UNITS), "its times are in an unknown unit")
    _refuse((heads["scale"][:, 1:] > _BITS).any(axis=1), "its values are in an unknown unit")
    _refuse(heads["first"][:, 0] != first_times, "its key belongs to another block")
    return headers


def _refuse(damaged: Any, why: str) -> None:
    if damaged.any():
        raise InputError(
            f"block {int(np.argmax(damaged)) + 1} of {len(damaged)} read together by a reducer is damaged:"
            f" {why}; blocks are only valid between mappers and reducers of one version of windrow; install"
            " one version everywhere and run the job again"
        )


def _read_deltas(parts: list[bytes], widths: Ints, counts: Ints) -> Ints:
    used: set[int] = set(widths.tolist())
    if len(used) == 1 and 0 not in used:
        narrow = np.frombuffer(b"".join(parts), _TYPES[used.pop()])
        return narrow.astype(np.int64)
    deltas = np.zeros(counts.sum(), np.int64)
    for width in used - {0}:
        these = widths == width
        joined = b"".join(compress(parts, these.tolist()))
        deltas[np.repeat(these, counts)] = np.frombuffer(joined, _TYPES[width])
    return deltas


def _undelta(deltas: Ints, counts: Ints, firsts: Ints) -> Ints:
    """Running sums of all blocks at once, in place; each block restarts at its first value."""
    starts = np.cumsum(counts) - counts
    np.cumsum(deltas, out=deltas)
    deltas += np.repeat(firsts - deltas[starts], counts)
    return deltas


def _each(settings: Any, counts: Ints) -> Any:
    """Each block's setting for each of its bars; a single one where all are the same."""
    return settings[0] if (settings == settings[0]).all() else np.repeat(settings, counts)


def _read_values(deltas: Ints, counts: Ints, heads: Any) -> Floats:
    integers = _undelta(deltas, counts, heads["first"])
    scale = _each(heads["scale"], counts)
    powers = np.append(_POWERS, 1.0)[scale]
    if np.ndim(scale):
        return np.where(scale == _BITS, integers.view(np.float64), integers / powers)
    return integers.view(np.float64) if scale == _BITS else integers / powers


_ESCAPE = b"\x1b"
_PLAIN = np.arange(256, dtype=np.uint8)
_PLAIN[list(b"enr")] = list(b"\x1b\n\r")


def _escape(bodies: bytes | bytearray, ends: Ints) -> list[bytes]:
    raw = np.frombuffer(bodies, np.uint8)
    unsafe = (raw == 0x1B) | (raw == 0x0A) | (raw == 0x0D)
    ends = ends + np.searchsorted(np.flatnonzero(unsafe), ends)
    escaped = bytes(bodies).replace(_ESCAPE, b"\x1be").replace(b"\n", b"\x1bn").replace(b"\r", b"\x1br")
    return [escaped[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _unescape(payloads: Sequence[bytes]) -> tuple[bytes, Ints]:
    """The bodies of blocks one after another, and where each ends."""
    raw = np.frombuffer(b"".join([*payloads, b"\0"]), np.uint8)  # \0: for an escape that nothing follows
    ends = np.cumsum(list(map(len, payloads)))
    escapes = np.flatnonzero(raw == _ESCAPE[0])
    plain = raw.copy()
    plain[escapes + 1] = _PLAIN[raw[escapes + 1]]
    return np.delete(plain, escapes).tobytes(), ends - np.searchsorted(escapes, ends)
