"""Headers -> layouts: those that the field writes, and errors that say what to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.bars.layout import Reading, from_json, layout_of, normalise, split_header, symbol_of_filename, to_json
from windrow.errors import InputError, UsageError

CLOSE = Reading(values=("close",))


def layout(header, path="AA.csv", **how):
    names = split_header(header.encode(), path)
    return layout_of(path, names, header.encode(), Reading(**{"values": ("close",), **how}))


@pytest.mark.parametrize(
    ("header", "symbol", "time", "value", "asked"),
    [
        ("symbol,timestamp,open,high,low,close,volume", "symbol", "timestamp", "close", "close"),
        (
            "exchange,stock_symbol,date,stock_price_open,stock_price_close",
            "stock_symbol",
            "date",
            "stock_price_open",
            "stock_price_open",
        ),
        ("date,open,high,low,close,volume,Name", "name", "date", "close", "close"),
        ("dt,sym,open,high,low,close,vol", "sym", "dt", "vol", "volume"),
        ("Ticker,DateTime,Close,AdjClose", "ticker", "datetime", "adjclose", "adj_close"),
        ('"Symbol","Time"," Adj  Close "', "symbol", "time", "adj_close", "adj_close"),
        ("symbol,name,date,timestamp,close", "symbol", "timestamp", "close", "close"),
        ("x,x,symbol,date,close", "symbol", "date", "close", "close"),
    ],
)
def test_known_layouts(header, symbol, time, value, asked):
    found = layout(header, values=(asked,))
    assert (found.symbol, found.time, found.values, found.constant_symbol) == (symbol, time, (value,), None)


@pytest.mark.parametrize(("header", "time"), [
    ("symbol,date,time,close", ("date", "time")),
    ("<TICKER>,<PER>,<DATE>,<TIME>,<CLOSE>", ("date", "time")),
    ("symbol,dt,Time,close", ("dt", "time")), ("symbol,time,close", ("time", None)), (",close,symbol", ("", None)),
    ("symbol,timestamp,time,close", ("timestamp", None)),
])  # fmt: skip
def test_the_columns_of_times(header, time):
    found = layout(header)
    assert (found.time, found.time_of_day) == time


@pytest.mark.parametrize(("names", "close"), [
    ("price", "price"), ("last", "last"), ("Close/Last", "close/last"), ("last,close", "close"),
    ("price,last", "price"),
])  # fmt: skip
def test_other_names_of_the_close(names, close):
    assert layout(f"symbol,date,{names}").values == (close,)
    with pytest.raises(InputError, match="has no column 'price'"):
        layout("symbol,date,close", values=("price",))


def test_a_file_without_a_symbol_column():
    yahoo = "Date,Open,High,Low,Close,Adj Close,Volume"
    assert layout(yahoo, symbol="BRK.B").constant_symbol == "BRK.B"
    assert layout(yahoo, "bars/^GSPC.csv.gz", symbol_from_filename=True).constant_symbol == "^GSPC"
    with pytest.raises(
        InputError,
        match=r"^AA.csv: has no symbol column among date, .*--symbol NAME .*--symbol-from-filename",
    ):
        layout(yahoo)
    with pytest.raises(UsageError, match=r"^--symbol '': is empty; a bar needs a symbol"):
        layout(yahoo, symbol="")
    for how in ({"symbol": "A\udcff"}, {"symbol_from_filename": True}):
        with pytest.raises(UsageError, match=r"^symbol .* is not valid UTF-8"):
            layout(yahoo, "A\udcff.csv", **how)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("symbol,open,close", "has no time column among symbol, open, close; .*--columns"),
        ("symbol,date,open", "has no column 'close'; its columns are symbol, date, open"),
        ("symbol,date,close,CLOSE", "has 2 columns named 'close'"),
        ("symbol,Symbol,date,close", "has 2 columns named 'symbol'"),
        ("symbol,date,Date,close", "has 2 columns named 'date'"),
        ("AA,2008-03-05,36.6", "has no symbol column among aa, 2008-03-05, 36.6"),
        ("symbol;date;close", "has no symbol column among symbol;date;close"),
    ],
)
def test_headers_that_do_not_say_enough(header, message):
    with pytest.raises(InputError, match=rf"^AA.csv: {message}"):
        layout(header)


@pytest.mark.parametrize("header", [b"\xff\xfes\0y\0", b'"symbol,date', b"symbol\rdate,close", b'symbol,"a"b,date'])
def test_what_is_no_line_of_csv(header):
    with pytest.raises(InputError, match=r"^AA.csv: its first line, .* is not a CSV header"):
        split_header(header, "AA.csv")


@pytest.mark.parametrize(("column", "holds"), [("symbol", "symbol"), ("date", "time")])
def test_symbols_and_times_are_no_values(column, holds):
    with pytest.raises(InputError, match=f"^AA.csv: column '{column}' holds the {holds}, not a value; .*--column"):
        layout("symbol,date,close", values=(column,))


@pytest.mark.parametrize(
    ("path", "symbol"),
    [
        ("AA.csv", "AA"),
        ("/x/BRK.B.csv.gz", "BRK.B"),
        ("AA", "AA"),
        ("a b.TXT.ZST", "a b"),
        ("BF.B", "BF.B"),
        ("é.parquet", "é"),
    ],
)
def test_symbols_of_filenames(path, symbol):
    assert symbol_of_filename(path) == symbol


def test_a_filename_of_suffixes_only():
    # Path takes a leading dot for the name's own, so `.csv` has no suffix.
    assert symbol_of_filename("x/.csv") == ".csv"


def test_names_are_lower_cased_and_blanks_become_underscores():
    assert [normalise(name) for name in ("Adj Close", "\tA  b\u00a0c ", "Ä")] == ["adj_close", "a_b_c", "ä"]


@settings(max_examples=100, deadline=None)
@given(st.binary(), st.sampled_from([None, "X\t"]), st.sampled_from([None, True, False]))
def test_tasks_get_the_same_layout(header, symbol, dated):
    import json
    from dataclasses import replace

    found = replace(layout("date,close", symbol=symbol or "Y"), header=header, dated=dated)
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize("names", [["x" * 100_000, "close"], [f"column{number}" for number in range(20_000)]])
def test_a_long_header_is_not_told_whole(names):
    with pytest.raises(InputError, match="has no time column among") as raised:
        layout_of("AA.csv", ["symbol", *names], None, CLOSE)
    assert len(str(raised.value)) < 1000 and f"({len(names) + 1:,} in all)" in str(raised.value)
