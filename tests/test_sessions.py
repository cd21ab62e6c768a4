"""Sessions, beside what exchange_calendars and pandas say of single ones."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.errors import InputError, UsageError
from windrow.sessions import Days, Exchange, Hours, Recorded
from windrow.times import DAY

NEW_YORK = "America/New_York"


EARLY = -470_000_000 * 10**9


def ns(text):
    return pd.Timestamp(text, tz="UTC").value


@given(st.integers(0, 25_000), st.sampled_from([NEW_YORK, "Europe/London", "Asia/Hong_Kong", "UTC"]))
def test_hours_are_those_of_the_clock_on_the_wall(day, zone):
    midnight = day * DAY
    found = Hours("09:30-16:00", zone).between(midnight, midnight)
    at = found.days.tolist().index(midnight)
    date = pd.Timestamp(midnight).date()
    for clock, times in (("09:30", found.opens), ("16:00", found.closes)):
        assert times[at] == pd.Timestamp(f"{date} {clock}", tz=zone).value


def test_hours_over_midnight_have_the_day_of_their_close():
    found = Hours("18:00-17:00", NEW_YORK).between(ns("2025-03-10"), ns("2025-03-10"))
    at = found.days.tolist().index(ns("2025-03-10"))
    assert found.opens[at] == ns("2025-03-09T22:00")  # after the clocks went forward that morning
    assert found.closes[at] == ns("2025-03-10T21:00")


def test_an_exchange_has_its_holidays_and_half_days_and_clocks():
    found = Exchange("XNYS").between(ns("2025-10-31"), ns("2025-12-26"))
    by_day = {day: (open_, close) for day, open_, close in zip(*map(np.ndarray.tolist, found), strict=True)}
    assert ns("2025-11-27") not in by_day
    assert by_day[ns("2025-11-28")] == (ns("2025-11-28T14:30"), ns("2025-11-28T18:00"))
    assert by_day[ns("2025-10-31")] == (ns("2025-10-31T13:30"), ns("2025-10-31T20:00"))
    assert by_day[ns("2025-11-03")] == (ns("2025-11-03T14:30"), ns("2025-11-03T21:00"))


def test_an_exchange_is_asked_for_any_years_in_any_order():
    exchange = Exchange("XNYS")
    for year in (2020, 1995, 2030, 2021):
        found = exchange.between(ns(f"{year}-06-01"), ns(f"{year}-06-30"))
        inside = (found.opens >= ns(f"{year}-06-01")) & (found.opens < ns(f"{year}-07-01"))
        assert 19 <= inside.sum() <= 22
    assert found.at(np.array([ns("2020-06-01T13:30"), ns("2020-06-01T13:29:59"), ns("2020-06-01T20:00")]))[
        1:
    ].tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hours("9:30-16"), r"--session 9:30-16: is not two times of day; give HH:MM-HH:MM, e.g. 09:30-16:00"),
        (lambda: Hours("09:30-16:00", "New York"), r"--timezone New York: is not a time zone"),
        (lambda: Exchange("NYSE2"), r"--calendar NYSE2: is not an exchange that exchange_calendars knows"),
        (lambda: Exchange("XHKG").between(EARLY, EARLY), r"--calendar XHKG: is not known from .*or give the hours"),
    ],
)
def test_what_has_no_sessions_is_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_without_the_package_the_cure_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "exchange_calendars", None)
    with pytest.raises(
        UsageError, match=r"needs the package exchange_calendars; install it by: pip install 'windrow\[market\]'"
    ):
        Exchange("XNYS")


def test_hours_up_to_midnight_are_of_the_day_that_they_are_in():
    for hours, opens in (("00:00-00:00", 0), ("18:00-00:00", 18)):
        found = Hours(hours, "Asia/Hong_Kong").between(ns("2025-03-10"), ns("2025-03-10"))
        at = found.days.tolist().index(ns("2025-03-10"))
        midnight = pd.Timestamp("2025-03-10", tz="Asia/Hong_Kong")
        assert found.opens[at] == (midnight + pd.Timedelta(hours=opens)).value
        assert found.closes[at] == (midnight + pd.Timedelta(days=1)).value


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (NEW_YORK, "2025-03-09", 23),
        (NEW_YORK, "2025-11-02", 25),
        ("UTC", "2025-03-09", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # clocks went forward at midnight
        ("America/Sao_Paulo", "2018-02-17", 25),  # and back at midnight
    ],
)
def test_days_are_from_midnight_to_midnight(zone, day, hours):
    found = Days(zone).between(ns(day), ns(day))
    at = found.days.tolist().index(ns(day))
    opens, closes = (pd.Timestamp(int(edges[at]), tz="UTC").tz_convert(zone) for edges in (found.opens, found.closes))
    assert (closes - opens) == pd.Timedelta(hours=hours)
    assert str(opens.date()) == day and (opens - pd.Timedelta(1)).date() < opens.date()
    assert (found.opens[1:] == found.closes[:-1]).all()


def test_what_is_recorded_of_an_exchange_is_what_it_computes():
    exchange = Exchange("XHKG")
    recorded = Recorded.from_json(json.loads(json.dumps(exchange.recorded().to_json())))
    since, until = exchange.bounds
    assert str(pd.Timestamp(since)) == "1960-01-01 00:00:00" and pd.Timestamp(until) > pd.Timestamp.now()
    found, known = recorded.between(since, until), exchange.between(ns("2020-01-01"), ns("2020-12-31"))
    inside = np.isin(known.days, found.days)
    at = np.searchsorted(found.days, known.days[inside])
    for one, other in zip(found, known, strict=True):
        assert (one[at] == other[inside]).all()
    assert ((known.days > ns("2020-01-01")) & (known.days < ns("2020-12-31")))[~inside].sum() == 0
    for time in (since - 1, until + 1):
        with pytest.raises(InputError, match=r"--calendar XHKG: is known from 1960-01-01 to .*, but there is a bar of"):
            recorded.between(time, time)


@given(st.lists(st.tuples(st.integers(-3000, 20_000), st.integers(0, 900)), min_size=1, max_size=6))
def test_whatever_was_asked_for_before_the_sessions_are_the_same(spans):
    """What is known is added to, not computed again."""
    grown = Hours("18:00-17:00", NEW_YORK)
    for begin, days in spans:
        found = grown.between(begin * DAY, (begin + days) * DAY)
        alone = Hours("18:00-17:00", NEW_YORK).between(begin * DAY, (begin + days) * DAY)
        asked = [[begin * DAY <= day <= (begin + days) * DAY for day in one.days] for one in (found, alone)]
        one, other = ([part[at].tolist() for part in kept] for kept, at in zip((found, alone), asked, strict=True))
        assert one == other and len(one[0]) == days + 1
        assert (np.diff(found.days) == DAY).all()


def test_decades_asked_for_year_by_year_are_computed_once(monkeypatch):
    asked, real = [], Hours._sessions
    monkeypatch.setattr(
        Hours, "_sessions", lambda self, since, until: asked.append(until - since) or real(self, since, until)
    )
    hours = Hours("09:30-16:00", NEW_YORK)
    for year in range(40):
        hours.between(year * 365 * DAY, (year + 1) * 365 * DAY)
    assert sum(asked) < 45 * 365 * DAY + 800 * DAY
