"""Files, and objects of S3, -> parsed bars, chunk by chunk: CSV or Parquet; plain, gzip, bz2, zstd.

A file is read to its end or refused by name: a truncated or damaged one never passes for a shorter one, and every
member of a concatenated gzip is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from windrow import s3
from windrow.bars import Bars, Layout, Rejected, check_one_kind_of_time, parse_lines
from windrow.errors import InputError
from windrow.feeds.lines import read_lines

#: Suffix -> arrow's name of the codec.
CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
PARQUET = (".parquet", ".pq")
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "Parquet"}


def is_parquet(path: str) -> bool:
    """Whether the name says Parquet.

    >>> is_parquet("bars/2020.PARQUET"), is_parquet("bars.csv.gz")
    (True, False)
    """
    return path.lower().endswith(PARQUET)


def is_splittable(path: str) -> bool:
    """Whether a range of the file can be read on its own: of plain text, or of a Parquet file's row groups."""
    return Path(path).suffix.lower() not in CODECS


def is_plain(path: str) -> bool:
    """Whether the file's bytes are its text."""
    return is_splittable(path) and not is_parquet(path)


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
    with _open_both(path, end) as (_, stream):
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
    with _open_both(path) as (file, stream):
        bars = next(parse_stream(stream, layout, path))
        return bars, file.tell() / size_of(path)


def opened(path: str, end: int | None = None) -> BinaryIO:
    """A file, or an object of S3, as its bytes stand; of S3 nothing is fetched ahead beyond `end`."""
    return s3.open_input(path, end) if s3.is_s3(path) else cast(BinaryIO, Path(path).open("rb", buffering=0))


def size_of(path: str) -> int:
    """Bytes of a file, or of an object of S3."""
    return s3.known(path).size if s3.is_s3(path) else Path(path).stat().st_size


@contextmanager
def named(place: str, name: str) -> Iterator[None]:
    """Errors of this block that name the file read at `place` call it `name`, as the user does."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(place, name)) from error


@contextmanager
def open_text(path: str) -> Iterator[BinaryIO]:
    """The bytes of a text file, decompressed by its suffix; trouble in reading becomes an InputError that names it."""
    with _open_both(path) as (_, stream):
        yield stream


@contextmanager
def _open_both(path: str, end: int | None = None) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A file as it stands, and its text; `end` as in `opened`."""
    codec = CODECS.get(Path(path).suffix.lower())
    try:
        with opened(path, end) as file:
            _check_magic(path, file.read(4), codec)
            file.seek(0)
            empty = file.seek(0, 2) == 0
            file.seek(0)
            stream = file if codec is None or empty else pa.CompressedInputStream(file, codec)
            yield file, cast(BinaryIO, stream)
    except (OSError, pa.ArrowException) as error:
        if codec is None or getattr(error, "filename", None) is not None:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{path}: cannot be read: {why}; check the path and its rights") from error
        raise InputError(
            f"{path}: is truncated or damaged ({error}); windrow reads a file whole or not at all;"
            f" get the file again, or test it with `{_TESTERS[codec]}`"
        ) from error


_TESTERS = {"gzip": "gzip -t", "bz2": "bzip2 -t", "zstd": "zstd -t"}


def _check_magic(path: str, head: bytes, codec: str | None) -> None:
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if codec is None and found is not None:
        suffix = ".parquet" if found == "Parquet" else next(key for key, value in CODECS.items() if value == found)
        raise InputError(
            f"{path}: begins with {head!r} and so holds {found} data, which is read by suffix;"
            f" rename it to end in {suffix}"
        )
