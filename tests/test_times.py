"""Times against Python's own datetime and zoneinfo, which share no code with windrow/times.py."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windrow import times
from windrow.bars.checks import text_times
from windrow.bars.columns import Layout
from windrow.times import DAY, EARLIEST, LATEST, format_times, parse_times

pytestmark = pytest.mark.one_python
EPOCH = datetime(1970, 1, 1)
FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)
NEW_YORK = "America/New_York"


def expected(text: bytes, zone: str = "UTC") -> tuple[int, bool] | None:
    """(ns UTC, has a time of day), or None where the text is no time."""
    found = FORM.fullmatch(text.decode("latin-1"))
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset, sign, hours, minutes = found.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    if not 1678 <= local.year <= 2261 or int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    if hours:
        shift = timedelta(hours=int(hours), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    elif hour and not offset:
        aware = local.replace(tzinfo=ZoneInfo(zone))
        shift = aware.utcoffset()
        if shift != aware.replace(fold=1).utcoffset():
            return None  # the clocks skip it, or show it twice
    else:
        shift = timedelta(0)
    seconds = (local - EPOCH - shift) // timedelta(seconds=1)
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0")), hour is not None


def parsed(texts: list[bytes], zone: str = "UTC") -> list[tuple[int, bool] | None]:
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    times = parse_times(np.frombuffer(b"".join(texts), np.uint8), offsets, zone)
    rows = zip(times.ns.tolist(), times.ok.tolist(), times.timed.tolist(), strict=True)
    return [(ns, timed) if ok else None for ns, ok, timed in rows]


two = st.integers(0, 99).map("{:02d}".format)
clock = st.builds("{:02d}:{:02d}".format, st.integers(0, 24), st.integers(0, 60))
seconds = st.one_of(st.just(""), st.builds(":{:02d}".format, st.integers(0, 60)))
fractions = st.text("0123456789", min_size=0, max_size=10).map(lambda digits: f".{digits}" if digits else "")
zones = st.one_of(
    st.sampled_from(["", "", "Z", "z", "+00:00", "-0000", "+24", "+23:59", "-2359", "+5", "+05:", "+05:60", " Z"]),
    st.builds("{}{}{}{}".format, st.sampled_from("+-"), two, st.sampled_from(["", ":"]), two),
)
days = st.builds(
    "{:04d}-{:02d}-{:02d}".format,
    st.one_of(st.sampled_from([1677, 1678, 1900, 2000, 2021, 2024, 2261, 2262]), st.integers(0, 9999)),
    st.integers(0, 13),
    st.integers(0, 32),
)
timed = st.builds("{}{}{}{}{}{}".format, days, st.sampled_from("T  Tt_"), clock, seconds, fractions, zones)
texts = st.one_of(days, timed).map(str.encode)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, max_size=8))
@example([b"2021-02-29", b"2020-02-29", b"1900-02-29", b"2000-02-29"])
@example([b"1678-01-01T00:00:00+23:59", b"2261-12-31T23:59:59.999999999-23:59"])
def test_every_form_means_what_datetime_says(column):
    assert parsed(column) == [expected(text) for text in column]


@settings(max_examples=200, deadline=None)
@given(
    texts,
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), st.sampled_from([1, 9, 600])), min_size=1, max_size=5),
)
@example(b"2020-01-01T09:30:00Z", [(15, 5, 600), (9, 2, 1), (0, 0, 900)])
@example(b"2020-02-28", [(9, 9, 600), (9, 8, 600)])
def test_times_that_stand_many_in_a_row_mean_the_same(text, changes):
    """Texts of one width, one digit of each another than in the one before, each so often."""
    column = []
    for at, digit, often in changes:
        at %= len(text)
        text = text[:at] + b"%d" % digit + text[at + 1 :]
        column += [text] * often
    known = {text: expected(text) for text in column}
    assert parsed(column) == [known[text] for text in column]


def minutes(first: int, last: int, day: str = "2020-01-01") -> list[bytes]:
    return [f"{day}T{minute // 60:02d}:{minute % 60:02d}:00Z".encode() for minute in range(first, last)]


@pytest.mark.parametrize(("long", "kept"), [(1, 50), (1, 1 << 16), (20, 70), (1000, 1 << 16)])
def test_times_that_stand_as_earlier_ones_did_mean_the_same(
    monkeypatch: pytest.MonkeyPatch, long: int, kept: int
) -> None:
    monkeypatch.setattr(times, "_LONG", long)
    monkeypatch.setattr(times, "_KEPT", kept)
    spans = st.tuples(st.integers(0, 90), st.integers(1, 60), st.sampled_from([1, 7]))
    others = [
        b"2020-01-01T23:59:00Z",
        b"2020-02-30T00:00:00Z",
        b"2020-01-01 00:30:00Z",
        b"2020-01-01T00:30:00\0",
        b"2" * 20,
    ]
    odd = st.sampled_from(others).map(lambda text: [text])
    series = spans.map(lambda span: minutes(span[0], span[0] + span[1])[:: span[2]]) | odd

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.lists(series, min_size=1, max_size=5), min_size=1, max_size=5),
        st.sampled_from(["UTC", "Japan"]),
    )
    def check(chunks: list[list[list[bytes]]], zone: str) -> None:
        times._SERIES.clear()
        for column in (list(chain.from_iterable(chunk)) for chunk in chunks):
            assert parsed(column, zone) == [expected(text) for text in column]

    check()


def test_a_series_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_LONG", 20)
    times._SERIES.clear()
    parse, rows = times._parse, []

    def counted(data: np.ndarray, offsets: np.ndarray, timezone: str, dated: bool) -> times.Times:
        rows.append(len(offsets) - 1)
        return parse(data, offsets, timezone, dated)

    monkeypatch.setattr(times, "_parse", counted)
    for column, unknown in (
        (minutes(30, 60) + minutes(0, 60) + minutes(0, 10), 100),
        (minutes(10, 60) + minutes(0, 60), 0),
        (minutes(20, 90), 30),  # a symbol with later bars
        (minutes(0, 90), 0),
        (minutes(0, 90, "2020-01-02"), 90),
        (minutes(0, 90) + minutes(0, 90, "2020-01-02"), 0),
        (minutes(0, 5) * 30, 140),  # short ones are not looked for
    ):
        rows.clear()
        assert parsed(column) == [expected(text) for text in column]
        assert sum(rows) == unknown


@settings(max_examples=50, deadline=None)
@given(days.map(str.encode), days.map(str.encode), st.integers(0, 1 << 30))
def test_days_of_many_times_mean_the_same(one, other, seed):
    clocks = np.random.default_rng(seed).integers(0, [25, 61], (700, 2)).tolist()
    column = [day + b"T%02d:%02d" % tuple(clock) for day in (one, other) for clock in clocks]
    assert parsed(column) == [expected(text) for text in column]


@settings(max_examples=300, deadline=None)
@given(st.data(), texts)
def test_one_byte_changed_added_or_taken_never_makes_nonsense_a_time(data, text):
    at = data.draw(st.integers(0, len(text)))
    byte = data.draw(st.binary(max_size=2))
    changed = text[:at] + byte + text[at + data.draw(st.integers(0, 1)) :]
    assert parsed([text, changed, text]) == [expected(text), expected(changed), expected(text)]


def test_the_oracle_and_the_parser_know_these():
    assert parsed([b"1969-12-31T23:59:59.999999999Z"]) == [(-1, True)]
    assert parsed([b"2008-03-05 12:30+05:30"]) == [(1204700400 * 10**9, True)]
    assert parsed([b"1678-01-01", b"2261-12-31T23:59:59.999999999"]) == [(EARLIEST, False), (LATEST, True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2021",
        "2021-01",
        "2021-1-2",
        "2021-01-2",
        "21-01-02",
        "20210102",
        "2021/01/02",
        "02.01.2021",
        "2021-01-02T",
        "2021-01-02T10",
        "2021-01-02T1:00",
        "2021-01-02T24:00",
        "2021-01-02T23:60",
        "2021-02-29",
        "2021-01-02T23:59:60",
        "2021-01-02T10:00:00.",
        "2021-01-02T10:00:00.1234567890",
        "2021-01-02T10:00:00,5",
        "2021-01-02Z",
        "2021-01-02+01:00",
        "2021-01-02T10:00z",
        "2021-01-02t10:00",
        "2021-01-02T10:00 +01:00",
        "2021-01-02T10:00+1",
        "2021-01-02T10:00+24:00",
        "2021-01-02T10:00+01:60",
        "2021-01-02T10:00ZZ",
        "2021-01-02T10:00:00 PM",
        "2021-01-02 10:00:00 UTC",
        "2021-01-02  10:00",
        "２０２１-01-02",
        "२०२१-01-02",
        "-2021-01-02",
        "+2021-01-02",
        "12021-01-02",
        "0000-01-01",
        "2021-00-01",
        "2021-01-00",
        "2021-13-01",
        "2021-01-32",
        "1677-12-31",
        "2262-01-01",
        "2021-01-02\x00",
        "2021-01-02T10:00:00.5 ",
        "now",
        "NaT",
        "1700000000",
        "2021-01-02" * 10_000,
    ],
)
def test_nothing_else_is_a_time(text):
    good = b"2021-01-02"
    assert parsed([text.encode()]) == [None]
    assert parsed([good, text.encode(), good]) == [expected(good), None, expected(good)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1884, 1, 1), datetime(2037, 12, 31)), min_size=1, max_size=6),
    st.sampled_from([NEW_YORK, "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_times_without_a_zone_are_read_in_the_zone(moments, zone):
    column = [moment.strftime("%Y-%m-%dT%H:%M:%S").encode() for moment in moments]
    assert parsed(column, zone) == [expected(text, zone) for text in column]


@settings(max_examples=200, deadline=None)
@given(st.integers(1970, 2037), st.sampled_from([3, 11]), st.integers(1, 14), st.integers(0, 4 * 60))
def test_hours_that_new_york_skips_or_repeats_are_no_times(year, month, day, minute):
    text = f"{year}-{month:02d}-{day:02d} {minute // 60:02d}:{minute % 60:02d}".encode()
    assert parsed([text], NEW_YORK) == [expected(text, NEW_YORK)]


def test_gap_and_overlap_by_name():
    column = [
        b"2021-03-14 01:59",
        b"2021-03-14 02:30",
        b"2021-03-14 03:00",
        b"2021-11-07 01:30",
        b"2021-11-07 02:00",
    ]
    assert [moment is not None for moment in parsed(column, NEW_YORK)] == [True, False, True, False, True]
    assert parsed([b"2021-03-14T02:30Z", b"2021-03-14T02:30-05:00"], NEW_YORK) == [
        expected(b"2021-03-14T02:30Z"),
        expected(b"2021-03-14T07:30Z"),
    ]


def test_dates_have_no_zone():
    assert parsed([b"2021-03-14"], NEW_YORK) == [expected(b"2021-03-14")]


UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def counted(texts: list[bytes], unit: str) -> list[int | None]:
    layout = Layout(("symbol", "time", "close"), "symbol", "time", ("close",), time_unit=unit)
    ns, ok, timed = text_times(pa.array(texts, pa.binary()), layout)
    assert timed.all()
    return [int(value) if good else None for value, good in zip(ns, ok, strict=True)]


def expected_count(text: bytes, unit: str) -> int | None:
    short = rb"[1-9](\.[0-9]{0,18})?[eE]\+?(0?[0-9]|1[0-8])"
    if not re.fullmatch(rb"[ \t]*(-?[0-9]{1,19}|[0-9]{1,19}\.[0-9]{0,18}|%b)[ \t]*" % short, text):
        return None
    ns = Fraction(Decimal(text.decode())) * UNITS[unit]
    return int(ns) if EARLIEST <= ns <= LATEST and ns.denominator == 1 else None


numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-(10**10), 10**10).map(str),
    st.sampled_from([10**9, 10**6, 10**3, 1]).flatmap(
        lambda unit: st.builds(
            lambda edge, near: str(edge // unit + near),
            st.sampled_from([EARLIEST, LATEST]),
            st.integers(-2, 2),
        )
    ),
    st.sampled_from(["", "-", "+5", "1.5", "1e9", "0x1", "1_0", " 5", "5\t", "007", "९", "9" * 30, "2008-03-05"]),
).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=6), st.sampled_from(list(UNITS)))
@example([b"1700000000000000000", b"9223372036854775807", b"-9223372036854775808"], "ns")
def test_counted_times(column, unit):
    assert counted(column, unit) == [expected_count(text, unit) for text in column]


def as_text(ns: int) -> bytes:
    """ISO 8601 with Z, by datetime."""
    second, fraction = divmod(ns, 10**9)
    whole = (EPOCH + timedelta(seconds=second)).isoformat()
    digits = f"{fraction:09d}"
    for length in (0, 3, 6, 9):
        if not digits[length:].strip("0"):
            return f"{whole}{'.' * bool(length)}{digits[:length]}Z".encode()
    raise AssertionError


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda second, unit: max(EARLIEST, min(LATEST, second // unit * unit)),
            st.integers(EARLIEST, LATEST),
            st.sampled_from([1, 10**3, 10**6, 10**9, 60 * 10**9, DAY]),
        ),
        max_size=6,
    )
)
@example([-1, 0, 1])
def test_format_times_is_what_datetime_writes_and_reads_back(moments):
    ns = np.array(moments, np.int64)
    written = format_times(ns, dates=False)
    assert written == [as_text(moment) for moment in moments]
    assert parsed(written) == [(moment, True) for moment in moments]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(EARLIEST // DAY + 1, LATEST // DAY), max_size=6))
def test_dates_round_trip(numbers):
    written = format_times(np.array(numbers, np.int64) * DAY, dates=True)
    assert written == [(EPOCH + timedelta(days=number)).date().isoformat().encode() for number in numbers]
    assert parsed(written) == [(number * DAY, False) for number in numbers]
