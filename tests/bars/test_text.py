"""Parsing lines: what is a bar, why a line is none, and that no line changes what another means."""

import csv
import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windrow.bars import text as parsing
from windrow.bars.checks import MAX_LINE, REASONS
from windrow.bars.columns import Bars, Layout, check_one_kind_of_time
from windrow.bars.text import parse_lines
from windrow.errors import InputError

HEADER = b"symbol,timestamp,close,note"
LAYOUT = Layout(("symbol", "timestamp", "close", "note"), "symbol", "timestamp", ("close",), header=HEADER)
DAY = 86_400 * 10**9
MARK = b"\xef\xbb\xbf"


def rows(bars: Bars) -> list[tuple[str, int, str]]:
    """Bars as tuples; values by their bits."""
    names = [bars.symbols[code] for code in bars.codes]
    values = [value.hex() for value in bars.values[0].tolist()]
    return list(zip(names, bars.times.tolist(), values, strict=True))


def account(chunk: bytes, layout: Layout = LAYOUT) -> tuple[list[tuple[str, int, str]], Counter[str], int]:
    bars = parse_lines(chunk, layout)
    assert bars.lines == len(bars) + bars.rejected.total()
    assert len(bars.timed) == len(bars.codes) == len(bars.values[0]) == len(bars)
    return rows(bars), bars.rejected, bars.headers


def one(line: bytes) -> tuple[str, int, str] | str:
    """The bar that a line is, or the reason why it is none."""
    bars, rejected, headers = account(line + b"\n")
    assert len(bars) + rejected.total() + headers == 1
    return bars[0] if bars else "header" if headers else next(iter(rejected))


NUMBERS = [
    "36.6",
    "+1",
    ".5",
    "5.",
    "1e5",
    "1E-5",
    " 1 ",
    "\t1",
    "1_0",
    "0x10",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "+inf",
    "1e400",
    "-1e400",
    "1e-400",
    "-1e-400",
    "0e-400",
    "0." + "0" * 400 + "1",
    "0." + "0" * 230 + "1e-99",
    "1e-15",
    "9.9999999999999994e-16",
    "9.9e-16",
    "1e15",
    "1000000000000000.1",
    "29000000000000",
    "0.000000000000001",
    "-0.0",
    "0",
    "१",
    "--1",
    "- 1",
    "1 2",
    "1e",
    ".",
    "",
    " ",
    "nan(1)",
    "1\x00",
    "1\x0b",
    "\xa01",
    "9" * 400,
    "5e-324",
    "2.2250738585072011e-308",
    "0.1000000000000000055511151231257827",
    "9007199254740993",
    "1d5",
    "1f",
    "True",
    "None",
    "NULL",
    "na",
    "n/a",
    "-nan",
    "-",
    " - ",
    "+",
    "..",
]


def number(text: str) -> str:
    """A number's bits or the reason against it, by Python's float and DESIGN's ranges."""
    text = text.strip(" \t")
    if text.lower() in ("", "nan", "+nan", "-nan", "null", "none", "na", ".", "-"):
        return "missing"
    if re.fullmatch(r"[+-]?(inf|infinity)", text, re.IGNORECASE):
        return "infinite"
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return "number"
    value = float(text)
    if math.isinf(value):
        return "infinite"
    zero = not re.search("[1-9]", re.split("[eE]", text)[0])
    return (value + 0.0).hex() if zero or 1e-15 <= abs(value) <= 1e15 else "range"


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_means_what_float_says_with_and_without_bad_neighbours(text):
    line = b"AA,2008-03-05," + text.encode() + b",x"
    found = one(line)
    assert (found if isinstance(found, str) else found[2]) == number(text)
    beside, rejected, _ = account(line + b"\nbad\n")
    assert [bar[2] for bar in beside] == ([] if isinstance(found, str) else [number(text)])
    assert rejected == Counter(["fields"] + ([found] if isinstance(found, str) else []))


@settings(max_examples=400, deadline=None)
@given(st.text("0123456789.+-eE xnaif_", max_size=12) | st.floats().map(repr))
def test_fuzzed_numbers(text):
    found = one(b"AA,2008-03-05," + text.encode() + b",x")
    assert (found if isinstance(found, str) else found[2]) == number(text)


GOOD = [
    b"AA,2008-03-05,36.6,x",
    b"BRK.B,1960-01-01,1,",
    b"^GSPC,2100-01-01,-5,\xff",
    b"NA,2008-03-05,1,",
    b"TRUE,2008-03-05,0,",
    b"null,2008-03-05,-0.0,",
    b"\xf0\x9f\x98\x80,2008-03-05,2,",
    b" AA ,2008-03-05,2,",
    b"A\tB,2008-03-05,2,\x00",
    b'"A,""B",2008-03-05,"2","a,""b"""',
    b'A"B,2008-03-05,2,',
    MARK + b"AA,2008-03-05,3,",
    b"aa, 2008-03-05\t, 4 ,",
    b"\xce\xa9%09,2008-03-05T10:00:00.5+02:00,1e5,",
    b"A\x00B,2008-03-05,2,",
    b"\xc2\xa0AA,2008-03-05,2,",
]
BAD = {
    b"AA,2008-03-05,1": "fields",
    b"AA,2008-03-05,1,x,": "fields",
    b"x": "fields",
    b" ": "fields",
    b",,,,": "fields",
    b'AA,2008-03-05,1,"x': "quote",
    b'"A"A,2008-03-05,1,x': "quote",
    b"AA,2008-03-05,1,x\rBB,2008-03-05,1,x": "quote",
    b'AA,2008-03-05,1,"x"y"': "quote",
    b'"': "quote",
    b"\rAA,2008-03-05,1,x": "quote",
    b"\xff,2008-03-05,1,x": "utf8",
    b"AA,\xff2008-03-05,1,x": "utf8",
    b"AA,2008-03-05,1\xff,x": "utf8",
    b"AA,2008-03-05,\xed\xa0\x80,x": "utf8",
    b",2008-03-05,1,x": "missing",
    b"AA,,1,x": "missing",
    b"AA,2008-03-05,,x": "missing",
    b"AA, ,1,x": "missing",
    b'"",2008-03-05,1,x': "missing",
    b"AA,2008-3-5,1,x": "time",
    b"AA,05/03/2008,1,x": "time",
    b"AA,2008-03-05,36.6$,x": "number",
    b"AA,2008-03-05,NaN,x": "missing",
    b"AA,2008-03-05,null,x": "missing",
    b"AA,2008-03-05, - ,x": "missing",
    b"AA,NA,1,x": "missing",
    b"\xc2\xa0,2008-03-05,2,": "missing",
    b"AA,2008-03-05,-inf,x": "infinite",
    b"AA,2008-03-05,1e16,x": "range",
    b"AA,2008-03-05,-9e-16,x": "range",
}


@pytest.mark.parametrize("line", GOOD)
def test_these_are_bars_and_their_symbols_stay_as_they_are_but_for_blanks_around_them(line):
    bar = one(line)
    fields = next(csv.reader([line.decode(errors="replace")]))
    assert not isinstance(bar, str) and bar[0] == fields[0].strip(" \t\xa0") and bar[2] == number(fields[2])


@pytest.mark.parametrize(("line", "reason"), BAD.items())
def test_every_reason(line, reason):
    assert one(line) == reason
    assert parse_lines(line + b"\n", LAYOUT, keep_texts=True).texts == [(reason, line)]


def test_every_reason_has_an_example():
    # The last two are tested in tests/jobs/test_adjusted.py and tests/streams/test_records.py.
    assert {*BAD.values(), "long", "adjusted", "record"} == set(REASONS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'\xff,x,nan,"', "quote"),
        (b"\xff,,nan,x,x", "fields"),
        (b"\xff,,x,", "utf8"),
        (b",2008-03-05,n/a,", "number"),
        (b"A,x,nan,", "time"),
        (b"A,x,,", "time"),
    ],
)
def test_a_line_counts_once_for_the_first_reason(line, reason):
    assert one(line) == reason


lines = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(list(BAD)),
    st.sampled_from([HEADER, MARK + HEADER, b"", HEADER + b"\r", b"\r"]),
    st.lists(
        st.sampled_from([b"AA", b"2008-03-05", b"1.5", b'"', b"", b" ", b"\xff", b"\r", b'"a"', b"1e-400"]),
        max_size=5,
    ).map(b",".join),
)


def alone(line: bytes) -> tuple[list[tuple[str, int, str]], Counter[str], int]:
    return account(line + b"\n")


@settings(max_examples=400, deadline=None)
@given(st.lists(lines, max_size=8), st.integers(0, 8))
@example([b"A\x00B,2008-03-05,2,", MARK + b"AA,2008-03-05,3,"], 1)
@example([b'"', b"AA,2008-03-05,36.6,x"], 0)
def test_a_chunk_means_what_its_lines_mean_alone_however_it_is_cut(chunk, cut):
    apart = [alone(line) for line in chunk]
    expected = (
        [bar for bars, _, _ in apart for bar in bars],
        sum((rejected for _, rejected, _ in apart), Counter()),
        sum(headers for _, _, headers in apart),
    )
    assert account(b"".join(line + b"\n" for line in chunk)) == expected
    pieces = [account(b"".join(line + b"\n" for line in piece)) for piece in (chunk[:cut], chunk[cut:])]
    assert [
        sum(parts, start) for parts, start in zip(zip(*pieces, strict=True), ([], Counter(), 0), strict=True)
    ] == list(expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(lines, max_size=8))
def test_texts_are_kept_for_every_rejected_line_and_no_other(chunk):
    text = b"".join(line + b"\n" for line in chunk)
    with_texts, without = parse_lines(text, LAYOUT, keep_texts=True), parse_lines(text, LAYOUT)
    assert Counter(rejected.reason for rejected in with_texts.texts) == with_texts.rejected == without.rejected
    assert without.texts == []
    expected = [line.rstrip(b"\r") for line in chunk if line not in (b"", b"\r") and isinstance(one(line), str)]
    assert sorted(rejected.text for rejected in with_texts.texts) == sorted(
        line for line in expected if line.removeprefix(MARK) != HEADER
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(GOOD), max_size=6))
def test_the_careful_way_reads_as_the_quick_way_does(chunk):
    text = b"".join(line + b"\n" for line in chunk)
    if not text:
        return
    quick = parsing._parse_quickly(text, LAYOUT)
    careful = parsing._parse_carefully(text, LAYOUT, False)
    assert quick is not None, "the quick way gave up on lines that are all bars"
    assert rows(quick) == rows(careful) and quick.timed.tolist() == careful.timed.tolist()


def test_all_lines_bad_in_each_way_leave_no_bar_and_no_error():
    for line, reason in BAD.items():
        assert account(b"\n".join([line] * 3) + b"\n") == ([], Counter({reason: 3}), 0)
    assert account(b"") == account(b"\n\r\n\n") == ([], Counter(), 0)


def test_lines_end_in_lf_or_crlf():
    text = b"AA,2008-03-05,36.6,x\nBB,2008-03-06,1,y\n"
    assert account(text.replace(b"\n", b"\r\n")) == account(text)
    assert account(b"AA,2008-03-05,1,x\r\r\n") == ([], Counter({"quote": 1}), 0)


def test_a_quoted_newline_rejects_both_pieces():
    bars, rejected, _ = account(b'AA,2008-03-05,1,"a\nb"\nBB,2008-03-05,2,x\n')
    assert [bar[0] for bar in bars] == ["BB"] and rejected == {"quote": 1, "fields": 1}


def test_a_line_of_one_mebibyte_is_a_bar_and_one_byte_more_is_not():
    line = b"AA,2008-03-05,1,"
    longest = line + b"x" * (MAX_LINE - len(line))
    other = b"BB,2008-03-05,2,x\n"
    for ahead in (b"", other * 3, other * 30_000):
        bars, rejected, _ = account(ahead + longest + b"\n" + other)
        assert [bar[0] for bar in bars[-2:]] == ["AA", "BB"] and not rejected
        bars, rejected, _ = account(ahead + longest + b"x\n" + other)
        assert [bar[0] for bar in bars] == ["BB"] * (1 + ahead.count(b"\n")) and rejected == {"long": 1}


def test_many_fields_and_many_quotes_take_no_time():
    assert one(b"," * (MAX_LINE - 10)) == "fields"
    assert one(b'"' * (MAX_LINE - 10)) == "fields"  # an even number of quotes: one field
    assert one(b'"' * (MAX_LINE - 11)) == "quote"
    assert one(b'"' + b'""' * (MAX_LINE // 4)) == "quote"


@pytest.mark.processes
def test_memory_of_a_chunk_without_any_bar_is_a_few_times_the_chunk():
    import tracemalloc

    chunk = b"x\n" * (1 << 20)
    tracemalloc.start()
    try:
        assert parse_lines(chunk, LAYOUT).rejected == {"fields": 1 << 20}
        assert tracemalloc.get_traced_memory()[1] < 20 * len(chunk)
    finally:
        tracemalloc.stop()


def test_needed_columns_only_are_checked():
    layout = replace(LAYOUT, values=("note",), header=None)
    bars = parse_lines(b"AA,2008-03-05,,1\n", layout)
    assert bars.values[0].tolist() == [1.0] and not bars.rejected


def test_several_values_and_a_constant_symbol():
    layout = Layout(("date", "open", "close", "open"), None, "date", ("close",), constant_symbol="X")
    bars = parse_lines(b"2008-03-05,1,2,3\n2008-03-06,bad,4,\n2008-03-06,1,,\n", layout)
    assert rows(bars) == [("X", 13943 * DAY, (2.0).hex()), ("X", 13944 * DAY, (4.0).hex())]
    assert bars.rejected == {"missing": 1}
    two = Layout(("symbol", "date", "high", "low"), "symbol", "date", ("low", "high"))
    for extra in (b"", b"bad\n"):
        assert [v.tolist() for v in parse_lines(b"A,2008-03-05,2,1\n" + extra, two).values] == [[1.0], [2.0]]


def test_dates_and_times_of_day_do_not_mix():
    for dated, text, words in (
        (True, b"2008-03-05T10:00Z", "also a time of day: 2008-03-05T10:00:00Z"),
        (False, b"2008-03-05", "also a date alone: 2008-03-05"),
    ):
        layout = replace(LAYOUT, dated=dated)
        bars = parse_lines(b"AA," + text + b",1,x\n", layout)
        with pytest.raises(InputError, match=f"^here.csv: contains .*{words}; .*all in one form"):
            check_one_kind_of_time(bars, layout, "here.csv")
        check_one_kind_of_time(bars, replace(layout, dated=not dated), "here.csv")
        check_one_kind_of_time(parse_lines(b"x\n", layout), layout, "here.csv")


def test_minus_zero_is_zero():
    for chunk in (b"AA,2008-03-05,-0.0,x\n", b"AA,2008-03-05,-0.0,x\nbad\n"):
        assert not np.signbit(parse_lines(chunk, LAYOUT).values[0]).any()
