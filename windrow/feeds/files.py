"""Files, and objects of S3, -> parsed bars, chunk by chunk: CSV or Parquet; plain, gzip, bz2, zstd.

A file is read to its end or refused by name: a truncated or damaged one never passes for a shorter one, and every
member of a concatenated gzip is read.
"""

from collections.abc import Iterator
from typing import BinaryIO

from windrow.bars.columns import Bars, Layout, Rejected, check_one_kind_of_time
from windrow.bars.text import parse_lines
from windrow.feeds.lines import read_lines
from windrow.storage.open import is_parquet, is_splittable, open_both, size_of


def read_bars(
    path: str, layout: Layout, start: int = 0, end: int | None = None, keep_texts: bool = False
) -> Iterator[Bars]:
    """The bars of a file, or, where it can be split, of the lines, or row groups, that begin in its bytes [start, end).

    Memory: one chunk of some megabytes. Raises InputError for a file that is missing, damaged, or mixes dates and
    times of day.
    """
    if is_parquet(path):
        from windrow.feeds.parquet import read_parquet

        yield from read_parquet(path, layout, start, end, keep_texts)
        return
    if not is_splittable(path):
        start, end = 0, None  # a range counts the file's bytes, not those of its text
    with open_both(path, end) as (_, stream):
        yield from parse_stream(stream, layout, path, start, end, keep_texts)


def parse_stream(
    stream: BinaryIO,
    layout: Layout,
    source: str,
    start: int = 0,
    end: int | None = None,
    keep_texts: bool = False,
    headed: bool = True,
) -> Iterator[Bars]:
    """The bars of a stream of CSV lines; `source` names it in errors.

    `headed` is False for a stream that is a later part of an input: it begins with bars, not with a header.
    """
    headed = headed and start == 0
    for chunk in read_lines(stream, start, end):
        lines = chunk.lines
        if headed:
            lines, headed = _behind_header(lines, layout.header), False
        for piece in _pieces(lines) if keep_texts else [lines]:
            bars = parse_lines(piece, layout, keep_texts)
            check_one_kind_of_time(bars, layout, source)
            yield bars
        if chunk.long is not None:
            yield _one_long(chunk.long, layout)


def _pieces(lines: bytes) -> Iterator[bytes]:
    """A chunk in parts of about a MiB: texts that are kept take some hundred times the room of the shortest lines."""
    begin = 0
    while begin < len(lines):
        end = lines.find(b"\n", begin + (1 << 20)) + 1 or len(lines)
        yield lines[begin:end]
        begin = end


def _one_long(text: bytes, layout: Layout) -> Bars:
    """A line too long to be held, as what it counts for."""
    bars = parse_lines(b"", layout)
    bars.rejected["long"] = 1
    bars.texts = [Rejected("long", text)]
    return bars


def _behind_header(lines: bytes, header: bytes | None) -> bytes:
    """A file's first lines without byte order mark and header."""
    lines = lines.removeprefix(b"\xef\xbb\xbf")
    if header is not None and lines.startswith((header + b"\n", header + b"\r\n")):
        return lines[lines.index(b"\n") + 1 :]
    return lines


def read_start(path: str, layout: Layout) -> tuple[Bars, float]:
    """The first bars of a file that cannot be split, and what share of the file they are."""
    if is_parquet(path):
        from windrow.feeds.parquet import count_rows

        bars = next(read_bars(path, layout))
        return bars, bars.lines / count_rows(path)
    with open_both(path) as (file, stream):
        bars = next(parse_stream(stream, layout, path))
        return bars, file.tell() / size_of(path)
