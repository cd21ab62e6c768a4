"""Files and objects on S3 -> parsed bars, chunk by chunk: CSV, JSON, Parquet or Feather; plain, compressed or in a zip.

A file is read to its end or refused: a truncated or damaged file never passes for a shorter one, and every member of a
concatenated gzip is read.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from windrow.bars.adjusted import adjusted
from windrow.bars.columns import Bars, Layout, Rejected, check_line_ends, check_one_kind_of_time, check_same_columns
from windrow.bars.text import are_rows, parse_lines
from windrow.feeds.lines import read_lines
from windrow.feeds.texts import in_utf8, is_split, open_csv
from windrow.storage.open import is_bz2, is_columnar, is_feather, is_parquet, is_zip, open_blocks, opened, size_of

_MARK = b"\xef\xbb\xbf"


def read_bars(
    path: str, layout: Layout, start: int = 0, end: int | None = None, keep_texts: bool = False
) -> Iterator[Bars]:
    """The bars of a file; if it can be split, those of the lines or row groups that begin in its bytes [start, end).

    Memory: one chunk of some megabytes. Raises InputError for a file that is missing, damaged, or mixes dates and
    times of day.
    """
    if is_parquet(path):
        from windrow.feeds.parquet import read_parquet

        yield from read_parquet(path, layout, start, end, keep_texts)
        return
    if is_feather(path):
        from windrow.feeds.feather import read_feather

        yield from read_feather(path, layout, keep_texts)
        return
    if not is_split(path, layout):
        start, end = 0, None  # ranges are in bytes of the file, not of its text
    elif is_bz2(path):
        end = size_of(path) if end is None else end
        if start or end < size_of(path):
            with open_blocks(path, start, end) as lines:
                yield from parse_stream(lines, layout, path, keep_texts=keep_texts, headed=not start)
            return
        end = None
    for place in texts_in(path):
        with open_csv(place, layout.form, end, layout) as (_, stream):
            yield from parse_stream(stream, layout, place, start, end, keep_texts)


def texts_in(path: str) -> list[str]:
    """The texts that a file is: itself, or the members of a zip that are bars."""
    if not is_zip(path):
        return [path]
    from windrow.storage.zips import members

    return [f"{path}/{member}" for member in members(path)]


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

    `headed` is False for a later part of an input, which begins with bars, not with a header.
    """
    headed = headed and start == 0
    parse = _parser(layout)
    for chunk in read_lines(stream, start, end):
        lines = in_utf8(chunk.lines, layout.form)
        if headed:
            lines, headed = _after_header(lines, layout), False
        for piece in _pieces(lines) if keep_texts else [lines]:
            bars = adjusted(parse(piece, layout, keep_texts), layout)
            check_line_ends(bars, source)
            check_same_columns(bars, source)
            check_one_kind_of_time(bars, layout, source)
            yield bars
            del bars, piece
        if chunk.long is not None:
            bars = _one_long(chunk.long, layout)
            check_line_ends(bars, source)
            yield bars
        del chunk, lines  # before the next ones are read


def _parser(layout: Layout) -> Callable[[bytes, Layout, bool], Bars]:
    """What parses the lines of an input: a table with a column for each symbol is read by a module of its own."""
    if not layout.wide:
        return parse_lines
    from windrow.bars.wide import parse_wide  # a task's start is part of its cost

    return parse_wide


def _pieces(lines: bytes) -> Iterator[bytes]:
    """A chunk in parts of about a MiB: kept texts take about a hundred times the memory of the shortest lines."""
    begin = 0
    while begin < len(lines):
        end = lines.find(b"\n", begin + (1 << 20)) + 1 or len(lines)
        yield lines[begin:end]
        begin = end


def _one_long(text: bytes, layout: Layout) -> Bars:
    """A line too long to keep in memory, as an invalid row."""
    from windrow.bars.examples import example_of_line

    bars = adjusted(parse_lines(b"", layout), layout)
    bars.rejected["long"] = len(layout.wide) or 1
    rows = text.split(b"\r")[:-1]  # the last one is cut
    bars.other_ends = text if are_rows(rows, layout) else None
    bars.texts = [Rejected("long", text)]
    bars.examples = {"long": example_of_line(text)}
    return bars


def _after_header(lines: bytes, layout: Layout) -> bytes:
    """The first lines of a file, without byte order mark, header, and what is before it."""
    lines, header = without_marks(lines), layout.header
    for _ in range(layout.form.skipped):
        lines = lines[lines.find(b"\n") + 1 :]
    for row in () if header is None else header.split(b"\n"):
        if lines.startswith((row + b"\n", row + b"\r\n")):
            lines = lines[lines.index(b"\n") + 1 :]
    return lines


def without_marks(text: bytes) -> bytes:
    """A text without byte order marks, of which programs that join files, or mend them, write several."""
    while text.startswith(_MARK):
        text = text[len(_MARK) :]
    return text


def last_byte(path: str) -> bytes:
    """The last byte of a file; none if it is empty."""
    with opened(path, 0) as file:
        file.seek(max(0, file.seek(0, 2) - 1))
        return file.read(1)


def read_start(path: str, layout: Layout) -> tuple[Bars, float]:
    """The first bars of a file that cannot be split, and their share of the file."""
    if is_columnar(path):
        if is_parquet(path):
            from windrow.feeds.parquet import count_rows
        else:
            from windrow.feeds.feather import count_rows

        bars = next(read_bars(path, layout))
        return bars, bars.lines / (count_rows(path) * (len(layout.wide) or 1))
    with open_csv(texts_in(path)[0], layout.form, None, layout) as (file, stream):
        bars = next(parse_stream(stream, layout, path))
        return bars, file.tell() / size_of(path)
