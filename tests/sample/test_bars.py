"""windrow.sample.bars: the same bars in any order, in any format, on any machine; whole files or none."""

import bz2
import gzip
import hashlib
import io
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.cli import main
from windrow.errors import OutputError, UsageError, WindrowError
from windrow.sample.bars import CSV_CHUNK, Sample, digits, format_of, padded, write
from windrow.sample.noise import permuted
from windrow.storage.newfile import new_file

DATA = Path(__file__).parents[2] / "data"
HEADER = "symbol,timestamp,open,high,low,close,volume\n"
SPACINGS = "not a spacing: a spacing is a whole number and a unit (s, min, h, d, w), e.g. 5min, or bd"


def frame(sample):
    return pd.read_csv(io.StringIO(HEADER + sample.csv(0, sample.rows).decode()))


def test_bytes_are_fixed():
    """These sums change if the generator does, or if a machine or a numpy computes something differently."""
    daily = Sample(symbols=7, bars=600, spacing="bd", order="shuffled", seed=3)
    minutes = Sample(symbols=2, bars=2000, spacing="1min", start="2020-01-01T14:30Z", places=5)
    sums = [hashlib.sha256(sample.csv(0, sample.rows)).hexdigest()[:16] for sample in (daily, minutes)]
    assert sums == ["2f9bee87f0cf2224", "6b39f50ad9d16b90"]


def test_data_folder_is_what_its_readme_says(tmp_path, capsys):
    commands = [
        line.split("`")[1] for line in (DATA / "README.md").read_text().splitlines() if "`windrow sample" in line
    ]
    assert len(commands) == 2
    for command in commands:
        _, tool, out, *options = shlex.split(command)
        assert main([tool, str(tmp_path / Path(out).name), *options]) == 0
        assert (tmp_path / Path(out).name).read_bytes() == (DATA / Path(out).name).read_bytes()


@pytest.mark.parametrize("spacing", ["1s", "1min", "1d", "bd", "1w"])
def test_every_order_holds_the_same_bars(spacing):
    time, symbol, shuffled = (
        Sample(symbols=4, bars=50, spacing=spacing, order=order) for order in ("time", "symbol", "shuffled")
    )
    lines = time.csv(0, 200).splitlines()
    assert sorted(lines) == sorted(symbol.csv(0, 200).splitlines()) == sorted(shuffled.csv(0, 200).splitlines())
    assert lines == sorted(lines, key=lambda line: line.split(b",")[1])
    assert symbol.csv(0, 200).splitlines() == sorted(lines)
    assert shuffled.csv(0, 200).splitlines() not in (lines, sorted(lines))


@given(total=st.integers(1, 3000), key=st.integers(0, 2**32 - 1))
def test_a_shuffle_has_each_row_once(total, key):
    assert sorted(permuted(np.arange(total), total, key)) == list(range(total))


def test_a_shuffle_of_billions_needs_only_the_rows_asked_for():
    rows = permuted(np.arange(50_000), 5 * 10**12, 1)
    assert len(np.unique(rows)) == 50_000
    assert np.histogram(rows, 10, (0, 5 * 10**12))[0].min() > 4_700


@given(cut=st.integers(1, 199), order=st.sampled_from(["time", "symbol", "shuffled"]))
def test_rows_do_not_depend_on_the_chunk(cut, order):
    sample = Sample(symbols=4, bars=50, order=order)
    assert sample.csv(0, cut) + sample.csv(cut, 200) == sample.csv(0, 200)


def test_more_bars_or_symbols_change_none_of_the_others():
    few, many = (Sample(symbols=n, bars=n * 10, order="symbol").csv(0, 20).splitlines() for n in (2, 9))
    assert few == many[:20]


def test_another_seed_makes_other_bars():
    assert Sample(seed=1).csv(0, 10) != Sample(seed=2).csv(0, 10)


def test_bars_are_bars():
    bars = frame(Sample(symbols=3, bars=4000, spacing="bd"))
    assert (bars[["open", "close"]].max(axis=1) <= bars["high"]).all()
    assert (bars[["open", "close"]].min(axis=1) >= bars["low"]).all()
    assert (bars["low"] > 0).all()
    assert (bars["volume"] > 0).all()


def test_prices_walk_as_prices_do():
    bars = frame(Sample(symbols=8, bars=2000, spacing="bd", order="symbol"))
    daily = bars.groupby("symbol")["close"].pct_change()
    assert 0.008 < daily.std() < 0.025
    monthly = bars.groupby("symbol")["close"].pct_change(21).std()
    assert 3 < monthly / daily.std() < 6.5  # a random walk: the root of 21
    assert (
        bars.pivot(index="timestamp", columns="symbol", values="close")
        .pct_change()
        .corr()
        .abs()
        .where(~np.eye(8, dtype=bool))
        .max()
        .max()
        < 0.15
    )


def test_business_days_start_at_the_next_one():
    dates = pd.to_datetime(frame(Sample(symbols=1, bars=12, spacing="bd", start="2020-02-29"))["timestamp"])
    assert dates.tolist() == pd.bdate_range("2020-03-02", periods=12).tolist()


@pytest.mark.parametrize(
    ("spacing", "start", "second"),
    [
        ("1d", "2020-02-28", "2020-02-29"),
        ("2w", "1960-01-01", "1960-01-15"),
        ("1h", "2020-12-31T23:30:00Z", "2021-01-01T00:30:00Z"),
        ("1s", "1969-12-31", "1969-12-31T00:00:01Z"),
        ("1d", "2020-01-01T16:00+02:00", "2020-01-02T14:00:00Z"),
        ("bd", "2020-01-03T16:00", "2020-01-06T16:00:00Z"),
    ],
)
def test_times(spacing, start, second):
    assert Sample(symbols=1, bars=2, spacing=spacing, start=start).csv(1, 2).decode().split(",")[1] == second


def test_symbols_of_four_letters_if_three_are_not_enough():
    assert Sample(symbols=26**3).names[-1] == "ZZZ"
    assert Sample(symbols=26**3 + 1).names[-1] == "BAAA"
    assert len(set(Sample(symbols=26**3 + 1).names)) == 26**3 + 1


@pytest.mark.parametrize("places", range(9))
def test_prices_have_the_places_asked_for(places):
    sample = Sample(symbols=2, bars=40, places=places)
    ticks = sample.ticks(0, 80)
    text = [line.split(",")[2] for line in sample.csv(0, 80).decode().splitlines()]
    assert text == [f"{tick / 10**places:.{places}f}" for tick in ticks.open.tolist()]


@given(st.lists(st.integers(0, 2**62), min_size=1), st.integers(1, 12))
def test_digits(values, width):
    numbers = np.array(values, np.int64)
    assert [bytes(row).lstrip(b"\0").decode() for row in digits(numbers)] == list(map(str, values))
    assert [bytes(row).decode() for row in padded(numbers, width)] == [str(n).zfill(width)[-width:] for n in values]


def test_compressed_files_hold_the_same_and_repeat(tmp_path):
    sample = Sample(symbols=3, bars=CSV_CHUNK // 2)
    plain = HEADER.encode() + sample.csv(0, sample.rows)
    openers = {
        "": Path.read_bytes,
        ".gz": lambda path: gzip.decompress(path.read_bytes()),
        ".bz2": lambda path: bz2.decompress(path.read_bytes()),
        ".zst": lambda path: pa.input_stream(path, compression="zstd").read(),
    }
    for suffix, contents in openers.items():
        one, two = (tmp_path / f"{name}.csv{suffix}" for name in ("one", "two"))
        assert write(sample, one) == one.stat().st_size
        write(sample, two)
        assert contents(one) == plain
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(("spacing", "kind"), [("1d", "date32[day]"), ("1min", "timestamp[us, tz=UTC]")])
def test_parquet_holds_the_bars_of_csv(tmp_path, spacing, kind):
    sample = Sample(symbols=3, bars=200, spacing=spacing, order="shuffled")
    write(sample, tmp_path / "bars.parquet")
    table = pq.read_table(tmp_path / "bars.parquet")
    assert str(table.schema.field("timestamp").type) == kind
    bars = frame(sample)
    for name in ("symbol", "open", "high", "low", "close", "volume"):
        assert table[name].to_pylist() == bars[name].tolist()
    times = pd.to_datetime(bars["timestamp"], utc=True)
    assert pd.to_datetime(table["timestamp"].to_pandas(), utc=True).tolist() == times.tolist()


def test_progress_is_reported_for_every_row(tmp_path):
    reported = []
    write(Sample(symbols=3, bars=CSV_CHUNK), tmp_path / "bars.csv", report=reported.append)
    assert reported == [CSV_CHUNK] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symbols": 0}, "--symbols 0: out of range: use 1 to 456,976"),
        ({"bars": 0}, "--bars 0: out of range: use 1 to 10,000,000,000"),
        ({"places": 9}, "--places 9: out of range: use 0 to 8"),
        ({"order": "random"}, "--order random: unknown order: use one of time, symbol, shuffled"),
        ({"spacing": "1m"}, f"--spacing 1m: {SPACINGS}"),
        ({"spacing": "0d"}, f"--spacing 0d: {SPACINGS}"),
        (
            {"start": "soon"},
            "--start soon: not a time: a start is a date or an ISO 8601 time, e.g. 2020-01-31 or 2020-01-31T14:30Z",
        ),
        (
            {"start": "2020-01-01T00:00:00.5"},
            "--start 2020-01-01T00:00:00.5: has a fraction of a second: bars start at whole seconds; leave it out",
        ),
        (
            {"bars": 100_000},
            "--start 2020-01-01, --bars 100000, --spacing 1d: bars outside 1678-01-01 to 2261-12-31: times must be in"
            " this range; make fewer bars, closer together, or start at another time",
        ),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(UsageError) as error:
        Sample(**options)
    assert str(error.value) == message


@pytest.mark.parametrize("options", [{"bars": 63_200, "spacing": "bd"}, {"start": "1677-12-31"}])
def test_bars_stay_in_the_years_windrow_reads(options):
    with pytest.raises(UsageError, match="bars outside 1678-01-01 to 2261-12-31"):
        Sample(**options)


@pytest.mark.parametrize(
    ("name", "chosen", "message"),
    [
        ("bars", None, "bars: no format: end the name in .csv or .parquet, or use --format"),
        ("-", None, "-: no format: end the name in .csv or .parquet, or use --format"),
        ("bars.csv", "parquet", "--format parquet: the suffix of bars.csv is that of csv: change one of them"),
        ("b.parquet.gz", None, "b.parquet.gz: Parquet is compressed internally: leave .gz out"),
    ],
)
def test_unclear_formats(name, chosen, message):
    with pytest.raises(UsageError) as error:
        format_of(Path(name), chosen)
    assert str(error.value) == message


def test_format_by_suffix_or_choice():
    assert format_of(Path("a.csv.zst")) == format_of(Path("a.gz"), "csv") == format_of(Path("a"), "csv") == "csv"


def test_an_existing_file_is_kept(tmp_path):
    taken = tmp_path / "bars.csv"
    taken.write_text("mine")
    with pytest.raises(OutputError) as error:
        write(Sample(), taken)
    assert str(error.value) == f"{taken}: already exists: choose another name, or replace it with --force"
    assert taken.read_text() == "mine"
    write(Sample(), taken, force=True)
    assert taken.read_text().startswith(HEADER)


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(OutputError, match=r"d\.csv: is a directory, but the output is one file: name a file in it"):
        write(Sample(), tmp_path / "d.csv", force=True)
    with pytest.raises(OutputError, match=r"bars\.csv: directory .*none does not exist: create it first"):
        write(Sample(), tmp_path / "none" / "bars.csv")
    full = r"full\.csv: cannot be written: No space left on device"
    with pytest.raises(OutputError, match=full), new_file(tmp_path / "full.csv"):
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, WindrowError])
def test_an_interrupt_leaves_no_half_file(tmp_path, stop):
    (tmp_path / "old.csv").write_text("mine")

    def interrupt(rows):
        raise stop

    for name in ("new.csv", "new.csv.gz", "new.parquet", "old.csv"):
        with pytest.raises(stop):
            write(Sample(), tmp_path / name, force=True, report=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    place = tmp_path / "bars.csv"
    with pytest.raises(OutputError, match="already exists"), new_file(place):
        place.write_text("mine")
    assert place.read_text() == "mine"
