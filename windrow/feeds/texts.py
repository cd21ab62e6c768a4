"""The text of an input, whatever its bytes are: UTF-8, lines of CSV, each with a line feed.

    bytes -> decompressed (windrow/storage/open.py) -> UTF-8 with line feeds -> JSON as lines of CSV

Where mappers share an input, its lines are made UTF-8 only once they are read: `in_utf8`. Where nothing is to be done,
the stream is the file itself. What is not text in its encoding becomes bytes that are not UTF-8, so that the row is
invalid if they are in a field that it needs: nothing is replaced in silence.
"""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain, product
from typing import BinaryIO, cast

from windrow.bars.columns import Layout
from windrow.bars.form import Form
from windrow.errors import InputError
from windrow.storage.open import is_json, is_splittable, open_both

#: First bytes that say the encoding; longer ones first.
_MARKS = {
    b"\xff\xfe\0\0": "utf-32-le", b"\0\0\xfe\xff": "utf-32-be", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be",
    b"\xef\xbb\xbf": "utf-8",
}  # fmt: skip
_BLOCK = 1 << 20
#: A carriage return alone ends lines, so a line feed is what such a return is elsewhere: out of place.
_CR_FOR_LF = bytes.maketrans(b"\r\n", b"\n\r")
_UNDECODABLE = "windrow-undecodable"


def _undecodable(error: UnicodeError) -> tuple[str, int]:
    """Half a character in place of what is none: no UTF-8 has it."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error(_UNDECODABLE, _undecodable)


@contextmanager
def open_csv(
    path: str, form: Form, end: int | None = None, layout: Layout | None = None
) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A file's raw bytes, and its lines of CSV, for `in_utf8`; `end` as in `opened`. Of a zip, a member is named.

    JSON is written for a layout once that is settled.
    """
    with open_both(path, end) as (file, stream):
        text = stream  # which is closed with `file` once nothing refers to it
        if form.whole or is_json(path):
            from windrow.storage.pieces import Pieces

            text = cast(BinaryIO, Pieces(_decoded(text, form, path))) if form.whole else text
            if is_json(path):
                from windrow.feeds.records import csv_pieces

                text = cast(BinaryIO, Pieces(csv_pieces(text, path, layout)))
        yield file, text


def is_split(path: str, layout: Layout) -> bool:
    """Whether a range of an input can be read on its own."""
    return is_splittable(path) and not layout.form.whole


def in_utf8(text: bytes, form: Form) -> bytes:
    """Lines of `open_csv`, or of a range of a file, in UTF-8, which they are unless mappers share an input."""
    if not form.encoding or form.whole:
        return text
    return text.decode(form.encoding, _UNDECODABLE).encode(errors="surrogatepass")


@cache
def is_bytewise(encoding: str) -> bool:
    """Whether each byte is a character, whatever is before it, and each of ASCII its own: so for every pair of bytes.

    >>> is_bytewise("cp1252"), is_bytewise("shift_jis"), is_bytewise("cp037")
    (True, False, False)
    """
    single = [bytes([byte]).decode(encoding, _UNDECODABLE) for byte in range(256)]
    if "".join(single[:128]) != bytes(range(128)).decode() or any(len(character) != 1 for character in single):
        return False
    pairs = bytes(chain.from_iterable(product(range(256), repeat=2)))
    return pairs.decode(encoding, _UNDECODABLE) == "".join(single[byte] for byte in pairs)


def _decoded(stream: BinaryIO, form: Form, path: str) -> Iterator[bytes]:
    """Text as UTF-8 with line feeds. Raises InputError where it ends within a character."""
    decoder = codecs.getincrementaldecoder(form.encoding or "utf-8")(_UNDECODABLE)
    while block := stream.read(_BLOCK):
        text = decoder.decode(block).encode(errors="surrogatepass") if form.encoding else block
        yield text.translate(_CR_FOR_LF) if form.line_end == "\r" else text
    decoder.errors = "strict"
    try:
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: ends within a character of {form.encoding}, so it is truncated; windrow reads a file whole or not"
            " at all; get the file again"
        ) from None


def encoding_of(path: str, head: bytes, asked: str | None) -> str:
    """The encoding of a text that begins so, by its mark or else as asked; empty: UTF-8. Raises InputError."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    name = None if asked is None else codecs.lookup(asked).name
    if marked is not None:
        if name is not None and name not in (marked, marked[:6], f"{marked}-sig"):
            raise InputError(
                f"{path}: begins with the mark of {marked}, but --encoding is {asked}; a mark says how a file is"
                " encoded; leave --encoding out"
            )
        return "" if marked == "utf-8" else marked
    if name in ("utf-16", "utf-32"):
        raise InputError(
            f"{path}: has no mark, so its order of bytes is not known; say it: --encoding {name}-le or --encoding"
            f" {name}-be"
        )
    if name is None and len(head) > 3 and 0 in head[:4] and (head[0] == 0) != (head[1] == 0):
        likely = "utf-16-be" if head[0] == 0 else "utf-16-le"
        raise InputError(
            f"{path}: has zeros between its letters, as UTF-16 without its mark has; say so: --encoding {likely}"
        )
    return "" if name in (None, "utf-8", "utf-8-sig") else str(name)


def line_end_of(head: bytes) -> str:
    """What ends the lines of a text that begins so."""
    return "\r" if b"\n" not in head and b"\r" in head.rstrip(b"\r") else "\n"
