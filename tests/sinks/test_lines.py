"""Lines of text, whatever of their times is known already."""

import numpy as np
import pytest

from sort_keys.merge import Stretch
from windrow.sinks import lines
from windrow.times import format_times

MINUTE = 60 * 10**9


def some_times(rng):
    return np.sort(rng.choice(6000, rng.integers(1, 2500), replace=False)).astype(np.int64) * MINUTE


@pytest.mark.parametrize("kept", [100, 3000, 1 << 16])
@pytest.mark.parametrize("seed", range(20))
def test_symbols_of_the_same_and_of_other_times(monkeypatch, kept, seed):
    """So many texts are kept that some, or all, or none of a symbol's are known when the next one comes."""
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
