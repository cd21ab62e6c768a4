"""Parquet output: to the bit what text holds, for any reader, in row groups of bounded size."""

import datetime
import io
import json
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import windrow
from sort_keys.keys import decode_symbol, encode_symbol
from sort_keys.merge import Stretch
from tests.conftest import ROOT
from tests.jobs.test_lines import Ranges
from tests.tables import arrow_rows, rows_in, rows_of
from windrow.errors import InputError, OutputError
from windrow.sinks import parquet
from windrow.sinks.lines import format_lines
from windrow.sinks.parquet import parquet_sink
from windrow.times import DAY, EARLIEST, LATEST

ODD = ["NA", "null", "BRK.B", "^GSPC", "a\tb", "%", "%41", "😀", "x y", "Ångström", "1e5"]
INDICATORS = ["--indicator", "sma:2", "--indicator", "ema:5", "--indicator", "std:2d"]
#: A column is null until its window is full.
COLUMNS = ["sma:2", "ema:5", "std:2d"]


def instant(moment):
    """As windrow writes it: fractions of a second of 3 or 6 digits, where there are some."""
    assert not moment.utcoffset()
    text = moment.isoformat(timespec="microseconds").removesuffix("+00:00")
    return text.removesuffix("000").removesuffix(".000") + "Z"


def arrows(folder, time):
    parts = [pq.read_table(part) for part in sorted(folder.glob("*.parquet"))]
    assert len({part.schema for part in parts}) == 1 and parts[0].schema.names == ["symbol", "timestamp", *COLUMNS]
    assert parts[0].schema.field("symbol").type == pa.dictionary(pa.int32(), pa.string())
    return arrow_rows(pa.concat_tables(parts), time)


def duckdbs(folder, time):
    with duckdb.connect() as base:
        table = f"read_parquet('{folder}/*.parquet')"
        columns = "*" if time is str else "* replace (make_timestamp(epoch_us(timestamp)) as timestamp)"
        return rows_in(base.execute(f"select {columns} from {table}").fetchall(), time)


def pandases(folder, time):
    frame = windrow.read_output(folder)
    assert list(frame) == ["symbol", "timestamp", *COLUMNS]
    assert frame["timestamp"].dtype == ("datetime64[ns]" if time is str else "datetime64[ns, UTC]")
    rows = zip(
        frame["symbol"], frame["timestamp"].dt.date if time is str else frame["timestamp"].dt.to_pydatetime(),
        *(frame[name].astype(object).where(frame[name].notna(), None) for name in COLUMNS), strict=True,
    )  # fmt: skip
    return rows_in(rows, time)


@pytest.fixture(params=["dates", "times"])
def bars(request, tmp_path):
    """(a file of bars of symbols with odd characters, how a time of it is written)."""
    rng, path = np.random.default_rng(4), tmp_path / "bars.csv"
    with path.open("w") as file:
        file.write("symbol,timestamp,close\n")
        for symbol in ODD:
            for number in range(20):
                moment = datetime.datetime(2008, 3, 1) + datetime.timedelta(days=number)
                late = datetime.timedelta(seconds=number % 3 * 0.5, microseconds=number % 5 // 4)
                text = moment.date().isoformat() if request.param == "dates" else (moment + late).isoformat()
                file.write(f"{symbol},{text},{round(rng.normal(100, 9), 8)}\n")
    return path, str if request.param == "dates" else instant


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("reducers", [1, 3])
def test_every_value_is_that_of_the_text(run_job, bars, tmp_path, runner, reducers):
    path, time = bars
    options = [*INDICATORS, "-r", runner, "-D", f"mapreduce.job.reduces={reducers}"]
    expected = rows_of(run_job(*options, path).lines)
    assert run_job(*options, "--output-format", "parquet", "-o", tmp_path / "out", path).status == 0
    parts = [f"part-{number:05}.parquet" for number in range(reducers)]
    assert sorted(place.name for place in (tmp_path / "out").iterdir()) == ["_SUCCESS", "_windrow.json", *parts]
    assert len(expected) == len(ODD) * 19 and any(None in values for _, _, values in expected)
    assert {symbol for symbol, _, _ in expected} == set(ODD)
    for read in (arrows, duckdbs, pandases):
        assert read(tmp_path / "out", time) == expected


def test_reducers_without_a_bar_write_parts_without_a_row(run_job, tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\nA,2008-03-05,1\nA,2008-03-06,2.5\n")
    options = ["-r", "local", "-D", "mapreduce.job.reduces=4", "--output-format", "parquet"]
    assert run_job(*options, "--window", "1", "-o", tmp_path / "out", path).status == 0
    sizes = [pq.read_metadata(part).num_rows for part in sorted((tmp_path / "out").glob("part-*.parquet"))]
    assert sorted(sizes) == [0, 0, 0, 2]
    assert duckdb.sql(f"select \"sma:1\" from '{tmp_path}/out/*.parquet' order by 1").fetchall() == [(1.0,), (2.5,)]
    assert windrow.read_output(tmp_path / "out")["sma:1"].tolist() == [1.0, 2.5]
    assert run_job(*options, "--window", "3", "-o", tmp_path / "none", path).status == 0
    assert windrow.read_output(tmp_path / "none").empty


def test_the_whole_directory_is_a_table(run_job, tmp_path):
    """For readers that take every file in it, as Spark does."""
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\nA,2008-03-05,1\nB,2008-03-06,2.5\n")
    run_job("--window", "1", "-D", "mapreduce.job.reduces=3", "--output-format", "parquet", "-o", tmp_path / "o", path)
    assert pyarrow.dataset.dataset(tmp_path / "o").count_rows() == 2


#: In a separate process: Spark leaves threads, pipes and a JVM in the one that starts it.
READ_BY_SPARK = """
import json, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
frame = spark.read.parquet(sys.argv[1]).selectExpr("symbol", "string(timestamp)", "`sma:1`", "`sma:2`")
print(json.dumps(sorted(frame.collect())))
"""


@pytest.mark.spark
@pytest.mark.parametrize("dated", [pytest.param(True, marks=pytest.mark.full), False])
def test_spark_reads_it(run_job, tmp_path, dated):
    path, late = tmp_path / "bars.csv", "" if dated else "T10:00:00.123456Z"
    path.write_text(f"symbol,timestamp,close\na\tb,2008-03-05{late},1\na\tb,2008-03-06{late},0.1\n")
    options = ["--indicator", "sma:1", "--indicator", "sma:2", "-D", "mapreduce.job.reduces=3"]
    assert run_job(*options, "--output-format", "parquet", "-o", tmp_path / "out", path).status == 0
    read = subprocess.run([sys.executable, "-c", READ_BY_SPARK, tmp_path / "out"], stdout=subprocess.PIPE, check=True)
    found = [tuple(row) for row in json.loads(read.stdout)]
    shown = late.replace("T", " ").removesuffix("Z")
    assert found == [("a\tb", f"2008-03-05{shown}", 1.0, None), ("a\tb", f"2008-03-06{shown}", 0.1, 0.55)]


def test_nanoseconds_are_written_where_they_are_asked_for_and_never_rounded(run_job, tmp_path):
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\nA,2008-03-05T10:00:00.123456789Z,1\n%,2008-03-05T10:00:00,2\n")
    ran = run_job("--window", "1", "--output-format", "parquet", "-o", tmp_path / "out", path)
    assert (ran.status, ran.out, (tmp_path / "out").exists()) == (1, b"", False)
    assert ran.err == (
        "error: A at 2008-03-05T10:00:00.123456789Z: it has nanoseconds: --output-format parquet holds microseconds,"
        " because Spark reads no others; use parquet-ns, or text\n"
    )
    assert run_job("--window", "1", "--output-format", "parquet-ns", "-o", tmp_path / "out", path).status == 0
    assert windrow.read_output(tmp_path / "out")["timestamp"].astype("int64").tolist() == [
        1204711200 * 10**9, 1204711200 * 10**9 + 123456789,
    ]  # fmt: skip
    assert pq.read_schema(tmp_path / "out/part-00000.parquet").field("timestamp").type == pa.timestamp("ns", "UTC")


@pytest.mark.parametrize(("options", "job", "message"), [
    ([], None, "--output-format parquet: needs files, but lines are printed; name a directory with -o DIR"),
    (["--cat-output", "-o", "out"], None,
     "--output-format parquet: needs files, but lines are printed; name a directory with -o DIR, and leave out --cat-"),
    (["-o", "out"], Ranges, "--output-format parquet: this job's output is not a table of values; leave it out"),
    (["-o", "out", "--indicator", "sma:2", "--indicator", "sma:2"], None,
     "--output-format parquet: 2 columns are named sma:2; the columns of a table need distinct names; ask for"),
])  # fmt: skip
def test_what_cannot_be_parquet(run_job, tmp_path, monkeypatch, options, job, message):
    monkeypatch.chdir(tmp_path)
    ran = run_job("--output-format", "parquet", *options, "none.csv", **({"job": job} if job else {}))
    assert (ran.status, ran.out) == (2, b"") and ran.err.startswith(f"error: {message}")
    assert not list(tmp_path.iterdir())


def written(stretches, columns, kind, rows):
    """What the sink makes of stretches and their lines, with row groups of so many lines."""
    file = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "_ROWS", rows)
        with parquet_sink(file, columns, kind == "dates", kind == "ns") as write:
            for stretch in stretches:
                write(*stretch)
    return pq.ParquetFile(io.BytesIO(file.getvalue()), page_checksum_verification=True)


floats = st.floats(allow_nan=True, allow_infinity=False)
symbols = st.one_of(st.sampled_from(ODD), st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=3))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(symbols, st.integers(1, 9), st.booleans()), min_size=1, max_size=8), st.data(),
    st.sampled_from(["dates", "us", "ns"]), st.integers(1, 20),
)  # fmt: skip
def test_any_stretches_in_row_groups_of_any_size(series, data, kind, rows):
    unit = {"dates": DAY, "us": 1000, "ns": 1}[kind]
    stretches, text = [], b""
    for symbol, count, several in series:
        names = [encode_symbol(symbol)] + ([b"zzz", b"zzzz"] if several else [])
        starts = np.sort(data.draw(st.permutations(range(count + 1))))[: len(names)]
        times = np.array([data.draw(st.integers(EARLIEST // unit, LATEST // unit)) * unit for _ in range(count)])
        starts = np.array([0, *starts[1:]])[: min(len(names), count)]
        stretch = Stretch(names[: len(starts)], starts, False, times, [])
        index = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), np.int64)
        values = [np.array(data.draw(st.lists(floats, min_size=len(index), max_size=len(index)))) for _ in "ab"]
        stretches.append((stretch, index, values))
        text += b"".join(format_lines(stretch, index, values, kind == "dates"))
    file = written(stretches, ["a", "b"], kind, rows)
    table = file.read()
    instants = table.column(1).cast(pa.timestamp("ns")).cast(pa.int64()).to_pylist()
    lines = zip(table.column(0).to_pylist(), instants, *(table.column(name).to_pylist() for name in "ab"), strict=True)
    moments = np.concatenate([stretch.times[index] for stretch, index, _ in stretches]).tolist()
    expected = [row.split("\t") for row in text.decode().split("\n")[:-1]]
    assert [(symbol, time, *("" if v is None else repr(v) for v in values)) for symbol, time, *values in lines] == [
        (decode_symbol(symbol.encode()), time, *(repr(float(v)) if v else "" for v in values))
        for (symbol, _, *values), time in zip(expected, moments, strict=True)
    ]
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert all(size <= 2 * rows for size in sizes)


PEAK = """
import sys
import resource
import numpy as np
from sort_keys.merge import Stretch
from windrow.sinks.parquet import parquet_sink

rng, count = np.random.default_rng(1), 1 << 14
bars = Stretch([b"A"], np.zeros(1, np.int64), True, np.arange(count) * 60 * 10**9, [])
with open(sys.argv[2], "wb") as file, parquet_sink(file, ["a"], dated=False) as write:
    for _ in range(int(sys.argv[1])):
        write(bars, np.arange(count), [rng.random(count)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.processes
def test_memory_is_that_of_a_row_group(tmp_path):
    def peak(stretches):
        command = [sys.executable, "-c", PEAK, str(stretches), str(tmp_path / "out")]
        return int(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)

    few, many = peak(20), peak(200)
    assert pq.read_metadata(tmp_path / "out").num_rows == 200 << 14
    assert many < few + (10 << 10)  # KB; all lines together would be 60 MB


def test_read_output_names_what_is_wrong_with_a_part(tmp_path):
    part = tmp_path / "part-00000.parquet"
    with part.open("wb") as file, parquet_sink(file, ["sma:2"], dated=True) as write:
        write(Stretch([b"A"], np.zeros(1, np.int64), False, np.array([0]), []), np.array([0]), [np.array([0.5])])
    assert windrow.read_output(part).iloc[0, 2] == 0.5 and list(windrow.read_output(tmp_path))[2] == "sma:2"
    assert list(windrow.read_output(part, ["mean"]))[2] == "mean"
    with pytest.raises(InputError, match=f"^{part}: its lines hold 1 values, but there are names for 2: a, b"):
        windrow.read_output(tmp_path, ["a", "b"])
    whole = part.read_bytes()
    values = pq.read_metadata(part).row_group(0).column(2)
    flipped = bytearray(whole)
    flipped[values.data_page_offset + values.total_compressed_size - 1] ^= 1
    for half in (b"", whole[:40], whole[:-9], flipped):
        part.write_bytes(half)
        with pytest.raises(InputError, match=f"^{part}: it is truncated or damaged"):
            windrow.read_output(tmp_path)
    for table in ({"symbol": ["A"], "timestamp": [1.5], "a": [1.5]}, {"symbol": ["A"], "close": [1.5]}, {"a": [1]}):
        pq.write_table(pa.table(table), part)
        with pytest.raises(InputError, match=f"^{part}: it is not the output of a job"):
            windrow.read_output(tmp_path)


def test_a_time_that_would_be_rounded_is_named():
    stretch = Stretch([b"A", b"%09"], np.array([0, 2]), False, np.array([0, 1000, 1]), [])
    with pytest.raises(OutputError, match=r"^\t at 1970-01-01T00:00:00.000000001Z: it has nanoseconds"):
        written([(stretch, np.arange(3), [np.ones(3)])], ["a"], "us", 10)
