"""The block codec against plainer ones: bytes a bar, and ns a bar to encode and to decode.

    taskset -c 1 python benchmarks/codec.py

5 million minute bars of 500 symbols in cents, one value column, blocks of 1,000 bars. All codecs get the same
sorted columns and give lines of text without LF or CR inside; each decodes to the same times and values, to
the last bit, which is checked. A payload is one of these:

    windrow     sort_keys/blocks.py: integers, differences, a checksum
    raw              int64 times and float64 values, the three bytes escaped
    base64           the same in base64
    zstd, lz4        the same compressed by pyarrow, then escaped
"""

import argparse
import base64
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sort_keys.blocks import Columns, read_blocks, write_blocks
from sort_keys.keys import encode_symbol, encode_time, split_record
from sort_keys.slots import Slots

MINUTE = 60 * 10**9
SYMBOLS = 500
#: Lines decoded together have about these many bytes, as a batch of the merge.
BATCH_BYTES = 1 << 17


class Codec(NamedTuple):
    """Lines of sorted bars, and the times and values of some of these lines."""

    write: Callable[[Columns], Iterator[bytes]]
    read: Callable[[list[bytes]], tuple[Any, Any]]


def prices(bars: int) -> Columns:
    """A walk in cents for each symbol."""
    rng = np.random.default_rng(1)
    each = bars // SYMBOLS
    walks = np.round(50 * np.exp(np.cumsum(rng.normal(0, 5e-4, (SYMBOLS, each)), axis=1)), 2)
    times = np.tile(np.arange(each) * MINUTE + 1_600_000_000 * 10**9, SYMBOLS)
    return Columns([f"S{i:03d}" for i in range(SYMBOLS)], np.arange(SYMBOLS) * each, times, [walks.ravel()])


def chunks(bars: Columns, symbols: int) -> list[Columns]:
    """The bars as a mapper's chunks of some symbols each."""
    cuts = [*bars.starts.tolist(), len(bars.times)]
    return [
        Columns(
            bars.symbols[i : i + symbols],
            bars.starts[i : i + symbols] - cuts[i],
            bars.times[cuts[i] : cuts[i + symbols]],
            [value[cuts[i] : cuts[i + symbols]] for value in bars.values],
        )
        for i in range(0, SYMBOLS, symbols)
    ]


def windrow(block_bars: int) -> Codec:
    """This project's blocks."""

    def read(lines: list[bytes]) -> tuple[Any, Any]:
        _, firsts, payloads = zip(*map(split_record, lines), strict=True)
        _, times, values = read_blocks(firsts, payloads, 1)
        return times, values[0]

    return Codec(partial(write_blocks, slots=Slots(1 << 62), block_bars=block_bars), read)


def plain(pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes], block_bars: int) -> Codec:
    """Times and values as they are in memory, packed as bytes without line ends."""

    def write(bars: Columns) -> Iterator[bytes]:
        runs = pairwise([*bars.starts, len(bars.times)])
        for symbol, (start, stop) in zip(bars.symbols, runs, strict=True):
            for a in range(start, stop, block_bars):
                b = min(a + block_bars, stop)
                raw = bars.times[a:b].tobytes() + bars.values[0][a:b].tobytes()
                yield b"%b\t%b\t%b\n" % (encode_symbol(symbol), encode_time(int(bars.times[a])), pack(raw))

    def read(lines: list[bytes]) -> tuple[Any, Any]:
        raws = [np.frombuffer(unpack(split_record(line)[2]), np.int64) for line in lines]
        times = np.concatenate([raw[: len(raw) // 2] for raw in raws])
        return times, np.concatenate([raw[len(raw) // 2 :] for raw in raws]).view(np.float64)

    return Codec(write, read)


def escape(raw: bytes) -> bytes:
    """Bytes without LF or CR."""
    return raw.replace(b"\x1b", b"\x1be").replace(b"\n", b"\x1bn").replace(b"\r", b"\x1br")


def unescape(payload: bytes) -> bytes:
    """What `escape` was given."""
    return payload.replace(b"\x1bn", b"\n").replace(b"\x1br", b"\r").replace(b"\x1be", b"\x1b")


def compressed(name: str, block_bars: int) -> Codec:
    """Raw bytes compressed by pyarrow; their length, which it needs, in front."""
    codec = pa.Codec(name)

    def pack(raw: bytes) -> bytes:
        return escape(len(raw).to_bytes(4, "little") + codec.compress(raw, asbytes=True))

    def unpack(payload: bytes) -> bytes:
        body = unescape(payload)
        return codec.decompress(body[4:], int.from_bytes(body[:4], "little"), asbytes=True)

    return plain(pack, unpack, block_bars)


def measure(codec: Codec, parts: list[Columns]) -> tuple[float, float, float]:
    """Bytes a bar, ns a bar to encode and to decode, of one run over all parts."""
    bars = size = 0
    encoding = decoding = 0.0
    for part in parts:
        begin = time.perf_counter()
        lines = [line[:-1] for line in codec.write(part)]
        encoded = time.perf_counter()
        batch = BATCH_BYTES // len(lines[0])
        found = [codec.read(lines[i : i + batch]) for i in range(0, len(lines), batch)]
        decoding += time.perf_counter() - encoded
        encoding += encoded - begin
        bars += len(part.times)
        size += sum(map(len, lines)) + len(lines)
        assert (np.concatenate([times for times, _ in found]) == part.times).all()
        assert (np.concatenate([values for _, values in found]) == part.values[0]).all()
    return size / bars, encoding / bars * 1e9, decoding / bars * 1e9


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bars", type=int, default=5_000_000)
    parser.add_argument("--block-bars", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    parts = chunks(prices(options.bars), symbols=20)
    block_bars = options.block_bars
    codecs = {
        "windrow": (windrow(block_bars), parts),
        "raw, escaped": (plain(escape, unescape, block_bars), parts),
        "raw, base64": (plain(base64.b64encode, base64.b64decode, block_bars), parts),
        "raw, zstd, escaped": (compressed("zstd", block_bars), parts),
        "raw, lz4, escaped": (compressed("lz4_raw", block_bars), parts),
        "windrow, 1 bar a block": (windrow(1), parts[:2]),
    }
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in codecs}
    for _ in range(options.repeat):  # all in turn, so that a busy machine is busy for all
        for name, (codec, some) in codecs.items():
            runs[name].append(measure(codec, some))
    print(f"    {'':24}{'bytes':>8}{'encode':>8}{'decode':>8}")
    for name, run in runs.items():
        size, encode, decode = (statistics.median(column) for column in zip(*run, strict=True))
        print(f"    {name:24}{size:8.1f}{encode:8.0f}{decode:8.0f}")


if __name__ == "__main__":
    main()
