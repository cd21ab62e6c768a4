"""Whatever happens to a collector, no bar is lost and none is there twice; what changed, or is missing, is told."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from itertools import count

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.sql.servers import DATABASES, SERVERS
from windrow.errors import InputError
from windrow.market import collector
from windrow.market.collector import Asked, collect
from windrow.market.gaps import grid
from windrow.market.generated import Generated
from windrow.market.loads import opened
from windrow.market.sources import Fetched, TryLaterError
from windrow.sessions import Exchange
from windrow.storage.sql.schema import MIGRATIONS
from windrow.storage.sql.uris import Place
from windrow.times import DAY, EARLIEST, SECOND

MINUTE = 60 * SECOND
#: The week of Thanksgiving 2025: four sessions, of which the last is half a day.
MONDAY = 1_763_942_400 * SECOND
FRIDAY_END = MONDAY + 5 * DAY
NOW = FRIDAY_END + 2 * DAY
SYMBOLS = [f"S{number:02}" for number in range(12)]
NEW_YORK = Exchange("XNYS")


class Canned:
    """A source of bars that a test may change; it counts what it is asked for."""

    name, interval = "canned", MINUTE

    def __init__(self, symbols=SYMBOLS, since=MONDAY, until=FRIDAY_END):
        real = Generated(NEW_YORK, MINUTE)
        self.bars = {symbol: real.fetch(symbol, since, until) for symbol in symbols}
        self.asked, self.fails, self.reached = [], {}, EARLIEST

    def reach(self, now):
        return self.reached

    def fetch(self, symbol, since, until):
        self.asked.append((symbol, since, until))
        if self.fails.get(symbol):
            raise self.fails[symbol].pop(0)
        bars = self.bars.get(symbol, Fetched(symbol, np.zeros(0, np.int64), {}))
        inside = (bars.times >= since) & (bars.times < until)
        return Fetched(symbol, bars.times[inside], {name: one[inside] for name, one in bars.values.items()})

    def change(self, symbol, rows, **values):
        bars = self.bars[symbol]
        columns = {name: column.copy() for name, column in bars.values.items()}
        for name, value in values.items():
            columns[name][rows] = value(columns[name][rows])
        self.bars[symbol] = bars._replace(values=columns)


def run(
    database, source, symbols=SYMBOLS, since=MONDAY, until=FRIDAY_END, now=NOW, words="a week", caught_up=False,
    trading=NEW_YORK,
):  # fmt: skip
    waits = []
    with opened(Place.of(database.uri)) as ledger:
        asked = Asked(words, symbols, since, until, caught_up)
        report = collect(ledger, source, asked, trading, sleep=waits.append, clock=lambda: now)
    report.waits = waits
    return report


def bars_in(database):
    """Symbol, time and values of all bars, in microseconds, in order."""
    rows = database.query("SELECT symbol, ts, open, high, low, close, adj_close, volume FROM bars")
    return sorted((one[0], microseconds(one[1]), *one[2:]) for one in rows)


def microseconds(time):
    return time if isinstance(time, int) else int(np.datetime64(time, "us").astype(np.int64))


def bars_of(source):
    found = []
    for symbol, bars in source.bars.items():
        columns = [bars.values[name].tolist() for name in ("open", "high", "low", "close", "adj_close", "volume")]
        found += zip([symbol] * len(bars.times), (bars.times // 1000).tolist(), *columns, strict=True)
    return sorted(found)


def test_bars_are_kept_as_they_are_and_again_nothing_changes(database):
    source = Canned()
    first, again = (run(database, source) for _ in range(2))
    assert bars_in(database) == bars_of(source)
    assert (first.inserted, first.revised, first.same) == (12 * 1380, 0, 0)
    assert (again.inserted, again.revised, again.same) == (0, 0, 12 * 1380)
    assert not first.gaps and not first.empty and not first.failed
    assert database.query("SELECT DISTINCT load_id FROM bars") == [(1,)]
    assert database.query("SELECT changes FROM bars_version") == [(len(MIGRATIONS) + 12,)]
    assert database.query("SELECT DISTINCT interval_ns FROM bars_loads") == [(MINUTE,)]


def test_what_changed_since_is_told_and_gets_the_loads_number(database):
    source = Canned()
    run(database, source)
    source.change("S03", slice(5, 8), close=lambda close: close * 1.001)
    source.change("S04", slice(None), close=lambda close: close / 4, volume=lambda volume: volume * 4)
    source.change("S05", slice(2), adj_close=lambda adjusted: adjusted * 0.99)
    report = run(database, source)
    assert bars_in(database) == bars_of(source)
    assert {symbol: one.bars for symbol, one in report.revisions.items()} == {"S03": 3, "S04": 1380, "S05": 2}
    times = source.bars["S03"].times
    assert report.revisions["S03"][1:3] == (times[5], times[7])
    told = [line for line in report.lines() if line.startswith("revised: ")]
    assert (
        "closes by 1.001 to 1.001" in told[0] and "3 bars from 2025-11-24T14:35:00Z to 2025-11-24T14:37:00Z" in told[0]
    )
    assert "all closes by the factor 0.25: a split? Bars before 2025-11-24T14:30:00Z are on the old scale" in told[1]
    assert dict(database.query("SELECT load_id, COUNT(*) FROM bars GROUP BY load_id")) == {
        1: 12 * 1380 - 1385, 2: 1385,
    }  # fmt: skip


def test_bars_that_become_known_later_are_put_between(database):
    source = Canned(SYMBOLS[:2])
    whole = source.bars["S00"]
    source.bars["S00"] = Fetched("S00", whole.times[::3], {name: one[::3] for name, one in whole.values.items()})
    run(database, source, SYMBOLS[:2])
    source.bars["S00"] = whole
    report = run(database, source, SYMBOLS[:2])
    assert (report.inserted, report.same) == (1380 - 460, 460 + 1380)
    assert bars_in(database) == bars_of(source)


def test_missing_bars_are_told(sqlite):
    source = Canned(["A", "B"])
    bars = source.bars["A"]
    kept = np.ones(1380, bool)
    kept[[10, 400, 401, 402, 1379]] = False
    source.bars["A"] = Fetched("A", bars.times[kept], {name: one[kept] for name, one in bars.values.items()})
    report = run(sqlite, source, ["A", "B"])
    assert list(report.gaps) == ["A"]
    assert report.gaps["A"][:4] == (5, 1380, 3, 3)
    assert report.gaps["A"][4:] == (bars.times[400], bars.times[402])
    assert any(
        line == "missing: A: 5 of 1,380 bars, in 3 sessions; the most in a row 3, 2025-11-25T14:40:00Z to"
        " 2025-11-25T14:42:00Z" for line in report.lines()
    )  # fmt: skip


def test_a_symbol_without_bars_is_told_and_all_without_are_an_error(sqlite):
    source = Canned(["A"])
    assert run(sqlite, source, ["A", "GONE"]).lines()[-1] == "no bars: GONE"
    with pytest.raises(InputError, match=r"no bar of any of the 2 symbols from 2025-11-24T00:00:00Z to"):
        run(sqlite, source, ["GONE", "LOST"])


def test_what_gives_no_answer_is_asked_again_ever_later(sqlite):
    source = Canned(["A", "B"])
    source.fails["A"] = [TryLaterError("A: the network"), TryLaterError("A: too many", 60.0)]
    report = run(sqlite, source, ["A", "B"])
    assert bars_in(sqlite) == bars_of(source) and not report.failed
    assert 0.5 <= report.waits[0] <= 1 and 60 <= report.waits[1] <= 120


def test_a_symbol_that_fails_is_left_and_the_same_command_goes_on_with_it(sqlite):
    source = Canned(["A", "B", "C"])
    source.fails["B"] = [InputError("B: has no column Close")]
    report = run(sqlite, source, ["A", "B", "C"])
    assert report.failed == {"B": "B: has no column Close"} and report.symbols == 2
    source.asked.clear()
    second = run(sqlite, source, ["A", "B", "C"], until=FRIDAY_END + DAY, now=NOW + DAY // 3)
    assert source.asked == [("B", MONDAY, FRIDAY_END)] and second.load.number == 1 and second.earlier == 2
    assert bars_in(sqlite) == bars_of(source)
    source.asked.clear()
    assert run(sqlite, source, ["A", "B", "C"]).load.number == 2 and len(source.asked) == 3


def test_a_load_that_was_broken_off_long_ago_begins_anew(sqlite):
    source = Canned(["A", "B"])
    source.fails["B"] = [InputError("B: no")]
    run(sqlite, source, ["A", "B"])
    source.asked.clear()
    assert run(sqlite, source, ["A", "B"], now=NOW + 3 * DAY).load.number == 2 and len(source.asked) == 2


def test_a_source_that_never_answers_is_given_up(sqlite):
    source = Canned()
    source.fails = {symbol: [TryLaterError(f"{symbol}: no")] * 9 for symbol in SYMBOLS}
    report = run(sqlite, source)
    assert len(report.failed) == 3 and len(source.asked) == 3 * collector.ATTEMPTS
    assert report.lines()[-1] == "not collected: 3 symbols that failed, and 9 that were not asked for"


def test_every_symbol_is_in_one_count_of_the_report(sqlite):
    """One was done before, one has bars, one has none, one fails, three get no answer, and the rest have no turn."""
    source = Canned(SYMBOLS[:2])
    source.fails = {symbol: [InputError(f"{symbol}: no")] for symbol in SYMBOLS[1:]}
    assert run(sqlite, source).left == 11
    source.fails = {symbol: [TryLaterError(f"{symbol}: no")] * 9 for symbol in SYMBOLS[4:8]}
    source.fails |= {"S03": [InputError("S03: no")], "S01": [], "S02": []}
    report = run(sqlite, source)
    assert (report.earlier, report.symbols, report.empty) == (1, 2, ["S02"])
    assert list(report.failed) == ["S03", "S04", "S05", "S06"] and report.unasked == 5
    assert report.earlier + report.symbols + len(report.failed) + report.unasked == len(SYMBOLS)


def test_a_load_of_nothing_is_over_and_the_same_command_asks_again(sqlite):
    """It said the second time that all symbols were done, and its status was 0."""
    source = Canned([])
    for _ in range(2):
        with pytest.raises(InputError, match="no bar of any of the 12 symbols"):
            run(sqlite, source)
    assert len(source.asked) == 24


def test_a_load_ends_when_it_ends(database):
    times = iter([NOW, NOW + 1234 * SECOND])
    with opened(Place.of(database.uri)) as ledger:
        collect(ledger, Canned(["A"]), Asked("x", ["A"], MONDAY, FRIDAY_END), NEW_YORK, clock=lambda: next(times))
    [(started, finished)] = database.query("SELECT started, finished FROM bars_loads")
    assert (microseconds(started), microseconds(finished)) == (NOW // 1000, (NOW + 1234 * SECOND) // 1000)


MONDAY_IN_JULY = 1_751_846_400 * SECOND  # clocks are an hour earlier then


@pytest.mark.parametrize(
    ("day", "clock", "bars"),
    [
        (MONDAY, "15:30:00", 1),
        (MONDAY, "16:29:59", 1),
        (MONDAY, "16:30:00", 2),
        (MONDAY, "20:59:59", 6),  # the last bar is half an hour
        (MONDAY, "21:00:00", 7),
        (MONDAY + 4 * DAY, "17:59:59", 3),  # half a day
        (MONDAY + 4 * DAY, "18:00:00", 4),
        (MONDAY_IN_JULY, "14:29:59", 0),
        (MONDAY_IN_JULY, "14:30:00", 1),
        (MONDAY_IN_JULY, "19:59:59", 6),
        (MONDAY_IN_JULY, "20:00:00", 7),
    ],
)
def test_an_hour_that_has_not_ended_is_left_out_and_not_missing(sqlite, day, clock, bars):
    """New York's hours begin at half past: that from 10:30 on was kept from 11:00 on, as it was then."""
    hours, minutes, seconds = map(int, clock.split(":"))
    now = day + (hours * 3600 + minutes * 60 + seconds) * SECOND
    source = Generated(NEW_YORK, 60 * MINUTE)
    report = run(sqlite, source, ["A"], day - 6 * DAY, now // MINUTE * MINUTE, now)
    whole = source.fetch("A", day, day + DAY)
    kept = [row[1] * 1000 for row in bars_in(sqlite) if row[1] * 1000 >= day]
    assert kept == whole.times[:bars].tolist() and not report.gaps


def test_without_sessions_an_hour_is_an_hour(sqlite):
    source = Generated(NEW_YORK, 60 * MINUTE)
    for clock, bars in ((21 * 60, 6), (21 * 60 + 30, 7)):
        now = MONDAY + clock * MINUTE
        run(sqlite, source, ["A"], MONDAY, now, now, words=str(clock), trading=None)
        assert len(bars_in(sqlite)) == bars


def test_a_missed_week_is_made_up_as_far_as_the_source_reaches(sqlite):
    source = Canned(["A", "B"], MONDAY - 28 * DAY)
    run(sqlite, source, ["A"], MONDAY - 21 * DAY, MONDAY - 16 * DAY)
    source.asked.clear()
    newest = microseconds(sqlite.query("SELECT MAX(ts) FROM bars")[0][0]) * 1000
    report = run(sqlite, source, ["A", "B"], words="later", caught_up=True)
    assert source.asked == [("A", newest, FRIDAY_END), ("B", MONDAY, FRIDAY_END)] and not report.unreached
    assert not report.gaps
    source.reached, source.asked = FRIDAY_END + 2 * DAY, []
    source.bars["A"] = Canned(["A"], FRIDAY_END, FRIDAY_END + 9 * DAY).bars["A"]
    until = FRIDAY_END + 9 * DAY
    late = run(sqlite, source, ["A"], until - 5 * DAY, until, until, words="much later", caught_up=True)
    assert source.asked == [("A", FRIDAY_END + 2 * DAY, FRIDAY_END + 9 * DAY)] and list(late.unreached) == ["A"]
    assert (
        "lost: A: its newest bar was of 2025-11-28T17:59:00Z, and the source does not reach back so far" in late.lines()
    )


def test_one_collector_at_a_time(database):
    with opened(Place.of(database.uri)):
        with pytest.raises(InputError, match="another collector is at work on it; wait until it is done, or end it"):
            run(database, Canned())
        run(type(database)(database.table("others"), None, None), Canned())  # of another table
    run(database, Canned())


def test_a_symbol_is_there_for_others_before_the_next_is_asked_for(database):
    source, seen = Canned(), []
    real = source.fetch

    def fetch(*asked):
        seen.append(len(bars_in(database)) if seen else 0)
        return real(*asked)

    source.fetch = fetch
    run(database, source)
    assert seen == [number * 1380 for number in range(12)]


@pytest.mark.parametrize("server", SERVERS)
def test_two_that_are_at_work_at_once_all_the_same_count_each_bar_once(server, request, monkeypatch):
    """As where a server takes long to notice that a connection is lost: then the watermark's row holds them apart."""
    database, source = request.getfixturevalue(server), Canned()
    run(database, Canned(["X"]), ["X"], words="tables")
    monkeypatch.setattr("windrow.market.loads.locked", lambda *_: nullcontext())
    reports, together = [], threading.Barrier(2)

    def one(words):
        together.wait()
        reports.append(run(database, source, words=words))

    both = [threading.Thread(target=one, args=(words,)) for words in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(reports) == 2 and sum(report.inserted for report in reports) == 12 * 1380
    assert [row for row in bars_in(database) if row[0] != "X"] == bars_of(source)


# Faults.


class Cutting:
    """A way to a server that is cut at statements that a test chooses, before or after the server did them."""

    def __init__(self, port, chosen):
        self.to, self.chosen, self.cuts = port, chosen, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            cut = threading.Event()
            for one, other, watched in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(one, other, watched, cut), daemon=True).start()

    def _pass(self, one, other, watched, cut):
        with one, other:
            try:
                while data := one.recv(1 << 16):
                    if not watched and cut.is_set():
                        return  # the answer is lost
                    if watched and (when := self.chosen(data)):
                        self.cuts += 1
                        if when == "before":
                            return
                        cut.set()
                    other.sendall(data)
            except OSError:
                pass
            finally:
                for side in (one, other):
                    with suppress(OSError):
                        side.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut(database, chosen):
    """The database, reached in a way that is cut."""
    port = int(database.uri.rpartition("/")[0].rpartition(":")[2])
    way = Cutting(port, chosen)
    try:
        yield type(database)(database.uri.replace(f":{port}/", f":{way.port}/"), database.password, None), way
    finally:
        way.listening.close()


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_is_lost_at_a_commit(server, when, request):
    """After it: the bars are in, and the collector knows, and counts them once."""
    database, source = request.getfixturevalue(server), Canned()
    rng, number = random.Random(1), count()

    def chosen(data):  # what makes the tables is not tried again
        return when if b"COMMIT" in data and next(number) > 4 and rng.random() < 0.15 else None

    with cut(database, chosen) as (away, way):
        report = run(away, source)
    assert way.cuts >= 2
    assert bars_in(database) == bars_of(source)
    assert (report.inserted, report.same, report.revised) == (12 * 1380, 0, 0)
    assert database.query("SELECT inserted, revised, transactions FROM bars_loads") == [(12 * 1380, 0, 12)]


@pytest.mark.parametrize("server", SERVERS)
def test_a_connection_that_is_lost_anywhere(server, request):
    database, source, rng = request.getfixturevalue(server), Canned(), random.Random(7)

    def chosen(data):
        return rng.choice(["before", "after"]) if started and rng.random() < 0.04 else None

    started = []
    run(database, Canned(["X"]), ["X"])
    database.query("DELETE FROM bars")
    with cut(database, chosen) as (away, way):
        started.append(True)
        for _ in range(20):
            try:
                report = run(away, source)
            except InputError:  # before the first symbol, which is not tried again
                continue
            if not report.failed:
                break
    assert way.cuts >= 2 and bars_in(database) == bars_of(source)
    assert database.query("SELECT SUM(inserted) FROM bars_loads") == [(13 * 1380,)]


def command(uri, universe):
    return [
        sys.executable, "-m", "windrow.cli", "collect", "--source", "generator", "--universe", str(universe),
        "--to", uri, "--last", "5d", "--until", "2025-11-28", "--quiet",
    ]  # fmt: skip


def done_of(database):
    """How many symbols have bars."""
    return database.query("SELECT COUNT(*) FROM bars_watermarks WHERE upto IS NOT NULL")[0][0]


@pytest.mark.processes
@pytest.mark.parametrize("server", DATABASES[:2])
def test_collectors_that_are_killed_and_two_at_once(server, request, tmp_path):
    database, rng = request.getfixturevalue(server), random.Random(3)
    symbols = [f"S{number:03}" for number in range(60)]
    universe = tmp_path / "universe.csv"
    universe.write_text("\n".join(["symbol", *symbols]) + "\n")
    environment = {**os.environ, **database.environment}
    run(database, Canned(["S000"]), ["S000"], words="tables")
    killed = 0
    for attempt in range(30):
        pair = [
            subprocess.Popen(command(database.uri, universe), stderr=subprocess.PIPE, env=environment, cwd=ROOT)
            for _ in range(1 + attempt % 2)
        ]
        if killed < 3:
            upto = done_of(database) + rng.randrange(1, 8)
            while done_of(database) < upto and any(one.poll() is None for one in pair):
                time.sleep(0.005)
            killed += any(one.poll() is None for one in pair)
            for one in pair:
                one.send_signal(signal.SIGKILL)
        told = [one.communicate()[1].decode() for one in pair]
        assert all("Traceback" not in text for text in told), told
        assert all(not text or "another collector is at work" in text for text in told), told
        if any(one.returncode == 0 for one in pair):
            break
    source = Canned(symbols)
    assert killed == 3 and bars_in(database) == bars_of(source)
    watermark = source.bars["S000"].times[-1] // 1000
    assert {microseconds(time) for (time,) in database.query("SELECT upto FROM bars_watermarks")} == {watermark}
    assert database.query("SELECT SUM(inserted), SUM(revised) FROM bars_loads") == [(60 * 1380, 0)]


def test_what_is_made_up_is_the_same_in_any_pieces():
    source = Generated(NEW_YORK, MINUTE, seed=3)
    whole = source.fetch("A", MONDAY, FRIDAY_END)
    times, _ = grid(NEW_YORK, MONDAY, FRIDAY_END, MINUTE)
    assert whole.times.tolist() == times.tolist()
    for begin, end in ((MONDAY + DAY, MONDAY + 2 * DAY + 54_321 * SECOND), (MONDAY + 4 * DAY, FRIDAY_END)):
        part = source.fetch("A", begin, end)
        inside = (times >= begin) & (times < end)
        assert part.times.tolist() == times[inside].tolist()
        assert all((part.values[name] == whole.values[name][inside]).all() for name in part.values)
    low, high = whole.values["low"], whole.values["high"]
    assert all(((low <= whole.values[name]) & (whole.values[name] <= high)).all() for name in ("open", "close"))
    other = Generated(NEW_YORK, MINUTE, seed=4).fetch("A", MONDAY, FRIDAY_END)
    assert (other.values["close"] != whole.values["close"]).any()
    assert (whole.values["adj_close"] <= whole.values["close"]).all()


def test_sessions_of_made_up_bars_are_the_exchanges():
    """The change of clocks on 2025-11-02, and half a day on 2025-11-28, by exchange_calendars itself."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="2025-10-01", end="2025-12-31")
    expected = calendar.minutes_in_range("2025-10-20", "2025-12-05").tz_localize(None).as_unit("ns").asi8
    since, until = 1_760_918_400 * SECOND, 1_764_892_800 * SECOND
    assert Generated(NEW_YORK, MINUTE).fetch("A", since, until).times.tolist() == expected.tolist()
