"""Parquet: the same bars as CSV, whatever the types of its columns; damage is refused."""

import datetime
import decimal
import random
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.bars.layout import Reading, layout_of
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

NOON = datetime.datetime(2008, 3, 5, 12)
NOON_NS = 1204718400 * 10**9
DATES = pa.array(["2008-03-05", "2008-03-06"])
SYMBOLS = pa.array(["A", "B"])
CLOSES = pa.array([1.5, 2.5])


def read(path, **how):
    """(symbols, times, values), reasons, texts."""
    settled, _ = settle([str(path)], Reading(**{"values": ("close",), **how}))
    pieces = list(read_bars(str(path), settled.inputs[str(path)], keep_texts=True))
    bars = [
        (piece.symbols[code], time, value.hex())
        for piece in pieces
        for code, time, value in zip(piece.codes, piece.times.tolist(), piece.values[0].tolist(), strict=True)
    ]
    reasons = [text.reason for piece in pieces for text in piece.texts]
    assert sum(piece.lines for piece in pieces) == len(bars) + len(reasons)
    return bars, reasons


@pytest.fixture
def table(tmp_path):
    def write(symbol=SYMBOLS, timestamp=DATES, close=CLOSES, **how):
        path = tmp_path / "bars.parquet"
        pq.write_table(pa.table({"Symbol": symbol, "timestamp": timestamp, "close": close}), path)
        return read(path, **how)

    return write


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(
    ("zone", "timezone"), [(None, "UTC"), ("America/New_York", "UTC"), ("UTC", "America/New_York")]
)
def test_timestamps(table, unit, zone, timezone):
    bars, _ = table(timestamp=pa.array([NOON, NOON], pa.timestamp(unit, zone)), timezone=timezone)
    assert [bar[1] for bar in bars] == [NOON_NS] * 2


def test_timestamps_without_a_zone_are_read_in_the_timezone(table):
    moments = [NOON, datetime.datetime(2021, 3, 14, 2, 30)]
    bars, reasons = table(timestamp=pa.array(moments, pa.timestamp("us")), timezone="America/New_York")
    assert bars == [("A", NOON_NS + 5 * 3600 * 10**9, (1.5).hex())] and reasons == ["time"]


@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.date64(), pa.string(), pa.large_string(), pa.string_view(), "dictionary"]
)
def test_dates(table, kind):
    column = DATES.dictionary_encode() if kind == "dictionary" else DATES.cast(kind)
    bars, reasons = table(timestamp=column)
    assert [bar[1] for bar in bars] == [13943 * 86_400 * 10**9, 13944 * 86_400 * 10**9] and not reasons


@pytest.mark.parametrize(("kind", "count", "unit"), [
    (pa.int32(), 1204718400, "s"), (pa.uint64(), 1204718400, "s"), (pa.int64(), 1204718400 * 10**6, "us"),
    (pa.int64(), NOON_NS, "ns"),
])  # fmt: skip
def test_whole_numbers_are_read_by_their_magnitude(table, kind, count, unit):
    column = pa.array([count, count], kind)
    for how in ({"time_unit": unit}, {}):
        assert [bar[1] for bar in table(timestamp=column, **how)[0]] == [NOON_NS] * 2


@pytest.mark.parametrize("column", [
    pa.array([2**63 - 1, -(2**63)], pa.timestamp("ns")), pa.array([2**52, -(2**52)], pa.timestamp("s")),
    pa.array([253402300800, -62135596801], pa.timestamp("s")), pa.array([2**30, -(2**30)], pa.date32()),
    pa.array([None, 2**50], pa.timestamp("ms")),
])  # fmt: skip
def test_times_out_of_range_are_rejected_before_they_wrap(table, column):
    bars, reasons = table(timestamp=column)
    assert bars == [] and reasons == ["time" if column[0].is_valid else "missing", "time"]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_symbols(table, kind):
    column = pa.array(["NA", "", None, " x ", "\t😀"], pa.string())
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
    bars, reasons = table(column, pa.array(["2008-03-05"] * 5), pa.array([1.0] * 5))
    assert [bar[0] for bar in bars] == ["NA", "x", "😀"] and reasons == ["missing"] * 2


def test_text_that_is_not_utf8_is_rejected(table):
    offsets = np.array([0, 1, 2, 2], np.int32)
    bad = pa.Array.from_buffers(pa.string(), 3, [None, pa.py_buffer(offsets), pa.py_buffer(b"\xffB")])
    dates, closes = pa.array(["2008-03-05"] * 3), pa.array([1.0] * 3)
    bars, reasons = table(bad, dates, closes)
    assert [bar[0] for bar in bars] == ["B"] and reasons == ["utf8", "missing"]
    assert table(pa.array(["A"] * 3), bad, closes) == ([], ["utf8", "time", "missing"])


@pytest.mark.parametrize(("column", "values", "reasons"), [
    (pa.array([1.5, 2.25], pa.float32()), [1.5, 2.25], []), (pa.array([1.5, 2.25]).cast(pa.float16()), [1.5, 2.25], []),
    (pa.array([0.1, 0.2], pa.float32()), [float(np.float32(0.1)), float(np.float32(0.2))], []),
    (pa.array([3, -4]), [3.0, -4.0], []), (pa.array([2**39 + 1, 2**62]), [2.0**39 + 1], ["range"]),
    (pa.array([2**64 - 1, 1], pa.uint64()), [1.0], ["range"]), (pa.array([None, 1.0]), [1.0], ["missing"]),
    (pa.array([float("nan"), float("inf")]), [], ["missing", "infinite"]), (pa.array([-0.0, 9e-16]), [0.0], ["range"]),
    (pa.array([1e-15, -1e15]), [1e-15, -1e15], []), (pa.array([2.9e13, 2e15]), [2.9e13], ["range"]),
    (pa.array([decimal.Decimal("38.71"), None]), [38.71], ["missing"]),
])  # fmt: skip
def test_values(table, column, values, reasons):
    bars, why = table(close=column)
    assert [bar[2] for bar in bars] == [value.hex() for value in values] and why == reasons


@settings(max_examples=200, deadline=None)
@given(st.lists(st.decimals(-(10**12), 10**12, places=9), min_size=1, max_size=20))
def test_decimals_are_the_nearest_floats(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("decimals") / "bars.parquet"
    count = len(numbers)
    pq.write_table(pa.table({
        "symbol": ["A"] * count, "date": ["2008-03-05"] * count, "close": pa.array(numbers, pa.decimal128(30, 9)),
    }), path)  # fmt: skip
    assert [bar[2] for bar in read(path)[0]] == [(float(number) + 0.0).hex() for number in numbers]


@pytest.mark.parametrize(("wrong", "message"), [
    ({"close": pa.array([b"1", b"2"])}, "column 'close' is of type binary; a value is a number; cast the column"),
    ({"close": pa.array([True, False])}, "column 'close' is of type bool; a value is a number"),
    ({"symbol": pa.array([1, 2])}, "column 'symbol' is of type int64; a symbol is text"),
    ({"timestamp": pa.array([True, False])}, "column 'timestamp' is of type bool; a time is a timestamp"),
    ({"timestamp": pa.array([2e7] * 2, pa.float32())}, "column 'timestamp' is of type float; a time of so few digits"),
])  # fmt: skip
def test_wrong_types_are_named(table, tmp_path, wrong, message):
    with pytest.raises(InputError, match=rf"^{tmp_path / 'bars.parquet'}: {message}"):
        table(**wrong)


NESTED = {
    "list": pa.array([["A"], ["B"]]),
    "large list": pa.array([["A"], ["B"]], pa.large_list(pa.string())),
    "fixed list": pa.array([["A"], ["B"]], pa.list_(pa.string(), 1)),
    "struct": pa.array([{"a": "A"}, {"a": "B"}]),
    "map": pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", NESTED)
def test_a_symbol_that_is_not_one_value_is_refused_by_name(table, tmp_path, kind):
    with pytest.raises(InputError) as refused:
        table(symbol=NESTED[kind])
    path = tmp_path / "bars.parquet"
    assert str(refused.value) == (
        f"{path}: column 'symbol' is of type {pq.read_schema(path).types[0]}; a symbol is text; write it as a string"
        " column"
    )


@pytest.fixture(params=[False, True], ids=["encrypted footer", "plain footer"])
def encrypted(tmp_path, request):
    """A file of which, with a plain footer, only the column close is encrypted."""
    import base64

    from pyarrow.parquet import encryption

    class Keys(encryption.KmsClient):
        """Keeps keys nowhere: each is wrapped in itself."""

        def __init__(self, config):
            super().__init__()

        def wrap_key(self, key, name):
            return base64.b64encode(key)

        def unwrap_key(self, key, name):
            return base64.b64decode(key)

    config = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["close"]}, plaintext_footer=request.param
    )
    properties = encryption.CryptoFactory(Keys).file_encryption_properties(encryption.KmsConnectionConfig(), config)
    bars = pa.table({"symbol": SYMBOLS, "timestamp": DATES, "open": CLOSES, "close": CLOSES})
    path = tmp_path / "bars.parquet"
    with pq.ParquetWriter(path, bars.schema, encryption_properties=properties) as writer:
        writer.write_table(bars)
    return path, request.param


def test_an_encrypted_file_is_called_encrypted(encrypted):
    path, plain_footer = encrypted
    with pytest.raises(
        InputError, match=r"is encrypted, and windrow has no keys .*; write it again without encryption"
    ):
        read(path)
    if plain_footer:  # and the columns that a job needs are readable
        assert [symbol for symbol, *_ in read(path, values=("open",))[0]] == ["A", "B"]


def test_several_row_groups_and_a_missing_column(tmp_path):
    path = tmp_path / "bars.parquet"
    count = 200_000
    columns = {"symbol": [f"S{i % 7}" for i in range(count)], "close": np.arange(1.0, count + 1)}
    pq.write_table(
        pa.table({**columns, "date": pa.array(range(count), pa.timestamp("s"))}), path, row_group_size=30_000
    )
    assert [bar[2] for bar in read(path)[0]] == [value.hex() for value in columns["close"].tolist()]
    with pytest.raises(InputError, match=f"^{path}: has no column 'open'; its columns are symbol, close, date"):
        read(path, values=("open",))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8), st.lists(st.integers(0, 1000), max_size=5))
def test_every_row_is_in_exactly_one_range(tmp_path_factory, groups, cuts):
    path, rows = tmp_path_factory.mktemp("ranges") / "bars.parquet", sum(groups)
    columns = {"symbol": pa.array([f"S{i % 7}" for i in range(rows)]), "close": np.arange(1.0, rows + 1)}
    table = pa.table({**columns, "date": pa.array(range(rows), pa.timestamp("s"))})
    with pq.ParquetWriter(path, table.schema) as writer:
        for end, count in zip(np.cumsum(groups).tolist(), groups, strict=True):
            writer.write_table(table.slice(end - count, count), row_group_size=max(count, 1))
    edges = [0, *sorted(cut * path.stat().st_size // 1000 for cut in cuts), path.stat().st_size]
    names = ("symbol", "close", "date")
    layout = layout_of(str(path), names, None, Reading(("close",)))
    ranges = [list(read_bars(str(path), layout, *edge)) for edge in pairwise(edges)]
    assert [value for bars in chain(*ranges) for value in bars.values[0].tolist()] == columns["close"].tolist()
    shares = [sum(map(len, bars)) for bars in ranges]
    if groups:  # a range gets its share of the rows, as exactly as row groups allow
        size = path.stat().st_size
        for share, (start, end) in zip(shares, pairwise(edges), strict=True):
            assert abs(share - rows * (end - start) / size) <= 2 * max(groups)


def test_a_column_that_nobody_needs_is_not_read(tmp_path):
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"symbol": SYMBOLS, "open": CLOSES, "date": DATES, "close": CLOSES}), path)
    intact = read(path)
    chunk = pq.read_metadata(path).row_group(0).column(1)
    assert chunk.path_in_schema == "open"
    content = bytearray(path.read_bytes())
    begin = chunk.dictionary_page_offset
    content[begin : begin + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    assert read(path) == intact
    with pytest.raises(InputError, match="is truncated or damaged, or not a Parquet file"):
        read(path, values=("open",))


@pytest.mark.parametrize("how", [
    {"use_dictionary": False}, {"dictionary_pagesize_limit": 64}, {"row_group_size": 100, "compression": "zstd"},
    {"store_schema": False},
], ids=str)  # fmt: skip
def test_symbols_however_they_are_stored(tmp_path, how):
    path, count = tmp_path / "bars.parquet", 1000
    symbols = [None if i % 97 == 5 else "" if i % 97 == 6 else f"S{i * i % 53}" for i in range(count)]
    closes = np.arange(1.0, count + 1)
    dates = pa.array(range(count), pa.date32())
    pq.write_table(pa.table({"symbol": symbols, "date": dates, "close": closes}), path, **how)
    bars, reasons = read(path)
    assert [bar[::2] for bar in bars] == [(s, c.hex()) for s, c in zip(symbols, closes.tolist(), strict=True) if s]
    assert reasons == ["missing"] * sum(not symbol for symbol in symbols)


def test_an_empty_table_is_barren(tmp_path):
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"symbol": SYMBOLS, "date": DATES, "close": CLOSES}).slice(0, 0), path)
    with pytest.raises(InputError, match=r"^no valid row in any input"):
        read(path)


def test_damage(tmp_path):
    path = tmp_path / "bars.parquet"
    table = pa.table(
        {
            "symbol": ["A"] * 5000,
            "date": ["2008-03-05"] * 5000,
            "close": np.random.default_rng(1).random(5000),
        }
    )
    pq.write_table(table, path, row_group_size=1000, write_page_checksum=True)
    whole, intact = path.read_bytes(), read(path)
    rng = random.Random(2)
    damaged = [whole[: rng.randrange(len(whole))] for _ in range(40)]
    for _ in range(120):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    refused = 0
    for content in [b"", b"PAR1", b"symbol,date,close\n", *damaged]:
        path.write_bytes(content)
        try:
            assert read(path) == intact
        except InputError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ")
    assert refused > 150


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters='\r\n",'), min_size=1, max_size=4)
    .filter(lambda symbol: symbol.strip(" \t\xa0")),
    st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
    st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) >= 1e-15),
), min_size=1, max_size=10))  # fmt: skip
def test_the_same_bars_as_csv(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("both")
    symbols, times, closes = zip(*rows, strict=True)
    pq.write_table(pa.table({
        "symbol": pa.array(symbols), "timestamp": pa.array(times, pa.timestamp("us")), "close": pa.array(closes),
    }), folder / "bars.parquet")  # fmt: skip
    lines = "".join(f"{symbol},{time.isoformat()},{close!r}\n" for symbol, time, close in rows)
    (folder / "bars.csv").write_text("symbol,timestamp,close\n" + lines, encoding="utf-8", newline="")
    assert read(folder / "bars.parquet") == read(folder / "bars.csv")
    assert len(read(folder / "bars.csv")[0]) == len(rows)


DAYS, CLOCKS = ["2023-01-03", "2023-01-03", "2023-01-04"], ["09:30:00", "09:31:00", "09:30:00"]
AS_DAYS, AS_TIMES = pa.array(DAYS).cast(pa.date32()), [datetime.time.fromisoformat(clock) for clock in CLOCKS]


@pytest.mark.parametrize(("dates", "clocks"), [
    (pa.array(DAYS), pa.array(CLOCKS)), (AS_DAYS, pa.array(CLOCKS)), (AS_DAYS, pa.array(AS_TIMES, pa.time32("s"))),
    (AS_DAYS, pa.array(AS_TIMES, pa.time64("us"))),
], ids=["text", "date and text", "date and time32", "date and time64"])  # fmt: skip
def test_date_and_time_of_day_in_two_columns(tmp_path, dates, clocks):
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"symbol": ["A"] * 3, "date": dates, "time": clocks, "close": [1.0, 2.0, 3.0]}), path)
    settled, _ = settle([str(path)], Reading(values=("close",)))
    (bars,) = read_bars(str(path), settled.inputs[str(path)])
    times = [np.datetime64(f"{day}T{clock}", "ns") for day, clock in zip(DAYS, CLOCKS, strict=True)]
    assert bars.timed.all() and (bars.times.view("datetime64[ns]") == np.array(times)).all()


def test_a_time_that_is_no_time_of_day_is_refused(tmp_path):
    path = tmp_path / "bars.parquet"
    seconds, closes = [34200, 34260, 34200], [1.0] * 3
    pq.write_table(pa.table({"symbol": ["A"] * 3, "date": AS_DAYS, "time": seconds, "close": closes}), path)
    with pytest.raises(InputError, match=r"'34200' in column 'time': may be a time of day .* give --time-format"):
        settle([str(path)], Reading(values=("close",)))
    settled, _ = settle([str(path)], Reading(values=("close",), time_format="%Y-%m-%d %O"))
    (bars,) = read_bars(str(path), settled.inputs[str(path)])
    assert (bars.times % (86_400 * 10**9) // 10**9).tolist() == seconds
    pq.write_table(pa.table({"symbol": ["A"] * 3, "date": AS_DAYS, "time": [1.5] * 3, "close": closes}), path)
    with pytest.raises(InputError, match="column 'time' is of type double; date and time together are a bar's time"):
        settle([str(path)], Reading(values=("close",)))


def test_texts_of_numbers_are_numbers_as_in_csv(tmp_path, run_job):
    texts = ["1.10", " 2 ", "3e1", "0.1234567890123456789", "-0", "x", "1,5", "", "NA", None, "inf", "1e16", "12%"]
    days = [f"2023-01-{day:02}" for day in range(1, len(texts) + 1)]
    pq.write_table(pa.table({"symbol": ["A"] * len(texts), "date": days, "close": texts}), tmp_path / "t.parquet")
    lines = [f'A,{day},"{text or ""}"' for day, text in zip(days, texts, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["symbol,date,close", *lines, ""]))
    lax = ["--window", "1", "--max-bad", "1", "--max-missing", "1", "--decimal", "."]
    want, found = (run_job(*lax, tmp_path / name) for name in ("t.csv", "t.parquet"))
    assert found.out.count(b"\n") == 5 and found.out == want.out
    assert b"2023-01-04\t0.12345678901234568\n" in found.out
    refused = run_job("--window", "1", "--max-missing", "1", tmp_path / "t.parquet")
    assert refused.status == 1 and "'x' in column 'close', expected a number as 1234.5" in refused.err, refused.err
