"""Sample bars of any size from a seed: the same bytes for the same arguments, on any machine.

Every bar is a function of (seed, symbol, number of the bar) alone. Rows can therefore be made in any order, by any
number of threads, in memory that does not grow with their number, and every order has exactly the same bars.

Prices are a fractal walk (windrow.sample.noise), compounded, and rounded to whole ticks: their text is exact.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from hashlib import blake2b
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.sample.noise import Hashes, compounded, hashed, numbered, permuted, share, walk
from windrow.storage.newfile import new_file, refuse_taken
from windrow.times import SECOND, duration_units, parse_duration

if TYPE_CHECKING:
    import pyarrow as pa

Text = npt.NDArray[np.uint8]
Made = TypeVar("Made")

ORDERS = ("time", "symbol", "shuffled")
FORMATS = ("csv", "parquet")
COMPRESSIONS = (".gz", ".bz2", ".zst")
DAY = 86_400
TRADING_DAY = 23_400
FIRST_DAY, LAST_DAY = "1678-01-01", "2261-12-31"

# Small enough to stay in a core's cache, large enough that numpy's overhead per call does not matter.
CSV_CHUNK = 1 << 15
ROW_GROUP = 1 << 17
THREADS = 2


class Ticks(NamedTuple):
    """Bars as int64 columns: index of the symbol, seconds since 1970 UTC, prices in ticks, volume in shares."""

    symbol: Ints
    seconds: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


@dataclass(frozen=True)
class Sample:
    """Which bars to make: `bars` of each of `symbols`, `spacing` apart from `start` on, in `order`.

    `spacing` is a duration (`1min`, `2h`, `1d`; units s, min, h, d, w) or `bd`, Monday to Friday; `start` a date or an
    ISO 8601 time (UTC unless it has an offset); prices have `places` decimal places. Raises UsageError naming the
    option that is wrong.

    >>> sample = Sample(symbols=2, bars=3, spacing="bd", start="2020-01-03")
    >>> print(sample.csv(0, 4).decode(), end="")
    AAA,2020-01-03,229.62,230.50,226.08,228.36,1645697
    AAB,2020-01-03,117.52,117.89,114.85,115.36,243523
    AAA,2020-01-06,227.94,228.12,226.11,226.84,644284
    AAB,2020-01-06,114.65,115.66,113.04,113.50,420710
    >>> sample.csv(2, 4) == b"".join(sample.csv(row, row + 1) for row in (2, 3))
    True
    """

    symbols: int = 5
    bars: int = 250
    spacing: str = "1d"
    start: str = "2020-01-01"
    order: str = "time"
    seed: int = 0
    places: int = 2

    def __post_init__(self) -> None:
        _check_range("--symbols", self.symbols, 1, 26**4)
        _check_range("--bars", self.bars, 1, 10**10)
        _check_range("--places", self.places, 0, 8)
        if self.order not in ORDERS:
            raise UsageError(f"--order {self.order}: unknown order: use one of {', '.join(ORDERS)}")
        last = self.start_seconds + (self.bars - 1) * self.spacing_seconds
        if self.spacing == "bd":
            last = int(self._seconds(np.array([self.bars - 1]))[0])
        if not _day(FIRST_DAY) * DAY <= self.start_seconds <= last < (_day(LAST_DAY) + 1) * DAY:
            raise UsageError(
                f"--start {self.start}, --bars {self.bars}, --spacing {self.spacing}: bars outside {FIRST_DAY} to"
                f" {LAST_DAY}: times must be in this range; make fewer bars, closer together, or start at another time"
            )

    @property
    def rows(self) -> int:
        """Number of all bars."""
        return self.symbols * self.bars

    @cached_property
    def spacing_seconds(self) -> int:
        """Seconds from one bar to the next; a day for `bd`."""
        return parse_spacing(self.spacing)

    @cached_property
    def start_seconds(self) -> int:
        """Seconds since 1970 UTC of the first bar (for `bd`: of the first weekday from then on)."""
        return _parse_start(self.start)

    @cached_property
    def dates_only(self) -> bool:
        """Whether every bar is at midnight, and so written as a date."""
        return self.spacing_seconds % DAY == 0 and self.start_seconds % DAY == 0

    @cached_property
    def names(self) -> list[str]:
        """The symbols: AAA, AAB ... of three letters, or of four if three are not enough."""
        width = 3 if self.symbols <= 26**3 else 4
        return [_letters(index, width) for index in range(self.symbols)]

    def ticks(self, first: int, stop: int) -> Ticks:
        """Return the rows from `first` up to, but not including, `stop`; takes memory for these rows only."""
        symbol, bar = self._places(np.arange(first, stop, dtype=np.int64))
        return Ticks(symbol, self._seconds(bar), *self._prices(symbol, bar))

    def csv(self, first: int, stop: int) -> bytes:
        """Return rows as lines of CSV, without a header."""
        ticks = self.ticks(first, stop)
        comma, dot = ord(","), ord(".")
        pieces: list[Text | int] = [self._name_text[ticks.symbol], comma, *self._time_text(ticks.seconds)]
        for price in (ticks.open, ticks.high, ticks.low, ticks.close):
            whole, part = np.divmod(price, 10**self.places)
            pieces += [comma, digits(whole)]
            if self.places:
                pieces += [dot, padded(part, self.places)]
        return _lines([*pieces, comma, digits(ticks.volume), ord("\n")], len(ticks.symbol))

    def table(self, first: int, stop: int) -> "pa.Table":
        """Return rows as an Arrow table: date32 or timestamp[us, UTC], prices as float64, volume as int64."""
        import pyarrow as pa

        ticks = self.ticks(first, stop)
        columns = {"symbol": pa.array(self.names).take(pa.array(ticks.symbol))}
        columns["timestamp"] = (
            pa.array(ticks.seconds // DAY, pa.int32()).cast(pa.date32())
            if self.dates_only
            else pa.array(ticks.seconds * 1_000_000).cast(pa.timestamp("us", "UTC"))
        )
        for name in ("open", "high", "low", "close"):
            columns[name] = pa.array(getattr(ticks, name) / 10.0**self.places)
        return pa.table(columns | {"volume": pa.array(ticks.volume)})

    def _places(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return (symbol, bar) of each row."""
        if self.order == "symbol":
            symbol, bar = np.divmod(rows, self.bars)
            return symbol, bar
        if self.order == "shuffled":
            rows = permuted(rows, self.rows, self._key("order"))
        bar, symbol = np.divmod(rows, self.symbols)
        return symbol, bar

    def _seconds(self, bar: Ints) -> Ints:
        if self.spacing != "bd":
            return self.start_seconds + bar * self.spacing_seconds
        day, clock = divmod(self.start_seconds, DAY)
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        week, working = np.divmod(bar + min(weekday, 5), 5)
        return (day - weekday + 7 * week + working) * DAY + clock

    def _key(self, use: str) -> int:
        return int.from_bytes(blake2b(f"{self.seed} {use}".encode(), digest_size=4).digest(), "little")

    def _prices(self, symbol: Ints, bar: Ints) -> "Prices":
        keys = hashed(symbol.astype(np.uint32), self._key("symbol"))
        return prices(keys, bar, self.spacing_seconds, self.places)

    @cached_property
    def _name_text(self) -> Text:
        return np.array(self.names, "S").view(np.uint8).reshape(self.symbols, -1)

    @cached_property
    def _days(self) -> tuple[int, Text]:
        """The first bar's day, and the text of every day from it to the last bar's."""
        first, last = (int(seconds) // DAY for seconds in self._seconds(np.array([0, self.bars - 1])))
        return first, _bytes(np.datetime_as_string(np.arange(first, last + 1).astype("M8[D]")))

    def _time_text(self, seconds: Ints) -> list[Text | int]:
        day, clock = np.divmod(seconds, DAY)
        first, days = self._days
        return [days[day - first]] if self.dates_only else [days[day - first], _clock_text()[clock]]


def parse_spacing(text: str) -> int:
    """Return the seconds of a spacing such as `1min` or `2d`; a day for `bd`. Raises UsageError.

    >>> parse_spacing("1min"), parse_spacing("2w"), parse_spacing("bd")
    (60, 1209600, 86400)
    """
    if text == "bd":
        return DAY
    try:
        return parse_duration(text) // SECOND
    except UsageError:
        rule = f"a spacing is a whole number and a unit ({duration_units()})"
        raise UsageError(f"--spacing {text}: not a spacing: {rule}, e.g. 5min, or bd") from None


class Prices(NamedTuple):
    """Prices of bars in ticks, and volumes in shares."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def prices(keys: Hashes, bar: Ints, spacing: int, places: int) -> Prices:
    """Prices of the symbols with these keys, `spacing` seconds a bar, in ticks of `places` decimal places."""
    # Height of the smallest octave: about 1.4 % a day, less for shorter bars, as in a random walk.
    swing = 0.02 * min(1.0, sqrt(spacing / DAY))
    rise, move = walk(keys, bar)
    base = (20 + 180 * share(hashed(keys, 1))) * 10.0**places
    begin, end = (_ticks(base * compounded(swing * level)) for level in (rise, rise + move))
    chance = hashed(numbered(keys, bar), 2)
    reach = (0.5 * swing) * begin
    top = np.maximum(begin, end) + np.rint(reach * share(chance << np.uint32(16))).astype(np.int64)
    bottom = np.minimum(begin, end) - np.rint(reach * share(chance)).astype(np.int64)
    turnover = 20_000 * (1 + 50 * share(hashed(keys, 3))) * min(1.0, spacing / TRADING_DAY)
    volume = _ticks(turnover * (0.5 + share(hashed(chance, 4))) * (1 + np.abs(move)))
    return Prices(begin, top, np.maximum(bottom, 1), end, volume)


def _ticks(amounts: Floats) -> Ints:
    """Round to whole ticks, at least one."""
    return np.maximum(np.rint(amounts), 1).astype(np.int64)


def digits(values: Ints) -> Text:
    """Return the decimal digits of non-negative integers, (n, width) bytes, NULs instead of leading zeros.

    >>> bytes(digits(np.array([7, 120_345]))[0]), bytes(digits(np.array([7, 120_345]))[1])
    (b'\\x00\\x00\\x00\\x00\\x007', b'120345')
    """
    groups: list[Hashes] = []
    higher = values
    while not groups or higher.any():
        rest, group = np.divmod(higher, 10_000)
        bare = np.where(rest == 0, _digit_groups(bare=True)[group], _digit_groups()[group])
        groups.append(np.where(higher == 0, 0, bare).astype(np.uint32) if groups else bare)
        higher = rest
    text = np.stack(groups[::-1], axis=1).view(np.uint8)
    return text[:, 4 * len(groups) - len(str(values.max())) :]


def padded(values: Ints, width: int) -> Text:
    """Return the last `width` decimal digits of integers, (n, width) bytes."""
    groups = [_digit_groups()[values // 10_000**power % 10_000] for power in range((width + 3) // 4)]
    return np.stack(groups[::-1], axis=1).view(np.uint8)[:, -width:]


@cache
def _digit_groups(bare: bool = False) -> Hashes:
    """The text of 0..9999 as four bytes each in a uint32: 0007, or NUL NUL NUL 7 if `bare`."""
    form = "{:>4}" if bare else "{:04}"
    text = "".join(map(form.format, range(10_000))).replace(" ", "\0")
    return np.frombuffer(text.encode(), np.uint32)


@cache
def _clock_text() -> Text:
    return _bytes(np.datetime_as_string(np.arange(DAY).astype("M8[s]"), timezone="UTC"))[:, 10:]


def _bytes(text: npt.NDArray[np.str_]) -> Text:
    return text.astype("S").view(np.uint8).reshape(len(text), -1)


def _lines(pieces: list[Text | int], rows: int) -> bytes:
    """Join columns of text, each piece a field or a separator, and drop the NULs."""
    widths = [1 if isinstance(piece, int) else piece.shape[1] for piece in pieces]
    lines = np.empty((rows, sum(widths)), np.uint8)
    at = 0
    for piece, width in zip(pieces, widths, strict=True):
        lines[:, at : at + width] = piece
        at += width
    kept: Text = lines[lines != 0]
    return kept.tobytes()


def _letters(index: int, width: int) -> str:
    return "".join(chr(ord("A") + index // 26**power % 26) for power in reversed(range(width)))


def _day(date: str) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))


def _parse_start(text: str) -> int:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        rule = "a start is a date or an ISO 8601 time"
        raise UsageError(f"--start {text}: not a time: {rule}, e.g. 2020-01-31 or 2020-01-31T14:30Z") from None
    if start.microsecond:
        raise UsageError(f"--start {text}: has a fraction of a second: bars start at whole seconds; leave it out")
    return int((start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp())


def _check_range(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{option} {value}: out of range: use {least:,} to {most:,}")


def format_of(path: Path, chosen: str | None = None) -> str:
    """Return `csv` or `parquet`, from `chosen` or the suffix; UsageError if neither names it, or they differ.

    >>> format_of(Path("bars.csv.gz"))
    'csv'
    """
    suffixes = [suffix for suffix in path.suffixes[-2:] if suffix not in COMPRESSIONS]
    named = suffixes[-1][1:] if suffixes and suffixes[-1][1:] in FORMATS else None
    if chosen and named and chosen != named:
        raise UsageError(f"--format {chosen}: the suffix of {path.name} is that of {named}: change one of them")
    if not (chosen or named):
        raise UsageError(f"{path}: no format: end the name in .csv or .parquet, or use --format")
    if (chosen or named) == "parquet" and path.suffix in COMPRESSIONS:
        raise UsageError(f"{path}: Parquet is compressed internally: leave {path.suffix} out")
    return str(chosen or named)


def write(
    sample: Sample,
    path: Path,
    chosen: str | None = None,
    force: bool = False,
    report: Callable[[int], object] = int,
) -> int:
    """Write `sample` to `path` and return the file's size in bytes; `report` is called with the rows of each step.

    The format is `chosen` or that of the suffix; .gz, .bz2 and .zst compress CSV. Raises OutputError if the file exists
    (unless `force`) or cannot be written, UsageError if the format is unclear. Takes a few megabytes of memory,
    whatever the size.
    """
    form = format_of(path, chosen)
    refuse_taken(path, force)
    with new_file(path, force) as file:
        (_write_csv if form == "csv" else _write_parquet)(sample, file, path.suffix, report)
    return path.stat().st_size


def _write_csv(sample: Sample, file: BinaryIO, suffix: str, report: Callable[[int], object]) -> None:
    with _compressed(file, suffix) as out:
        out.write(b"symbol,timestamp,open,high,low,close,volume\n")
        for rows, lines in _in_order(sample.csv, sample.rows, CSV_CHUNK):
            out.write(lines)
            report(rows)


def _write_parquet(sample: Sample, file: BinaryIO, suffix: str, report: Callable[[int], object]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, sample.table(0, 1).schema, compression="zstd") as out:
        for rows, table in _in_order(sample.table, sample.rows, ROW_GROUP):
            out.write_table(table)
            report(rows)


@contextmanager
def _compressed(file: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Wrap `file` to compress by its suffix, storing no name or time, so that the same bars make the same bytes."""
    import bz2
    import gzip

    if suffix == ".gz":
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as out:
            yield out  # type: ignore[misc]
    elif suffix == ".bz2":
        with bz2.BZ2File(file, "wb") as out:
            yield out  # type: ignore[misc]
    elif suffix == ".zst":
        import pyarrow as pa

        with pa.CompressedOutputStream(file, "zstd") as out:
            yield out
    else:
        yield file


def _in_order(make: Callable[[int, int], Made], rows: int, chunk: int) -> Iterator[tuple[int, Made]]:
    """Yield (number of rows, make(first, stop)) of each chunk in turn, made by threads a few chunks ahead."""
    ahead: deque[tuple[int, Future[Made]]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, rows, chunk):
            stop = min(first + chunk, rows)
            ahead.append((stop - first, pool.submit(make, first, stop)))
            if len(ahead) > THREADS:
                yield _done(ahead)
        while ahead:
            yield _done(ahead)


def _done(ahead: "deque[tuple[int, Future[Made]]]") -> tuple[int, Made]:
    rows, future = ahead.popleft()
    return rows, future.result()
