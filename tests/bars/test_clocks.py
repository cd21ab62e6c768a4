"""Times in other forms: what each means, by the standard library, and what nothing decides."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.bars.clocks import DATES, FORMS, check_form, forms_of, joined, parse_clocks
from windrow.errors import UsageError

#: Text, the form that fits it, and when it is.
PLAIN = [
    ("20230103", "%Y%m%d", "2023-01-03"),
    ("2023/01/03", "%Y/%m/%d", "2023-01-03"),
    ("2023.01.03", "%Y.%m.%d", "2023-01-03"),
    ("03-Jan-2023", "%d-%b-%Y", "2023-01-03"),
    ("3-Jan-23", "%d-%b-%y", "2023-01-03"),
    ("3-JAN-69", "%d-%b-%y", "2069-01-03"),
    ("3-JAN-70", "%d-%b-%y", "1970-01-03"),
    ("Jan 03, 2023", "%b %d, %Y", "2023-01-03"),
    ("Jan 1 2010", "%b %d %Y", "2010-01-01"),
    ("03JAN2023", "%d%b%Y", "2023-01-03"),
    ("20230103 093000", "%Y%m%d[T| ]%H%M%S[%z]", "2023-01-03T09:30:00"),
    ("2023-01-03 9:30", "%Y-%m-%d[T| ]%H:%M[:%S[.%f]][%z]", "2023-01-03T09:30:00"),
    ("2020-07-07 07-AM", "%Y-%m-%d %I-%p", "2020-07-07T07:00:00"),
    ("2020-07-07 12-AM", "%Y-%m-%d %I-%p", "2020-07-07T00:00:00"),
    ("2020-07-07 12-PM", "%Y-%m-%d %I-%p", "2020-07-07T12:00:00"),
    ("2023-01-03 09:30:00 UTC", "%Y-%m-%d[T| ]%H:%M[:%S[.%f]][%z]", "2023-01-03T09:30:00"),
    ("2023-01-03 09:30:00 GMT+0200", "%Y-%m-%d[T| ]%H:%M[:%S[.%f]][%z]", "2023-01-03T07:30:00"),
    ("01.02.2023", "%d.%m.%Y", "2023-02-01"),
    ("03.01.2023 00:00:00.125", "%d.%m.%Y[T| ]%H:%M[:%S[.%f]][%z]", "2023-01-03T00:00:00.125"),
    ("13/01/2023", "%d/%m/%Y", "2023-01-13"),
    ("1/31/2023 9:05 PM", "%m/%d/%Y %I:%M[:%S] %p[%z]", "2023-01-31T21:05:00"),
]


@pytest.mark.parametrize(("text", "form", "time"), PLAIN, ids=[text for text, *_ in PLAIN])
def test_a_text_that_only_one_form_fits(text, form, time):
    assert forms_of([text.encode()]) == [form]
    times = parse_clocks(*joined([text.encode()]), form)
    assert times.ok.all() and times.ns[0] == np.datetime64(time, "ns").astype(np.int64)
    assert times.timed[0] == ("T" in time)


@pytest.mark.parametrize(("text", "forms"), [
    ("01/02/2023", ["%d/%m/%Y", "%m/%d/%Y"]),
    ("01-02-2023", ["%d-%m-%Y", "%m-%d-%Y"]),
    ("1/2/23", ["%d/%m/%y", "%m/%d/%y"]),
])  # fmt: skip
def test_what_nothing_decides(text, forms):
    assert forms_of([text.encode()]) == forms


def test_one_value_decides_for_all():
    assert forms_of([b"01/02/2023", b"02/02/2023", b"12/31/2023"]) == ["%m/%d/%Y"]


def test_day_and_month_that_are_the_same_in_all_texts_need_no_decision():
    assert len(forms_of([b"01/01/2023", b"02/02/2023"])) == 1


@pytest.mark.parametrize(
    "text",
    ["2023-13-01", "32/01/2023", "soon", "", "2023-1", "1/2/3", "25:00", "3-Foo-23", "13:00 PM", "2023-01-03 13-AM"],
)
def test_what_is_no_time(text):
    assert forms_of([text.encode()]) == []


def test_rows_of_another_form_are_no_times():
    texts = [b"13/01/2023", b"1/2/2023", b"2023-01-13", b"01.02.2023", b"13/13/2023", b"", b"13/01/2023 10:00"]
    assert parse_clocks(*joined(texts), "%d/%m/%Y").ok.tolist() == [True, True, *[False] * 5]


def test_a_local_time_is_of_its_zone():
    times = parse_clocks(*joined([b"03/01/2023 09:30", b"12/03/2023 02:30"]), "%d/%m/%Y %H:%M", "America/New_York")
    assert times.ok.tolist() == [True, False]  # the second hour of 12 March was skipped
    assert times.ns[0] == np.datetime64("2023-01-03T14:30", "ns").astype(np.int64)


moments = st.datetimes(datetime(1970, 1, 1), datetime(2069, 12, 31)).map(lambda time: time.replace(microsecond=0))


@given(
    st.lists(moments, min_size=1, max_size=30),
    st.sampled_from(DATES),
    st.sampled_from(["", " %H:%M:%S", " %I:%M:%S %p"]),
)
def test_what_strftime_writes_is_read(times, date, clock):
    texts = [time.strftime(date + clock).encode() for time in times]
    right = [time if clock else datetime.combine(time, datetime.min.time()) for time in times]
    read = parse_clocks(*joined(texts), date + clock)
    assert read.ok.all()
    assert read.ns.tolist() == [int(time.replace(tzinfo=UTC).timestamp()) * 10**9 for time in right]
    forms = forms_of(texts)
    assert any((parse_clocks(*joined(texts), form).ns == read.ns).all() for form in forms)


def test_every_form_is_tried_once():
    assert len(set(FORMS)) == len(FORMS)


def test_some_invalid_rows_decide_nothing():
    assert forms_of([b"%d/01/2023" % day for day in range(1, 29)] + [b"soon", b"n/a"]) == ["%d/%m/%Y"]
    assert forms_of([b"13/01/2023", b"01/13/2023"]) == []


@pytest.mark.parametrize(("form", "message"), [
    ("%d/%m/%Q", "%Q is not known; use each of"), ("%d/%m/%Y %d", "%d is there twice"), ("%H:%M", "a time has a year"),
    ("%d/%m/%Y %I:%M", "a time of day has its hour"), ("%d/%m/%Y :%M", "a time of day has its hour"),
    ("%d/%m/%Y[ %H:%M", "a bracket is not closed"), ("", "a time has a year"),
    ("[%d]/%m/%Y", "a time has a year"), ("%d/%m/%Y]", "a bracket is not closed"), ("%d/%m/%Y|x", "a bracket is not"),
])  # fmt: skip
def test_forms_that_no_time_has_are_refused(form, message):
    with pytest.raises(UsageError, match=f"^--time-format {re.escape(repr(form))}: {message}"):
        check_form(form)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_is_found_can_be_asked_for(form):
    check_form(form)
