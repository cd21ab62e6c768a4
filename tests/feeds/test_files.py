"""Files: plain and compressed; read to the end or refused by name, never passed off as shorter."""

import bz2
import gzip
import io
import itertools
import random

import pytest
import zstandard

from windrow.bars.columns import Layout
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.storage.open import is_splittable

HEADER = b"symbol,timestamp,close\n"
LAYOUT = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",), header=HEADER[:-1], dated=True)
PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def text(lines, seed=1):
    rng = random.Random(seed)
    return b"".join(
        b"S%d,2008-03-%02d,%d.5\n" % (rng.randrange(9), i % 28 + 1, rng.randrange(999)) for i in range(lines)
    )


def values(path, **range_):
    return [value for bars in read_bars(str(path), LAYOUT, **range_) for value in bars.values[0].tolist()]


def expected(raw):
    return [float(line.split(b",")[2]) for line in raw.splitlines()]


@pytest.fixture(params=PACK)
def packed(request, tmp_path):
    """(a path with the suffix, the compressor)."""
    return tmp_path / f"bars.csv{request.param}", PACK[request.param]


def test_compressed(packed):
    path, pack = packed
    path.write_bytes(pack(HEADER + text(3000)))
    assert values(path) == expected(text(3000))
    assert is_splittable(str(path)) == (path.suffix == ".bz2")


@pytest.mark.parametrize("parts", [2, 5, 40])
def test_ranges_of_bz2_are_its_blocks(tmp_path, parts):
    path = tmp_path / "bars.csv.bz2"
    path.write_bytes(bz2.compress(HEADER + text(60_000), 1))
    bounds = [path.stat().st_size * number // parts for number in range(parts + 1)]
    found = [values(path, start=start, end=end) for start, end in itertools.pairwise(bounds)]
    assert [value for its in found for value in its] == expected(text(60_000))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"bz2: is truncated or damaged .*; windrow reads a file whole or not at all"):
        for start, end in itertools.pairwise(bounds):  # in that of the last block
            values(path, start=start, end=end)


def test_a_range_of_a_compressed_file_is_the_whole_file(packed):
    # A runner hands out bytes [0, size of the file), and the text within is longer.
    path, pack = packed
    path.write_bytes(pack(HEADER + text(3000)))
    assert values(path, start=0, end=path.stat().st_size) == expected(text(3000))


def test_members_one_after_another(packed):
    path, pack = packed
    path.write_bytes(pack(HEADER + text(500)) + pack(text(500, 2)) + pack(HEADER + text(500, 3)))
    assert values(path) == expected(text(500) + text(500, 2) + text(500, 3))


def test_truncated_anywhere_is_refused_by_name(packed):
    path, pack = packed
    whole = pack(HEADER + text(2000)) + pack(text(100))
    first = len(pack(HEADER + text(2000)))
    rng = random.Random(5)
    for cut in {
        *range(1, 40),
        *rng.sample(range(40, first), 60),
        *range(first + 1, first + 20),
        len(whole) - 1,
    }:
        path.write_bytes(whole[:cut])
        with pytest.raises(
            InputError, match=f"^{path}: is truncated or damaged .*; get the file again, or test it with"
        ):
            values(path)


def test_a_flipped_bit_is_refused_or_harmless(packed):
    path, pack = packed
    whole = pack(HEADER + text(2000))
    rng = random.Random(6)
    refused = 0
    for _ in range(80):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            assert values(path) == expected(text(2000))
        except InputError as error:
            refused += 1
            assert str(error).startswith(f"{path}: is truncated or damaged")
    assert refused > 70


def test_garbage_behind_the_data_is_refused(packed):
    path, pack = packed
    for tail in (b"\0" * 100, b"garbage"):
        path.write_bytes(pack(HEADER + text(10)) + tail)
        with pytest.raises(InputError, match="is truncated or damaged"):
            values(path)


def test_an_empty_member_of_bz2_is_refused_not_misread(tmp_path):
    path = tmp_path / "bars.csv.bz2"
    path.write_bytes(bz2.compress(HEADER + text(10)) + bz2.compress(b"") + bz2.compress(text(10)))
    with pytest.raises(InputError, match=f"^{path}: is truncated or damaged"):
        values(path)


def test_empty_and_plain_text_under_a_compressed_name(packed):
    path, pack = packed
    path.write_bytes(pack(b""))
    assert values(path) == []
    for content in (b"", HEADER + text(10)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="is truncated or damaged"):
            values(path)


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_under_a_plain_name_is_refused_with_the_right_name(tmp_path, suffix):
    path = tmp_path / "bars.csv"
    path.write_bytes(PACK[suffix](HEADER))
    with pytest.raises(InputError, match=f"^{path}: begins with .* rename it to end in {suffix}$"):
        values(path)


def test_a_missing_file_is_named(tmp_path):
    for name in ("none.csv", "none.csv.gz", "none.parquet"):
        with pytest.raises(InputError, match=f"^{tmp_path / name}: cannot be read: No such file"):
            values(tmp_path / name)


def test_byte_order_mark_header_and_no_newline_at_the_end(tmp_path):
    path = tmp_path / "bars.csv"
    for ahead in (
        HEADER,
        b"\xef\xbb\xbf" + HEADER,
        b"",
        b"\xef\xbb\xbf",
        b"\n\r\n" + HEADER,
        HEADER.replace(b"\n", b"\r\n"),
    ):
        path.write_bytes(ahead + b"AA,2008-03-05,1\nBB,2008-03-06,2")
        pieces = list(read_bars(str(path), LAYOUT))
        assert [symbol for bars in pieces for symbol in bars.symbols] == ["AA", "BB"] and values(path) == [
            1.0,
            2.0,
        ]
        assert not any(bars.rejected for bars in pieces)


def test_ranges_of_a_plain_file_hold_every_bar_once(tmp_path):
    path = tmp_path / "bars.csv"
    raw = b"\xef\xbb\xbf" + HEADER + text(200)
    path.write_bytes(raw)
    for cut in range(0, len(raw), 7):
        assert values(path, start=0, end=cut) + values(path, start=cut, end=len(raw)) == expected(text(200))


def test_a_later_part_of_a_stream_has_no_header_to_pass_over():
    from windrow.bars.columns import Layout
    from windrow.feeds.files import parse_stream

    layout = Layout(
        ("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",), header=b"symbol,timestamp,close"
    )
    text = b"symbol,timestamp,close\nA,2020-01-01,1\n"
    assert [bars.headers for bars in parse_stream(io.BytesIO(text), layout, "x")] == [0]
    assert [bars.headers for bars in parse_stream(io.BytesIO(text), layout, "x", headed=False)] == [1]
