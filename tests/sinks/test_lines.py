"""Lines of text, whatever of their times is known already."""

import runpy
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute  # loaded before a test takes away what it needs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys.merge import Stretch
from windrow.sinks import joining, lines
from windrow.times import format_times

MINUTE = 60 * 10**9


def some_times(rng):
    return np.sort(rng.choice(6000, rng.integers(1, 2500), replace=False)).astype(np.int64) * MINUTE


@pytest.mark.parametrize("kept", [100, 3000, 1 << 16])
@pytest.mark.parametrize("seed", range(20))
def test_symbols_of_the_same_and_of_other_times(monkeypatch, kept, seed):
    """Texts of times are kept, so that some, all or none of a symbol's are known when the next symbol comes."""
    monkeypatch.setattr(lines, "_KEPT", kept)
    lines._time_fields.cache_clear()
    rng = np.random.default_rng(seed)
    usual = some_times(rng)
    times = [usual if rng.random() < 0.6 else some_times(rng) for _ in range(rng.integers(1, 6))]
    counts = list(map(len, times))
    values = np.round(rng.random(sum(counts)), 3)
    symbols = [b"S%d" % number for number in range(len(times))]
    stretch = Stretch(symbols, np.cumsum([0, *counts[:-1]]), False, np.concatenate(times), [values])
    written = b"".join(lines.format_lines(stretch, np.arange(len(values)), [values], dated=False))
    rows = zip(np.repeat(symbols, counts).tolist(), format_times(stretch.times, False), values.tolist(), strict=True)
    assert written == b"".join(b"%b\t%b\t%b\n" % (symbol, time, repr(value).encode()) for symbol, time, value in rows)
    lines._time_fields.cache_clear()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"A", b"AA", b"B", b"a%09", "é".encode()]), st.integers(1, 9)),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([MINUTE, 1_500_000_000, 10**9]),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_symbols_of_any_width_and_bars_without_a_line(series, apart, batch, rng):
    counts = [many for _, many in series]
    times = np.concatenate([np.arange(many) * apart for many in counts])
    index = np.array([bar for bar in range(len(times)) if rng.random() < 0.6], np.int64)
    stretch = Stretch([symbol for symbol, _ in series], np.cumsum([0, *counts[:-1]]), False, times, [])
    values = [np.arange(len(index)) / 8, np.where(index % 3, index * 1.0, np.nan)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_BATCH", batch)
        written = b"".join(lines.format_lines(stretch, index, values, dated=False))
    owners = np.repeat([symbol for symbol, _ in series], counts)[index].tolist()
    texts = [b"" if np.isnan(value) else repr(value).encode() for value in values[1].tolist()]
    rows = zip(owners, format_times(times[index], False), values[0].tolist(), texts, strict=True)
    assert written == b"".join(b"%b\t%b\t%b\t%b\n" % (s, t, repr(v).encode(), w) for s, t, v, w in rows)


def test_texts_are_joined_without_the_module_that_is_private_to_arrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow._compute", None)
    joined = runpy.run_path(joining.__file__)["joined"]
    assert joined(pa.array([b"A", b""]), pa.array([b"1", b"2"]), pa.scalar(b"")).to_pylist() == [b"A1", b"2"]
