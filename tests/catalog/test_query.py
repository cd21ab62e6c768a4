"""One SELECT reads snapshots, here and on S3; it writes nothing, reads nothing else, and what it answers is inert."""

import csv
import io
import json
import os
import re
from datetime import date, timedelta
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.catalog.lake import HOSTILE
from windrow.catalog import snapshots
from windrow.catalog.columns import symbol_of
from windrow.catalog.queries import relations
from windrow.catalog.queries.query import asked
from windrow.catalog.queries.questions import STORED, VIEWS
from windrow.cli import main
from windrow.errors import InputError, UsageError

pytestmark = pytest.mark.catalog
DAY = date(2026, 11, 30)
AT = {"account": "111122223333", "region": "eu-west-1"}


def write(place, day, names, run="run"):
    """A snapshot of tables of these names; each is 7 bytes."""
    tables = [
        {"tablename": name, "databasename": "sales", "symbol": symbol_of(*AT.values(), "sales", name), "bytes": 7,
         "location": f"s3://lake/{number}/", "run": run, **AT}
        for number, name in enumerate(names)
    ]  # fmt: skip
    databases = [{"databasename": "sales", "run": run, **AT}]
    snapshots.write(str(place), day, databases, tables, snapshots.begin(str(place), day))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Snapshots of three days, as a folder beside which one works."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        write("metrics", DAY - timedelta(days=number), ["orders", "items"][: 2 - number // 2], f"run{number}")
    return "metrics"


@pytest.fixture
def query(capsys):
    """Runs `windrow catalog query`: its status, what it printed, what it said."""

    def query(*words):
        capsys.readouterr()
        return main(["catalog", "query", *map(str, words)]), *capsys.readouterr()

    return query


def answer(place, sql, day=None):
    with asked(str(place), sql, day) as found:
        return [row for batch in found.batches for row in batch.to_pylist()]


# What is asked.


@pytest.mark.parametrize("sql", ["growth", " GROWTH ", "from growth", "select * from growth;", "-- all\nfrom growth"])
def test_a_view_is_asked_by_its_name_or_by_sql(place, sql):
    assert [row["tablename"] for row in answer(place, sql)] == ["items", "orders"]


@pytest.mark.parametrize(
    ("sql", "right"),
    [
        ("with tables as (select 1 as one) from tables", [{"one": 1}]),
        ("select count(*) n from main.tables", [{"n": 5}]),
        ('select count(*) n from "Tables" t join tables_now using (symbol)', [{"n": 5}]),
        ("from query('select count(*) as n from storage')", [{"n": 3}]),
        ("select count(*) n from query_table('tables')", [{"n": 5}]),
        ("select n from (pivot (select tablename, 1 as n from tables_now) on tablename in ('x')) limit 1", [{"n": 1}]),
        ("values (1)", [{"col0": 1}]),
        ("select snapshot from usage", []),
        ("select run from days order by snapshot", [{"run": "run2"}, {"run": "run1"}, {"run": "run0"}]),
    ],
)
def test_names_are_found_where_sql_may_have_them(place, sql, right):
    assert answer(place, sql) == right


def test_all_names_are_there_where_sql_asks_for_names(place):
    assert {row["name"] for row in answer(place, "show tables")} == {*STORED, *VIEWS, "days", "usage_days"}
    assert {row["column_name"] for row in answer(place, "describe storage")} > {"snapshot", "bytes"}


def test_only_what_is_asked_for_is_opened(place, monkeypatch):
    brought = []
    bring = relations._brought
    monkeypatch.setattr(relations, "_brought", lambda uris, folder: brought.extend(uris) or bring(uris, folder))
    for sql, trees, days in (
        ("unmeasured", ["databases", "tables"], 1), ("growth", ["tables"], 3), ("storage", ["tables"], 3),
        ("select 1 from tables_now", ["tables"], 1), ("shared_databases", ["databases"], 1),
    ):  # fmt: skip
        brought.clear()
        answer(place, sql)
        assert len(brought) == len(trees) * days and {uri.split("/")[1] for uri in brought} == {*trees}, sql


def test_of_a_torn_day_the_databases_of_the_run_that_counts_are_read(place, monkeypatch):
    source, torn = snapshots.source_of(place), DAY - timedelta(days=1)
    replace = type(source).replace
    monkeypatch.setattr(type(source), "replace", lambda *of: replace(*of) if "/databases/" in of[1] else None)
    with pytest.raises(snapshots.OutputError):
        write(place, torn, ["orders"], "killed")
    assert snapshots.torn(place, torn)
    assert [row["run"] for row in answer(place, "select run from databases order by snapshot")] == [
        "run2",
        "run1",
        "run0",
    ]
    assert [row["tables"] for row in answer(place, "table_counts")] == [2, 2, 1]
    os.remove(snapshots.uri_of(place, "tables", torn))
    assert [row["run"] for row in answer(place, "select run from databases order by snapshot")] == ["run2", "run0"]


def test_columns_of_older_and_newer_snapshots_are_united_by_name(place):
    path = Path(snapshots.uri_of(place, "tables", DAY))
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["bytes", "stale_days"]).append_column("newer", pa.array([1, 2])), path)
    assert answer(place, "select bytes, newer from tables_now where tablename = 'orders'") == [
        {"bytes": None, "newer": 2}
    ]
    assert answer(place, "stale_tables") == [] and len(answer(place, "unmeasured")) == 2
    assert answer(place, "select count(newer) n, count(bytes) b from tables") == [{"n": 2, "b": 3}]


def test_a_query_over_s3_is_the_query_over_the_same_snapshots_here(place, aws):
    boto3.client("s3").create_bucket(
        Bucket="metrics", CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    )
    for path in Path(place).rglob("*.parquet"):
        boto3.client("s3").upload_file(str(path), "metrics", f"a b/{path.relative_to(place)}")
    for name in VIEWS:
        assert answer("s3://metrics/a b/", name) == answer(place, name)
    assert answer("s3://metrics/a b", "from days order by run") == answer(place, "from days order by run")


# What is refused.

VIEWS_CURE = "correct it; without SQL, `windrow catalog query` lists what can be asked"
NOTHING_ELSE = "a query reads the snapshots and nothing else; leave out what else it reads"
REFUSED = {
    "": "SQL: is empty, but one SELECT is answered at a time; write one, e.g. FROM storage",
    "/* nothing */": "SQL: is empty, but one SELECT is answered at a time; write one, e.g. FROM storage",
    "select 1; drop table x": "SQL: has 2 statements, but one SELECT is answered at a time; write one, e.g. FROM stor",
    "selec 1": f'SQL: Parser Error: syntax error at or near "selec"; {VIEWS_CURE}',
    "from storag": f'SQL: Catalog Error: Table with name storag does not exist! Did you mean "storage"; {VIEWS_CURE}',
    "select nosuch from storage": 'SQL: Binder Error: Referenced column "nosuch" not found in FROM clause! Candidate',
    "select cast(tablename as int) from tables": "SQL: Conversion Error: Could not convert string",
    "select error('mine') from tables_now": f"SQL: Invalid Input Error: mine; {VIEWS_CURE}",
    "insert into tables values (1)": "SQL: is a statement of the kind INSERT, but snapshots are only read; write one"
    " SELECT (or FROM, WITH, VALUES, DESCRIBE, SUMMARIZE; PIVOT with its values, by IN)",
}  # fmt: skip
WRITE = (
    "create table x as select 1", "update tables set bytes = 1", "delete from tables", "drop view tables",
    "alter view tables rename to x", "copy (select 1) to 'x.csv'", "copy tables to 'x.parquet'", "export database 'x'",
    "import database 'x'", "attach 'x.db'", "detach x", "install httpfs", "load httpfs", "set threads = 1", "use x",
    "reset lock_configuration", "pragma database_size", "call duckdb_settings()", "begin", "checkpoint", "vacuum",
    "prepare p as select 1", "execute p", "explain analyze copy (select 1) to 'x.csv'", "pivot tables on tablename",
    "create secret (type s3)", "comment on view tables is 'x'", "truncate tables", "merge into tables using x on 1 = 1",
)  # fmt: skip
READ = (
    "from '/etc/passwd'", "from 'other.csv'", "from read_csv('/etc/passwd')", "from read_text('other.csv')",
    "from read_blob('metrics/../other.csv')", "from glob('*')", "from sniff_csv('other.csv')",
    "from read_json('other.csv')", "from parquet_metadata('other.parquet')", "from read_parquet('other.parquet')",
    "from 'other.parquet'", "from read_csv('https://127.0.0.1:9/x.csv')", "from read_parquet('s3://bucket/x.parquet')",
    "from read_text('/proc/self/environ')", "select getenv('HOME')", "from duckdb_secrets()",
    "from query('from read_text(''other.csv'')')", "from rows", "from sqlite_scan('x.db', 'x')",
    "select (select content from read_text('other.csv')) from storage",
)  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED)
def test_sql_that_is_wrong_is_refused_in_one_sentence(place, query, sql):
    status, out, err = query(place, sql)
    assert (status, out) == (2, "") and err.startswith(f"error: {REFUSED[sql]}") and err.count("\n") == 1, err


@pytest.mark.parametrize("sql", WRITE)
def test_sql_that_writes_is_refused(place, query, sql):
    before = contents()
    status, out, err = query(place, sql)
    assert (status, out) == (2, "") and re.match("error: SQL: .+; .+\n$", err) and err.count("\n") == 1, err
    assert contents() == before


@pytest.mark.parametrize("sql", READ)
def test_sql_that_reads_other_files_is_refused(place, query, sql):
    rows = pa.table({"secret": ["nobody"]})  # a name that DuckDB would find in Python, were it let
    Path("other.csv").write_text("secret\nnobody\n")
    pq.write_table(rows, "other.parquet")
    status, out, err = query(place, sql)
    assert (status, out) == (2, "") and "nobody" not in err and err.count("\n") == 1, err


def test_what_is_refused_for_a_file_says_so(place, query):
    assert query(place, "from read_text('other.csv')")[2] == (
        'error: SQL: Permission Error: Cannot access file "other.csv" - file system operations are disabled by'
        f" configuration; {NOTHING_ELSE}\n"
    )


def test_no_setting_can_be_changed_and_nothing_is_installed(place):
    with relations.opened(place, ["storage"]) as connection:
        import duckdb

        for sql in (
            "set enable_external_access = true",
            "set allowed_paths = ['/']",
            "set threads = 1",
            "install httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
        assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)


def contents():
    return {path: path.stat().st_mtime_ns for path in Path().rglob("*")}


def test_no_file_is_left_beside_the_snapshots_or_in_the_temporary_folder(place, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = contents()
    answer(place, "select * from range(1_000_000) t(i) order by hash(i) limit 3")
    for name in VIEWS:
        answer(place, name)
    assert contents() == before | {Path("temporary"): contents()[Path("temporary")]}
    assert not list((tmp_path / "temporary").iterdir())


def test_places_that_have_no_snapshots_are_refused(query, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("empty", "nothing", "file", "empty/tables"):
        status, out, err = query(tmp_path / name, "storage")
        assert (status, out) == (1, "") and err == (
            f"error: {tmp_path / name}: has no snapshots, that is no tables/year=YYYY/month=MM/day=DD/tables.parquet;"
            " give the folder that `windrow catalog collect` wrote\n"
        )


@pytest.mark.parametrize("sql", ["storage", "select count(*) from tables", "table_counts", "from days"])
@pytest.mark.parametrize("damage", [b"", b"PAR1 no more", None], ids=["empty", "no Parquet", "cut"])
def test_a_damaged_object_is_named(place, query, sql, damage):
    path = Path(snapshots.uri_of(place, "tables", DAY - timedelta(days=1)))
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    status, out, err = query(place, sql)
    assert (status, out) == (1, "") and err.startswith(f"error: {path}: is no whole Parquet file ("), err
    assert err.endswith("); put it back from a copy, or remove it\n") and err.count("\n") == 1


def test_a_snapshot_replaced_while_it_is_asked_is_the_old_one_or_told(place):
    with asked(place, "select * from tables order by snapshot, tablename") as found:
        write(place, DAY, ["new"], "new")
        rows = [row["tablename"] for batch in found.batches for row in batch.to_pylist()]
    assert rows in (["orders", "items", "orders", "items", "orders"], ["orders", "items", "orders", "new"])


# How it is answered.


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Snapshots of tables with hostile names, and those names in order."""
    monkeypatch.chdir(tmp_path)
    names = sorted(
        {*HOSTILE, "\x1b[2J\x9b31m", "a\nb", "a,b", "\t=x", "-1+1", "@SUM(A1)", "＝1+1", "‮gnp.exe", "''", ""}
    )
    write("metrics", DAY, names)
    return "metrics", names


SQL = "select tablename, bytes, -bytes as loss, createtime from tables_now"


def test_names_in_a_table_are_shown_and_never_obeyed(hostile, query):
    place, names = hostile
    status, out, _ = query(place, SQL)
    assert status == 0 and len(out.splitlines()) == len(names) + 2
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out)
    assert "\\x1b[2J\\x9b31m" in out and "a\\nb" in out


def test_cells_of_csv_are_no_formulas_and_all_else_is_as_it_was(hostile, query):
    place, names = hostile
    for words in ((place, SQL, "--format", "csv"), (place, SQL, "-o", "out.csv")):
        status, out, _ = query(*words)
        text = out or Path("out.csv").read_bytes().decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert status == 0 and header == ["tablename", "bytes", "loss", "createtime"]
        assert [row[0].removeprefix("'") if row[0] != "''" else row[0] for row in rows] == [
            name.removeprefix("'") if name != "''" else name for name in names
        ]
        assert not any(row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for row in rows)
        assert {tuple(row[1:]) for row in rows} == {("7", "-7", "")}


def test_json_and_parquet_have_the_values_as_they_are(hostile, query):
    place, names = hostile
    assert [row["tablename"] for row in json.loads(query(place, SQL, "--format", "json")[1])] == names
    assert query(place, SQL, "-o", "out.json")[0] == query(place, SQL, "-o", "out.parquet")[0] == 0
    rows = json.loads(Path("out.json").read_text())
    assert rows == [{"tablename": name, "bytes": 7, "loss": -7, "createtime": None} for name in names]
    assert pq.read_table("out.parquet").to_pylist() == rows


VALUES = """
    select 1::hugeint h, sum(3::bigint) s, 1.50::decimal(4, 2) d, timestamptz '2020-01-01 00:00:00+00' t,
        timestamp '2020-01-01 10:00:00.5' u, date '2020-01-01' v, [1, null] l, {'a': 'x'} o, '\\xAA'::blob b,
        'nan'::double n, 1e300 e, true y, null z, 123456789.25 w, 0.1 + 0.2::double f
"""


def test_values_of_all_kinds_are_written(place, query):
    [row] = json.loads(query(place, VALUES, "--format", "json")[1])
    assert row == {
        "h": 1, "s": 3, "d": 1.5, "t": "2020-01-01T00:00:00Z", "u": "2020-01-01T10:00:00.500000", "v": "2020-01-01",
        "l": [1, None], "o": {"a": "x"}, "b": "aa", "n": None, "e": 1e300, "y": True, "z": None, "w": 123456789.25,
        "f": 0.30000000000000004,
    }  # fmt: skip
    _, line = csv.reader(io.StringIO(query(place, VALUES, "--format", "csv")[1]))
    assert line == [
        "1", "3", "1.5", row["t"], row["u"], row["v"], "[1, null]", '{"a": "x"}', "aa", "", "1e+300", "true", "",
        "123456789.25", "0.30000000000000004",
    ]  # fmt: skip
    assert query(place, VALUES, "-o", "x.parquet")[0] == 0 and pq.read_table("x.parquet").num_rows == 1


def test_texts_of_all_kinds_are_inert_in_csv_and_decimals_have_all_their_digits(place, query):
    sql = """
        select '=1'::enum('=1') e, '-1+cmd()'::varchar v, '@x'::union(a varchar) u, '-5'::json j,
            -1234567890123456.123456789::decimal(38, 9) d, -7::hugeint h, -0.5 f, date '2020-01-01' t
    """
    _, line = csv.reader(io.StringIO(query(place, sql, "--format", "csv")[1]))
    assert line == ["'=1", "'-1+cmd()", "'@x", "'-5", "-1234567890123456.123456789", "-7", "-0.5", "2020-01-01"]
    assert query(place, "select 10.00::decimal(9, 2) a, 0.00::decimal(9, 2) b", "--format", "csv")[1] == "a,b\n10,0\n"


@pytest.mark.parametrize("time", ["'infinity'::timestamp", "date '290000-01-01'", "'-infinity'::timestamptz"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_time_that_no_calendar_of_pythons_has_is_refused_in_a_sentence_and_its_cure_helps(place, query, time, form):
    status, _, err = query(place, f"select {time} as far", "--format", form)
    assert (status, err) == (
        2, "error: SQL: far has a time that is not in the years 1 to 9999; give it as a text, by CAST(far AS VARCHAR)\n"
    )  # fmt: skip
    status, out, _ = query(place, f"select cast(far as varchar) as far from (select {time} as far)", "--format", form)
    assert status == 0 and ("infinity" in out or "290000-01-01" in out)


def test_a_table_has_its_columns_side_by_side_numbers_to_the_right(place, query):
    assert query(place, "from (values ('a', 1, 0.123456789), ('日本', 22222, 2e9)) t(name, number, share)")[1] == (
        "name  number       share\n----  ------  ----------\na          1    0.123457\n日本   22222  2000000000\n"
    )
    assert query(place, "select 1 as one where false")[1] == "one\n---\n"


@pytest.mark.parametrize("rows", [0, 1, 999, 1_000, 1_001, 25_000])
@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_no_row_is_lost_between_batches(place, query, rows, form):
    assert query(place, f"select i, 'x' as x from range({rows}) t(i)", "--format", form, "-o", "out")[0] == 0
    if form == "parquet":
        assert pq.read_table("out")["i"].to_pylist() == list(range(rows))
    elif form == "json":
        assert [row["i"] for row in json.loads(Path("out").read_text())] == list(range(rows))
    else:
        lines = Path("out").read_text().splitlines()[2 if form == "table" else 1 :]
        assert [int(re.split("[ ,]+", line.strip())[0]) for line in lines] == list(range(rows))


def test_without_sql_what_can_be_asked_is_listed(query):
    for words in ((), ("metrics",)):
        status, out, _ = query(*words)
        assert status == 0 and [line.split()[0] for line in out.splitlines()] == [*VIEWS, *STORED]


def test_an_error_amid_an_answer_leaves_no_file(place, query):
    Path("out.csv").write_text("mine")
    sql = "select cast(case when i = 30_000 then 'x' else '1' end as int) from range(40_000) t(i)"
    status, _, err = query(place, sql, "-o", "out.csv", "--force")
    assert status == 2 and "Could not convert string 'x'" in err
    assert Path("out.csv").read_text() == "mine" and not list(Path().glob(".*"))


def test_cures_of_days_and_formats(place, query):
    """catalog/queries/relations.py:_last commands/catalog.py:_day commands/catalog.py:_form"""
    status, out, err = query(place, "storage", "--day", "2026-11-20")
    assert (status, out) == (2, "") and err == (
        "error: --day 2026-11-20: metrics has no snapshot of this day, but 3 from 2026-11-28 to 2026-11-30; give one of"
        " these, e.g. --day 2026-11-28\n"
    )
    assert query(place, "select max(snapshot) d from storage", "--day", "2026-11-28")[1].split()[-1] == "2026-11-28"
    status, out, err = query(place, "storage", "--day", "yesterday")
    assert (status, out) == (2, "") and err == (
        "error: --day yesterday: is no day; write it as YEAR-MONTH-DAY, e.g. --day 2026-11-30\n"
    )
    assert query(place, "storage", "--day", "2026-11-30")[0] == 0
    status, out, err = query(place, "storage", "--format", "parquet")
    assert (status, out) == (2, "") and err == (
        "error: --format parquet: is no text, and is not printed; name a file with -o, e.g. -o answer.parquet\n"
    )
    assert query(place, "storage", "--format", "parquet", "-o", "answer.parquet")[0] == 0
    assert pq.read_table("answer.parquet").num_rows == 3


def test_the_format_is_the_one_asked_for_or_what_the_files_name_says(place, query):
    for words, begins in (("-o x.csv", b"snapshot,"), ("-o x.txt", b"snapshot  "), ("-o y.csv --format json", b"[\n{")):
        assert query(place, "storage", *words.split())[:2] == (0, "")
        assert Path(words.split()[1]).read_bytes().startswith(begins)
    status, _, err = query(place, "storage", "-o", "x.csv")
    assert status == 1 and "x.csv: already exists: choose another name, or replace it with --force" in err
    assert query(place, "storage", "-o", "x.csv", "--force")[0] == 0


def test_two_columns_of_one_name_are_no_json(place, query):
    sql = "select 1 as a, 2 as a"
    assert query(place, sql, "--format", "csv")[:2] == (0, "a,a\n1,2\n")
    assert query(place, sql, "--format", "json") == (
        2, "", "error: SQL: two columns have the name a, and an object of JSON one; rename one, by AS\n"
    )  # fmt: skip
    assert json.loads(query(place, "select 1 as a, 2 as b", "--format", "json")[1]) == [{"a": 1, "b": 2}]


def test_sql_of_other_bytes_is_refused(place, query):
    assert query(place, "select '\udcff'") == (
        2, "", "error: SQL: \"select '\\udcff'\" has bytes that are no text in UTF-8; write it in UTF-8\n"
    )  # fmt: skip


def test_duckdb_that_is_not_installed_is_asked_for(place, query, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    assert query(place, "storage") == (
        1, "", "error: windrow catalog query: needs DuckDB, which is not installed; install it with: pip install"
        " 'windrow[catalog]'\n",
    )  # fmt: skip


def test_refusals_are_of_the_kinds_that_they_say(place, tmp_path):
    with pytest.raises(UsageError):
        answer(place, "selec")
    with pytest.raises(InputError):
        answer(tmp_path / "nothing", "storage")
