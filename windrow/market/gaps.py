"""Bars that are missing: those that an exchange's sessions would have, and a source did not give."""

from typing import NamedTuple

import numpy as np

from windrow.arrays import Ints, Mask
from windrow.sessions import Sessions, Trading
from windrow.times import DAY


class Gaps(NamedTuple):
    """How many bars are missing of how many, in how many sessions; and the longest run of them, ns UTC."""

    missing: int
    expected: int
    sessions: int
    longest: int
    since: int
    until: int


def grid(trading: Trading, since: int, until: int, interval: int) -> tuple[Ints, Ints]:
    """Times of bars in sessions from `since` on, before `until`, and the day of each; ns UTC.

    A bar's time is its begin; the last of a session may be short. Bars of a day or more have their session's date.

    >>> from windrow.sessions import Hours
    >>> times, days = grid(Hours("09:30-09:33"), 0, DAY, 60 * 10**9)
    >>> ((times - 34_200 * 10**9) // 10**9).tolist(), days.tolist()
    ([0, 60, 120], [0, 0, 0])
    """
    every = trading.between(since, until)
    # A session's day may be the one after its open.
    near = (every.closes >= since - DAY) & (every.opens < until + DAY)
    sessions = Sessions(*(column[near] for column in every))
    if interval >= DAY:
        inside = (sessions.days >= since) & (sessions.days < until)
        return sessions.days[inside], sessions.days[inside]
    counts = -(-(sessions.closes - sessions.opens) // interval)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    times = np.repeat(sessions.opens, counts) + (np.arange(int(counts.sum())) - first) * interval
    days = np.repeat(sessions.days, counts)
    inside = (times >= since) & (times < until)
    return times[inside], days[inside]


def ended(trading: Trading | None, times: Ints, interval: int, now: int) -> Mask:
    """Which bars are over: those an interval ago, or whose session is; days end at midnight UTC.

    Yahoo's hours of New York begin at 09:30, and the last of a session, half an hour, ends with it.

    >>> from windrow.sessions import Hours
    >>> half_past = np.array([14, 15]) * 3600 * 10**9 + 1800 * 10**9
    >>> ended(Hours("09:30-16:00"), half_past, 3600 * 10**9, 16 * 3600 * 10**9).tolist()
    [True, True]
    >>> ended(Hours("09:30-16:00"), half_past, 3600 * 10**9, 16 * 3600 * 10**9 - 1).tolist()
    [True, False]
    """
    over = times + interval <= now
    late = times[~over]
    if trading is None or interval >= DAY or not len(late):
        return over
    sessions = trading.between(int(late.min()), int(late.max()))
    at = sessions.at(late)
    over[~over] = (at >= 0) & (sessions.closes[np.maximum(at, 0)] <= now)
    return over


def gaps(found: Ints, expected: Ints, days: Ints) -> Gaps | None:
    """What of `expected`, as `grid` gives them, is not in `found`, both in order; None where nothing is missing.

    >>> gaps(np.array([10, 40]), np.array([10, 20, 30, 40, 50]), np.array([0, 0, 0, 0, 1]))
    Gaps(missing=3, expected=5, sessions=2, longest=2, since=20, until=30)
    """
    if len(found) >= len(expected) and np.array_equal(found[: len(expected)], expected):
        return None
    at = np.minimum(np.searchsorted(found, expected), len(found) - 1)
    missing = found[at] != expected if len(found) else np.ones(len(expected), bool)
    if not missing.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    widest = int(np.argmax(ends - begins))
    return Gaps(
        int(missing.sum()),
        len(expected),
        len(np.unique(days[missing])),
        int(ends[widest] - begins[widest]),
        int(expected[begins[widest]]),
        int(expected[ends[widest] - 1]),
    )
