"""bz2 by byte ranges: each line in exactly one, however the file is cut, and damage never passes for a shorter file."""

import bz2
import io
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.storage.bz2_blocks import BlockText

CHANCE = random.Random(11)
#: Lines of prices, and of noise in which there are few repeats, so that blocks are long.
LINES = b"".join(b"AA,%d,%d.%02d\n" % (n, CHANCE.randrange(90, 110), CHANCE.randrange(100)) for n in range(90_000))
NOISE = b"".join(CHANCE.randbytes(CHANCE.randrange(1, 300)).replace(b"\n", b"") + b"\n" for _ in range(3000))
PACKED = {
    "small blocks": bz2.compress(LINES, 1),
    "large blocks": bz2.compress(LINES, 9),
    "one block": bz2.compress(LINES[:1000], 9),
    "streams": b"".join(bz2.compress(LINES[at : at + 150_001], 1) for at in range(0, len(LINES), 150_001)),
    "noise": bz2.compress(NOISE, 1),
    "one line": bz2.compress(b"x" * 3 + CHANCE.randbytes(400_000).replace(b"\n", b" "), 1),
    "no text": bz2.compress(b""),
    "no last line end": bz2.compress(LINES[:-1], 2),
}


def text_of(packed, bounds):
    ranges = [BlockText(io.BytesIO(packed), start, end) for start, end in pairwise(bounds)]
    return b"".join(iter_of(one) for one in ranges)


def iter_of(stream, size=70_001):
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("parts", [1, 2, 3, 7, 20])
def test_ranges_together_are_the_text(packed, parts):
    bounds = [len(packed) * number // parts for number in range(parts + 1)]
    assert text_of(packed, bounds) == bz2.decompress(packed)


@given(st.sampled_from(["small blocks", "streams", "noise", "one line"]), st.lists(st.floats(0, 1), max_size=4))
def test_wherever_it_is_cut(name, cuts):
    packed = PACKED[name]
    bounds = [0, *sorted(int(cut * len(packed)) for cut in cuts), len(packed)]
    assert text_of(packed, bounds) == bz2.decompress(packed)


@pytest.mark.parametrize("name", ["small blocks", "streams"])
def test_a_range_begins_with_a_line(name):
    packed = PACKED[name]
    for start in range(1, len(packed), len(packed) // 9):
        text = iter_of(BlockText(io.BytesIO(packed), start, len(packed)))
        assert bz2.decompress(packed).endswith(b"\n" + text) or not text


@given(st.sampled_from(["small blocks", "streams", "noise"]), st.data())
def test_damage_is_an_error_or_changes_nothing(name, data):
    """As whole files are read: one bit of the last byte, which pads, may be any."""
    packed = bytearray(PACKED[name])
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    bounds = [0, len(packed) // 3, len(packed)]
    try:
        text = text_of(bytes(packed), bounds)
    except OSError:
        return
    assert text == bz2.decompress(PACKED[name])


@given(st.sampled_from(["small blocks", "streams", "one block"]), st.data())
def test_a_truncated_file_is_an_error(name, data):
    packed = PACKED[name]
    size = data.draw(st.integers(1, len(packed) - 1))
    try:
        text = text_of(packed[:size], [0, size // 2, size])
    except OSError:
        return
    assert text == bz2.decompress(packed[:size])  # it ends where a stream does


@pytest.mark.parametrize("name", ["small blocks", "one block", "one line"])
def test_a_file_without_its_last_bytes_is_an_error(name):
    for missing in range(1, min(12, len(PACKED[name]))):
        size = len(PACKED[name]) - missing
        with pytest.raises(OSError, match="it ends within"):
            text_of(PACKED[name][:size], [0, size // 2, size])


def test_more_behind_it_is_an_error():
    with pytest.raises(OSError, match="has no header where a stream begins"):
        text_of(PACKED["one block"] + b"more", [0, 10**6])
    with pytest.raises(OSError, match="has no header where a stream begins"):
        text_of(b"BZx9" + PACKED["one block"][4:], [0, 10**6])
