"""jobs/catalog_growth.py over made-up snapshots: rows without sizes, tables that come and go, names of any kind."""

import re
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from jobs.catalog_growth import CatalogGrowth
from jobs.moving_average import MovingAverage
from tests.windows.test_growth import history, taught
from windrow import read_output
from windrow.catalog.columns import as_columns, symbol_of

LAST = date(2026, 11, 30)
EPOCH = date(1970, 1, 1)
#: Names that nobody should give to a table.
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()",
    "../x",
    'x"; DROP TABLE',
    "x" * 255,
    "\u202egnp",
    "🐘",
    "a\tb\nc",
    "%41",
]


class Table(NamedTuple):
    """A table: its sizes and files by days before the last, None where it was not measured; days since an update."""

    sizes: dict[int, int | None]
    files: dict[int, int | None] = MappingProxyType({})
    stale: float | None = 0.0


def by_day(sizes, until=0):
    """Sizes by days before the last, the newest last."""
    return dict(zip(range(len(sizes) - 1 + until, until - 1, -1), sizes, strict=True))


def write(folder, tables):
    """Snapshots of tables, by name, in the folders of a collector."""
    for ago in sorted({ago for table in tables.values() for ago in table.sizes}):
        day, rows = LAST - timedelta(ago), []
        for name, table in tables.items():
            if ago in table.sizes:
                size = table.sizes[ago]
                files = None if size is None else table.files.get(ago, 10)
                where = {"account": "1", "region": "eu", "databasename": "b", "tablename": name}
                sized = {"bytes": size, "totalfilesons3": files, "stale_days": table.stale}
                rows.append(where | sized | {"symbol": symbol_of("1", "eu", "b", name)})
        place = folder / f"tables/year={day.year}/month={day.month:02}/day={day.day:02}/tables.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(as_columns("tables", rows, day), place)
        other = folder / f"databases/year={day.year}/month={day.month:02}/day={day.day:02}/databases.parquet"
        other.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(as_columns("databases", [{"databasename": "b"}], day), other)
    return folder


@pytest.fixture
def grow(run_job, tmp_path):
    """Runs the job on tables, and returns its output by table, and what it said."""

    def run(tables, *options, place=""):
        snapshots = write(tmp_path / "snapshots", tables)
        ran = run_job(*options, "-o", tmp_path / "out", f"{snapshots}{place}", job=CatalogGrowth)
        assert ran.status == 0, ran.err
        frame = read_output(tmp_path / "out")
        named = {symbol_of("1", "eu", "b", name): name for name in tables}
        return {named[symbol]: its.reset_index(drop=True) for symbol, its in frame.groupby("symbol")}, ran.err

    return run


def days_ago(frame):
    return [(LAST - time.date()).days for time in frame["timestamp"]]


def test_lines_are_those_of_school_arithmetic(grow):
    tables = {}
    for seed in range(6):
        days, sizes, files = history(seed)
        its = {days[-1] - day: int(size) for day, size in zip(days, sizes, strict=True)}
        counts = [None if np.isnan(count) else int(count) for count in files]
        tables[f"t{seed}"] = Table(its, dict(zip(its, counts, strict=True)))
    found, _ = grow(tables, "--limit", "1GB", "--every-day", "-q")
    for name, table in tables.items():
        days = [(LAST - EPOCH).days - ago for ago in table.sizes]
        files = [np.nan if count is None else float(count) for count in table.files.values()]
        expected = taught(days, [float(size) for size in table.sizes.values()], files, 90, 1e9)
        assert list(found[name].columns[2:]) == list(expected)
        assert days_ago(found[name]) == list(table.sizes)
        for column, values in expected.items():
            np.testing.assert_array_equal(found[name][column], values, err_msg=column)


def test_by_default_only_the_last_day_has_a_projection(grow):
    found, _ = grow({"a": Table(by_day([10**9 * day for day in range(1, 41)]))}, "-q")
    assert found["a"]["slope"].notna().tolist() == [False] * 39 + [True]
    assert found["a"]["bytes_in_365d"].iloc[-1] == 10**9 * (40 + 365)


@pytest.mark.parametrize("place", ["", "/", "/tables", "/tables/"])
def test_the_place_of_snapshots_or_its_tables_are_named(grow, place):
    found, told = grow({"a": Table(by_day([1, 2, 3]))}, place=place)
    assert days_ago(found["a"]) == [2, 1, 0] and "skipped" not in told


def test_a_month_can_be_named_and_days_be_chosen(grow):
    tables = {"a": Table(by_day([1] * 40))}
    found, _ = grow(tables, "--from", "2026-11-10", "--to", "2026-11-20", place="/tables/year=2026/month=11")
    assert days_ago(found["a"]) == list(range(20, 9, -1))


def test_rows_without_a_size_are_no_bars_but_counted_and_told(grow):
    sizes = [10**9 + day for day in range(30)]
    holes = [None if day % 5 == 2 else size for day, size in enumerate(sizes)]
    found, told = grow({"a": Table(by_day(holes)), "view": Table(by_day([None] * 30))}, "--every-day")
    assert days_ago(found["a"]) == [29 - day for day in range(30) if day % 5 != 2] and "view" not in found
    assert found["a"]["slope"].iloc[-1] == 1 and found["a"]["bytes_change"].iloc[1:].eq(1).all()
    assert "note: 36 rows have no size, for a table that could not be measured then; column unmeasured" in told
    assert "note: 1 table has no size on any day, and no line" in told
    assert "rejected            0" in told


def test_text_says_what_parquet_says(grow, run_job, tmp_path):
    holes = [None if day % 5 == 2 else 10**12 + day for day in range(30)]
    grow({"a": Table(by_day(holes), dict(enumerate([None, 5] * 15))), "view": Table(by_day([None] * 30))}, "-q")
    rows = [
        row
        for part in sorted((tmp_path / "snapshots/tables").rglob("*.parquet"))
        for row in pq.read_table(part).to_pylist()
    ]
    names, empty = ["symbol", "snapshot", "bytes", "totalfilesons3"], iter(["", "NA", "-", "null", "NaN", "."] * 20)
    lines = [",".join(next(empty) if row[name] is None else str(row[name]) for name in names) for row in rows]
    (tmp_path / "a.csv").write_text("\n".join([",".join(names), *lines, ""]))
    ran = run_job("--as-of", "2026-11-30", tmp_path / "a.csv", job=CatalogGrowth)
    assert ran.out == (tmp_path / "out/part-00000").read_bytes()
    assert "note: 36 rows have no size" in ran.err and "without a needed value" not in ran.err


def test_a_row_without_a_symbol_or_a_time_lacks_what_it_needs(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("symbol,snapshot,bytes,totalfilesons3\na,2026-11-30,,\n,2026-11-30,5,1\na,,5,1\n")
    ran = run_job("--max-missing", "1", tmp_path / "a.csv", job=CatalogGrowth)
    assert ran.status == 0 and "1 row has no size" in ran.err and "2 rows without a needed value" in ran.err
    assert "--max-missing 0.05 allows 0 of an input" in run_job(tmp_path / "a.csv", job=CatalogGrowth).err


def test_days_on_which_nothing_was_measured_are_no_days_but_no_error(grow):
    tables = {"a": Table(by_day([1, None, None, 4])), "b": Table(by_day([5, None, None, None]))}
    found, _ = grow(tables)
    assert days_ago(found["a"]) == [3, 0] and found["a"]["bytes_change"].iloc[-1] == 1 and days_ago(found["b"]) == [3]


def test_a_catalog_without_any_size_is_told(run_job, tmp_path):
    snapshots = write(tmp_path, {"view": Table(by_day([None] * 3))})
    ran = run_job(snapshots, job=CatalogGrowth)
    assert (ran.status, ran.out) == (0, b"")
    assert "warning: no output: no table has a size on any day; column unmeasured of the snapshots says why" in ran.err


def test_a_table_whose_files_are_not_known_has_a_size(grow):
    found, _ = grow({"a": Table(by_day([5 * day for day in range(40)]), dict.fromkeys(range(40)))})
    assert found["a"]["files"].isna().all() and found["a"]["files_7d"].isna().all()
    assert found["a"]["file_bytes"].isna().all() and found["a"]["slope"].iloc[-1] == 5


def test_tables_dropped_long_ago_have_no_projection_and_no_alerts(grow, tmp_path):
    growing = [10**9 * day for day in range(1, 21)]
    tables = {
        "here": Table(by_day(growing)),
        "yesterday": Table(by_day(growing, until=6)),
        "dropped": Table(by_day(growing, until=7)),
        "denied": Table(by_day([*growing, *[None] * 10])),
    }
    found, told = grow(tables, "--alert", "growth>20%/7d", "--alert", "size>1kB")
    assert {name: bool(its["slope"].notna().any()) for name, its in found.items()} == {
        "here": True, "yesterday": True, "dropped": False, "denied": False,
    }  # fmt: skip
    assert "note: 1 table was there last more than 7 days before the last day; no projection, no alerts" in told
    assert "note: 1 table was measured last more than 7 days before the last day; no projection, no alerts" in told
    assert "alert: growth>20%/7d: 2 tables: 1/eu/b.here, 1/eu/b.yesterday\n" in told
    alerts = read_output(tmp_path / "out" / "part-00000-alerts")
    assert alerts.columns.tolist() == ["symbol", "timestamp", "value", "alert"]
    assert alerts["symbol"].str[7:].tolist() == ["here", "here", "yesterday", "yesterday"]
    assert alerts["value"].tolist()[:2] == [100 * 7 / 13, 20e9]


def test_the_last_day_is_that_of_to_or_is_asked_for(grow, run_job, tmp_path):
    tables = {"a": Table(by_day([1] * 20, until=20)), "b": Table(by_day([1] * 40))}
    found, _ = grow(tables, "--to", "2026-11-12")
    assert found["a"]["slope"].notna().any()  # eighteen days later it will be gone
    plain = tmp_path / "a.csv"
    rows = [f"a,{LAST - timedelta(ago)},{9 - ago},1" for ago in range(8, -1, -1)]
    plain.write_text("\n".join(["symbol,snapshot,bytes,totalfilesons3", *rows, ""]))
    ran = run_job("--alert", "size>1B", plain, job=CatalogGrowth)
    assert "note: the inputs are in no folders year=, month= and day=, so the last day is not known" in ran.err
    assert "alert: size>1B: 1 table; give -o DIR to have their names" in ran.err
    late = run_job("--alert", "size>1B", "--as-of", "2026-12-08", plain, job=CatalogGrowth)
    assert "alert:" not in late.err and "1 table was there last more than 7 days before the last day" in late.err
    assert len(late.lines) == len(ran.lines) == 9 and late.out != ran.out


def test_alerts_of_each_kind(grow, tmp_path):
    tables = {
        "large": Table(by_day([2 * 10**12] * 3)),
        "at the bound": Table(by_day([10**12] * 3)),
        "many": Table(by_day([5] * 3), dict.fromkeys(range(3), 200_000)),
        "fast": Table(by_day([100 + 20 * day for day in range(30)])),
        "loaded": Table(by_day([100 + day for day in range(20)] + [900 + day for day in range(3)])),
        "empty": Table(by_day([0] * 10 + [7])),
        "old": Table(by_day([7] * 3), stale=31.5),
        "nobody knows": Table(by_day([7] * 3), stale=None),
    }
    texts = ["size>1TB", "files>100000", "growth>20%/7d", "growth>100B/7d", "stale>30d"]
    _, told = grow(tables, *(part for text in texts for part in ("--alert", text)))
    alerts = read_output(tmp_path / "out" / "part-00000-alerts")
    assert {(row.symbol[7:], row.alert, row.value) for row in alerts.itertuples()} == {
        ("large", "size>1TB", 2e12), ("many", "files>100000", 200_000), ("fast", "growth>20%/7d", 100 * 140 / 540),
        ("fast", "growth>100B/7d", 140), ("old", "stale>30d", 31.5),
    }  # fmt: skip
    assert alerts["timestamp"].eq(np.datetime64(LAST)).all()
    assert re.findall("alert: (.+): 1 table: ", told) == texts
    assert "warning: 1 table has no time of the last update; alerts on stale leave it out" in told
    assert "note: 2 tables were rewritten, truncated or loaded at once in the last 7 days; column step" in told


def test_stale_days_are_read_only_for_an_alert_on_them(run_job, tmp_path):
    plain = tmp_path / "a.csv"
    plain.write_text("symbol,snapshot,bytes,totalfilesons3\na,2026-11-30,5,1\n")
    assert run_job("-q", plain, job=CatalogGrowth).status == 0
    ran = run_job("--alert", "stale>1d", plain, job=CatalogGrowth)
    assert ran.status == 1 and "has no column 'stale_days'" in ran.err and "leave out alerts on stale" in ran.err


def test_files_that_are_small_are_warned_of(grow):
    small, few = dict.fromkeys(range(3), 100), dict.fromkeys(range(3), 99)
    tables = {"a": Table(by_day([100 * 2**25 - 1] * 3), small), "b": Table(by_day([100 * 2**25] * 3), small)}
    _, told = grow({**tables, "c": Table(by_day([1] * 3), few)})
    assert "warning: 1 table of 100 files or more has files of less than 32MiB on average" in told


def test_hostile_names_are_names(grow, tmp_path):
    found, told = grow({name: Table(by_day([10**12 + 1] * 9)) for name in HOSTILE}, "--alert", "size>1TB")
    assert found.keys() == set(HOSTILE)
    lines = (tmp_path / "out" / "part-00000-alerts").read_bytes().splitlines()
    assert len(lines) == len(HOSTILE) and all(line.count(b"\t") == 3 for line in lines)
    assert sorted(read_output(tmp_path / "out" / "part-00000-alerts")["symbol"]) == sorted(
        symbol_of("1", "eu", "b", name) for name in HOSTILE
    )
    assert "\u202e" not in told and "\t" not in told and "9 tables" in told


def test_tables_hold_what_lines_hold_and_alerts_too(run_job, tmp_path):
    snapshots = write(tmp_path / "snapshots", {name: Table(by_day([3 * day for day in range(50)])) for name in HOSTILE})
    for form, *how in (["text"], ["csv"], ["parquet"], ["text", "gzip"], ["csv", "zstd"]):
        options = ["-q", "--output-format", form, *(option for one in how for option in ("--compress", one))]
        folder = tmp_path / "-".join([form, *how])
        ran = run_job(*options, "--alert", "size>1B", "-o", folder, snapshots, job=CatalogGrowth)
        assert ran.status == 0, ran.err
        where = "9 tables: 1/eu/b." if form == "text" else f"9 tables; {folder}/part-*-alerts* has their names\n"
        assert where in ran.err, ran.err
    for part in (None, "alerts"):
        lines = read_output(tmp_path / "text", part=part)
        assert set(lines["symbol"]) == {symbol_of("1", "eu", "b", name) for name in HOSTILE}
        for form in ("csv", "parquet"):
            assert lines.equals(read_output(tmp_path / form, part=part)[lines.columns])
            assert (tmp_path / form / f"part-00000{f'-{part}' if part else ''}.{form}").exists()
        for folder in ("text-gzip", "csv-zstd"):
            assert lines.equals(read_output(tmp_path / folder, part=part)[lines.columns])


def test_larger_bars_have_the_rows_with_sizes(run_job, tmp_path):
    rows = [f"a,{LAST - timedelta(ago)},{'' if ago % 3 else 100 - ago},1" for ago in range(60, -1, -1)]
    plain = tmp_path / "a.csv"
    plain.write_text("\n".join(["symbol,snapshot,close,volume", *rows, ""]))
    how = ["--column", "close", "--files-column", "volume", "--resample", "1w", "--max-missing", "1"]
    ran = run_job("-q", *how, plain, job=CatalogGrowth)
    sizes = [float(line.split(b"\t")[2]) for line in ran.lines]
    assert ran.status == 0 and len(sizes) == 10 and min(sizes) >= 40 and max(sizes) == 100


def test_other_jobs_take_snapshots_too(run_job, tmp_path):
    snapshots = write(tmp_path, {"a": Table(by_day([10**12 * day for day in range(1, 9)]))})
    ran = run_job("-q", "--recursive", "--column", "bytes", "--window", "7d", f"{snapshots}/tables", job=MovingAverage)
    assert ran.lines == [b"1/eu/b.a\t2026-11-30\t5000000000000.0"] and ran.status == 0


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("reducers", [1, 3])
def test_the_same_lines_and_alerts_from_any_runner(run_job, tmp_path, runner, reducers):
    tables = {
        f"t{seed}": Table(by_day([None if seed % 3 == day % 11 else (seed + 1) ** 9 * day for day in range(100)]))
        for seed in range(12)
    }
    snapshots = write(tmp_path / "snapshots", tables)
    common = ["--limit", "1TB", "--alert", "size>1GB", "--alert", "growth>1%/7d"]
    run_job("-q", *common, "-o", tmp_path / "plain", snapshots, job=CatalogGrowth)
    more = ["-r", runner, "-D", f"mapreduce.job.reduces={reducers}", "--block-bars", "7", "--slot", "9d"]
    assert run_job("-q", *common, *more, "-o", tmp_path / "other", snapshots, job=CatalogGrowth).status == 0
    for ending in ("[0-9]", "-alerts"):
        plain, other = (
            sorted(
                line for part in (tmp_path / name).glob(f"part-*{ending}") for line in part.read_bytes().splitlines()
            )
            for name in ("plain", "other")
        )
        assert plain == other and plain
