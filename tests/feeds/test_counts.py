"""Times as numbers: each count in the unit of its own magnitude, exact to the nanosecond, in text and in Parquet."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.feeds.forms import told_forms
from windrow.feeds.settle import settle

UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
BEGIN, END = (pd.Timestamp(f"{year}-01-01").value for year in (1990, 2100))
NOON = 1_673_524_800  # 2023-01-12T12:00:00Z


def read(path, **how):
    """Times in ns, None for an invalid row; and what is told of the input."""
    reading = Reading(**{"values": ("close",), "symbol": "X", **how})
    settled, _ = settle([str(path)], reading, slot=1)
    layout = settled.inputs[str(path)]
    return [at for part in read_bars(str(path), layout) for at in part.times.tolist()], told_forms(
        {"it": layout}, reading
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("counts")


def text(folder, times, header="time"):
    path = folder / "a.csv"
    path.write_text("\n".join([f"{header},close", *(f"{time},1" for time in times), ""]))
    return path


def parquet(folder, rows_of_group=None, **columns):
    path = folder / "a.parquet"
    frame = pd.DataFrame(columns)
    frame.assign(close=1.0).to_parquet(path, row_group_size=rows_of_group)
    return path


def meant(count):
    """What a count is by its magnitude, by hand; None if it is nothing."""
    for per in UNITS.values():
        if BEGIN <= count * per < END:
            ns = Fraction(count) * per
            return int(ns) if ns.denominator == 1 else None
    day = pd.to_datetime(str(count), format="%Y%m%d", errors="coerce") if count == int(count) else pd.NaT
    return None if pd.isna(day) or not 19000101 <= count <= 21001231 else day.value


instants = st.tuples(st.integers(BEGIN, END - 1), st.sampled_from(list(UNITS.values())))


@given(st.lists(instants, min_size=1, max_size=20), st.randoms())
def test_each_count_is_read_in_its_own_unit(folder, moments, chance):
    """As whole numbers, with fractions to the nanosecond, and with an exponent."""
    written = []
    for ns, per in moments:
        exact = Decimal(ns) / per
        short = f"{exact:.18e}".replace("e+", chance.choice(["e", "E+", "e+"]))
        written.append(chance.choice([f"{exact:f}", short]))
    times, told = read(text(folder, written))
    assert times == [ns for ns, _ in moments] and "since 1970" in told[0]


def test_what_is_finer_than_a_nanosecond_is_an_invalid_row(folder):
    kept = [f"{NOON}.123456789", f"{NOON}.1234567890", f"{NOON}123.000001", f"{NOON}123456789.0"]
    finer = [f"{NOON}.1234567891", f"{NOON}123.0000001", f"{NOON}123456789.5", "20230112.5"]
    times, _ = read(text(folder, [*finer, *kept, *range(NOON, NOON + 9)]))
    assert times[:4] == [NOON * 10**9 + more for more in (123456789, 123456789, 123000001, 123456789)]
    assert len(times) == 4 + 9


numbers = st.one_of(instants.map(lambda one: one[0] // one[1]), st.integers(0, 2**63 - 1))
no_dates = numbers.filter(lambda number: not 19000101 <= number <= 21001231)


@given(st.lists(no_dates, max_size=20))
def test_a_number_of_no_unit_is_an_invalid_row(folder, counts):
    counts = [NOON, *counts, *range(NOON + 1, NOON + 1 + len(counts))]  # more than half are counts
    right = [meant(count) for count in counts]
    for path in (text(folder, counts), parquet(folder, time=np.array(counts))):
        times, _ = read(path)
        assert times == [time for time in right if time is not None]


@pytest.mark.parametrize(("units", "told"), [
    (("s",), "times are seconds since 1970"),
    (("ms", "us"), "times are milliseconds and microseconds since 1970, by their magnitude"),
    (("s", "ns"), "times are seconds and nanoseconds since 1970, by their magnitude"),
])  # fmt: skip
def test_what_is_mixed_is_told_once(folder, units, told):
    counts = [NOON * 10**9 // UNITS[unit] for unit in units] * 3
    for path in (text(folder, counts), parquet(folder, time=counts), parquet(folder, time=list(map(str, counts)))):
        assert read(path) == ([NOON * 10**9] * len(counts), [f"it: {told}"])


def test_a_column_of_floats_is_what_its_shortest_decimals_are(folder):
    """pandas makes floats of integers beside a missing value."""
    floats = [1_673_524_800.123, 1_673_524_800_123.0, 1.673_524_800_123e15, 1.673_524_800_123e18, float("nan")]
    times, _ = read(parquet(folder, time=floats))
    assert times == [NOON * 10**9 + 123 * 10**6] * 4
    assert read(text(folder, [20230112.0, "20230113.0"]))[0] == [
        pd.Timestamp(f"2023-01-{day}").value for day in (12, 13)
    ]
    assert read(parquet(folder, time=[20230112.0, 20230113.0]))[1] == ["it: times are dates like 20230103"]


def test_dates_and_times_of_day_in_one_column_are_refused(folder):
    for path in (text(folder, [NOON, NOON, 20230112]), parquet(folder, time=[NOON, NOON, 20230112])):
        with pytest.raises(InputError, match="contains times of day, but also a date alone: 2023-01-12"):
            read(path)


DAYS = ["2023-01-13T09:30:00", "2023-02-01T16:00:00"]


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%b-%y %H:%M:%S", "%b %d, %Y %I:%M %p",
                                  "%Y%m%d %H%M%S", "%d.%m.%Y %H:%M"])  # fmt: skip
def test_texts_of_parquet_have_all_forms(folder, form):
    moments = pd.to_datetime(pd.Series(DAYS))
    times, told = read(parquet(folder, time=moments.dt.strftime(form)))
    assert times == [moment.value for moment in moments] and "times as" in told[0]
    date, _, clock = form.rpartition(" ") if "%p" not in form else (form, "", "")
    if clock:
        joined = parquet(folder, date=moments.dt.strftime(date), time=moments.dt.strftime(clock))
        assert read(joined)[0] == times


def test_another_row_group_tells_day_and_month_apart(folder):
    texts = [*["01/02/2023"] * 4000, *["13/02/2023"] * 10]
    times, _ = read(parquet(folder, 4000, time=texts))
    assert times[0] == pd.Timestamp("2023-02-01").value and len(times) == len(texts)
    with pytest.raises(
        InputError, match="day and month cannot be told apart in the 2,000 rows sampled; give --time-fo"
    ):
        read(parquet(folder, 4000, time=texts[:4000]))
    assert read(parquet(folder, time=texts[:9]), time_format="%m/%d/%Y")[0] == [pd.Timestamp("2023-01-02").value] * 9


def test_milliseconds_since_midnight_beside_a_date(folder):
    """As Lean has them; in a form of numbers that is none of a time of day."""
    expected = [pd.Timestamp(f"2023-01-12 {at}").value for at in ("00:00", "09:30:00.5", "23:59:59.999")]
    counts = [0, 34_200_500, 86_399_999]
    rows = text(folder, [f"2023-01-12,{count}" for count in counts], "date,time")
    assert read(rows) == (
        expected,
        ["it: times as yyyy-mm-dd milliseconds since midnight, times joined from date and time"],
    )
    assert read(parquet(folder, date=[20230112] * 3, time=counts))[0] == expected
    assert read(text(folder, [f"20230112,{count}" for count in (0, 86_400_000, 9)], "date,time"),
                time_format="%Y%m%d %o")[0] == [expected[0], expected[0] + 9 * 10**6]  # fmt: skip


def test_six_digits_beside_a_date_are_hours_minutes_and_seconds(folder):
    rows = text(folder, ["20230112,100000", "20230112,110000"], "date,time")
    assert read(rows)[0] == [pd.Timestamp(f"2023-01-12 {hour}:00").value for hour in (10, 11)]


@pytest.mark.parametrize(("form", "at"), [("%t", "03:42:00"), ("%O", "09:30:00"), ("%o", "00:00:34.2")])
def test_other_numbers_beside_a_date_are_refused_where_they_are_open(folder, form, at):
    for path in (text(folder, ["20230112,34200"], "date,time"), parquet(folder, date=[20230112], time=[34200])):
        with pytest.raises(InputError, match=f"'34200' in column 'time': may be .* '%Y%m%d {form}'"):
            read(path)
        assert read(path, time_format=f"%Y%m%d {form}")[0] == [pd.Timestamp(f"2023-01-12 {at}").value]
