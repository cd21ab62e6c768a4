"""A job with a survey: a summary of all bars of a symbol comes before the first of them, on every runner."""

from itertools import pairwise

import numpy as np
import pytest

import sort_keys.merge
from jobs.moving_average import MovingAverage
from sort_keys.blocks import Columns, write_blocks
from sort_keys.merge import Merge, Stretch
from sort_keys.slots import Slots
from tests.conftest import ROOT
from windrow.errors import InputError
from windrow.mapreduce.survey import known, surveyed

BARS = ROOT / "data" / "bars.csv"
SLOTS = Slots(1 << 60)


class Number:
    """How many bars there are."""

    def __init__(self):
        self.bars = 0

    def push(self, piece):
        self.bars += len(piece.times)

    def summary(self):
        return self.bars


class Left(MovingAverage):
    """Each bar with the number of bars that come after it."""

    def survey(self):
        return Number

    def table(self, bars):
        left = 0
        for stretch, summaries in bars:
            counts = iter(summaries)
            starts = set(stretch.new_starts.tolist())
            found = np.empty(len(stretch.times))
            for row in range(len(found)):
                left = next(counts) if row in starts else left
                left -= 1
                found[row] = left
            assert next(counts, None) is None
            yield stretch, np.arange(len(found)), [found]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("how", [[], ["--block-bars", "1"], ["--slot", "9d", "-D", "mapreduce.job.reduces=4"]])
def test_every_bar_knows_how_many_come_after_it(run_job, runner, how):
    ran = run_job("-r", runner, *how, BARS, job=Left)
    assert ran.status == 0 and "1,250 bars of 5 symbols -> 1,250 lines" in ran.err, ran.err
    found = {}
    for line in ran.lines:
        symbol, _, left = line.split(b"\t")
        found.setdefault(symbol, []).append(float(left))
    assert list(found.values()) == [list(range(249, -1, -1))] * 5


def stretches(symbols, bars):
    """Each symbol's bars in pieces, in stretches that end anywhere."""
    rng = np.random.default_rng(bars)
    starts, times = np.arange(len(symbols)) * bars, np.tile(np.arange(bars), len(symbols))
    cuts = [0, *sorted(rng.choice(np.arange(1, len(times)), 7, replace=False).tolist()), len(times)]
    for begin, end in pairwise(cuts):
        first = int(np.searchsorted(starts, begin, side="right")) - 1
        last = int(np.searchsorted(starts, end))
        inside = np.maximum(starts[first:last] - begin, 0)
        continued = bool(starts[first] < begin)
        yield Stretch(symbols[first:last], inside, continued, times[begin:end], [times[begin:end] * 1.5])


@pytest.mark.parametrize("bars", [1, 3, 50])
def test_summaries_come_with_the_first_bars_of_their_symbols(monkeypatch, bars):
    monkeypatch.setattr(sort_keys.merge, "_BATCH_BYTES", 1)  # nothing is read ahead
    symbols = [b"%d" % number for number in range(100, 120)]
    lines = list(surveyed(stretches(symbols, bars), Number, SLOTS, 7))
    told, rows = [], 0
    for stretch, summaries in known(Merge(1), sorted(lines)):
        new = stretch.symbols[1:] if stretch.continued else stretch.symbols
        told += zip(new, summaries, strict=True)
        rows += len(stretch.times)
        assert np.array_equal(stretch.values[0], stretch.times * 1.5)
    assert told == [(symbol, bars) for symbol in symbols]
    assert rows == bars * len(symbols)


def test_bars_without_a_summary_are_refused():
    blocks = write_blocks(Columns(["AA"], np.array([0]), np.arange(3), [np.ones(3)]), SLOTS)
    with pytest.raises(InputError, match=r"symbol b.AA.: without a summary .*; install the same version on all"):
        list(known(Merge(1), blocks))


def test_no_bars_have_no_summary():
    assert list(surveyed([], Number, SLOTS, 7)) == list(known(Merge(1), [])) == []
