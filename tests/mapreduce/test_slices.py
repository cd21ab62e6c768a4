"""--slices: one symbol over many reducers, and the lines of the unsliced job, to the last bit."""

import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import windrow
from jobs.rejects import Rejects
from sort_keys.blocks import Columns, write_blocks
from sort_keys.merge import Merge
from sort_keys.slots import Slots
from tests.conftest import ROOT
from tests.windows.test_contract import BY_COUNT, BY_TIME, OPTIONS, SECOND, bars_of_symbols, columns_for
from windrow.errors import InputError, SliceError, UsageError
from windrow.feeds.density import Density, slices_for
from windrow.mapreduce.slices import Slicer, stitch
from windrow.sinks.lines import format_lines
from windrow.windows import Options, parse_indicator
from windrow.windows.indicators import Indicators

pytestmark = pytest.mark.one_python
SMALL = Slots(7 * SECOND)


def texts(lines):
    return b"".join(piece for some in lines for piece in format_lines(*some, dated=False)).splitlines()


def merged(bars, block_bars, slices=None):
    """Stretches of bars that went through blocks, sorted as a shuffle would; one block a stretch where bars are few."""
    lines = sorted(write_blocks(bars, SMALL, block_bars, slices))
    return Merge(len(bars.values)).stretches(line.rstrip(b"\n") for line in lines)


def whole(kernel, bars):
    lines = []
    for stretch in merged(bars, 4096):
        lines.append((stretch, *kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts)))
    return sorted(texts(lines))


def in_slices(kernels, bars, slices, block_bars=4096):
    """The lines of both steps, and how many of them the first wrote."""
    slicer, inner, edges = Slicer(kernels[0]), [], []
    for stretch in merged(bars, block_bars, slices):
        lines, more = slicer.push(stretch)
        inner += texts([lines])
        edges += more
    edges += slicer.close()
    return sorted(inner + texts(stitch(kernels[1], (edge.rstrip(b"\n") for edge in sorted(edges))))), len(inner)


def both_ways(indicators, options, bars, slices, block_bars=4096):
    kernels = [Indicators([parse_indicator(text) for text in indicators], options) for _ in range(3)]
    sliced, inner = in_slices(kernels[:2], bars, slices, block_bars)
    return sliced, whole(kernels[2], bars), inner


def check_same(sliced, plain, bars):
    """The same lines; values of an ema within 1e-12 of the largest price so far, all others to the last bit."""
    ends = [*bars.starts[1:], len(bars.times)]
    largest = {
        (symbol, time): price
        for symbol, start, end in zip(bars.symbols, bars.starts, ends, strict=True)
        for time, price in zip(
            bars.times[start:end].tolist(), np.maximum.accumulate(np.abs(bars.values[0][start:end])), strict=True
        )
    }
    assert len(sliced) == len(plain)
    for one, other in zip(sliced, plain, strict=True):
        if one == other:
            continue
        symbol, time, *values = one.decode().split("\t")
        near = 1e-12 * largest[symbol.replace("%25", "%"), int(np.datetime64(time[:-1], "ns").astype(int))]
        for value, whole in zip(values, other.decode().split("\t")[2:], strict=True):
            assert value == whole or abs(float(value) - float(whole)) <= near, (one, other)


def columns_of(times, values, starts, *more):
    return Columns([f"S{number}%" for number in range(len(starts))], starts, times, [values, *more])


def columns_for_slices(indicator, values):
    """The columns that its kernel takes besides the close, where that is `values`."""
    made = dict(zip(parse_indicator(indicator).columns("close"), columns_for(indicator, values), strict=True))
    return [made[name] for name in Indicators([parse_indicator(indicator)]).columns[1:]]


CARRIES_MORE = {"atr", "dema", "halflife", "kama", "macd", "rsi", "tema"}
SLICEABLE = [text for text in BY_COUNT + BY_TIME if text.partition(":")[0] not in CARRIES_MORE]


@pytest.mark.parametrize("kind", sorted(CARRIES_MORE))
def test_kernels_that_carry_more_than_bars_are_refused(kind):
    with pytest.raises(UsageError, match=rf"^--slices: {kind}:5 carries from bar to bar what a slice cannot know"):
        _ = Indicators([parse_indicator("sma:3"), parse_indicator(f"{kind}:5")]).head


@pytest.mark.parametrize("options", OPTIONS, ids=["usual", "min_periods", "seed first"])
@pytest.mark.parametrize("indicator", SLICEABLE)
@settings(max_examples=10, deadline=None)
@given(bars=bars_of_symbols(), seconds=st.integers(1, 90), block_bars=st.sampled_from([1, 3, 4096]), back=st.booleans())
def test_every_kernel_gives_the_same_bits(indicator, options, bars, seconds, block_bars, back):
    times, values, starts = bars
    more = columns_for_slices(indicator, values)
    columns = columns_of(times - 60 * SECOND if back else times, values, starts, *more)  # slices before 1970 too
    options = Options(
        options.min_periods if indicator.split(":")[1] != "1" else None, 0, options.ema_seed, options.ddof
    )
    sliced, plain, _ = both_ways([indicator], options, columns, Slots(seconds * SECOND), block_bars)
    if indicator.startswith("ema"):
        check_same(sliced, plain, columns)
    else:
        assert sliced == plain


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), span=st.integers(200, 5000))
@example(seed=1, span=2000)
def test_most_lines_need_no_stitching(seed, span):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(1, 3, 4000)) * SECOND
    columns = columns_of(times, np.round(rng.uniform(1, 9, 4000), 2), np.zeros(1, np.int64))
    sliced, plain, inner = both_ways(["sma:20", "std:30s", "ema:2"], Options(), columns, Slots(span * SECOND))
    check_same(sliced, plain, columns)
    slices = int(times[-1]) // (span * SECOND) + 1
    assert inner >= len(times) - slices * 60  # 19 bars, those of 30 s, or 2 + 41 that an ema of 2 takes to forget


def flat_behind_a_step(bars):
    times = np.arange(bars) * SECOND
    return columns_of(times, np.where(times < 100 * SECOND, 100.0, 101.0), np.zeros(1, np.int64))


@pytest.mark.parametrize("bars", [2, 20, 2000])
def test_an_average_that_sticks_before_a_flat_price_is_the_same_within_the_bound(bars):
    """There, float64 rounds each step of the average to nothing before it arrives; a slice begins on the price."""
    columns = flat_behind_a_step(bars * 30 + 1000)
    sliced, plain, _ = both_ways([f"ema:{bars}"], Options(), columns, Slots((bars * 15) * SECOND))
    check_same(sliced, plain, columns)


def test_a_spike_that_fades_is_no_reason_to_refuse():
    """Of 1e12 there is 1e-9 of a price of 40 left after 64 bits; the bound is 1e-12 of the spike."""
    times = np.arange(2000) * SECOND
    values = np.round(40 + np.sin(times), 2)
    values[490] = 1e12
    columns = columns_of(times, values, np.zeros(1, np.int64))
    sliced, plain, _ = both_ways(["ema:2", "sma:5"], Options(), columns, Slots(500 * SECOND))
    check_same(sliced, plain, columns)
    assert [line.split(b"\t")[3] for line in sliced] == [line.split(b"\t")[3] for line in plain]


def test_an_average_that_sticks_farther_off_is_refused():
    columns = flat_behind_a_step(1_000_000)
    with pytest.raises(SliceError) as refused:
        both_ways(["ema:20000"], Options(), columns, Slots(480_000 * SECOND))
    assert re.fullmatch(
        r"ema over 20000 bars: after 463,615 bars of a slice it is 101\.0, but 100\.99999999\d+ when computed from the"
        r" bars before the slice: the two must agree by then, and do not where a long average meets prices that do not"
        r" move; leave out --slices",
        str(refused.value),
    )


def test_a_slice_keeps_its_tail_and_nothing_else():
    kernel = Indicators([parse_indicator("sma:5")])
    slicer = Slicer(kernel)
    times = np.arange(100_000) * SECOND
    columns = columns_of(times, np.round(np.sin(times), 2), np.zeros(1, np.int64))
    for stretch in merged(columns, 1000, Slots(10**15)):
        _, edges = slicer.push(stretch)
        assert sum(map(len, edges)) < 300
    [edge] = slicer.close()
    told = json.loads(edge.split(b"\t")[2])
    assert told["times"] == (times[-4:]).tolist() and told["skipped"][0][0] == 99_996


def test_what_is_no_edge_is_refused():
    with pytest.raises(
        InputError, match="a reducer read b'junk' of symbol b'AA': is no edge of a slice as this version"
    ):
        list(stitch(Indicators([parse_indicator("sma:5")]), [b"AA\t8000000000000000\tjunk"]))


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("form", ["text", "parquet"])
def test_a_jobs_output(run_job, tmp_path, runner, form):
    options = ["-r", runner, "--indicator", "sma:20", "--indicator", "ema:12", "--indicator", "max:30d"]
    options += ["-D", "mapreduce.job.reduces=3", "--output-format", form, ROOT / "data/bars.csv"]
    assert run_job(*options, "-o", tmp_path / "plain").status == 0
    ran = run_job(*options, "-o", tmp_path / "sliced", "--slices", "90d")
    assert ran.status == 0
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err and "\n  slices             20\n" in ran.err
    plain, sliced = (windrow.read_output(tmp_path / name) for name in ("plain", "sliced"))
    assert len(sliced) == 1195 and sliced.equals(plain)
    inner = sorted(path.name for path in (tmp_path / "sliced").glob("*-inner*"))
    assert inner == [f"part-0000{number}-inner{'.parquet' if form == 'parquet' else ''}" for number in range(3)]


def test_repeats_and_conflicts_lie_in_one_slice(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    rows = [f"A,2020-01-{day:02},{price}\n" for day in range(1, 31) for price in (day, day)]
    bars.write_text("".join(["symbol,timestamp,close\n", *rows, "A,2020-01-15,99\n"]))
    ran = run_job("-r", "local", "--window", "2", "--slices", "2d", bars)
    assert ran.status == 1 and "1 conflict" in ran.err and "A at 2020-01-15 has close 15.0 and 99.0" in ran.err
    options = ["--window", "2", "--on-conflict", "largest", bars]
    plain, sliced = run_job(*options), run_job("-r", "local", "--slices", "2d", *options)
    assert sliced.lines == plain.lines and len(plain.lines) == 29
    assert "30 repeats dropped; 1 conflict settled" in sliced.err


def test_auto_slices_a_symbol_that_has_more_than_its_share(run_module, tmp_path):
    for name, options in (("one", "--symbols 1 --bars 300000 --spacing 1min"), ("ten", "--symbols 10 --bars 3000")):
        assert run_module("windrow.cli", "sample", tmp_path / f"{name}.csv", *options.split(), "--quiet").status == 0
    options = ["jobs.moving_average", "-r", "local", "--num-cores", "2"]
    sliced = run_module(*options, "--slices", "auto", tmp_path / "one.csv")
    assert re.search(r"\n  slices +[3-9]\n", sliced.err), sliced.err
    assert sliced.lines == run_module(*options, tmp_path / "one.csv").lines
    assert "slices" not in run_module(*options, "--slices", "auto", tmp_path / "ten.csv").err
    assert "slices" not in run_module("jobs.moving_average", "--slices", "auto", tmp_path / "one.csv").err


@pytest.mark.parametrize(("densities", "head", "bars"), [
    ({"A": 10**7}, (19, 0), 10**7 // 16),
    ({"A": 10**7, "B": 10**6}, (19, 0), 10**7 // 16),
    ({"A": 10**6, "B": 10**6}, (19, 0), None),  # as much as a reducer's share
    ({"A": 10**7}, (20_000, 0), 64 * 20_000),  # slices must be long beside their heads
    ({"A": 10**7}, (0, 10**4), 64 * 10**4),
    ({"A": 10**7}, (0, 10**5), None),
    ({"A": 10**7}, (200_000, 0), None),
    ({"A": 150_000}, (19, 0), None),
    ({}, (19, 0), None),
])  # fmt: skip
def test_the_span_that_auto_chooses(densities, head, bars):
    """At a bar a nanosecond a span is a number of bars."""
    told = {symbol: Density(count, 1.0) for symbol, count in densities.items()}
    assert slices_for(told, 2, *head) == bars


@pytest.mark.parametrize(("options", "message"), [
    (["--slices", "monthly"], "duration 'monthly': a duration is a whole number and a unit"),
    (["--slices", "30d", "--step", "5"], "--slices 30d: given with --step, whose lines depend on all earlier ones;"),
])  # fmt: skip
def test_what_cannot_be_sliced_is_refused(run_job, options, message):
    ran = run_job(*options, ROOT / "data/bars.csv")
    assert ran.status == 2 and message in ran.err


def test_a_job_without_a_kernel_cannot_be_sliced(run_job):
    ran = run_job("--slices", "30d", ROOT / "data/bars.csv", job=Rejects)
    assert (ran.status, ran.err) == (
        2, "error: --slices: does not apply to this job; leave it out\n"
    )  # fmt: skip
