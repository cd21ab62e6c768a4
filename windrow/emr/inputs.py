"""How many bars inputs have, and how many mappers they get, from their names, sizes and first bytes."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from windrow.errors import InputError, UsageError
from windrow.feeds.heads import write_head
from windrow.runners.streaming import handed_out
from windrow.storage import s3
from windrow.storage.open import is_parquet, is_splittable, needs_end, open_text, size_of
from windrow.storage.source import Range, list_inputs

#: Bytes read of an input: some thousand lines; of bz2, whose blocks of 900 KB are read whole or not at all, several.
_HEAD, _HEAD_BZ2 = 1 << 18, 1 << 23
#: How many inputs are sampled; the others are assumed to be like them.
_SAMPLED = 16
#: Bytes of a bar as plain text, where only a size is known: one-minute bars, prices in cents, with volume.
BAR_BYTES = 56


class Inputs(NamedTuple):
    """What a job reads."""

    files: int
    size: int
    bars: int
    maps: int
    known: bool
    """Whether they were sampled; otherwise they are as the user stated."""


def stated(bars: int | None, size: int | None, files: int) -> Inputs:
    """Inputs of which the user states the number of bars, or the size in bytes."""
    if bars is not None and size is not None:
        raise UsageError("--bars, --input-size: both are set: each says how much input there is; use one of them")
    size = size if size is not None else int(bars or 0) * BAR_BYTES
    bars = bars if bars is not None else size // BAR_BYTES
    return Inputs(files, size, bars, maps([("bars.csv", size)]), known=False)


def sampled(arguments: Sequence[str]) -> Inputs:
    """The inputs that arguments name, here or on S3, by a sample. Raises InputError, or what S3 refuses."""
    sizes = {path: size for path, size in _sizes(arguments) if size}
    sample = list(sizes)[:: -(-len(sizes) // _SAMPLED)] if sizes else []
    seen = {path: _bars(path, sizes[path]) for path in sample}
    density = sum(seen.values()) / max(1, sum(sizes[path] for path in seen))
    bars = sum(seen.get(path, size * density) for path, size in sizes.items())
    return Inputs(len(sizes), sum(sizes.values()), round(bars), max(1, maps(sizes.items())), known=True)


def _sizes(arguments: Sequence[str]) -> Iterable[tuple[str, int]]:
    return ((path, size_of(path)) for path in list_inputs(arguments))


def maps(files: Iterable[tuple[str, int]]) -> int:
    """How many mappers files get.

    >>> maps([("a.csv", 3 << 30), ("b.csv.gz", 300 << 20)])
    7
    """
    pieces = [Range(path, 0, size, {}) for path, size in files]
    return max(1, len(handed_out(pieces, {path for path, *_ in pieces if is_splittable(path)})))


def _bars(path: str, size: int) -> float:
    if is_parquet(path):
        return _rows(path)
    if needs_end(path):
        raise InputError(f"{path}: how many bars it has is not known from its first bytes; set it with --bars N")
    read = _reader(path)
    enough = min(size, _HEAD_BZ2 if path.lower().endswith(".bz2") else _HEAD)
    with tempfile.TemporaryDirectory(prefix="windrow-") as folder:
        place = Path(folder, "head" + "".join(Path(path).suffixes[-1:]))
        while (head := write_head(read(enough), path, size, place)) is None and enough < size:
            enough = min(size, 4 * enough)
        if head is None:
            raise InputError(
                f"{path}: has no line in its first {enough:,} bytes: a plan estimates the number of bars from them;"
                " set it with --bars N"
            )
        return max(0, _lines(head.place) - 1) / head.share


def _lines(place: str) -> int:
    with open_text(place) as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _reader(path: str) -> Callable[[int], bytes]:
    if s3.is_s3(path):
        return lambda length: s3.read_range(path, 0, length)

    def read(length: int) -> bytes:
        with open(path, "rb") as file:
            return file.read(length)

    return read


def _rows(path: str) -> int:
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(s3.open_input(path) if s3.is_s3(path) else path).num_rows)
    except OSError as error:
        raise InputError(f"{path}: is not a Parquet file, or is damaged: {error}; fetch it again") from None
