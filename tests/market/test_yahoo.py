"""Yahoo's prices as yfinance reads them, from answers in the form that Yahoo gives; nothing goes over the network."""

import json
import sqlite3
import sys
from functools import partial
from itertools import count
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.market.test_collector import FRIDAY_END, MONDAY
from windrow import cli
from windrow.errors import InputError, UsageError
from windrow.market.gaps import grid
from windrow.market.sources import TryLaterError
from windrow.market.yahoo import Yahoo
from windrow.sessions import Exchange
from windrow.times import DAY, SECOND

pytestmark = pytest.mark.needs("yfinance")
MINUTE = 60 * SECOND
NEW_YORK = Exchange("XNYS")
OPEN = 14 * 3600 * SECOND + 30 * MINUTE  # in winter


class Answer:
    """What Yahoo answers, as curl_cffi has it."""

    def __init__(self, body, status=200, url="https://query2.finance.yahoo.com/"):
        self.status_code, self.url = status, url
        self.text = body if isinstance(body, str) else json.dumps(body)
        self.content, self.headers, self.cookies = self.text.encode(), {}, {}

    def json(self):
        return json.loads(self.text)

    def raise_for_status(self):
        from curl_cffi.requests.exceptions import HTTPError

        if self.status_code >= 400:
            raise HTTPError(f"HTTP Error {self.status_code}: ", 0, self)


def meta(symbol, interval):
    begin = (MONDAY + OPEN) // SECOND
    period = {"timezone": "EST", "start": begin, "end": begin + 23_400, "gmtoffset": -18_000}
    return {
        "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "fullExchangeName": "NasdaqGS",
        "instrumentType": "EQUITY", "firstTradeDate": 345_479_400, "regularMarketTime": begin + 23_400,
        "hasPrePostMarketData": True, "gmtoffset": -18_000, "timezone": "EST",
        "exchangeTimezoneName": "America/New_York", "regularMarketPrice": 229.87, "priceHint": 2, "scale": 3,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
        "tradingPeriods": [[{**period, "start": begin + day * 86_400, "end": begin + day * 86_400 + 23_400}]
                           for day in (0, 1, 2, 4)],
        "dataGranularity": interval, "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }  # fmt: skip


def chart(symbol, interval, times, quote, adjusted=None):
    indicators = {"quote": [quote]}
    if adjusted is not None:
        indicators["adjclose"] = [{"adjclose": adjusted}]
    result = {"meta": meta(symbol, interval), "timestamp": times, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


def singles(values):
    """As Yahoo prints prices: float32, written as float64."""
    return [None if value is None else float(np.float32(value)) for value in values]


class Yahoos:
    """The exchange's minutes and days of AAPL and BRK-B in the week of Thanksgiving 2025; ex dividend on Wednesday."""

    def __init__(self):
        self.asked, self.failing = [], []
        self.times, _ = grid(NEW_YORK, MONDAY, FRIDAY_END, MINUTE)
        self.close = np.round(229.87 + 0.01 * (np.arange(len(self.times)) % 500), 2)
        self.missing = {17}

    def answer(self, url, params):
        where = urlsplit(url)
        if not where.path.startswith("/v8/finance/chart/"):
            return Answer("crumb" if "getcrumb" in where.path else "{}", 200 if "getcrumb" in where.path else 404)
        symbol, params = where.path.rpartition("/")[2], params or {}
        self.asked.append((symbol, params.get("interval"), params.get("period1"), params.get("period2")))
        if symbol not in ("AAPL", "BRK-B"):
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Answer({"chart": {"result": None, "error": error}}, 404)
        if "period1" not in params:
            return Answer(chart(symbol, "1d", [MONDAY // SECOND], {name: [1.0] for name in QUOTES}))
        if self.failing:
            return self.failing.pop(0)
        since, until = params["period1"] * SECOND, params["period2"] * SECOND
        return Answer(self.days(symbol) if params["interval"] == "1d" else self.minutes(symbol, since, until))

    def minutes(self, symbol, since, until):
        rows = [row for row, time in enumerate(self.times.tolist()) if since <= time < until]
        close = [None if row in self.missing else self.close[row] for row in rows]
        prices = singles(close)
        volume = [None if row in self.missing else 100 + row for row in rows]
        quote = dict.fromkeys(("open", "high", "low", "close"), prices) | {"volume": volume}
        return chart(symbol, "1m", [int(self.times[row]) // SECOND for row in rows], quote)

    def days(self, symbol):
        times = [(MONDAY + OPEN) // SECOND + day * 86_400 for day in (-3, 0, 1, 2, 4)]
        close, adjusted = [200.0] * 5, [199.0, 199.0, 199.0, 200.0, 200.0]
        quote = dict.fromkeys(("open", "high", "low", "close"), close) | {"volume": [1] * 5}
        return chart(symbol, "1d", times, quote, adjusted)


QUOTES = ("open", "high", "low", "close", "volume")


@pytest.fixture
def yahoos(monkeypatch, tmp_path):
    """Yahoo, in place of the session's requests; its caches are the test's."""
    import yfinance
    from yfinance.data import YfData

    place = Yahoos()
    monkeypatch.setattr(
        type(YfData()._session), "get", lambda self, url, params=None, **_: place.answer(url, params), raising=True
    )
    yfinance.set_tz_cache_location(str(tmp_path))
    YfData.cache_get.cache_clear()
    return place


@pytest.fixture
def source(yahoos):
    pauses = []
    made = Yahoo(MINUTE, now=lambda: FRIDAY_END + DAY, pause=pauses.append)
    made.pauses = pauses
    return made


def test_raw_and_adjusted_closes_are_apart(source, yahoos):
    """Of 199 / 200 before the day ex dividend; what Yahoo has not is left out; prices are those decimals again."""
    bars = source.fetch("AAPL", MONDAY, FRIDAY_END)
    kept = np.delete(np.arange(len(yahoos.times)), 17)
    assert bars.times.tolist() == yahoos.times[kept].tolist()
    assert bars.values["close"].tolist() == yahoos.close[kept].tolist()
    before = bars.times < MONDAY + 2 * DAY
    expected = np.where(before, np.round(bars.values["close"] * (199 / 200), 6), bars.values["close"])
    assert bars.values["adj_close"].tolist() == expected.tolist()
    assert bars.values["volume"][:3].tolist() == [100.0, 101.0, 102.0]


def test_a_share_of_a_class_is_asked_for_by_yahoos_name(source, yahoos):
    assert len(source.fetch("BRK.B", MONDAY, FRIDAY_END).times) == len(yahoos.times) - 1
    assert {asked[0] for asked in yahoos.asked} == {"BRK-B"}


def test_minutes_are_asked_for_a_week_at_a_time_and_a_request_a_second(source, yahoos, monkeypatch):
    """By a clock that goes on a quarter of a second at each look: two looks are at each request."""
    monkeypatch.setattr("windrow.market.yahoo.time.monotonic", partial(next, count(100.0, 0.25)))
    source.fetch("AAPL", MONDAY - 10 * DAY, FRIDAY_END)
    spans = [(begin, end) for _, interval, begin, end in yahoos.asked if interval == "1m" and begin]
    assert spans == [
        ((MONDAY - 10 * DAY) // SECOND, (MONDAY - 3 * DAY) // SECOND),
        ((MONDAY - 3 * DAY) // SECOND, (MONDAY + 4 * DAY) // SECOND),
        ((MONDAY + 4 * DAY) // SECOND, FRIDAY_END // SECOND),
    ]
    assert source.pauses == [0.0, 0.75, 0.75, 0.75]


def test_a_bar_that_has_not_ended_is_not_collected(yahoos, tmp_path, monkeypatch):
    now = MONDAY + OPEN + 10 * MINUTE + 30 * SECOND
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda: now)
    (tmp_path / "sp.csv").write_text("symbol\nAAPL\n")
    assert cli.main(["collect", "--source", "yfinance", "--universe", "sp.csv", "--last", "30d", "--quiet"]) == 0
    found = sqlite3.connect("bars.db").execute("SELECT ts * 1000 FROM bars ORDER BY ts").fetchall()
    assert [time for (time,) in found] == yahoos.times[:10].tolist()


def test_the_row_of_now_is_no_bar(source, yahoos):
    """Where the minutes before it have no bar, yfinance does not join it with one."""
    yahoos.times = np.append(yahoos.times[:100], yahoos.times[99] + 2 * MINUTE + 20 * SECOND)
    yahoos.missing = set()
    assert source.fetch("AAPL", MONDAY, FRIDAY_END).times.tolist() == yahoos.times[:100].tolist()


def test_what_yahoo_drops_while_a_collector_is_at_work_is_not_asked_for(yahoos):
    """All that it keeps may be asked for: an hour later its begin is gone, and Yahoo would refuse the whole request."""
    now = FRIDAY_END + 3600 * SECOND
    Yahoo(MINUTE, now=lambda: now, pause=lambda _: None).fetch("AAPL", FRIDAY_END - 30 * DAY, FRIDAY_END)
    begins = [begin for _, interval, begin, _ in yahoos.asked if interval == "1m" and begin]
    assert begins[0] == (now - 30 * DAY) // SECOND + 60


def test_days_have_their_dates(yahoos):
    bars = Yahoo(DAY, now=lambda: FRIDAY_END, pause=lambda _: None).fetch("AAPL", MONDAY, FRIDAY_END)
    assert (bars.times - MONDAY).tolist() == [0, DAY, 2 * DAY, 4 * DAY]
    assert bars.values["adj_close"].tolist() == [199.0, 199.0, 200.0, 200.0]
    assert bars.values["close"].tolist() == [200.0] * 4


def test_a_symbol_that_yahoo_does_not_know_has_no_bars(source):
    assert len(source.fetch("GONE", MONDAY, FRIDAY_END).times) == 0


@pytest.mark.parametrize(
    ("answers", "told", "seconds"),
    [
        ([Answer("Too Many Requests\r\n", 429)] * 2, "Yahoo says that these are too many requests; wait an hour", 60.0),
        ([Answer("<html>", 502)] * 2, "Yahoo gives no answer that can be read (", 0.0),
        ([Answer("Will be right back")], "Yahoo gives no answer that can be read (YFDataException", 0.0),
    ],
)
def test_what_may_pass_is_asked_again(source, yahoos, answers, told, seconds):
    yahoos.failing = list(answers)
    with pytest.raises(TryLaterError) as error:
        source.fetch("AAPL", MONDAY, FRIDAY_END)
    assert told in str(error.value) and error.value.seconds == seconds


def test_a_span_that_yahoo_refuses_is_an_error(source, yahoos):
    words = "1m data not available for startTime=1 and endTime=2. The requested range must be within the last 30 days."
    refused = Answer({"chart": {"result": None, "error": {"code": "Unprocessable Entity", "description": words}}}, 422)
    yahoos.failing = [refused, refused]
    with pytest.raises(
        InputError, match=r"AAPL: Yahoo refuses: 1m data not available .* ask for other times by --last"
    ):
        source.fetch("AAPL", MONDAY, FRIDAY_END)


def test_an_interval_that_yahoo_has_not():
    with pytest.raises(UsageError, match=r"--interval 3min: Yahoo has no such bars; give one of 1min, 2min, 5min"):
        Yahoo(3 * MINUTE)


def test_minutes_are_kept_for_30_days():
    assert Yahoo(MINUTE).reach(100 * DAY) == 70 * DAY and Yahoo(DAY).reach(0) < -(10**18)


def test_without_yfinance(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(UsageError, match=r"needs the package yfinance; install it by: pip install 'windrow\[market\]'"):
        Yahoo(MINUTE)
