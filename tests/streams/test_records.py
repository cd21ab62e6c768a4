"""Records of a stream become rows of a file, none lost, none changed."""

import json
from hashlib import md5
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.moving_average import MovingAverage
from jobs.rejects import Rejects
from windrow.errors import InputError
from windrow.feeds.parquet import INVALID
from windrow.feeds.shards import ShardFile
from windrow.storage.kinesis.kpl import user_records

PLAIN = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, 2**53, 2**53 + 1, -(2**53) - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.booleans(),
    st.lists(st.integers(0, 9), max_size=2),
)
NAMES = st.sampled_from(["a", "b", "c", "data", "x y"])
BARS = st.dictionaries(NAMES.filter(lambda name: name != "data"), PLAIN, min_size=1, max_size=4)


def spooled(folder, pages, rows_of_a_group=1 << 14):
    file = ShardFile(Path(folder), "shard", "kinesis://s/shard", rows_of_a_group)
    for page in pages:
        file.write(page)
    return file, file.close()


def same(value, found):
    """Whether what a file has is the value; as text where the column is one of text."""
    if isinstance(found, str) and not isinstance(value, str):
        read = json.loads(found)
        return read == value and isinstance(read, bool) == isinstance(value, bool)
    return value == found and (value is None) == (found is None)


ABOUT = {"record-type": "data", "operation": "load"}
#: A bar as it is, as `windrow stream load` writes it, and as DMS does.
FORMS = [lambda bar: bar, lambda bar: {"data": bar}, lambda bar: {"data": bar, "metadata": ABOUT}]


@given(
    st.lists(st.lists(BARS, max_size=4), min_size=1, max_size=6),
    st.sampled_from([1, 3, 100]),
    st.lists(st.sampled_from(FORMS), min_size=1, max_size=3),
)
def test_no_value_changes_whatever_types_and_forms_meet(pages, group, forms):
    rows = [bar for page in pages for bar in page]
    turns = cycle(forms)
    records = [[orjson.dumps(next(turns)(bar)) for bar in page] for page in pages]
    with TemporaryDirectory() as folder:
        file, place = spooled(folder, records, group)
        assert file.rows == len(rows)
        if not rows:
            assert place is None
            return
        table = pq.read_table(place)
        assert list(Path(folder).iterdir()) == [place]
    found = table.to_pylist()
    assert set(table.column_names) == {name for bar in rows for name in bar}
    for bar, row in zip(rows, found, strict=True):
        assert all(same(bar.get(name), value) for name, value in row.items()), (bar, row)


PRICES = st.one_of(st.integers(1, 10**6), st.decimals(1, 10**6, places=2).map(float))
CLOSES = st.one_of(PRICES, PRICES.map(str))


@given(st.lists(st.tuples(st.integers(1, 28), CLOSES), min_size=1, max_size=30, unique_by=lambda row: row[0]))
def test_a_stream_is_read_as_a_file_of_the_same_objects(rows):
    bars = [{"dt": f"2023-01-{day:02}", "sym": "AA", "close": close} for day, close in rows]
    with TemporaryDirectory() as folder:
        beside = Path(folder, "bars.jsonl")
        beside.write_bytes(b"\n".join(map(orjson.dumps, bars)) + b"\n")
        _, place = spooled(folder, [[orjson.dumps({"data": bar}) for bar in bars]])
        assert averages(place, folder) == averages(beside, folder)


def averages(path, folder):
    out = Path(folder, f"out-{path.suffix}")
    assert MovingAverage.main(["-q", "--window", "1", "-o", str(out), str(path)]) == 0
    return (out / "part-00000").read_bytes()


def test_what_is_no_object_is_an_invalid_row(tmp_path, run_job):
    good = orjson.dumps({"data": {"dt": "2023-01-03", "sym": "AA", "close": 1.5}})
    bad = [b"", b"nonsense", b"7", b'["a"]', b'{"data": {', b'\xff{"dt": 1}', b'{"dt": "\\ud800"}']
    file, place = spooled(tmp_path, [[good, *bad], [good.replace(b"03", b"04")]])
    assert (file.rows, pq.read_schema(place).names[-1]) == (9, INVALID)
    listed = run_job("-q", place, job=Rejects)
    found = [json.loads(line) for line in listed.out.splitlines()]
    assert {one["reason"] for one in found} == {"record"}
    assert [one["text"] for one in found] == [text.decode(errors="backslashreplace") for text in bad]
    averaged = run_job("--window", "1", "--max-bad", "0.8", place)
    assert averaged.out == b"AA\t2023-01-03\t1.5\nAA\t2023-01-04\t1.5\n"
    refused = run_job("--window", "1", place)
    assert refused.status == 1 and "7 of 9" in refused.err and "expected an object of JSON" in refused.err


def test_a_record_may_have_several_objects(tmp_path):
    lines = b'{"a": 1}\n{"a": NaN}\n\n{"a": 3}\n'
    file, place = spooled(tmp_path, [[lines, b'[{"a": 4}, {"a": 5}]']])
    found = pq.read_table(place)["a"].to_pylist()
    assert [found[0], *found[2:]] == [1.0, 3.0, 4.0, 5.0] and found[1] != found[1] and file.rows == 5


def test_two_members_of_one_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="two members named 'close'"):
        spooled(tmp_path, [[b'{"data": {"close": 1, "close": 2}}']])


def test_names_that_are_values_are_refused(tmp_path):
    records = [orjson.dumps({f"price of {number}": 1}) for number in range(1001)]
    with pytest.raises(InputError, match=r"1,001 different members, so their names are no columns; write the values"):
        spooled(tmp_path, [records])


def test_what_is_no_json_is_csv(tmp_path):
    lines = [b"AA,2023-01-03,1.5\r\n", b"BB,1\nCC,2"]
    for number, pages in enumerate([[lines, [b"DD,1"] * 998], [lines, [b"DD,1" * (1 << 18)]]]):
        (tmp_path / str(number)).mkdir()
        file, place = spooled(tmp_path / str(number), [*pages, [b'{"a": 1}']])
        assert place.suffix == ".csv" and file.rows == 4 + len(pages[1])
        written = place.read_bytes()
        assert written.startswith(b"AA,2023-01-03,1.5\nBB,1\nCC,2\nDD,1") and written.endswith(b'DD,1\n{"a": 1}\n')


def field(number, value):
    return bytes([number << 3 | 2, *varint(len(value))]) + value


def varint(value):
    while value > 127:
        yield value & 127 | 128
        value >>= 7
    yield value


def aggregated(records):
    """As Kinesis' producer library writes it."""
    message = b"".join(field(1, key.encode()) for key, _ in records)
    for number, (_, data) in enumerate(records):
        message += field(3, bytes([1 << 3, number, 2 << 3, 0]) + field(3, data))
    return b"\xf3\x89\x9a\xc2" + message + md5(message).digest()


@given(st.lists(st.tuples(st.text(max_size=3), st.binary(max_size=300)), min_size=1, max_size=100))
def test_records_that_were_put_together_are_taken_apart(records):
    assert user_records(aggregated(records)) == [data for _, data in records]


def test_what_only_begins_like_one_is_a_record():
    whole = aggregated([("a", b"one")])
    for other in (whole[:-1], whole[:-1] + b"\0", whole[:4], b"\xf3\x89\x9a\xc2"):
        assert user_records(other) == [other]
    damaged = b"\x1a\x7f"  # a field of 127 bytes, of which none is there
    with pytest.raises(ValueError, match="a field is cut off"):
        user_records(b"\xf3\x89\x9a\xc2" + damaged + md5(damaged).digest())


def test_a_shard_without_a_bar_has_the_columns_of_another(tmp_path, run_job):
    one, place = spooled(tmp_path, [[orjson.dumps({"dt": "2023-01-03", "sym": "AA", "close": 1.5})]])
    other = ShardFile(tmp_path, "other", "kinesis://s/other")
    other.write([b"{nonsense"])
    assert one.has_bars and not other.has_bars
    other.begin()
    beside = other.close(place)
    assert sorted(pq.read_schema(beside).names) == sorted(["dt", "sym", "close", INVALID])
    (line,) = run_job("-q", place, beside, job=Rejects).out.splitlines()
    assert json.loads(line)["text"] == "{nonsense"


def test_one_value_under_two_names_is_refused(tmp_path):
    rows = [{"dt": f"2023-01-{day:02}", "sym": "AA", "price" if day == 9 else "close": day} for day in range(1, 29)]
    with pytest.raises(InputError, match="some of its records name the close 'close', others 'price'; the records"):
        spooled(tmp_path, [[orjson.dumps(row) for row in rows]])
    both = [{**row, "close": 1.0, "price": 2.0} for row in rows]
    assert spooled(tmp_path, [[orjson.dumps(row) for row in both]])[1] is not None


def test_a_first_record_that_is_none_leaves_the_others_json(tmp_path):
    records = [b"hello", b"again", orjson.dumps({"dt": "2023-01-03", "sym": "AA", "close": 1.5})]
    for number, pages in enumerate([[records], [[record] for record in records]]):  # as records come, so do pages
        (tmp_path / str(number)).mkdir()
        file, place = spooled(tmp_path / str(number), pages)
        assert place.suffix == ".parquet" and file.rows == 3


ROW = {"dt": "2023-01-03", "sym": "AA", "close": 1.5}


@pytest.mark.parametrize("about", [{"source": "feed 7"}, {"operation": "load", "record-type": "data"}])
def test_a_bar_with_metadata_beside_its_values_is_a_bar(about, tmp_path):
    file, place = spooled(tmp_path, [[orjson.dumps({**ROW, "metadata": about}), orjson.dumps(ROW)]])
    assert (file.rows, file.controls) == (2, 0)
    assert pq.read_table(place)["close"].to_pylist() == [1.5, 1.5]


def test_what_dms_says_of_the_table_is_no_bar(tmp_path):
    about = {"record-type": "control", "operation": "create-table"}
    records = [{"metadata": about}, {"control": {"table-def": {}}, "metadata": about}, {"data": None, "metadata": {}}]
    file, _ = spooled(tmp_path, [[*map(orjson.dumps, records), orjson.dumps(ROW)]])
    assert (file.rows, file.controls) == (1, 3)


@pytest.mark.parametrize("record", [{"data": None}, {"before": ROW}, ROW])
def test_a_delete_is_refused_wherever_its_bar_is(record, tmp_path):
    with pytest.raises(InputError, match="a record by which a bar is deleted"):
        spooled(tmp_path, [[orjson.dumps(ROW), orjson.dumps({**record, "metadata": {"operation": "delete"}})]])


def test_symbols_may_be_numbers(tmp_path):
    bars = [{"dt": f"2023-01-{day:02}", "sym": sym, "close": day} for day, sym in enumerate([700, 700, 5, "700"], 1)]
    beside = tmp_path / "bars.jsonl"
    for some in (bars, bars[:3]):
        beside.write_bytes(b"\n".join(map(orjson.dumps, some)) + b"\n")
        (tmp_path / str(len(some))).mkdir()
        _, place = spooled(tmp_path / str(len(some)), [[orjson.dumps(one)] for one in some])
        assert averages(place, place.parent) == averages(beside, place.parent)
