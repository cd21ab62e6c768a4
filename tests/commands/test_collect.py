"""`windrow collect`: inputs and made-up bars into a database, and what is asked for that cannot be."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.needs import require
from windrow import cli
from windrow.errors import InputError
from windrow.market.generated import Generated
from windrow.market.sources import TryLaterError
from windrow.market.universe import symbols_of
from windrow.sessions import Exchange
from windrow.times import SECOND

SAMPLE = ROOT / "data" / "bars.csv"
MINUTES = ROOT / "data" / "minute_bars.csv"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sp.csv").write_text("symbol,security\nAAA,A\nBRK.B,B\n")
    return tmp_path


def collected(*args):
    return cli.main(["collect", *map(str, args), "--quiet"])


def rows(path="bars.db", table="bars"):
    return sqlite3.connect(path).execute(f"SELECT * FROM {table} ORDER BY symbol, ts").fetchall()


SPAN = "; asked for 2025-11-24T00:00:00Z to 2025-11-29T00:00:00Z"
MADE = ("--source", "generator", "--universe", "sp.csv", "--until", "2025-11-28")


def test_made_up_bars_of_a_week_and_again(place, capsys):
    assert collected(*MADE, "--last", "5d") == 0
    first = rows()
    assert collected(*MADE, "--last", "5d") == 0
    assert rows() == first and len(first) == 2 * 1380
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "load 1: 2 symbols, 2,760 new bars, 0 revised, 0 as they were, in sqlite:///bars.db" + SPAN,
        "load 2: 2 symbols, 0 new bars, 0 revised, 2,760 as they were, in sqlite:///bars.db" + SPAN,
    ]
    assert collected(*MADE, "--from", "2025-11-24", "--seed", 1, "--to", "sqlite:///other.db") == 0
    assert [row[:2] for row in rows("other.db")] == [row[:2] for row in first] and rows("other.db") != first


def test_a_time_has_its_bar(place, capsys):
    """--last 2min began a nanosecond after a bar, and a load that went on, from the database, ended before one."""
    until = ("--source", "generator", "--universe", "sp.csv", "--until", "2025-11-28T14:33")
    for begin in (("--last", "2min"), ("--from", "2025-11-28T14:31")):
        assert collected(*until, *begin, "--to", f"sqlite:///{begin[0][2:]}.db") == 0
        times = [row[1] // 60_000_000 % 60 for row in rows(f"{begin[0][2:]}.db") if row[0] == "AAA"]
        assert times == [31, 32, 33]
        assert "; asked for 2025-11-28T14:31:00Z to 2025-11-28T14:34:00Z\n" in capsys.readouterr().out


def test_warnings_of_inputs_name_the_options_of_this_command(place, capsys):
    assert collected("--source", SAMPLE, "--universe", "sp.csv") == 0
    assert "no bar is of BRK.B; check how the inputs write them, and --from, --until and" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("symbols", "told"),
    [
        (["BRK.B", "MMM", "BRK-B"], "BRK.B and BRK-B are both BRK-B to Yahoo, and its bars would be there twice"),
        (["aapl", "AAPL"], "aapl and AAPL are both AAPL to Yahoo"),
        (["BRK/B"], "BRK/B is no symbol of Yahoo's, which are of letters, digits and ^ = & . - alone"),
        (["AAPL?range=max"], "AAPL?range=max is no symbol of Yahoo's"),
        (["A B"], "A B is no symbol of Yahoo's"),
    ],
)
def test_symbols_that_yahoo_has_not_are_refused(place, capsys, symbols, told):
    Path("sp.csv").write_text("\n".join(["symbol", *symbols]))
    assert told in refused(capsys, "--source", "yfinance", "--universe", "sp.csv") and not Path("bars.db").exists()


def test_the_end_is_the_last_day_that_has_ended(place, monkeypatch):
    """Of the week of Thanksgiving 2025, at noon of its Friday."""
    monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda: (1_764_288_000 + 43_200) * SECOND)
    assert collected("--source", "generator", "--universe", "sp.csv", "--last", "4d", "--interval", "1d") == 0
    assert [row[1] // 86_400_000_000 - 20_416 for row in rows() if row[0] == "AAA"] == [0, 1, 2]


def test_inputs_are_collected_with_the_columns_that_they_have(place):
    assert collected("--source", SAMPLE) == 0
    lines = [line.split(",") for line in SAMPLE.read_text().splitlines()]
    assert lines[0] == ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    found = [(row[0], *row[2:6], row[6], row[7]) for row in rows()]
    assert found == sorted(
        ((line[0], *map(float, line[2:6]), None, float(line[6])) for line in lines[1:]), key=lambda row: row[0]
    )


def test_what_was_collected_is_an_input_like_the_file(place, run_job):
    assert collected("--source", MINUTES) == 0
    ours, files = (run_job("--window", "5", path) for path in ("sqlite:///bars.db", MINUTES))
    assert ours.status == files.status == 0 and ours.lines == files.lines


def test_a_table_is_an_input_too(place):
    assert collected(*MADE, "--last", "5d") == 0
    assert collected("--source", "sqlite:///bars.db", "--symbols", "AAA", "--to", "sqlite:///copy.db?table=copies") == 0
    assert [row[:8] for row in rows("copy.db", "copies")] == [row[:8] for row in rows() if row[0] == "AAA"]


def test_inputs_of_a_universe_and_of_a_time(place):
    symbol = SAMPLE.read_text().splitlines()[1].split(",")[0]
    Path("one.csv").write_text(f"symbol\n{symbol}\n")
    assert collected("--source", SAMPLE, "--universe", "one.csv") == 0
    assert {row[0] for row in rows()} == {symbol}


def test_missing_minutes_of_inputs_are_told(place, capsys):
    assert collected(*MADE, "--last", "5d") == 0
    header = "symbol,timestamp,close\n"
    kept = [row for row in rows() if row[1] // 60_000_000 % 100]
    times = [f"{row[0]},{row[1] // 1_000_000},{row[5]}\n" for row in kept]
    Path("in.csv").write_text(header + "".join(times))
    capsys.readouterr()
    assert collected("--source", "in.csv", "--to", "sqlite:///in.db", "--calendar", "XNYS", "--time-unit", "s") == 0
    assert "missing: AAA: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "--source: is missing; give yfinance, generator, or an input, e.g. --source bars.csv"),
        (("--source", "generator"), "--source generator: needs the symbols; name a file with a column"),
        (("--source", "generator", "--source", "a.csv"), "generator is collected alone; run it once for each source"),
        ((*MADE, "--last", "7d", "--from", "2025-11-24"), "--last 7d: --from says when to begin; leave one"),
        ((*MADE, "--delimiter", ";"), "--delimiter: says how inputs are read, and --source is none; leave it out"),
        ((*MADE, "--symbols", "AAA"), "--symbols: chooses among those of inputs; name whom to"),
        ((*MADE, "--calendar", "-"), "--calendar -: made-up bars are in sessions; name an exchange, e.g. XNYS"),
        ((*MADE, "--calendar", "NYSE2"), "--calendar NYSE2: is not an exchange that exchange_calendars knows"),
        ((*MADE, "--interval", "7min"), "--interval 7min: bars are made of whole minutes, or of a day; give e.g."),
        ((*MADE, "--interval", "7x"), "duration '7x': a duration is a whole number and a unit"),
        ((*MADE, "--from", "2025-11-30"), "--from 2025-11-30 --until 2025-11-28: no time is in between"),
        ((*MADE, "--from", "soon"), "--from soon: is not a date or time"),
        (("--source", "generator", "--universe", "sp.csv", "--from", "2200-01-01"), "no bar has begun since and ended"),
        (("--source", SAMPLE, "--last", "7d"), "--last: is for --source yfinance and generator; leave it out"),
        (("--source", SAMPLE, "--seed", "7"), "--seed: is for --source yfinance and generator"),
        (("--source", SAMPLE, "--universe", "sp.csv", "--symbols", "A"), "--symbols says whom to take; leave one of"),
        (
            ("--source", "yfinance", "--universe", "sp.csv", "--last", "60d"),
            "--last 60d: yfinance keeps bars of 1min no longer than 30 days; ask for less, or for a longer --interval",
        ),
        (("--source", "yfinance", "--universe", "sp.csv", "--interval", "3min"), "Yahoo has no such bars; give one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(place, capsys, args, told):
    assert collected(*args) == 2
    assert told in capsys.readouterr().err and not Path("bars.db").exists()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((*MADE, "--to", "bars.db"), "bars.db: names no database; give sqlite:///FILE, mysql://USER@HOST/DATABASE or"),
        ((*MADE, "--to", "mysql://me:s3cret@h/d"), "has a password, which others could see; leave it out, and set"),
        ((*MADE, "--to", "sqlite:///no/bars.db"), "sqlite:///no/bars.db: there is no folder no; make it"),
        ((*MADE, "--universe", "none.csv"), "--universe none.csv: cannot be read: No such file or directory; give a"),
        (("--source", "none.csv"), "none.csv"),
        (("--source", "open.csv"), "columns are symbol, timestamp, open; call one so by --rename OLD=close"),
        (("--source", "two.csv"), "2 bars differ from another"),
        (("--source", "fine.csv"), "A at 2020-01-01T00:00:00.000000001Z: a table keeps microseconds; cut times to"),
        (("--source", SAMPLE, "--symbols", "NONE"), "no bar is left to collect; check --from, --until, --symbols and"),
        (("--source", "generator", "--universe", "sp.csv", "--until", "2025-11-30", "--last", "1d"),
         "the source has no bar of any of the 2 symbols from 2025-11-30T00:00:00Z to 2025-12-01T00:00:00Z; check"),
    ],
)  # fmt: skip
def test_what_cannot_be_collected_is_an_error(place, capsys, args, told):
    Path("open.csv").write_text("symbol,timestamp,open\nA,2020-01-01,1\n")
    Path("two.csv").write_text("symbol,timestamp,close\nA,2020-01-01,1\nA,2020-01-01,2\nA,2020-01-01,3\n")
    Path("fine.csv").write_text("symbol,timestamp,close\nA,2020-01-01T00:00:00.000000001Z,1\n")
    assert collected(*args) == 1
    err = capsys.readouterr().err
    assert told in err and "s3cret" not in err and err.count("error: ") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name_of_it\nA\n", "has no column 'symbol'; its columns are name_of_it; name one of them symbol in its first"),
        ("", "has no column 'symbol'; its columns are none; name one"),
        ("AAPL\nMSFT\n", "has no column 'symbol'; its columns are aapl; name"),
        ("Name,Sector\nApple,IT\n", "has no column 'symbol'; its columns are name, sector; name one of them symbol"),
        ("Symbol,Symbol\nA,B\n", "has two columns 'symbol'; leave one"),
        (
            "Security,Symbol\nApple, Inc.,AAPL\n",
            "line 2: has 3 fields, more than the first line's 2; put quotes around",
        ),
        ("symbol,security\nA,Aa\n,Bb\n", "line 3: has no symbol; give each company its symbol, or take the line out"),
        ('symbol\n"A\nB\n', "cannot be read: unexpected end of data; give a CSV file"),
        ("symbol\n\n", "has no symbol below its first line; add one a line"),
        (f"symbol\n{'A' * 65}\n", "a symbol has at most 64 characters"),
    ],
)
def test_a_file_without_symbols_is_refused(tmp_path, text, told):
    file = tmp_path / "sp.csv"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        symbols_of(file)
    assert told in str(error.value)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_universe_as_users_have_it(tmp_path, mark, encoding):
    """Wikipedia's table; words that a spreadsheet or pandas would take for something else are symbols."""
    header = ["Symbol", "Security", "GICS Sector", "GICS Sub-Industry", "Headquarters Location", "Date added", "CIK"]
    symbols = ["MMM", "BRK.B", "NAN", "TRUE", "1e5", "NA", "null", "aapl", "007", "BRK.B"]
    lines = [[symbol, "Aa, Inc.", "Energy", "", "Omaha; Nebraska", "1957-03-04", "1"] for symbol in symbols]
    text = mark.join(header) + "\r\n\r\n"
    for line in lines:
        text += mark.join(f'"{field}"' if {",", ";"} & set(field) else f"{field} " for field in line) + "\r\n"
    (tmp_path / "sp.csv").write_bytes((text + mark * 6 + "\r\n\n").encode(encoding))
    assert symbols_of(tmp_path / "sp.csv") == symbols[:-1]


def test_a_universe_from_a_pipe(tmp_path):
    """As by --universe <(cut -f 1 sp.tsv)."""
    read, write = os.pipe()
    os.write(write, b"symbol\nA\nB\n")
    os.close(write)
    assert symbols_of(Path(f"/dev/fd/{read}")) == ["A", "B"]
    os.close(read)


def test_a_server_that_refuses_the_password(mariadb, place, capsys, monkeypatch):
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "wrong-s3cret")
    assert collected(*MADE, "--last", "5d", "--to", mariadb.uri) == 1
    err = capsys.readouterr().err
    assert "refuses the login" in err and "WINDROW_SQL_PASSWORD" in err and "s3cret" not in err


def test_symbols_that_fail_are_told_and_the_status_says_so(place, capsys, monkeypatch):
    from windrow.market.generated import Generated

    real = Generated.fetch

    def fetch(self, symbol, since, until):
        if symbol == "AAA":
            raise InputError("AAA: no")
        return real(self, symbol, since, until)

    monkeypatch.setattr(Generated, "fetch", fetch)
    assert collected(*MADE, "--last", "5d") == 1
    told = "1 symbols were not collected, among them AAA: no; run the same command again within 12 hours: it goes on"
    assert told in capsys.readouterr().err and {row[0] for row in rows()} == {"BRK.B"}
    monkeypatch.setattr(Generated, "fetch", real)
    assert collected(*MADE, "--last", "5d") == 0
    assert "load 1: 1 symbols, 1,380 new bars" in capsys.readouterr().out and len(rows()) == 2760


def test_progress_says_how_many_are_done(place, monkeypatch):
    """How long the others take rich's bar says, and said another number than the one beside it."""
    from contextlib import contextmanager

    from windrow.commands import collect

    told = []

    @contextmanager
    def going(title, wanted):
        assert wanted
        yield lambda share, text: told.append((share, text))

    monkeypatch.setattr("windrow.console.meter.going", going)
    with collect._progress(quiet=False) as move:
        move(0, 30, 0)
        move(10, 30, 19_500)
    assert told == [(0.0, "0 of 30 symbols, 0 bars"), (1 / 3, "10 of 30 symbols, 19,500 bars")]


def refused(capsys, *args, status=1):
    assert collected(*args) == status
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_bars_of_another_interval_get_a_table_of_their_own(place, capsys):
    """They were mixed: a mean of minutes had days among them."""
    assert collected(*MADE, "--last", "5d") == 0
    before = rows()
    line = refused(capsys, *MADE, "--last", "5d", "--interval", "1d")
    assert "has bars of 1min, and these are of 1d, which no job could tell apart" in line
    assert "these are of 1d" in refused(capsys, "--source", SAMPLE)
    assert rows() == before
    assert collected(*MADE, "--last", "5d", "--interval", "60s") == collected("--source", MINUTES) == 0
    assert collected("--source", SAMPLE, "--to", "sqlite:///bars.db?table=days") == 0
    assert "has bars of 1d, and these are of 1min" in refused(
        capsys, "--source", MINUTES, "--to", "sqlite:///bars.db?table=days"
    )


def test_an_interval_that_is_no_whole_number_of_seconds_is_known_too(place, capsys):
    """It was read back from the words of a load, which have 500000000ns, a unit that no option takes."""
    seconds = "".join(f"A,2026-01-05T09:30:{n // 2:02}.{n % 2 * 5},1.5\n" for n in range(40))
    (place / "fine.csv").write_text("symbol,timestamp,close\n" + seconds)
    assert collected("--source", "fine.csv") == collected("--source", "fine.csv") == 0, capsys.readouterr().err
    assert "has bars of 500000000ns, and these are of 1min" in refused(capsys, *MADE, "--last", "5d")


def test_a_few_bars_have_an_interval_too(place, capsys):
    """Nine days and then minutes were one table; bars that are as far apart as it happens go into any."""
    days = [f"A,2024-01-{day:02},1\n" for day in (2, 3, 4, 5, 8, 9)]
    (place / "days.csv").write_text("symbol,timestamp,close\n" + "".join(days))
    (place / "some.csv").write_text("symbol,timestamp,close\n" + "".join(days[0:6:2]))
    assert collected("--source", "days.csv") == collected("--source", "some.csv") == 0
    assert "has bars of 1d, and these are of 1min" in refused(capsys, "--source", MINUTES)
    assert collected("--source", MINUTES, "--to", "sqlite:///minutes.db") == 0
    assert "these are of 1d" in refused(capsys, "--source", "days.csv", "--to", "sqlite:///minutes.db")


@pytest.mark.parametrize("table", ["windrow_outputs", "bars_loads", "Bars_Version", "x_watermarks"])
def test_no_bars_where_windrow_keeps_something_else(place, capsys, table):
    line = refused(capsys, "--source", SAMPLE, "--to", f"sqlite:///bars.db?table={table}")
    assert "is the name of a table beside the bars; name another by ?table=NAME" in line
    assert not (place / "bars.db").exists()


def test_a_condition_of_a_table_to_collect_into(place, capsys):
    line = refused(capsys, "--source", SAMPLE, "--to", "sqlite:///bars.db?where=symbol=AAA")
    assert "where= chooses rows to read, and collect writes; leave it out, or choose bars of inputs by --where" in line
    assert collected("--source", SAMPLE, "--where", "symbol=AAA") == 0 and len(rows()) == 250


def test_bars_without_a_close_are_left_out_and_told(place, capsys):
    text = SAMPLE.read_text().splitlines()
    text[3] = ",".join([*text[3].split(",")[:5], "", text[3].split(",")[6]])
    (place / "one.csv").write_text("\n".join(text) + "\n")
    assert collected("--source", "one.csv", "--max-missing", "0.05") == 0 and len(rows()) == 1249
    assert (
        "warning: 1 bars have no close, which every bar of a table needs; they are left out" in capsys.readouterr().err
    )
    assert collected("--source", "one.csv", "--max-missing", "0") == 1
    assert "1 bars: have no close, which every bar of a table needs, and --max-missing 0" in capsys.readouterr().err


def test_a_symbol_that_is_too_long_for_a_table(place, capsys):
    (place / "long.csv").write_text(f"symbol,timestamp,close\n{'A' * 65},2024-01-02,1\nB,2024-01-02,1\n")
    assert "a symbol has at most 64 characters" in refused(capsys, "--source", "long.csv")
    assert collected("--source", "long.csv", "--symbols", "B") == 0 and len(rows()) == 1


def test_symbols_of_a_universe_are_taken_as_they_are(place):
    """Of `A,B` both A and B were taken, and @B would have named a file."""
    (place / "odd.csv").write_text('symbol\n"A,B"\n@B\n')
    (place / "one.csv").write_text('symbol,timestamp,close\nA,2024-01-02,1\n"A,B",2024-01-02,2\n@B,2024-01-02,3\n')
    assert collected("--source", "one.csv", "--universe", "odd.csv") == 0
    assert [(row[0], row[5]) for row in rows()] == [("@B", 3.0), ("A,B", 2.0)]


def test_symbols_that_were_not_asked_for_are_counted(place, capsys, monkeypatch):
    """Three without an answer, and nine that had no turn: it said that three were not collected."""
    (place / "sp.csv").write_text("\n".join(["symbol", *(f"S{number}" for number in range(12))]))
    answers = dict.fromkeys(["S0", "S1", "S2"], True)

    def fetch(self, symbol, since, until):
        assert answers.pop(symbol)
        raise TryLaterError(f"{symbol}: no network")

    monkeypatch.setattr("windrow.market.generated.Generated.fetch", fetch)
    monkeypatch.setattr("windrow.market.collector.ATTEMPTS", 1)
    assert collected(*MADE, "--last", "5d") == 1
    shown = capsys.readouterr()
    assert "12 symbols were not collected, among them S0: no network; S1: no network" in shown.err
    assert "not collected: 3 symbols that failed, and 9 that were not asked for" in shown.out


@pytest.mark.parametrize("source", ["yfinance", "generator"])
def test_hours_are_collected_once_they_are_over(place, monkeypatch, source):
    """At 15:10 UTC, in winter, New York's first hour lasts until 15:30."""
    if source == "yfinance":
        require("yfinance")
        monkeypatch.setattr("windrow.market.yahoo.Yahoo.fetch", lambda self, *asked: made.fetch(*asked))
    made, friday = Generated(Exchange("XNYS"), 3600 * SECOND), 1_764_288_000 * SECOND
    asked = ("--source", source, "--universe", "sp.csv", "--interval", "1h", "--last", "2d")
    for clock, hours in (("15:10", 0), ("15:30", 1), ("17:59", 3), ("18:00", 4)):
        now = friday + (int(clock[:2]) * 60 + int(clock[3:])) * 60 * SECOND
        monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda now=now: now)
        assert collected(*asked) == 0
        assert len(rows()) == 2 * (6 + hours), clock  # and those of Wednesday
