r"""Scales of symbols' columns -> lines of JSON beside what is scaled by them, and back.

A part part-NNNNN-scales has a line for each symbol of part-NNNNN: SYMBOL <tab> {"begins": TIME of its first bar,
"bars": how many it has, "fitted": how many of them set the scales, "scales": {COLUMN: {"method": ...}}}. Symbols are
percent-encoded as in all lines; numbers are written by the shortest decimals that give their bits back.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.errors import InputError
from windrow.learn.normalizing import Lines, restored, scaled
from windrow.learn.scaling import Scale
from windrow.sinks.fields import Format
from windrow.storage.compressed import open_part, plain_name
from windrow.storage.open import PARQUET
from windrow.storage.part import own_part
from windrow.storage.publish import at_hand
from windrow.storage.source import list_inputs
from windrow.times import format_times, parse_times

#: The end of the names of parts with scales.
SCALES = "-scales"
#: Arguments of tasks: whether scales are kept, and whether symbols are read as windrow's lines have them.
HIDDEN = ("--keep-scales", "--escaped")
_FILE = "--scales-file"
#: Counter of columns of symbols that have one value, as the scale's method sees it.
CONSTANT = "constant columns"


def scale_writer(file: BinaryIO, dated: bool) -> Callable[[bytes, dict[str, Any]], None]:
    """Writes a line for each symbol and what its fitting told."""

    def write(symbol: bytes, told: dict[str, Any]) -> None:
        begins = format_times(np.array([told["begins"]]), dated)[0].decode()
        file.write(symbol + b"\t" + orjson.dumps({**told, "begins": begins}) + b"\n")

    return write


def scaled_lines(
    bars: Iterable[tuple[Stretch, list[Any]]],
    names: Sequence[str],
    dated: bool,
    kept: Format | None,
    count: Callable[[Counter[str]], object],
) -> Iterator[Lines]:
    """What `windrow.learn.normalizing.scaled` makes of bars; with `kept` the scales are a part of the output, too,
    of lines that are compressed as in this format.

    `count` gets, at the end, how many columns of symbols are constant.
    """
    counts = Counter[str]()
    with own_part(SCALES + kept.end) if kept is not None else nullcontext() as file:
        write = scale_writer(file, dated) if file is not None else None

        def told(symbol: bytes, summary: dict[str, Any]) -> None:
            counts[CONSTANT] += sum(Scale.from_json(one).constant for one in summary["scales"].values())
            if write is not None:
                write(symbol, summary)

        yield from scaled(bars, names, told)
    count(counts)


def warnings_of(counts: Counter[str]) -> list[str]:
    """What a user must be told of the scales.

    >>> warnings_of(Counter({"constant columns": 1}))
    ['1 column of a symbol is constant where its scale is set: what is written of it are distances from that value, ...
    """
    if not (number := counts[CONSTANT]):
        return []
    columns = "1 column of a symbol is" if number == 1 else f"{number:,} columns of symbols are"
    return [
        f"{columns} constant where {'its scale is' if number == 1 else 'their scales are'} set: what is written of"
        f" {'it' if number == 1 else 'them'} are distances from that value, in units of the column"
    ]


def kept(place: str) -> tuple[list[str], list[str]]:
    """The columns that have scales in an output, and its files of scaled values. Raises InputError."""
    told = [read_scales(line, place) for line in scale_lines(place)]
    names = dict.fromkeys(name for _, its in told for name in its["scales"])
    parts = [path for path in list_inputs([place]) if not _has_scales(path)]
    quoted = [decode_symbol(symbol) for symbol, _ in told if b'"' in symbol]
    if quoted and not any(path.endswith(PARQUET) for path in parts):
        raise InputError(
            f"{place}: symbol {quoted[0]} has a quotation mark, which text loses when it is read again; scale with"
            " --output-format parquet, and take that back"
        )
    return list(names), parts


def arguments(place: str, folder: Path, escaped: bool) -> list[str]:
    """Arguments for tasks that take values back: a copy, in a folder, of all lines of scales in an output.

    escaped: whether the values' symbols are as in windrow's lines.
    """
    path = folder / "scales.txt"
    path.write_bytes(b"".join(line + b"\n" for line in scale_lines(place)))
    return [_FILE, str(path), *(HIDDEN[1:] if escaped else [])]


def taken_back(
    bars: Iterable[tuple[Stretch, list[Any]]], names: Sequence[str], scales: str, escaped: bool
) -> Iterator[Lines]:
    """What `windrow.learn.normalizing.restored` makes of bars, by a file of scales; for the rest see `arguments`."""
    return restored(_unescaped(bars) if escaped else bars, names, scales_in(scales))


def _unescaped(bars: Iterable[tuple[Stretch, list[Any]]]) -> Iterator[tuple[Stretch, list[Any]]]:
    """Bars that were read from windrow's own lines, where symbols are escaped already: once is enough.

    Bars stay in order: every % is followed by 25 where symbols are escaped twice.
    """
    for stretch, known in bars:
        yield stretch._replace(symbols=[decode_symbol(symbol).encode() for symbol in stretch.symbols]), known


def scale_lines(place: str) -> list[bytes]:
    """All lines of scales in an output, or in one part of it. Raises InputError where there are none."""
    lines: list[bytes] = []
    for part in [path for path in list_inputs([place]) if _has_scales(path)] or [place]:
        with at_hand(part) as path:
            lines += _lines_in(path) if path.is_file() else []
    for line in lines:
        read_scales(line, place)
    if not lines:
        raise InputError(
            f"{place}: has no scales; give the directory that `windrow normalize -o` wrote, or its parts"
            f" part-*{SCALES} in one file"
        )
    return lines


def _has_scales(path: str) -> bool:
    return plain_name(path).endswith(SCALES)


def _lines_in(path: Path) -> list[bytes]:
    with open_part(path) as text:
        return text.read().splitlines()


def read_scales(line: bytes, place: str) -> tuple[bytes, dict[str, Any]]:
    r"""The symbol and what its fitting told, the time of its first bar in ns. Raises InputError for any other line.

    >>> read_scales(b'AA\t{"begins":"1970-01-02","bars":2,"fitted":2,"scales":{}}', "out")
    (b'AA', {'begins': 86400000000000, 'bars': 2, 'fitted': 2, 'scales': {}})
    """
    symbol, _, text = line.partition(b"\t")
    try:
        told = orjson.loads(text)
        begins = told["begins"].encode()
        times = parse_times(np.frombuffer(begins, np.uint8), np.array([0, len(begins)]))
        if not (times.ok[0] and isinstance(told["bars"], int) and isinstance(told["scales"], dict)):
            raise ValueError("a value is of another kind")
        return symbol, {**told, "begins": int(times.ns[0])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{place}: {line[:80]!r} is no line of scales ({error}); give what `windrow normalize -o` wrote, unchanged"
        ) from None


def scales_in(path: str | Path) -> Callable[[bytes], dict[str, Any] | None]:
    """What was told of a symbol, by its encoded name, in a file of lines; None of another. Memory: the file."""
    texts = dict(line.split(b"\t", 1) for line in Path(path).read_bytes().splitlines())

    def told(symbol: bytes) -> dict[str, Any] | None:
        return read_scales(symbol + b"\t" + texts[symbol], "--inverse")[1] if symbol in texts else None

    return told
