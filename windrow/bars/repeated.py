"""The symbols of a chunk of lines, of which an earlier chunk had the same, mostly in the same order.

Of 50,000 symbols a chunk has three bars each: to find them by their texts, and to make Python's texts of them, would
take as long as all other columns. But in order of time each minute has them in the same order. So the rows of one chunk
are kept; those of later ones are compared with them as bytes, many thousands at once.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from windrow.arrays import Codes, Ints

#: From so many symbols on it pays.
_MANY = 1000
#: Rows in the same order that take less time to look up than by themselves.
_LONG = 1000

_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


class _Texts(NamedTuple):
    """Texts in a row: text i is data[offsets[i]:offsets[i + 1]]."""

    offsets: Ints
    data: npt.NDArray[np.uint8]

    def text(self, at: int) -> bytes:
        """One of them."""
        return self.data[self.offsets[at] : self.offsets[at + 1]].tobytes()

    def same(self, at: int, other: "_Texts", there: int) -> int:
        """How many texts from one on are those of others, from one of these on."""
        rows = min(len(self.offsets) - at, len(other.offsets) - there)
        own = self.offsets[at : at + rows] - self.offsets[at]
        ends = other.offsets[there : there + rows] - other.offsets[there]
        if (differs := own != ends).any():
            own = own[: int(differs.argmax())]
        begin, first = int(self.offsets[at]), int(other.offsets[there])
        differs = self.data[begin : begin + int(own[-1])] != other.data[first : first + int(own[-1])]
        if differs.any():
            return int(np.searchsorted(own, differs.argmax(), side="right")) - 1
        return len(own) - 1


class _Chunk(NamedTuple):
    """The symbols of a chunk, numbered, and of each row which one it has; where each symbol is first."""

    symbols: list[str]
    numbers: dict[str, int]
    dictionary: Any
    texts: _Texts
    codes: Codes
    firsts: Ints

    def of(self, texts: _Texts) -> Codes | None:
        """Which symbol each of these rows has, if they stand as these do, and have all symbols."""
        found: list[Codes] = []
        at, many = 0, len(texts.offsets) - 1
        while at < many and len(found) * _LONG <= at + _LONG:
            if (number := self.numbers.get(texts.text(at).decode())) is None:
                return None
            first = int(self.firsts[number])
            found.append(self.codes[first : first + texts.same(at, self.texts, first)])
            at += len(found[-1])
        if at < many:
            return None
        codes = np.concatenate(found)
        present = np.zeros(len(self.symbols), bool)
        present[codes] = True
        return codes if present.all() else None


class _Kept:
    """What was kept last; as one object, since threads parse too."""

    chunk: ClassVar[_Chunk | None] = None


def symbol_type() -> Any:
    """As what a column of symbols is read: as texts if they may be those of an earlier chunk."""
    return pa.string() if _Kept.chunk else _DICTIONARY


def known_symbols(array: Any) -> tuple[list[str], Codes] | None:
    """The symbols of a column, and which of them each row has, if an earlier chunk had the same symbols.

    Then `symbols` is that chunk's list.
    """
    if (chunk := _Kept.chunk) is None:
        return None
    if pa.types.is_string(array.type):
        codes = chunk.of(_texts(array))
        return None if codes is None else (chunk.symbols, codes)
    if len(chunk.symbols) != len(array.dictionary):
        return None
    none = pa.DictionaryArray.from_arrays(array.indices[:0], chunk.dictionary)
    found = pa.chunked_array([none, array]).unify_dictionaries().chunk(1)
    return (chunk.symbols, codes_of(found)) if len(found.dictionary) == len(chunk.symbols) else None


def keep(array: Any, symbols: list[str]) -> None:
    """Keeps a column, encoded, whose symbols are these, if they are many."""
    if len(symbols) <= _MANY:
        return
    codes = codes_of(array)
    firsts = np.empty(len(symbols), np.int64)
    firsts[codes[::-1]] = np.arange(len(codes))[::-1]
    texts = _texts(array.dictionary.take(array.indices))
    numbers = dict(zip(symbols, range(len(symbols)), strict=True))
    _Kept.chunk = _Chunk(symbols, numbers, array.dictionary, texts, codes, firsts)


def codes_of(array: Any) -> Codes:
    """Which symbol each row of an encoded column has."""
    return np.frombuffer(array.indices.buffers()[1], np.int32, len(array), array.indices.offset * 4)


def _texts(array: Any) -> _Texts:
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    return _Texts(ends, np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8))
