"""Kinds of files: xz, zip, JSON and Feather have the bars of the same CSV, damage is refused; others are named."""

import bz2
import gzip
import io
import json
import lzma
import math
import os
import re
import zipfile
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds import records
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle
from windrow.storage.pieces import Pieces, unxz

ROWS = [("AA", f"2020-01-{day:02}", day * 1.25) for day in range(1, 29)]
ROWS += [("BB", day, close + 100) for _, day, close in ROWS]
RECORDS = [dict(zip(("symbol", "timestamp", "close"), row, strict=True)) for row in ROWS]
TEXT = "symbol,timestamp,close\n" + "".join(f"{symbol},{day},{close}\n" for symbol, day, close in ROWS)
LINES = sorted(f"{symbol}\t{day}\t{close!r}".encode() for symbol, day, close in ROWS)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def arrow(table, open_writer=pa.ipc.new_file, **options):
    file = io.BytesIO()
    with open_writer(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=10)
    return file.getvalue()


def feather(frame):
    file = io.BytesIO()
    frame.to_feather(file)
    return file.getvalue()


JSONL = "".join(json.dumps(record) + "\n" for record in RECORDS)
TABLE = pa.table({name: [record[name] for record in RECORDS] for name in ("close", "timestamp", "symbol")})
HALVES = [TEXT[: TEXT.index("BB")], "symbol,timestamp,close\n" + TEXT[TEXT.index("BB") :]]
KINDS = {
    "a.csv.xz": lzma.compress(TEXT.encode()),
    "joined.txt.xz": lzma.compress(TEXT[:99].encode()) + bytes(8) + lzma.compress(TEXT[99:].encode()),
    "a.tsv": TEXT.replace(",", "\t").encode(),
    "a.tsv.gz": gzip.compress(TEXT.replace(",", "\t").encode()),
    "one.zip": zipped({"a.csv": TEXT}),
    "stored.zip": zipped({"a.csv": TEXT}, zipfile.ZIP_STORED),
    "xz.ZIP": zipped({"a.csv": TEXT}, zipfile.ZIP_LZMA),
    "folder.zip": zipped({"bars/": "", "bars/AA.csv": HALVES[0], "bars/BB.csv": HALVES[1]}),
    "kinds.zip": zipped({"a.jsonl": JSONL, "b.csv.gz": gzip.compress(TEXT.encode())}),
    "a.json": json.dumps(RECORDS),
    "pretty.json": json.dumps(RECORDS, indent=4),
    "lines.json": JSONL,
    "a.jsonl": JSONL,
    "a.ndjson.bz2": bz2.compress(JSONL.encode()),
    "a.json.zst": zstandard.ZstdCompressor().compress(json.dumps(RECORDS).encode()),
    "a.jsonl.xz": lzma.compress(JSONL.encode()),
    "marked.json": b"\xef\xbb\xbf" + json.dumps(RECORDS).encode(),
    "wide.json": json.dumps(RECORDS).encode("utf-16"),
    "object.json": json.dumps({"status": "ok", "count": 2, "tags": ["a"], "none": [], "data": RECORDS}),
    "a.feather": feather(pd.DataFrame(RECORDS)),
    "category.feather": feather(pd.DataFrame(RECORDS).astype({"symbol": "category"})),
    "a.arrow": arrow(TABLE),
    "zstd.ipc": arrow(TABLE, compression="zstd"),
    "stream.arrow": arrow(TABLE, pa.ipc.new_stream),
}


def write(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


@pytest.mark.parametrize("runner", ["inline", "local", pytest.param("spark", marks=pytest.mark.spark)])
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_the_bars_of_its_csv(run_job, tmp_path, monkeypatch, runner, name):
    monkeypatch.setattr("windrow.runners.simulated.SPLIT_BYTES", 300)
    path = write(tmp_path, name, KINDS[name])
    ran = run_job("-q", "-r", runner, "--window", "1", path)
    assert (ran.status, ran.lines) == (0, LINES), ran.err


def test_all_kinds_in_one_folder(run_job, tmp_path):
    """With files that are no data, which are named."""
    for name, content in KINDS.items():
        write(tmp_path, name, content)
    for name in ("README.md", "LICENSE", "get.py", "datapackage.json"):
        write(tmp_path, name, '{"a": 1}')
    ran = run_job("-q", "--window", "1", tmp_path)
    assert (ran.status, ran.lines) == (0, LINES), ran.err  # repeats are dropped
    assert f"{tmp_path}: skipped LICENSE, README.md, datapackage.json, get.py; by their names" in ran.err
    ran = run_job("-q", tmp_path / "README.md")
    assert ran.status == 1 and "README.md: begins as JSON does" in ran.err


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("a.tsv", "a.jsonl", "lines.json")])
def test_what_is_cut_short_is_refused(run_job, tmp_path, name):
    whole = KINDS[name] if isinstance(KINDS[name], bytes) else KINDS[name].encode()
    kept = [1, 7, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 1]  # 8 bytes end a stream of Arrow
    ends = {"joined.txt.xz": [len(lzma.compress(TEXT[:99].encode())) + 20]}
    for size in [*kept, *ends.get(name, [])]:
        path = write(tmp_path, name, whole[:size])
        ran = run_job("-q", "--window", "1", path)
        assert ran.status == 1 and ran.out == b"" and str(path) in ran.err and "Traceback" not in ran.err, (
            size,
            ran.err,
        )
    if name.endswith((".xz", ".zip", ".arrow", ".feather", ".ipc")):
        ran = run_job("-q", "--window", "1", write(tmp_path, name, b""))
        assert ran.status == 1 and ran.out == b"", ran.err


@pytest.mark.parametrize("name", ["a.csv.xz", "joined.txt.xz", "one.zip", "folder.zip", "kinds.zip"])
def test_a_byte_that_has_changed_is_refused_or_changes_nothing(run_job, tmp_path, name):
    """Both have checksums, of what is read; names of members and dates have none."""
    whole = KINDS[name]
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path = write(tmp_path, name, whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        ran = run_job("-q", "--window", "1", path)
        assert "Traceback" not in ran.err
        assert ran.status == 1 or set(ran.lines) <= set(LINES), (at, ran.err)
        assert ran.status == 1 or ran.lines == LINES or name != "a.csv.xz"


def test_zeros_are_no_xz(tmp_path):
    for content in (bytes(64), lzma.compress(TEXT.encode()) + b"more", lzma.compress(b"") + bytes(4) + b"\xfd7z"):
        with pytest.raises(OSError, match=r"mark|orrupt|format"):
            list(unxz(io.BytesIO(content)))
    assert list(unxz(io.BytesIO(lzma.compress(b"")))) == []


@given(st.lists(st.binary(max_size=9)), st.lists(st.integers(0, 12)))
def test_pieces_are_a_stream(pieces, sizes):
    stream, whole = Pieces(pieces), io.BytesIO(b"".join(pieces))
    assert [stream.read(size) for size in sizes] == [whole.read(size) for size in sizes]
    assert stream.read() == whole.read()


@pytest.mark.processes
def test_an_xz_that_expands_to_much_is_read_in_flat_memory():
    pieces = unxz(io.BytesIO(lzma.compress(bytes(200 << 20))))
    assert max(map(len, pieces)) <= 1 << 20


# Zip.


ENCRYPTED = zipped({"a.csv": TEXT})
ENCRYPTED = ENCRYPTED.replace(b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1").replace(
    b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (ENCRYPTED, "one.zip/a.csv: is encrypted, and windrow has no password; unzip it: unzip "),
        (zipped({"b.zip": zipped({"a.csv": TEXT})}), "one.zip/b.zip: is a zip in a zip; windrow opens one"),
        (zipped({"a.parquet": b"PAR1"}), "one.zip/a.parquet: is columns in a zip"),
        (zipped({"a.csv": TEXT + "\n" * (101 << 20)}), "bytes would become .* as in a zip bomb"),
        (zipped({"README.md": "x", "d/": ""}), "one.zip: has no file of bars in it"),
        (zipped({}), "one.zip: has no file of bars in it"),
        (zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "one.zip: is a spreadsheet"),
        (b"not a zip", "one.zip: is truncated or damaged, or no zip file"),
        (zipped({"a.csv": TEXT, "b.csv": TEXT.replace(",", ";")}), "members a.csv and b.csv differ in form or col"),
        (zipped({"a.csv": TEXT, "b.csv": "timestamp,symbol,close\n2020-01-01,AA,1\n"}), "differ in form or columns"),
        (zipped({"a.csv": "symbol,date,close\nA,13/01/2020,1\n", "b.csv": "symbol,date,close\nA,1/13/2020,1\n"}),
         "differ in form or columns"),
        (zipped({"a.csv": "symbol,date,close\nA,13/01/2020,1\n", "b.csv": "symbol,date,close\nA,1/2/2020,1\n"}),
         "one.zip/b.csv: '1/2/2020' in column 'date': day and month cannot be told apart"),
    ],
)  # fmt: skip
def test_zips_that_are_refused(run_job, tmp_path, content, says):
    ran = run_job("-q", "--window", "1", write(tmp_path, "one.zip", content))
    assert ran.status == 1 and ran.out == b"" and re.search(says, ran.err), ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_name_that_is_twice_in_a_zip(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped({"a.csv": TEXT})
        file = io.BytesIO(content)
        with zipfile.ZipFile(file, "a") as opened:
            opened.writestr("a.csv", TEXT)
    path = str(write(tmp_path, "a.zip", file.getvalue()))
    with pytest.raises(InputError, match="is there twice"):
        settle([path], Reading(values=("close",)))


def test_symbols_from_the_names_of_members(run_job, tmp_path):
    """One member is one symbol, if the zip has its name too; members of several symbols are not one series."""
    plain = "date,close\n2020-01-01,1.5\n"
    options = ["-q", "--window", "1"]
    path = write(tmp_path, "AA.zip", zipped({"AA.csv": plain, "__MACOSX/._AA.csv": b"\0"}))
    assert run_job(*options, "--symbol-from-filename", path).lines == [b"AA\t2020-01-01\t1.5"]
    path = write(tmp_path, "AA.zip", zipped({"AA.csv": plain, "BB.csv": plain}))
    ran = run_job(*options, "--symbol-from-filename", path)
    assert ran.status == 1 and "its members AA.csv and BB.csv are of different symbols; a zip is one input" in ran.err
    path = write(tmp_path, "AA.zip", zipped({"bars.csv": plain}))
    ran = run_job(*options, "--symbol-from-filename", path)
    assert ran.status == 1 and "is 'AA' by its own name and 'bars' by that of its member" in ran.err
    assert run_job(*options, "--symbol", "X", path).lines == [b"X\t2020-01-01\t1.5"]


# JSON.


def csv_of(content, name="a.json"):
    stream = Pieces([content if isinstance(content, bytes) else content.encode()])
    return b"".join(records.csv_pieces(stream, name)).decode()


def bars_of(path):
    settled, _ = settle([str(path)], Reading(values=("close",)), slot=1)
    return [value for part in read_bars(str(path), settled.inputs[str(path)]) for value in part.values[0].tolist()]


def numbers():
    digits = st.integers(-(10**15) + 1, 10**15 - 1)
    return st.one_of(digits, st.decimals(-(10**9), 10**9, places=6).map(str), st.floats(1e-14, 1e14).map(repr))


@given(st.lists(numbers(), min_size=1, max_size=20), st.booleans(), st.sampled_from(["a.json", "a.jsonl"]))
def test_a_number_is_the_float64_nearest_to_it(tmp_path_factory, texts, quoted, name):
    """By fractions; 0 apart."""
    texts = [str(text) for text in texts]
    texts = [text for text in texts if text == "0" or 1e-15 <= abs(Fraction(text)) <= 10**15] or ["1"]
    members = [
        f'{{"close": {json.dumps(text) if quoted else text}, "date": "20{n:02}-01-01"' for n, text in enumerate(texts)
    ]
    text = ",\n".join(f'{one}, "symbol": "A"}}' for one in members)
    content = f"[{text}]" if name == "a.json" else text.replace("},\n", "}\n")
    path = write(tmp_path_factory.mktemp("json"), name, content)
    assert bars_of(path) == [float(Fraction(text)) + 0.0 for text in texts]


@pytest.mark.parametrize("block", [1, 7, 50, 1 << 20])
def test_pieces_of_an_array_end_between_its_objects(monkeypatch, block):
    """Whatever is in its texts."""
    monkeypatch.setattr(records, "_BLOCK", block)
    odd = ["},{", '"}, {"', "\\", "]", "[{", "a}, {b", "\u2028", 'x"', "{}"] * 5
    rows = [{"symbol": text, "n": number, "more": {"a": [{}, {"b": 1}]}} for number, text in enumerate(odd)]
    for text in (json.dumps(rows), json.dumps(rows, indent=1), json.dumps(rows, separators=(",", ":"))):
        found = pd.read_csv(io.StringIO(csv_of(text)))
        assert found["symbol"].tolist() == odd and found["n"].tolist() == list(range(len(odd)))


def test_a_line_end_in_a_text_is_no_row(run_job, tmp_path):
    """It would be one to whoever writes CSV and reads it by lines."""
    rows = [{**one, "note": "x"} for one in RECORDS]
    rows[3]["note"] = "y\nAA,2021-01-01,9,z\r\nAA,2021-01-02,9,"
    ran = run_job("-q", "--window", "1", write(tmp_path, "a.json", json.dumps(rows)))
    assert (ran.status, ran.lines) == (0, LINES), ran.err
    rows[3] |= {"note": "y", "symbol": "A\nA"}
    ran = run_job("--window", "1", "--max-bad", "0.5", write(tmp_path, "a.json", json.dumps(rows)))
    assert len(ran.lines) == len(LINES) - 1 and "rejected            1" in ran.err


def test_what_objects_lack_is_missing_and_what_is_none_is_invalid(run_job, tmp_path):
    lines = JSONL.splitlines()
    lines[2] = '{"symbol": "AA", "timestamp": "2020-01-03"}'
    lines[3] = '{"symbol": "AA", "timestamp": "2020-01-04", "close": NaN}'
    lines[4] = '{"close": 6.25, "timestamp": "2020-01-05", "symbol": "AA", "more": 1}'
    bad = ['{"symbol": "AA", "timesta', "[1, 2, 3]", "7", '{"symbol": "AA", "timestamp": "2021-01-01", "close": [1]}',
           '{"symbol": "AA", "timestamp": "2021-01-01", "close": true}', "}"]  # fmt: skip
    path = write(tmp_path, "a.jsonl", "\n".join([*lines, *bad, ""]))
    ran = run_job("--window", "1", "--max-bad", "0.5", path)
    assert ran.lines == [line for line in LINES if b"AA\t2020-01-03" not in line and b"AA\t2020-01-04" not in line]
    assert "rejected            6" in ran.err and "missing             2" in ran.err, ran.err


def test_an_object_in_two_lines_is_none(run_job, tmp_path):
    """Though it is one to whoever joins lines by commas."""
    odd = ['{"symbol": "AA", "timestamp": "2021-01-01", "close": 1', '"more": 2}']
    ran = run_job("--window", "1", "--max-bad", "0.5", write(tmp_path, "a.jsonl", JSONL + "\n".join([*odd, ""])))
    assert ran.lines == LINES and "rejected            2" in ran.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a": [{"x": 1}], "b": [{"y": 2}]}', "is an object with arrays of objects in a, b;"),
        ('{"Meta": {"Symbol": "A"}, "Days": {"2020-01-01": {"close": 1}}}', "is an object with no array of objects;"),
        ("[[1577836800000, 1, 2], [1577923200000, 1, 2]]", "is an array of other things than objects"),
        ("[1, 2]", "is an array of other things than objects"),
        ('[{"close": 1}] [{"close": 2}]', "is truncated or damaged, or not JSON"),
        ('[{"close": 1}, {"close": 2]', "is truncated or damaged, or not JSON"),
        ('[{"close": 1, "close": 2, "symbol": "A", "date": "2020-01-01"}]', "two members named 'close'"),
        ('{"data": [{"close": 1, "close": 2}]}', "two members named 'close'"),
        ("plain,text\n", "is truncated or damaged, or not JSON"),
    ],
)
def test_json_that_is_refused(run_job, tmp_path, content, says):
    ran = run_job("-q", write(tmp_path, "a.json", content))
    assert ran.status == 1 and ran.out == b"" and says in ran.err and len(ran.err) < 1000, ran.err


def test_json_lines_that_are_refused(run_job, tmp_path):
    for content, says in [
        ("[1, 2]\n[3, 4]\n", "JSON without objects"),
        ('{"close": 1, "close": 2}\n', "two members named 'close'"),
        (JSONL[:-3], "its last line ends within an object"),
    ]:
        ran = run_job("-q", write(tmp_path, "a.jsonl", content))
        assert ran.status == 1 and ran.out == b"" and says in ran.err, ran.err


def test_the_symbol_beside_the_array(run_job, tmp_path):
    """Polygon's answers have the ticker once; a code or a name there may be anything's."""
    rows = [{"time": 1577836800000, "close": 1.5}]
    path = write(tmp_path, "a.json", json.dumps({"ticker": "AA", "code": "200", "name": "daily", "results": rows}))
    assert run_job("-q", "--window", "1", path).lines == [b"AA\t2020-01-01\t1.5"]
    path = write(tmp_path, "a.json", json.dumps({"code": "200", "name": "daily", "results": rows}))
    assert "has no symbol column" in run_job("-q", "--window", "1", path).err


def test_json_in_a_file_of_another_name(run_job, tmp_path):
    ran = run_job("-q", write(tmp_path, "a.csv", json.dumps(RECORDS)))
    assert (
        ran.status == 1 and "begins as JSON does; the format is chosen by suffix; rename it to end in .json" in ran.err
    )
    assert run_job("-q", "--window", "1", write(tmp_path, "a.json", json.dumps(RECORDS))).lines == LINES


def test_a_million_objects_take_flat_memory(tmp_path):
    """In lines and in an array: pieces are of about a MiB."""
    rows = [f'{{"symbol": "A", "close": {n}, "note": "{"x" * 90}"}}' for n in range(60_000)]
    large = [row.replace("xxx", "x" * 4000) for row in rows[:500]]  # of a hundred thousand bytes each
    pieces = list(records.csv_pieces(io.BytesIO(("[" + ",".join(large) + "]").encode()), "a.json"))
    assert b"".join(pieces).count(b"\n") == 501
    for content in ("\n".join([*rows, ""]), "[" + ",\n".join(rows) + "]"):
        pieces = list(records.csv_pieces(io.BytesIO(content.encode()), "a.json"))
        assert max(map(len, pieces)) < 3 << 20 and len(pieces) > 4
        assert b"".join(pieces).count(b"\n") == 60_001


def lines_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("key", "wide", "matters"),
    [("Ticker", False, True), ("Price", False, True), ("Close (USD)", False, True), ("Date (UTC)", False, True),
     ("open", False, False), ("note", False, False), ("MSFT", True, True)],
)  # fmt: skip
def test_a_member_that_comes_late_is_no_column_in_silence(run_job, tmp_path, key, wide, matters):
    """It is refused if the job could need it; the cure, followed, gives what an object with all members first gives."""
    days = [str(day.date()) for day in pd.date_range("2015-01-01", periods=1500)]
    rows = [{"date": day, **({"AAPL": 1.5} if wide else {"symbol": "A", "close": 1.5})} for day in days]
    last = {"Date (UTC)": days[1400], "Ticker": "A"}.get(key, 2.5)
    options = ["-q", "--window", "1", *(["--wide", "close"] if wide else [])]
    rows[1400] = {**rows[1400], key: last}
    for name, text in (("a.json", json.dumps(rows)), ("a.jsonl", lines_of(rows))):
        ran = run_job(*options, write(tmp_path, name, text))
        if not matters:
            assert (ran.status, len(ran.lines)) == (0, 1500), ran.err
            continue
        assert ran.status == 1 and ran.out == b"" and len(ran.err.splitlines()) == 1, ran.err
        assert f"{name}: object 1,401 has a member {key!r}, and none of the first 1,000 has it" in ran.err
        assert "move object 1,401 to the front, or convert the file to CSV or Parquet" in ran.err
    if key == "MSFT":
        ran = run_job(*options, write(tmp_path, "b.jsonl", lines_of([rows[1400], *rows[:1400], *rows[1401:]])))
        assert len(ran.lines) == 1501 and f"MSFT\t{days[1400]}\t2.5".encode() in ran.lines, ran.err


def test_where_compares_what_the_file_has(run_job, tmp_path):
    """Whatever else is in the block: a field with a comma makes another writer write it."""
    rows = [
        f'{{"symbol": "A", "date": "2020-01-{day:02}", "close": {day}, "live": {live}, "n": {n}}}'
        for day, (live, n) in enumerate(
            [("true", "1e21"), ("false", "600519.0"), ("null", "600519"), ("true", "600519.0"), ('"x"', "1E+5")], 1
        )
    ]
    odd = '{"symbol": "A", "date": "2019-01-01", "close": 9, "note": "a, b", "live": 7}'
    for more in ([], [odd]):
        for some in (rows, rows[:4]):
            path = write(tmp_path, "a.jsonl", "\n".join([*some, *more, ""]))
            for where, days in [("live=true", (1, 4)), ("live=false", (2,)), ("n=600519.0", (2, 4)), ("n=1e21", (1,))]:
                ran = run_job("-q", "--window", "1", "--where", where, path)
                days = [f"A\t2020-01-{day:02}\t{day}.0".encode() for day in days]
                assert ran.lines == days, (where, more, ran.err)


def test_truth_is_no_number(run_job, tmp_path):
    """Nor is a block of numbers and truths one of numbers alone; and what is too small for a float64 is not 0."""
    for value in ("false", "true", "1e-400", "-1e-400", "1e400"):
        path = write(tmp_path, "a.jsonl", JSONL + f'{{"symbol": "AA", "timestamp": "2021-01-01", "close": {value}}}\n')
        csv = write(tmp_path, "a.csv", TEXT + f"AA,2021-01-01,{value}\n")
        ran, same = (run_job("--window", "1", "--max-bad", "0.5", one) for one in (path, csv))
        assert ran.lines == same.lines == LINES and "rejected            1" in ran.err, (value, ran.err)


@pytest.mark.parametrize(
    "options", [("--decimal", ","), ("--thousands", "."), ("--thousands", ","), ("--decimal", ",", "--thousands", ".")]
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "object.json"])
def test_numbers_without_quotes_have_one_meaning(run_job, tmp_path, options, name):
    rows = [{"symbol": "A", "time": 1577836800.5 + n, "close": close} for n, close in enumerate([1.234, 12.5, 7, 1e-7])]
    text = lines_of(rows) if name == "a.jsonl" else json.dumps({"data": rows} if name == "object.json" else rows)
    plain, ran = (run_job("-q", "--window", "1", *more, write(tmp_path, name, text)) for more in ((), options))
    assert plain.status == 0 and [line.split(b"\t")[2] for line in plain.lines] == [b"1.234", b"12.5", b"7.0", b"1e-7"]
    assert ran.lines == plain.lines, ran.err


def test_numbers_with_and_without_quotes(run_job, tmp_path):
    """Those in quotes have the form that is asked for, or that they show."""
    rows = [{"symbol": "A", "date": f"2020-01-0{n}", "close": close} for n, close in enumerate(["1.234,5", 1.234], 1)]
    path = write(tmp_path, "a.json", json.dumps(rows * 3))
    for options in ((), ("--decimal", ","), ("--decimal", ",", "--thousands", ".")):
        ran = run_job("-q", "--window", "1", *options, path)
        assert ran.lines == [b"A\t2020-01-01\t1234.5", b"A\t2020-01-02\t1.234"], (options, ran.err)


def test_members_have_names(run_job, tmp_path):
    """--columns would give them by their order in the first object; the cure gives them by name."""
    rows = [{"T": "AA", "t": time, "c": 1.5, "o": 2} for time in (1577836800000, 1577836860000)]
    path = write(tmp_path, "a.json", json.dumps(rows))
    ran = run_job("-q", "--columns", "symbol,time,open,close", path)
    assert ran.status == 1 and "has names for its columns, t, t, c, o" in ran.err
    assert "leave it out, and choose with --column, or --rename" in ran.err
    path = write(tmp_path, "a.json", json.dumps(rows).replace("T", "ticker"))
    ran = run_job("-q", "--window", "1", "--rename", "c=close,t=time", path)
    assert ran.lines == [b"AA\t2020-01-01T00:00:00Z\t1.5", b"AA\t2020-01-01T00:01:00Z\t1.5"], ran.err


# Columns.


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_columns_are_not_named_where_they_have_names(run_job, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    getattr(pd.DataFrame(RECORDS), f"to_{suffix}")(path)
    for names in ("symbol,timestamp,close", "a,b,close"):
        ran = run_job("-q", "--columns", names, path)
        assert ran.status == 1 and ran.out == b"" and "leave it out, and choose with --column" in ran.err
    assert run_job("-q", "--window", "1", "--column", "close", path).lines == LINES


def test_types_of_feather_are_those_of_parquet(run_job, tmp_path):
    times = pd.date_range("2020-01-01", periods=300_000, freq="min", tz="America/New_York")
    frame = pd.DataFrame({"close": np.arange(300_000) / 4, "x": None, "time": times, "symbol": "A"})
    frame.loc[7, "close"] = math.nan
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_feather(tmp_path / "a.feather")
    pa.feather.write_feather(frame, tmp_path / "one.feather", chunksize=1 << 20)
    parquet, *others = (
        run_job("-q", "--window", "1", "--step", "1d", tmp_path / name)
        for name in ("a.parquet", "a.feather", "one.feather")
    )
    assert parquet.status == 0 and len(parquet.lines) > 200, parquet.err
    assert all(other.lines == parquet.lines for other in others)


# What is refused by name.


PICKLE = pd.Series([1]).to_pickle
FOREIGN = {
    "a.xlsx": (zipped({"[Content_Types].xml": ""}), "is a spreadsheet", "pandas.read_excel('"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is a spreadsheet", "pandas.read_excel('"),
    "a.ods": (zipped({"mimetype": "", "content.xml": ""}), "is a spreadsheet", "pandas.read_excel('"),
    "a.dbn": (b"DBN\x02" + bytes(100), "is DBN of Databento", "--csv --pretty --map-symbols -o '"),
    "a.dbn.zst": (zstandard.ZstdCompressor().compress(b"DBN\x02" + bytes(100)), "is DBN of Databento", "dbn '"),
    "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "is HDF5", "pandas.read_hdf('"),
    "a.html": (b"\r\n<!DOCTYPE html>\n<html>", "is a web page", "pandas.read_html('"),
    "a.htm": (b"<HTML lang='en'>\n", "is a web page", "get the file again"),
    "a.db": (b"SQLite format 3\0" + bytes(100), "is a database of SQLite", "sqlite3 -header -csv '"),
    "a.pkl": (b"\x80\x04\x95\x01" + bytes(30), "is a pickle, which runs code", "pandas.read_pickle('"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c", "is an archive of files", "7z x '"),
    "a.tar": (b"a.csv" + bytes(252) + b"ustar\x0000" + bytes(300), "is an archive of files", "tar -xf '"),
    "a.tar.gz": (gzip.compress(bytes(600)), "is an archive of files", "tar -xf '"),
    "pointer.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7\nsize 12345\n",
                    "is a pointer of Git LFS, not the file itself", "git lfs pull"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_read_is_named(run_job, tmp_path, name):
    content, what, cure = FOREIGN[name]
    for path in (write(tmp_path, name, content), write(tmp_path, "renamed.csv", content)):
        ran = run_job("-q", "--window", "1", path)
        assert ran.status == 1 and ran.out == b"" and len(ran.err.splitlines()) == 1, ran.err
        if path.name == name or not content.startswith((b"\x1f\x8b", b"\x28\xb5")):
            assert f"{path}: {what}" in ran.err and cure in ran.err, ran.err


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv.gz", "zip", "json", "jsonl"])
def test_a_pointer_of_git_lfs_by_any_name(run_job, tmp_path, suffix):
    ran = run_job("-q", write(tmp_path, f"a.{suffix}", FOREIGN["pointer.csv"][0]))
    assert ran.status == 1 and "is a pointer of Git LFS, not the file itself" in ran.err and "git lfs pull" in ran.err


def test_a_pickle_is_not_loaded(run_job, tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    import pickle

    ran = run_job("-q", write(tmp_path, "a.pkl", pickle.dumps(Hostile())))
    assert ran.status == 1 and not (tmp_path / "made").exists()


def test_the_cures_give_the_bars(run_job, tmp_path, monkeypatch):
    """Those whose tools are here: of HTML, pickle and SQLite."""
    import sqlite3
    import subprocess
    import sys

    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(RECORDS)
    frame.set_index("symbol").to_pickle("a.pkl")
    with sqlite3.connect("a.db") as base:
        frame.to_sql("TABLE_1", base, index=False)
    ran = run_job("-q", "--window", "1", "a.pkl")
    command = ran.err.rpartition(": python -c ")[2].strip().strip('"')
    subprocess.run([sys.executable, "-c", command], check=True)
    assert run_job("-q", "--window", "1", "a.csv").lines == LINES


def test_names_of_headers_in_brackets_are_no_page(run_job, tmp_path):
    text = TEXT.replace("symbol,timestamp,close", "<TICKER>,<DATE>,<CLOSE>")
    assert run_job("-q", "--window", "1", write(tmp_path, "a.csv", text)).lines == LINES


def test_inspect_and_read_bars_read_the_same(tmp_path):
    from windrow.feeds.inspect import inspect
    from windrow.frames.outputs import read_bars as read_frame

    for name, content in KINDS.items():
        path = str(write(tmp_path, name, content))
        found = inspect(path, Reading(values=("close",)))
        assert found.refused is None and found.symbols == ["AA", "BB"] and found.rows % len(LINES) == 0, name
        assert len(read_frame([path])) == len(LINES)
    pq.write_table(TABLE, tmp_path / "a.parquet")


def test_a_file_that_goes_is_not_looked_at_again(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        settle([str(tmp_path / "gone.parquet")], Reading(values=("close",)))
