"""Larger bars, beside a plain loop over bars in fractions; pushes cut anywhere."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sort_keys.merge import Stretch
from windrow.errors import InputError, UsageError
from windrow.sessions import Days, Hours, Recorded, Sessions
from windrow.times import DAY, EARLIEST, LATEST
from windrow.windows.periods import Span, parse_span
from windrow.windows.resample import Resampler, Resampling

MINUTE, HOUR = 60 * 10**9, 3600 * 10**9
NAMES = ("open", "high", "low", "close", "volume", "vwap", "mean_close", "sum_high", "bars")
COLUMNS = ("open", "high", "low", "close", "volume")
EPOCH = date(1970, 1, 1)

prices = st.one_of(st.integers(1, 10**6).map(lambda cents: cents / 100), st.floats(1e-9, 1e9))
rows = st.tuples(*[prices] * 4, st.one_of(st.integers(0, 10**8).map(float), st.just(0.0), st.just(0.1)))
#: Distances between bars, of minutes mostly, with gaps.
steps = st.one_of(st.just(MINUTE), st.integers(1, 5 * HOUR), st.sampled_from([DAY, 3 * DAY, 12 * HOUR]))


@st.composite
def bars(draw):
    """Some symbols' bars, in order, and where to cut them into stretches."""
    found = []
    for symbol in (b"A", b"B%09", b"C")[: draw(st.integers(1, 3))]:
        time = draw(st.integers(1_730_000_000, 1_740_000_000)) * 10**9  # across a change of clocks
        for step, row in draw(st.lists(st.tuples(steps, rows), min_size=1, max_size=12)):
            time += step
            found.append((symbol, time, *row))
    return found, sorted(draw(st.sets(st.integers(1, len(found)), max_size=8)))


def stretches_of(found, cuts):
    """Stretches as the merge makes them."""
    last = None
    for begin, end in zip([0, *cuts], [*cuts, len(found)], strict=True):
        part = found[begin:end]
        if part:
            symbols = list(dict.fromkeys(row[0] for row in part))
            starts = [next(i for i, row in enumerate(part) if row[0] == symbol) for symbol in symbols]
            times, *values = (np.array(column) for column in zip(*(row[1:] for row in part), strict=True))
            yield Stretch(symbols, np.array(starts), symbols[0] == last, times, values)
            last = symbols[-1]


def rows_of(stretches):
    """Each larger bar's symbol, label and values; what a stretch continues is told rightly."""
    found, last = [], None
    for stretch in stretches:
        assert stretch.continued == (stretch.symbols[0] == last) and stretch.starts[0] == 0
        ends = np.append(stretch.starts[1:], len(stretch.times))
        assert (ends > stretch.starts).all()
        for symbol, start, end in zip(stretch.symbols, stretch.starts, ends, strict=True):
            for at in range(start, end):
                found.append((symbol, int(stretch.times[at]), *(float(column[at]) for column in stretch.values)))
        last = stretch.symbols[-1]
    return found


def midnight(day):
    return (day - EPOCH).days * DAY


def begin_of(time, span, zone, hours):
    """The begin and the end of a bar's span, or its first and last day; None outside of sessions. School arithmetic."""
    local = datetime.fromtimestamp(time // 10**9, UTC).astimezone(ZoneInfo(zone))
    day = local.date()
    opens = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=hours[0])
    closes = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=hours[1])
    opens, closes = (int(one.timestamp()) * 10**9 for one in (opens, closes))
    if not opens <= time < closes:
        return None
    if span.ns is not None:
        begin = opens + (time - opens) // span.ns * span.ns
        return begin, min(begin + span.ns, closes)
    if span.unit == "mo":
        first = day.replace(day=1, month=(day.month - 1) // span.number * span.number + 1)
        months = first.year * 12 + first.month - 1 + span.number
        return midnight(first), midnight(date(months // 12, months % 12 + 1, 1)) - DAY
    first = day - timedelta(days=day.weekday()) if span.unit == "w" else day
    return midnight(first), midnight(first) + (6 * DAY if span.unit == "w" else 0)


def exact(value):
    return Fraction(repr(value))


def larger(found, span, zone, hours, label):
    """The larger bars of bars, one by one."""
    groups = defaultdict(list)
    for symbol, time, *row in found:
        if (its := begin_of(time, span, zone, hours)) is not None:
            groups[symbol, its].append(row)
    for (symbol, ends), its in groups.items():
        opens, highs, lows, closes, volumes = zip(*its, strict=True)
        volume = sum(map(exact, volumes))
        traded = sum((exact(h) + exact(lo) + exact(c)) / 3 * exact(v) for _, h, lo, c, v in its)
        yield (
            *(symbol, ends[label == "right"], opens[0], max(highs), min(lows), closes[-1], float(volume)),
            float(traded / volume) if volume else None,
            *(float(sum(map(exact, closes)) / len(its)), float(sum(map(exact, highs))), float(len(its))),
        )


@given(
    bars(),
    st.sampled_from(["1min", "7min", "1h", "5h", "1d", "1w", "1mo", "3mo"]),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    st.sampled_from([(0, 24), (9, 16)]),
    st.sampled_from(["left", "right"]),
)
def test_larger_bars_are_those_of_a_plain_loop_whatever_the_pushes(drawn, text, zone, hours, label):
    found, cuts = drawn
    span = parse_span(text)
    trading = None if zone == "UTC" else Days(zone)
    if hours != (0, 24):
        trading = Hours(f"{hours[0]:02}:00-{hours[1]:02}:00", zone)
    resampler = Resampler(Resampling(span, NAMES, label), trading, whole=False)
    expected = list(larger(found, span, zone, hours, label))
    rows = rows_of(resampler.stretches(stretches_of(found, cuts)))
    assert [tuple(None if value != value else value for value in row) for row in rows] == expected
    counts = resampler.counts
    assert counts.bars == len(found) and counts.larger == len(rows)
    assert counts.outside == len(found) - sum(row[-1] for row in rows)
    complete = [row for row in expected if None not in row]
    assert rows_of(Resampler(Resampling(span, NAMES, label), trading).stretches(stretches_of(found, cuts))) == complete


def resampled(times, values, text, trading=None, dated=False, **how):
    one = Stretch([b"A"], np.array([0]), False, np.array(times), [np.array(values, float)])
    resampler = Resampler(Resampling(parse_span(text), ("close",), **how), trading, dated)
    return [(time, value) for _, time, value in rows_of(resampler.stretches([one]))]


def test_where_bars_have_the_times_of_their_ends_spans_hold_their_end():
    #  bars   09:59-10:00  10:00-10:01 | 10:01-10:02
    times = [10 * HOUR, 10 * HOUR + MINUTE, 10 * HOUR + 2 * MINUTE]
    assert resampled(times, [1, 2, 3], "1h") == [(10 * HOUR, 3.0)]
    assert resampled(times, [1, 2, 3], "1h", closed="right") == [(9 * HOUR, 1.0), (10 * HOUR, 3.0)]
    assert resampled(times[:1], [1], "1h", closed="right", label="right") == [(10 * HOUR, 1.0)]
    assert resampled([DAY], [1], "1d", closed="right") == [(0, 1.0)]


def test_dates_are_the_days_of_sessions():
    sessions = Sessions(np.array([DAY, 3 * DAY]), np.array([DAY, 3 * DAY]) + HOUR, np.array([DAY, 3 * DAY]) + 2 * HOUR)
    trading = Recorded("XNYS", sessions, 0, 9 * DAY)
    days = [DAY, 2 * DAY, 3 * DAY]
    assert resampled(days, [1, 2, 3], "1d", trading, dated=True) == [(DAY, 1.0), (3 * DAY, 3.0)]
    with pytest.raises(
        InputError, match=r"--calendar XNYS: is known from 1970-01-01 to 1970-01-10, but there is a bar of"
    ):
        resampled([20 * DAY], [1], "1d", trading, dated=True)


def test_days_and_weeks_are_counted_from_1970_and_from_a_monday():
    days = np.arange(14) * DAY  # from a Thursday
    assert [time // DAY for time, _ in resampled(days, range(14), "2d")] == [0, 2, 4, 6, 8, 10, 12]
    assert [time // DAY for time, _ in resampled(days, range(14), "1w")] == [-3, 4, 11]
    assert [time // DAY for time, _ in resampled(days, range(14), "2w", label="right")] == [10, 24]
    assert [time // DAY for time, _ in resampled(-days[:0:-1], range(13), "12mo")] == [-365]


@pytest.mark.parametrize("text", ["1200mo", "36525d", "5218w", "7mo"])
def test_spans_of_the_first_and_last_days_hold_them_and_stay_in_order(text):
    """None begins before the first day of all times, nor ends after the last: that would be past int64."""
    days = np.concatenate([np.arange(EARLIEST // DAY, -100_000), np.arange(90_000, LATEST // DAY + 1)]) * DAY
    first, last = parse_span(text).days(days)
    assert (first <= days).all() and (days <= last).all()
    assert (first[1:] >= first[:-1]).all() and (last[1:] >= last[:-1]).all()


def test_values_that_kernels_do_not_take_are_refused_and_no_others():
    many = Stretch([b"A%25"], np.array([0]), False, np.arange(3) * MINUTE, [np.full(3, 4e14)])
    how = Resampling(Span(1, "d"), ("sum_shares",))
    with pytest.raises(
        InputError, match=r"--resample 1d: sum_shares of A% at 1970-01-01 is 1200000000000000.0: .* --scale shares=1e-3"
    ):
        list(Resampler(how).stretches([many]))
    assert rows_of(Resampler(how, whole=False).stretches([many])) == [(b"A%25", 0, 1.2e15)]


@pytest.mark.parametrize("text", ["", "0d", "5", "d", "1y", "1.5h", "-1d", "1M", "24h", "1440min", "86400s"])
def test_other_texts_are_no_spans(text):
    with pytest.raises(UsageError, match=rf"--resample {text}: .*give (one, e.g. 5min|1d, or a number of d)"):
        parse_span(text)


@pytest.mark.parametrize("name", ["typical", "mean", "mean_", "median_close", ""])
def test_other_names_are_no_values(name):
    with pytest.raises(
        UsageError, match=rf"--resample: what the {name} of a larger bar is, is not known; .*last_{name}"
    ):
        Resampling(Span(1, "d"), (name,))


def test_a_month_of_ticks_is_held_as_one_bar():
    """What is carried does not grow with the bars of a span; its sum is exact to the last of them."""
    values = np.tile([0.1, 0.2, 1e15, 1e-15], 1 << 13)
    resampler = Resampler(Resampling(Span(1, "mo"), ("mean_close", "bars")), whole=False)
    pushes, held = 20, set()

    def ticks():
        for push in range(pushes):
            times = push * 10**12 + np.arange(len(values))
            yield Stretch([b"A"], np.array([0]), push > 0, times, [values])
            kept = resampler._open.parts[0][0]
            held.add(len(resampler._open.parts))
            assert kept.numerator.bit_length() < 160

    ((_, _, mean, count),) = rows_of(resampler.stretches(ticks()))
    assert count == pushes * len(values) and held == {2}
    assert mean == float((Fraction("0.3") + 10**15 + Fraction(1, 10**15)) / 4)


def test_a_last_span_ends_with_its_session():
    #  session 09:00-16:00 of 3h: 09, 12, and 15 to 16
    times = np.array([9, 12, 15]) * HOUR + MINUTE
    found = resampled(times, [1, 2, 3], "3h", Hours("09:00-16:00"), label="right")
    assert found == [(12 * HOUR, 1.0), (15 * HOUR, 2.0), (16 * HOUR, 3.0)]
    assert resampled([23 * HOUR], [1], "5h", label="right") == [(DAY, 1.0)]


def test_symbols_whose_stretches_meet_in_one_span_stay_apart():
    one, other = (
        Stretch([name], np.array([0]), False, np.array([MINUTE]), [np.array([price])])
        for name, price in ((b"A", 1.0), (b"B", 2.0))
    )
    resampler = Resampler(Resampling(Span(1, "d"), ("close", "bars")))
    assert rows_of(resampler.stretches([one, other])) == [(b"A", 0, 1.0, 1.0), (b"B", 0, 2.0, 1.0)]
