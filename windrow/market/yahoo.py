"""The source `yfinance`: Yahoo's prices by the package yfinance, raw ones and adjusted closes apart.

Yahoo has no adjusted closes of bars shorter than a day: they are the close times the day's adjusted close / close, by
its daily bars. Its prices are float32 in the coat of float64, as 229.8699951171875: each becomes the shortest decimal
that is the same float32, 229.87.

Limits: bars of a minute for 30 days, 7 of them a request; others for 60 or 730 days; a request a second here.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import InputError, UsageError
from windrow.market.sources import Fetched, TryLaterError
from windrow.times import DAY, EARLIEST, SECOND, format_duration

#: Seconds between requests, and those to wait where Yahoo says that they are too many.
PACE, TOO_MANY = 1.0, 60.0
_COLUMNS = {
    "open": "Open", "high": "High", "low": "Low", "close": "Close", "adj_close": "Adj Close", "volume": "Volume",
}  # fmt: skip


class _Limit(NamedTuple):
    """Yahoo's name of an interval, for how long it keeps such bars, and how much it gives at once, in ns."""

    name: str
    kept: int | None
    at_once: int


_MINUTE = 60 * SECOND
_LIMITS = {
    _MINUTE: _Limit("1m", 30 * DAY, 7 * DAY),
    2 * _MINUTE: _Limit("2m", 60 * DAY, 60 * DAY),
    5 * _MINUTE: _Limit("5m", 60 * DAY, 60 * DAY),
    15 * _MINUTE: _Limit("15m", 60 * DAY, 60 * DAY),
    30 * _MINUTE: _Limit("30m", 60 * DAY, 60 * DAY),
    60 * _MINUTE: _Limit("1h", 730 * DAY, 730 * DAY),
    DAY: _Limit("1d", None, 36_525 * DAY),
}
#: How much later than its limit Yahoo is asked: it counts to the second, by its own clock, when a request is there.
_LATER = _MINUTE
#: A share of a class, BRK.B, is BRK-B to Yahoo, to which what follows a dot is an exchange.
_CLASS = re.compile(r"([A-Z]+)\.([AB])")
#: Any other character would ask Yahoo's server for something else than the prices of a symbol.
_NAME = re.compile(r"[A-Z0-9^=&.-]+")


#: What Yahoo says where it has no bars, in part.
_NONE = ("delisted", "doesn't exist", "no data found")
_NOT_FOUND = 404


class _NoBars(Exception):  # noqa: N818  no error
    """Yahoo has no bars."""


@dataclass
class Yahoo:
    """Yahoo's prices. Raises UsageError for an interval that Yahoo has not, or without the package yfinance.

    >>> yahoo_name("brk.b"), yahoo_name("VOD.L")
    ('BRK-B', 'VOD.L')
    """

    interval: int
    name: str = "yfinance"
    now: Callable[[], int] = time.time_ns
    pause: Callable[[float], None] = time.sleep
    _asked: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.interval not in _LIMITS:
            known = ", ".join(format_duration(one) for one in _LIMITS)
            raise UsageError(
                f"--interval {format_duration(self.interval)}: Yahoo has no such bars; give one of {known}"
            )
        _yfinance()

    def reach(self, now: int) -> int:
        """For how long Yahoo keeps bars."""
        kept = _LIMITS[self.interval].kept
        return EARLIEST if kept is None else now - kept

    def fetch(self, symbol: str, since: int, until: int) -> Fetched:
        """The symbol's bars; waits a second between requests. What Yahoo has dropped by now is left out."""
        since = max(since, self.reach(self.now()) + _LATER)
        ticker = _yfinance().Ticker(yahoo_name(symbol))
        parts = [
            self._request(symbol, ticker, self.interval, begin, end) for begin, end in self._requests(since, until)
        ]
        times = np.concatenate([part.times for part in parts] or [np.zeros(0, np.int64)])
        values = {name: np.concatenate([part.values[name] for part in parts] or [np.zeros(0)]) for name in _COLUMNS}
        if self.interval < DAY and len(times):
            daily = self._request(symbol, ticker, DAY, since - 7 * DAY, until + DAY)
            values["adj_close"] = _adjusted(times, values["close"], daily)
        # While an exchange is open, Yahoo adds a row of now, at the second of the last trade.
        whole = (times >= since) & (times < until) & (times % _MINUTE == 0)
        return Fetched(symbol, times, values).where(whole & ~np.isnan(values["close"]))

    def _requests(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        at_once = _LIMITS[self.interval].at_once
        for begin in range(since, until, at_once):
            yield begin, min(begin + at_once, until)

    def _request(self, symbol: str, ticker: Any, interval: int, since: int, until: int) -> Fetched:
        self.pause(max(0.0, self._asked + PACE - time.monotonic()))
        self._asked = time.monotonic()
        try:
            with _answers(symbol):
                frame = ticker.history(
                    start=_moment(since), end=_moment(until), interval=_LIMITS[interval].name, auto_adjust=False,
                    actions=False, prepost=False, keepna=False,
                )  # fmt: skip
        except _NoBars:
            return _none(symbol)
        return _bars(symbol, frame, interval)


def yahoo_name(symbol: str) -> str:
    """What Yahoo calls a symbol, in capitals."""
    name = symbol.upper()
    return _CLASS.sub(r"\1-\2", name) if _CLASS.fullmatch(name) else name


def refuse_names(symbols: Sequence[str]) -> None:
    """Raises InputError where a symbol cannot be one of Yahoo's, or two of them are one to Yahoo."""
    names: dict[str, str] = {}
    for symbol in symbols:
        name = yahoo_name(symbol)
        if not _NAME.fullmatch(name):
            raise InputError(
                f"--universe: {symbol} is no symbol of Yahoo's, which are of letters, digits and ^ = & . - alone, as"
                " BRK-B or VOD.L; write it as Yahoo does, or leave it out"
            )
        if name in names:
            raise InputError(
                f"--universe: {names[name]} and {symbol} are both {name} to Yahoo, and its bars would be there twice;"
                " leave one of them out"
            )
        names[name] = symbol


def _yfinance() -> Any:
    try:
        import yfinance
    except ImportError:
        raise UsageError(
            "--source yfinance: needs the package yfinance; install it by: pip install 'windrow[market]'"
        ) from None
    yfinance.config.debug.hide_exceptions = False  # an answer that failed would be an empty one
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it logs is told, once, by whoever collects
    return yfinance


@contextmanager
def _answers(symbol: str) -> Iterator[None]:
    """Raises what yfinance raises in this block as an error of ours; _NoBars where Yahoo says that it has none."""
    from yfinance.exceptions import YFPricesMissingError, YFRateLimitError, YFTickerMissingError

    try:
        yield
    except YFRateLimitError:
        raise TryLaterError(f"{symbol}: Yahoo says that these are too many requests; wait an hour", TOO_MANY) from None
    except YFTickerMissingError as error:
        why = error.yahoo_reason if isinstance(error, YFPricesMissingError) else None
        if why and not any(word in why.lower() for word in _NONE):
            raise InputError(f"{symbol}: Yahoo refuses: {why}; ask for other times by --last, or --from") from None
        raise _NoBars from None
    except Exception as error:  # of many packages: HTTP, JSON, pandas
        if getattr(getattr(error, "response", None), "status_code", 0) == _NOT_FOUND:
            raise _NoBars from None
        raise TryLaterError(
            f"{symbol}: Yahoo gives no answer that can be read ({type(error).__name__}: {str(error)[:200]}); check the"
            " network, and try later"
        ) from error


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // SECOND, UTC)


def _bars(symbol: str, frame: Any, interval: int) -> Fetched:
    """A frame of yfinance's as bars; those of a day at the midnight of their date."""
    if missing := [name for name in _COLUMNS.values() if name not in frame.columns]:
        raise InputError(f"{symbol}: yfinance's answer has no {', '.join(missing)}; update yfinance, or take another")
    index = frame.index.tz_localize(None) if interval >= DAY else frame.index.tz_convert("UTC").tz_localize(None)
    times = np.asarray(index.as_unit("ns").asi8, np.int64)
    values = {name: frame[column].to_numpy(np.float64, na_value=np.nan) for name, column in _COLUMNS.items()}
    rounded = {name: column if name == "volume" else shortened(column) for name, column in values.items()}
    order = np.argsort(times, kind="stable")
    return Fetched(symbol, times[order], {name: column[order] for name, column in rounded.items()})


def _none(symbol: str) -> Fetched:
    return Fetched(symbol, np.zeros(0, np.int64), {name: np.zeros(0) for name in _COLUMNS})


def shortened(values: Floats) -> Floats:
    """Values that are float32 become the shortest decimals that are the same float32; others stay.

    >>> shortened(np.array([229.8699951171875, 0.1, np.nan])).tolist()
    [229.87, 0.1, nan]
    """
    singles = values.astype(np.float32)
    short = singles.astype(str).astype(np.float64)
    return np.where(singles.astype(np.float64) == values, short, values)


def _adjusted(times: Ints, close: Floats, daily: Fetched) -> Floats:
    """Adjusted closes of bars within days, by those of the days; NaN for a day that Yahoo does not have.

    The exchange's date is that of the last daily bar at or before a bar, in UTC: sessions that begin before midnight
    UTC would be a day off, and their bars take the factor of the day before, which differs on a day ex dividend.
    """
    at = np.searchsorted(daily.times, times, side="right") - 1
    with np.errstate(all="ignore"):
        factors = daily.values["adj_close"] / daily.values["close"]
    known = at >= 0
    adjusted = np.round(close * np.where(known, factors[np.maximum(at, 0)] if len(factors) else 1.0, np.nan), 6)
    return np.where(known & (factors[np.maximum(at, 0)] == 1.0) if len(factors) else False, close, adjusted)
