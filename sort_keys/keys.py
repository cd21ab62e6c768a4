"""The composite key (symbol, timestamp) as bytes.

A key reads `SYMBOL <tab> TIMESTAMP`. Comparing two keys byte by byte compares symbols first and times next,
which is all that a secondary sort needs: plain byte order, no comparator class, the same in `sort`, Python
and Hadoop.

* A timestamp is sixteen hexadecimal digits of nanoseconds + 2^63: fixed width, so byte order is time order
  for every int64. (Written as plain numbers, 10 and 100 would sort before 9, and everything before 1970
  backwards.)
* A symbol is UTF-8 with the bytes 0x00-0x1F, 0x7F and % percent-encoded. No byte of it is then below the tab
  that ends it, so a symbol sorts before every longer one that begins with it, and lines and fields stay
  whole.
* Where several reducers share a symbol's bars, the number of a slice follows the symbol: `SYMBOL%:12`. In an
  encoded symbol two digits follow each %, so no symbol looks like that. The timestamp puts a slice in its place
  in time; the number only keeps slices apart.
"""

import re
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from windrow.errors import InputError

_UNSAFE = re.compile(rb"[\x00-\x1f\x7f%]")
_ESCAPED = re.compile(rb"%([0-9A-F]{2})")
_BIAS = 1 << 63
#: What stands between a symbol and the number of a slice.
SLICE = b"%:"


def encode_symbol(symbol: str) -> bytes:
    r"""A symbol as it is written in keys and outputs; nothing is trimmed or folded.

    >>> encode_symbol("BRK.B"), encode_symbol("a\tb%"), encode_symbol("Ångström")
    (b'BRK.B', b'a%09b%25', b'\xc3\x85ngstr\xc3\xb6m')
    """
    raw = symbol.encode()
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], raw) if _UNSAFE.search(raw) else raw


def encode_symbols(symbols: Sequence[str]) -> list[bytes]:
    """What `encode_symbol` returns for each; most symbols need no escape, which is checked for all of them at once.

    >>> encode_symbols(["AA", "é", "%"])
    [b'AA', b'\\xc3\\xa9', b'%25']
    """
    if _UNSAFE.search("".join(symbols).encode()):
        return [encode_symbol(symbol) for symbol in symbols]
    return [symbol.encode() for symbol in symbols]


def decode_symbol(encoded: bytes) -> str:
    r"""The symbol that `encode_symbol` wrote.

    >>> decode_symbol(b"a%09b%25")
    'a\tb%'
    """
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), encoded).decode()


def encode_slice(encoded_symbol: bytes, number: int) -> bytes:
    """The first field of the keys of one slice of a symbol.

    >>> encode_slice(b"AA", 12)
    b'AA%:12'
    """
    return b"%b%b%d" % (encoded_symbol, SLICE, number)


def split_slice(field: bytes) -> tuple[bytes, int]:
    """The encoded symbol in a key's first field, and the number of its slice, 0 where it has none.

    >>> split_slice(b"AA%:12"), split_slice(b"a%09b")
    ((b'AA', 12), (b'a%09b', 0))
    """
    symbol, _, number = field.partition(SLICE)
    return symbol, int(number or 0)


def copied(lines: Iterable[bytes], shards: int) -> Iterator[bytes]:
    r"""Each line once per shard, with the shard's number in place of a slice's.

    >>> list(copied([b"AA\t8000000000000000\t...\n"], 2))
    [b'AA%:0\t8000000000000000\t...\n', b'AA%:1\t8000000000000000\t...\n']
    """
    for line in lines:
        at = line.index(b"\t")
        for number in range(shards):
            yield encode_slice(line[:at], number) + line[at:]


def encode_time(nanoseconds: int) -> bytes:
    """A time (ns since 1970 UTC, any int64) as sixteen hexadecimal digits in time order.

    >>> encode_time(-1) < encode_time(0) < encode_time(9) < encode_time(10)
    True
    >>> encode_time(0)
    b'8000000000000000'
    """
    return b"%016x" % (nanoseconds + _BIAS)


def encode_times(nanoseconds: npt.NDArray[np.int64]) -> list[bytes]:
    """What `encode_time` returns for each.

    >>> encode_times(np.array([0, -1]))
    [b'8000000000000000', b'7fffffffffffffff']
    """
    digits = (nanoseconds.view(np.uint64) ^ np.uint64(_BIAS)).astype(">u8").tobytes().hex().encode()
    return [digits[at : at + 16] for at in range(0, len(digits), 16)]


def decode_time(encoded: bytes) -> int:
    """The time (ns since 1970 UTC) that `encode_time` wrote.

    >>> decode_time(b"8000000000000001")
    1
    """
    raw = unhexlify(encoded)  # int() would take blanks, signs and any width
    if len(raw) != 8:
        raise ValueError(f"{encoded!r} is not sixteen hexadecimal digits")
    return int.from_bytes(raw, "big") - _BIAS


def key_order(codes: npt.NDArray[Any], times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Positions that sort bars by (code, time), codes counting from 0; bars of one key come in any order.

    >>> key_order(np.array([1, 0, 1]), np.array([5, 7, 3])).tolist()
    [1, 2, 0]
    """
    earliest, most = int(times.min()), int(codes.max()) + 1
    span = int(times.max()) - earliest + 1
    if span * most < _BIAS:  # both in one int64: several times faster than a sort by two
        return np.argsort(codes * np.int64(span) + (times - earliest))
    by_time = np.argsort(times)
    return by_time[code_order(codes[by_time], most)]


def code_order(codes: npt.NDArray[Any], most: int) -> npt.NDArray[np.int64]:
    """Positions that sort bars by code, 0 to `most` - 1, those of one code in the order in which they are.

    >>> code_order(np.array([1, 0, 1]), 2).tolist()
    [1, 0, 2]
    """
    low = codes.astype(np.uint16)  # numpy sorts 16 bits by radix
    order = np.argsort(low, kind="stable")
    if most > 1 << 16:
        order = order[np.argsort((codes >> 16).astype(np.uint16)[order], kind="stable")]
    return order


def split_records(lines: Sequence[bytes]) -> tuple[list[bytes], list[int], list[bytes]]:
    r"""Encoded symbols, times (ns) and payloads of shuffled lines, with or without their line ends.

    Raises InputError for a line that no mapper of windrow wrote.

    >>> split_records([b"AA\t8000000000000001\t...\n"])
    ([b'AA'], [1], [b'...'])
    """
    try:
        fields = [line.rstrip(b"\n").split(b"\t", 2) for line in lines]
        symbols, times, payloads = map(list, zip(*fields, strict=True))
        return symbols, _decode_times(times), payloads
    except ValueError:
        for line in lines:
            split_record(line.rstrip(b"\n"))  # raises for the first that is not one
        raise


def _decode_times(encoded: Sequence[bytes]) -> list[int]:
    """What `decode_time` returns for each, all at once."""
    raw = unhexlify(b"".join(encoded))
    if set(map(len, encoded)) != {16}:
        raise ValueError("a time is not sixteen hexadecimal digits")
    times: list[int] = (np.frombuffer(raw, ">u8").astype(np.uint64) ^ np.uint64(_BIAS)).view(np.int64).tolist()
    return times


def split_record(line: bytes) -> tuple[bytes, int, bytes]:
    """Encoded symbol, time (ns) and payload of one shuffled line, without its line end.

    Raises InputError for a line that no mapper of windrow wrote.
    """
    try:
        symbol, time, payload = line.split(b"\t", 2)
        return symbol, decode_time(time), payload
    except ValueError as error:
        raise InputError(
            f"a reducer read {line[:80]!r}: it takes the lines that windrow's mappers write,"
            " SYMBOL<tab>TIME<tab>block; run the job on files of bars, not on the output of another job's mappers"
        ) from error
